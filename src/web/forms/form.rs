//! Forms: what was typed is only to be had with its token checked.
//!
//! A page declares its inputs once ([`FormFields`]) and takes a [`Form`] of them. [`Form::submit`]
//! is the one way to the typed values: it checks the form token first, hands the values to an
//! operation, and comes back with what the operation answered or with the form, to be shown again
//! with everything typed (secrets excepted), what is wrong, and a fresh token.
//!
//! # Statuses of a form that is shown again
//!
//! | status | when |
//! |---|---|
//! | 401 | the credentials, or the proof that the address is one's own, are not right |
//! | 403 | the form token is missing, foreign or from before a sign-in: pressing again helps |
//! | 413 | the picture is too large |
//! | 422 | a field, or all of them together, cannot be accepted |
//! | 429 | tried too often; `Retry-After` says how long to wait |

use std::{future::Future, marker::PhantomData, pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse,
    dev::Payload,
    http::{
        StatusCode,
        header::{CONTENT_LENGTH, RETRY_AFTER},
    },
};
use askama::Template;
use futures_util::StreamExt;
use zeroize::Zeroizing;

use super::{
    super::{
        error::PageError,
        request::{
            guard::{Superseded, is_ended_session, requires_sign_in},
            session::CookieSession,
            visit::Visit,
        },
        view::page::{self, PageResult},
    },
    duplicate_submission,
    form_data::{FormData, Input},
    phone_input::{COUNTRY, PHONE},
    step_up,
};
use crate::port::{Code, Field, OperationError, Outcome, Phone, Problem, Refusal};

/// Largest body of a form, in bytes (S73).
const BODY_MAX: usize = 64 * 1024;

/// How long a body may take to arrive as a whole, so that a dripping one does not hold a connection
/// for ever (S72).
const BODY_DEADLINE: Duration = Duration::from_secs(30);

const STALE: &str = "This page had been open for too long, or cookies are off in this browser. \
                     Nothing was changed. \
                     Please press the button again.";

const CONFIRMED: &str =
    "Thank you, it is you. Passwords are never kept, so please type yours here again.";

/// The inputs of one form.
pub(crate) trait FormFields: Sized {
    /// Every input, in the order of the page. Names are those of [`field_name`], so that a problem
    /// finds its place.
    const INPUTS: &'static [Input];

    /// Takes the typed values.
    fn read(form_data: &mut FormData) -> Self;
}

/// A form with nothing but a button.
pub(crate) struct Press;

impl FormFields for Press {
    const INPUTS: &'static [Input] = &[];

    fn read(_: &mut FormData) -> Self {
        Self
    }
}

/// A form as it is shown, or as it came in.
pub(crate) struct Form<F> {
    form_data: FormData,
    session: Option<CookieSession>,
    /// Where an operation may ask for a proof: on a page for signed-in users.
    visit: Option<Visit>,
    /// Whether it came with a proof that was right.
    proved: bool,
    /// Why what was typed could not be read; told in place of any operation.
    unread: Option<Refusal>,
    wrong: Vec<Wrong>,
    refused: StatusCode,
    retry_after: Option<Duration>,
    fields: PhantomData<F>,
}

/// One thing that is wrong, as the page says it.
pub(crate) struct Wrong {
    /// The input's name and id; `None` for the form as a whole.
    pub(crate) field: Option<&'static str>,
    pub(crate) sentence: String,
    code: Option<Code>,
}

impl Wrong {
    /// Creates a problem of an input, or of the form.
    pub(crate) fn new(field: Option<&'static str>, sentence: String) -> Self {
        Self { field, sentence, code: None }
    }
}

/// The one input of the pages that ask where to send an email.
pub(crate) struct EmailOnly {
    pub(crate) email: String,
}

impl FormFields for EmailOnly {
    const INPUTS: &'static [Input] = &[Input::Line("email")];

    fn read(form_data: &mut FormData) -> Self {
        Self { email: form_data.line("email") }
    }
}

/// The one input of the pages that ask for a code.
pub(crate) struct CodeOnly {
    pub(crate) code: String,
}

impl FormFields for CodeOnly {
    const INPUTS: &'static [Input] = &[Input::Line("code")];

    fn read(form_data: &mut FormData) -> Self {
        Self { code: form_data.line("code") }
    }
}

impl<F: FormFields> Form<F> {
    /// The form before anybody typed.
    pub(crate) fn blank() -> Self {
        Self::of(FormData::default(), None)
    }

    /// The form with one line filled in.
    pub(crate) fn filled(name: &'static str, value: &str) -> Self {
        Self::of(FormData::filled(name, value), None)
    }

