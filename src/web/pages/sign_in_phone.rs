//! Signing in with phone number and password.

use askama::Template;

use crate::{
    port::{Code, Password},
    web::{
        form::{Fields, Form},
        number::{COUNTRY, PHONE, number, number_of},
        page::{Page, PageResult},
        typed::{Input, Typed},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/sign_in_phone.html")]
struct SignInPhone {
    visit: Visit,
    form: Form<Credentials>,
}

pub(crate) struct Credentials {
    phone: String,
    password: Password,
}

impl Fields for Credentials {
    const INPUTS: &'static [Input] = &[COUNTRY, PHONE, Input::Secret("password")];

    fn read(typed: &mut Typed) -> Self {
        Self { phone: number(typed), password: typed.secret("password") }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    SignInPhone { visit, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<Credentials>) -> PageResult {
    let sign_in = |fields: Credentials| visit.auth().sign_in_with_phone(visit.caller(), fields.phone, fields.password);
    match form.submit(sign_in).await? {
        Ok(entrance) => visit.enter(&entrance, None),
        Err(form) => form.again(|form| SignInPhone { visit, form }),
    }
}

impl SignInPhone {
    /// Whether the password was right and only the number waits for its proof: then a code can be sent.
    fn unproved(&self) -> bool {
        self.form.is(Code::PhoneNotVerified)
    }

    fn number(&self) -> String {
        number_of(&self.form)
    }
}
