//! Paces email as a whole: what an email provider takes from a sender without blocking it (S64,
//! S107).
//!
//! There are two lanes. Proved mailboxes have one of their own, so that sign-ups with addresses of
//! visitors never hold back resets and notifications. An email over the burst is delayed, not
//! dropped. Only while a lane is delayed for long, more requests are refused, and with the wait.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Emails at once, of each lane.
const BURST: f64 = 250.0;

/// One email every so many milliseconds after the burst, of each lane: one a second together.
const EVERY: f64 = 2_000.0;

/// A lane that is delayed for longer takes no more requests, in milliseconds.
const LONGEST_DELAY: i64 = 600_000;

/// The lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Lane {
    /// Messages to unverified mailboxes.
    Ordinary,
    Reauthenticated,
}

/// The pace of both lanes.
pub(super) struct EmailThrottle {
    every: i64,
    burst: i64,
    lanes: Mutex<Lanes>,
}

/// Times in epoch milliseconds.
#[derive(Default)]
struct Lanes {
    /// When each lane would be idle.
    idle_at: [i64; 2],
    /// The latest time that was seen.
    seen_at: i64,
}

impl Lanes {
    /// Moves the lanes back with a clock that was set back, so that no email waits for the former
    /// time (R15).
    fn watch_clock(&mut self, now: i64) {
        let back = self.seen_at.saturating_sub(now).max(0);
        self.idle_at = self.idle_at.map(|idle| idle.saturating_sub(back));
        self.seen_at = now;
    }
}

impl EmailThrottle {
    /// `factor` multiplies burst and pace.
    pub(super) fn new(factor: f64) -> Self {
        let burst = super::as_milliseconds(BURST * factor).max(1);
        let every = super::as_milliseconds(EVERY / factor).max(1);
        Self { every, burst, lanes: Mutex::default() }
    }

    /// Takes the place of one email; answers how long to delay it.
    pub(super) fn delay(&self, lane: Lane, now: i64) -> Duration {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.watch_clock(now);
        let idle = &mut lanes.idle_at[lane as usize];
        *idle = (*idle).max(now) + self.every;
        milliseconds(*idle - now - self.every * self.burst)
    }

    /// Whether the lane takes more requests, or how long to wait until it does.
    pub(super) fn room(&self, lane: Lane, now: i64) -> Result<(), Duration> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.watch_clock(now);
        let wait = milliseconds(
            lanes.idle_at[lane as usize] - now - self.every * self.burst - LONGEST_DELAY,
        );
        if wait.is_zero() { Ok(()) } else { Err(wait.min(Duration::from_secs(3600))) }
    }
}

fn milliseconds(milliseconds: i64) -> Duration {
    Duration::from_millis(milliseconds.max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S107
    #[test]
    fn sign_ups_delay_each_other_and_never_a_proved_mailbox() {
        let pace = EmailThrottle::new(1.0);
        assert!((0..250).all(|_| pace.delay(Lane::Ordinary, 0).is_zero()));
        assert_eq!(pace.delay(Lane::Ordinary, 0), Duration::from_secs(2));
        assert_eq!(pace.delay(Lane::Ordinary, 0), Duration::from_secs(4));
        assert_eq!(pace.delay(Lane::Reauthenticated, 0), Duration::ZERO);
    }

    /// R15
    #[test]
    fn a_clock_that_was_set_back_delays_no_email() {
        let pace = EmailThrottle::new(1.0);
        let hour = 3_600_000;
        for back in [1_000, 60_000, hour, 400 * 24 * hour] {
            let now = 1_000 * 24 * hour;
            assert_eq!(pace.delay(Lane::Ordinary, now + back), Duration::ZERO, "{back}");
            assert_eq!(pace.delay(Lane::Ordinary, now), Duration::ZERO, "{back}");
            pace.room(Lane::Ordinary, now).unwrap();
        }
    }

    #[test]
    fn a_lane_with_a_long_delay_takes_no_more_and_says_when() {
        let pace = EmailThrottle::new(1.0);
        for _ in 0..(250 + 301) {
            pace.delay(Lane::Ordinary, 0);
        }
        assert_eq!(pace.room(Lane::Ordinary, 0), Err(Duration::from_secs(2)));
        pace.room(Lane::Ordinary, 2_000).unwrap();
        pace.room(Lane::Reauthenticated, 0).unwrap();
    }
}
