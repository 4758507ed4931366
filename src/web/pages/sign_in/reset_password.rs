//! Asking for a link that sets a new password.

use askama::Template;

use crate::web::{
    forms::form::{EmailOnly, Form},
    request::{session::JourneyKind, visit::Visit},
    view::page::{Page, PageResult},
};

#[derive(Template)]
#[template(path = "pages/reset_password.html")]
struct ResetPasswordPage {
    visit: Visit,
    form: Form<EmailOnly>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    ResetPasswordPage { visit, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<EmailOnly>) -> PageResult {
    let email = form.value("email").to_owned();
    match form
        .submit(|fields| visit.auth().send_reset_password_email(visit.caller(), fields.email))
        .await?
    {
        Ok(()) => {
            visit.session().begin_journey(JourneyKind::ResetPassword, &email);
            Ok(visit.go("/check-inbox"))
        }
        Err(form) => form.again(|form| ResetPasswordPage { visit, form }),
    }
}
