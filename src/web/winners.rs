//! What became of a browser a moment ago, so that a second press does not end in an error (SECURITY.md S110).
//!
//! Of two requests that redeem one link, one wins. The other one comes with the cookies from before, and its link is spent: it is
//! led to where the winner went, and gets no session of its own. Likewise a form whose session was renewed under it: the same form
//! to the byte gets the answer of the first one (`twin.rs`).
//!
//! It is remembered in this process; with several, the second press shows what the link or the session says, and undoes nothing.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use moka::sync::Cache;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// How long a second press may come after the first.
const KEPT: Duration = Duration::from_secs(10);

/// Browsers that are remembered at most; the oldest go first.
const MOST: u64 = 4096;

static LANDINGS: LazyLock<Cache<String, String>> = LazyLock::new(cache);
static RENEWED: LazyLock<Cache<String, String>> = LazyLock::new(cache);
static TURNS: LazyLock<Cache<String, Arc<Mutex<()>>>> =
    LazyLock::new(|| Cache::builder().max_capacity(MOST).time_to_idle(KEPT).build());

fn cache<V: Clone + Send + Sync + 'static>() -> Cache<String, V> {
    Cache::builder().max_capacity(MOST).time_to_live(KEPT).build()
}

/// Waits until no other request of this browser redeems a link.
pub(crate) async fn turn(browser: &str) -> OwnedMutexGuard<()> {
    TURNS.get_with(browser.to_owned(), Arc::default).lock_owned().await
}

/// Notes where a sign-in of this browser led.
pub(crate) fn note_landing(browser: &str, landing: &str) {
    LANDINGS.insert(browser.to_owned(), landing.to_owned());
}

/// Where a sign-in of this browser led a moment ago.
pub(crate) fn landing(browser: &str) -> Option<String> {
    LANDINGS.get(browser)
}

/// Notes which token replaced that of a session, by the fingerprint of the former one.
pub(crate) fn note_renewed(fingerprint: String, successor: &str) {
    RENEWED.insert(fingerprint, successor.to_owned());
}

/// The token that replaced another one a moment ago.
pub(crate) fn successor(fingerprint: &str) -> Option<String> {
    RENEWED.get(fingerprint)
}
