//! Moving the account to another address.

use askama::Template;

use super::super::sign_in::email_code::EmailCode;
use crate::{
    port::{Code, Password},
    web::{
        forms::{
            form::{Form, FormFields},
            form_data::{FormData, Input},
        },
        request::{session::JourneyKind, visit::Visit},
        view::{
            notice::Notice,
            page::{Page, PageResult},
        },
    },
};

#[derive(Template)]
#[template(path = "pages/profile_email.html")]
struct ProfileEmail {
    visit: Visit,
    form: Form<NewEmail>,
    code: Form<EmailCode>,
}

/// Inputs of the form.
pub(crate) struct NewEmail {
    email: String,
    current_password: Option<Password>,
}

impl FormFields for NewEmail {
    const INPUTS: &'static [Input] = &[Input::Line("email")];

    fn read(form_data: &mut FormData) -> Self {
        Self { email: form_data.line("email"), current_password: form_data.proof() }
    }
}

/// The form.
pub(crate) async fn show(visit: Visit) -> PageResult {
    ProfileEmail { visit, form: Form::blank(), code: Form::blank() }.ok()
}

/// Emails a link to the new address.
pub(crate) async fn submit(visit: Visit, form: Form<NewEmail>) -> PageResult {
    let caller = visit.caller();
    let confirms = visit.auth().capabilities().confirm_email;
    let new_email = form.value("email").to_owned();
    let asked = form.submit(|form_data| {
        visit.auth().change_email(caller, form_data.current_password, form_data.email)
    });
    match asked.await? {
        Ok(_) if confirms => {
            visit.session().begin_journey(JourneyKind::ChangeEmail, &new_email);
            Ok(visit.go_saying("/profile/email", Notice::EmailChangeRequested))
        }
        Ok(_) => Ok(visit.go_saying("/profile", Notice::EmailChanged)),
        Err(form) => form.again(|form| ProfileEmail { visit, form, code: Form::blank() }),
    }
}

/// Finishes the change that waits, with the code of the email that went to the new address.
pub(crate) async fn submit_code(visit: Visit, code: Form<EmailCode>) -> PageResult {
    let Some(new_email) = waiting(&visit) else { return Ok(visit.go("/profile/email")) };
    let confirm = |form_data: EmailCode| {
        visit.auth().confirm_email_change_with_code(
            visit.caller(),
            new_email.clone(),
            form_data.code,
        )
    };
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

/// The address that this browser asked to move to, until the account is there. It is what was
/// typed, so that the page does not tell whether an email went out (S05).
fn waiting(visit: &Visit) -> Option<String> {
    let journey =
        visit.session().journey().filter(|journey| journey.kind == JourneyKind::ChangeEmail)?;
    let is_there = visit
        .signed_in_user()
        .is_some_and(|signed_in_user| signed_in_user.user.email.as_ref() == Some(&journey.email));
    (!is_there).then_some(journey.email)
}

impl ProfileEmail {
    /// The address there is.
    fn email(&self) -> &str {
        self.visit
            .signed_in_user()
            .and_then(|signed_in_user| signed_in_user.user.email.as_deref())
            .unwrap_or_default()
    }

    /// The address that the account shall move to.
    fn waiting(&self) -> Option<String> {
        waiting(&self.visit)
    }

    /// Whether the email to it has a code to type here.
    fn has_code(&self) -> bool {
        self.visit.auth().capabilities().email_codes
    }

    /// Whether the new address has to prove itself first.
    fn confirms(&self) -> bool {
        self.visit.auth().capabilities().confirm_email
    }
}
