//! Secret keys: what every other key is derived from.
//!
//! A key that can be guessed is refused ([`Weakness`]): one that is short, repeats itself, counts,
//! or was copied from an example.

use std::fmt;

use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

use super::super::random::hexadecimal;

/// Bytes that a key has at least and at most.
const LENGTH: std::ops::RangeInclusive<usize> = 32..=1024;

/// Different bytes that a key has at least. 32 random hexadecimal digits have fewer once in 10^7
/// times.
const LEAST_DIFFERENT: usize = 8;

/// Words of examples and placeholders, in lower case and without signs between the letters.
const PLACEHOLDERS: [&str; 14] = [
    "changeme",
    "changethis",
    "replaceme",
    "replacethis",
    "placeholder",
    "example",
    "password",
    "secretkey",
    "yoursecret",
    "notasecret",
    "topsecret",
    "insecure",
    "donotuse",
    "qwertyuiop",
];

/// A key that the keys for each purpose are derived from. Cannot print itself.
#[derive(Clone)]
pub struct SecretKey {
    /// The result of HKDF-Extract (RFC 5869 §2.2).
    extracted: SecretSlice<u8>,
    weakness: Option<Weakness>,
}

/// Why a key can be guessed. Says nothing of the key itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    #[error("has 32 to 1024 bytes")]
    Length,
    #[error("must not repeat itself")]
    Repeats,
    #[error("needs more different characters")]
    FewBytes,
    #[error("must not be a row of neighbouring characters")]
    Counts,
    #[error("must not be made of the words of an example")]
    Placeholder,
}

impl SecretKey {
    /// Takes a key that is worth being one.
    ///
    /// # Errors
    /// How it can be guessed.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Weakness> {
        let key = Self::former(bytes)?;
        key.weakness.map_or(Ok(key), Err)
    }

    /// Takes a key that others are about to replace: it may be weak, and then opens what it sealed
    /// and seals nothing.
    ///
    /// # Errors
    /// [`Weakness::Length`].
    pub fn former(bytes: Vec<u8>) -> Result<Self, Weakness> {
        if !LENGTH.contains(&bytes.len()) {
            return Err(Weakness::Length);
        }
        let extracted = Hkdf::<Sha256>::extract(None, &bytes).0.to_vec();
        Ok(Self { extracted: SecretSlice::from(extracted), weakness: weakness(&bytes) })
    }

    /// A key of uniformly random bytes.
    pub(in crate::engine) fn of_random(bytes: [u8; 32]) -> Self {
        Self { extracted: SecretSlice::from(bytes.to_vec()), weakness: None }
    }

    /// A key for tests, another one for each number.
    #[cfg(test)]
    pub(crate) fn for_tests(number: u8) -> Self {
        Self::of_random([number; 32])
    }

    /// The bytes that derive what the key derives; [`of_random`](Self::of_random) makes the same
    /// key of them.
    pub(in crate::engine) fn extracted(&self) -> &[u8] {
        self.extracted.expose_secret()
    }

    /// How the key can be guessed, where it can.
    pub fn weakness(&self) -> Option<Weakness> {
        self.weakness
    }

    /// The public name of the key: 12 hexadecimal digits that tell nothing about it.
    pub fn fingerprint(&self) -> String {
        hexadecimal(&self.expand::<6>("vestibule fingerprint"))
    }

    /// The key for one purpose, by HKDF-SHA256 (RFC 5869): one that leaks says nothing about the
    /// others.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        self.expand(purpose)
    }

    /// The key that seals the cookie of the pages.
    pub fn derive_cookie_key(&self) -> [u8; 64] {
        self.expand("vestibule cookie")
    }

    fn expand<const LENGTH: usize>(&self, purpose: &str) -> [u8; LENGTH] {
        let mut derived = [0; LENGTH];
        let expanded = Hkdf::<Sha256>::from_prk(self.extracted())
            .is_ok_and(|hkdf| hkdf.expand(purpose.as_bytes(), &mut derived).is_ok());
        // Fails only for more than 255 blocks of output, and this is one or two.
        debug_assert!(expanded);
        derived
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(…)")
    }
}

