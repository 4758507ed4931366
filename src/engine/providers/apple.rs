//! Apple's client secret: a JWT that we sign with the operator's key, made anew for each exchange
//! (developer.apple.com, "Creating a client secret").

use std::{fmt, sync::Arc};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde_json::json;

/// How long a secret is good, in seconds. Apple allows half a year; it is used at once.
const LIFE: i64 = 300;

/// The operator's key. Cannot print itself.
#[derive(Clone)]
pub struct AppleKey {
    team_id: String,
    key_id: String,
    pair: Arc<EcdsaKeyPair>,
}

impl AppleKey {
    /// Reads the file that Apple gives: PKCS #8 in PEM (RFC 5958, RFC 7468), a key of the curve
    /// P-256. `None` for anything else.
    pub fn read(team_id: String, key_id: String, pem: &str) -> Option<Self> {
        let inside = pem
            .split_once("-----BEGIN PRIVATE KEY-----")?
            .1
            .split_once("-----END PRIVATE KEY-----")?
            .0;
        let letters: String = inside.chars().filter(|letter| !letter.is_whitespace()).collect();
        let der = BASE64_STANDARD.decode(letters).ok()?;
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new())
                .ok()?;
        Some(Self { team_id, key_id, pair: Arc::new(pair) })
    }

    /// A secret for one exchange. `None` only when the system gives no random bytes.
    pub(super) fn client_secret(
        &self,
        client_id: &str,
        audience: &str,
        now: Timestamp,
    ) -> Option<String> {
        let now = now.as_second();
        let head = json!({ "alg": "ES256", "kid": self.key_id, "typ": "JWT" });
        let claims = json!({
            "iss": self.team_id,
            "iat": now,
            "exp": now + LIFE,
            "aud": audience,
            "sub": client_id,
        });
        let encode = |part: String| BASE64_URL_SAFE_NO_PAD.encode(part);
        let signed = format!("{}.{}", encode(head.to_string()), encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        Some(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl fmt::Debug for AppleKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AppleKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, KeyPair, UnparsedPublicKey};

    use super::*;

    #[test]
    fn apples_secret_is_signed_by_the_key_and_says_what_apple_asks_for() {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            BASE64_STANDARD.encode(&der)
        );
        let key = AppleKey::read("TEAM".into(), "KEY".into(), &pem).unwrap();
        let secret = key
            .client_secret(
                "app",
                "https://appleid.apple.com",
                Timestamp::from_second(1000).unwrap(),
            )
            .unwrap();
        let (signed, signature) = secret.rsplit_once('.').unwrap();
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        let public = UnparsedPublicKey::new(
            &ECDSA_P256_SHA256_FIXED,
            key.pair.public_key().as_ref().to_vec(),
        );
        public.verify(signed.as_bytes(), &signature).unwrap();
        let part = |number| -> serde_json::Value {
            let bytes =
                BASE64_URL_SAFE_NO_PAD.decode(signed.split('.').nth(number).unwrap()).unwrap();
            serde_json::from_slice(&bytes).unwrap()
        };
        assert_eq!(part(0), json!({ "alg": "ES256", "kid": "KEY", "typ": "JWT" }));
        let claims = json!({
            "iss": "TEAM",
            "iat": 1000,
            "exp": 1300,
            "aud": "https://appleid.apple.com",
            "sub": "app",
        });
        assert_eq!(part(1), claims);
        assert!(AppleKey::read("TEAM".into(), "KEY".into(), "no key").is_none());
    }
}
