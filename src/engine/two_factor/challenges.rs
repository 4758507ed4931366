//! Sign-ins whose first factor was right and whose second one is asked for.
//!
//! # The contract
//!
//! * A challenge is a row with a digest of its token; it lives [`LIFE`] and is good for one session
//!   (S45). It is worth nothing without the code that was sent for it (S16).
//! * The wire names a challenge by the number alone, so there each asker has one: a new sign-in
//!   from the same place invalidates the former, and one from elsewhere does not (S12). Another
//!   device of the owner means the newest. Others, who know the number, have a few guesses of their
//!   own.
//! * One that was made at our pages answers to its token only: the number alone cannot use up its
//!   guesses (S12).
//! * An account has [`MOST`] of each kind. A code by SMS belongs to the sign-in that had it sent.
//! * It allows [`GUESSES`] wrong guesses at what is not sent for it: codes of an authenticator app
//!   and recovery codes. Each is taken before it is looked at, in one conditional update that stays
//!   (S17). A code by SMS counts its own.
//! * A new password revokes it ([`codes::revoke_all`](super::super::codes::revoke_all)).

use jiff::{SignedDuration, Timestamp};

use super::super::{
    clock::after,
    codes::Asker,
    keys::{digests::Digests, secret_key::SecretKey},
    providers::provider_sessions::ProviderSession,
    random::{new_id, new_token},
    store::{Row, Store, StoreError, Transaction, damage, values},
};
use crate::port::{ChallengeToken, Channel, Outcome, Random};

/// How long somebody may look for their phone; each code within lives a minute.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Sign-ins of one channel that may wait at once: whoever knows the password and begins one after
/// the other must not revoke the owner's before the code is typed (S12).
const MOST: i64 = 10;

/// Wrong guesses that revoke a sign-in (S17).
const GUESSES: i64 = 5;

/// Where the log finds a damaged one.
const PLACE: (&str, &str) = ("challenges", "id");

/// A sign-in that waits.
#[derive(Debug)]
pub(in crate::engine) struct PendingChallenge {
    pub(in crate::engine) id: String,
    pub(in crate::engine) user_id: String,
    /// Whether a code by SMS may finish it: not where one began it.
    pub(in crate::engine) sms_counts: bool,
    /// Requester, where the number names the sign-in.
    begun_by: String,
}

/// A sign-in that shall wait.
pub(in crate::engine) struct NewChallenge<'a> {
    pub(in crate::engine) user_id: &'a str,
    pub(in crate::engine) channel: Channel,
    /// As in [`PendingChallenge`].
    pub(in crate::engine) sms_counts: bool,
    /// The sign-in at a provider that it began with.
    pub(in crate::engine) provider_session: Option<&'a ProviderSession>,
    pub(in crate::engine) begun_by: &'a Asker,
}

impl PendingChallenge {
    /// Whose its codes are: of whoever began it, and where only its token names it, of whoever has
    /// that.
    pub(in crate::engine) fn asker(&self) -> Asker {
        if self.begun_by.is_empty() {
            Asker::sign_in(&self.id)
        } else {
            Asker::of_row(self.begun_by.clone())
        }
    }
}

/// Makes challenges and reads them again.
pub(in crate::engine) struct Challenges(Digests);

impl Challenges {
    pub(in crate::engine) fn new(keys: &[SecretKey]) -> Self {
        Self(Digests::new(keys, "vestibule challenge"))
    }

