//! Signing in with phone number and password.

use askama::Template;

use crate::{
    port::{Code, Password},
    web::{
        forms::{
            form::{Form, FormFields},
            form_data::{FormData, Input},
            phone_input::{COUNTRY, PHONE, number, phone_input_of},
        },
        request::visit::Visit,
        view::page::{Page, PageResult},
    },
};

#[derive(Template)]
#[template(path = "pages/sign_in_phone.html")]
struct SignInPhone {
    visit: Visit,
    form: Form<PhoneSignInForm>,
}

pub(crate) struct PhoneSignInForm {
    phone: String,
    password: Password,
}

impl FormFields for PhoneSignInForm {
    const INPUTS: &'static [Input] = &[COUNTRY, PHONE, Input::Secret("password")];

    fn read(form_data: &mut FormData) -> Self {
        Self { phone: number(form_data), password: form_data.secret("password") }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    SignInPhone { visit, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<PhoneSignInForm>) -> PageResult {
    let sign_in = |fields: PhoneSignInForm| {
        visit.auth().sign_in_with_phone(visit.caller(), fields.phone, fields.password)
    };
    match form.submit(sign_in).await? {
        Ok(sign_in_outcome) => visit.enter(&sign_in_outcome, None),
        Err(form) => form.again(|form| SignInPhone { visit, form }),
    }
}

impl SignInPhone {
    /// Whether the password was right and only the number waits for its proof: then a code can be
    /// sent.
    fn unverified(&self) -> bool {
        self.form.is(Code::PhoneNotVerified)
    }

    fn number(&self) -> String {
        phone_input_of(&self.form)
    }
}
