//! Common parts of the SMS providers: one request, one answer, one verdict.
//!
//! # The contract
//!
//! * A try takes at most [`BUDGET`], whatever the provider does: hang, drip, or answer without end
//!   (R11).
//! * 429 and 5xx are worth another try, after `Retry-After` where it is given. Every other refusal
//!   is final, and so is a 2xx whose body says no.
//! * Where nobody knows whether a text was taken (no answer in time, or one that cannot be read),
//!   it is sent again only if the provider knows it again by its id. Otherwise it could be charged
//!   and delivered twice; who waits for a code asks for another.
//! * Reasons go into the log. They hold the status and the provider's number for the reason, and
//!   none of its words, as those repeat the receiver's number.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::{Client, RequestBuilder, Response, StatusCode, header, redirect};
use serde_json::Value;

use super::{OutgoingSms, SendError};

/// The whole of one try.
pub(super) const BUDGET: Duration = Duration::from_secs(5);
/// Within it, to find the provider at all. What fails here was never sent.
const CONNECT: Duration = Duration::from_secs(3);
/// Bytes of an answer that are read; those of the providers have about one thousand.
const LARGEST: usize = 64 * 1024;

/// One provider of SMS.
pub(super) trait SmsSender: Send + Sync {
    /// How the log calls it.
    fn name(&self) -> &'static str;

    /// The request that sends a text.
    fn request(&self, http: &Client, message: &OutgoingSms) -> RequestBuilder;

    /// Verdict on the body of a 2xx; `Null` where it is no JSON.
    fn verdict(&self, body: &Value) -> SmsAnswer;

    /// The provider's own number for the reason of a refusal.
    fn reason(&self, body: &Value) -> Option<i64>;

    /// Whether the same message sent twice is taken for one.
    fn knows_repeats(&self) -> bool {
        false
    }
}

/// Meaning of a 2xx.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SmsAnswer {
    Taken,
    /// With the provider's number for it.
    Refused(Option<i64>),
    Busy(Option<i64>),
    /// It says neither yes nor no.
    Unclear,
}

/// The client for all requests. Proxies are those of the environment, as usual.
pub(super) fn client(budget: Duration) -> reqwest::Result<Client> {
    // Once a process. When an application that mounts us has chosen another one before, that one is
    // used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .timeout(budget)
        .connect_timeout(CONNECT)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("Vestibule/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// One try.
pub(super) async fn send(
    http: &Client,
    provider: &dyn SmsSender,
    message: &OutgoingSms,
) -> Result<(), SendError> {
    let lost = |error: reqwest::Error| unanswered(provider, &error);
    let mut response = provider.request(http, message).send().await.map_err(lost)?;
    let (status, retry_after) = (response.status(), retry_after(&response, message));
    let body = read(&mut response).await.map_err(lost)?;
    let name = provider.name();
    let numbered =
        |code: Option<i64>| code.map(|code| format!(" (reason {code})")).unwrap_or_default();
    if status.is_success() {
        return match provider.verdict(&body) {
            SmsAnswer::Taken => Ok(()),
            SmsAnswer::Refused(code) => {
                Err(SendError::Permanent(format!("{name} refused it{}", numbered(code))))
            }
            SmsAnswer::Busy(code) => {
                let reason = format!("{name} cannot take it now{}", numbered(code));
                Err(SendError::Temporary { reason, retry_after })
            }
            SmsAnswer::Unclear => Err(unclear(provider, "answered what cannot be read")),
        };
    }
    let reason = format!("{name} answered {}{}", status.as_u16(), numbered(provider.reason(&body)));
    Err(match status {
        StatusCode::TOO_MANY_REQUESTS => SendError::Temporary { reason, retry_after },
        status if status.is_server_error() => SendError::Temporary { reason, retry_after },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            SendError::Permanent(format!("{reason}: are the credentials right?"))
        }
        _ => SendError::Permanent(reason),
    })
}

fn unanswered(provider: &dyn SmsSender, error: &reqwest::Error) -> SendError {
    if error.is_builder() {
        SendError::Permanent(format!("no request to {} can be made of it", provider.name()))
    } else if error.is_connect() {
        SendError::temporary(format!("{} cannot be reached", provider.name()))
    } else {
        unclear(provider, "did not answer in time")
    }
}

fn unclear(provider: &dyn SmsSender, what: &str) -> SendError {
    let reason = format!("{} {what}", provider.name());
    if provider.knows_repeats() { SendError::temporary(reason) } else { SendError::Unclear(reason) }
}

/// The body as JSON; `Null` where it is none, or too much.
async fn read(response: &mut Response) -> reqwest::Result<Value> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > LARGEST {
            return Ok(Value::Null);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

/// Seconds, or a date (RFC 9110 §10.2.3).
fn retry_after(response: &Response, message: &OutgoingSms) -> Option<SignedDuration> {
    let entered = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let until = |date: &str| jiff::fmt::rfc2822::parse(date).ok().map(|date| date.timestamp());
    let wait = match entered.parse() {
        Ok(seconds) => SignedDuration::from_secs(seconds),
        Err(_) => until(entered)?.duration_since(message.sent_at),
    };
    Some(wait.max(SignedDuration::ZERO))
}

/// A number, written as one or as a text.
pub(super) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
