//! Step up at the pages: a sensitive change asks again who is there, and then goes on with the form
//! that was typed (S20, S32).
//!
//! # How it goes
//!
//! 1. A form's operation answers `ProofNeeded`. [`Form::submit`](super::form::Form::submit) then
//!    ends in the step-up page. It carries every line that was typed as a hidden input, and its
//!    form leads to the same path, so nothing that was typed stands in a URL or a cookie, and there
//!    is no address to come back to that anybody could bend.
//! 2. Its answer arrives at that path as the form itself with [`INPUTS`] beside the form's own.
//!    They are read before the handler asks who the caller is: a right proof gives the session a
//!    new token, and then the page goes on as if the form had been sent for the first time. A wrong
//!    one shows the step-up page again with everything kept.
//!
//! Secrets are never shown again, so a form that has some cannot go on by itself: it comes back
//! with its lines, and asks for them.
//!
//! The inputs are read on pages for signed-in users only; elsewhere they are fields that the form
//! does not have.
//!
//! # Statuses
//!
//! | status | when |
//! |---|---|
//! | 403 | a proof is asked for: what came along does not suffice (RFC 9110 §15.5.4; a 401 would owe a `WWW-Authenticate`) |
//! | 401 | the proof was wrong, as of every other form |
//! | 422 | nothing was typed |
//! | 429 | tried too often; `Retry-After` says how long to wait |

use std::{fmt, time::Duration};

use actix_web::{
    HttpResponse,
    http::{StatusCode, header::RETRY_AFTER},
};
use askama::Template;
use zeroize::Zeroizing;

use super::{
    super::{
        error::PageError,
        request::{guard::is_ended_session, visit::Visit},
        view::page::{self, PageResult},
    },
    form::{Wrong, status_of},
    form_data::{FormData, Input},
};
use crate::port::{
    Code, CodeDestination, Field, OperationError, Problem, Proof, ProofMethods, Reauthenticated,
    Refusal,
};

const PASSWORD: &str = "proof_password";
const CODE: &str = "proof_code";
const SEND: &str = "proof_send";

/// Inputs that the step-up page adds to the form it carries. Secrets, so that none is ever carried
/// on.
pub(in crate::web) const INPUTS: &[Input] =
    &[Input::Secret(PASSWORD), Input::Secret(CODE), Input::Secret(SEND)];

/// A step-up page: what it asks for, and the form that it carries.
pub(crate) struct StepUp {
    methods: ProofMethods,
    lines: Vec<(&'static str, Zeroizing<String>)>,
    /// Whether the form has no secrets, which are not carried on.
    keeps_all: bool,
    /// Whether a code was sent, so that there is one to type.
    code_sent: bool,
    status: StatusCode,
    retry_after: Option<Duration>,
    wrong: Vec<Wrong>,
}

#[derive(Template)]
#[template(path = "pages/step_up.html")]
struct StepUpPage<'a> {
    visit: Visit,
    form: &'a StepUp,
}

/// The page that asks for a proof, as the error that ends the way of a form.
pub(in crate::web) async fn ask(
    visit: &Visit,
    form_data: &FormData,
    inputs: &[Input],
    refusal: &Refusal,
) -> PageError {
    StepUp::of(form_data, inputs, false).refuse(refusal).ask(visit).await
}

/// Takes the answer of a step-up page, if the form came from one; says whether it did. A right
/// proof goes on under the new token, or along with the change.
///
/// # Errors
/// The step-up page again when the proof was wrong or a code was sent; what became of the session,
/// or a failure.
pub(in crate::web) async fn take(
    visit: &Visit,
    form_data: &mut FormData,
    inputs: &[Input],
) -> Result<bool, PageError> {
    let Some(answer) = Answer::of(form_data) else { return Ok(false) };
    let error = match answer {
        Answer::Send => match visit.auth().send_proof_code(visit.caller()).await {
            Ok(()) => return Err(StepUp::of(form_data, inputs, true).ask(visit).await),
            Err(error) => error,
        },
        Answer::Proof(proof) => match visit.auth().reauthenticate(visit.caller(), proof).await {
            Ok(proved) => return go_on(visit, form_data, proved).map(|()| true),
            Err(error) => error,
        },
    };
    match error {
        OperationError::Rejected(refusal) if !is_ended_session(&refusal) => {
            let code_sent = form_data.has(CODE);
            Err(StepUp::of(form_data, inputs, code_sent).refuse(&refusal).ask(visit).await)
        }
        error => Err(error.into()),
    }
}

