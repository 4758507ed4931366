//! The code beside the link in an email, typed where the email was asked for: on "check your
//! inbox".
//!
//! A right code brings what opening the link brings, and goes the same way from there
//! (`auth_redirect`).

use super::super::{auth_redirect, sign_up::check_inbox};
use crate::{
    port::{AccessToken, EmailedFor, Outcome},
    web::{
        forms::{
            form::{Form, FormFields},
            form_data::{FormData, Input},
        },
        request::{
            session::{Journey, JourneyKind, LinkAction, PendingLink},
            visit::Visit,
        },
        view::page::PageResult,
    },
};

/// Inputs of the form.
pub(crate) struct EmailCode {
    pub(crate) code: String,
}

impl FormFields for EmailCode {
    const INPUTS: &'static [Input] = &[Input::Line("code")];

    fn read(form_data: &mut FormData) -> Self {
        Self { code: form_data.line("code") }
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<EmailCode>) -> PageResult {
    let Some(journey) = check_inbox::running(&visit) else { return Ok(visit.go("/sign-in")) };
    match form.submit(|form_data| open(&visit, &journey, form_data.code)).await? {
        Ok(token) => {
            let pending_link = PendingLink::entered(action_of(journey.kind), token.expose());
            Ok(auth_redirect::clean(&visit, &pending_link))
        }
        Err(form) => check_inbox::wrong_code(visit, journey, form),
    }
}

async fn open(visit: &Visit, journey: &Journey, code: String) -> Outcome<AccessToken> {
    let emailed_for = match journey.kind {
        JourneyKind::ResetPassword => EmailedFor::ResetPassword,
        JourneyKind::SignUp | JourneyKind::MagicLink | JourneyKind::ChangeEmail => {
            EmailedFor::SignIn
        }
    };
    visit.auth().open_email_code(visit.caller(), emailed_for, journey.email.clone(), code).await
}

fn action_of(kind: JourneyKind) -> LinkAction {
    match kind {
        JourneyKind::SignUp => LinkAction::EmailConfirm,
        JourneyKind::MagicLink => LinkAction::MagicLink,
        JourneyKind::ResetPassword => LinkAction::ResetPassword,
        JourneyKind::ChangeEmail => LinkAction::ChangeEmail,
    }
}
