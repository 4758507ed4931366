//! Moving the account to another address.

use askama::Template;

use super::mail_code::MailCode;
use crate::{
    port::{Code, Password},
    web::{
        form::{Fields, Form},
        notice::Notice,
        page::{Page, PageResult},
        session::JourneyKind,
        typed::{Input, Typed},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/profile_email.html")]
struct ProfileEmail {
    visit: Visit,
    form: Form<NewEmail>,
    code: Form<MailCode>,
}

/// What is asked for.
pub(crate) struct NewEmail {
    email: String,
    current_password: Option<Password>,
}

impl Fields for NewEmail {
    const INPUTS: &'static [Input] = &[Input::Line("email")];

    fn read(typed: &mut Typed) -> Self {
        Self { email: typed.line("email"), current_password: typed.proof() }
    }
}

/// The form.
pub(crate) async fn show(visit: Visit) -> PageResult {
    ProfileEmail { visit, form: Form::blank(), code: Form::blank() }.ok()
}

/// Mails a link to the new address.
pub(crate) async fn submit(visit: Visit, form: Form<NewEmail>) -> PageResult {
    let caller = visit.caller();
    let confirms = visit.auth().offers().confirm_email;
    let new_email = form.value("email").to_owned();
    let asked = form.submit(|typed| visit.auth().change_email(caller, typed.current_password, typed.email));
    match asked.await? {
        Ok(_) if confirms => {
            visit.session().begin_journey(JourneyKind::ChangeEmail, &new_email);
            Ok(visit.go_saying("/profile/email", Notice::EmailChangeRequested))
        }
        Ok(_) => Ok(visit.go_saying("/profile", Notice::EmailChanged)),
        Err(form) => form.again(|form| ProfileEmail { visit, form, code: Form::blank() }),
    }
}

/// Finishes the change that waits, with the code of the mail that went to the new address.
pub(crate) async fn submit_code(visit: Visit, code: Form<MailCode>) -> PageResult {
    let Some(new_email) = waiting(&visit) else { return Ok(visit.go("/profile/email")) };
    let confirm =
        |typed: MailCode| visit.auth().confirm_email_change_with_code(visit.caller(), new_email.clone(), typed.code);
    match code.submit(confirm).await? {
        Ok(_) => {
            visit.session().end_journey();
            Ok(visit.go_saying("/profile", Notice::EmailChanged))
        }
        Err(code) if code.is(Code::InvalidAccessToken) || code.is(Code::EmailNotUnique) => {
            visit.session().end_journey();
            Ok(visit.go_saying("/profile/email", Notice::EmailChangeLinkFailed))
        }
        Err(code) => code.again(|code| ProfileEmail { visit, form: Form::blank(), code }),
    }
}

/// The address that this browser asked to move to, until the account is there. It is what was typed, so that the page does not
/// tell whether a mail went out (SECURITY.md S05).
fn waiting(visit: &Visit) -> Option<String> {
    let journey = visit.session().journey().filter(|journey| journey.kind == JourneyKind::ChangeEmail)?;
    let is_there = visit.member().is_some_and(|member| member.user.email.as_ref() == Some(&journey.email));
    (!is_there).then_some(journey.email)
}

impl ProfileEmail {
    /// The address there is.
    fn email(&self) -> &str {
        self.visit.member().and_then(|member| member.user.email.as_deref()).unwrap_or_default()
    }

    /// The address that the account shall move to.
    fn waiting(&self) -> Option<String> {
        waiting(&self.visit)
    }

    /// Whether the mail to it has a code to type here.
    fn has_code(&self) -> bool {
        self.visit.auth().offers().mail_codes
    }

    /// Whether the new address has to prove itself first.
    fn confirms(&self) -> bool {
        self.visit.auth().offers().confirm_email
    }
}
