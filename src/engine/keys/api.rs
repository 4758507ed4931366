//! API keys: what the operator's own programs show to write what a person may not
//! (altogic-protocol.md §13.2).
//!
//! The key is shown once; the database keeps its digest, and keys are compared by digest (S33).

use jiff::Timestamp;
use moka::sync::Cache;

use super::is_fresh;
use crate::{
    engine::{
        keys::{digests::Digests, secret_key::SecretKey},
        random::{new_id, new_token},
        store::{Row, Store, StoreError, damage, values},
    },
    port::Random,
};

/// How a key begins, so that people and scanners of leaked secrets know one.
const PREFIX: &str = "ak-";
/// The length of a whole key, in letters.
const LENGTH: usize = PREFIX.len() + 43;
/// How many look-ups are remembered, good and bad ones, about 100 bytes each.
const REMEMBERED: u64 = 1024;

/// The API keys of the database.
pub struct ApiKeys(Digests);

/// One of them, as a list shows it.
#[derive(Debug, Clone)]
pub struct ApiKey {
    pub id: String,
    pub label: String,
    pub created_at: Timestamp,
    /// When it loses its power; `None` when it is removed only.
    pub expires_at: Option<Timestamp>,
}

/// The API keys with what was looked up of them in the last seconds.
pub(super) struct RememberedApiKeys {
    keys: ApiKeys,
    /// By digest: when it was looked up, and whether it was good.
    seen: Cache<[u8; 32], (Timestamp, bool)>,
}

impl RememberedApiKeys {
    pub(super) fn new(keys: &[SecretKey]) -> Self {
        Self { keys: ApiKeys::new(keys), seen: Cache::new(REMEMBERED) }
    }

    /// As [`ApiKeys::is_good`], asked of the database at most every few seconds for the same key.
    pub(super) async fn is_good(
        &self,
        store: &Store,
        key: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if !has_api_key_shape(key) {
            return Ok(false);
        }
        let digest = self.keys.0.of(key.as_bytes());
        if let Some((_, is_good)) =
            self.seen.get(&digest).filter(|(read_at, _)| is_fresh(*read_at, now))
        {
            return Ok(is_good);
        }
        let is_good = self.keys.is_good(store, key, now).await?;
        self.seen.insert(digest, (now, is_good));
        Ok(is_good)
    }
}

impl ApiKeys {
    /// With the keys that the digests are made with.
    pub fn new(keys: &[SecretKey]) -> Self {
        Self(Digests::new(keys, "vestibule api key"))
    }

    /// Makes a key and answers it. It can not be shown again.
    ///
    /// # Errors
    /// When the database cannot do it.
    pub async fn add(
        &self,
        store: &Store,
        label: &str,
        expires_at: Option<Timestamp>,
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        let key = format!("{PREFIX}{}", new_token(random));
        let sql = "insert into api_keys (id, label, digest, created_at, expires_at) values ($1, \
            $2, $3, $4, $5)";
        let expires_at = expires_at.map(Timestamp::as_millisecond);
        store
            .execute(
                sql,
                values![new_id(random), label, self.0.of(key.as_bytes()), now, expires_at],
            )
            .await?;
        Ok(key)
    }

    /// Whether this is a key that is there and not over. What does not look like one is not looked
    /// up: applications written for the original send keys of their own there, which have no power
    /// here and do no harm (altogic-protocol.md §14.1).
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn is_good(
        &self,
        store: &Store,
        key: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if !has_api_key_shape(key) {
            return Ok(false);
        }
        for (digest, newest) in self.0.with_newest(key.as_bytes()) {
            let sql = "select * from api_keys where digest = $1";
            let Some(row) = store.fetch_optional(sql, values![digest]).await? else { continue };
            let id = row.text("id").unwrap_or_default();
            let Some(found) = damage::spare(ApiKey::read(&row), "api_keys", &id)? else {
                return Ok(false);
            };
            if let Some(newest) = newest {
                // Made with an older key. Of two calls at once the second one changes nothing.
                let sql = "update api_keys set digest = $2 where digest = $1";
                store.execute(sql, values![digest, newest]).await?;
            }
            return Ok(found.expires_at.is_none_or(|end| end > now));
        }
        Ok(false)
    }

