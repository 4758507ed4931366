//! Layer between the `Cookie` header and the session: exactly one cookie of ours, sealed with
//! today's key.
//!
//! Other applications on the host, and whoever can plant cookies there, decide what the header
//! looks like: our name may come twice, broken, or with bytes that are no text (S39). Only the
//! first one that opens is handed on. With several keys, one that was sealed with an older key is
//! sealed anew, so that keys can be changed without signing anybody out (S96).

use actix_web::{
    HttpMessage,
    body::BoxBody,
    cookie::{Cookie, CookieJar, Key},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{COOKIE, HeaderValue},
    middleware::Next,
    web::Data,
};

use super::{super::PageState, session::CookieSession, session_cookie::SessionCookies};

/// Longest cookie that is looked at; a browser keeps none above 4096 bytes.
const COOKIE_MAX: usize = 4096;

/// Cookies of our name that are tried. Others on the host can plant some (S39); hundreds only cost
/// time (S108).
const TRIED: usize = 8;

/// Kept with a request whose cookie was sealed with an older key.
struct SealedAnew;

/// Kept with a request: the `Cookie` headers as they came, for the access cookie
/// ([`super::access_cookie`]).
pub(crate) struct AsSent(pub(crate) Vec<HeaderValue>);

/// The layer outside the session: leaves one cookie of ours in the header, or none.
pub(crate) async fn tidy(
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(site) = request.app_data::<Data<PageState>>().cloned() else {
        return next.call(request).await;
    };
    if !is_tidy(&request, site.paths.cookie_name(), &site.keys) {
        let beside = SessionCookies::open(&site, &texts(&request));
        request.extensions_mut().insert(beside);
        let (header, anew) = chosen(&request, site.paths.cookie_name(), &site.keys);
        let as_sent = AsSent(request.headers_mut().remove(COOKIE).collect());
        request.extensions_mut().insert(as_sent);
        if let Some(header) = header {
            request.headers_mut().insert(COOKIE, header);
        }
        if anew {
            request.extensions_mut().insert(SealedAnew);
        }
    }
    let mut response = next.call(request).await?;
    let beside = SessionCookies::of(response.request());
    beside.send(&site, &mut response);
    Ok(response)
}

/// The cookies that came, as texts; those that are none, or too long, are left out.
fn texts(request: &ServiceRequest) -> Vec<String> {
    let parts = request
        .headers()
        .get_all(COOKIE)
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    let parts = parts.map(<[u8]>::trim_ascii).filter(|part| part.len() <= COOKIE_MAX);
    parts.filter_map(|part| std::str::from_utf8(part).ok().map(str::to_owned)).collect()
}

/// The layer inside the session: has a cookie that was sealed anew sent to the browser.
pub(crate) async fn send_anew(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if request.extensions().contains::<SealedAnew>() {
        CookieSession::of_service(&request).renew();
    }
    if SessionCookies::of(request.request()).is_of_older_key() {
        CookieSession::of_service(&request).copy_session();
    }
    next.call(request).await
}

/// Whether there is nothing to do, as nearly always: no cookie at all, or ours alone and one key
/// only.
fn is_tidy(request: &ServiceRequest, name: &str, keys: &[Key]) -> bool {
    let mut headers = request.headers().get_all(COOKIE).map(HeaderValue::as_bytes);
    match (headers.next(), headers.next()) {
        (None, _) => true,
        (Some(header), None) => {
            keys.len() == 1 && !header.contains(&b';') && named(header, name).is_some()
        }
        (Some(_), Some(_)) => false,
    }
}

/// The header to go on with, and whether its cookie was sealed anew. A single cookie and a single
/// key need no look inside: the session opens it in any case.
fn chosen(request: &ServiceRequest, name: &str, keys: &[Key]) -> (Option<HeaderValue>, bool) {
    let candidates: Vec<&str> = request
        .headers()
        .get_all(COOKIE)
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|part| named(part, name))
        .take(TRIED)
        .collect();
    if let ([only], [_]) = (&candidates[..], keys) {
        return (HeaderValue::from_str(only).ok(), false);
    }
    candidates
        .iter()
        .find_map(|candidate| opened(candidate, name, keys))
        .map_or((None, false), |(header, anew)| (Some(header), anew))
}

/// The cookie, if it is one of that name and of a sane size.
fn named<'a>(part: &'a [u8], name: &str) -> Option<&'a str> {
    let part = part.trim_ascii();
    let ours =
        part.len() <= COOKIE_MAX && part.strip_prefix(name.as_bytes())?.first() == Some(&b'=');
    if ours { std::str::from_utf8(part).ok() } else { None }
}

fn opened(candidate: &str, name: &str, keys: &[Key]) -> Option<(HeaderValue, bool)> {
    let cookie = Cookie::parse_encoded(candidate.to_owned()).ok()?;
    let mut jar = CookieJar::new();
    jar.add_original(cookie);
    let (age, open) =
        keys.iter().enumerate().find_map(|(age, key)| Some((age, jar.private(key).get(name)?)))?;
    if age == 0 {
        return Some((HeaderValue::from_str(candidate).ok()?, false));
    }
    jar.private_mut(&keys[0]).add(open);
    let sealed = jar.get(name)?.stripped().encoded().to_string();
    Some((HeaderValue::from_str(&sealed).ok()?, true))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn key(byte: u8) -> Key {
        Key::from(&[byte; 64])
    }

    fn sealed(key: &Key, value: &str) -> String {
        let mut jar = CookieJar::new();
        jar.private_mut(key).add(Cookie::new("vestibule", value.to_owned()));
        jar.get("vestibule").unwrap().encoded().to_string()
    }

    fn header(headers: &[&str], keys: &[Key]) -> (Option<String>, bool) {
        let mut request = TestRequest::get();
        for header in headers {
            request = request.append_header((COOKIE, *header));
        }
        let (header, anew) = chosen(&request.to_srv_request(), "vestibule", keys);
        (header.map(|header| header.to_str().unwrap().to_owned()), anew)
    }

    fn value(header: &str, key: &Key) -> String {
        let mut jar = CookieJar::new();
        jar.add_original(Cookie::parse_encoded(header.to_owned()).unwrap());
        jar.private(key).get("vestibule").unwrap().value().to_owned()
    }

    #[test]
    fn of_two_cookies_the_one_that_opens_is_taken_s39() {
        let ours = sealed(&key(1), "{}");
        let forged = sealed(&key(9), "{}");
        assert_eq!(
            header(&[&format!("a=b; {forged}; {ours}; c")], &[key(1)]),
            (Some(ours.clone()), false)
        );
        assert_eq!(header(&["vestibule=%%%", &ours], &[key(1)]), (Some(ours), false));
        assert_eq!(header(&[&forged, "vestibule="], &[key(1)]), (None, false));
        assert_eq!(header(&["vestibuleX=1; Vestibule=2; other"], &[key(1)]), (None, false));
        assert_eq!(header(&[&format!("vestibule={}", "a".repeat(8192))], &[key(1)]), (None, false));
    }

    #[test]
    fn a_cookie_of_an_older_key_is_sealed_anew_s96() {
        let old = sealed(&key(1), "{\"s\":\"1\"}");
        let (anew, changed) = header(&[&old], &[key(2), key(1)]);
        assert!(changed);
        assert_eq!(value(&anew.unwrap(), &key(2)), "{\"s\":\"1\"}");
        let fresh = sealed(&key(2), "{}");
        assert_eq!(header(&[&fresh], &[key(2), key(1)]), (Some(fresh), false));
        assert_eq!(header(&[&old], &[key(3), key(2)]), (None, false));
    }
}
