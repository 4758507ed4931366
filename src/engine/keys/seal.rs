//! Seals stored data that is read again and must be useless in a copy of the database: waiting
//! emails, the keys of authenticator apps (S33). ChaCha20-Poly1305 (RFC 8439) under a key derived
//! from the secret key for one purpose, bound to the row and the column.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::super::SecretKey;
use crate::port::Random;

/// The keys: the first one seals, all of them open (S96).
pub(in crate::engine) struct Seal(Vec<LessSafeKey>);

impl Seal {
    pub(in crate::engine) fn new(keys: &[SecretKey], purpose: &str) -> Self {
        let derived = keys
            .iter()
            .filter_map(|key| UnboundKey::new(&CHACHA20_POLY1305, &key.derive(purpose)).ok());
        Self(derived.map(LessSafeKey::new).collect())
    }

    /// Nonce and ciphertext. `None` only without any key.
    pub(in crate::engine) fn seal(
        &self,
        place: &str,
        plain: &[u8],
        random: &dyn Random,
    ) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut sealed = plain.to_vec();
        let aad = Aad::from(place.as_bytes());
        self.0
            .first()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// Opens sealed data that was sealed for this context.
    pub(in crate::engine) fn open(&self, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        self.open_with(place, sealed).map(|(plain, _)| plain)
    }

    /// The same sealed with the first key, where an older one opens it.
    pub(in crate::engine) fn renewed(
        &self,
        place: &str,
        sealed: &[u8],
        random: &dyn Random,
    ) -> Option<Vec<u8>> {
        let (plain, age) = self.open_with(place, sealed)?;
        if age == 0 { None } else { self.seal(place, &plain, random) }
    }

    /// Opens sealed data, and tells the index of the key.
    fn open_with(&self, place: &str, sealed: &[u8]) -> Option<(Vec<u8>, usize)> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        self.0.iter().enumerate().find_map(|(age, key)| {
            let mut buffer = sealed.to_vec();
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let opened = key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut buffer).ok()?;
            Some((opened.to_vec(), age))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::SystemRandom;

    fn seal(bytes: &[u8]) -> Seal {
        Seal::new(&bytes.iter().map(|byte| SecretKey::for_tests(*byte)).collect::<Vec<_>>(), "test")
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_and_nowhere_else() {
        let sealed = seal(&[1]).seal("row/body", b"a link", &SystemRandom).unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"a link"));
        assert_eq!(seal(&[1]).open("row/body", &sealed).unwrap(), b"a link");
        assert_eq!(
            seal(&[2, 1]).open("row/body", &sealed).unwrap(),
            b"a link",
            "the former key opens"
        );
        let anew = seal(&[2, 1]).renewed("row/body", &sealed, &SystemRandom).unwrap();
        assert_eq!(
            seal(&[2]).open("row/body", &anew).unwrap(),
            b"a link",
            "and what it opens is sealed anew"
        );
        assert!(seal(&[2, 1]).renewed("row/body", &anew, &SystemRandom).is_none());
        assert!(seal(&[1]).open("other/body", &sealed).is_none());
        assert!(seal(&[2]).open("row/body", &sealed).is_none());
        assert!(seal(&[1]).open("row/body", &sealed[..10]).is_none());
    }
}
