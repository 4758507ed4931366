//! Asking for a code that sets a new password.

use askama::Template;

use crate::web::{
    forms::{form::Form, phone_input::PhoneOnly},
    request::{sent_sms::SmsPurpose, visit::Visit},
    view::page::{Page, PageResult},
};

#[derive(Template)]
#[template(path = "pages/reset_password_phone.html")]
struct ResetPasswordPhone {
    visit: Visit,
    form: Form<PhoneOnly>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    if !visit.auth().capabilities().confirm_phone {
        return Ok(visit.go("/reset-password"));
    }
    ResetPasswordPhone { visit, form: Form::blank() }.ok()
}

/// Sends a code. The next page is the same whether or not there is such an account (S03).
pub(crate) async fn submit(visit: Visit, form: Form<PhoneOnly>) -> PageResult {
    let phone = form.phone().cloned();
    match form
        .submit(|fields| visit.auth().send_reset_password_code(visit.caller(), fields.phone))
        .await?
    {
        Ok(()) => {
            visit.wait_for_sms(SmsPurpose::ResetPassword, phone.as_ref());
            Ok(visit.go("/reset-password/phone/choose"))
        }
        Err(form) => form.again(|form| ResetPasswordPhone { visit, form }),
    }
}