    /// Hands the typed values to an operation, if the form token is this browser's.
    ///
    /// Answers what the operation answered, or the form, to be shown with [`again`](Self::again).
    ///
    /// # Errors
    /// The error page when the operation failed, the way to the sign-in page when it found the
    /// session dead, the step-up page (`step_up.rs`) when it asks for a proof.
    pub(crate) async fn submit<T, A>(
        mut self,
        operation: impl FnOnce(F) -> A,
    ) -> Result<Result<T, Self>, PageError>
    where
        A: Future<Output = Outcome<T>>,
    {
        if !self.has_token() {
            return Ok(Err(self.stale()));
        }
        if self.lost_secrets() {
            self.refused = StatusCode::OK;
            return Ok(Err(self));
        }
        if let Some(refusal) = self.unread.take() {
            return Ok(Err(self.refuse(&refusal)));
        }
        match operation(F::read(&mut self.form_data)).await {
            Ok(answer) => Ok(Ok(answer)),
            Err(OperationError::Rejected(refusal)) if is_ended_session(&refusal) => {
                Err(PageError::SessionEnded)
            }
            Err(OperationError::Rejected(refusal)) => match self.visit.clone() {
                Some(visit) if step_up::is_about_proof(&refusal, F::INPUTS) => {
                    Err(step_up::ask(&visit, &self.form_data, F::INPUTS, &refusal).await)
                }
                _ => Ok(Err(self.refuse(&refusal))),
            },
            Err(OperationError::Internal(failure)) => Err(PageError::Failed(failure)),
        }
    }

    /// Shows the page again, with the status that says why.
    pub(crate) fn again<P: Template>(self, page: impl FnOnce(Self) -> P) -> PageResult {
        let (status, retry_after) = (self.refused, self.retry_after);
        let mut response: HttpResponse = page::show(&page(self), status)?;
        if let Some(wait) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, page::seconds(wait));
        }
        Ok(response)
    }

    /// A form that is shown with what an earlier step was refused for.
    pub(crate) fn refuse(mut self, refusal: &Refusal) -> Self {
        self.refused = status_of(refusal);
        self.retry_after = refusal.retry_after();
        self.wrong = refusal.problems().iter().map(|problem| Self::wrong(problem)).collect();
        self
    }

    /// Value of an input, to show it again; nothing for a secret.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.form_data.shown(name)
    }

    /// The phone number that was typed, read.
    pub(crate) fn phone(&self) -> Option<&Phone> {
        self.form_data.phone()
    }

    /// Problem of an input.
    pub(crate) fn problem(&self, name: &str) -> Option<&str> {
        self.wrong
            .iter()
            .find(|wrong| wrong.field == Some(name))
            .map(|wrong| wrong.sentence.as_str())
    }

    /// Note on a form that is shown again without a problem.
    pub(crate) fn note(&self) -> Option<&'static str> {
        self.lost_secrets().then_some(CONFIRMED)
    }

    /// Everything that is wrong, for the summary at the top.
    pub(crate) fn problems(&self) -> &[Wrong] {
        &self.wrong
    }

    /// Whether one of the problems is this one.
    pub(crate) fn is(&self, code: Code) -> bool {
        self.wrong.iter().any(|wrong| wrong.code == Some(code))
    }

    /// Whether the limits make one wait before the next try.
    pub(crate) fn must_wait(&self) -> bool {
        self.wrong.iter().any(|wrong| matches!(wrong.code, Some(Code::RateLimitExceeded { .. })))
    }

    /// Says a problem in the words of this page, where its own sentence advises what cannot be done
    /// here.
    pub(crate) fn saying(mut self, code: Code, sentence: &str) -> Self {
        for wrong in self.wrong.iter_mut().filter(|wrong| wrong.code == Some(code)) {
            sentence.clone_into(&mut wrong.sentence);
        }
        self
    }

    /// A form as it came in, with the cookie that its token is held against.
    pub(crate) fn of(form_data: FormData, session: Option<CookieSession>) -> Self {
        let refused = StatusCode::UNPROCESSABLE_ENTITY;
        Self {
            form_data,
            session,
            visit: None,
            proved: false,
            unread: None,
            wrong: Vec::new(),
            refused,
            retry_after: None,
            fields: PhantomData,
        }
    }

    fn has_token(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.knows_csrf(self.form_data.token()))
    }

    /// Whether secrets were typed that the step-up page did not carry on: they have to be typed
    /// again.
    fn lost_secrets(&self) -> bool {
        self.proved && F::INPUTS.iter().any(|input| matches!(input, Input::Secret(_)))
    }

    /// Takes the proof that the step-up page asked for, before anybody asks who the caller is: it
    /// changes the session's token.
    async fn take_proof(&mut self) -> Result<(), PageError> {
        if let Some(visit) = self.visit.clone()
            && self.has_token()
        {
            self.proved = step_up::take(&visit, &mut self.form_data, F::INPUTS).await?;
        }
        Ok(())
    }

    /// Has the backend read the phone number: that takes too long for the thread that answers. A
    /// text that is no number is the operation's to refuse.
    async fn read_phone(&mut self, request: &HttpRequest) -> Result<(), PageError> {
        let form_data = self.value(PHONE.name()).to_owned();
        if form_data.is_empty() || !F::INPUTS.contains(&PHONE) || !self.has_token() {
            return Ok(());
        }
        let Some(visit) = Visit::of(request) else { return Ok(()) };
        let country = self.value(COUNTRY.name()).to_owned();
        match visit.auth().read_phone(visit.caller(), form_data, country).await {
            Ok(phone) => self.form_data.keep_phone(phone),
            Err(OperationError::Rejected(refusal)) if refusal.retry_after().is_some() => {
                self.unread = Some(refusal)
            }
            Err(OperationError::Rejected(_)) => {}
            Err(OperationError::Internal(failure)) => return Err(PageError::Failed(failure)),
        }
        Ok(())
    }

    fn stale(mut self) -> Self {
        tracing::info!(target: "vestibule::security", "a form without this browser's token was \
            refused");
        self.refused = StatusCode::FORBIDDEN;
        self.wrong = vec![Wrong { field: None, sentence: STALE.to_owned(), code: None }];
        self
    }

    /// A problem beside its input, or at the top where this form has no such input.
    fn wrong(problem: &Problem) -> Wrong {
        let name = problem.field.map(field_name);
        let field = name.filter(|name| F::INPUTS.iter().any(|input| input.name() == *name));
        Wrong { field, sentence: problem.to_string(), code: Some(problem.code) }
    }
}

