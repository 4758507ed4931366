//! The keys that the OpenID Connect server of the tests signs with.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use rsa_keys::{RsaPrivateKey, pkcs8::EncodePrivateKey};
use serde_json::{Value, json};

/// A key pair, and the name under which its public half is published.
pub struct Signer {
    pub kid: String,
    pair: Pair,
}

enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl Signer {
    pub fn es256(kid: &str) -> Self {
        let random = SystemRandom::new();
        let der =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random)
                .expect("a key");
        Self { kid: kid.to_owned(), pair: Pair::Es256(pair) }
    }

    /// 2048 bits, as most providers have it.
    pub fn rs256(kid: &str) -> Self {
        let key = RsaPrivateKey::new(&mut rsa_keys::rand_core::OsRng, 2048).expect("a key");
        let pair =
            RsaKeyPair::from_pkcs8(key.to_pkcs8_der().expect("a key").as_bytes()).expect("a key");
        Self { kid: kid.to_owned(), pair: Pair::Rs256(pair) }
    }

    pub fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Es256(_) => "ES256",
            Pair::Rs256(_) => "RS256",
        }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Es256(pair) => {
                pair.sign(&random, message).expect("a signature").as_ref().to_vec()
            }
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect("a signature");
                signature
            }
        }
    }

    /// Public key, which a forger takes for the secret of an HMAC.
    pub fn public_bytes(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Es256(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Rs256(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// As it is published (RFC 7517).
    pub fn published(&self) -> Value {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let mut key = match &self.pair {
            Pair::Es256(pair) => {
                let point = pair.public_key().as_ref();
                json!({
                    "kty": "EC",
                    "crv": "P-256",
                    "x": encode(&point[1..33]),
                    "y": encode(&point[33..]),
                })
            }
            Pair::Rs256(pair) => {
                let key = rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": encode(&key.n), "e": encode(&key.e) })
            }
        };
        key["use"] = json!("sig");
        key["alg"] = json!(self.algorithm());
        key["kid"] = json!(self.kid);
        key
    }
}
