//! `vestibule key rotate`: seals anew what older keys sealed, and retires the keys that are not set
//! any more.

use jiff::Timestamp;

use super::{KeyError, KeyState, inspect::state, open};
use crate::{
    engine::{
        keys::secret_key::SecretKey,
        outbox,
        providers::provider_sessions,
        store::{Store, values},
        two_factor::authenticators::Authenticators,
    },
    port::Random,
};

/// Result of a key rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Keys of authenticator apps that were sealed anew.
    pub authenticators: usize,
    /// Messages that wait to be sent.
    pub messages: usize,
    /// Sessions that began with a provider.
    pub provider_sessions: usize,
    /// Secret keys that open the database no more, by their fingerprints.
    pub retired: Vec<String>,
    pub state: KeyState,
}

/// Gives each secret key that is set its envelope, removes those of all others, and seals anew what
/// an older data key sealed. A server may run meanwhile: it has all data keys.
///
/// # Errors
/// As [`open`].
pub async fn rotate(
    store: &Store,
    secret_keys: &[SecretKey],
    random: &dyn Random,
    now: Timestamp,
) -> Result<Rotation, KeyError> {
    let data_keys = open(store, secret_keys, random, now).await?;
    let authenticators = Authenticators::new(&data_keys).seal_anew(store, random).await?;
    let messages = outbox::seal_anew(store, &data_keys, random).await?;
    let provider_sessions = provider_sessions::seal_anew(store, &data_keys, random).await?;
    let retired = match state(store, secret_keys).await? {
        KeyState::Fits { retired, .. } => retired,
        KeyState::None | KeyState::Refused(_) => Vec::new(),
    };
    for fingerprint in &retired {
        store
            .execute("delete from key_envelopes where fingerprint = $1", values![fingerprint])
            .await?;
    }
    Ok(Rotation {
        authenticators,
        messages,
        provider_sessions,
        retired,
        state: state(store, secret_keys).await?,
    })
}
