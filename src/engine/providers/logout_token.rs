//! Reading a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6).
//!
//! `openidconnect` knows no logout tokens, and its reader of id_tokens cannot be bent into one: it
//! wants an expiry and a subject, which these may lack. What is used of it is what checks a
//! signature: the discovered keys, which refuse whatever does not fit their own kind, use and
//! algorithm. Everything else is here, and each of it is a reason to refuse.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use openidconnect::{
    JsonWebKey as _, JsonWebKeyId,
    core::{CoreJsonWebKey, CoreJwsSigningAlgorithm},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ExchangeError, logout_events::Logout};

/// Event claim of a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Longest name of a token, a session or a subject, in bytes.
const NAME_MAX: usize = 255;

/// Expected claims of a logout token.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) algorithms: &'a [CoreJwsSigningAlgorithm],
    pub(super) now: Timestamp,
    /// How far its clock may be from ours.
    pub(super) skew: Duration,
}

/// A token whose claims are right and whose signature is still to be checked: only then it may be
/// believed.
pub(super) struct UnverifiedLogoutToken<'a> {
    logout: Logout,
    algorithm: CoreJwsSigningAlgorithm,
    key_id: Option<JsonWebKeyId>,
    signed: &'a str,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: CoreJwsSigningAlgorithm,
    kid: Option<JsonWebKeyId>,
    typ: Option<String>,
    cty: Option<Value>,
    crit: Option<Value>,
}

/// Reads a token. The claims come first, so that not every text that somebody sends makes us look
/// for keys.
pub(super) fn read<'a>(
    token: &'a str,
    expected: &Expected<'_>,
) -> Result<UnverifiedLogoutToken<'a>, ExchangeError> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return Err(ExchangeError::Wrong("the logout token is no signed JWT"));
    };
    let header: Header = json(header)
        .ok_or(ExchangeError::Wrong("the header of the logout token cannot be read"))?;
    let claims: Map<String, Value> = json(claims)
        .ok_or(ExchangeError::Wrong("the claims of the logout token cannot be read"))?;
    header.check(expected)?;
    let logout = logout(&claims, expected).map_err(ExchangeError::Wrong)?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature);
    let signature =
        signature.map_err(|_| ExchangeError::Wrong("the logout token is not signed"))?;
    let signed = &token[..token.rfind('.').unwrap_or_default()];
    Ok(UnverifiedLogoutToken {
        logout,
        algorithm: header.alg,
        key_id: header.kid,
        signed,
        signature,
    })
}

impl UnverifiedLogoutToken<'_> {
    /// Believes the token when one of these keys made its signature: the one that it names, where
    /// it names one.
    pub(super) fn verify_signature(
        &self,
        keys: &[CoreJsonWebKey],
    ) -> Result<Logout, ExchangeError> {
        let is_named =
            |key: &&CoreJsonWebKey| self.key_id.is_none() || key.key_id() == self.key_id.as_ref();
        let mut named = keys.iter().filter(is_named).peekable();
        if named.peek().is_none() {
            return Err(ExchangeError::UnknownKey);
        }
        let made_it = |key: &CoreJsonWebKey| {
            key.verify_signature(&self.algorithm, self.signed.as_bytes(), &self.signature).is_ok()
        };
        if named.any(made_it) {
            return Ok(self.logout.clone());
        }
        // Some change a key and keep its name.
        Err(ExchangeError::UnknownKey)
    }
}

impl Header {
    fn check(&self, expected: &Expected<'_>) -> Result<(), ExchangeError> {
        if !expected.algorithms.contains(&self.alg) {
            return Err(ExchangeError::Wrong(
                "the logout token is signed in a way that proves nothing",
            ));
        }
        // `logout+jwt` is recommended; many providers say what stands on every token.
        let kind = self.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        if !["jwt", "logout+jwt"].contains(&kind.strip_prefix("application/").unwrap_or(&kind)) {
            return Err(ExchangeError::Wrong("the token is none of logout"));
        }
        if self.crit.is_some() || self.cty.is_some() {
            return Err(ExchangeError::Wrong(
                "the logout token wants something understood that is not",
            ));
        }
        Ok(())
    }
}

/// §2.6, in its order.
fn logout(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<Logout, &'static str> {
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err("the logout token is another issuer's");
    }
    // As with an id_token: others who got the same token could send it here.
    let is_ours = match claims.get("aud") {
        Some(Value::Array(audiences)) => {
            !audiences.is_empty() && audiences.iter().all(|one| one == expected.client_id)
        }
        Some(audience) => audience == expected.client_id,
        None => false,
    };
    if !is_ours {
        return Err("the logout token is for another application");
    }
    let issued_at =
        time(claims.get("iat")).ok_or("the logout token does not say when it was made")?;
    if expected.now.duration_since(issued_at).unsigned_abs() > expected.skew {
        return Err("the logout token was not made just now");
    }
    if claims.contains_key("exp") && time(claims.get("exp")).is_none_or(|ends| ends <= expected.now)
    {
        return Err("the logout token has run out");
    }
    let (subject, sid) = (name(claims, "sub")?, name(claims, "sid")?);
    if subject.is_none() && sid.is_none() {
        return Err("the logout token names nobody");
    }
    if !claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
        return Err("the logout token tells of no logout");
    }
    // An id_token has one: neither is ever taken for the other.
    if claims.contains_key("nonce") {
        return Err("the logout token has a nonce");
    }
    let jti = name(claims, "jti")?.ok_or("the logout token has no name")?;
    Ok(Logout { issuer: expected.issuer.to_owned(), jti, subject, sid, issued_at })
}

/// A text that names something; what is there and is none makes the token worthless.
fn name(claims: &Map<String, Value>, claim: &str) -> Result<Option<String>, &'static str> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::String(name))
            if !name.is_empty()
                && name.len() <= NAME_MAX
                && !name.chars().any(char::is_control) =>
        {
            Ok(Some(name.clone()))
        }
        Some(_) => Err("a name in the logout token is none"),
    }
}

/// Seconds since 1970, whole or not (RFC 7519 §2).
#[expect(clippy::cast_possible_truncation, reason = "what does not fit is no time either")]
fn time(claim: Option<&Value>) -> Option<Timestamp> {
    let seconds = claim?.as_f64()?;
    Timestamp::from_second(seconds.floor() as i64).ok()
}

fn json<T: for<'a> Deserialize<'a>>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
