//! Recent results of a browser, so that a second press does not end in an error (S110).
//!
//! Of two requests that redeem one link, one wins. The other one comes with the cookies from
//! before, and its link is spent: it gets the answer of the winner. So does a form that comes
//! twice, the same to the byte (`twin.rs`). Here stands what those need to know: which sessions
//! were renewed or ended, and whose turn it is.
//!
//! It is remembered in this process; with several, the second press shows what the link or the
//! session says, and undoes nothing.

use std::{
    hash::Hash,
    sync::{Arc, LazyLock},
    time::Duration,
};

use moka::sync::Cache;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// How long a second press may come after the first.
const KEPT: Duration = Duration::from_secs(10);

/// Browsers that are remembered at most; the oldest go first.
const MOST: u64 = 4096;

/// The successor of a session's token, by its fingerprint; none where the session was ended.
static RENEWED: LazyLock<Cache<String, Option<String>>> = LazyLock::new(cache);
static RETURNS: LazyLock<Cache<(String, String), String>> = LazyLock::new(cache);
static QUEUES: LazyLock<Cache<String, Arc<Mutex<()>>>> =
    LazyLock::new(|| Cache::builder().max_capacity(MOST).time_to_idle(KEPT).build());

fn cache<K, V>() -> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(MOST).time_to_live(KEPT).build()
}

/// Waits until no other request of this browser redeems a link.
pub(crate) async fn turn(browser: &str) -> OwnedMutexGuard<()> {
    QUEUES.get_with(browser.to_owned(), Arc::default).lock_owned().await
}

/// Notes where a provider's answer led, by the browser and the state that came back with it.
pub(crate) fn note_return(returned: (String, String), location: &str) {
    RETURNS.insert(returned, location.to_owned());
}

/// Where the same answer of a provider led a moment ago.
pub(crate) fn returned(returned: &(String, String)) -> Option<String> {
    RETURNS.get(returned)
}

/// Notes which token replaced that of a session, by the fingerprint of the former one.
pub(crate) fn note_renewed(fingerprint: String, successor: &str) {
    RENEWED.insert(fingerprint, Some(successor.to_owned()));
}

/// Notes that a session was ended, by the fingerprint of its token.
pub(crate) fn note_ended(fingerprint: String) {
    RENEWED.insert(fingerprint, None);
}

/// The token that replaced another one a moment ago.
pub(crate) fn successor(fingerprint: &str) -> Option<String> {
    RENEWED.get(fingerprint).flatten()
}

/// Whether a session was renewed or ended a moment ago.
pub(crate) fn is_expired(fingerprint: &str) -> bool {
    RENEWED.contains_key(fingerprint)
}
