//! Where a request comes from.
//!
//! The one place that answers the question, so that nothing believes a forwarding header by
//! accident (S49, S50).
//!
//! A client can write any forwarding header it likes, and each proxy on the way appends the address
//! it saw. So only what our own proxies wrote counts: when the peer is one of them, the entries of
//! all lines of the one header that `server.forwarded_header` names are read from the right, past
//! further proxies of ours, and the first other address is the client. What is left of it was
//! written by visitors. When the peer is no proxy of ours, no header is read at all. The header
//! that is not named, `X-Real-IP` and their like are never read: minimal proxy configurations pass
//! a client's own through.
//!
//! Behind a proxy that speaks the PROXY protocol, the peer is the client already, and may itself be
//! in a network of the proxies. Then no header of a request is read, and no request comes from a
//! proxy.

mod rfc7239;
mod unlisted_proxies;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use actix_web::{HttpRequest, dev::RequestHead};
use ipnet::IpNet;

use self::unlisted_proxies::UnlistedProxies;
use crate::port::UnlistedProxy;

/// Proxies of ours that a request may have passed. What is beyond was written by visitors, and
/// costs nothing to write.
const HOPS_MAX: usize = 32;

/// Longest `Forwarded` line that is read, in bytes; it can only be read as a whole.
const LINE_MAX: usize = 8 * 1024;

/// The proxies that are believed, and in which header. Kept in the application's data; clones share
/// what they have noticed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ForwardedHeader,
    by_protocol: bool,
    unlisted_proxies: Arc<UnlistedProxies>,
}

/// The header in which our proxies say who asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// A list of addresses; what most proxies write.
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestOrigin {
    /// The client's address. `None` over a Unix socket without a proxy's word, from an
    /// [unlisted proxy](unlisted_proxies), and in a test harness without an address.
    pub address: Option<IpAddr>,
    /// The unlisted proxy, for limits alone.
    pub unlisted: Option<UnlistedProxy>,
}

/// The origin of a request.
pub fn origin(request: &HttpRequest) -> RequestOrigin {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let known = |address| RequestOrigin { address, unlisted: None };
    let Some(proxies) = request.app_data::<TrustedProxies>() else { return known(peer) };
    if proxies.by_protocol {
        return known(peer);
    }
    if proxies.trust(peer) {
        return known(proxies.client(request.head()).or(peer));
    }
    match peer {
        Some(peer) if proxies.unlisted_proxies.is_proxy(peer, is_forwarded(request.head())) => {
            let client = proxies.named_by_visitor(request.head());
            RequestOrigin { address: None, unlisted: Some(UnlistedProxy { peer, client }) }
        }
        _ => known(peer),
    }
}

/// The client's address, as [`origin`] says.
pub fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    origin(request).address
}

/// Whether a proxy of ours is at the other end, so that what it is set to write may be believed.
pub fn is_from_proxy(request: &HttpRequest) -> bool {
    let peer = request.peer_addr().map(|peer| peer.ip());
    request.app_data::<TrustedProxies>().is_some_and(|proxies| proxies.trust(peer))
}

impl TrustedProxies {
    /// `networks` are those of the proxies.
    pub fn new(networks: Vec<IpNet>, header: ForwardedHeader) -> Self {
        Self { networks, header, by_protocol: false, unlisted_proxies: Arc::default() }
    }

    /// They say who asks by the PROXY protocol, and not in a header.
    #[must_use]
    pub fn by_protocol(self, by_protocol: bool) -> Self {
        Self { by_protocol, ..self }
    }

    /// Whether the other end of a connection is one of our proxies, before the PROXY protocol has
    /// said whom it stands for.
    pub fn may_connect(&self, peer: IpAddr) -> bool {
        self.hold(peer.to_canonical())
    }

    /// Whether a request from there comes from one of our proxies. Over a Unix socket (`None`) only
    /// the proxy beside us can connect: the file's mode is its proof; without any proxy named,
    /// nobody is believed there either.
    pub fn trust(&self, peer: Option<IpAddr>) -> bool {
        !self.by_protocol
            && peer.map_or(!self.networks.is_empty(), |peer| self.hold(peer.to_canonical()))
    }

