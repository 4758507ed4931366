//! Client keys: the names of applications, with the pages they may be used from.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::is_fresh;
use crate::{
    engine::{
        random::new_id,
        store::{Row, Store, StoreError, damage, values},
    },
    port::{Failure, Random},
    telemetry::log_throttle::{self, LogDecision},
};

/// How long a call waits for the keys to be read anew, where older ones are known.
const SOON: Duration = Duration::from_millis(300);

/// How a key begins that was made here.
const PREFIX: &str = "ck-";

/// The client keys of the database.
pub struct ClientKeys;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredClientKey {
    pub key: String,
    pub label: String,
    /// The origins of its pages, as they were typed; what they mean is the channel's to say.
    pub origins: Vec<String>,
    /// Where links in emails that this application causes send the browser; `None` means where the
    /// settings say.
    pub redirect_url: Option<String>,
    /// Whether its calls need a session, but those that are about getting one.
    pub enforce_session: bool,
    pub created_at: Timestamp,
}

/// Input of a new key.
#[derive(Debug, Clone, Default)]
pub struct NewClientKey {
    pub label: String,
    pub origins: Vec<String>,
    pub redirect_url: Option<String>,
    pub enforce_session: bool,
}

impl ClientKeys {
    /// Makes a key and answers it.
    ///
    /// # Errors
    /// When the database cannot do it.
    pub async fn add(
        store: &Store,
        new: NewClientKey,
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        let key = format!("{PREFIX}{}", new_id(random));
        let sql = "insert into client_keys (key, label, origins, redirect_url, enforce_session, \
                   created_at) \
                   values ($1, $2, $3, $4, $5, $6)";
        let enforce_session = i64::from(new.enforce_session);
        let values = values![
            &key,
            new.label,
            new.origins.join("\n"),
            new.redirect_url,
            enforce_session,
            now
        ];
        store.execute(sql, values).await?;
        Ok(key)
    }

    /// The keys that are there, oldest first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn list(store: &Store) -> Result<Vec<StoredClientKey>, StoreError> {
        let rows =
            store.fetch_all("select * from client_keys order by created_at, key", vec![]).await?;
        let read = |row: &Row| {
            let key = row.text("key").unwrap_or_default();
            damage::spare(StoredClientKey::read(row), "client_keys", &key).transpose()
        };
        rows.iter().filter_map(read).collect()
    }

    /// Removes a key; says whether there was one.
    ///
    /// # Errors
    /// When the database cannot do it.
    pub async fn remove(store: &Store, key: &str) -> Result<bool, StoreError> {
        Ok(store.execute("delete from client_keys where key = $1", values![key]).await? > 0)
    }
}

impl StoredClientKey {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            key: row.text("key")?,
            label: row.text("label")?,
            origins: row.text("origins")?.lines().map(str::to_owned).collect(),
            redirect_url: row.optional_text("redirect_url")?,
            enforce_session: row.integer("enforce_session")? != 0,
            created_at: row.time("created_at")?,
        })
    }
}

/// All client keys of the database, as they were a moment ago: there are few, and a look-up for
/// each key that a visitor invents would be many.
#[derive(Default)]
pub(super) struct Snapshot {
    newest: RwLock<Option<(Timestamp, Arc<[StoredClientKey]>)>>,
    /// Held by the one who reads it anew. Nobody waits for them, however slow the database is.
    turn: Mutex<()>,
}

impl Snapshot {
    /// The keys. When the database is away or slow, the last ones that it told; it is asked again
    /// as if it had answered.
    ///
    /// # Errors
    /// When the database cannot answer and never did.
    pub(super) async fn read(
        &self,
        store: &Store,
        now: Timestamp,
    ) -> Result<Arc<[StoredClientKey]>, StoreError> {
        if let Some(keys) = self.fresh(now) {
            return Ok(keys);
        }
        let turn = self.turn.try_lock();
        if turn.is_err()
            && let Some((_, last)) = self.newest()
        {
            return Ok(last);
        }
        let keys = match self.newest() {
            Some((_, last)) => anew(store).await.unwrap_or(last),
            None => ClientKeys::list(store).await?.into(),
        };
        if let Ok(mut newest) = self.newest.write() {
            *newest = Some((now, Arc::clone(&keys)));
        }
        Ok(keys)
    }

    fn fresh(&self, now: Timestamp) -> Option<Arc<[StoredClientKey]>> {
        self.newest().filter(|(read_at, _)| is_fresh(*read_at, now)).map(|(_, keys)| keys)
    }

    fn newest(&self) -> Option<(Timestamp, Arc<[StoredClientKey]>)> {
        self.newest.read().ok()?.clone()
    }
}

/// The keys as they are now, if the database tells them soon: whoever asks has one call to make of
/// it yet.
async fn anew(store: &Store) -> Option<Arc<[StoredClientKey]>> {
    let failure = match tokio::time::timeout(SOON, ClientKeys::list(store)).await {
        Ok(Ok(keys)) => return Some(keys.into()),
        Ok(Err(error)) => Failure::from(error),
        Err(_) => Failure::from(StoreError::Hangs),
    };
    if let LogDecision::Line { kept_back } = log_throttle::log_decision(&failure) {
        tracing::warn!(kept_back, "the client keys could not be read anew: {failure}");
    }
    None
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::engine::SystemRandom;

    #[tokio::test]
    async fn a_key_that_comes_or_goes_is_noticed_within_seconds_without_a_query_before() {
        let folder = tempfile::tempdir().unwrap();
        let store =
            Store::open(&format!("sqlite:{}/keys.db", folder.path().display())).await.unwrap();
        let snapshot = Snapshot::default();
        let start = Timestamp::from_second(1_795_000_000).unwrap();
        let after = |seconds| start + SignedDuration::from_secs(seconds);
        assert!(snapshot.read(&store, start).await.unwrap().is_empty());
        let new = NewClientKey {
            label: "the shop".to_owned(),
            origins: vec!["https://*.shop.example".to_owned(), "http://localhost:*".to_owned()],
            redirect_url: Some("https://shop.example/back".to_owned()),
            enforce_session: true,
        };
        let key = ClientKeys::add(&store, new.clone(), &SystemRandom, start).await.unwrap();
        assert!(snapshot.read(&store, after(2)).await.unwrap().is_empty());
        let read = snapshot.read(&store, after(3)).await.unwrap();
        let NewClientKey { label, origins, redirect_url, enforce_session } = new;
        let whole = StoredClientKey {
            key,
            label,
            origins,
            redirect_url,
            enforce_session,
            created_at: start,
        };
        assert_eq!(*read, *std::slice::from_ref(&whole));
        assert!(ClientKeys::remove(&store, &whole.key).await.unwrap());
        assert!(!ClientKeys::remove(&store, &whole.key).await.unwrap());
        assert!(snapshot.read(&store, after(6)).await.unwrap().is_empty());
        store.close().await;
        assert!(
            snapshot.read(&store, after(9)).await.unwrap().is_empty(),
            "what was known outlives the database"
        );
        assert!(Snapshot::default().read(&store, start).await.is_err());
    }
}
