//! Times as people read them.

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};

/// A moment: "21 November 2026, 04:12 UTC" to people, RFC 3339 to machines. The zone is always
/// told, since the server does not know where the reader is.
pub(crate) struct Moment(Timestamp);

impl Moment {
    pub(crate) fn of(time: Timestamp) -> Self {
        Self(time)
    }

    /// For the attribute `datetime`.
    pub(crate) fn machine(&self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Only the day.
    pub(crate) fn day(&self) -> String {
        self.0.to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.to_zoned(TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_with_its_zone() {
        let moment = Moment::of("2026-11-01T04:02:03.9Z".parse().unwrap());
        assert_eq!(moment.to_string(), "1 November 2026, 04:02 UTC");
        assert_eq!(moment.machine(), "2026-11-01T04:02:03Z");
        assert_eq!(moment.day(), "1 November 2026");
    }
}