/// Whether a refusal is about the proof, and not about what the form asks for.
pub(in crate::web) fn is_about_proof(refusal: &Refusal, inputs: &[Input]) -> bool {
    let has_field = inputs.iter().any(|input| input.name() == "current_password");
    let of_proof = |problem: &Problem| problem.field == Some(Field::CurrentPassword) && !has_field;
    refusal.is(Code::ProofNeeded) || refusal.problems().iter().any(of_proof)
}

/// Answer of a step-up page.
enum Answer {
    /// "Send me a code."
    Send,
    Proof(Proof),
}

impl Answer {
    fn of(form_data: &mut FormData) -> Option<Self> {
        if !INPUTS.iter().any(|input| form_data.has(input.name())) {
            return None;
        }
        if form_data.has(SEND) {
            return Some(Self::Send);
        }
        let password = form_data.secret(PASSWORD);
        let is_code = password.expose().is_empty() && form_data.has(CODE);
        let code = form_data.secret(CODE).expose().to_owned();
        Some(Self::Proof(if is_code { Proof::Code(code) } else { Proof::Password(password) }))
    }
}

fn go_on(
    visit: &Visit,
    form_data: &mut FormData,
    proved: Reauthenticated,
) -> Result<(), PageError> {
    match proved {
        Reauthenticated::Session(session) => {
            let token =
                session.token.ok_or_else(|| PageError::broken("a proof without a new token"))?;
            visit.session().continue_with(&token);
        }
        Reauthenticated::WithTheChange(password) => form_data.hand_on(password),
    }
    Ok(())
}

fn wrong(problem: &Problem) -> Wrong {
    let field = match problem.field {
        Some(Field::CurrentPassword) => Some(PASSWORD),
        Some(Field::OneTimeCode) => Some(CODE),
        _ => None,
    };
    Wrong::new(field, problem.to_string())
}

impl StepUp {
    fn of(form_data: &FormData, inputs: &[Input], code_sent: bool) -> Self {
        Self {
            methods: ProofMethods::default(),
            lines: form_data
                .lines()
                .map(|(name, value)| (name, Zeroizing::new(value.to_owned())))
                .collect(),
            keeps_all: inputs.iter().all(|input| matches!(input, Input::Line(_))),
            code_sent,
            status: StatusCode::FORBIDDEN,
            retry_after: None,
            wrong: Vec::new(),
        }
    }

    /// With what is wrong. That a proof is needed is what the page says anyway.
    fn refuse(self, refusal: &Refusal) -> Self {
        if refusal.is(Code::ProofNeeded) {
            return self;
        }
        let wrong = refusal.problems().iter().map(wrong).collect();
        Self { status: status_of(refusal), retry_after: refusal.retry_after(), wrong, ..self }
    }

    /// Asks for what the account can be asked for.
    async fn ask(self, visit: &Visit) -> PageError {
        match visit.auth().proof_methods(visit.caller()).await {
            Ok(methods) => PageError::StepUp(Box::new(Self { methods, ..self })),
            Err(error) => error.into(),
        }
    }

    pub(in crate::web) fn status(&self) -> StatusCode {
        self.status
    }

    /// The page.
    pub(in crate::web) fn show(&self, visit: Visit) -> PageResult {
        let mut response: HttpResponse =
            page::show(&StepUpPage { visit, form: self }, self.status)?;
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, page::seconds(wait));
        }
        Ok(response)
    }

    // What the macros of `partials/form.html` ask a form for.

    fn note(&self) -> Option<&'static str> {
        None
    }

    fn problem(&self, name: &str) -> Option<&str> {
        self.wrong
            .iter()
            .find(|wrong| wrong.field == Some(name))
            .map(|wrong| wrong.sentence.as_str())
    }

    fn problems(&self) -> &[Wrong] {
        &self.wrong
    }
}

impl StepUpPage<'_> {
    /// Whose password it is, for the password manager.
    fn account(&self) -> &str {
        let user = self.visit.signed_in_user().map(|signed_in_user| &signed_in_user.user);
        user.and_then(|user| user.email.as_deref().or(user.phone.as_deref())).unwrap_or_default()
    }

    /// Where a code goes.
    fn destination(&self) -> Option<&str> {
        match self.form.methods.code.as_ref()? {
            CodeDestination::Phone(destination) | CodeDestination::Mailbox(destination) => {
                Some(destination)
            }
        }
    }

    /// Whether there is a code to type: one that was sent, or that of the app.
    fn has_code(&self) -> bool {
        self.form.code_sent || self.form.methods.authenticator
    }

    /// Whether the password is what comes next: what is wrong is read first, and a code is typed
    /// first.
    fn focus_password(&self) -> bool {
        self.form.wrong.is_empty() && !self.has_code()
    }
}

/// Shows nothing that was typed.
impl fmt::Debug for StepUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StepUp(…)")
    }
}