    /// The keys that are there, oldest first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn list(store: &Store) -> Result<Vec<ApiKey>, StoreError> {
        let rows =
            store.fetch_all("select * from api_keys order by created_at, id", vec![]).await?;
        let read = |row: &Row| {
            let id = row.text("id").unwrap_or_default();
            damage::spare(ApiKey::read(row), "api_keys", &id).transpose()
        };
        rows.iter().filter_map(read).collect()
    }

    /// Removes a key by its id, or by the key itself where somebody found one that leaked; says
    /// whether there was one.
    ///
    /// # Errors
    /// When the database cannot do it.
    pub async fn remove(&self, store: &Store, id_or_key: &str) -> Result<bool, StoreError> {
        let mut removed =
            store.execute("delete from api_keys where id = $1", values![id_or_key]).await?;
        if has_api_key_shape(id_or_key) {
            for digest in self.0.all(id_or_key.as_bytes()) {
                removed += store
                    .execute("delete from api_keys where digest = $1", values![digest])
                    .await?;
            }
        }
        Ok(removed > 0)
    }
}

impl ApiKey {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.text("id")?,
            label: row.text("label")?,
            created_at: row.time("created_at")?,
            expires_at: row.optional_time("expires_at")?,
        })
    }
}

/// Whether it has the form of a key of ours.
fn has_api_key_shape(key: &str) -> bool {
    key.len() == LENGTH && key.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::engine::SystemRandom;

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store =
            Store::open(&format!("sqlite:{}/keys.db", folder.path().display())).await.unwrap();
        (folder, store)
    }

    fn secret() -> [SecretKey; 1] {
        [SecretKey::for_tests(7)]
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_795_000_000).unwrap()
    }

    #[tokio::test]
    async fn an_api_key_has_power_until_it_is_removed_and_is_not_in_the_database() {
        let (_folder, store) = store().await;
        let keys = ApiKeys::new(&secret());
        let key = keys.add(&store, "the billing robot", None, &SystemRandom, now()).await.unwrap();
        assert!(keys.is_good(&store, &key, now()).await.unwrap());
        let foreign = format!("ak-{}", "A".repeat(43));
        for other in ["", "ak-", &foreign, &key[1..]] {
            assert!(!keys.is_good(&store, other, now()).await.unwrap(), "{other}");
        }
        let digest = store.fetch_all("select * from api_keys", vec![]).await.unwrap()[0]
            .bytes("digest")
            .unwrap();
        assert_ne!(digest, key.as_bytes());
        let listed = ApiKeys::list(&store).await.unwrap();
        assert!(keys.remove(&store, &listed[0].id).await.unwrap());
        assert!(!keys.is_good(&store, &key, now()).await.unwrap());
        assert!(!keys.remove(&store, &listed[0].id).await.unwrap());
    }

    #[tokio::test]
    async fn an_api_key_that_leaked_is_removed_by_itself() {
        let (_folder, store) = store().await;
        let keys = ApiKeys::new(&secret());
        let key = keys.add(&store, "leaked", None, &SystemRandom, now()).await.unwrap();
        keys.add(&store, "another", None, &SystemRandom, now()).await.unwrap();
        assert!(keys.remove(&store, &key).await.unwrap());
        let left = ApiKeys::list(&store).await.unwrap();
        assert_eq!(left.iter().map(|key| key.label.as_str()).collect::<Vec<_>>(), ["another"]);
    }

    #[tokio::test]
    async fn what_was_looked_up_counts_for_seconds_and_no_longer() {
        let (_folder, store) = store().await;
        let keys = RememberedApiKeys::new(&secret());
        let tomorrow = now() + SignedDuration::from_hours(24);
        let key =
            keys.keys.add(&store, "for a day", Some(tomorrow), &SystemRandom, now()).await.unwrap();
        assert!(keys.is_good(&store, &key, now()).await.unwrap());
        assert!(
            !keys.is_good(&store, &key, tomorrow).await.unwrap(),
            "an expired key has no power"
        );
        assert!(
            keys.is_good(&store, &key, now()).await.unwrap(),
            "a clock that was set back asks again"
        );
        keys.keys.remove(&store, &key).await.unwrap();
        assert!(keys.is_good(&store, &key, now() + SignedDuration::from_secs(2)).await.unwrap());
        assert!(!keys.is_good(&store, &key, now() + SignedDuration::from_secs(3)).await.unwrap());
    }
}
