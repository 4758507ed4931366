//! Forward authentication: a proxy asks about each request to another site whether its browser may
//! come in.
//!
//! # The question
//!
//! `GET /forward-auth`, with the cookies of that request. Which page it was for, the proxy says in
//! headers of its own, which are believed only from `server.trusted_proxies` (S49). There are two
//! kinds, and **the address that the proxy is set to ask tells them apart, not what came**: a proxy
//! takes away or overwrites the headers that it uses, and passes on the others as a client wrote
//! them.
//!
//! | asked at | page | method | made for |
//! |---|---|---|---|
//! | `/forward-auth` | `X-Forwarded-Proto`, `-Host`, `-Uri` | `X-Forwarded-Method` | Caddy and Traefik |
//! | `/forward-auth?mode=nginx` | `X-Original-URL`, whole | `X-Original-Method` | nginx, and our scripts for haproxy and apache |
//! | [`ENVOY`] and the page's path | `X-Forwarded-Proto`, `-Host`, and that path | that of the question | Envoy, whose `path_prefix` it is |
//!
//! # The answer
//!
//! | | a browser that goes to a page | anything else |
//! |---|---|---|
//! | may come | 200 | 200 |
//! | must sign in | 303 to [`ENTER`]; with `mode=nginx` 401 and the same `Location` | 401 |
//! | may not come | 303 to [`ENTER`], which says why; with `mode=nginx` 403 and the same `Location` | 403 |
//! | a page of no site of ours, or no proxy of ours | 403 | 403 |
//!
//! nginx takes nothing but 2xx, 401 and 403 for an answer. A script's request, a form and an image
//! are not redirected: what they would get is a sign-in page they did not ask for.
//!
//! A 200 names the signed-in user in four headers, all four always there, so that a proxy which
//! copies what it gets overwrites what a client wrote: `Remote-User` (the id), `Remote-Email` (one
//! that was proved, else empty), `Remote-Name`, `Remote-Groups` (with commas). They are empty where
//! a rule lets visitors in and nobody is signed in. A header holds ASCII: what else is in a name,
//! and `%`, is percent-encoded UTF-8; so is a comma in a group.
//!
//! # The way back
//!
//! [`ENTER`] is a page for signed-in users: who is not one signs in first and comes to it
//! afterwards. It asks the rules once more, for a [second factor](second_step) too where one is
//! wanted and was not shown, gives the browser its [`access_cookie`](super::request::access_cookie)
//! and sends it to the page it wanted. It goes to pages of our sites and nowhere else (S51): an
//! address on another host is refused, not cut.

use std::sync::Once;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{ACCEPT, LOCATION},
    },
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::form_urlencoded;

use super::{
    PageState,
    error::PageError,
    pages::sign_in::second_factor,
    request::{
        access_cookie,
        guard::is_ended_session,
        visit::{Visit, see_other},
    },
    view::page::{Ours, PageResult},
};
use crate::{
    access_rules::{AccessVerdict, Decision, Person, RequestedPage},
    http::forwarded::is_from_proxy,
    port::{OperationError, SignedInUser},
};

/// The page that a refused browser is sent to.
pub(crate) const ENTER: &str = "/forward-auth/enter";

/// Prefix that Envoy puts before the path of a page.
pub(crate) const ENVOY: &str = "/forward-auth/envoy";

/// Longest address of [`ENTER`]: the cookie keeps no longer one to come back to, and nginx takes
/// headers of 4 kB in all.
const ENTER_MAX: usize = 1000;

/// Characters that a header value must encode.
const TEXT: &AsciiSet = &CONTROLS.add(b'%');
const LISTED: &AsciiSet = &TEXT.add(b',');

/// Which headers tell the page, and which statuses the answer may have.
#[derive(Clone, Copy)]
enum Mode {
    Forwarded,
    Nginx,
    Envoy,
}