    fn hold(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The first address from the right that is not a proxy of ours; where the rest cannot be read,
    /// the last one that was.
    fn client(&self, head: &RequestHead) -> Option<IpAddr> {
        let lines: Vec<_> = head.headers().get_all(self.header.name()).collect();
        let (mut nearest, mut hops) = (None, 0);
        for line in lines.into_iter().rev() {
            let line = String::from_utf8_lossy(line.as_bytes());
            let mut entries = self.header.entries_backwards(&line).peekable();
            if entries.peek().is_none() {
                return nearest;
            }
            for entry in entries {
                hops += 1;
                match entry {
                    Some(address) if self.hold(address) && hops < HOPS_MAX => {
                        nearest = Some(address)
                    }
                    Some(address) if !self.hold(address) => return Some(address),
                    _ => return nearest,
                }
            }
        }
        nearest
    }

    /// The last entry of a forwarding header that nobody vouches for. The header of the settings
    /// counts first.
    fn named_by_visitor(&self, head: &RequestHead) -> Option<IpAddr> {
        let last = |header: ForwardedHeader| {
            let line = head.headers().get_all(header.name()).last()?;
            header.entries_backwards(&String::from_utf8_lossy(line.as_bytes())).next()?
        };
        last(self.header).or_else(|| last(self.header.other()))
    }
}

impl ForwardedHeader {
    /// Its name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::XForwardedFor => Self::Forwarded,
            Self::Forwarded => Self::XForwardedFor,
        }
    }

    /// The entries of one line from the right; `None` for one that is no address. A client can
    /// write thousands: no more are read than are asked for.
    fn entries_backwards(self, line: &str) -> Box<dyn Iterator<Item = Option<IpAddr>> + '_> {
        match self {
            Self::XForwardedFor => Box::new(line.rsplit(',').map(address)),
            Self::Forwarded if line.len() > LINE_MAX => Box::new(std::iter::empty()),
            Self::Forwarded => Box::new(rfc7239::elements(line).into_iter().rev()),
        }
    }
}

fn is_forwarded(head: &RequestHead) -> bool {
    head.headers().contains_key("x-forwarded-for") || head.headers().contains_key("forwarded")
}

