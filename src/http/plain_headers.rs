//! The headers of every answer that is no page: the REST API, health checks, and whatever no route
//! answers (S53, S54).

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

/// One year, as RFC 6797 wants it written.
pub(crate) const HSTS: &str = "max-age=31536000";

/// Adds what an answer does not have yet. `is_https` says whether `public_url` is https.
pub(crate) fn add(headers: &mut HeaderMap, is_https: bool) {
    for (name, value) in all(is_https) {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// The same as the lines of a head.
pub(crate) fn lines(is_https: bool) -> String {
    all(is_https).map(|(name, value)| format!("{name}: {value}\r\n")).collect()
}

fn all(is_https: bool) -> impl Iterator<Item = (HeaderName, &'static str)> {
    let hsts = is_https.then_some((STRICT_TRANSPORT_SECURITY, HSTS));
    let always = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    always.into_iter().chain(hsts)
}