/// Answers the question of a proxy.
pub(crate) async fn answer(visit: Visit) -> PageResult {
    let request = visit.request();
    if !is_from_proxy(request) {
        // Once: anybody can ask.
        static TOLD: Once = Once::new();
        TOLD.call_once(|| {
            tracing::warn!(
                "/forward-auth is asked by somebody who is not in server.trusted_proxies"
            )
        });
        return Ok(plain(
            StatusCode::FORBIDDEN,
            "Only a proxy of server.trusted_proxies may ask this.\n",
        ));
    }
    let mode = match (visit.path().starts_with(ENVOY), query(request, "mode").as_deref()) {
        (true, _) => Mode::Envoy,
        (false, None) => Mode::Forwarded,
        (false, Some("nginx")) => Mode::Nginx,
        (false, Some(_)) => {
            return Ok(plain(StatusCode::FORBIDDEN, "There is mode=nginx, or none.\n"));
        }
    };
    let Some(asked) = page(mode, request, visit.site()) else {
        static TOLD: Once = Once::new();
        TOLD.call_once(|| {
            tracing::warn!(
                "/forward-auth is asked about pages on no host of server.public_url and \
                access.hosts"
            );
        });
        return Ok(plain(StatusCode::FORBIDDEN, "That page is on none of our hosts.\n"));
    };
    let access_cookie_holder;
    let signed_in_user = match visit.signed_in_user() {
        Some(signed_in_user) => Some(signed_in_user),
        None => {
            access_cookie_holder = holder(&visit).await?;
            access_cookie_holder.as_ref()
        }
    };
    let Decision { verdict, .. } =
        visit.site().access.decide(&asked, signed_in_user.map(Person::from));
    Ok(match verdict {
        AccessVerdict::Granted => granted(visit.site(), signed_in_user),
        AccessVerdict::SignIn => {
            refused(mode, &visit, &asked, StatusCode::UNAUTHORIZED, "Sign in first.\n")
        }
        _ => refused(mode, &visit, &asked, StatusCode::FORBIDDEN, "This page is not for you.\n"),
    })
}

/// Lets a signed-in user go where they wanted, with a access cookie.
pub(crate) async fn enter(visit: Visit) -> PageResult {
    let signed_in_user = visit.signed_in()?;
    let site = visit.site();
    let wanted = wanted(&visit);
    let (asked, verdict) = validated(&visit, &wanted)?;
    if verdict == AccessVerdict::ShowSecondFactor {
        return Ok(visit.go(&with_page(second_factor::PATH, &wanted)));
    }
    if let Some(sentence) = refusal(&verdict) {
        return Err(PageError::NotForYou(sentence));
    }
    let token = signed_in_user
        .session
        .token
        .as_ref()
        .ok_or_else(|| PageError::broken("a signed-in user without a session token"))?;
    let cookie = access_cookie::issue(site, token)
        .ok_or_else(|| PageError::broken("no key seals the access cookie"))?;
    let mut response = see_other(asked.url());
    response.add_cookie(&cookie).map_err(PageError::broken)?;
    Ok(response)
}

/// The address of the page that a browser wants to go to.
pub(super) fn wanted(visit: &Visit) -> String {
    query(visit.request(), "to").unwrap_or_default()
}

/// Whether what keeps a signed-in user from that page is that their second factor was not shown
/// yet.
///
/// # Errors
/// For an address of no site of ours.
pub(super) fn asks_for_factor(visit: &Visit, wanted: &str) -> Result<bool, PageError> {
    Ok(validated(visit, wanted)?.1 == AccessVerdict::ShowSecondFactor)
}

/// A path of ours with the page that is wanted in its query.
pub(super) fn with_page(path: &str, wanted: &str) -> String {
    let query: String =
        form_urlencoded::Serializer::new(String::new()).append_pair("to", wanted).finish();
    format!("{path}?{query}")
}