/// The name that an input has where the backend speaks of a field.
pub(crate) fn field_name(field: Field) -> &'static str {
    match field {
        Field::Name => "name",
        Field::Email => "email",
        Field::Password => "password",
        Field::Phone => "phone",
        Field::OneTimeCode => "code",
        Field::CurrentPassword => "current_password",
        Field::Picture => "picture",
        // No form of ours has one.
        Field::Named(_) => "fields",
    }
}

pub(in crate::web) fn status_of(refusal: &Refusal) -> StatusCode {
    let is = |code| refusal.is(code);
    if refusal.retry_after().is_some() {
        StatusCode::TOO_MANY_REQUESTS
    } else if is(Code::InvalidSignInCredentials)
        || is(Code::InvalidCredentials)
        || is(Code::InvalidOneTimeCode)
        || is(Code::EmailNotVerified)
        || is(Code::InvalidPhoneCredentials)
        || is(Code::PhoneNotVerified)
    {
        StatusCode::UNAUTHORIZED
    } else if is(Code::PictureTooLarge) {
        StatusCode::PAYLOAD_TOO_LARGE
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

impl<F: FormFields + 'static> FromRequest for Form<F> {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if !request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
                return Err(PageError::NotAForm);
            }
            let body = tokio::time::timeout(BODY_DEADLINE, read_body(&request, payload));
            let body = body.await.map_err(|_| PageError::TooSlow)??;
            let visit = Visit::of(&request).filter(|_| requires_sign_in(&request));
            let proof: &[Input] = if visit.is_some() { step_up::INPUTS } else { &[] };
            let form_data = FormData::parse(&body, &[F::INPUTS, proof].concat())?;
            let mut form = Self { visit, ..Self::of(form_data, Some(CookieSession::of(&request))) };
            if form.has_token()
                && let Some(outcome) = duplicate_submission::outcome(&request, &body).await
            {
                return Err(PageError::DuplicateRequest(outcome));
            }
            if request.extensions().contains::<Superseded>() {
                return Err(PageError::SessionEnded);
            }
            form.take_proof().await?;
            form.read_phone(&request).await?;
            Ok(form)
        })
    }
}

/// The whole body; it is refused as soon as it is known to be too large.
async fn read_body(
    request: &HttpRequest,
    mut payload: Payload,
) -> Result<Zeroizing<Vec<u8>>, PageError> {
    let declared = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > BODY_MAX) {
        return Err(PageError::TooLarge);
    }
    let mut body = Zeroizing::new(Vec::with_capacity(declared.unwrap_or(0)));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| {
            PageError::Malformed("The form did not arrive in one piece. Please send it again.")
        })?;
        if body.len() + chunk.len() > BODY_MAX {
            return Err(PageError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
