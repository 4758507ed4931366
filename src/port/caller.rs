//! Who asks: the part of a request that every operation needs.

use std::net::IpAddr;

use super::{BrowserTicket, DeviceTicket, SessionToken};

/// The one who asks, as the door saw them.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Which door the request came through.
    pub door: Door,
    /// The true client address, as the proxy settings say it is. `None` over a Unix socket without a proxy header.
    pub address: Option<IpAddr>,
    /// The `User-Agent` header, cut at 512 bytes, without control characters.
    pub user_agent: String,
    /// The session token, when one was sent. Not checked yet.
    pub session: Option<SessionToken>,
    /// What marks this browser, so that a mailed link may finish where it was asked for. Only the pages have one.
    pub browser: Option<BrowserTicket>,
    /// What this browser was given when somebody signed in with it before; one for each of its last people. Only the pages
    /// have some.
    pub devices: Vec<DeviceTicket>,
    /// Where mailed links that this request causes send the browser, when the application has a redirect URL of its own
    /// instead of the one in the settings.
    pub redirect_url: Option<String>,
    /// Whether the request carries an API key: the operator's own program, which may write what a person may not.
    pub is_operator: bool,
}

/// The two doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Our own pages.
    Pages,
    /// The REST protocol.
    Rest,
}
