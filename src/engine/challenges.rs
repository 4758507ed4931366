//! Sign-ins whose first factor was right and whose second one is asked for.
//!
//! # The contract
//!
//! * A challenge is a row with a digest of its token; it lives [`LIFE`] and is good for one session (SECURITY.md S45). It is worth
//!   nothing without the code that was sent for it (S16).
//! * An account has one: a new sign-in kills the challenge of the former one, and its code with it. The wire names a challenge by
//!   the number alone (ALTOGIC_WIRE.md §8), so there must be no two. One that was made at our pages answers to its token only:
//!   whoever knows nothing but the number cannot use up its guesses (S12).
//! * A new password kills it ([`codes::kill_all`](super::codes::kill_all)).

use jiff::{SignedDuration, Timestamp};

use super::{
    random::{new_id, new_token},
    settings::{Digests, SecretKey},
    store::{Row, Store, StoreError, Transaction, values},
    tokens::after,
};
use crate::port::{ChallengeToken, Door, Outcome, Random};

/// How long somebody may look for their phone; each code within lives a minute.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// A sign-in that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: String,
    pub(super) user_id: String,
}

/// Makes challenges and reads them again.
pub(super) struct Challenges(Digests);

impl Challenges {
    pub(super) fn new(keys: &[SecretKey]) -> Self {
        Self(Digests::new(keys, "vestibule challenge"))
    }

    /// Stores a challenge; the former one of the account is dead.
    pub(super) async fn create(
        &self,
        tx: &mut Transaction<'_>,
        user_id: &str,
        door: Door,
        random: &dyn Random,
        now: Timestamp,
    ) -> Outcome<(Waiting, ChallengeToken)> {
        tx.execute("delete from challenges where user_id = $1", values![user_id]).await?;
        let (id, token) = (new_id(random), new_token(random));
        let sql = "insert into challenges (id, user_id, token_digest, created_at, expires_at, by_phone) \
                   values ($1, $2, $3, $4, $5, $6)";
        let digest = self.0.of(token.as_bytes());
        tx.execute(sql, values![&id, user_id, digest, now, after(now, LIFE), door == Door::Rest]).await?;
        Ok((Waiting { id, user_id: user_id.to_owned() }, ChallengeToken::parse(&token)?))
    }

    /// The live challenge with this token.
    pub(super) async fn by_token(
        &self,
        store: &Store,
        token: &ChallengeToken,
        now: Timestamp,
    ) -> Result<Option<Waiting>, StoreError> {
        let sql = "select id, user_id from challenges where token_digest = $1 and expires_at > $2";
        for digest in self.0.all(token.expose().as_bytes()) {
            if let Some(row) = store.fetch_optional(sql, values![digest, now]).await? {
                return read(&row).map(Some);
            }
        }
        Ok(None)
    }

    /// The live challenge of an account that its number may name.
    pub(super) async fn of_account(
        &self,
        store: &Store,
        user_id: &str,
        now: Timestamp,
    ) -> Result<Option<Waiting>, StoreError> {
        let sql = "select id, user_id from challenges where user_id = $1 and expires_at > $2 and by_phone = 1";
        store.fetch_optional(sql, values![user_id, now]).await?.as_ref().map(read).transpose()
    }

    /// Spends a challenge. `false` when it was spent or replaced, or is over: then nothing may come of it.
    pub(super) async fn spend(
        &self,
        tx: &mut Transaction<'_>,
        waiting: &Waiting,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "delete from challenges where id = $1 and expires_at > $2";
        Ok(tx.execute(sql, values![&waiting.id, now]).await? == 1)
    }
}

fn read(row: &Row) -> Result<Waiting, StoreError> {
    Ok(Waiting { id: row.text("id")?, user_id: row.text("user_id")? })
}
