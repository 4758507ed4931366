//! The one client that speaks to providers (S30).
//!
//! An exchange has [`BUDGET`], an answer [`LARGEST`] bytes. A redirect is an answer like any other
//! and is not followed: what a provider's own documents name is where one asks, and nowhere else.
//! Only `https`, unless the provider is on this machine.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http};
use reqwest::{Client, Request, redirect};
use serde_json::Value;
use url::Url;

/// The whole of one request, and of all that one step of a journey takes.
pub(super) const BUDGET: Duration = Duration::from_secs(10);
/// Within it, to find the provider at all.
const CONNECT: Duration = Duration::from_secs(4);
/// How long a connection is kept for the next request of the same journey. Some servers close
/// theirs after five seconds, and a code that was sent into a closing connection may be spent.
const KEPT: Duration = Duration::from_secs(3);
/// Bytes of an answer that are read. A set of keys has a few thousand.
const LARGEST: usize = 512 * 1024;

/// A client for one provider.
#[derive(Debug, Clone)]
pub(super) struct Http(Client);

/// Why there is no answer. Says nothing of what was sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("no answer came in time, or none at all")]
    NoAnswer(#[source] reqwest::Error),
    #[error("the answers took too long together")]
    Late,
    #[error("the answer has more than {LARGEST} bytes")]
    TooLarge,
    #[error("the answer cannot be read")]
    Unreadable(#[source] http::Error),
    #[error("the answer is {0}")]
    Status(StatusText),
    #[error("the answer is no JSON")]
    NotJson,
}

/// A status, and the provider's word for it where it is one of RFC 6749's: those tell nothing of a
/// person.
#[derive(Debug)]
pub(super) struct StatusText(pub(super) u16, pub(super) Option<String>);

impl fmt::Display for StatusText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        self.1.as_ref().map_or(Ok(()), |word| write!(formatter, " ({word})"))
    }
}

impl Http {
    /// `in_the_clear`: whether plain `http` is spoken, to a provider on this machine.
    pub(super) fn new(in_the_clear: bool) -> reqwest::Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .timeout(BUDGET)
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none());
        let builder = builder.pool_idle_timeout(KEPT);
        let builder = builder
            .user_agent(concat!("Vestibule/", env!("CARGO_PKG_VERSION")))
            .https_only(!in_the_clear);
        Ok(Self(builder.build()?))
    }

    /// A form, answered in JSON.
    pub(super) async fn post_form(
        &self,
        url: Url,
        form: &[(&str, &str)],
        basic: Option<(&str, &str)>,
    ) -> Result<Value, HttpError> {
        let mut request =
            self.0.post(url).header(http::header::ACCEPT, "application/json").form(form);
        if let Some((name, secret)) = basic {
            request = request.basic_auth(name, Some(secret));
        }
        json(self.send(request.build().map_err(HttpError::NoAnswer)?).await?)
    }

    /// Fetches JSON with an access token.
    pub(super) async fn get(&self, url: Url, access_token: &str) -> Result<Value, HttpError> {
        let request = self
            .0
            .get(url)
            .header(http::header::ACCEPT, "application/json")
            .bearer_auth(access_token);
        json(self.send(request.build().map_err(HttpError::NoAnswer)?).await?)
    }

    async fn send(&self, request: Request) -> Result<HttpResponse, HttpError> {
        let mut answer = self.0.execute(request).await.map_err(HttpError::NoAnswer)?;
        let mut response = http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(HttpError::NoAnswer)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        response.body(body).map_err(HttpError::Unreadable)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer =
                self.send(Request::try_from(request).map_err(HttpError::NoAnswer)?).await?;
            let status = answer.status();
            // It is down, whatever the words that say so look like.
            if status.is_server_error() {
                return Err(HttpError::Status(StatusText(status.as_u16(), None)));
            }
            Ok(answer)
        })
    }
}

fn json(response: HttpResponse) -> Result<Value, HttpError> {
    let (status, body) = (response.status(), serde_json::from_slice::<Value>(response.body()));
    if !status.is_success() {
        let word = body.ok().and_then(|body| word_of(&body));
        return Err(HttpError::Status(StatusText(status.as_u16(), word)));
    }
    let body = body.map_err(|_| HttpError::NotJson)?;
    // GitHub says 200 with an error inside.
    match word_of(&body) {
        Some(word) => Err(HttpError::Status(StatusText(status.as_u16(), Some(word)))),
        None => Ok(body),
    }
}

fn word_of(body: &Value) -> Option<String> {
    let word = body.get("error")?.as_str().unwrap_or("unnamed error");
    let is_word =
        word.len() <= 64 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    Some(if is_word { word.to_owned() } else { "unnamed error".to_owned() })
}
