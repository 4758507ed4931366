//! The code beside the link in a mail, typed where the mail was asked for: on "check your inbox".
//!
//! A right code brings what opening the link brings, and goes the same way from there (`auth_redirect`).

use super::{auth_redirect, check_inbox};
use crate::{
    port::{AccessToken, MailedFor, Outcome},
    web::{
        form::{Fields, Form},
        page::PageResult,
        session::{Action, Arrival, Journey, JourneyKind},
        typed::{Input, Typed},
        visit::Visit,
    },
};

/// What is typed.
pub(crate) struct MailCode {
    pub(crate) code: String,
}

impl Fields for MailCode {
    const INPUTS: &'static [Input] = &[Input::Line("code")];

    fn read(typed: &mut Typed) -> Self {
        Self { code: typed.line("code") }
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<MailCode>) -> PageResult {
    let Some(journey) = check_inbox::running(&visit) else { return Ok(visit.go("/sign-in")) };
    match form.submit(|typed| open(&visit, &journey, typed.code)).await? {
        Ok(token) => {
            let arrival = Arrival::typed(action_of(journey.kind), token.expose());
            Ok(auth_redirect::clean(&visit, &arrival))
        }
        Err(form) => check_inbox::wrong_code(visit, journey, form),
    }
}

async fn open(visit: &Visit, journey: &Journey, code: String) -> Outcome<AccessToken> {
    let mailed_for = match journey.kind {
        JourneyKind::ResetPassword => MailedFor::ResetPassword,
        JourneyKind::SignUp | JourneyKind::MagicLink | JourneyKind::ChangeEmail => MailedFor::SignIn,
    };
    visit.auth().open_mail_code(visit.caller(), mailed_for, journey.email.clone(), code).await
}

fn action_of(kind: JourneyKind) -> Action {
    match kind {
        JourneyKind::SignUp => Action::EmailConfirm,
        JourneyKind::MagicLink => Action::MagicLink,
        JourneyKind::ResetPassword => Action::ResetPassword,
        JourneyKind::ChangeEmail => Action::ChangeEmail,
    }
}
