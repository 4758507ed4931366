//! The wait that grows with each wrong guess.
//!
//! A few guesses are free, for people forget. After the last of them, and after each one that
//! follows, the next must wait twice as long: 30 seconds, a minute, two, four, to an
//! [hour](LONGEST). An hour forgets one guess, so after a bad day all is as it was.
//!
//! # What one guesser gets
//!
//! With five free ones, somebody who guesses whenever they may has 11 guesses in the first hour and
//! soon one an hour: about 8,770 a year, where a plain limit of 30 an hour gave 262,800. A row of a
//! hundred takes three days and 16 hours. What all guessers together get, and how that compares
//! with NIST SP 800-63B-4, is told in [`guesses`](super::guesses).

use std::time::Duration;

use super::{as_milliseconds, counters::CounterState};

/// The wait after the last free guess.
const FIRST: Duration = Duration::from_secs(30);

/// The longest wait, and the time that forgets one guess: equal, so that whoever goes on guessing
/// stays at it.
const LONGEST: Duration = Duration::from_secs(3600);

/// Doublings after which the wait is the longest.
const DOUBLINGS: i32 = 7;

/// An allowance of wrong guesses.
pub(super) struct Backoff {
    /// Guesses at once, before the first wait.
    pub(super) free: f64,
}

impl Backoff {
    /// As many free ones for each of several people.
    pub(super) fn times(&self, scale: f64) -> Self {
        Self { free: self.free * scale }
    }

    /// Counts a guess as a wrong one, or tells how long to wait for it. `factor` multiplies the
    /// free ones and divides the waits.
    pub(super) fn take(
        &self,
        count: &mut CounterState,
        factor: f64,
        now: i64,
    ) -> Result<(), Duration> {
        let forgotten_in = scaled(LONGEST, factor);
        let free = self.free(factor);
        let most = forgotten_in.saturating_mul(free + i64::from(DOUBLINGS) + 1);
        // A clock that was set back must not lock anybody out for longer than the longest wait.
        count.idle_at = count.idle_at.clamp(now, now.saturating_add(most));
        count.next_at = count.next_at.min(now.saturating_add(forgotten_in));
        let wait = count.next_at.saturating_sub(now);
        if wait > 0 {
            return Err(Duration::from_millis(wait.unsigned_abs()));
        }
        count.idle_at = count.idle_at.saturating_add(forgotten_in).min(now.saturating_add(most));
        // One that is half forgotten counts whole.
        let remembered = (count.idle_at - now).div_euclid(forgotten_in)
            + i64::from((count.idle_at - now) % forgotten_in > 0);
        if remembered >= free {
            count.next_at = now.saturating_add(wait_after(remembered - free, factor));
        }
        Ok(())
    }

    /// Takes back a guess that was right, and the wait that it began: while that one runs no other
    /// guess is taken. Former ones stay counted (S13).
    pub(super) fn give_back(&self, count: &mut CounterState, factor: f64) {
        count.idle_at = count.idle_at.saturating_sub(scaled(LONGEST, factor));
        count.next_at = i64::MIN;
    }

    fn free(&self, factor: f64) -> i64 {
        as_milliseconds((self.free * factor).max(1.0))
    }
}

/// The wait after a guess, `doublings` after the last free one.
fn wait_after(doublings: i64, factor: f64) -> i64 {
    let doublings = i32::try_from(doublings).unwrap_or(DOUBLINGS).clamp(0, DOUBLINGS);
    scaled(FIRST.mul_f64(2f64.powi(doublings)).min(LONGEST), factor)
}

/// In milliseconds, at least one.
fn scaled(wait: Duration, factor: f64) -> i64 {
    as_milliseconds((wait.as_secs_f64() * 1000.0 / factor).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: Backoff = Backoff { free: 5.0 };
    const YEAR: i64 = 365 * 24 * 3_600_000;

    fn nobody() -> CounterState {
        CounterState { idle_at: 0, next_at: 0 }
    }

    /// Guesses whenever it may; answers the times.
    fn guesses_until(end: i64) -> Vec<i64> {
        let (mut count, mut now, mut times) = (nobody(), 0, Vec::new());
        while now < end {
            match FIVE.take(&mut count, 1.0, now) {
                Ok(()) => times.push(now),
                Err(wait) => now += i64::try_from(wait.as_millis()).unwrap(),
            }
        }
        times
    }

    fn waited(count: &mut CounterState, now: i64) -> u64 {
        FIVE.take(count, 1.0, now).unwrap_err().as_secs()
    }

    #[test]
    fn the_wait_doubles_after_the_free_ones_up_to_an_hour() {
        let times = guesses_until(5 * 3_600_000);
        assert_eq!(times[..5], [0; 5]);
        let waits: Vec<i64> =
            times[4..].windows(2).map(|pair| (pair[1] - pair[0]) / 1000).collect();
        assert_eq!(waits[..10], [30, 60, 120, 240, 480, 960, 1920, 1920, 3600, 3600]);
    }

    #[test]
    fn a_year_of_guessing_is_fewer_than_nine_thousand_and_a_row_of_a_hundred_takes_days() {
        let times = guesses_until(YEAR);
        assert!((8_760..8_780).contains(&times.len()), "{}", times.len());
        assert_eq!(times.iter().filter(|time| **time < 3_600_000).count(), 11);
        assert!(times[99] > 3 * 24 * 3_600_000, "{}", times[99]);
    }

    #[test]
    fn a_good_day_forgets_a_bad_one() {
        let mut count = nobody();
        for now in guesses_until(24 * 3_600_000) {
            FIVE.take(&mut count, 1.0, now).unwrap();
        }
        let later = 3 * 24 * 3_600_000;
        for _ in 0..5 {
            FIVE.take(&mut count, 1.0, later).unwrap();
        }
        assert_eq!(waited(&mut count, later), 30);
    }

    /// S13
    #[test]
    fn a_right_guess_gives_back_its_own_and_no_other() {
        let mut count = nobody();
        for _ in 0..4 {
            FIVE.take(&mut count, 1.0, 0).unwrap();
        }
        for _ in 0..50 {
            FIVE.take(&mut count, 1.0, 0).unwrap();
            FIVE.give_back(&mut count, 1.0);
        }
        FIVE.take(&mut count, 1.0, 0).unwrap();
        assert_eq!(waited(&mut count, 0), 30);
        FIVE.take(&mut count, 1.0, 30_000).unwrap();
        assert_eq!(waited(&mut count, 30_000), 60);
    }

    /// R15
    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait_longer_than_the_longest_wait() {
        let mut count = CounterState { idle_at: YEAR, next_at: YEAR };
        assert_eq!(waited(&mut count, 0), 3600);
        FIVE.take(&mut count, 1.0, 3_600_000).unwrap();
    }

    #[test]
    fn the_factor_multiplies_the_free_ones_and_divides_the_waits() {
        let mut count = nobody();
        for _ in 0..10 {
            FIVE.take(&mut count, 2.0, 0).unwrap();
        }
        assert_eq!(FIVE.take(&mut count, 2.0, 0), Err(Duration::from_secs(15)));
        assert_eq!(FIVE.take(&mut nobody(), 0.001, 0), Ok(()));
    }
}
