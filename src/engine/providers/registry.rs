//! The table of providers: what each one is, asks for and answers.

use std::fmt;

use secrecy::SecretString;
use url::{Host, Url};

use super::apple::AppleKey;

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    Google,
    Apple,
    Facebook,
    X,
    GitHub,
    Discord,
    /// An OpenID Connect server of the operator's choice.
    Oidc,
}

/// The providers without OpenID Connect: where one asks for what. Documented by each of them; as
/// of 2026.
#[derive(Debug, Clone, Copy)]
pub(super) struct Endpoints {
    pub(super) authorize: &'static str,
    pub(super) token: &'static str,
    pub(super) profile: &'static str,
    /// Where the addresses are, when the profile has none.
    pub(super) emails: Option<&'static str>,
}

/// One line of the table.
struct RegistryRow {
    kind: ProviderKind,
    /// Names in the settings and in paths; the wire's name first (altogic-protocol.md §11).
    names: &'static [&'static str],
    label: &'static str,
    /// Issuer of its identities (S25), and for OpenID Connect, where discovery begins.
    issuer: &'static str,
    scopes: &'static [&'static str],
    oauth2: Option<Endpoints>,
}

const TABLE: &[RegistryRow] = &[
    RegistryRow {
        kind: ProviderKind::Google,
        names: &["google"],
        label: "Google",
        issuer: "https://accounts.google.com",
        scopes: &["openid", "email", "profile"],
        oauth2: None,
    },
    RegistryRow {
        kind: ProviderKind::Apple,
        names: &["apple"],
        label: "Apple",
        issuer: "https://appleid.apple.com",
        scopes: &["openid", "name", "email"],
        oauth2: None,
    },
    RegistryRow {
        kind: ProviderKind::Facebook,
        names: &["facebook"],
        label: "Facebook",
        issuer: "https://www.facebook.com",
        scopes: &["public_profile"],
        oauth2: Some(Endpoints {
            authorize: "https://www.facebook.com/v23.0/dialog/oauth",
            token: "https://graph.facebook.com/v23.0/oauth/access_token",
            profile: "https://graph.facebook.com/v23.0/me?fields=id,name,picture.width(512).height(512)",
            emails: None,
        }),
    },
    RegistryRow {
        kind: ProviderKind::X,
        names: &["twitter", "x"],
        label: "X",
        issuer: "https://x.com",
        scopes: &["users.read", "tweet.read"],
        oauth2: Some(Endpoints {
            authorize: "https://x.com/i/oauth2/authorize",
            token: "https://api.x.com/2/oauth2/token",
            profile: "https://api.x.com/2/users/me?user.fields=profile_image_url",
            emails: None,
        }),
    },
    RegistryRow {
        kind: ProviderKind::GitHub,
        names: &["github"],
        label: "GitHub",
        issuer: "https://github.com",
        scopes: &["read:user", "user:email"],
        oauth2: Some(Endpoints {
            authorize: "https://github.com/login/oauth/authorize",
            token: "https://github.com/login/oauth/access_token",
            profile: "https://api.github.com/user",
            emails: Some("https://api.github.com/user/emails"),
        }),
    },
    RegistryRow {
        kind: ProviderKind::Discord,
        names: &["discord"],
        label: "Discord",
        issuer: "https://discord.com",
        scopes: &["identify", "email"],
        oauth2: Some(Endpoints {
            authorize: "https://discord.com/oauth2/authorize",
            token: "https://discord.com/api/oauth2/token",
            profile: "https://discord.com/api/users/@me",
            emails: None,
        }),
    },
];

impl ProviderKind {
    /// The provider that everybody knows by that name.
    pub fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.names.contains(&name)).map(|row| row.kind)
    }

    /// Label for people; `None` for a server of the operator's choice.
    pub fn label(self) -> Option<&'static str> {
        self.row().map(|row| row.label)
    }

    /// Default scopes.
    pub fn scopes(self) -> &'static [&'static str] {
        self.row().map_or(&["openid", "email", "profile"], |row| row.scopes)
    }

    /// Whether it knows applications by a secret. A server of one's own may take the PKCE verifier
    /// for enough, X does so.
    pub fn needs_secret(self) -> bool {
        !matches!(self, Self::Apple | Self::X | Self::Oidc)
    }

    pub(super) fn oauth2(self) -> Option<Endpoints> {
        self.row().and_then(|row| row.oauth2)
    }

    fn row(self) -> Option<&'static RegistryRow> {
        TABLE.iter().find(|row| row.kind == self)
    }
}

