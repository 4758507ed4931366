//! The state of the keys, looked at without changing it.

use jiff::Timestamp;

use super::{KeyError, envelopes, opened};
use crate::engine::{
    clock::after,
    keys::secret_key::SecretKey,
    sessions,
    store::{Store, StoreError},
};

/// How the keys that are set fit the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// The database has no data keys yet; the next start makes them.
    None,
    Fits {
        /// Keys that are set after the first one, by their fingerprints: they may go.
        older: Vec<String>,
        /// From when on nobody has to sign in again when those go.
        from: Timestamp,
        /// Keys that are not set any more and still open the database.
        retired: Vec<String>,
        /// Whether the first key has no envelope yet: no server has started with it.
        is_new: bool,
    },
    /// Why they do not fit.
    Refused(String),
}

/// Looks how the keys that are set fit a database that is up to date.
///
/// # Errors
/// When the database does not answer.
pub async fn inspect(url: &str, secret_keys: &[SecretKey]) -> Result<KeyState, StoreError> {
    let store = Store::connect(url).await?;
    let found = state(&store, secret_keys).await;
    store.close().await;
    found
}

pub(super) async fn state(
    store: &Store,
    secret_keys: &[SecretKey],
) -> Result<KeyState, StoreError> {
    let envelopes = envelopes(store).await?;
    if envelopes.is_empty() {
        return Ok(KeyState::None);
    }
    if let Err(error) = opened(secret_keys, &envelopes) {
        return match error {
            KeyError::Store(error) => Err(error),
            error => Ok(KeyState::Refused(error.to_string())),
        };
    }
    let set: Vec<String> = secret_keys.iter().map(SecretKey::fingerprint).collect();
    let first = envelopes.iter().find(|envelope| set.first() == Some(&envelope.fingerprint));
    let is_retired = |fingerprint: &String| !set.contains(fingerprint);
    Ok(KeyState::Fits {
        older: set.iter().skip(1).cloned().collect(),
        from: first.map(|envelope| after(envelope.created_at, sessions::IDLE)).unwrap_or_default(),
        retired: envelopes
            .iter()
            .map(|envelope| envelope.fingerprint.clone())
            .filter(is_retired)
            .collect(),
        is_new: first.is_none(),
    })
}
