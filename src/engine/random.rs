//! Chance from the system, and the identifiers and tokens made of it.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::Rng;

use crate::port::Random;

/// A cryptographically secure generator that the operating system seeds and reseeds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// A new id: 24 lower-case hexadecimal digits, as applications expect them (altogic-protocol.md
/// §4). Names, proves nothing.
pub(crate) fn new_id(random: &dyn Random) -> String {
    let mut bytes = [0; 12];
    random.fill(&mut bytes);
    hexadecimal(&bytes)
}

/// A new token: 256 unguessable bits as 43 letters (S33 asks for 128).
pub(crate) fn new_token(random: &dyn Random) -> String {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_24_digits_and_tokens_43_letters_and_none_comes_twice() {
        let (one, other) = (new_id(&SystemRandom), new_id(&SystemRandom));
        assert_eq!(one.len(), 24);
        assert!(
            one.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit)),
            "{one}"
        );
        assert_ne!(one, other);
        assert_eq!(new_token(&SystemRandom).len(), 43);
        assert_ne!(new_token(&SystemRandom), new_token(&SystemRandom));
    }
}
