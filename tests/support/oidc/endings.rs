//! How sessions end at the server: an `end_session_endpoint`, and logout tokens, true ones and
//! others.

use std::collections::HashMap;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::Url;

use super::{super::oidc_keys, CLIENT_ID, CLIENT_SECRET, Idp};

/// Event claim of a logout token.
pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Signer of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    Own,
    Foreign,
    SharedSecret,
    Nobody,
}

impl Idp {
    /// Lets time pass there.
    pub fn wait(&self, seconds: i64) {
        let mut now = self.0.now.lock().unwrap();
        *now += jiff::SignedDuration::from_secs(seconds);
    }

    /// From now on one can sign out there, at `/end`.
    pub fn ends_sessions(&self) {
        self.says_of_endings(json!(format!("{}/end", self.url())));
    }

    /// Value in its discovery document of `end_session_endpoint`.
    pub fn says_of_endings(&self, end_session_endpoint: Value) {
        *self.0.ends.lock().unwrap() = Some(end_session_endpoint);
    }

    /// The person says that they want to be signed out there: where the browser goes back to.
    pub fn signs_out(&self, end: &str, post_logout_redirect_uri: &str) -> String {
        let url = Url::parse(end).expect("a URL");
        assert_eq!((url.origin().ascii_serialization(), url.path()), (self.url(), "/end"));
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(asked["client_id"], CLIENT_ID);
        assert_eq!(
            asked["post_logout_redirect_uri"], post_logout_redirect_uri,
            "as it is registered"
        );
        assert!(asked["state"].len() >= 43, "{asked:?}");
        let claims = asked["id_token_hint"].split('.').nth(1).expect("claims");
        let claims: Value =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!(self.url()), &json!(CLIENT_ID)));
        assert_eq!(claims["sub"], self.0.person.lock().unwrap()["sub"]);
        let mut back = Url::parse(post_logout_redirect_uri).expect("a URL");
        back.query_pairs_mut().append_pair("state", &asked["state"]);
        back.into()
    }

    /// The claims of a logout token as it should be, with a `jti` of its own.
    pub fn logout_claims(&self) -> Value {
        let now = self.0.now.lock().unwrap().as_second();
        let mut made = self.0.tokens_made.lock().unwrap();
        *made += 1;
        json!({
            "iss": self.url(),
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": format!("logout-{made}"),
            "events": { EVENT: {} },
        })
    }

    /// A logout token as it should be, of somebody or of one session of theirs.
    pub fn logout_token(&self, sub: Option<&str>, sid: Option<&str>) -> String {
        let mut claims = self.logout_claims();
        for (claim, value) in [("sub", sub), ("sid", sid)] {
            if let Some(value) = value {
                claims[claim] = value.into();
            }
        }
        self.sign(
            &json!({ "alg": "ES256", "kid": "one", "typ": "logout+jwt" }),
            &claims,
            Signer::Own,
        )
    }

    /// A token with these parts.
    pub fn sign(&self, header: &Value, claims: &Value, signer: Signer) -> String {
        let encode = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = match signer {
            Signer::Own => self.0.signer.lock().unwrap().sign(signed.as_bytes()),
            Signer::Foreign => oidc_keys::Signer::es256("one").sign(signed.as_bytes()),
            Signer::SharedSecret => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
                ring::hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
            Signer::Nobody => Vec::new(),
        };
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}
