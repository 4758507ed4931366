//! When there is no page to answer with: one page for every 4xx and 5xx, with a sentence and a way
//! on.
//!
//! Handlers and extractors return a [`PageError`]; [`dress`] turns it, and every other bare 4xx or
//! 5xx inside the pages' scope, into `errors/page.html`. This is the boundary of the pages: a
//! failure is logged here, once, with its whole chain.

use std::{borrow::Cow, error::Error, fmt, sync::Arc, time::Duration};

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse, ResponseError,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{ALLOW, RETRY_AFTER},
    },
    middleware::Next,
};
use askama::Template;

use super::{
    forms::{
        duplicate_submission::{self, Outcome},
        step_up::StepUp,
    },
    request::{guard, visit::Visit},
    view::{
        notice::Notice,
        page::{self, Ours},
    },
};
use crate::{
    http::{overload::COME_BACK, request_log::RequestId},
    port::{Code, Failure, OperationError, Random},
    telemetry::log_throttle::{self, LogDecision},
};

/// Why a page could not be answered.
#[derive(Debug)]
pub(crate) enum PageError {
    NotFound,
    /// The page knows only these methods.
    MethodNotAllowed(&'static str),
    /// Malformed request; the sentence says what to do.
    Malformed(&'static str),
    /// The rules of forward authentication keep this signed-in user out; the sentence says why.
    NotForYou(&'static str),
    /// The form was sent from somebody else's page (S42).
    ForeignOrigin,
    TooLarge,
    TooSlow,
    /// Not the encoding that a form has.
    NotAForm,
    /// Asked too often; may be asked again after the time given.
    TooOften(Duration),
    /// The session was ended meanwhile: on to the sign-in page.
    SessionEnded,
    /// A sensitive change asks for a proof first.
    StepUp(Box<StepUp>),
    /// The same form came a moment ago, and this became of it.
    DuplicateRequest(Arc<Outcome>),
    /// A handler panicked; the text is for the log.
    Panicked(String),
    Failed(Failure),
    /// There are too many connections; nothing was looked at.
    Overloaded,
}

#[derive(Template)]
#[template(path = "errors/page.html")]
struct ErrorPage<'a> {
    visit: Visit,
    status: u16,
    heading: &'static str,
    sentence: Cow<'static, str>,
    /// Request id that a person can tell the operator, who finds it in the log.
    id: Option<&'a str>,
    retry: bool,
}

impl PageError {
    /// A failure that will not go away by itself.
    pub(crate) fn broken(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(Failure::broken(source))
    }
}

/// For operations without a form, where a refusal has no place to be shown.
impl From<OperationError> for PageError {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::Internal(failure) => Self::Failed(failure),
            OperationError::Rejected(refusal) if guard::is_ended_session(&refusal) => {
                Self::SessionEnded
            }
            // A page about something that this backend has not: there is no such page.
            OperationError::Rejected(refusal) if refusal.is(Code::NotOffered) => Self::NotFound,
            OperationError::Rejected(refusal) => refusal.retry_after().map_or_else(
                || Self::broken(format!("an operation without a form was refused: {refusal:?}")),
                Self::TooOften,
            ),
        }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => failure.fmt(formatter),
            Self::Panicked(text) => write!(formatter, "panic: {text}"),
            other => write!(formatter, "{other:?}"),
        }
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::ForeignOrigin | Self::NotForYou(_) => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::SessionEnded => StatusCode::UNAUTHORIZED,
            Self::StepUp(step_up) => step_up.status(),
            Self::DuplicateRequest(_) => StatusCode::CONFLICT,
            Self::Failed(failure) if failure.retry_after.is_some() => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed(_) | Self::Panicked(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        match self {
            Self::MethodNotAllowed(methods) => {
                response
                    .headers_mut()
                    .insert(ALLOW, actix_web::http::header::HeaderValue::from_static(methods));
            }
            Self::TooOften(wait) | Self::Failed(Failure { retry_after: Some(wait), .. }) => {
                response.headers_mut().insert(RETRY_AFTER, page::seconds(*wait));
            }
            Self::Overloaded => {
                response.headers_mut().insert(RETRY_AFTER, page::seconds(COME_BACK));
            }
            _ => {}
        }
        response
    }
}

