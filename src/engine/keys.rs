//! API keys: what the operator's own programs show to write what a person may not (ALTOGIC_WIRE.md §13.2).
//!
//! The key is shown once; the database keeps its digest (SECURITY.md S33). It is looked up at each use, so that a removed key
//! has no power from that moment on, on every machine.

use jiff::Timestamp;

use super::{
    random::{new_id, new_token},
    settings::{Digests, SecretKey},
    store::{Row, Store, StoreError, values},
};
use crate::port::Random;

/// How a key begins, so that people and scanners of leaked secrets know one.
const PREFIX: &str = "ak-";
/// The length of a whole key, in letters.
const LENGTH: usize = PREFIX.len() + 43;

/// The API keys of the database.
pub struct ApiKeys(Digests);

/// One of them, as a list shows it.
#[derive(Debug, Clone)]
pub struct ApiKey {
    pub id: String,
    pub label: String,
    pub created_at: Timestamp,
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
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        let key = format!("{PREFIX}{}", new_token(random));
        let sql = "insert into api_keys (id, label, digest, created_at) values ($1, $2, $3, $4)";
        store.execute(sql, values![new_id(random), label, self.0.of(key.as_bytes()), now]).await?;
        Ok(key)
    }

    /// Whether this is a key that is there and not over. What does not look like one is not looked up: applications written for
    /// the original send keys of their own there, which have no power here and do no harm (ALTOGIC_WIRE.md §14.1).
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn is_good(&self, store: &Store, key: &str, now: Timestamp) -> Result<bool, StoreError> {
        if key.len() != LENGTH || !key.starts_with(PREFIX) {
            return Ok(false);
        }
        let sql = "select id from api_keys where digest = $1 and (expires_at is null or expires_at > $2)";
        for digest in self.0.all(key.as_bytes()) {
            if store.fetch_optional(sql, values![digest, now]).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The keys that are there, oldest first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn list(&self, store: &Store) -> Result<Vec<ApiKey>, StoreError> {
        let rows = store.fetch_all("select * from api_keys order by created_at, id", vec![]).await?;
        rows.iter().map(ApiKey::read).collect()
    }

    /// Removes a key by its id; says whether there was one.
    ///
    /// # Errors
    /// When the database cannot do it.
    pub async fn remove(&self, store: &Store, id: &str) -> Result<bool, StoreError> {
        Ok(store.execute("delete from api_keys where id = $1", values![id]).await? > 0)
    }
}

impl ApiKey {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { id: row.text("id")?, label: row.text("label")?, created_at: row.time("created_at")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::SystemRandom;

    #[tokio::test]
    async fn an_api_key_has_power_until_it_is_removed_and_is_not_in_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}/keys.db", folder.path().display())).await.unwrap();
        let keys = ApiKeys::new(&[SecretKey::new(vec![7; 32]).unwrap()]);
        let now = Timestamp::from_second(1_795_000_000).unwrap();
        let key = keys.add(&store, "the billing robot", &SystemRandom, now).await.unwrap();
        assert!(keys.is_good(&store, &key, now).await.unwrap());
        let foreign = format!("ak-{}", "A".repeat(43));
        for other in ["", "ak-", &foreign, &key[1..]] {
            assert!(!keys.is_good(&store, other, now).await.unwrap(), "{other}");
        }
        store.execute("update api_keys set expires_at = $1", values![now]).await.unwrap();
        assert!(!keys.is_good(&store, &key, now).await.unwrap(), "an expired key has no power");
        store.execute("update api_keys set expires_at = null where label <> $1", values![key.clone()]).await.unwrap();
        assert!(keys.is_good(&store, &key, now).await.unwrap());
        let listed = keys.list(&store).await.unwrap();
        assert!(keys.remove(&store, &listed[0].id).await.unwrap());
        assert!(!keys.is_good(&store, &key, now).await.unwrap());
        assert!(!keys.remove(&store, &listed[0].id).await.unwrap());
    }
}
