//! Asking for a code that sets a new password.

use askama::Template;

use crate::web::{
    form::Form,
    number::NumberOnly,
    page::{Page, PageResult},
    texted::TextedFor,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "pages/reset_password_phone.html")]
struct ResetPasswordPhone {
    visit: Visit,
    form: Form<NumberOnly>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    if !visit.auth().offers().confirm_phone {
        return Ok(visit.go("/reset-password"));
    }
    ResetPasswordPhone { visit, form: Form::blank() }.ok()
}

/// Sends a code. The next page is the same whether or not there is such an account (SECURITY.md S03).
pub(crate) async fn submit(visit: Visit, form: Form<NumberOnly>) -> PageResult {
    let phone = form.phone().cloned();
    match form.submit(|fields| visit.auth().send_reset_password_code(visit.caller(), fields.phone)).await? {
        Ok(()) => {
            visit.wait_for_text(TextedFor::ResetPassword, phone.as_ref());
            Ok(visit.go("/reset-password/phone/choose"))
        }
        Err(form) => form.again(|form| ResetPasswordPhone { visit, form }),
    }
}
