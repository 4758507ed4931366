//! One-time codes: six digits by SMS or email.
//!
//! # The contract
//!
//! * A code is a row of its account, purpose and asker: a new one of the same asker invalidates the
//!   former (S16), and a visitor who asks for one does not (S12). How many there are at once is
//!   bounded by what may be sent to a number. A code names the number or address it was sent to,
//!   which is what it proves, and is stored as a digest (S33).
//! * It belongs to whoever asked for it ([`Asker`]), who has [`GUESSES`] wrong guesses at it,
//!   whatever `limits.factor` says. Others use up none of these: all others together have as many
//!   of their own, for a person who types the code on another device. So nobody revokes a code by
//!   guessing at it elsewhere (S12).
//! * A guess is taken before it is looked at, in one conditional update that stays even when
//!   nothing comes of it, so that many at once get no more than that (S17). New codes do not bring
//!   the guesses against a number back: those are limited too, for each guesser and in all
//!   (`limits/guesses.rs`).
//! * A code that changes the number of an account is none for anybody but who asked for it and the
//!   sessions of that account: a visitor may have begun the change, and the owner of the number
//!   cannot tell its code from the one of their own sign-up. While such a sign-up waits, only a
//!   session finishes the change (S23).
//! * The first redemption deletes the row in one conditional statement (S45).
//!
//! Six digits are 900,000 codes; `limits/guesses.rs` reckons what a year of guessing finds.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};

use super::{
    Engine,
    clock::after,
    keys::{digests::Digests, secret_key::SecretKey},
    limits::{Guesser, LimitOrigin, Limits, NewGuess, Secret, customer},
    store::{Row, Store, StoreError, Transaction, Value, damage, values},
};
use crate::port::{Caller, Code, Field, OneTimeCode, Outcome, Phone, Random, Refusal};

/// Wrong guesses that revoke a code (S17).
const GUESSES: i64 = 5;

/// How long a code lives: ten minutes is what NIST SP 800-63B-4 §3.1.3.2 allows.
pub(super) const MINUTES: u32 = 10;

/// Purpose of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodePurpose {
    /// Proves the number of a sign-up.
    VerifyPhone,
    /// Proves the number that an account shall have instead of the one it has.
    ChangePhone,
    /// Proves the number that a second factor shall use (altogic-protocol.md §8).
    SetPhone,
    SignIn,
    ResetPassword,
    SecondFactor,
    /// Proves again that the one who is signed in is the owner (`operations/reauthentication.rs`).
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

    /// How long a code for it lives: [`MINUTES`]; those of the second factor live one, as the
    /// applications count down (altogic-protocol.md §4).
    pub(super) fn minutes(self) -> u32 {
        match self {
            Self::SetPhone | Self::SecondFactor => 1,
            Self::VerifyPhone
            | Self::ChangePhone
            | Self::SignIn
            | Self::ResetPassword
            | Self::Prove => MINUTES,
        }
    }
}

/// Requester of a code, as stored: at the pages the browser, on the wire the network or the
/// application's servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asker(String);

impl Asker {
    /// A session that a code is good for alone.
    pub(super) fn session(handle: &str) -> Self {
        Self(format!("session {handle}"))
    }

    /// A sign-in that only its token names.
    pub(super) fn sign_in(challenge_id: &str) -> Self {
        Self(format!("sign-in {challenge_id}"))
    }

    /// As its row says it.
    pub(super) fn of_row(text: String) -> Self {
        Self(text)
    }

    /// The text to store.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Engine {
    /// Requester of this call.
    pub(super) fn asker(&self, caller: &Caller) -> Asker {
        Asker(match (&caller.browser, self.limits().origin(caller)) {
            (Some(browser), _) => {
                let digest = self.codes().0.of(browser.expose().as_bytes());
                format!("browser {}", BASE64_URL_SAFE_NO_PAD.encode(digest))
            }
            (None, LimitOrigin::ApplicationServer) => "application server".to_owned(),
            (None, LimitOrigin::Address(address)) => format!("network {}", customer(address)),
            (None, LimitOrigin::Unknown) => "unknown".to_owned(),
        })
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
    pub(super) asked_by: &'a Asker,
}

/// A code that was guessed rightly and is not spent yet.
#[derive(Debug)]
pub(super) struct RightCode {
    pub(super) user_id: String,
    pub(super) purpose: CodePurpose,
    target: String,
    digest: Vec<u8>,
}

/// Makes codes and takes guesses at them.
pub(super) struct Codes(Digests);

impl Codes {
    pub(super) fn new(keys: &[SecretKey]) -> Self {
        Self(Digests::new(keys, "vestibule one-time code"))
    }

