//! Caller: the part of a request that every operation needs.

use std::net::IpAddr;

use super::{BrowserId, DeviceToken, SessionToken};

/// The one who asks, as the channel saw them.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Which channel the request came through.
    pub channel: Channel,
    /// The true client address, as the proxy settings say it is. `None` over a Unix socket without
    /// a proxy header, and behind an [`UnlistedProxy`].
    pub address: Option<IpAddr>,
    /// The proxy that the settings do not list, where the request seems to come through one. For
    /// limits alone: what it says is not believed, shown or kept.
    pub unlisted: Option<UnlistedProxy>,
    /// The `User-Agent` header, cut at 512 bytes, without control characters.
    pub user_agent: String,
    /// The session token, when one was sent. Not checked yet.
    pub session: Option<SessionToken>,
    /// Browser id, so that an emailed link may finish where it was asked for. Only the pages have
    /// one.
    pub browser: Option<BrowserId>,
    /// Device tokens from earlier sign-ins; one for each of its last people. Only the pages
    /// have some.
    pub devices: Vec<DeviceToken>,
    /// Where emailed links that this request causes send the browser, when the application has a
    /// redirect URL of its own instead of the one in the settings.
    pub redirect_url: Option<String>,
    /// Whether the request carries an API key: the operator's own program, which may write what a
    /// person may not.
    pub is_operator: bool,
}

/// A proxy that the settings do not list, and the client it names. Anybody who can reach us from a
/// private address can pretend to be one, so both are counted (S13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnlistedProxy {
    pub peer: IpAddr,
    /// The last entry of its forwarding header, where that is an address.
    pub client: Option<IpAddr>,
}

/// The two channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Our own pages.
    Pages,
    /// The REST protocol.
    Api,
}
