//! Which web pages may call: an allow-list of origins for each client key (altogic-protocol.md
//! §2.1).
//!
//! A browser asks first (preflight), without the key; so the headers are given to every origin that
//! *some* key is for, and the call itself is then refused when the origin is not one of *its*
//! key's. Errors carry the headers too: without them the application would see "Failed to fetch"
//! instead of the sentence.

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
};

use crate::protocol::headers;

use super::applications::KnownApplications;

/// How long a browser may remember a preflight, in seconds: Chromium's upper limit.
const PREFLIGHT_SECONDS: &str = "7200";

/// The answer to a preflight.
pub(super) fn preflight(applications: &KnownApplications<'_>, headers: &HeaderMap) -> HttpResponse {
    let mut response = HttpResponse::NoContent().finish();
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("OPTIONS, GET, HEAD, POST"));
    if applications.origin(headers).is_some() {
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, headers::ALLOWED_METHODS),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, headers::ALLOWED_HEADERS),
            (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// Lets a page of a known origin read the answer, whatever it is.
pub(super) fn dress(
    applications: &KnownApplications<'_>,
    asked: &HeaderMap,
    answer: &mut HeaderMap,
) {
    answer.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = applications.origin(asked) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        // A browser hides this one from pages unless told.
        let exposed: HeaderName = header::ACCESS_CONTROL_EXPOSE_HEADERS;
        answer.insert(exposed, HeaderValue::from_static("retry-after"));
    }
}
