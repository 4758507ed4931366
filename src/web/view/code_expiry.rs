//! How long a code still works, for the meter beside the input that it is typed into
//! (`templates/partials/code.html`).
//!
//! The bar is CSS alone: a class names how long a code lives and another one how much of that is
//! gone, so that a page that is opened again, or late, goes on where the bar was. Nobody may learn
//! from the page whether a code was sent at all, so both are counted from when it was asked for.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// The lives that the stylesheet knows, in minutes: `.lives-1`, `.lives-5`, `.lives-10`,
/// `.lives-15`.
const DRAWN: [u32; 4] = [1, 5, 10, 15];

/// How many parts of a life the stylesheet knows: `.gone-0` to `.gone-9`.
const PARTS: i64 = 10;

/// Remaining lifetime of a code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodeExpiry {
    minutes: u32,
    left: SignedDuration,
}

impl CodeExpiry {
    /// Of a code that was asked for at `sent_at` and lives some minutes.
    pub(crate) fn of(sent_at: Timestamp, minutes: u32, now: Timestamp) -> Self {
        let whole = SignedDuration::from_mins(minutes.into());
        let left = whole - now.duration_since(sent_at);
        Self { minutes, left: left.clamp(SignedDuration::ZERO, whole) }
    }

    /// Of a code whose end is known.
    pub(crate) fn until(expires_at: Timestamp, minutes: u32, now: Timestamp) -> Self {
        let whole = SignedDuration::from_mins(minutes.into());
        Self { minutes, left: expires_at.duration_since(now).clamp(SignedDuration::ZERO, whole) }
    }

    /// Whether it works no more.
    pub(crate) fn is_expired(&self) -> bool {
        self.left.is_zero()
    }

    /// The classes of the bar; `None` where the stylesheet cannot draw such a life.
    pub(crate) fn classes(&self) -> Option<String> {
        let whole = i64::from(self.minutes) * 60;
        if self.is_expired() || !DRAWN.contains(&self.minutes) {
            return None;
        }
        let gone = ((whole - self.left.as_secs()) * PARTS + whole / 2) / whole;
        Some(format!("lives-{} gone-{}", self.minutes, gone.min(PARTS - 1)))
    }
}

/// Remaining time in words: "9 minutes", "40 seconds". To the next whole one, since a page takes
/// its time to arrive.
impl fmt::Display for CodeExpiry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.left.as_millis() + 500) / 1000 {
            1 => formatter.write_str("one second"),
            seconds @ ..60 => write!(formatter, "{seconds} seconds"),
            60..90 => formatter.write_str("one minute"),
            seconds => write!(formatter, "{} minutes", (seconds + 30) / 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: i64, minutes: u32) -> CodeExpiry {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        CodeExpiry::of(Timestamp::UNIX_EPOCH, minutes, now)
    }

    #[test]
    fn what_is_left_is_told_in_words_and_drawn_in_tenths() {
        for (gone, minutes, words, classes) in [
            (0, 10, "10 minutes", Some("lives-10 gone-0")),
            (29, 10, "10 minutes", Some("lives-10 gone-0")),
            (61, 10, "9 minutes", Some("lives-10 gone-1")),
            (520, 10, "one minute", Some("lives-10 gone-9")),
            (0, 1, "one minute", Some("lives-1 gone-0")),
            (15, 1, "45 seconds", Some("lives-1 gone-3")),
            (59, 1, "one second", Some("lives-1 gone-9")),
            (60, 1, "0 seconds", None),
            (0, 7, "7 minutes", None),
            (-30, 1, "one minute", Some("lives-1 gone-0")),
        ] {
            let life = after(gone, minutes);
            assert_eq!(
                (life.to_string().as_str(), life.classes().as_deref()),
                (words, classes),
                "{gone} of {minutes}"
            );
        }
        assert!(
            after(60, 1).is_expired() && after(3600, 1).is_expired() && !after(59, 1).is_expired()
        );
    }
}
