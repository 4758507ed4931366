//! Log throttle for failures that many requests share: one line for each cause and minute, not one
//! for each request.
//!
//! A full disk or a database that restarts fails every request the same way. Thousands of equal
//! lines hide the others and fill the disk that is full already (R07). So the first failure of a
//! cause is a line; while it lasts there is one more [each minute](EVERY), which says how many were
//! kept back. Those are there at the level `debug`, for whoever looks for one request. Failures
//! that do not pass by themselves are lines, each of them: they are bugs.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::port::Failure;

/// How often one cause is told.
const EVERY: Duration = Duration::from_secs(60);

/// Causes that are remembered. There are a handful; a text with a number in it must not fill the
/// memory.
const MOST: usize = 64;

static CAUSES: LazyLock<Mutex<Causes>> = LazyLock::new(Mutex::default);

/// How much a failure is worth to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogDecision {
    /// A line, with the number of equal failures that were kept back since the last one.
    Line { kept_back: Option<u64> },
    /// It was told a moment ago.
    Nothing,
}

#[derive(Default)]
struct Causes(HashMap<String, Throttled>);

struct Throttled {
    at: Instant,
    kept_back: u64,
}

/// Whether a failure is to be logged. Asked once for each, where it would be.
pub(crate) fn log_decision(failure: &Failure) -> LogDecision {
    if failure.retry_after.is_none() {
        return LogDecision::Line { kept_back: None };
    }
    CAUSES.lock().unwrap_or_else(PoisonError::into_inner).note(failure.to_string(), Instant::now())
}

impl Causes {
    fn note(&mut self, cause: String, now: Instant) -> LogDecision {
        if let Some(throttled) = self.0.get_mut(&cause)
            && now.saturating_duration_since(throttled.at) < EVERY
        {
            throttled.kept_back += 1;
            return LogDecision::Nothing;
        }
        if self.0.len() >= MOST {
            self.0.retain(|_, throttled| now.saturating_duration_since(throttled.at) < EVERY);
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let before = self.0.insert(cause, Throttled { at: now, kept_back: 0 });
        LogDecision::Line {
            kept_back: before.map(|throttled| throttled.kept_back).filter(|count| *count > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(causes: &mut Causes, begun: Instant, seconds: u64) -> LogDecision {
        causes.note("the disk is full".to_owned(), begun + Duration::from_secs(seconds))
    }

    /// R07
    #[test]
    fn what_fails_every_request_is_told_once_a_minute_with_how_often() {
        let (mut causes, begun) = (Causes::default(), Instant::now());
        assert_eq!(after(&mut causes, begun, 0), LogDecision::Line { kept_back: None });
        for second in 1..60 {
            assert_eq!(after(&mut causes, begun, second), LogDecision::Nothing, "{second}");
        }
        assert_eq!(after(&mut causes, begun, 60), LogDecision::Line { kept_back: Some(59) });
        assert_eq!(after(&mut causes, begun, 500), LogDecision::Line { kept_back: None });
        let other = causes.note("the database is away".to_owned(), begun);
        assert_eq!(other, LogDecision::Line { kept_back: None }, "another cause is told");
    }

    #[test]
    fn memory_has_an_end() {
        let (mut causes, begun) = (Causes::default(), Instant::now());
        for number in 0..1000 {
            causes.note(number.to_string(), begun);
        }
        assert!(causes.0.len() <= MOST);
    }

    #[test]
    fn what_does_not_pass_by_itself_is_told_each_time() {
        for _ in 0..3 {
            assert_eq!(
                log_decision(&Failure::broken("a bug")),
                LogDecision::Line { kept_back: None }
            );
        }
    }
}
