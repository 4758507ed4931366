//! The headers of every answer that is no page: the REST API, health checks, and whatever no route answers (SECURITY.md S53, S54).

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};

/// One year, as RFC 6797 wants it written.
pub(crate) const HSTS: &str = "max-age=31536000";

/// Adds what an answer does not have yet. `is_https` says whether `public_url` is https.
pub(crate) fn add(headers: &mut HeaderMap, is_https: bool) {
    let hsts = is_https.then_some((STRICT_TRANSPORT_SECURITY, HSTS));
    let always = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in always.into_iter().chain(hsts) {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
