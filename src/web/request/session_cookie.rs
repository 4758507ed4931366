//! The cookie of the session, apart from everything else that a browser keeps for us.
//!
//! Browsers apply `Set-Cookie` in the order in which answers arrive, and no answer knows what
//! arrived before it. So the session token shares its cookie with nothing that other answers
//! change, and **only an answer that began or renewed a session writes it** (S110):
//!
//! * Signing out ends the session in the backend and leaves the cookie alone: a late answer to it
//!   cannot take away what a sign-in brought meanwhile. The token is dead, and the other cookie
//!   remembers that (`session.rs`, key `x`).
//! * A token that turns out to be dead is treated the same way.
//! * A cookie of an older key stays as it is. A copy under the newest key goes into the other
//!   cookie, and counts only where this one does not open.
//!
//! The sign-in that waits for its second factor has a cookie of its own for the same reason: half a
//! sign-in must not take the place of a whole one.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use actix_web::{
    HttpMessage as _, HttpRequest,
    cookie::{Cookie, CookieJar, Key, SameSite, time::Duration},
    dev::ServiceResponse,
    http::header::SET_COOKIE,
    web::Data,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use super::{super::PageState, session::WaitingSignIn};

/// Longer than any session: the device device tokens stand here too, and outlive the session.
const SESSION_DAYS: i64 = 390;

/// Longer than a sign-in waits for its second factor.
const WAITING_MINUTES: i64 = 30;

/// Cookies of one name that are tried: others can plant some (S39).
const TRIED: usize = 8;

/// Signed-in user of this browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignedIn {
    /// The session token.
    #[serde(rename = "s")]
    pub(crate) token: String,
    /// Secret for form tokens. Stays when the token is renewed, so that forms in other tabs go on
    /// working.
    #[serde(rename = "k")]
    pub(crate) form_secret: String,
    /// The device tokens of the people who signed in with this browser, the last one first.
    #[serde(rename = "d", default)]
    pub(crate) devices: Vec<String>,
}

impl SignedIn {
    /// A session that begins, with a new form secret (S32).
    pub(crate) fn begun(token: &str, devices: Vec<String>) -> Self {
        Self { token: token.to_owned(), form_secret: derived("form secret", token), devices }
    }
}

/// Names a token without telling it.
pub(crate) fn fingerprint(token: &str) -> String {
    derived("fingerprint", token)[..11].to_owned()
}

/// 22 letters that follow from a token and tell nothing of it.
pub(crate) fn derived(label: &str, token: &str) -> String {
    let digest = Sha256::new().chain_update(label).chain_update([0]).chain_update(token).finalize();
    BASE64_URL_SAFE_NO_PAD.encode(&digest[..16])
}

/// Both cookies as a request brought them and as its handler left them. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct SessionCookies(Rc<CookieState>);

#[derive(Default)]
struct CookieState {
    session: Slot<SignedIn>,
    waiting: Slot<WaitingSignIn>,
    /// Whether the session's cookie was sealed with a key that is not the newest.
    is_of_older_key: Cell<bool>,
    site: Cell<u64>,
}

struct Slot<T> {
    value: RefCell<Option<T>>,
    changed: Cell<bool>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { value: RefCell::new(None), changed: Cell::new(false) }
    }
}

