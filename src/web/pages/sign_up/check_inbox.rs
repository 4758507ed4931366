//! "Check your inbox": where the email went, send it again, and for a sign-up correct a mistyped
//! address.

use askama::Template;

use super::super::sign_in::email_code::EmailCode;
use crate::{
    port::{Code, Outcome},
    web::{
        forms::form::{EmailOnly, Form},
        request::{
            session::{Journey, JourneyKind},
            visit::Visit,
        },
        view::{
            notice::Notice,
            page::{Page, PageResult},
        },
    },
};

#[derive(Template)]
#[template(path = "pages/check_inbox.html")]
struct CheckInbox {
    visit: Visit,
    journey: Journey,
    code: Form<EmailCode>,
    resend: Form<EmailOnly>,
    correct: Form<EmailOnly>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match running(&visit) {
        Some(journey) => CheckInbox::of(visit, journey).ok(),
        None => Ok(visit.go("/")),
    }
}

/// The journey that waits for its email on this page. A change of address waits on a page of its
/// own.
pub(in crate::web::pages) fn running(visit: &Visit) -> Option<Journey> {
    visit.session().journey().filter(|journey| journey.kind != JourneyKind::ChangeEmail)
}

/// The page again, with what is wrong with the code.
pub(in crate::web::pages) fn wrong_code(
    visit: Visit,
    journey: Journey,
    code: Form<EmailCode>,
) -> PageResult {
    code.again(|code| CheckInbox { code, ..CheckInbox::of(visit, journey) })
}

/// Sends the email of the running journey again; with an address, the confirmation of a sign-up,
/// from wherever that is asked.
pub(crate) async fn resend(visit: Visit, form: Form<EmailOnly>) -> PageResult {
    let journey = match form.value("email") {
        "" => running(&visit),
        email => Some(Journey { kind: JourneyKind::SignUp, email: email.to_owned() }),
    };
    let Some(journey) = journey else { return Ok(visit.go("/sign-in")) };
    match form.submit(|_| send(&visit, &journey)).await? {
        Ok(()) => {
            visit.session().begin_journey(journey.kind, &journey.email);
            Ok(visit.go_saying("/check-inbox", Notice::EmailSentAgain))
        }
        Err(resend) => {
            resend.again(|resend| CheckInbox { resend, ..CheckInbox::of(visit, journey) })
        }
    }
}

pub(crate) async fn correct(visit: Visit, form: Form<EmailOnly>) -> PageResult {
    let journey = visit.session().journey().filter(|journey| journey.kind == JourneyKind::SignUp);
    let Some(journey) = journey else { return Ok(visit.go("/")) };
    let (old, new) = (journey.email.clone(), form.value("email").to_owned());
    match form
        .submit(|fields| visit.auth().correct_sign_up_email(visit.caller(), old, fields.email))
        .await?
    {
        Ok(()) => {
            visit.session().begin_journey(JourneyKind::SignUp, &new);
            Ok(visit.go_saying("/check-inbox", Notice::EmailSentToNewAddress))
        }
        Err(correct) => {
            correct.again(|correct| CheckInbox { correct, ..CheckInbox::of(visit, journey) })
        }
    }
}

async fn send(visit: &Visit, journey: &Journey) -> Outcome<()> {
    let (auth, caller, email) = (visit.auth(), visit.caller(), journey.email.clone());
    match journey.kind {
        JourneyKind::SignUp => auth.resend_verification_email(caller, email).await,
        JourneyKind::MagicLink => auth.send_magic_link_email(caller, email).await,
        JourneyKind::ResetPassword => auth.send_reset_password_email(caller, email).await,
        JourneyKind::ChangeEmail => Err(Code::NothingToCorrect.into()),
    }
}

impl CheckInbox {
    fn of(visit: Visit, journey: Journey) -> Self {
        Self { visit, journey, code: Form::blank(), resend: Form::blank(), correct: Form::blank() }
    }

    /// Whether the email has a code to type here.
    fn has_code(&self) -> bool {
        self.visit.auth().capabilities().email_codes
    }

    /// Label of the button.
    fn button(&self) -> &'static str {
        match self.journey.kind {
            JourneyKind::SignUp => "Confirm my address",
            JourneyKind::ResetPassword => "Choose a new password",
            JourneyKind::MagicLink | JourneyKind::ChangeEmail => "Sign in",
        }
    }

    /// Purpose of the link in the email, as the end of a sentence.
    fn purpose(&self) -> &'static str {
        match self.journey.kind {
            JourneyKind::SignUp => "confirms your address and signs you in",
            JourneyKind::MagicLink => "signs you in",
            JourneyKind::ResetPassword => "lets you choose a new password",
            JourneyKind::ChangeEmail => "moves your account there",
        }
    }

    /// Whether nothing may be said about there being an account.
    fn may_be_unknown(&self) -> bool {
        self.journey.kind != JourneyKind::SignUp
    }

    /// Whether the address can still be corrected: a sign-up waits for its proof.
    fn correctable(&self) -> bool {
        self.journey.kind == JourneyKind::SignUp
    }

    fn has_dev_inbox(&self) -> bool {
        self.visit.site().dev_inbox.is_some()
    }

    /// How long the link lives, where the email does not say it better.
    fn lifetime(&self) -> Option<String> {
        match (self.journey.kind, self.visit.auth().capabilities().link_minutes) {
            (JourneyKind::SignUp, _) => None,
            (_, 60) => Some("one hour".to_owned()),
            (_, minutes) => Some(format!("{minutes} minutes")),
        }
    }
}