/// The layer that turns every bare error into a page.
pub(crate) async fn dress(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let response = next.call(request).await?;
    duplicate_submission::keep(response.request(), response.response());
    let bare = response.status().is_client_error() || response.status().is_server_error();
    if !bare || response.response().extensions().contains::<Ours>() {
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let dressed = dressed(&request, response);
    Ok(ServiceResponse::new(request, dressed))
}

fn dressed(request: &HttpRequest, bare: HttpResponse) -> HttpResponse {
    let Some(visit) = Visit::of(request) else { return bare };
    let error = bare.error().and_then(|error| error.as_error::<PageError>());
    if matches!(error, Some(PageError::SessionEnded)) {
        if visit.session().successor().is_some() {
            return visit.go("/profile");
        }
        visit.session().drop_token();
        return visit.go_saying("/sign-in", Notice::SessionEnded);
    }
    if let Some(PageError::StepUp(step_up)) = error {
        return step_up.show(visit).unwrap_or(bare);
    }
    if let Some(PageError::DuplicateRequest(outcome)) = error {
        return outcome.repeat(visit.session());
    }
    let status = bare.status();
    let is_failure = status.is_server_error() && !matches!(error, Some(PageError::Overloaded));
    let id = if is_failure { Some(report(request, &visit, &bare)) } else { id_of(request) };
    let (heading, sentence) = wording(status, error);
    let sentence = match error {
        Some(PageError::TooOften(wait)) => {
            Code::RateLimitExceeded { retry_after: *wait }.to_string().into()
        }
        _ => sentence.into(),
    };
    let retry = status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT;
    let shown =
        ErrorPage { visit, status: status.as_u16(), heading, sentence, id: id.as_deref(), retry };
    let Ok(mut response) = page::show(&shown, status) else { return bare };
    for name in [ALLOW, RETRY_AFTER] {
        if let Some(value) = bare.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// Logs a failure and answers the id that the page shows. The path is logged without its query,
/// which may hold a token.
fn report(request: &HttpRequest, visit: &Visit, bare: &HttpResponse) -> String {
    let id = id_of(request).unwrap_or_else(|| new_id(&*visit.site().random));
    let (method, path, status) =
        (request.method().as_str(), request.path(), bare.status().as_u16());
    let Some(error) = bare.error() else {
        tracing::error!(id, method, ?path, status, "a page failed");
        return id;
    };
    match log_decision(error) {
        LogDecision::Line { kept_back } => {
            tracing::error!(id, method, ?path, status, kept_back, error = %error, "a page failed");
        }
        LogDecision::Nothing => {
            tracing::debug!(id, method, ?path, status, error = %error, "a page failed")
        }
    }
    id
}

/// Throttles failures that every page shares.
fn log_decision(error: &actix_web::Error) -> LogDecision {
    match error.as_error::<PageError>() {
        Some(PageError::Failed(failure)) => log_throttle::log_decision(failure),
        _ => LogDecision::Line { kept_back: None },
    }
}

fn id_of(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned())
}

fn new_id(random: &dyn Random) -> String {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    format!("{:016x}", u64::from_be_bytes(bytes))
}

fn wording(status: StatusCode, error: Option<&PageError>) -> (&'static str, &'static str) {
    match (status.as_u16(), error) {
        (_, Some(PageError::Malformed(sentence))) => ("That could not be read", sentence),
        (_, Some(PageError::NotForYou(sentence))) => ("That page is not open to you", sentence),
        (_, Some(PageError::ForeignOrigin)) => (
            "That came from elsewhere",
            "The form was not sent from this site's own pages, so nothing was done. Please open \
                the page here and try again.",
        ),
        (_, Some(PageError::Overloaded)) => (
            "One moment, please",
            "More people are here than can be served at once. Please try again in a few seconds.",
        ),
        (404, _) => {
            ("There is no such page", "The address may be mistyped, or the page may have moved.")
        }
        (405, _) => (
            "Not this way",
            "This page cannot be used like that. Please open it from its own form.",
        ),
        (408, _) => {
            ("That took too long", "The form did not arrive in time. Please send it again.")
        }
        (413, _) => (
            "That is too much",
            "More was sent than this page accepts. Please shorten it and try again.",
        ),
        (415, _) => (
            "Not a form",
            "This page takes only what its own form sends. Please open the page and use it.",
        ),
        (429, _) => ("Too often", "That was tried too often. Please wait a little and try again."),
        (503, _) => (
            "One moment, please",
            "Something we need is not there right now. Nothing was lost; please try again in a \
                little while.",
        ),
        (500.., _) => (
            "That is our fault",
            "Something broke on our side, and it has been noted. Please try again; if it stays \
                like this, tell us the number below.",
        ),
        _ => (
            "That did not work",
            "The request could not be answered. Please go back and try again.",
        ),
    }
}
