//! The access cookie: a cookie of its own, which lets a browser in at the sites behind forward
//! authentication.
//!
//! The cookie of the pages cannot do it. `__Host-` keeps it to the one host, a sub-path keeps it
//! below that path, and it should stay so: a site that sees it in a `Cookie` header could be the
//! signed-in user at our own pages. The access cookie is made to be seen by others:
//!
//! * It is sealed with our key, so that nobody reads or makes one. The name of a cookie goes into
//!   its seal: put into the place of the pages' cookie, a access cookie opens nothing. It is worth
//!   nothing but an answer of `/forward-auth`.
//! * It holds the session token and no decision. Each question looks the session up as a page does,
//!   so that signing out, a new password, "end all others" and whatever else ends a session end the
//!   access cookie with it, at the same moment.
//! * It is `HttpOnly` and `SameSite=Lax`, over https `Secure` with a prefix that keeps plain http
//!   from planting one: `__Host-` where there is no `access.cookie_domain`, `__Secure-` where there
//!   is one.
//! * It ends after [`LIFE`]. Then the way over the sign-in page makes a new one, without a form for
//!   those who are signed in.
//!
//! What remains: whoever runs a site in the cookie's domain sees the access cookies of its visitors
//! and can show them at another one, as long as the session lives. The configurations in `deploy/`
//! take our cookies out of what they pass on. A domain that others have hosts in should not be
//! `access.cookie_domain`.

use actix_web::{
    HttpMessage, HttpRequest,
    cookie::{Cookie, CookieJar, SameSite, time::Duration},
    http::header::HeaderValue,
};
use jiff::{SignedDuration, Timestamp};

use super::{super::PageState, cookies::AsSent};
use crate::port::SessionToken;

/// How long a access cookie is good: a day of work.
const LIFE: SignedDuration = SignedDuration::from_hours(10);

/// How many cookies of the name are tried: others can plant some (S39).
const TRIED: usize = 4;

/// The cookie for a session.
pub(crate) fn issue(site: &PageState, token: &SessionToken) -> Option<Cookie<'static>> {
    let ends = site.clock.now().as_second().saturating_add(LIFE.as_secs());
    let mut cookie = bare(site, format!("{ends} {}", token.expose()));
    cookie.set_max_age(Duration::seconds(LIFE.as_secs()));
    let mut jar = CookieJar::new();
    jar.private_mut(site.keys.first()?).add(cookie);
    jar.get(name(site)).cloned()
}

/// The cookie that takes a access cookie away, where one came: a browser that changes hands must
/// not stay somebody else at other sites for as long as that session may live.
pub(crate) fn forgotten(site: &PageState, request: &HttpRequest) -> Option<Cookie<'static>> {
    came(site, request).next()?;
    let mut cookie = bare(site, String::new());
    cookie.make_removal();
    Some(cookie)
}

/// The session of the access cookie that came with a request.
pub(crate) fn read(site: &PageState, request: &HttpRequest) -> Option<SessionToken> {
    came(site, request).take(TRIED).find_map(|cookie| opened(site, &cookie))
}

/// The cookie with what a browser must know of it, when it is taken away too.
fn bare(site: &PageState, value: String) -> Cookie<'static> {
    let mut cookie = Cookie::new(name(site), value);
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(site.paths.secure());
    cookie.set_path("/");
    if let Some(domain) = &site.access.cookie_domain {
        cookie.set_domain(domain.clone());
    }
    cookie
}

/// The cookies of our name, as they came.
fn came(site: &PageState, request: &HttpRequest) -> impl Iterator<Item = String> {
    let extensions = request.extensions();
    let headers = extensions.get::<AsSent>().map(|sent| sent.0.clone()).unwrap_or_default();
    let is_ours = |cookie: &&str| cookie.split('=').next() == Some(name(site));
    let cookies = |header: HeaderValue| -> Vec<String> {
        let header = header.to_str().unwrap_or_default();
        header.split(';').map(str::trim).filter(is_ours).map(str::to_owned).collect()
    };
    headers.into_iter().flat_map(cookies).collect::<Vec<_>>().into_iter()
}

fn opened(site: &PageState, text: &str) -> Option<SessionToken> {
    let mut jar = CookieJar::new();
    jar.add_original(Cookie::parse_encoded(text.to_owned()).ok()?);
    let open = site.keys.iter().find_map(|key| jar.private(key).get(name(site)))?;
    let (ends, token) = open.value().split_once(' ')?;
    let ends = Timestamp::from_second(ends.parse().ok()?).ok()?;
    (site.clock.now() < ends).then(|| SessionToken::parse(token).ok()).flatten()
}

fn name(site: &PageState) -> &'static str {
    match (site.paths.secure(), &site.access.cookie_domain) {
        (true, None) => "__Host-vestibule-access",
        (true, Some(_)) => "__Secure-vestibule-access",
        (false, _) => "vestibule-access",
    }
}
