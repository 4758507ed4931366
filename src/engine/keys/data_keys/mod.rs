//! Data keys: what everything stored is sealed and digested with. The secret key of the settings
//! only locks them away.
//!
//! # Why
//!
//! A digest cannot be made anew without what was digested: recovery codes, API keys, sessions,
//! browsers. If digests hung on the secret key itself, taking an old key out of the settings would
//! void them, and would lock out everybody with an authenticator app (S96, S112).
//!
//! # The contract
//!
//! * The first start makes one random data key. It is stored once for each secret key that is set,
//!   sealed with that key (an *envelope*), under the key's public fingerprint.
//! * A start opens the envelope of any key that is set, and adds an envelope for each key that has
//!   none yet. So a new key is put first, the servers are restarted, and the old one is taken out:
//!   what is stored did not change and stays good.
//! * A start without a key that has an envelope is refused: the key is wrong, or missing after a
//!   restore. Several servers on one database are held to one set of keys the same way.
//! * A database from before data keys was sealed with the secret keys. They become older data keys,
//!   in the form HKDF extracted them, beside a new random one. The first data key seals, all of
//!   them open; what is used is sealed anew, and [`rotate`] does the rest.
//! * A weak key opens and seals nothing new: it has no envelope ([`Weakness`]).
//! * `vestibule key rotate` removes the envelopes of keys that are not set any more. Whoever has
//!   such a key and an older copy of the database can still open that copy: a key that leaked is
//!   retired to protect what is written after it.
//!
//! The cookies of the pages are sealed with the secret keys themselves, for in remote mode there is
//! no database.

mod inspect;
mod rotate;

use jiff::Timestamp;

pub use inspect::{KeyState, inspect};
pub use rotate::{Rotation, rotate};

use super::{
    super::{
        store::{Row, Store, StoreError, Transaction, values},
        two_factor::authenticators::Authenticators,
    },
    seal::Seal,
    secret_key::{SecretKey, Weakness},
};
use crate::port::Random;

/// The length of a data key.
const KEY_BYTES: usize = 32;

/// Why the data keys cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("there is no secret key")]
    NoKey,
    #[error("the first secret key {0}")]
    Weak(#[from] Weakness),
    /// The fingerprints of the keys that are set, and of those that open the database.
    #[error(
        "secret_key (or the file that secret_key_file names): the database is locked with the key \
         {wanted}, and the key that \
         is set is {set}. Put the right key back, after the new one if it is to be replaced, or \
         restore the database that \
         belongs to this key"
    )]
    Wrong { set: String, wanted: String },
    #[error(
        "secret_key (or the file that secret_key_file names): the database holds what was sealed \
         with another key than {set}. \
         Put the key back that it was used with, after the new one if it is to be replaced"
    )]
    WrongForOlder { set: String },
    #[error("the data keys in the database are damaged; restore a backup")]
    Damaged,
    #[error("the database does not answer: {0}")]
    Store(#[from] StoreError),
}

/// The data keys, the one that seals first. Makes them where the database has none, and adds the
/// envelopes that are missing.
///
/// # Errors
/// When no key that is set opens them, or the database does not answer.
pub async fn open(
    store: &Store,
    secret_keys: &[SecretKey],
    random: &dyn Random,
    now: Timestamp,
) -> Result<Vec<SecretKey>, KeyError> {
    let first = secret_keys.first().ok_or(KeyError::NoKey)?;
    first.weakness().map_or(Ok(()), Err)?;
    let mut envelopes = envelopes(store).await?;
    if envelopes.is_empty() {
        found(store, secret_keys, random, now).await?;
        envelopes = self::envelopes(store).await?;
    }
    let data_keys = opened(secret_keys, &envelopes)?;
    for key in strong(secret_keys) {
        if !envelopes.iter().any(|envelope| envelope.fingerprint == key.fingerprint()) {
            let mut tx = store.begin().await?;
            add_envelope(&mut tx, key, &data_keys, random, now).await?;
            tx.commit().await?;
            tracing::info!(
                fingerprint = key.fingerprint(),
                "this secret key opens the database from now on"
            );
        }
    }
    Ok(data_keys)
}

/// The data keys, sealed with one secret key.
struct SealedDataKeys {
    fingerprint: String,
    sealed: Vec<u8>,
    created_at: Timestamp,
}

impl SealedDataKeys {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let (fingerprint, sealed) = (row.text("fingerprint")?, row.bytes("sealed")?);
        Ok(Self { fingerprint, sealed, created_at: row.time("created_at").unwrap_or_default() })
    }

    fn open(&self, key: &SecretKey) -> Option<Vec<SecretKey>> {
        let plain = envelope_seal(key).open(&seal_context(&self.fingerprint), &self.sealed)?;
        let keys: Vec<_> = plain
            .as_chunks::<KEY_BYTES>()
            .0
            .iter()
            .map(|bytes| SecretKey::of_random(*bytes))
            .collect();
        (!keys.is_empty()).then_some(keys)
    }
}

