//! Sessions, and what a `User-Agent` header tells of the browser behind one.

use std::{fmt, net::IpAddr};

use jiff::Timestamp;

use super::SessionToken;

/// One signed-in browser or application.
#[derive(Debug, Clone)]
pub struct Session {
    /// Names the session towards its owner; `sign_out` accepts it and nothing else does.
    pub handle: String,
    pub user_id: String,
    /// The real token, only of the caller's own session; other sessions have none to give.
    pub token: Option<SessionToken>,
    pub started_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub address: Option<IpAddr>,
    pub agent: Agent,
    /// Whether a second factor was shown in it: at its sign-in, by a browser that is trusted for
    /// one, or as a proof later. A backend that does not tell (remote mode) says what it knows of
    /// the account instead.
    pub second_factor: bool,
    /// Whether this is the session that asks.
    pub current: bool,
}

/// Parsed `User-Agent` header, always complete: `Other` and `0` where it says nothing
/// (altogic-protocol.md §12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    pub browser: Version,
    pub device: Version,
    pub system: Version,
}

/// As a person calls it: "Firefox on Linux". Families of a table of ours, so nothing that a visitor
/// wrote is in it.
impl fmt::Display for Agent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |version: &Version| version.family != "Other";
        let browser = if known(&self.browser) { &*self.browser.family } else { "An application" };
        formatter.write_str(browser)?;
        if known(&self.system) { write!(formatter, " on {}", self.system.family) } else { Ok(()) }
    }
}

/// A named thing with a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub family: String,
    pub major: String,
    pub minor: String,
    pub patch: String,
}
