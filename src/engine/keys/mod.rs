//! The keys that the operator makes with `vestibule key` (altogic-protocol.md §13.2).
//!
//! * A **client key** names an application. It is public: every page that uses one shows it to
//!   everybody.
//! * An **API key** is a secret of the operator's own programs. It gives power over everybody's
//!   account.
//!
//! Both are made and removed by another process while this one serves. So this one asks the
//! database again, but at most every [`FRESH`] for the same thing, whatever visitors send: a key
//! that was added works, and one that was removed stops, within that time.

mod api;
mod client;
pub mod data_keys;
pub(super) mod digests;
pub(super) mod seal;
pub(super) mod secret_key;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use api::{ApiKey, ApiKeys};
pub use client::{ClientKeys, NewClientKey, StoredClientKey};

use self::secret_key::SecretKey;
use super::Engine;
use crate::port::{Answer, Failure};

/// For how long what was read of a key is taken to be so.
const FRESH: SignedDuration = SignedDuration::from_secs(3);

/// The keys, as one engine knows them.
pub(super) struct Keys {
    api: api::RememberedApiKeys,
    client: client::Snapshot,
}

impl Keys {
    pub(super) fn new(keys: &[SecretKey]) -> Self {
        Self { api: api::RememberedApiKeys::new(keys), client: client::Snapshot::default() }
    }
}

impl Engine {
    /// The client keys of the database, as they were a few seconds ago at most.
    pub fn client_keys(&self) -> Answer<Arc<[StoredClientKey]>> {
        let engine = self.clone();
        Box::pin(async move {
            let keys = engine.keys().client.read(engine.store(), engine.now()).await;
            Ok(keys.map_err(Failure::from)?)
        })
    }

    /// Whether this is an API key that has power, or had it a few seconds ago. What is none is no
    /// mistake: applications written for the original send keys of their own there
    /// (altogic-protocol.md §14.1).
    pub fn is_api_key(&self, key: String) -> Answer<bool> {
        let engine = self.clone();
        Box::pin(async move {
            let good = engine.keys().api.is_good(engine.store(), &key, engine.now()).await;
            Ok(good.map_err(Failure::from)?)
        })
    }
}

/// Whether what was read then is still taken to be so. A clock that was set back makes nothing
/// young.
fn is_fresh(read_at: Timestamp, now: Timestamp) -> bool {
    (SignedDuration::ZERO..FRESH).contains(&now.duration_since(read_at))
}