/// The envelopes there are. A damaged one opens nothing, and another key may open another.
async fn envelopes(store: &Store) -> Result<Vec<SealedDataKeys>, StoreError> {
    let rows = store
        .fetch_all("select * from key_envelopes order by created_at, fingerprint", values![])
        .await?;
    Ok(rows.iter().filter_map(|row| SealedDataKeys::from_row(row).ok()).collect())
}

fn opened(
    secret_keys: &[SecretKey],
    envelopes: &[SealedDataKeys],
) -> Result<Vec<SecretKey>, KeyError> {
    let mut is_known = false;
    for key in secret_keys {
        for envelope in
            envelopes.iter().filter(|envelope| envelope.fingerprint == key.fingerprint())
        {
            is_known = true;
            if let Some(data_keys) = envelope.open(key) {
                return Ok(data_keys);
            }
        }
    }
    if is_known || envelopes.is_empty() {
        return Err(KeyError::Damaged);
    }
    let wanted = envelopes.iter().map(|envelope| envelope.fingerprint.clone()).collect();
    Err(KeyError::Wrong { set: fingerprints(secret_keys), wanted: listed(wanted) })
}

/// Makes the data keys of a database that has none. Of two servers that start at once, the second
/// one waits for the first and makes none.
async fn found(
    store: &Store,
    secret_keys: &[SecretKey],
    random: &dyn Random,
    now: Timestamp,
) -> Result<(), KeyError> {
    let mut tx = store.begin().await?;
    let sql = "insert into data_keys (id, created_at) values (1, $1) on conflict do nothing";
    if tx.execute(sql, values![now]).await? == 0 {
        return Ok(());
    }
    let mut bytes = [0; KEY_BYTES];
    random.fill(&mut bytes);
    let mut data_keys = vec![SecretKey::of_random(bytes)];
    if is_in_use(&mut tx).await? {
        require_opens_older(&mut tx, secret_keys).await?;
        data_keys.extend(secret_keys.iter().cloned());
    }
    for key in strong(secret_keys) {
        add_envelope(&mut tx, key, &data_keys, random, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Whether the database was used before there were data keys.
async fn is_in_use(tx: &mut Transaction<'_>) -> Result<bool, StoreError> {
    let sql = "select 1 as found where exists (select 1 from users) or exists (select 1 from \
               api_keys) \
               or exists (select 1 from outbox)";
    Ok(tx.fetch_optional(sql, values![]).await?.is_some())
}

/// Refuses keys that open none of the authenticator keys that were sealed before there were data
/// keys.
async fn require_opens_older(
    tx: &mut Transaction<'_>,
    secret_keys: &[SecretKey],
) -> Result<(), KeyError> {
    let authenticators = Authenticators::new(secret_keys);
    let sql = "select user_id, secret from authenticators order by user_id limit 20";
    let rows = tx.fetch_all(sql, values![]).await?;
    if rows.is_empty() || rows.iter().any(|row| authenticators.opens(row)) {
        Ok(())
    } else {
        Err(KeyError::WrongForOlder { set: fingerprints(secret_keys) })
    }
}

async fn add_envelope(
    tx: &mut Transaction<'_>,
    key: &SecretKey,
    data_keys: &[SecretKey],
    random: &dyn Random,
    now: Timestamp,
) -> Result<(), KeyError> {
    let (fingerprint, plain) = (
        key.fingerprint(),
        data_keys.iter().map(SecretKey::extracted).collect::<Vec<_>>().concat(),
    );
    let sealed = envelope_seal(key)
        .seal(&seal_context(&fingerprint), &plain, random)
        .ok_or(KeyError::NoKey)?;
    let sql = "insert into key_envelopes (fingerprint, sealed, created_at) values ($1, $2, $3) on \
        conflict do nothing";
    Ok(tx.execute(sql, values![fingerprint, sealed, now]).await.map(drop)?)
}

fn envelope_seal(key: &SecretKey) -> Seal {
    Seal::new(std::slice::from_ref(key), "vestibule data keys")
}

fn seal_context(fingerprint: &str) -> String {
    format!("data_keys/{fingerprint}")
}

fn strong(secret_keys: &[SecretKey]) -> impl Iterator<Item = &SecretKey> {
    secret_keys.iter().filter(|key| key.weakness().is_none())
}

fn fingerprints(secret_keys: &[SecretKey]) -> String {
    listed(secret_keys.iter().map(SecretKey::fingerprint).collect())
}

fn listed(fingerprints: Vec<String>) -> String {
    fingerprints.join(" or ")
}
