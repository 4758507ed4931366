//! Digests under the secret keys.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::secret_key::SecretKey;

/// Digests for one purpose: HMAC-SHA256 under each of the keys. What is stored is a digest, so that
/// neither a copy of the database nor a guess at its rows is worth a session or a link (S33).
#[derive(Clone)]
pub(crate) struct Digests(Vec<Hmac<Sha256>>);

impl Digests {
    pub(crate) fn new(keys: &[SecretKey], purpose: &str) -> Self {
        Self(
            keys.iter().filter_map(|key| Hmac::new_from_slice(&key.derive(purpose)).ok()).collect(),
        )
    }

    /// The digest to store: under the first key.
    pub(crate) fn of(&self, message: &[u8]) -> [u8; 32] {
        self.all(message).next().unwrap_or_default()
    }

    /// The digests to look for: under each key, the first one first.
    pub(crate) fn all(&self, message: &[u8]) -> impl Iterator<Item = [u8; 32]> {
        self.0
            .iter()
            .map(move |key| key.clone().chain_update(message).finalize().into_bytes().into())
    }

    /// As [`all`](Self::all), each with the digest to store in its place; `None` where it is that
    /// one.
    pub(crate) fn with_newest(&self, message: &[u8]) -> Vec<([u8; 32], Option<[u8; 32]>)> {
        let newest = self.of(message);
        self.all(message).map(|digest| (digest, (digest != newest).then_some(newest))).collect()
    }

    /// Whether the digest is one of this message, in constant time.
    pub(crate) fn matches(&self, message: &[u8], digest: &[u8]) -> bool {
        self.all(message).any(|own| own.ct_eq(digest).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> SecretKey {
        SecretKey::for_tests(number)
    }

    #[test]
    fn a_digest_under_the_former_key_still_counts() {
        let before = Digests::new(&[key(1)], "a").of(b"token");
        let after = Digests::new(&[key(2), key(1)], "a");
        assert!(after.matches(b"token", &before));
        assert_ne!(after.of(b"token"), before);
        assert!(!Digests::new(&[key(2)], "a").matches(b"token", &before));
    }
}