    /// Stores a code; answers it and its end. The former one of the account for that purpose is
    /// dead.
    pub(super) async fn create(
        &self,
        tx: &mut Transaction<'_>,
        new: &NewCode<'_>,
        random: &dyn Random,
        now: Timestamp,
    ) -> Outcome<(OneTimeCode, Timestamp)> {
        let code = OneTimeCode::parse(&six_digits(random))?;
        let expires_at = after(now, SignedDuration::from_mins(new.purpose.minutes().into()));
        let sql = "insert into codes (user_id, purpose, target, digest, guesses, other_guesses, \
                   challenge_id, asked_by, \
                   created_at, expires_at) values ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9) \
                   on conflict (user_id, purpose, asked_by) do update set target = \
                   excluded.target, digest = excluded.digest, \
                   guesses = excluded.guesses, other_guesses = excluded.other_guesses, \
                   challenge_id = excluded.challenge_id, \
                   created_at = excluded.created_at, expires_at = excluded.expires_at";
        let values = values![
            new.user_id,
            new.purpose.word(),
            new.target,
            self.0.of(&message(new.user_id, new.purpose, new.target, &code)),
            GUESSES,
            new.challenge_id.map(str::to_owned),
            new.asked_by.as_str(),
            now,
            expires_at,
        ];
        tx.execute(sql, values).await?;
        Ok((code, expires_at))
    }

    /// Takes a guess at the live codes that were sent to a target for one of the purposes, of one
    /// account where it is known.
    ///
    /// # Errors
    /// `InvalidOneTimeCode` for a guess that is wrong, or when there is no such code;
    /// `RateLimitExceeded` when the target was guessed at too often.
    pub(super) async fn guess(
        &self,
        store: &Store,
        limits: &Limits,
        guess: &Guess<'_>,
        now: Timestamp,
    ) -> Outcome<RightCode> {
        let is_asker = is_asker(store, guess, now).await?;
        let new = NewGuess {
            secret: Secret::Code,
            target: guess.counted_for,
            guesser: guess.guesser,
            is_asker,
        };
        let taken = limits.take_guess(&new, now)?;
        let mut tx = store.begin().await?;
        let rows = tx.fetch_all(TAKE, guess.values(now)).await?;
        tx.commit().await?;
        for row in rows {
            let read = |row: &Row| RightCode::read(row, guess.target);
            let Some(right) = damage::one(&row, ("codes", "user_id"), read)? else { continue };
            if self.0.matches(
                &message(&right.user_id, right.purpose, guess.target, guess.code),
                &right.digest,
            ) {
                limits.give_guess_back(&taken);
                // A target without a plus is an address.
                if let Some(phone) =
                    guess.target.starts_with('+').then(|| Phone::parse(guess.target).ok()).flatten()
                {
                    limits.sms_was_answered(&phone);
                }
                return Ok(right);
            }
        }
        Err(Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode).into())
    }

    /// Spends a code. `false` when it was spent or replaced since it was guessed, or is over: then
    /// nothing may come of it.
    pub(super) async fn spend(
        &self,
        tx: &mut Transaction<'_>,
        code: &RightCode,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "delete from codes where user_id = $1 and purpose = $2 and target = $3 and \
                   digest = $4 \
                   and expires_at > $5";
        let values =
            values![&code.user_id, code.purpose.word(), &code.target, code.digest.clone(), now];
        Ok(tx.execute(sql, values).await? > 0)
    }
}

/// A guess at a code.
pub(super) struct Guess<'a> {
    /// Accepted purposes; a single one stands here twice.
    pub(super) purposes: [CodePurpose; 2],
    /// The number or address it was sent to.
    pub(super) target: &'a str,
    pub(super) code: &'a OneTimeCode,
    pub(super) user_id: Option<&'a str>,
    /// Account of the session that guesses, where it may change the number of its account.
    pub(super) session_of: Option<&'a str>,
    /// The sign-in or session that it was sent for, where it is good for that alone.
    pub(super) challenge_id: Option<&'a str>,
    /// Key under which wrong guesses are counted over all codes: the number, the address or the
    /// account.
    pub(super) counted_for: &'a str,
    pub(super) guesser: &'a Guesser,
    pub(super) asker: &'a Asker,
}

