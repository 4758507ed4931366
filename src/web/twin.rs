//! A form that arrives twice does what it does once (SECURITY.md R25).
//!
//! A proxy that tries again, or a finger that presses twice, sends the same bytes twice: without this, two letters would go out,
//! or the second answer, which is the one that the browser shows, would say that the code was wrong that the first one used up.
//! So the second of two that are the same to the byte, cookie included, does nothing. It waits for the first one, and gets its
//! answer: the same redirect, and the same in the cookie.
//!
//! While the first one is at work, that holds for every form. Afterwards it is kept, for [`KEPT`], only where a message went out:
//! that leaves the journey in the cookie, so that whoever really asks for another one comes with another cookie; and where a proof
//! gave the session a new token: the second press comes with the old one, which is dead. What begins or
//! ends a session, or takes a code, is never answered again: a code works once. What was refused or failed has changed nothing,
//! and what ends in a page is not kept: then the second one is looked at by itself.
//!
//! It is remembered in this process; two servers on one database do not know of each other's.

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{COOKIE, HeaderMap},
    },
};
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use super::session::{Contents, CookieSession};

/// How long an answer is kept for a twin.
const KEPT: Duration = Duration::from_secs(10);

/// Answers that are kept at most; the oldest go first.
const MOST: u64 = 4096;

static SEEN: LazyLock<Cache<[u8; 32], Told>> =
    LazyLock::new(|| Cache::builder().max_capacity(MOST).time_to_live(KEPT).build());

type Told = watch::Receiver<Option<Arc<Outcome>>>;

/// What became of the first one.
pub(crate) struct Outcome {
    headers: HeaderMap,
    cookie: Contents,
}

/// The first of its kind, kept with its request. Dropped without a word, it leaves the next one to itself.
struct First {
    key: [u8; 32],
    tell: watch::Sender<Option<Arc<Outcome>>>,
    cookie: Contents,
}

/// Notes a form whose token was right. Answers what became of its twin, when there was one that did something.
pub(crate) async fn outcome(request: &HttpRequest, body: &[u8]) -> Option<Arc<Outcome>> {
    let key = key(request, body);
    let (tell, told) = watch::channel(None);
    let entry = SEEN.entry(key).or_insert(told);
    if entry.is_fresh() {
        let cookie = CookieSession::of(request).contents();
        request.extensions_mut().insert(First { key, tell, cookie });
        return None;
    }
    let mut told = entry.into_value();
    let outcome = told.wait_for(Option::is_some).await.ok()?;
    outcome.clone()
}

/// Keeps an answer for a twin.
pub(crate) fn keep(request: &HttpRequest, response: &HttpResponse) {
    if response.status() != StatusCode::SEE_OTHER {
        return;
    }
    let Some(first) = request.extensions_mut().remove::<First>() else { return };
    let session = CookieSession::of(request);
    let outcome = Outcome { headers: response.headers().clone(), cookie: session.contents() };
    let is_kept = session.sent_a_message_since(&first.cookie) || session.renews_since(&first.cookie);
    first.tell.send_replace(Some(Arc::new(outcome)));
    if !is_kept {
        SEEN.invalidate(&first.key);
    }
}

impl Outcome {
    /// The same answer again.
    pub(crate) fn repeat(&self, session: &CookieSession) -> HttpResponse {
        tracing::info!("a form came twice; the second one got the answer of the first");
        session.replace(&self.cookie);
        let mut response = HttpResponse::SeeOther().finish();
        for (name, value) in &self.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response
    }
}

impl fmt::Debug for Outcome {
    /// Not what is in it: the cookie holds a session.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outcome").finish_non_exhaustive()
    }
}

impl Drop for First {
    fn drop(&mut self) {
        if self.tell.borrow().is_none() {
            SEEN.invalidate(&self.key);
        }
    }
}

fn key(request: &HttpRequest, body: &[u8]) -> [u8; 32] {
    let cookies = request.headers().get_all(COOKIE).map(|cookie| cookie.as_bytes());
    let (address, identity) = (request.uri().to_string(), CookieSession::of(request).identity());
    let parts = [address.as_bytes(), identity.as_bytes(), body].into_iter().chain(cookies);
    let hash = parts.fold(Sha256::new(), |hash, part| hash.chain_update(part.len().to_be_bytes()).chain_update(part));
    hash.finalize().into()
}