/// A parameter of the query.
pub(super) fn query(request: &HttpRequest, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn validated(visit: &Visit, wanted: &str) -> Result<(RequestedPage, AccessVerdict), PageError> {
    let access = &visit.site().access;
    let asked = access.sites.page(wanted).ok_or(PageError::Malformed(
        "The address to return to is on none of the sites behind this entrance. Please open the \
            page you wanted there.",
    ))?;
    let verdict = access.decide(&asked, visit.signed_in_user().map(Person::from)).verdict;
    Ok((asked, verdict))
}

/// The page in question: each header once, or none.
fn page(mode: Mode, request: &HttpRequest, site: &PageState) -> Option<RequestedPage> {
    let one = |name: &str| {
        let mut values = request.headers().get_all(name);
        values.next().filter(|_| values.next().is_none())?.to_str().ok()
    };
    // Of a host that goes on as a URL does, the path would be the client's to choose.
    let host = || one("x-forwarded-host").filter(|host| !host.contains(['/', '\\', '?', '#', '@']));
    let url = match mode {
        Mode::Nginx => one("x-original-url")?.to_owned(),
        Mode::Forwarded => {
            let uri = one("x-forwarded-uri").filter(|uri| uri.starts_with('/'))?;
            format!("{}://{}{uri}", one("x-forwarded-proto")?, host()?)
        }
        Mode::Envoy => {
            let whole = request.uri().path_and_query()?.as_str();
            let uri = whole.strip_prefix(site.paths.prefix())?.strip_prefix(ENVOY)?;
            format!("{}://{}{uri}", one("x-forwarded-proto")?, host()?)
        }
    };
    site.access.sites.page(&url)
}

/// The signed-in user behind the access cookie. A session that has ended is no signed-in user's.
async fn holder(visit: &Visit) -> Result<Option<SignedInUser>, PageError> {
    let Some(token) = access_cookie::read(visit.site(), visit.request()) else { return Ok(None) };
    match visit.auth().signed_in_user(visit.caller_of(Some(token))).await {
        Ok(signed_in_user) => Ok(Some(signed_in_user)),
        Err(OperationError::Rejected(refusal)) if is_ended_session(&refusal) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn granted(site: &PageState, signed_in_user: Option<&SignedInUser>) -> HttpResponse {
    let signed_in_user = signed_in_user.map(|signed_in_user| &signed_in_user.user);
    let text = |text: Option<&str>| utf8_percent_encode(text.unwrap_or_default(), TEXT).to_string();
    let email = signed_in_user
        .filter(|signed_in_user| signed_in_user.email_verified)
        .and_then(|signed_in_user| signed_in_user.email.as_deref());
    let groups =
        signed_in_user.map(|signed_in_user| site.access.groups(signed_in_user)).unwrap_or_default();
    let groups: Vec<String> =
        groups.iter().map(|group| utf8_percent_encode(group, LISTED).to_string()).collect();
    let mut response = HttpResponse::Ok();
    response.insert_header((
        "remote-user",
        text(signed_in_user.map(|signed_in_user| &*signed_in_user.id)),
    ));
    response.insert_header(("remote-email", text(email)));
    response.insert_header((
        "remote-name",
        text(
            signed_in_user.and_then(|signed_in_user| signed_in_user.name.as_deref()).map(str::trim),
        ),
    ));
    response.insert_header(("remote-groups", groups.join(",")));
    response.finish()
}

fn refused(
    mode: Mode,
    visit: &Visit,
    asked: &RequestedPage,
    status: StatusCode,
    sentence: &'static str,
) -> HttpResponse {
    if !is_navigation(mode, visit.request()) {
        return plain(status, sentence);
    }
    let address = way_in(visit.site(), asked);
    match mode {
        Mode::Forwarded | Mode::Envoy => see_other(&address),
        Mode::Nginx => {
            let mut response = plain(status, sentence);
            if let Ok(address) = address.parse() {
                response.headers_mut().insert(LOCATION, address);
            }
            response
        }
    }
}

/// Where a refused browser goes on: absolute, since it is at another site.
fn way_in(site: &PageState, asked: &RequestedPage) -> String {
    let address = |to: &str| site.paths.href(&with_page(ENTER, to)).to_string();
    let mut way = address(asked.url());
    if way.len() > ENTER_MAX {
        way = address(&asked.origin());
    }
    format!("{}{way}", site.paths.origin())
}

/// Whether somebody looks at what the answer leads to, and would see the page they asked for after
/// a redirect and back.
fn is_navigation(mode: Mode, request: &HttpRequest) -> bool {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let method = match mode {
        Mode::Forwarded => text("x-forwarded-method"),
        Mode::Nginx => text("x-original-method"),
        Mode::Envoy => Some(request.method().as_str()),
    };
    let is_read = method.is_none_or(|method| {
        [Method::GET, Method::HEAD].iter().any(|read| read.as_str() == method)
    });
    let wants_page = match text("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => text(ACCEPT.as_str()).is_none_or(|accept| accept.contains("text/html")),
    };
    is_read && wants_page
}

fn refusal(verdict: &AccessVerdict) -> Option<&'static str> {
    match verdict {
        AccessVerdict::Granted | AccessVerdict::SignIn | AccessVerdict::ShowSecondFactor => None,
        AccessVerdict::NeedsSecondFactor => Some(
            "It is for members who sign in in two steps. Switch the second step on in your \
                account, then open the page again.",
        ),
        AccessVerdict::NotInGroup => Some(
            "It is for other members than you. Ask whoever looks after this site to let you in.",
        ),
        AccessVerdict::Unclear => Some(
            "Its address can be read in more than one way. Please open the page from a link of its \
                site.",
        ),
    }
}

/// An answer for the proxy, which is not to be dressed as a page of ours.
fn plain(status: StatusCode, sentence: &'static str) -> HttpResponse {
    let mut response =
        HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(sentence);
    response.extensions_mut().insert(Ours);
    response
}
