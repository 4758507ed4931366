//! Sign-in with a provider: what is offered, how a journey begins, and what comes of it.

use super::{ProviderCode, ProviderLogoutToken};

/// A provider that is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderOffer {
    /// Its name in paths: `a-z`, `0-9` and dashes.
    pub name: String,
    /// Label for people.
    pub label: String,
}

/// Purpose of a journey to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderFor {
    /// To sign in at our own pages.
    Pages,
    /// To sign in at an application: the browser ends at its redirect URL. `origin` is that of the
    /// page that led here, as the browser says (`Referer`); it chooses among the redirect URLs that
    /// an operator wrote, and nothing else.
    Application { origin: Option<String> },
    /// *Signed-in user.* To connect the caller's account. Wants a fresh proof.
    Connection,
}

/// Answer of a provider, as it was sent.
#[derive(Debug, Clone, Default)]
pub struct ProviderAnswer {
    pub state: String,
    pub code: Option<ProviderCode>,
    /// RFC 6749 §4.1.2.1: `access_denied` and others.
    pub error: Option<String>,
    /// RFC 9207.
    pub issuer: Option<String>,
    /// Name from Apple, sent only once.
    pub name: Option<String>,
}

/// Where a journey ended.
#[derive(Debug, Clone)]
pub enum ProviderReturn {
    /// The browser goes on to this absolute URL, which carries an access token or, to an
    /// application, what went wrong.
    Landed(String),
    /// An account holds the address already: its own proof comes first. `offer` is for the browser
    /// to keep until then.
    Offered { offer: String, label: String },
    /// The account of the caller is connected.
    Connected { label: String },
}

/// The connected accounts of a signed-in user.
#[derive(Debug, Clone)]
pub struct Connections {
    pub connected: Vec<ConnectedProvider>,
    /// Whether one can get in without the last of them.
    pub has_other_way_in: bool,
}

/// A connected account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectedProvider {
    /// The provider's name in paths.
    pub provider: String,
    pub label: String,
    /// By which its owner knows it again.
    pub shown_as: Option<String>,
}

/// Somebody who has signed out here may still be signed in at the provider that let them in.
#[derive(Debug, Clone)]
pub struct ProviderLogoutOffer {
    pub provider_logout_token: ProviderLogoutToken,
    /// The provider's name in paths.
    pub provider: String,
}

/// Result of a back-channel logout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogoutByProvider {
    /// Whose sessions ended; `None` where none did.
    pub user_id: Option<String>,
    pub sessions: u64,
}
