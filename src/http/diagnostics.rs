//! How a request looks when it arrives here, shown to the operator's own program alone.
//!
//! `vestibule doctor` asks for it through the proxy, at `public_url`, to learn what the proxy makes
//! of a request. It proves with a word that only the secret key makes, good for a few minutes; to
//! everybody else there is no such page.

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse, http::header::CACHE_CONTROL, web::Payload,
};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::{
    engine::SecretKey,
    http::{
        forwarded::{TrustedProxies, client_address},
        request_log::RequestId,
    },
};

/// Where it is, below the path of `public_url`.
pub(crate) const PATH: &str = "/health/mirror";

/// The header that holds the word.
pub(crate) const TOKEN_HEADER: &str = "x-vestibule-doctor";

/// Headers that only a proxy may set, in lower case: who somebody is and which page they asked for.
pub(crate) const OTHERS: [&str; 2] = ["remote-user", "x-original-url"];

/// Request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Echo {
    /// Peer address; `None` over a Unix socket.
    pub(crate) peer: Option<String>,
    pub(crate) peer_is_trusted: bool,
    /// Client address as determined.
    pub(crate) address: Option<String>,
    pub(crate) x_forwarded_for: Vec<String>,
    pub(crate) forwarded: Vec<String>,
    pub(crate) x_forwarded_proto: Vec<String>,
    /// The id that the request has here.
    pub(crate) request_id: Option<String>,
    /// The headers of [`OTHERS`] that came.
    pub(crate) others: Vec<String>,
}

/// The word of that minute.
pub(crate) fn token(key: &SecretKey, now: Timestamp) -> String {
    token_at(key, now.as_second().div_euclid(60))
}

/// Answers what arrived, or `None` where the word is not right.
pub(crate) fn echo(
    request: &HttpRequest,
    keys: &[SecretKey],
    now: Timestamp,
) -> Option<HttpResponse> {
    let token = request.headers().get(TOKEN_HEADER)?.as_bytes();
    let minute = now.as_second().div_euclid(60);
    // Two clocks may differ a little.
    let mut good =
        keys.iter().flat_map(|key| (minute - 2..=minute + 2).map(|minute| token_at(key, minute)));
    if !good.any(|good| bool::from(good.as_bytes().ct_eq(token))) {
        return None;
    }
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let lines = |name: &str| {
        let lines = request
            .headers()
            .get_all(name)
            .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
        lines.collect()
    };
    let echo = Echo {
        peer_is_trusted: request
            .app_data::<TrustedProxies>()
            .is_some_and(|proxies| proxies.trust(peer)),
        peer: peer.map(|peer| peer.to_string()),
        address: client_address(request).map(|address| address.to_string()),
        x_forwarded_for: lines("x-forwarded-for"),
        forwarded: lines("forwarded"),
        x_forwarded_proto: lines("x-forwarded-proto"),
        request_id: request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned()),
        others: OTHERS
            .iter()
            .filter(|name| request.headers().contains_key(**name))
            .map(ToString::to_string)
            .collect(),
    };
    Some(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(echo))
}

/// Reads a body to its end and says that it came; the word is judged first.
pub(crate) async fn discard_body(
    request: HttpRequest,
    mut body: Payload,
    keys: &[SecretKey],
    now: Timestamp,
) -> HttpResponse {
    if echo(&request, keys, now).is_none() {
        return HttpResponse::NotFound().finish();
    }
    while let Some(part) = body.next().await {
        if part.is_err() {
            return HttpResponse::BadRequest().finish();
        }
    }
    HttpResponse::NoContent().finish()
}

fn token_at(key: &SecretKey, minute: i64) -> String {
    key.derive(&format!("vestibule doctor {minute}"))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn nobody_without_the_secret_key_reads_the_diagnostics() {
        let (ours, theirs) = (SecretKey::for_tests(1), SecretKey::for_tests(2));
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let shows = |token: String| {
            let request =
                TestRequest::default().insert_header((TOKEN_HEADER, token)).to_http_request();
            echo(&request, std::slice::from_ref(&ours), now).is_some()
        };
        assert!(shows(token(&ours, now)));
        assert!(shows(token(&ours, now - jiff::SignedDuration::from_secs(90))));
        assert!(!shows(token(&ours, now - jiff::SignedDuration::from_mins(10))));
        assert!(!shows(token(&theirs, now)));
        assert!(!shows(String::new()));
        assert!(echo(&TestRequest::default().to_http_request(), &[ours], now).is_none());
    }
}
