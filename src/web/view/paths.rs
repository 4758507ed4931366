//! Every address that leaves the house is made here, from `public_url` and nothing else (S48).

use std::fmt;

use url::Url;

/// Where the pages live.
pub(crate) struct Paths {
    origin: String,
    prefix: String,
    secure: bool,
}

/// A path of ours as it stands in a page: prefix and path, written without being joined first.
pub(crate) struct Href<'a> {
    prefix: &'a str,
    path: &'a str,
}

impl Paths {
    /// Reads the public URL, whose path becomes the prefix of every page. The configuration has
    /// checked that it is one; where it is not, no `Origin` matches it and every form is refused.
    pub(crate) fn of(public_url: &str) -> Self {
        match Url::parse(public_url) {
            Ok(url) => Self {
                origin: url.origin().ascii_serialization(),
                prefix: url.path().trim_end_matches('/').to_owned(),
                secure: url.scheme() == "https",
            },
            Err(_) => Self { origin: String::new(), prefix: String::new(), secure: false },
        }
    }

    /// Scheme, host and port, as a browser writes them into `Origin`.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The path under which everything lives; empty at the root.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether people come over https.
    pub(crate) fn secure(&self) -> bool {
        self.secure
    }

    /// The address of a page, relative to the origin. `path` starts with a slash.
    pub(crate) fn href<'a>(&'a self, path: &'a str) -> Href<'a> {
        Href { prefix: &self.prefix, path }
    }

    /// The name of the cookie. The prefixes make a browser refuse a cookie that a sibling host or
    /// plain http tries to plant (RFC 6265bis §4.1.3); `__Host-` demands the path `/`, so that
    /// under a prefix `__Secure-` has to do.
    pub(crate) fn cookie_name(&self) -> &'static str {
        match (self.secure, self.prefix.is_empty()) {
            (true, true) => "__Host-vestibule",
            (true, false) => "__Secure-vestibule",
            (false, _) => "vestibule",
        }
    }

    /// The name of the cookie that holds the session.
    pub(crate) fn session_cookie(&self) -> &'static str {
        match (self.secure, self.prefix.is_empty()) {
            (true, true) => "__Host-vestibule-session",
            (true, false) => "__Secure-vestibule-session",
            (false, _) => "vestibule-session",
        }
    }

    /// The name of the cookie of a sign-in that waits for its second factor.
    pub(crate) fn waiting_cookie(&self) -> &'static str {
        match (self.secure, self.prefix.is_empty()) {
            (true, true) => "__Host-vestibule-waiting",
            (true, false) => "__Secure-vestibule-waiting",
            (false, _) => "vestibule-waiting",
        }
    }

    /// The path that the cookie is sent to.
    pub(crate) fn cookie_path(&self) -> &str {
        if self.prefix.is_empty() { "/" } else { &self.prefix }
    }
}

impl fmt::Display for Href<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.prefix)?;
        formatter.write_str(self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_root_a_page_has_its_own_name() {
        let paths = Paths::of("https://id.example.com");
        assert_eq!(paths.href("/sign-in").to_string(), "/sign-in");
        assert_eq!(paths.origin(), "https://id.example.com");
        assert_eq!((paths.cookie_name(), paths.cookie_path()), ("__Host-vestibule", "/"));
    }

    #[test]
    fn under_a_path_every_address_carries_it() {
        let paths = Paths::of("https://example.com:443/hall/");
        assert_eq!(paths.href("/sign-in").to_string(), "/hall/sign-in");
        assert_eq!(paths.origin(), "https://example.com");
        assert_eq!((paths.cookie_name(), paths.cookie_path()), ("__Secure-vestibule", "/hall"));
    }

    #[test]
    fn over_plain_http_the_cookie_has_no_prefix() {
        assert_eq!(Paths::of("http://localhost:3000").cookie_name(), "vestibule");
    }
}
