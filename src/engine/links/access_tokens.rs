//! Access tokens: what opening a link gives to the browser.
//!
//! A token carries the id of its link, its own end and a MAC over both, so that any number of them
//! is made without a write.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};

use super::{Link, Links};
use crate::{
    engine::{clock::after, random::hexadecimal},
    port::{AccessToken, Random},
};

/// How long somebody may look at the form that a link leads to.
const ACCESS_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1);

const ACCESS_TOKEN_PREFIX: &str = "at-";
const ID_BYTES: usize = 12;
const CLAIM_BYTES: usize = ID_BYTES + 8 + 12;

impl Links {
    /// A new access token for a link. Writes nothing.
    pub(in crate::engine) fn mint(
        &self,
        link: &Link,
        random: &dyn Random,
        now: Timestamp,
    ) -> String {
        self.mint_for(&link.id, link.expires_at, random, now)
    }

    /// As [`mint`](Self::mint), for a link that was just made.
    pub(in crate::engine) fn mint_for(
        &self,
        id: &str,
        expires_at: Timestamp,
        random: &dyn Random,
        now: Timestamp,
    ) -> String {
        let ends = after(now, ACCESS_TOKEN_LIFE).min(expires_at).as_millisecond();
        let mut nonce = [0; 12];
        random.fill(&mut nonce);
        let mut token = Vec::with_capacity(CLAIM_BYTES + 32);
        token.extend(id_bytes(id));
        token.extend(ends.to_be_bytes());
        token.extend(nonce);
        token.extend(self.access_tokens.of(&token));
        format!("{ACCESS_TOKEN_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(token))
    }

    pub(super) fn read_access_token(&self, token: &AccessToken, now: Timestamp) -> Option<String> {
        let encoded = token.expose().strip_prefix(ACCESS_TOKEN_PREFIX)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (claim, mac) = bytes.split_at_checked(CLAIM_BYTES)?;
        let ends = i64::from_be_bytes(claim.get(ID_BYTES..ID_BYTES + 8)?.try_into().ok()?);
        (self.access_tokens.matches(claim, mac) && now.as_millisecond() < ends)
            .then(|| hexadecimal(&claim[..ID_BYTES]))
    }
}

fn id_bytes(id: &str) -> [u8; ID_BYTES] {
    let mut bytes = [0; ID_BYTES];
    for (number, byte) in bytes.iter_mut().enumerate() {
        *byte = id
            .get(2 * number..2 * number + 2)
            .and_then(|two| u8::from_str_radix(two, 16).ok())
            .unwrap_or_default();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{SecretKey, SystemRandom, links::Purpose},
        port::Email,
    };

    fn links(byte: u8) -> Links {
        Links::new(&[SecretKey::for_tests(byte)])
    }

    fn link() -> Link {
        Link {
            id: "0123456789abcdef01234567".to_owned(),
            user_id: "u".to_owned(),
            purpose: Purpose::MagicLink,
            email: Email::parse("ann@example.com").unwrap(),
            redirect_url: None,
            undo: None,
            mailbox_added: None,
            created_at: at(0),
            keeps_password: true,
            password_chosen: false,
            password_known: false,
            asked_from: None,
            asker_digest: None,
            browser_digest: None,
            expires_at: at(3600),
            spent: false,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn an_access_token_names_its_link_until_it_is_over() {
        let token = AccessToken::parse(&links(1).mint(&link(), &SystemRandom, at(600))).unwrap();
        assert_eq!(
            links(1).read_access_token(&token, at(3599)).as_deref(),
            Some("0123456789abcdef01234567")
        );
        assert_eq!(links(1).read_access_token(&token, at(3600)), None);
        assert_eq!(links(2).read_access_token(&token, at(601)), None);
    }

    #[test]
    fn two_tokens_of_one_link_differ_and_a_changed_one_is_none() {
        let links = links(1);
        let (one, other) =
            (links.mint(&link(), &SystemRandom, at(0)), links.mint(&link(), &SystemRandom, at(0)));
        assert_ne!(one, other);
        for position in ACCESS_TOKEN_PREFIX.len()..one.len() {
            let mut letters: Vec<char> = one.chars().collect();
            letters[position] = if letters[position] == 'A' { 'B' } else { 'A' };
            let changed = AccessToken::parse(&letters.into_iter().collect::<String>()).unwrap();
            assert_eq!(links.read_access_token(&changed, at(0)), None, "letter {position}");
        }
    }
}
