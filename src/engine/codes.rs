//! One-time codes: six digits by SMS or mail.
//!
//! # The contract
//!
//! * A code is a row of its account and purpose, so a new one kills the former (SECURITY.md S16). It names the number or
//!   address it was sent to, which is what it proves, and is stored as a digest (S33).
//! * It allows [`GUESSES`] wrong guesses, whatever `limits.factor` says. A guess is taken before it is looked at, in one
//!   conditional update that stays even when nothing comes of it, so that many at once get no more than that (S17). New codes
//!   do not bring the guesses against a number back: those are limited too ([`Action::GuessCode`]).
//! * The first redemption deletes the row in one conditional statement (S45).
//!
//! Six digits are 900,000 codes. With five guesses a code, and ten at once and then soon one an hour against a number, somebody
//! who guesses all day long for a year has a chance of about one in a hundred, and the owner a year of messages to notice.

use jiff::{SignedDuration, Timestamp};

use super::{
    limits::{Action, Limits, exceeded},
    settings::{Digests, SecretKey},
    store::{Row, Store, StoreError, Transaction, values},
    tokens::after,
};
use crate::port::{Code, Field, OneTimeCode, Outcome, Phone, Random, Refusal};

/// Wrong guesses that kill a code (SECURITY.md S17).
const GUESSES: i64 = 5;

/// How long a code lives: ten minutes is what NIST SP 800-63B-4 §3.1.3.2 allows.
pub(super) const MINUTES: u32 = 10;

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodePurpose {
    /// Proves the number of a sign-up.
    VerifyPhone,
    /// Proves the number that an account shall have instead of the one it has.
    ChangePhone,
    /// Proves the number that a second factor shall use (ALTOGIC_WIRE.md §8).
    SetPhone,
    SignIn,
    ResetPassword,
    SecondFactor,
    /// Proves again that the one who is signed in is the owner (`flows/proofs.rs`).
    Prove,
}

impl CodePurpose {
    const ALL: [Self; 7] = [
        Self::VerifyPhone,
        Self::ChangePhone,
        Self::SetPhone,
        Self::SignIn,
        Self::ResetPassword,
        Self::SecondFactor,
        Self::Prove,
    ];

    /// The word in the database.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::VerifyPhone => "verify-phone",
            Self::ChangePhone => "change-phone",
            Self::SetPhone => "set-phone",
            Self::SignIn => "sign-in",
            Self::ResetPassword => "reset-password",
            Self::SecondFactor => "second-factor",
            Self::Prove => "prove",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.word() == word)
    }

    /// How long a code for it lives: [`MINUTES`]; those of the second factor live one, as the applications count down
    /// (ALTOGIC_WIRE.md §4).
    pub(super) fn minutes(self) -> u32 {
        match self {
            Self::SetPhone | Self::SecondFactor => 1,
            Self::VerifyPhone | Self::ChangePhone | Self::SignIn | Self::ResetPassword | Self::Prove => MINUTES,
        }
    }
}

/// A code to be sent.
pub(super) struct NewCode<'a> {
    pub(super) purpose: CodePurpose,
    pub(super) user_id: &'a str,
    /// Where it goes: a number or an address.
    pub(super) target: &'a str,
    /// Of a second factor the sign-in that asked for it, of a proof the session.
    pub(super) challenge_id: Option<&'a str>,
}

/// A code that was guessed rightly and is not spent yet.
#[derive(Debug)]
pub(super) struct RightCode {
    pub(super) user_id: String,
    pub(super) purpose: CodePurpose,
    pub(super) challenge_id: Option<String>,
    target: String,
    digest: Vec<u8>,
}

/// Makes codes and takes guesses at them.
pub(super) struct Codes(Digests);

impl Codes {
    pub(super) fn new(keys: &[SecretKey]) -> Self {
        Self(Digests::new(keys, "vestibule one-time code"))
    }

    /// Stores a code; answers it and its end. The former one of the account for that purpose is dead.
    pub(super) async fn create(
        &self,
        tx: &mut Transaction<'_>,
        new: &NewCode<'_>,
        random: &dyn Random,
        now: Timestamp,
    ) -> Outcome<(OneTimeCode, Timestamp)> {
        let code = OneTimeCode::parse(&six_digits(random))?;
        let expires_at = after(now, SignedDuration::from_mins(new.purpose.minutes().into()));
        let sql = "insert into codes (user_id, purpose, target, digest, guesses, challenge_id, created_at, expires_at) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8) \
                   on conflict (user_id, purpose) do update set target = excluded.target, digest = excluded.digest, \
                   guesses = excluded.guesses, challenge_id = excluded.challenge_id, \
                   created_at = excluded.created_at, expires_at = excluded.expires_at";
        let values = values![
            new.user_id,
            new.purpose.word(),
            new.target,
            self.0.of(&message(new.user_id, new.purpose, new.target, &code)),
            GUESSES,
            new.challenge_id.map(str::to_owned),
            now,
            expires_at,
        ];
        tx.execute(sql, values).await?;
        Ok((code, expires_at))
    }

