//! Six digits beside an emailed link, for whoever reads the email on another device than they began
//! on.
//!
//! # The contract
//!
//! * A code is columns of its link's row. A right one mints an access token of that link, as
//!   opening it would; what comes of it is decided by the same redemption, so link and code
//!   together open nothing twice (S45).
//! * It is typed in the browser that asked for the email, and nowhere else (S16): a code that
//!   somebody is talked into reading out is worth nothing in the talker's browser, unless they
//!   asked for the email themselves.
//! * It lives [`CODE_MINUTES`] minutes, however long the link does (NIST SP 800-63B-4 §3.1.3.2),
//!   and dies when this browser asks again. Another browser's asking does not revoke it, or
//!   visitors could.
//! * It allows [`GUESSES`] guesses. One is taken before it is looked at, in one conditional update
//!   that stays (S17); then the code is dead, and the link still works. Over all codes, guesses
//!   against an address are limited too, for each guesser and in all who asked for a code
//!   (`limits/guesses.rs`), so that asking for new codes brings none back. Other browsers use up
//!   nothing of the owner's; and whoever may not type opens the link.

use jiff::{SignedDuration, Timestamp};

use super::{LINKS, Link, Links, NewLink, Purpose};
use crate::{
    engine::{
        clock::before,
        codes::six_digits,
        store::{Row, Store, StoreError, Transaction, damage, values},
    },
    port::{BrowserId, Email, OneTimeCode, Outcome, Random},
};

/// How long an emailed code lives.
pub(in crate::engine) const CODE_MINUTES: u32 = 10;
/// Wrong guesses that revoke a code (S17).
const GUESSES: i64 = 5;

/// A guess at the codes that one browser was emailed.
pub(in crate::engine) struct CodeGuess<'a> {
    pub(in crate::engine) browser: &'a BrowserId,
    /// Accepted purposes; a single one stands here twice.
    pub(in crate::engine) purposes: [Purpose; 2],
    pub(in crate::engine) email: &'a Email,
    pub(in crate::engine) code: &'a OneTimeCode,
}

/// Result of a guess.
pub(in crate::engine) enum Guessed {
    /// It is the code of this link.
    Right(Box<Link>),
    Wrong,
    /// There is nothing to guess at, and nothing was written.
    Nothing,
}

impl Links {
    /// Gives a new link its code. The former ones of this browser, address and purpose are dead.
    pub(super) async fn add_code(
        &self,
        tx: &mut Transaction<'_>,
        id: &str,
        new: &NewLink<'_>,
        browser: &[u8; 32],
        random: &dyn Random,
    ) -> Outcome<OneTimeCode> {
        let code = OneTimeCode::parse(&six_digits(random))?;
        let sql = "update links set code_digest = null, code_guesses = 0 \
                   where email = $1 and purpose = $2 and browser_digest = $3";
        tx.execute(sql, values![new.email.as_str(), new.purpose.action(), *browser]).await?;
        let sql = "update links set code_digest = $2, code_guesses = $3 where id = $1";
        tx.execute(sql, values![id, self.codes.of(&message(id, &code)), GUESSES]).await?;
        Ok(code)
    }

    /// Whether this browser was emailed a code that it may still guess at.
    pub(in crate::engine) async fn has_code(
        &self,
        store: &Store,
        guess: &CodeGuess<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "select id from links where email = $1 and (purpose = $2 or purpose = $3) and \
                   browser_digest = $4 \
                   and code_digest is not null and spent_at is null and expires_at > $5 and \
                   created_at > $6 limit 1";
        let [one, other] = guess.purposes.map(Purpose::action);
        let begun = before(now, SignedDuration::from_mins(CODE_MINUTES.into()));
        for browser in self.browsers.all(guess.browser.expose().as_bytes()) {
            let values = values![guess.email.as_str(), one, other, browser, now, begun];
            if store.fetch_optional(sql, values).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes a guess.
    pub(in crate::engine) async fn guess_code(
        &self,
        store: &Store,
        guess: &CodeGuess<'_>,
        now: Timestamp,
    ) -> Result<Guessed, StoreError> {
        let sql = "update links set code_guesses = code_guesses - 1 \
                   where email = $1 and (purpose = $2 or purpose = $3) and browser_digest = $4 and \
                   code_guesses > 0 \
                   and spent_at is null and expires_at > $5 and created_at > $6 returning *";
        let [one, other] = guess.purposes.map(Purpose::action);
        let begun = before(now, SignedDuration::from_mins(CODE_MINUTES.into()));
        let mut rows = Vec::new();
        let mut tx = store.begin().await?;
        for browser in self.browsers.all(guess.browser.expose().as_bytes()) {
            rows.extend(
                tx.fetch_all(sql, values![guess.email.as_str(), one, other, browser, now, begun])
                    .await?,
            );
        }
        tx.commit().await?;
        if rows.is_empty() {
            return Ok(Guessed::Nothing);
        }
        for row in rows {
            let read = |row: &Row| {
                Ok((Link::read(row)?, row.optional_bytes("code_digest")?.unwrap_or_default()))
            };
            let Some((link, digest)) = damage::one(&row, LINKS, read)? else { continue };
            if self.codes.matches(&message(&link.id, guess.code), &digest) {
                return Ok(Guessed::Right(Box::new(link)));
            }
        }
        Ok(Guessed::Wrong)
    }
}

fn message(link_id: &str, code: &OneTimeCode) -> Vec<u8> {
    format!("{link_id}/{}", code.expose()).into_bytes()
}
