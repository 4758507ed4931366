//! Setting up an authenticator app: its key as a picture and as text, and the first code that
//! switches it on.

use askama::Template;

use super::super::account::{profile_two_factor, recovery_codes};
use crate::{
    port::{AuthenticatorKey, Code, OperationError},
    web::{
        error::PageError,
        forms::form::{CodeOnly, Form},
        request::visit::Visit,
        view::{
            notice::Notice,
            page::{Page, PageResult},
            qr::Qr,
        },
    },
};

/// Nobody sends these codes, so there is none to ask for.
pub(in crate::web::pages) const WRONG_APP_CODE: &str = "The code is wrong or was used already. \
     Type the one that your app shows now, \
     and see that the clock of its device is right.";

#[derive(Template)]
#[template(path = "pages/authenticator.html")]
struct Authenticator {
    visit: Visit,
    /// In groups of four, as it is typed.
    key: String,
    /// For those who are on the phone that has the app.
    url: String,
    qr: Option<Qr>,
    form: Form<CodeOnly>,
}

/// The key that waits; it can be shown again until its first code was typed.
pub(crate) async fn show(visit: Visit) -> PageResult {
    match waiting(&visit).await? {
        Some(key) => Authenticator::of(visit, &key, Form::blank()).ok(),
        None => Ok(visit.go("/profile/two-factor")),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<CodeOnly>) -> PageResult {
    let caller = visit.caller();
    match form
        .submit(|form_data| visit.auth().confirm_authenticator(caller, form_data.code))
        .await?
    {
        Ok(Some(codes)) => recovery_codes::show(visit, &codes),
        Ok(None) => Ok(visit.go_saying(profile_two_factor::PATH, Notice::SecondStepChanged)),
        Err(form) if form.is(Code::AuthenticatorGone) => {
            Ok(visit.go_saying(profile_two_factor::PATH, Notice::KeyGone))
        }
        Err(form) => match waiting(&visit).await? {
            Some(key) => {
                let form = form.saying(Code::InvalidOneTimeCode, WRONG_APP_CODE);
                form.again(|form| Authenticator::of(visit, &key, form))
            }
            None => Ok(visit.go_saying(profile_two_factor::PATH, Notice::KeyGone)),
        },
    }
}

async fn waiting(visit: &Visit) -> Result<Option<AuthenticatorKey>, PageError> {
    if !visit.auth().capabilities().authenticators {
        return Ok(None);
    }
    match visit.auth().waiting_authenticator(visit.caller()).await {
        // The page that begins asks for the proof.
        Err(OperationError::Rejected(refusal)) if refusal.is(Code::ProofNeeded) => Ok(None),
        waiting => waiting.map_err(PageError::from),
    }
}

impl Authenticator {
    fn of(visit: Visit, key: &AuthenticatorKey, form: Form<CodeOnly>) -> Self {
        let signs: Vec<char> = key.text().chars().collect();
        let groups: Vec<String> = signs.chunks(4).map(|four| four.iter().collect()).collect();
        Self {
            visit,
            key: groups.join(" "),
            url: key.url().to_owned(),
            qr: Qr::of(key.url()),
            form,
        }
    }
}
