//! Signing in with email address and password.

pub(in crate::web) mod authenticator;
pub(in crate::web) mod choose_password;
pub(in crate::web) mod choose_password_phone;
pub(in crate::web) mod email_code;
pub(in crate::web) mod magic_link;
pub(in crate::web) mod provider;
pub(in crate::web) mod recovery_code;
pub(in crate::web) mod reset_password;
pub(in crate::web) mod reset_password_phone;
pub(in crate::web) mod second_factor;
pub(in crate::web) mod sign_in_code;
pub(in crate::web) mod sign_in_code_enter;
pub(in crate::web) mod sign_in_phone;
pub(in crate::web) mod two_factor;

use askama::Template;

use crate::{
    port::{Code, Password},
    web::{
        forms::{
            form::{Form, FormFields},
            form_data::{FormData, Input},
        },
        request::visit::Visit,
        view::page::{Page, PageResult},
    },
};

#[derive(Template)]
#[template(path = "pages/sign_in.html")]
struct SignInPage {
    visit: Visit,
    form: Form<SignInForm>,
}

pub(crate) struct SignInForm {
    email: String,
    password: Password,
}

impl FormFields for SignInForm {
    const INPUTS: &'static [Input] = &[Input::Line("email"), Input::Secret("password")];

    fn read(form_data: &mut FormData) -> Self {
        Self { email: form_data.line("email"), password: form_data.secret("password") }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    SignInPage { visit, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<SignInForm>) -> PageResult {
    let sign_in = |fields: SignInForm| {
        visit.auth().sign_in_with_email(visit.caller(), fields.email, fields.password)
    };
    match form.submit(sign_in).await? {
        Ok(sign_in_outcome) => visit.enter(&sign_in_outcome, None),
        Err(form) => form.again(|form| SignInPage { visit, form }),
    }
}

impl SignInPage {
    /// Whether the password was right and only the address waits for its proof: then the link can
    /// be sent again.
    fn unverified(&self) -> bool {
        self.form.is(Code::EmailNotVerified)
    }
}
