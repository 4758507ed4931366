//! Service manager: `sd_notify` (systemd.exec, `Type=notify`) and signals.
//!
//! The server itself finishes what is in flight on SIGTERM (R13), and ends at once on SIGINT and
//! SIGQUIT. Here the manager hears of it, and a second signal ends the process at once: nothing
//! that was promised is lost by that, as email waits in the database.

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

/// Exit code after a second signal, as a shell reports SIGTERM.
const SECOND_SIGNAL: i32 = 128 + 15;

/// Says that requests are answered, waits to be told to stop, and says that too. Runs until it is
/// dropped.
pub(crate) async fn watch() {
    notify(&[NotifyState::Ready]);
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
        tracing::warn!("signals cannot be watched; the service manager will not hear that we stop");
        return;
    };
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    tracing::info!("told to stop: finishing what is in flight");
    notify(&[NotifyState::Stopping]);
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    tracing::warn!("told twice: stopping at once");
    std::process::exit(SECOND_SIGNAL);
}

/// Nothing happens where no manager listens (`NOTIFY_SOCKET`).
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!("the service manager could not be told: {error}");
    }
}
