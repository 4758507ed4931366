//! A circuit breaker: an environment that does not answer is left alone for a moment (R27).
//!
//! Each call to an environment that hangs costs its whole time budget, and a page waits for it.
//! After a few such calls in a row the next ones fail at once; when the pause is over one call
//! tries, and only its success lets the others through.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering::SeqCst};

use jiff::Timestamp;

/// Calls in a row that must go wrong.
const TIMEOUT: u32 = 5;

/// How long nobody asks, in milliseconds. Short: a person who tries again should not meet it.
const PAUSE_MILLISECONDS: i64 = 2000;

#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: AtomicU32,
    closed_until: AtomicI64,
}

impl Breaker {
    /// Whether a call may be made now. After a pause it says so to one caller, and to the others
    /// only after a success.
    pub(super) fn lets_through(&self, now: Timestamp) -> bool {
        if self.failures.load(SeqCst) < TIMEOUT {
            return true;
        }
        let (now, until) = (now.as_millisecond(), self.closed_until.load(SeqCst));
        now >= until
            && self
                .closed_until
                .compare_exchange(until, now + PAUSE_MILLISECONDS, SeqCst, SeqCst)
                .is_ok()
    }

    /// The environment answered.
    pub(super) fn succeeded(&self) {
        self.failures.store(0, SeqCst);
    }

    /// It did not.
    pub(super) fn failed(&self, now: Timestamp) {
        if self.failures.fetch_add(1, SeqCst) + 1 >= TIMEOUT {
            self.closed_until.store(now.as_millisecond() + PAUSE_MILLISECONDS, SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    /// R27
    #[test]
    fn after_failures_in_a_row_nobody_asks_and_after_a_pause_one_does() {
        let breaker = Breaker::default();
        for _ in 0..TIMEOUT {
            assert!(breaker.lets_through(at(0)));
            breaker.failed(at(0));
        }
        assert!(!breaker.lets_through(at(PAUSE_MILLISECONDS - 1)));
        assert!(breaker.lets_through(at(PAUSE_MILLISECONDS)));
        assert!(!breaker.lets_through(at(PAUSE_MILLISECONDS)));
        breaker.failed(at(PAUSE_MILLISECONDS + 10));
        assert!(!breaker.lets_through(at(2 * PAUSE_MILLISECONDS)));
        assert!(breaker.lets_through(at(2 * PAUSE_MILLISECONDS + 10)));
        breaker.succeeded();
        assert!(breaker.lets_through(at(2 * PAUSE_MILLISECONDS + 10)));
    }

    #[test]
    fn a_failure_now_and_then_closes_nothing() {
        let breaker = Breaker::default();
        for _ in 0..3 * TIMEOUT {
            breaker.failed(at(0));
            breaker.succeeded();
        }
        assert!(breaker.lets_through(at(0)));
    }
}
