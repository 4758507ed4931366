//! The way in and the way out of the REST channel.
//!
//! Whatever comes in here goes out as JSON. What actix refuses before it gets here has no body (its
//! headers are added by `server/bare_errors.rs`): 400 for what is not HTTP, for two lengths of one
//! body or a request line above 64 kB, 431 for headers above 128 kB, 408 for headers that do not
//! come within five seconds. The client library sends nothing of the kind.

use std::{panic::AssertUnwindSafe, sync::Arc};

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    dev::RequestHead,
    http::{
        Method,
        header::{self, HeaderMap},
    },
    web,
};
use futures_util::FutureExt;

use super::{
    RestBackend, RestSettings,
    applications::{Applications, KnownApplications},
    call::Call,
    cors,
    endpoints::{self, Endpoint, EndpointAccess},
    public_files,
    reply::{Reply, lost, respond},
};
use crate::{
    http::{
        overload::{COME_BACK, is_overloaded},
        plain_headers,
        request_log::RouteLabel,
    },
    port::OperationError,
    protocol::{errors::WireError, headers},
};

/// The channel: one for the whole server, shared by its workers.
pub(super) struct RestChannel {
    applications: Applications,
    backend: Arc<dyn RestBackend>,
    is_https: bool,
}

impl RestChannel {
    pub(super) fn new(settings: &RestSettings, backend: Arc<dyn RestBackend>) -> Self {
        let is_https = settings.public_url.starts_with("https://");
        Self { applications: Applications::new(settings), backend, is_https }
    }

    /// One call below `/_api`, or to a custom endpoint below `custom`. Whatever goes wrong, a panic
    /// included, the answer is an envelope.
    pub(super) async fn enter(
        self: Arc<Self>,
        custom: &'static str,
        request: HttpRequest,
        payload: web::Payload,
    ) -> HttpResponse {
        let path = format!("{custom}{}", request.match_info().unprocessed());
        let mut known = self.known().await;
        let answer = if *request.method() == Method::OPTIONS {
            cors::preflight(&known, request.headers())
        } else if is_overloaded(&request) {
            respond(&WireError::failed(Some(COME_BACK)))
        } else {
            match endpoints::find(request.method(), &path) {
                Ok(endpoint) => {
                    request.extensions_mut().insert(RouteLabel(endpoint.path));
                    survive(endpoint.path, self.act(endpoint, &mut known, request.clone(), payload))
                        .await
                }
                Err(allow) => lost(allow),
            }
        };
        self.dressed(&known, &request, answer)
    }

    /// One public file below `/_storage`.
    pub(super) async fn show_file(self: Arc<Self>, request: HttpRequest) -> HttpResponse {
        let shown = public_files::show(Arc::clone(&self.backend), request.clone());
        let answer = survive("public file", shown).await;
        self.dressed(&self.known().await, &request, answer)
    }

    /// Answers a path that does not exist. Without the envelope its promise would never settle.
    pub(super) async fn nowhere(self: Arc<Self>, request: HttpRequest) -> HttpResponse {
        let known = self.known().await;
        let is_preflight = *request.method() == Method::OPTIONS;
        let answer =
            if is_preflight { cors::preflight(&known, request.headers()) } else { lost(None) };
        self.dressed(&known, &request, answer)
    }

    /// Adds the headers that every answer has. Headers that an action set stay.
    fn dressed(
        &self,
        known: &KnownApplications<'_>,
        request: &HttpRequest,
        mut answer: HttpResponse,
    ) -> HttpResponse {
        plain_headers::add(answer.headers_mut(), self.is_https);
        cors::dress(known, request.headers(), answer.headers_mut());
        answer
    }

    async fn known(&self) -> KnownApplications<'_> {
        self.applications.now(&*self.backend).await
    }

    async fn act(
        &self,
        endpoint: &Endpoint,
        known: &mut KnownApplications<'_>,
        request: HttpRequest,
        payload: web::Payload,
    ) -> Reply {
        let (redirect_url, is_operator, needs_session) = match endpoint.access {
            EndpointAccess::Anybody => (None, false, false),
            EndpointAccess::Applications => {
                let application = known.authorize(request.headers())?;
                let is_operator = self.is_operator(request.headers()).await?;
                let needs_session =
                    application.enforce_session && !endpoint.is_auth() && !is_operator;
                (application.redirect_url.clone(), is_operator, needs_session)
            }
        };
        let payload = payload.into_inner();
        let call = Call {
            backend: Arc::clone(&self.backend),
            request,
            payload,
            redirect_url,
            is_operator,
        };
        if needs_session {
            call.signed_in_user_of().await?;
        }
        (endpoint.action)(call).await
    }

    /// Whether an API key came along, bare as the client library sends it, or as a bearer's.
    /// Anything else there gives no power and does no harm: an example application sends a token of
    /// the service that is gone (altogic-protocol.md §14.1).
    ///
    /// The original took the key from the query too (`?apikey=`, §13.2). Not here: addresses are
    /// kept in the logs of every proxy on the way and in histories, and a key with power over every
    /// account must not lie there.
    async fn is_operator(&self, headers: &HeaderMap) -> Result<bool, OperationError> {
        let Some(sent) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())
        else {
            return Ok(false);
        };
        let key = match sent.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key,
            _ => sent,
        };
        self.backend.is_api_key(key.trim().to_owned()).await
    }
}

/// Whether a program of the client library asks, or a browser asks whether one may: navigations of
/// people carry none of these.
pub(super) fn is_of_application(head: &RequestHead) -> bool {
    let has = |name: &str| head.headers().contains_key(name);
    let is_preflight =
        head.method == Method::OPTIONS && has("origin") && has("access-control-request-method");
    is_preflight || has(headers::CLIENT_KEY) || has("x-client")
}

/// Runs an action to its end. A panic would close the connection without a word: it becomes a 500
/// like any other failure; its message is in the log by the panic hook.
async fn survive(endpoint: &'static str, action: impl Future<Output = Reply>) -> HttpResponse {
    match AssertUnwindSafe(action).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(rejection)) => rejection.into_response(endpoint),
        Err(_) => {
            tracing::error!(endpoint, "an action panicked");
            respond(&WireError::failed(None))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::http::header::HeaderValue;

    use super::*;
    use crate::port::{Failure, OperationError};

    #[actix_web::test]
    async fn a_panic_is_an_answer_that_tells_nothing() {
        let response = survive("test", async { panic!("the secret cause") }).await;
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "application/json");
    }

    #[actix_web::test]
    async fn a_failure_that_may_pass_says_when_to_come_back() {
        let failure = Failure::unavailable(Duration::from_secs(5), "the database is away");
        let response = survive("test", async { Err(OperationError::from(failure).into()) }).await;
        assert_eq!(
            (response.status().as_u16(), response.headers().get(header::RETRY_AFTER)),
            (503, Some(&HeaderValue::from(5)))
        );
    }
}
