//! The second factor of somebody whose first one was right: the code that went to their phone, or
//! the one that their authenticator app shows.
//!
//! The sign-in that waits stays in the cookie, so that Back, a reload or a second window finds it
//! again (S92), and the page to come back to stays there with it.

use actix_web::HttpResponse;
use askama::Template;

use super::authenticator::WRONG_APP_CODE;
use crate::{
    port::{ChallengeToken, Code, SecondFactorOf},
    web::{
        error::PageError,
        forms::{
            form::{Form, FormFields, Press},
            form_data::{FormData, Input},
        },
        request::{session::WaitingSignIn, visit::Visit},
        view::{
            code_expiry::CodeExpiry,
            notice::Notice,
            page::{Page, PageResult},
        },
    },
};

/// How long a code by SMS lives here, in minutes, for the meter.
const LIFE_MINUTES: u32 = 1;

#[derive(Template)]
#[template(path = "pages/two_factor.html")]
struct TwoFactor {
    visit: Visit,
    waiting: WaitingSignIn,
    form: Form<SecondFactor>,
    resend: Form<Press>,
}

/// Second factor that completes a sign-in.
pub(crate) struct SecondFactor {
    pub(crate) code: String,
    pub(crate) trust: bool,
}

impl FormFields for SecondFactor {
    const INPUTS: &'static [Input] = &[Input::Line("code"), Input::Line("trust")];

    fn read(form_data: &mut FormData) -> Self {
        Self { code: form_data.line("code"), trust: !form_data.line("trust").is_empty() }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match visit.session().waiting() {
        Some(waiting) => {
            TwoFactor { visit, waiting, form: Form::blank(), resend: Form::blank() }.ok()
        }
        None => Ok(visit.go("/sign-in")),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<SecondFactor>) -> PageResult {
    let Some(waiting) = visit.session().waiting() else { return Ok(gone(&visit)) };
    let notice = waiting.notice;
    match finish(&visit, &waiting, form, notice).await? {
        Ok(response) => Ok(response),
        Err(form) => {
            let is_of_app = waiting.sent.is_none();
            let form = if is_of_app {
                form.saying(Code::InvalidOneTimeCode, WRONG_APP_CODE)
            } else {
                form
            };
            form.again(|form| TwoFactor { visit, waiting, form, resend: Form::blank() })
        }
    }
}

/// Sends a code by SMS, for the first time or again.
pub(crate) async fn resend(visit: Visit, form: Form<Press>) -> PageResult {
    let Some(waiting) = visit.session().waiting() else { return Ok(gone(&visit)) };
    let send = async |Press| {
        visit
            .auth()
            .resend_second_factor(visit.caller(), ChallengeToken::parse(&waiting.token)?)
            .await
    };
    match form.submit(send).await? {
        Ok(challenge) => {
            let notice =
                if waiting.sent.is_some() { Notice::CodeSentAgain } else { Notice::CodeSent };
            visit.session().wait_for_code(&challenge, waiting.notice);
            Ok(visit.go_saying("/sign-in/two-factor", notice))
        }
        Err(form) if form.is(Code::ChallengeGone) => Ok(gone(&visit)),
        Err(resend) => {
            resend.again(|resend| TwoFactor { visit, waiting, form: Form::blank(), resend })
        }
    }
}

/// Back to the first factor; this browser forgets the sign-in that waited.
pub(crate) async fn leave(visit: Visit, form: Form<Press>) -> PageResult {
    let Some(waiting) = visit.session().waiting() else { return Ok(visit.go("/sign-in")) };
    match form.submit(async |Press| Ok(())).await? {
        Ok(()) => {
            visit.session().stop_waiting();
            Ok(visit.go("/sign-in"))
        }
        Err(resend) => {
            resend.again(|resend| TwoFactor { visit, waiting, form: Form::blank(), resend })
        }
    }
}

/// Hands a second factor to the backend: in, or back to the first one where the sign-in is over; or
/// the form.
pub(in crate::web::pages) async fn finish(
    visit: &Visit,
    waiting: &WaitingSignIn,
    form: Form<SecondFactor>,
    notice: Option<Notice>,
) -> Result<Result<HttpResponse, Form<SecondFactor>>, PageError> {
    let sign_in = async |form_data: SecondFactor| {
        let of = SecondFactorOf::Challenge(ChallengeToken::parse(&waiting.token)?);
        visit
            .auth()
            .sign_in_with_second_factor(visit.caller(), of, form_data.code, form_data.trust)
            .await
    };
    match form.submit(sign_in).await? {
        Ok(grant) => visit.begin(&grant, notice).map(Ok),
        Err(form) if form.is(Code::ChallengeGone) => Ok(Ok(gone(visit))),
        Err(form) => Ok(Err(form)),
    }
}

/// Back to the first factor, and why.
pub(in crate::web::pages) fn gone(visit: &Visit) -> HttpResponse {
    visit.session().stop_waiting();
    visit.go_saying("/sign-in", Notice::SignInGone)
}

impl TwoFactor {
    /// Remaining lifetime of the code that was sent.
    fn life(&self) -> Option<CodeExpiry> {
        let sent = self.waiting.sent.as_ref()?;
        Some(CodeExpiry::until(sent.expires_at, LIFE_MINUTES, self.visit.site().clock.now()))
    }

    /// Whether this browser can be trusted; remembering it is of no use to somebody in a hurry, so
    /// the box is empty.
    fn can_trust(&self) -> bool {
        self.visit.auth().capabilities().authenticators
    }
}
