//! A proxy that nobody named.
//!
//! When a proxy stands in front and `server.trusted_proxies` does not name it, everybody seems to
//! come from its address, and one person who types wrong passwords would lock out all the others.
//! It shows: request after request comes from one private address, and each carries a forwarding
//! header, which no browser sends. Then the log says so once, and limits count the client that the
//! header names, and the proxy for as much as a few clients: a visitor who invents clients gets no
//! more.
//!
//! A visitor could pretend to be such a proxy: from our own network, or from anywhere, where all
//! the world comes through one private address (a container's port forwarding). But only as long as
//! nobody else is there: one request from another address, or one without the header, and addresses
//! count again, and the row that makes a proxy must be twice as long from then on.

use std::{
    net::IpAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Requests in a row that make a proxy, as long as no row was broken.
const ROW: u32 = 10;

/// Broken rows that count: afterwards it takes ten million requests.
const BROKEN_MOST: u32 = 20;

/// Recent requests by peer.
#[derive(Debug, Default)]
pub(super) struct UnlistedProxies {
    row: Mutex<ProxyRow>,
    is_logged: AtomicBool,
}

#[derive(Debug, Default)]
struct ProxyRow {
    peer: Option<IpAddr>,
    length: u32,
    /// How many rows were broken before this one.
    broken: u32,
}

impl ProxyRow {
    /// Begins anew.
    fn restart(&mut self, peer: Option<IpAddr>) {
        let broken = self.broken.saturating_add(u32::from(self.length > 0)).min(BROKEN_MOST);
        *self = Self { peer, length: 0, broken };
    }
}

impl UnlistedProxies {
    /// Notes a request and says whether its peer is a proxy that nobody named.
    pub(super) fn is_proxy(&self, peer: IpAddr, has_header: bool) -> bool {
        let is_next = has_header && is_private(peer);
        let mut row = self.row.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_next {
            row.restart(None);
            return false;
        }
        if row.peer != Some(peer) {
            row.restart(Some(peer));
        }
        row.length = row.length.saturating_add(1);
        let is_proxy = row.length >= ROW << row.broken;
        drop(row);
        if is_proxy && !self.is_logged.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "every request comes from one private address with a forwarding header that is not \
                 believed. If that is your \
                 proxy, add its address to server.trusted_proxies; until then its people share a \
                 few allowances"
            );
        }
        is_proxy
    }
}

/// Where a proxy of one's own would be: this machine or a network that is not the internet.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(unlisted_proxies: &UnlistedProxies, peer: &str, has_header: bool, times: u32) -> bool {
        (0..times).fold(false, |_, _| unlisted_proxies.is_proxy(peer.parse().unwrap(), has_header))
    }

    #[test]
    fn a_row_of_forwarded_requests_from_one_private_address_is_a_proxy() {
        let unlisted_proxies = UnlistedProxies::default();
        assert!(!row(&unlisted_proxies, "10.0.0.1", true, ROW - 1));
        assert!(row(&unlisted_proxies, "10.0.0.1", true, 1));
        assert!(row(&UnlistedProxies::default(), "fd00::1", true, ROW));
    }

    /// S13: nobody switches the limits off for an address of the internet, nor beside others.
    #[test]
    fn a_visitor_does_not_pass_for_a_proxy() {
        assert!(!row(&UnlistedProxies::default(), "203.0.113.9", true, 100));
        assert!(!row(&UnlistedProxies::default(), "10.0.0.1", false, 100));
        let unlisted_proxies = UnlistedProxies::default();
        assert!(row(&unlisted_proxies, "10.0.0.1", true, ROW));
        assert!(!row(&unlisted_proxies, "10.0.0.2", false, 1));
        assert!(!row(&unlisted_proxies, "10.0.0.1", true, 1));
    }

    /// S13: behind a port forwarding everybody has one private address, and those who are no proxy
    /// show it.
    #[test]
    fn among_visitors_who_send_no_header_nobody_passes_for_a_proxy() {
        let unlisted_proxies = UnlistedProxies::default();
        for _ in 0..30 {
            row(&unlisted_proxies, "172.17.0.1", true, 15);
            row(&unlisted_proxies, "172.17.0.1", false, 1);
        }
        assert!(!row(&unlisted_proxies, "172.17.0.1", true, 10_000));
        assert!(
            row(&unlisted_proxies, "172.17.0.1", true, ROW << BROKEN_MOST),
            "one day it is one all the same"
        );
    }
}
