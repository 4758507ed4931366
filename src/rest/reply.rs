//! Answers: from an operation's outcome to a response that the client library can read.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use serde::Serialize;

use crate::{
    port::{Code, OperationError, Refusal},
    protocol::errors::{Fault, WireError},
    telemetry::log_throttle::{self, LogDecision},
};

/// Result of an action.
pub(super) type Reply = Result<HttpResponse, Rejection>;

/// Why an action says no.
#[derive(Debug)]
pub(super) enum Rejection {
    /// Refused by the backend, or failed there.
    OperationError(OperationError),
    /// The request itself is wrong.
    Fault(Fault),
}

/// A success with something to say: always status 200 (an XHR upload takes no other for a success,
/// altogic-protocol.md §2).
pub(super) fn json(body: &impl Serialize) -> Reply {
    Ok(HttpResponse::Ok().json(body))
}

/// A success without data.
pub(super) fn done() -> Reply {
    Ok(HttpResponse::Ok().finish())
}

impl Rejection {
    /// The answer. This is the boundary: a failure is logged here, once, with its whole chain (one
    /// that everybody has, as [`log_throttle`] says); a refusal is quiet.
    pub(super) fn into_response(self, endpoint: &'static str) -> HttpResponse {
        let error = match self {
            Self::Fault(fault) => fault.into(),
            Self::OperationError(OperationError::Rejected(refusal)) => refusal.into(),
            Self::OperationError(OperationError::Internal(failure)) => {
                match log_throttle::log_decision(&failure) {
                    LogDecision::Line { kept_back } => {
                        tracing::error!(endpoint, kept_back, "{failure}")
                    }
                    LogDecision::Nothing => tracing::debug!(endpoint, "{failure}"),
                }
                WireError::failed(failure.retry_after)
            }
        };
        respond(&error)
    }
}

/// The error envelope as a response.
pub(super) fn respond(error: &WireError) -> HttpResponse {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if let Some(wait) = error.retry_after {
        response.insert_header((header::RETRY_AFTER, whole_seconds(wait)));
    }
    response.json(&error.envelope)
}

/// Rounded up, so that nobody comes back too early.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl From<OperationError> for Rejection {
    fn from(error: OperationError) -> Self {
        Self::OperationError(error)
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::OperationError(refusal.into())
    }
}

impl From<Code> for Rejection {
    fn from(code: Code) -> Self {
        Self::OperationError(code.into())
    }
}

impl From<Fault> for Rejection {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The answer to a path or a method that is not there.
pub(super) fn lost(allow: Option<&'static str>) -> HttpResponse {
    let Some(allow) = allow else { return respond(&Fault::UnknownPath.into()) };
    let mut response = respond(&Fault::MethodNotAllowed.into());
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}
