//! Stats of the engine's own work. They contain nothing about a person.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    Engine,
    store::{damage, values},
};
use crate::port::Failure;

/// The state of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxState {
    /// Messages that are not sent yet and not given up.
    pub messages: u64,
    /// How long the oldest of them has waited.
    pub oldest: Duration,
}

/// Counts since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Password hashes that were begun.
    pub hashes: u64,
    /// Passwords that wait for a thread now.
    pub hashes_waiting: u64,
    /// Passwords that were sent away because the queue was full.
    pub hashes_refused: u64,
    /// By operation and outcome.
    pub sign_ins: BTreeMap<(&'static str, &'static str), u64>,
}

/// The counters of the threads that hash.
#[derive(Debug, Default)]
pub(super) struct HashCounts {
    begun: AtomicU64,
    waiting: AtomicU64,
    refused: AtomicU64,
}

/// The counters of sign-ins.
#[derive(Debug, Default)]
pub(super) struct SignIns(Mutex<BTreeMap<(&'static str, &'static str), u64>>);

impl HashCounts {
    /// One more waits.
    pub(super) fn queue(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// One waits no more; `is_hashed` when it is hashed now.
    pub(super) fn begin(&self, is_hashed: bool) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.begun.fetch_add(u64::from(is_hashed), Ordering::Relaxed);
    }

    /// One that was counted as waiting did not fit into the queue.
    pub(super) fn refuse(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

impl SignIns {
    pub(super) fn count(&self, operation: &'static str, outcome: &'static str) {
        *self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry((operation, outcome))
            .or_default() += 1;
    }
}

impl Engine {
    /// Counts since the start.
    pub fn stats(&self) -> Stats {
        let hashes = self.hasher().counts();
        Stats {
            hashes: hashes.begun.load(Ordering::Relaxed),
            hashes_waiting: hashes.waiting.load(Ordering::Relaxed),
            hashes_refused: hashes.refused.load(Ordering::Relaxed),
            sign_ins: self.0.sign_ins.0.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Looks into the outbox; proves on the way that the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn waiting(&self) -> Result<OutboxState, Failure> {
        let sql = "select count(*) as messages, min(created_at) as oldest from outbox where \
            dead_at is null";
        let row = self.store().fetch_optional(sql, values![]).await?;
        let row = row.ok_or_else(|| Failure::broken("the outbox could not be counted"))?;
        let oldest = damage::spare(row.optional_time("oldest"), "outbox", "")?
            .flatten()
            .map_or(0, |oldest| {
                self.now().as_millisecond().saturating_sub(oldest.as_millisecond()).max(0)
            });
        let messages = u64::try_from(row.integer("messages")?).unwrap_or_default();
        Ok(OutboxState { messages, oldest: Duration::from_millis(oldest.unsigned_abs()) })
    }
}
