//! Signing in with e-mail address and password.

use askama::Template;

use crate::{
    port::{Code, Password},
    web::{
        form::{Fields, Form},
        page::{Page, PageResult},
        typed::{Input, Typed},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/sign_in.html")]
struct SignIn {
    visit: Visit,
    form: Form<Credentials>,
}

pub(crate) struct Credentials {
    email: String,
    password: Password,
}

impl Fields for Credentials {
    const INPUTS: &'static [Input] = &[Input::Line("email"), Input::Secret("password")];

    fn read(typed: &mut Typed) -> Self {
        Self { email: typed.line("email"), password: typed.secret("password") }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    SignIn { visit, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<Credentials>) -> PageResult {
    let sign_in = |fields: Credentials| visit.auth().sign_in_with_email(visit.caller(), fields.email, fields.password);
    match form.submit(sign_in).await? {
        Ok(entrance) => visit.enter(&entrance, None),
        Err(form) => form.again(|form| SignIn { visit, form }),
    }
}

impl SignIn {
    /// Whether the password was right and only the address waits for its proof: then the link can be sent again.
    fn unproved(&self) -> bool {
        self.form.is(Code::EmailNotVerified)
    }
}
