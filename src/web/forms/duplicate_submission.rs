//! A form that arrives twice does what it does once (R25).
//!
//! A proxy that tries again, or a finger that presses twice, sends the same bytes twice: without
//! this, two emails would go out, or the second answer, which is the one that the browser shows,
//! would say that the code was wrong that the first one used up. So the second of two that are the
//! same to the byte, cookie included, does nothing. It waits for the first one, and gets its
//! answer: the same redirect, and the same in the cookie.
//!
//! While the first one is at work, that holds for every form. Afterwards it is kept, for [`KEPT`],
//! where the answer writes a cookie: a second form that still has the cookies from before comes
//! from a browser that did not get that answer yet, or lost it when a second press cancelled the
//! first (S110). Such an answer has a name in the cookie. Once that name comes back, the answer has
//! arrived and is kept no longer: a code or link that comes again after that is spent, as for
//! everybody else (S16, S45). What only sent a message or renewed the session is kept all the same.
//! What was refused or failed has changed nothing, and what ends in a page is not kept: then the
//! second one is looked at by itself.
//!
//! Links are redeemed by a GET, and each tab holds another token of the same link: so the answer
//! that redeemed one is kept for its browser ([`note_redirect_target`]), and a request that finds
//! the link spent gets the same answer.
//!
//! An answer whose session was renewed or ended meanwhile is not repeated: it would bring an older
//! session.
//!
//! It is remembered in this process. With several on one database, the second press is told what
//! happened, and undoes nothing.

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
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use super::super::request::{
    session::{Contents, CookieSession},
    session_cookie::derived,
};

/// How long an answer is kept for a duplicate.
const KEPT: Duration = Duration::from_secs(10);

/// Answers that are kept at most; the oldest go first.
const MOST: u64 = 4096;

/// Answers to sign-ins by link, by the id of their browser, and whether the link was opened or its
/// code typed.
static REDIRECT_TARGETS: LazyLock<Cache<(String, bool), Arc<Outcome>>> =
    LazyLock::new(|| Cache::builder().max_capacity(MOST).time_to_live(KEPT).build());

/// The keys of forms, by the names of their answers.
static NAMES: LazyLock<Cache<String, String>> =
    LazyLock::new(|| Cache::builder().max_capacity(MOST).time_to_live(KEPT).build());

/// The names of answers that arrived.
static ARRIVED: LazyLock<Cache<String, ()>> =
    LazyLock::new(|| Cache::builder().max_capacity(MOST).time_to_live(KEPT).build());

static SUBMISSIONS: LazyLock<Cache<String, Told>> =
    LazyLock::new(|| Cache::builder().max_capacity(MOST).time_to_live(KEPT).build());

type Told = watch::Receiver<Option<Arc<Outcome>>>;

/// Result of the first submission.
pub(crate) struct Outcome {
    headers: HeaderMap,
    cookie: Contents,
    name: String,
}

/// The first of its kind, kept with its request. Dropped without a word, it leaves the next one to
/// itself.
struct First {
    key: String,
    tell: watch::Sender<Option<Arc<Outcome>>>,
    cookie: Contents,
}

/// Notes a form whose token was right. Answers what became of its duplicate, when there was one
/// that did something.
pub(crate) async fn outcome(request: &HttpRequest, body: &[u8]) -> Option<Arc<Outcome>> {
    let key = key(request, body);
    let (tell, told) = watch::channel(None);
    let entry = SUBMISSIONS.entry(key.clone()).or_insert(told);
    if entry.is_fresh() {
        let cookie = CookieSession::of(request).contents();
        request.extensions_mut().insert(First { key, tell, cookie });
        return None;
    }
    let mut told = entry.into_value();
    let outcome = told.wait_for(Option::is_some).await.ok()?.clone();
    outcome.filter(|outcome| !outcome.cookie.is_superseded())
}

/// Lets go of an answer that arrived: a browser brings its name.
pub(crate) fn note_arrival(session: &CookieSession) {
    if let Some(name) = session.answer() {
        if let Some(key) = NAMES.remove(&name) {
            SUBMISSIONS.invalidate(&key);
        }
        ARRIVED.insert(name, ());
    }
}

/// Keeps the answer to a sign-in by link for other requests of the browser.
pub(crate) fn note_redirect_target(
    key: (String, bool),
    response: &HttpResponse,
    session: &CookieSession,
) {
    let name = derived("answer", &session.identity());
    session.name_answer(&name);
    let outcome = Outcome { headers: response.headers().clone(), cookie: session.contents(), name };
    REDIRECT_TARGETS.insert(key, Arc::new(outcome));
}

/// The answer that a sign-in by link of this browser got a moment ago, if its session is still the
/// newest.
pub(crate) fn redirect_target(browser: String, is_opened: bool) -> Option<Arc<Outcome>> {
    REDIRECT_TARGETS.get(&(browser, is_opened)).filter(|outcome| !outcome.cookie.is_superseded())
}

/// Keeps an answer for a duplicate.
pub(crate) fn keep(request: &HttpRequest, response: &HttpResponse) {
    if response.status() != StatusCode::SEE_OTHER {
        return;
    }
    let Some(first) = request.extensions_mut().remove::<First>() else { return };
    let session = CookieSession::of(request);
    let is_kept = session.is_changed_since(&first.cookie);
    if is_kept && !session.may_be_told_again(&first.cookie) {
        // A sign-in by link has named its answer already.
        if !session.is_answer_named_since(&first.cookie) {
            session.name_answer(&first.key);
        }
        NAMES.insert(session.answer().unwrap_or_default(), first.key.clone());
    }
    let name = first.key.clone();
    let outcome = Outcome { headers: response.headers().clone(), cookie: session.contents(), name };
    first.tell.send_replace(Some(Arc::new(outcome)));
    if !is_kept {
        SUBMISSIONS.invalidate(&first.key);
    }
}

impl Outcome {
    /// Whether it has not arrived yet, as far as is known: then it is given again.
    pub(crate) fn is_on_its_way(&self) -> bool {
        !ARRIVED.contains_key(&self.name)
    }

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
            SUBMISSIONS.invalidate(&self.key);
        }
    }
}

fn key(request: &HttpRequest, body: &[u8]) -> String {
    let cookies = request.headers().get_all(COOKIE).map(|cookie| cookie.as_bytes());
    let (address, identity) = (request.uri().to_string(), CookieSession::of(request).identity());
    let parts = [address.as_bytes(), identity.as_bytes(), body].into_iter().chain(cookies);
    let hash = parts.fold(Sha256::new(), |hash, part| {
        hash.chain_update(part.len().to_be_bytes()).chain_update(part)
    });
    BASE64_URL_SAFE_NO_PAD.encode(&hash.finalize()[..16])
}
