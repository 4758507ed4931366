//! A form that arrives twice does what it does once (SECURITY.md R25).
//!
//! A proxy that tries again, or a finger that presses twice, sends the same bytes twice: without this, two letters would go out,
//! or the second answer, which is the one that the browser shows, would say that the code was wrong that the first one used up.
//! So the second of two that are the same to the byte, cookie included, does nothing. It waits for the first one, and gets its
//! answer: the same redirect, and the same in the cookie.
//!
//! While the first one is at work, that holds for every form. Afterwards it is kept, for [`KEPT`], where the answer writes a
//! cookie: a second form that still has the cookies from before comes from a browser that did not get that answer yet, or lost
//! it when a second press cancelled the first (S110). A browser that got the answer has other cookies, so a form that is really
//! sent again is another one. What was refused or failed has changed nothing, and what ends in a page is not kept: then the
//! second one is looked at by itself.
//!
//! Links are redeemed by a GET, and each tab holds another token of the same link: so the answer that redeemed one is kept for
//! its browser ([`note_landing`]), and a request that finds the link spent gets the same answer.
//!
//! An answer whose session was renewed or ended meanwhile is not repeated: it would bring an older session.
//!
//! It is remembered in this process. With several on one database, the second press is told what happened, and undoes nothing.

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{COOKIE, HeaderMap, LOCATION},
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

/// What a sign-in by link was answered, by the mark of its browser, and whether the link was opened or its code typed.
static LANDINGS: LazyLock<Cache<(String, bool), Arc<Outcome>>> =
    LazyLock::new(|| Cache::builder().max_capacity(MOST).time_to_live(KEPT).build());

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
    let outcome = told.wait_for(Option::is_some).await.ok()?.clone();
    outcome.filter(|outcome| !outcome.cookie.is_superseded())
}

/// Keeps the answer to a sign-in by link for other requests of the browser.
pub(crate) fn note_landing(key: (String, bool), response: &HttpResponse, session: &CookieSession) {
    let outcome = Outcome { headers: response.headers().clone(), cookie: session.contents() };
    LANDINGS.insert(key, Arc::new(outcome));
}

/// The answer that a sign-in by link of this browser got a moment ago, if its session is still the newest.
pub(crate) fn landing(browser: String, is_opened: bool) -> Option<Arc<Outcome>> {
    LANDINGS.get(&(browser, is_opened)).filter(|outcome| !outcome.cookie.is_superseded())
}

/// Keeps an answer for a twin.
pub(crate) fn keep(request: &HttpRequest, response: &HttpResponse) {
    if response.status() != StatusCode::SEE_OTHER {
        return;
    }
    let Some(first) = request.extensions_mut().remove::<First>() else { return };
    let session = CookieSession::of(request);
    let outcome = Outcome { headers: response.headers().clone(), cookie: session.contents() };
    let is_kept = session.is_changed_since(&first.cookie);
    first.tell.send_replace(Some(Arc::new(outcome)));
    if !is_kept {
        SEEN.invalidate(&first.key);
    }
}

impl Outcome {
    /// Where it leads.
    pub(crate) fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }

    /// Whether it brought the session that this browser has.
    pub(crate) fn is_of(&self, session: &CookieSession) -> bool {
        self.cookie.brings(session)
    }

    /// The same answer again.
    pub(crate) fn repeat(&self, session: &CookieSession) -> HttpResponse {
        tracing::info!("a form or link came twice; the second one got the answer of the first");
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