    /// Stores a challenge. On the wire the former one of the same asker is over.
    pub(in crate::engine) async fn create(
        &self,
        tx: &mut Transaction<'_>,
        new: &NewChallenge<'_>,
        random: &dyn Random,
        now: Timestamp,
    ) -> Outcome<(PendingChallenge, ChallengeToken)> {
        let NewChallenge { user_id, channel, sms_counts, provider_session, begun_by } = *new;
        let begun_by = if channel == Channel::Api { begun_by.as_str() } else { "" };
        if channel == Channel::Api {
            let sql =
                "delete from challenges where user_id = $1 and by_phone = 1 and asked_by = $2";
            tx.execute(sql, values![user_id, begun_by]).await?;
        }
        let sql = "delete from challenges where user_id = $1 and by_phone = $3 and id not in \
                   (select id from challenges where user_id = $1 and by_phone = $3 order by \
                   created_at desc, id limit $2)";
        tx.execute(sql, values![user_id, MOST - 1, channel == Channel::Api]).await?;
        let (id, token) = (new_id(random), new_token(random));
        let sql = "insert into challenges (id, user_id, token_digest, created_at, expires_at, \
                   by_phone, text_counts, guesses, \
                   other_guesses, asked_by, login_issuer, login_subject, login_sid, login_sealed) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11, $12, $13)";
        let (digest, by_phone) = (self.0.of(token.as_bytes()), channel == Channel::Api);
        let values = values![
            &id,
            user_id,
            digest,
            now,
            after(now, LIFE),
            by_phone,
            sms_counts,
            GUESSES,
            begun_by
        ];
        tx.execute(sql, [values, ProviderSession::values(provider_session)].concat()).await?;
        let (user_id, begun_by) = (user_id.to_owned(), begun_by.to_owned());
        Ok((PendingChallenge { id, user_id, sms_counts, begun_by }, ChallengeToken::parse(&token)?))
    }

    /// The live challenge with this token.
    pub(in crate::engine) async fn by_token(
        &self,
        store: &Store,
        token: &ChallengeToken,
        now: Timestamp,
    ) -> Result<Option<PendingChallenge>, StoreError> {
        let sql = "select id, user_id, text_counts, asked_by from challenges where token_digest = \
            $1 and expires_at > $2";
        for digest in self.0.all(token.expose().as_bytes()) {
            if let Some(row) = store.fetch_optional(sql, values![digest, now]).await? {
                return damage::one(&row, PLACE, read);
            }
        }
        Ok(None)
    }

    /// The live challenge of an account that its number may name: the asker's own, or else the
    /// newest.
    pub(in crate::engine) async fn of_account(
        &self,
        store: &Store,
        user_id: &str,
        asker: &Asker,
        now: Timestamp,
    ) -> Result<Option<PendingChallenge>, StoreError> {
        let sql = "select id, user_id, text_counts, asked_by from challenges \
                   where user_id = $1 and expires_at > $2 and by_phone = 1 \
                   order by case when asked_by = $3 then 0 else 1 end, created_at desc, id limit 1";
        let values = values![user_id, now, asker.as_str()];
        let Some(row) = store.fetch_optional(sql, values).await? else { return Ok(None) };
        damage::one(&row, PLACE, read)
    }

    /// Takes a guess, from those of whoever began it or from those of all others. `false` when
    /// there is none left, or the challenge is over.
    pub(in crate::engine) async fn take_guess(
        &self,
        store: &Store,
        waiting: &PendingChallenge,
        asker: &Asker,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = if *asker == waiting.asker() {
            "update challenges set guesses = guesses - 1 where id = $1 and guesses > 0 and \
                expires_at > $2"
        } else {
            "update challenges set other_guesses = other_guesses - 1 \
             where id = $1 and other_guesses > 0 and expires_at > $2"
        };
        Ok(store.execute(sql, values![&waiting.id, now]).await? == 1)
    }

    /// Spends a challenge, for the sign-in at a provider that it began with, if it did. `None` when
    /// it was spent or replaced, or is over: then nothing may come of it.
    pub(in crate::engine) async fn spend(
        &self,
        tx: &mut Transaction<'_>,
        waiting: &PendingChallenge,
        now: Timestamp,
    ) -> Result<Option<Option<ProviderSession>>, StoreError> {
        let sql = "delete from challenges where id = $1 and expires_at > $2 \
                   returning login_issuer, login_subject, login_sid, login_sealed";
        let row = tx.fetch_optional(sql, values![&waiting.id, now]).await?;
        row.as_ref().map(ProviderSession::read).transpose()
    }
}

fn read(row: &Row) -> Result<PendingChallenge, StoreError> {
    Ok(PendingChallenge {
        id: row.text("id")?,
        user_id: row.text("user_id")?,
        sms_counts: row.integer("text_counts")? != 0,
        begun_by: row.text("asked_by")?,
    })
}