impl SessionCookies {
    /// Those of a request; empty ones where no layer opened them.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        if let Some(cookies) = request.extensions().get::<Self>() {
            return cookies.clone();
        }
        let cookies = Self::default();
        cookies.0.site.set(request.app_data::<Data<PageState>>().map_or(0, |site| site.number));
        request.extensions_mut().insert(cookies.clone());
        cookies
    }

    /// The number of the site that they belong to.
    pub(crate) fn site(&self) -> u64 {
        self.0.site.get()
    }

    /// Opens what stands in the `Cookie` headers.
    pub(crate) fn open(site: &PageState, parts: &[String]) -> Self {
        let cookies = Self::default();
        cookies.0.site.set(site.number);
        let (session, age) = opened(parts, site.paths.session_cookie(), &site.keys);
        let (waiting, _) = opened(parts, site.paths.waiting_cookie(), &site.keys);
        cookies.0.is_of_older_key.set(age > 0 && session.is_some());
        cookies.0.session.value.replace(session);
        cookies.0.waiting.value.replace(waiting);
        cookies
    }

    /// Signed-in user.
    pub(crate) fn session(&self) -> Option<SignedIn> {
        self.0.session.value.borrow().clone()
    }

    /// Writes who is signed in: for an answer that began or renewed the session, and for no other.
    pub(crate) fn write_session(&self, session: SignedIn) {
        self.0.session.write(session);
    }

    /// The sign-in that waits for its second factor.
    pub(crate) fn waiting(&self) -> Option<WaitingSignIn> {
        self.0.waiting.value.borrow().clone()
    }

    /// Writes a sign-in whose first factor was right just now.
    pub(crate) fn write_waiting(&self, waiting: WaitingSignIn) {
        self.0.waiting.write(waiting);
    }

    /// Whether a copy under the newest key is due.
    pub(crate) fn is_of_older_key(&self) -> bool {
        self.0.is_of_older_key.get()
    }

    /// Whether this answer writes one of them.
    pub(crate) fn is_changed(&self) -> bool {
        self.0.session.changed.get() || self.0.waiting.changed.get()
    }

    /// Cookies that this answer writes.
    pub(crate) fn written(&self) -> Written {
        Written {
            session: self.session().filter(|_| self.0.session.changed.get()),
            waiting: self.waiting().filter(|_| self.0.waiting.changed.get()),
        }
    }

    /// Sends what was changed.
    pub(crate) fn send<B>(&self, site: &PageState, response: &mut ServiceResponse<B>) {
        let session =
            self.0.session.sealed(site, site.paths.session_cookie(), Duration::days(SESSION_DAYS));
        let waiting = self.0.waiting.sealed(
            site,
            site.paths.waiting_cookie(),
            Duration::minutes(WAITING_MINUTES),
        );
        for cookie in [session, waiting].into_iter().flatten() {
            match cookie.encoded().to_string().parse() {
                Ok(value) => response.headers_mut().append(SET_COOKIE, value),
                Err(error) => tracing::error!(%error, "a cookie could not be written"),
            }
        }
    }
}

/// Cookies that an answer wrote.
#[derive(Clone, Default)]
pub(crate) struct Written {
    session: Option<SignedIn>,
    waiting: Option<WaitingSignIn>,
}

impl Written {
    /// The token of the session that was written.
    pub(crate) fn token(&self) -> Option<&str> {
        self.session.as_ref().map(|session| session.token.as_str())
    }

    /// Writes the same into another answer.
    pub(crate) fn repeat(&self, cookies: &SessionCookies) {
        if let Some(session) = &self.session {
            cookies.write_session(session.clone());
        }
        if let Some(waiting) = &self.waiting {
            cookies.write_waiting(waiting.clone());
        }
    }
}

impl<T: Clone + Serialize> Slot<T> {
    fn write(&self, value: T) {
        self.value.replace(Some(value));
        self.changed.set(true);
    }

    fn sealed(
        &self,
        site: &PageState,
        name: &'static str,
        life: Duration,
    ) -> Option<Cookie<'static>> {
        if !self.changed.get() {
            return None;
        }
        let value = serde_json::to_string(&*self.value.borrow()).ok()?;
        let mut cookie = Cookie::new(name, value);
        cookie.set_http_only(true);
        cookie.set_same_site(SameSite::Lax);
        cookie.set_secure(site.paths.secure());
        cookie.set_path(site.paths.cookie_path().to_owned());
        cookie.set_max_age(life);
        let mut jar = CookieJar::new();
        jar.private_mut(site.keys.first()?).add(cookie);
        jar.get(name).cloned()
    }
}

/// The first cookie of that name that opens, and the place of the key that opened it.
fn opened<T: DeserializeOwned>(parts: &[String], name: &str, keys: &[Key]) -> (Option<T>, usize) {
    let of_name = parts.iter().filter(|part| part.split('=').next() == Some(name));
    for part in of_name.take(TRIED) {
        let Ok(cookie) = Cookie::parse_encoded(part.clone()) else { continue };
        let mut jar = CookieJar::new();
        jar.add_original(cookie);
        for (age, key) in keys.iter().enumerate() {
            let value =
                jar.private(key).get(name).and_then(|open| serde_json::from_str(open.value()).ok());
            if value.is_some() {
                return (value, age);
            }
        }
    }
    (None, 0)
}
