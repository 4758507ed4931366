//! Asking for a sign-in link by email.

use askama::Template;

use crate::web::{
    forms::form::{EmailOnly, Form},
    request::{session::JourneyKind, visit::Visit},
    view::page::{Page, PageResult},
};

#[derive(Template)]
#[template(path = "pages/magic_link.html")]
struct MagicLink {
    visit: Visit,
    form: Form<EmailOnly>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    MagicLink { visit, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<EmailOnly>) -> PageResult {
    let email = form.value("email").to_owned();
    match form
        .submit(|fields| visit.auth().send_magic_link_email(visit.caller(), fields.email))
        .await?
    {
        Ok(()) => {
            visit.session().begin_journey(JourneyKind::MagicLink, &email);
            Ok(visit.go("/check-inbox"))
        }
        Err(form) => form.again(|form| MagicLink { visit, form }),
    }
}
