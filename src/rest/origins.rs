//! The origins that a client key is for, as an operator writes them.

use std::{fmt, str::FromStr};

use url::{Host, Url};

/// One entry of a list of origins:
///
/// * `https://app.example.com` is that origin and no other;
/// * `https://*.example.com` is every origin below `example.com`, at any depth, and not
///   `example.com` itself;
/// * `http://localhost:*` is that host at every port. Only for this machine: elsewhere, a port is
///   somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginRule(OriginPattern);

#[derive(Debug, Clone, PartialEq, Eq)]
enum OriginPattern {
    /// As browsers write it: lower case, default port left out.
    Exactly(String),
    /// `https://` and `.example.com`, with the port if it has one.
    Below { scheme: String, domain: String },
    /// `http://localhost`.
    AnyPort(String),
}

/// Error: the input is no origin that a browser could be at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no origin: write https://app.example.com, https://*.example.com or http://localhost:*"
)]
pub struct NotAnOrigin(String);

impl OriginRule {
    /// The origin of a URL.
    ///
    /// # Errors
    /// When browsers have no origin for it, as for a file.
    pub fn of_url(url: &str) -> Result<Self, NotAnOrigin> {
        origin(url)
            .map(|origin| Self(OriginPattern::Exactly(origin)))
            .ok_or_else(|| NotAnOrigin(url.to_owned()))
    }

    /// Whether a page of this origin, as the browser wrote it, is meant.
    pub(super) fn is_for(&self, origin: &[u8]) -> bool {
        let Ok(origin) = str::from_utf8(origin) else { return false };
        match &self.0 {
            OriginPattern::Exactly(known) => known == origin,
            OriginPattern::Below { scheme, domain } => {
                let name = origin
                    .strip_prefix(scheme.as_str())
                    .and_then(|rest| rest.strip_suffix(domain.as_str()));
                name.is_some_and(|name| name.split('.').all(is_label))
            }
            OriginPattern::AnyPort(host) => match origin.strip_prefix(host.as_str()) {
                Some("") => true,
                Some(port) => {
                    port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
                }
                None => false,
            },
        }
    }
}

impl FromStr for OriginRule {
    type Err = NotAnOrigin;

    fn from_str(entered: &str) -> Result<Self, NotAnOrigin> {
        let entered = entered.trim();
        let rule = if let Some((scheme, domain)) = entered.split_once("://*.") {
            below(scheme, domain)
        } else if let Some(host) = entered.strip_suffix(":*") {
            origin(host).filter(|_| is_of_this_machine(host)).map(OriginPattern::AnyPort)
        } else {
            origin(entered).map(OriginPattern::Exactly)
        };
        rule.map(Self).ok_or_else(|| NotAnOrigin(entered.to_owned()))
    }
}

impl fmt::Display for OriginRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            OriginPattern::Exactly(origin) => formatter.write_str(origin),
            OriginPattern::Below { scheme, domain } => write!(formatter, "{scheme}*{domain}"),
            OriginPattern::AnyPort(host) => write!(formatter, "{host}:*"),
        }
    }
}

/// `None` also for `*.com`: nobody owns everything there. Of `*.co.uk` that cannot be known without
/// a list that grows old.
fn below(scheme: &str, domain: &str) -> Option<OriginPattern> {
    let url = Url::parse(&format!("{scheme}://{domain}")).ok()?;
    let Some(Host::Domain(name)) = url.host() else { return None };
    if url.path() != "/" || !(name.contains('.') || name == "localhost") {
        return None;
    }
    let origin = origin(url.as_str())?;
    let (scheme, domain) = origin.split_once("://")?;
    Some(OriginPattern::Below { scheme: format!("{scheme}://"), domain: format!(".{domain}") })
}

/// The origin of a URL as a browser writes it in `Origin`. `None` for what has none, and for a star
/// where it means nothing.
fn origin(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.username().is_empty();
    (is_web && !url.host_str()?.contains('*')).then(|| url.origin().ascii_serialization())
}

fn is_of_this_machine(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    url.port().is_none()
        && url.path() == "/"
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// One part of a host's name, as browsers write it.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_for(rule: &str, origin: &str) -> bool {
        rule.parse::<OriginRule>().unwrap().is_for(origin.as_bytes())
    }

    #[test]
    fn an_origin_is_itself_however_it_was_typed() {
        assert!(is_for("https://App.example:443/x", "https://app.example"));
        assert!(is_for("http://localhost:5173", "http://localhost:5173"));
        assert!(is_for("https://bücher.example", "https://xn--bcher-kva.example"));
        for other in [
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil",
            "null",
            "",
        ] {
            assert!(!is_for("https://app.example", other), "{other}");
        }
    }

    #[test]
    fn a_star_is_every_name_below_and_not_the_domain_itself() {
        for origin in
            ["https://a.example.com", "https://a.b-c.example.com", "https://x_1.example.com"]
        {
            assert!(is_for("https://*.Example.com", origin), "{origin}");
        }
        for origin in [
            "https://example.com",
            "https://.example.com",
            "https://a..example.com",
            "https://evilexample.com",
            "http://a.example.com",
            "https://a.example.com:8443",
            "https://a.example.com.evil",
            "https://evil/.example.com",
            "https://evil:1@a.example.com",
        ] {
            assert!(!is_for("https://*.example.com", origin), "{origin}");
        }
        assert!(is_for("https://*.example.com:8443", "https://a.example.com:8443"));
        assert!(is_for("http://*.localhost:3000", "http://shop.localhost:3000"));
    }

    #[test]
    fn a_star_for_a_port_is_every_port_of_this_machine() {
        for origin in ["http://localhost:5173", "http://localhost", "http://localhost:65535"] {
            assert!(is_for("http://localhost:*", origin), "{origin}");
        }
        for origin in [
            "https://localhost:5173",
            "http://localhost:",
            "http://localhost:x",
            "http://localhost.evil:80",
        ] {
            assert!(!is_for("http://localhost:*", origin), "{origin}");
        }
        assert!(is_for("http://127.0.0.1:*", "http://127.0.0.1:4000"));
        assert!(is_for("http://[::1]:*", "http://[::1]:4000"));
    }

    #[test]
    fn what_no_browser_could_be_at_is_refused() {
        for entered in [
            "",
            "*",
            "app.example",
            "ftp://app.example",
            "https://*",
            "https://*.com",
            "https://*.10.0.0.1",
            "https://a.*.example.com",
            "https://*.*.example.com",
            "https://*.example.com/x",
            "https://app.example:*",
            "http://localhost:80*",
            "https://me@app.example",
            "null",
        ] {
            assert!(entered.parse::<OriginRule>().is_err(), "{entered}");
        }
    }

    #[test]
    fn a_rule_is_written_as_it_is_read() {
        for entered in ["https://app.example", "https://*.example.com:8443", "http://localhost:*"] {
            assert_eq!(entered.parse::<OriginRule>().unwrap().to_string(), entered);
        }
    }
}