fn weakness(key: &[u8]) -> Option<Weakness> {
    if different_bytes(key) < LEAST_DIFFERENT {
        Some(Weakness::FewBytes)
    } else if repeats(key) {
        Some(Weakness::Repeats)
    } else if counts(key) {
        Some(Weakness::Counts)
    } else if holds_placeholder(key) {
        Some(Weakness::Placeholder)
    } else {
        None
    }
}

fn different_bytes(key: &[u8]) -> usize {
    let mut seen = [false; 256];
    key.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    seen.iter().filter(|seen| **seen).count()
}

/// Whether it is one part again and again, where the part alone would be too short.
fn repeats(key: &[u8]) -> bool {
    let longest = (*LENGTH.start() - 1).min(key.len() / 2);
    (1..=longest).any(|part| key.iter().zip(&key[part..]).all(|(one, other)| one == other))
}

/// Whether most bytes are the one before, or a neighbour of it: `aaaa`, `0123`, `zyxw`.
fn counts(key: &[u8]) -> bool {
    let near = key.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    3 * near >= 2 * (key.len() - 1)
}

fn holds_placeholder(key: &[u8]) -> bool {
    let letters: Vec<u8> = key
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase)
        .collect();
    let holds = |word: &str| letters.windows(word.len()).any(|window| window == word.as_bytes());
    PLACEHOLDERS.iter().any(|word| holds(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validated(text: &str) -> Option<Weakness> {
        SecretKey::new(text.as_bytes().to_vec()).err()
    }

    /// S85, S112
    #[test]
    fn a_key_that_can_be_guessed_is_refused() {
        for (text, weakness) in [
            ("short", Weakness::Length),
            (&"f".repeat(1025), Weakness::Length),
            (&"\u{7}".repeat(32), Weakness::FewBytes),
            (&"0123".repeat(16), Weakness::FewBytes),
            (&"changeme".repeat(4), Weakness::FewBytes),
            (&"changeme-now-".repeat(3), Weakness::Repeats),
            ("0123456789abcdef0123456789abcdef", Weakness::Repeats),
            (&"deadbeefcafe1234".repeat(4), Weakness::Repeats),
            ("0123456789abcdefghijklmnopqrstuvwxyz", Weakness::Counts),
            ("zyxwvutsrqponmlkjihgfedcba9876543210", Weakness::Counts),
            ("Change-Me! before you go into production", Weakness::Placeholder),
            ("this_is_an_example_key_of_48_characters_in_all__", Weakness::Placeholder),
            ("my-super-secret-key-for-the-accounts", Weakness::Placeholder),
        ] {
            assert_eq!(validated(text), Some(weakness), "{text:?}");
        }
    }

    #[test]
    fn keys_of_openssl_and_of_other_generators_are_taken() {
        for text in [
            "9f1c2ad07be84356c1d5f0a8b3e7946d20c8fa51e6b7d3490a1f8c2e5d7b6493",
            "7Qm3vYw0xK9sZ2bTfJ6nLrPcHd8aGeUi4oXk1MyVtRs=",
            "c0a1f7e2d9b34856a7e1c3d5f9b80264",
            "correct horse battery staple on the green table",
        ] {
            assert_eq!(validated(text), None, "{text:?}");
        }
        for _ in 0..1000 {
            let mut bytes = [0; 16];
            crate::port::Random::fill(&crate::engine::SystemRandom, &mut bytes);
            assert_eq!(validated(&hexadecimal(&bytes)), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_key_does_not_print_itself_and_has_a_name_of_its_own() {
        let (one, other) = (SecretKey::for_tests(1), SecretKey::for_tests(2));
        assert_eq!(format!("{one:?}"), "SecretKey(…)");
        assert_eq!(one.fingerprint().len(), 12);
        assert_ne!(one.fingerprint(), other.fingerprint());
    }

    #[test]
    fn keys_for_two_purposes_have_nothing_in_common() {
        let (one, other) = (SecretKey::for_tests(1), SecretKey::for_tests(2));
        assert_ne!(one.derive("a"), one.derive("b"));
        assert_ne!(one.derive("a"), other.derive("a"));
    }

    #[test]
    fn what_is_extracted_of_a_key_derives_the_same() {
        let key = SecretKey::new(b"a key that was here before: 7c1f".to_vec()).unwrap();
        let again = SecretKey::of_random(key.extracted().try_into().unwrap());
        assert_eq!(key.derive("vestibule session token"), again.derive("vestibule session token"));
    }
}