/// One entry: an address, with a port (apache, some load balancers) or brackets around it. An IPv4
/// address that a dual-stack socket shows as IPv6 is the IPv4 address.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    let read =
        bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    read.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn seen(peer: &str, lines: &[&str]) -> String {
        seen_in(ForwardedHeader::XForwardedFor, peer, lines)
    }

    fn seen_in(header: ForwardedHeader, peer: &str, lines: &[&str]) -> String {
        let networks = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let mut request = TestRequest::default().peer_addr(peer.parse().unwrap());
        request = request.app_data(TrustedProxies::new(networks, header));
        for line in lines {
            let line = actix_web::http::header::HeaderValue::from_bytes(line.as_bytes()).unwrap();
            request = request.append_header((header.name(), line));
        }
        client_address(&request.to_http_request()).unwrap().to_string()
    }

    #[test]
    fn a_visitor_cannot_say_where_it_comes_from() {
        assert_eq!(seen("203.0.113.9:4000", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1:4000", &["198.51.100.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1:4000", &["198.51.100.1", "203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn a_chain_of_our_own_proxies_is_walked_entries_backwards() {
        assert_eq!(seen("10.0.0.1:4000", &["203.0.113.9, 10.1.2.3"]), "203.0.113.9");
        assert_eq!(seen("[::ffff:10.0.0.1]:4000", &["203.0.113.9:5555"]), "203.0.113.9");
        assert_eq!(seen("[::1]:4000", &["[2001:db8::7]"]), "2001:db8::7");
    }

    #[test]
    fn without_a_readable_word_the_nearest_known_address_counts() {
        assert_eq!(seen("10.0.0.1:4000", &[]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1:4000", &["203.0.113.9, unknown"]), "10.0.0.1");
    }

    #[test]
    fn without_trusted_proxies_the_header_is_not_read() {
        let request = TestRequest::default().peer_addr("10.0.0.1:1".parse().unwrap());
        let request = request.insert_header(("x-forwarded-for", "203.0.113.9")).to_http_request();
        assert_eq!(client_address(&request).unwrap().to_string(), "10.0.0.1");
    }

    #[test]
    fn the_standard_header_is_read_when_it_is_the_one_that_is_set() {
        let seen = |peer, lines| seen_in(ForwardedHeader::Forwarded, peer, lines);
        assert_eq!(
            seen("10.0.0.1:1", &["for=198.51.100.1", "for=\"[2001:db8::7]:40\";proto=https"]),
            "2001:db8::7"
        );
        assert_eq!(seen("10.0.0.1:1", &["for=203.0.113.9, for=10.1.2.3"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1:1", &["for=203.0.113.9, for=_hidden"]), "10.0.0.1");
        assert_eq!(seen("203.0.113.9:1", &["for=198.51.100.1"]), "203.0.113.9");
        // The proxy wrote a line of its own: the client's broken one before it does no harm.
        assert_eq!(seen("10.0.0.1:1", &["for=\"", "for=203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn the_header_that_is_not_set_is_never_read() {
        let proxies = TrustedProxies::new(
            vec!["10.0.0.0/8".parse().unwrap()],
            ForwardedHeader::XForwardedFor,
        );
        let request =
            TestRequest::default().peer_addr("10.0.0.1:1".parse().unwrap()).app_data(proxies);
        let request = request
            .insert_header(("forwarded", "for=198.51.100.1"))
            .insert_header(("x-real-ip", "1.1.1.1"));
        assert_eq!(client_address(&request.to_http_request()).unwrap().to_string(), "10.0.0.1");
    }

    /// The peer is a client then, whatever network it is in.
    #[test]
    fn with_the_proxy_protocol_nobody_is_believed_for_an_address() {
        let networks = vec!["10.0.0.0/8".parse().unwrap()];
        let proxies =
            TrustedProxies::new(networks, ForwardedHeader::XForwardedFor).by_protocol(true);
        assert!(proxies.may_connect("10.0.0.1".parse().unwrap()) && !proxies.trust(None));
        let request =
            TestRequest::default().peer_addr("10.0.0.1:1".parse().unwrap()).app_data(proxies);
        let request = request.insert_header(("x-forwarded-for", "203.0.113.9")).to_http_request();
        assert_eq!(client_address(&request).unwrap().to_string(), "10.0.0.1");
        assert!(!is_from_proxy(&request));
    }

    /// S108: the header is as long as a client likes.
    #[test]
    fn a_long_header_is_read_no_further_than_our_own_proxies_reach() {
        assert_eq!(
            seen("10.0.0.1:4000", &[&format!("{}203.0.113.9", ",".repeat(100_000))]),
            "203.0.113.9"
        );
        let hops = "10.1.2.3,".repeat(100) + "10.1.2.4";
        assert_eq!(seen("10.0.0.1:4000", &[&format!("203.0.113.9,{hops}")]), "10.1.2.3");
        let long = format!("for=203.0.113.9;by={}", "x".repeat(LINE_MAX));
        assert_eq!(seen_in(ForwardedHeader::Forwarded, "10.0.0.1:1", &[&long]), "10.0.0.1");
    }

    #[test]
    fn bytes_that_are_no_text_hide_nothing() {
        assert_eq!(seen("10.0.0.1:4000", &["\u{e9}\u{ff}, 203.0.113.9"]), "203.0.113.9");
    }

    /// S13: limits count both the proxy and the client it names.
    #[test]
    fn people_behind_an_unlisted_proxy_are_told_apart_for_limits_alone() {
        let proxies = TrustedProxies::default();
        let ask = |header: &'static str, value: &'static str| {
            let request = TestRequest::default()
                .peer_addr("172.17.0.1:1".parse().unwrap())
                .app_data(proxies.clone());
            origin(&request.insert_header((header, value)).to_http_request())
        };
        let seen: Vec<_> =
            (0..20).map(|_| ask("x-forwarded-for", "198.51.100.1, 203.0.113.9")).collect();
        let peer = "172.17.0.1".parse().unwrap();
        assert_eq!(seen[0], RequestOrigin { address: Some(peer), unlisted: None });
        let behind = |client: Option<&str>| {
            let client = client.map(|client| client.parse().unwrap());
            RequestOrigin { address: None, unlisted: Some(UnlistedProxy { peer, client }) }
        };
        assert_eq!(seen[19], behind(Some("203.0.113.9")));
        assert_eq!(ask("forwarded", "for=\"[2001:db8::7]:40\""), behind(Some("2001:db8::7")));
        assert_eq!(ask("x-forwarded-for", "unknown"), behind(None));
    }
}
