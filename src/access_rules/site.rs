//! The sites that may be asked about and returned to, and a page of one of them.

use url::Url;

/// Longest URL that is looked at, in bytes: what proxies accept by default.
const URL_MAX: usize = 8192;

/// Scheme, host and port of one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    secure: bool,
    host: String,
    port: u16,
}

/// All sites; the first is the one of the public URL.
#[derive(Debug, Clone)]
pub struct Sites(Vec<Site>);

/// A page that a browser asked for, on one of the sites.
#[derive(Debug, Clone)]
pub struct RequestedPage {
    url: Url,
    /// As it stood in the request line: what `url` made of it has lost its dots.
    path: String,
}

impl Site {
    /// The site of a URL. `None` where it is none of the web.
    pub fn of(url: &Url) -> Option<Self> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = url.host_str()?.trim_end_matches('.').to_owned();
        Some(Self { secure, host, port: url.port_or_known_default()? })
    }

    /// In lower case, without the dot at the end.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// As a browser writes it into `Origin`.
    pub fn origin(&self) -> String {
        let (scheme, usual) = if self.secure { ("https", 443) } else { ("http", 80) };
        match self.port == usual {
            true => format!("{scheme}://{}", self.host),
            false => format!("{scheme}://{}:{}", self.host, self.port),
        }
    }
}

impl Sites {
    /// The site of the public URL, then those of `access.hosts`.
    pub fn new(own: Site, others: Vec<Site>) -> Self {
        let mut sites = vec![own];
        sites.extend(others);
        Self(sites)
    }

    /// Those that are not our own.
    pub fn others(&self) -> &[Site] {
        &self.0[1..]
    }

    /// Reads the URL of a page (S51). `None` for one on no site of ours, and for whatever two
    /// programs could read differently: a user name, control characters, a backslash before the
    /// query, a host that is not written as browsers write it. In a query a backslash is a sign
    /// like others: browsers send it as it was typed.
    pub fn page(&self, text: &str) -> Option<RequestedPage> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        let before_query = text.split('?').next()?;
        if !is_plain || before_query.contains('\\') || text.len() > URL_MAX {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let site = Site::of(&url)?;
        let (scheme, rest) = text.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let known = self.0.contains(&site) && scheme == url.scheme() && !authority.contains('@');
        // A `#` stays: no browser sends one, and of the sites that get one some read on behind it.
        let after = rest[authority.len()..].split('?').next()?;
        let path = if after.is_empty() { "/" } else { after }.to_owned();
        (known && same_host(authority, &site.host)).then_some(RequestedPage { url, path })
    }
}

impl RequestedPage {
    /// The whole URL, to come back to.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The first page of its site.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// In lower case.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_end_matches('.')
    }

    /// As it stood in the request line, without the query.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Whether the host was written as it is, but for capitals, the port and a dot at the end.
fn same_host(authority: &str, host: &str) -> bool {
    let port =
        authority.rsplit(':').next().filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let bare = match port {
        Some(port) if port.len() < authority.len() => {
            &authority[..authority.len() - port.len() - 1]
        }
        _ => authority,
    };
    bare.trim_end_matches('.').eq_ignore_ascii_case(host)
}
