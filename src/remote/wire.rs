//! One call over HTTP: the request in the wire's words, the answer within a budget of time and
//! size.

use std::{sync::Arc, time::Duration};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode,
    header::{HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT},
    multipart::Form,
    redirect::Policy,
};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{RemoteError, breaker::Breaker};
use crate::{
    http::tls,
    port::{Caller, Clock, Failure},
    protocol::{
        headers, paths,
        refusals::{Rejected, RequestContext},
    },
};

/// How long a connection may take.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// How long a whole call may take: a sign-in hashes a password over there.
const CALL_TIME: Duration = Duration::from_secs(5);
/// How long a call may take that carries a file.
const FILE_TIME: Duration = Duration::from_secs(30);
/// How long an idle connection is kept: a little less than servers keep theirs.
const IDLE_TIME: Duration = Duration::from_secs(4);
/// The largest answer that is read, in bytes.
const ANSWER_MAX: usize = 1024 * 1024;
/// Calls under way at once. With the time budget this bounds what an environment that hangs can
/// pile up here (R05).
const CALLS_MAX: usize = 256;
/// When a page asks people to come back.
const PAUSE: Duration = Duration::from_secs(3);
/// The longest pause that an environment can ask for.
const PAUSE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The wire to one environment: a pool of connections that are kept open.
pub(super) struct Wire {
    client: Client,
    env_url: String,
    client_key: HeaderValue,
    clock: Arc<dyn Clock>,
    breaker: Breaker,
    slots: Semaphore,
}

/// Request to the environment.
#[derive(Debug)]
pub(super) struct Ask {
    method: Method,
    path: String,
    body: RequestBody,
    pub(super) asked: RequestContext,
}

#[derive(Debug)]
enum RequestBody {
    None,
    Json(Value),
    Form(Form),
}

/// Response of the environment.
#[derive(Debug)]
pub(super) enum Reply {
    Done(Vec<u8>),
    Rejected(Rejected),
}

impl Ask {
    pub(super) fn get(path: &str, asked: RequestContext) -> Self {
        Self {
            method: Method::GET,
            path: format!("{}{path}", paths::API),
            body: RequestBody::None,
            asked,
        }
    }

    pub(super) fn post(path: &str, asked: RequestContext) -> Self {
        Self { method: Method::POST, ..Self::get(path, asked) }
    }

    /// At one of the four paths that stand outside `/_api` (altogic-protocol.md §8).
    pub(super) fn post_at_root(path: &str, asked: RequestContext) -> Self {
        Self { method: Method::POST, path: path.to_owned(), body: RequestBody::None, asked }
    }

    /// Everything but letters and digits is encoded, so that no server takes the `+` of an address
    /// for a blank (§1.3).
    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(name);
        self.path.push('=');
        self.path.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        self
    }

    pub(super) fn json(self, body: Value) -> Self {
        Self { body: RequestBody::Json(body), ..self }
    }

    pub(super) fn form(self, form: Form) -> Self {
        Self { body: RequestBody::Form(form), ..self }
    }
}

