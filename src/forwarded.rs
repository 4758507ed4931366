//! Where a request comes from.
//!
//! The one place that answers the question, so that nothing believes a forwarding header by accident (SECURITY.md S49, S50).
//!
//! A client can write any `X-Forwarded-For` it likes, and each proxy on the way appends the address it saw. So only what
//! our own proxies wrote counts: when the peer is one of them, the entries of all such header lines are read from the
//! right, past further proxies of ours, and the first other address is the client. What is left of it was written by
//! strangers. When the peer is no proxy of ours, the header is not read at all. `Forwarded`, `X-Real-IP` and their like
//! are never read: minimal proxy configurations pass a client's own through.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The proxies whose `X-Forwarded-For` is believed. Kept in the application's data.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(pub Vec<IpNet>);

/// The client's address. `None` over a Unix socket without a proxy's word, and in a test harness without an address.
pub fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr().map(|peer| unmapped(peer.ip()));
    let Some(trusted) = request.app_data::<TrustedProxies>().filter(|trusted| !trusted.0.is_empty()) else {
        return peer;
    };
    // Over a Unix socket only the proxy beside us can connect: the file's mode is its proof.
    if peer.is_some_and(|peer| !trusted.holds(peer)) {
        return peer;
    }
    let lines = request.headers().get_all("x-forwarded-for").filter_map(|line| line.to_str().ok());
    let entries: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let mut nearest = peer;
    for entry in entries.iter().rev() {
        match address(entry) {
            Some(address) if trusted.holds(address) => nearest = Some(address),
            Some(address) => return Some(address),
            None => break,
        }
    }
    nearest
}

/// Whether a proxy of ours is at the other end, so that what it is set to write may be believed.
pub fn is_from_proxy(request: &HttpRequest) -> bool {
    let trusted = request.app_data::<TrustedProxies>().filter(|trusted| !trusted.0.is_empty());
    // Over a Unix socket only the proxy beside us can connect: the file's mode is its proof.
    let peer = request.peer_addr().map(|peer| unmapped(peer.ip()));
    trusted.is_some_and(|trusted| peer.is_none_or(|peer| trusted.holds(peer)))
}

impl TrustedProxies {
    fn holds(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// One entry: an address, with a port (apache, some load balancers) or brackets around it.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    let read = bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    read.map(unmapped)
}

/// An IPv4 address that a dual-stack socket shows as IPv6 is the IPv4 address.
fn unmapped(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn seen(peer: &str, lines: &[&str]) -> String {
        let trusted = TrustedProxies(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        let mut request = TestRequest::default().peer_addr(peer.parse().unwrap()).app_data(trusted);
        for line in lines {
            request = request.append_header(("x-forwarded-for", *line));
        }
        client_address(&request.to_http_request()).unwrap().to_string()
    }

    #[test]
    fn a_stranger_cannot_say_where_it_comes_from() {
        assert_eq!(seen("203.0.113.9:4000", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1:4000", &["198.51.100.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1:4000", &["198.51.100.1", "203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn a_chain_of_our_own_proxies_is_walked_from_the_right() {
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
}