/// Condition of the live codes that are meant. The code of a change of number is meant in a session
/// of its account, or where it was asked for while no sign-up waits for that number.
macro_rules! meant {
    () => {
        "target = $1 and (purpose = $2 or purpose = $3) and expires_at > $4 \
         and ($5 = '' or user_id = $5) and ($7 = '' or challenge_id = $7) \
         and (purpose <> 'change-phone' or user_id = $8 or (asked_by = $6 and not exists \
         (select 1 from codes s where s.target = $1 and s.purpose = 'verify-phone' \
         and s.user_id <> codes.user_id and s.expires_at > $4)))"
    };
}

/// Takes one guess from each code that is meant: from the asker's, or from those of all others.
const TAKE: &str = concat!(
    "update codes set guesses = guesses - case when asked_by = $6 then 1 else 0 end, \
     other_guesses = other_guesses - case when asked_by = $6 then 0 else 1 end where ",
    meant!(),
    " and ((asked_by = $6 and guesses > 0) or (asked_by <> $6 and other_guesses > 0)) \
     returning user_id, purpose, digest"
);

/// Finds a code that is meant and is the asker's own.
const OWN: &str =
    concat!("select user_id from codes where ", meant!(), " and asked_by = $6 limit 1");

impl<'a> Guess<'a> {
    /// A guess at a code that went to a number, of whichever account has it.
    pub(super) fn at_phone(
        purposes: [CodePurpose; 2],
        phone: &'a Phone,
        code: &'a OneTimeCode,
        (guesser, asker): (&'a Guesser, &'a Asker),
    ) -> Self {
        let target = phone.as_str();
        Self {
            purposes,
            target,
            code,
            user_id: None,
            session_of: None,
            challenge_id: None,
            counted_for: target,
            guesser,
            asker,
        }
    }

    fn values(&self, now: Timestamp) -> Vec<Value> {
        let [one, other] = self.purposes.map(CodePurpose::word);
        let [user_id, challenge_id, session_of] =
            [self.user_id, self.challenge_id, self.session_of].map(Option::unwrap_or_default);
        let asker = self.asker.as_str();
        values![self.target, one, other, now, user_id, asker, challenge_id, session_of]
    }
}

/// Whether a live code is the guesser's own.
async fn is_asker(store: &Store, guess: &Guess<'_>, now: Timestamp) -> Result<bool, StoreError> {
    store.fetch_optional(OWN, guess.values(now)).await.map(|row| row.is_some())
}

impl RightCode {
    fn read(row: &Row, target: &str) -> Result<Self, StoreError> {
        Ok(Self {
            user_id: row.text("user_id")?,
            purpose: CodePurpose::of(&row.text("purpose")?)
                .ok_or(StoreError::Corrupt { column: "purpose" })?,
            target: target.to_owned(),
            digest: row.bytes("digest")?,
        })
    }
}

/// Revokes every code and every sign-in that waits for one, of an account.
pub(super) async fn revoke_all(tx: &mut Transaction<'_>, user_id: &str) -> Result<(), StoreError> {
    tx.execute("delete from codes where user_id = $1", values![user_id]).await?;
    tx.execute("delete from challenges where user_id = $1", values![user_id]).await.map(drop)
}

/// Revokes the code of an account for one purpose.
pub(super) async fn revoke(
    tx: &mut Transaction<'_>,
    user_id: &str,
    purpose: CodePurpose,
) -> Result<(), StoreError> {
    let sql = "delete from codes where user_id = $1 and purpose = $2";
    tx.execute(sql, values![user_id, purpose.word()]).await.map(drop)
}

fn message(user_id: &str, purpose: CodePurpose, target: &str, code: &OneTimeCode) -> Vec<u8> {
    format!("{user_id}/{}/{target}/{}", purpose.word(), code.expose()).into_bytes()
}

/// Six digits, the first not a zero: some programs take the code for a number (altogic-protocol.md
/// §4). Values that would make some codes likelier than others are drawn again.
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
            assert!(
                code.len() == 6 && !code.starts_with('0') && OneTimeCode::parse(&code).is_ok(),
                "{code}"
            );
        }
    }
}