    /// Takes a guess at the live codes that were sent to a target for one of the purposes, of one account where it is known.
    ///
    /// # Errors
    /// `InvalidOneTimeCode` for a guess that is wrong, or when there is no such code; `RateLimitExceeded` when the target
    /// was guessed at too often.
    pub(super) async fn guess(
        &self,
        store: &Store,
        limits: &Limits,
        guess: &Guess<'_>,
        now: Timestamp,
    ) -> Outcome<RightCode> {
        limits.take(Action::GuessCode, guess.counted_for, now).map_err(exceeded)?;
        let mut tx = store.begin().await?;
        let sql = "update codes set guesses = guesses - 1 where target = $1 and (purpose = $2 or purpose = $3) \
                   and guesses > 0 and expires_at > $4 and ($5 = '' or user_id = $5) \
                   returning user_id, purpose, challenge_id, digest";
        let [one, other] = guess.purposes;
        let user_id = guess.user_id.unwrap_or_default();
        let rows = tx.fetch_all(sql, values![guess.target, one.word(), other.word(), now, user_id]).await?;
        tx.commit().await?;
        for row in rows {
            let right = RightCode::read(&row, guess.target)?;
            if self.0.matches(&message(&right.user_id, right.purpose, guess.target, guess.code), &right.digest) {
                limits.give_back(Action::GuessCode, guess.counted_for);
                // A target without a plus is an address.
                if let Some(phone) = guess.target.starts_with('+').then(|| Phone::parse(guess.target).ok()).flatten() {
                    limits.text_was_answered(&phone);
                }
                return Ok(right);
            }
        }
        Err(Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode).into())
    }

    /// Spends a code. `false` when it was spent or replaced since it was guessed, or is over: then nothing may come of it.
    pub(super) async fn spend(
        &self,
        tx: &mut Transaction<'_>,
        code: &RightCode,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "delete from codes where user_id = $1 and purpose = $2 and target = $3 and digest = $4 \
                   and expires_at > $5";
        let values = values![&code.user_id, code.purpose.word(), &code.target, code.digest.clone(), now];
        Ok(tx.execute(sql, values).await? == 1)
    }
}

/// A guess at a code.
pub(super) struct Guess<'a> {
    /// What the code may be for; one purpose stands here twice.
    pub(super) purposes: [CodePurpose; 2],
    /// The number or address it was sent to.
    pub(super) target: &'a str,
    pub(super) code: &'a OneTimeCode,
    pub(super) user_id: Option<&'a str>,
    /// What wrong guesses are counted for over all codes: the number, or the sign-in that nobody else can name.
    pub(super) counted_for: &'a str,
}

impl RightCode {
    fn read(row: &Row, target: &str) -> Result<Self, StoreError> {
        Ok(Self {
            user_id: row.text("user_id")?,
            purpose: CodePurpose::of(&row.text("purpose")?).ok_or(StoreError::Corrupt { column: "purpose" })?,
            challenge_id: row.optional_text("challenge_id")?,
            target: target.to_owned(),
            digest: row.bytes("digest")?,
        })
    }
}

/// Kills every code and every sign-in that waits for one, of an account.
pub(super) async fn kill_all(tx: &mut Transaction<'_>, user_id: &str) -> Result<(), StoreError> {
    tx.execute("delete from codes where user_id = $1", values![user_id]).await?;
    tx.execute("delete from challenges where user_id = $1", values![user_id]).await.map(drop)
}

/// Kills the code of an account for one purpose.
pub(super) async fn kill(tx: &mut Transaction<'_>, user_id: &str, purpose: CodePurpose) -> Result<(), StoreError> {
    let sql = "delete from codes where user_id = $1 and purpose = $2";
    tx.execute(sql, values![user_id, purpose.word()]).await.map(drop)
}

fn message(user_id: &str, purpose: CodePurpose, target: &str, code: &OneTimeCode) -> Vec<u8> {
    format!("{user_id}/{}/{target}/{}", purpose.word(), code.expose()).into_bytes()
}

/// Six digits, the first not a zero: some programs take the code for a number (ALTOGIC_WIRE.md §4). Values that would make
/// some codes likelier than others are drawn again.
pub(super) fn six_digits(random: &dyn Random) -> String {
    const CODES: u32 = 900_000;
    const FAIR: u32 = u32::MAX - u32::MAX % CODES;
    loop {
        let mut bytes = [0; 4];
        random.fill(&mut bytes);
        let drawn = u32::from_be_bytes(bytes);
        if drawn < FAIR {
            return (100_000 + drawn % CODES).to_string();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::SystemRandom;

    #[test]
    fn a_code_has_six_digits_and_no_leading_zero() {
        for _ in 0..1000 {
            let code = six_digits(&SystemRandom);
            assert!(code.len() == 6 && !code.starts_with('0') && OneTimeCode::parse(&code).is_ok(), "{code}");
        }
    }
}