impl Wire {
    /// A wire to the environment at `env_url`, an http or https URL without a slash at its end.
    pub(super) fn new(
        env_url: &str,
        client_key: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RemoteError> {
        tls::install();
        let client = Client::builder()
            .connect_timeout(CONNECT_TIME)
            .timeout(CALL_TIME)
            .pool_idle_timeout(IDLE_TIME)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .build()
            .map_err(RemoteError::Client)?;
        Ok(Self {
            client,
            env_url: env_url.to_owned(),
            client_key: HeaderValue::from_str(client_key).map_err(|_| RemoteError::ClientKey)?,
            clock,
            breaker: Breaker::default(),
            slots: Semaphore::new(CALLS_MAX),
        })
    }

    /// Calls the environment for somebody.
    ///
    /// # Errors
    /// `unavailable` when it cannot be reached, takes too long or answers something else than the
    /// protocol.
    pub(super) async fn call(&self, ask: Ask, caller: &Caller) -> Result<Reply, Failure> {
        let url = format!("{}{}", self.env_url, ask.path);
        let mut request = self.client.request(ask.method, url);
        for (name, value) in self.headers(caller) {
            request = request.header(name, value);
        }
        let request = match ask.body {
            RequestBody::None => request,
            RequestBody::Json(body) => request.json(&body),
            RequestBody::Form(form) => request.multipart(form).timeout(FILE_TIME),
        };
        let (status, retry_after, body) = self.fetch(request, ANSWER_MAX).await?;
        if status.is_success() {
            return Ok(Reply::Done(body));
        }
        match Rejected::read(status.as_u16(), retry_after, &body) {
            Some(rejected) if status.as_u16() < 500 => Ok(Reply::Rejected(rejected)),
            Some(_) => Err(unavailable(retry_after, format!("the environment answered {status}"))),
            None => Err(unavailable(
                retry_after,
                format!("the environment answered {status} without an error envelope"),
            )),
        }
    }

    /// Fetches from the environment what anybody may, without a word about who asks. `None` for
    /// anything but a 200.
    pub(super) async fn fetch_public(
        &self,
        url: &str,
        most: usize,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let (status, _, body) = self.fetch(self.client.get(url), most).await?;
        Ok((status == StatusCode::OK).then_some(body))
    }

    /// Headers that identify the caller. The address of a person is handed on, so that the
    /// environment can tell one from another in its limits; it believes that only if it counts us
    /// among its proxies.
    fn headers(&self, caller: &Caller) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = vec![
            (HeaderName::from_static(headers::CLIENT), HeaderValue::from_static("vestibule")),
            (HeaderName::from_static(headers::CLIENT_KEY), self.client_key.clone()),
        ];
        let mut add = |name, text: &str| {
            if let Ok(mut value) = HeaderValue::from_bytes(text.as_bytes()) {
                value.set_sensitive(true);
                headers.push((name, value));
            }
        };
        if let Some(session) = &caller.session {
            add(HeaderName::from_static(headers::SESSION), session.expose());
        }
        if !caller.user_agent.is_empty() {
            add(USER_AGENT, &caller.user_agent);
        }
        if let Some(address) = caller.address {
            add(HeaderName::from_static(headers::FORWARDED_FOR), &address.to_string());
        }
        headers
    }

    async fn fetch(&self, request: RequestBuilder, most: usize) -> Result<Answer, Failure> {
        let Ok(_slot) = self.slots.try_acquire() else {
            return Err(unavailable(None, "too many calls to the environment are under way"));
        };
        if !self.breaker.lets_through(self.clock.now()) {
            return Err(unavailable(
                None,
                "the environment did not answer several times in a row and is left alone",
            ));
        }
        match exchange(request, most).await {
            Ok(answer) => {
                if is_of_the_environment(&answer) {
                    self.breaker.succeeded();
                } else {
                    self.breaker.failed(self.clock.now());
                }
                Ok(answer)
            }
            Err(error) => {
                self.breaker.failed(self.clock.now());
                Err(unavailable(None, error))
            }
        }
    }
}

/// Status, `Retry-After`, body.
type Answer = (StatusCode, Option<Duration>, Vec<u8>);

/// Why an exchange came to nothing.
#[derive(Debug, thiserror::Error)]
enum ExchangeFailure {
    /// Without the URL, whose query may hold a token (S80).
    #[error("the environment cannot be asked")]
    Transport(#[source] reqwest::Error),
    #[error("the environment's answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl From<reqwest::Error> for ExchangeFailure {
    fn from(error: reqwest::Error) -> Self {
        Self::Transport(error.without_url())
    }
}

async fn exchange(request: RequestBuilder, most: usize) -> Result<Answer, ExchangeFailure> {
    let mut response = request.send().await?;
    let retry_after = retry_after(&response);
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > most {
            return Err(ExchangeFailure::TooLarge(most));
        }
        body.extend_from_slice(&piece);
    }
    Ok((response.status(), retry_after, body))
}

/// Whether the environment itself spoke. A gateway's error page says that it is away.
fn is_of_the_environment((status, _, body): &Answer) -> bool {
    !status.is_server_error() || Rejected::read(status.as_u16(), None, body).is_some()
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(PAUSE_MAX))
}

/// A failure that may be gone in a moment.
pub(super) fn unavailable(
    retry_after: Option<Duration>,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Failure {
    Failure::unavailable(retry_after.unwrap_or(PAUSE), source)
}
