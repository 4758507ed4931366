//! Recovery codes: ten that stand in for a second factor that is lost.
//!
//! # The contract
//!
//! * They are shown once, when they are made; stored are their digests (S19, S33). New ones revoke
//!   the old.
//! * Each is good once, decided by the row that is deleted (S45).
//! * They have 49 bits, and a wrong one costs one of the five guesses of its sign-in.

use super::super::{
    keys::{digests::Digests, secret_key::SecretKey},
    store::{Store, StoreError, Transaction, values},
};
use crate::port::{Random, RecoveryCode, RecoveryCodes};

/// How many there are.
const COUNT: usize = 10;

/// Makes recovery codes and takes them back.
pub(in crate::engine) struct Recovery(Digests);

impl Recovery {
    pub(in crate::engine) fn new(keys: &[SecretKey]) -> Self {
        Self(Digests::new(keys, "vestibule recovery code"))
    }

    /// Replaces the codes of an account.
    pub(in crate::engine) async fn make(
        &self,
        tx: &mut Transaction<'_>,
        user_id: &str,
        random: &dyn Random,
    ) -> Result<RecoveryCodes, StoreError> {
        remove(tx, user_id).await?;
        let codes: Vec<String> = (0..COUNT).map(|_| draw(random)).collect();
        for code in &codes {
            let sql = "insert into recovery_codes (user_id, digest) values ($1, $2) on conflict do \
                nothing";
            tx.execute(sql, values![user_id, self.0.of(&message(user_id, code))]).await?;
        }
        let half = RecoveryCode::LENGTH / 2;
        Ok(RecoveryCodes::new(
            codes.iter().map(|code| format!("{}-{}", &code[..half], &code[half..])),
        ))
    }

    /// Spends a code; answers how many are left, or `None` when it is none of the account's.
    pub(in crate::engine) async fn spend(
        &self,
        tx: &mut Transaction<'_>,
        user_id: &str,
        code: &RecoveryCode,
    ) -> Result<Option<usize>, StoreError> {
        for digest in self.0.all(&message(user_id, code.expose())) {
            let sql = "delete from recovery_codes where user_id = $1 and digest = $2";
            if tx.execute(sql, values![user_id, digest]).await? == 1 {
                let rows = tx
                    .fetch_all(
                        "select digest from recovery_codes where user_id = $1",
                        values![user_id],
                    )
                    .await?;
                return Ok(Some(rows.len()));
            }
        }
        Ok(None)
    }
}

/// How many an account has left.
pub(in crate::engine) async fn left(store: &Store, user_id: &str) -> Result<usize, StoreError> {
    Ok(store
        .fetch_all("select digest from recovery_codes where user_id = $1", values![user_id])
        .await?
        .len())
}

/// As [`left`], within a transaction.
pub(in crate::engine) async fn has_some(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<bool, StoreError> {
    let sql = "select digest from recovery_codes where user_id = $1 limit 1";
    Ok(tx.fetch_optional(sql, values![user_id]).await?.is_some())
}

/// Takes all codes from an account.
pub(in crate::engine) async fn remove(
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Result<(), StoreError> {
    tx.execute("delete from recovery_codes where user_id = $1", values![user_id]).await.map(drop)
}

fn message(user_id: &str, code: &str) -> Vec<u8> {
    format!("{user_id}/{code}").into_bytes()
}

/// Ten signs. Bytes that would make some signs likelier than others are drawn again.
fn draw(random: &dyn Random) -> String {
    let fair = 256 - 256 % RecoveryCode::SIGNS.len();
    let mut code = String::with_capacity(RecoveryCode::LENGTH);
    while code.len() < RecoveryCode::LENGTH {
        let mut byte = [0];
        random.fill(&mut byte);
        let drawn = usize::from(byte[0]);
        if drawn < fair {
            code.push(char::from(RecoveryCode::SIGNS[drawn % RecoveryCode::SIGNS.len()]));
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::SystemRandom;

    #[test]
    fn what_is_drawn_reads_as_a_recovery_code_and_never_twice_the_same() {
        let codes: std::collections::HashSet<String> =
            (0..1000).map(|_| draw(&SystemRandom)).collect();
        assert_eq!(codes.len(), 1000);
        assert!(codes.iter().all(|code| RecoveryCode::parse(code).unwrap().expose() == code));
    }
}
