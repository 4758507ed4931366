//! The remote backend: another Altogic-compatible environment, asked over HTTP, behind the same
//! port as the embedded engine.
//!
//! Nothing is stored here. An operation is one call of the protocol (now and then two), the answer
//! one of the port's types. What the wire cannot say is decided here, once:
//!
//! * **What goes along.** `X-Client: vestibule`, the client key, the person's `Session` and
//!   `User-Agent`, and their address in `X-Forwarded-For`: an environment of ours believes it when
//!   we are among its `server.trusted_proxies`, and without that counts every person as one. No API
//!   key goes along: with it, each call would have the operator's rights.
//! * **A session.** The wire names sessions by tokens, and a foreign environment lists the real
//!   tokens of all of them. They never reach a page: a handle here is a digest of the token. The
//!   wire knows neither a last visit nor an address of a session; what began is what was last seen.
//! * **A change of the password** keeps the session's token, as on the wire (altogic-protocol.md
//!   §3, row 11).
//! * **A sign-up cannot be corrected** (`NothingToCorrect`), and no link finishes without a press:
//!   the wire has neither.
//! * **A change of address** is finished by the page of the environment that its email leads to;
//!   our own page has no key to take. That a new address or number is taken is not told at our
//!   pages, as the engine does it (S04).
//! * **Emails** are the environment's: they carry no code for our pages
//!   (`Capabilities::email_codes` is off), and what they say to do about a change that was not the
//!   owner's, its own pages do.
//! * **A second factor.** The wire names a waiting sign-in by its phone number, so the challenge's
//!   token is the number, in base64url; there are codes by SMS and nothing else, so no browser can
//!   be trusted. The number comes in `details.phone` of `second_factor_required`. A code cannot be
//!   sent again (`ChallengeGone`): one signs in again.
//! * **A proof that is asked for again** (step up). The wire keeps none: each of its sensitive
//!   calls carries the current password. So a change of address or number without one is
//!   `ProofNeeded` each time, whenever the session began; the page asks for the password,
//!   `reauthenticate` hands it back unjudged, and it goes along with the change, which the
//!   environment judges. The session keeps its token, as with a change of the password. No code can
//!   be sent, and what needs no password on the wire needs no proof here.
//! * **A picture** is stored in the bucket `root`. The environment decides what becomes of it; only
//!   what begins like a JPEG, PNG, WebP or GIF is sent there, and only such is shown from there
//!   (`remote/pictures.rs`).
//!
//! # When the environment does not answer
//!
//! A call has five seconds, a connection two. Whatever is no answer of the protocol (nothing, too
//! late, too large, not JSON, a 5xx) is a failure that may pass: the page says 503, when to try
//! again, and keeps the cookie. After a few in a row calls fail at once for two seconds. Nothing is
//! tried again here: who asked may have been heard.

mod auth_manager;
mod breaker;
mod operations;
mod pictures;
mod sessions;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::de::DeserializeOwned;

use self::{
    pictures::PictureUrls,
    wire::{Ask, Reply, Wire, unavailable},
};
use crate::{
    port::{Caller, Capabilities, Channel, Clock, Failure, OperationError, Outcome},
    protocol::{
        paths,
        refusals::{Rejected, RequestContext},
    },
    server::work_pool::WorkPool,
};

/// Phone numbers that may wait to be read.
const PHONES_WAITING: usize = 64;

/// Settings of the adapter.
#[derive(Debug, Clone)]
pub struct RemoteSettings {
    /// The environment, without a slash at its end.
    pub env_url: String,
    pub client_key: String,
    /// The URL of our own pages, under which its pictures are shown.
    pub public_url: String,
    /// Capabilities of the environment. It cannot be asked, so the operator says it.
    pub capabilities: Capabilities,
}

