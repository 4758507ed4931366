//! Signing in with a code by SMS, first step: where to send it.

use askama::Template;

use crate::web::{
    forms::{form::Form, phone_input::PhoneOnly},
    request::{sent_sms::SmsPurpose, visit::Visit},
    view::page::{Page, PageResult},
};

#[derive(Template)]
#[template(path = "pages/sign_in_code.html")]
struct SignInCode {
    visit: Visit,
    form: Form<PhoneOnly>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    if !visit.auth().capabilities().sign_in_codes {
        return Ok(visit.go("/sign-in"));
    }
    SignInCode { visit, form: Form::blank() }.ok()
}

/// Sends a code. The next page is the same whether or not there is such an account (S05).
pub(crate) async fn submit(visit: Visit, form: Form<PhoneOnly>) -> PageResult {
    let phone = form.phone().cloned();
    match form.submit(|fields| visit.auth().send_sign_in_code(visit.caller(), fields.phone)).await?
    {
        Ok(()) => {
            visit.wait_for_sms(SmsPurpose::SignIn, phone.as_ref());
            Ok(visit.go("/sign-in/code/enter"))
        }
        Err(form) => form.again(|form| SignInCode { visit, form }),
    }
}
