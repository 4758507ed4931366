//! Where providers tell that somebody signed out there (OpenID Connect Back-Channel Logout 1.0
//! §2.5, §2.8).
//!
//! The only address of the pages that speaks with a server: no cookie, no form token, no page. What
//! comes proves itself.
//!
//! | status | when |
//! |---|---|
//! | 200 | whatever that sign-in began is over, also where there was nothing |
//! | 400 | the token is missing, cannot be believed, or was taken before |
//! | 404 | no provider goes by that name |
//! | 429 | too many tokens were refused; `Retry-After` says how long to wait |
//! | 500, 503 | it is not the token's fault: ours, or the provider's keys cannot be had |

use std::time::Duration;

use actix_web::{
    FromRequest as _, HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, RETRY_AFTER},
    },
    web::{self, Payload},
};
use serde::Deserialize;
use serde_json::json;

use super::super::sign_in::provider;
use crate::{
    port::{Code, Failure, LogoutToken, OperationError, Outcome},
    web::{
        request::visit::Visit,
        view::page::{self, Ours},
    },
};

/// How long the body may take to arrive (S72). It has at most 16 kB, which is actix's own limit for
/// forms.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// RFC 6749 §5.2.
const INVALID: &str = "invalid_request";
/// RFC 6749 §4.1.2.1.
const TEMPORARY: &str = "temporarily_unavailable";
const BROKEN: &str = "server_error";

/// The form. Other fields mean nothing.
#[derive(Deserialize)]
struct LogoutForm {
    logout_token: String,
}

pub(crate) async fn submit(visit: Visit, request: HttpRequest, payload: Payload) -> HttpResponse {
    let answer = match read(&request, payload).await {
        Ok(token) => visit
            .auth()
            .back_channel_logout(visit.caller_of(None), provider::name(&visit), token)
            .await
            .map(drop),
        Err(code) => Err(code.into()),
    };
    let mut response = answered(answer);
    response.extensions_mut().insert(Ours);
    response
}

async fn read(request: &HttpRequest, payload: Payload) -> Result<LogoutToken, Code> {
    let mut payload = payload.into_inner();
    let form = tokio::time::timeout(
        BODY_DEADLINE,
        web::Form::<LogoutForm>::from_request(request, &mut payload),
    )
    .await;
    let form = form.ok().and_then(Result::ok).ok_or(Code::ProviderAnswerInvalid)?;
    LogoutToken::parse(&form.logout_token)
}

fn answered(answer: Outcome<()>) -> HttpResponse {
    let refusal = match answer {
        Ok(()) => return HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).finish(),
        Err(OperationError::Internal(failure)) => return failed(&failure),
        Err(OperationError::Rejected(refusal)) => refusal,
    };
    if let Some(wait) = refusal.retry_after() {
        return later(StatusCode::TOO_MANY_REQUESTS, wait, "Too many logout tokens were refused.");
    }
    if refusal.is(Code::ProviderUnreachable) {
        return error(
            StatusCode::SERVICE_UNAVAILABLE,
            TEMPORARY,
            "The keys to check the logout token cannot be had.",
        );
    }
    if refusal.is(Code::ProviderUnknown) || refusal.is(Code::NotOffered) {
        return error(StatusCode::NOT_FOUND, INVALID, "No provider goes by that name.");
    }
    // Why stands in the log: whoever forges tokens need not be taught.
    error(StatusCode::BAD_REQUEST, INVALID, "The logout token was not taken.")
}

fn failed(failure: &Failure) -> HttpResponse {
    tracing::error!(%failure, "a logout that a provider told of failed");
    if let Some(wait) = failure.retry_after {
        return later(StatusCode::SERVICE_UNAVAILABLE, wait, "Something is not there right now.");
    }
    error(StatusCode::INTERNAL_SERVER_ERROR, BROKEN, "That failed, and was written down.")
}

fn later(status: StatusCode, wait: Duration, description: &str) -> HttpResponse {
    let mut response = error(status, TEMPORARY, description);
    response.headers_mut().insert(RETRY_AFTER, page::seconds(wait));
    response
}

fn error(status: StatusCode, error: &str, description: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(json!({ "error": error, "error_description": description }))
}