/// Why the adapter could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("the client key cannot stand in a header")]
    ClientKey,
    #[error("the environment's URL is none")]
    EnvironmentUrl(#[source] url::ParseError),
    #[error("the system gives no thread")]
    Threads(#[source] std::io::Error),
    #[error("no HTTP client can be made")]
    Client(#[source] reqwest::Error),
}

/// The remote backend. Cloning is cheap; all clones are one.
#[derive(Clone)]
pub struct Remote(Arc<RemoteParts>);

struct RemoteParts {
    wire: Wire,
    pictures: PictureUrls,
    capabilities: Capabilities,
    clock: Arc<dyn Clock>,
    phone_pool: WorkPool,
}

impl Remote {
    /// Makes the adapter. Nothing is asked yet: an environment that is down is no reason not to
    /// start.
    ///
    /// # Errors
    /// When the URL or the client key cannot be one, or the system has no certificates.
    pub fn new(settings: RemoteSettings, clock: Arc<dyn Clock>) -> Result<Self, RemoteError> {
        Ok(Self(Arc::new(RemoteParts {
            wire: Wire::new(&settings.env_url, &settings.client_key, Arc::clone(&clock))?,
            pictures: PictureUrls::new(&settings.env_url, &settings.public_url)
                .map_err(RemoteError::EnvironmentUrl)?,
            capabilities: settings.capabilities,
            clock,
            phone_pool: WorkPool::start("phones", PHONES_WAITING).map_err(RemoteError::Threads)?,
        })))
    }

    /// Whether the environment answers and takes our client key. It is asked who we are, without a
    /// session: the cheapest question that every environment can refuse.
    ///
    /// # Errors
    /// When it does not answer, or refuses the client key.
    pub async fn ready(&self) -> Result<(), Failure> {
        match self.0.wire.call(Ask::get(paths::USER, RequestContext::Session), &nobody()).await? {
            Reply::Done(_) => Ok(()),
            Reply::Rejected(rejected) if rejected.says("missing_session_token") => Ok(()),
            Reply::Rejected(rejected) => Err(not_mendable(&rejected)),
        }
    }

    /// One call, and its JSON as a type of the protocol.
    async fn ask<T: DeserializeOwned>(&self, caller: &Caller, ask: Ask) -> Outcome<T> {
        let body = self.call(caller, ask).await?;
        Ok(read(&body)?)
    }

    /// One call whose success has nothing to say.
    async fn call_without_result(&self, caller: &Caller, ask: Ask) -> Outcome<()> {
        self.call(caller, ask).await.map(drop)
    }

    async fn call(&self, caller: &Caller, ask: Ask) -> Outcome<Vec<u8>> {
        let asked = ask.asked;
        match self.0.wire.call(ask, caller).await? {
            Reply::Done(body) => Ok(body),
            Reply::Rejected(rejected) => Err(rejection(&rejected, asked)),
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| unreadable(Unread::from(error)))
}

/// Description of unreadable JSON: where it went wrong, and nothing of what it holds.
#[derive(Debug, thiserror::Error)]
#[error(
    "the environment's answer is not of the protocol: {category:?} at line {line}, column {column}"
)]
struct Unread {
    category: serde_json::error::Category,
    line: usize,
    column: usize,
}

impl From<serde_json::Error> for Unread {
    fn from(error: serde_json::Error) -> Self {
        Self { category: error.classify(), line: error.line(), column: error.column() }
    }
}

/// An answer that nothing can be made of.
fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    unavailable(None, error)
}

fn rejection(rejected: &Rejected, asked: RequestContext) -> OperationError {
    match rejected.refusal(asked) {
        Some(refusal) => refusal.into(),
        None => not_mendable(rejected).into(),
    }
}

/// The words are the environment's, so they are logged escaped and cut.
fn not_mendable(rejected: &Rejected) -> Failure {
    let said = rejected.entries.first().map_or("", |entry| &entry.code);
    let said: String = said.chars().take(60).collect();
    Failure::broken(format!("the environment refused a call with {} {said:?}", rejected.status))
}

/// A caller who is nobody: for calls of our own.
fn nobody() -> Caller {
    Caller {
        channel: Channel::Api,
        address: None,
        user_agent: String::new(),
        session: None,
        browser: None,
        devices: Vec::new(),
        redirect_url: None,
        unlisted: None,
        is_operator: false,
    }
}