/// One provider as the operator set it.
#[derive(Clone)]
pub struct ProviderSettings {
    /// As it was named in the settings; the name in the callback URL.
    pub name: String,
    pub kind: ProviderKind,
    pub label: String,
    pub client_id: String,
    pub client_secret: Option<SecretString>,
    /// Apple's key, of which its client secrets are made.
    pub apple: Option<AppleKey>,
    /// The server, where it is not the one that everybody knows. Of a provider without OpenID
    /// Connect: its origin.
    pub issuer: Option<String>,
    pub scopes: Vec<String>,
}

impl ProviderSettings {
    /// Issuer under which identities are stored.
    pub(super) fn issuer(&self) -> &str {
        self.issuer.as_deref().or_else(|| self.kind.row().map(|row| row.issuer)).unwrap_or_default()
    }

    /// Name on the wire (`user.provider`).
    pub(super) fn wire_name(&self) -> &str {
        self.kind.row().map_or(self.name.as_str(), |row| row.names[0])
    }

    /// Whether it goes by that name, in a path.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name == name || self.kind.row().is_some_and(|row| row.names.contains(&name))
    }

    /// The URL to register at the provider; one for each provider, so that no answer of one can be
    /// taken for that of another (S28).
    pub fn callback_url(&self, public_url: &str) -> String {
        format!("{public_url}/_auth/{}/callback", self.name)
    }

    /// All that is to be registered there, each with the name that its standard has for it.
    pub fn urls_to_register(&self, public_url: &str) -> Vec<(&'static str, String)> {
        let mut urls = vec![("redirect_uri", self.callback_url(public_url))];
        if self.kind == ProviderKind::Oidc {
            urls.push(("post_logout_redirect_uri", self.signed_out_url(public_url)));
            urls.push(("backchannel_logout_uri", self.back_channel_logout_url(public_url)));
        }
        urls
    }

    /// Where the browser comes back to from signing out there: `post_logout_redirect_uri` (OpenID
    /// Connect RP-Initiated Logout 1.0 §3).
    pub(super) fn signed_out_url(&self, public_url: &str) -> String {
        format!("{public_url}/_auth/{}/signed-out", self.name)
    }

    /// Where it tells us that somebody signed out there: `backchannel_logout_uri` (OpenID Connect
    /// Back-Channel Logout 1.0 §2.2).
    fn back_channel_logout_url(&self, public_url: &str) -> String {
        format!("{public_url}/_auth/{}/back-channel-logout", self.name)
    }

    /// An address of a provider without OpenID Connect, at the operator's server where one is set.
    pub(super) fn address(&self, usual: &str) -> Option<Url> {
        let usual = Url::parse(usual).ok()?;
        let Some(own) = &self.issuer else { return Some(usual) };
        let mut own = Url::parse(own).ok()?;
        own.set_path(usual.path());
        own.set_query(usual.query());
        Some(own)
    }

    /// Whether it runs on this machine: then it is a developer's, and may be spoken to in the
    /// clear.
    pub(super) fn is_loopback(&self) -> bool {
        self.issuer
            .as_deref()
            .and_then(|issuer| Url::parse(issuer).ok())
            .is_some_and(|url| is_loopback(&url))
    }
}

impl fmt::Debug for ProviderSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ProviderSettings")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Whether a URL leads to this very machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_wire_is_a_provider() {
        for name in ["google", "facebook", "twitter", "apple", "discord", "github"] {
            let kind = ProviderKind::named(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(kind.row().unwrap().names[0], name);
        }
        assert_eq!(ProviderKind::named("x"), ProviderKind::named("twitter"));
        assert_eq!(ProviderKind::named("myspace"), None);
    }
}
