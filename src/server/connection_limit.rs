//! How many connections there may be, in all and from one address (S72, R18).
//!
//! One more than may be is still taken, marked as [`ConnectionSlot::is_full`]: a page or a call on
//! it is answered with a word that says when to come back. Only far beyond that are connections
//! closed without one. Behind a proxy everybody has its address, so addresses are counted only of
//! those who connect by themselves, from the internet.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Connections beyond the most that are told so.
const TOLD: usize = 256;

/// Most connections of one address on the internet. A household or an office has one, and each
/// browser opens up to six.
const OF_ONE_ADDRESS: usize = 256;

/// Counts who is connected. One for all sockets and workers; clones share the count.
#[derive(Clone)]
pub(super) struct ConnectionLimit(Arc<Counts>);

struct Counts {
    most: usize,
    connected: AtomicUsize,
    /// Only of addresses on the internet.
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection that is counted, until dropped.
pub(super) struct ConnectionSlot {
    connection_limit: ConnectionLimit,
    address: Option<IpAddr>,
    is_full: bool,
}

impl ConnectionLimit {
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Counts { most, connected: AtomicUsize::new(0), addresses: Mutex::default() }))
    }

    /// A place for a connection; `None` far beyond what may be. `client` is who connects by
    /// themselves, or `None`.
    pub(super) fn enter(&self, client: Option<IpAddr>) -> Option<ConnectionSlot> {
        let before = self.0.connected.fetch_add(1, Ordering::Relaxed);
        let mut slot = ConnectionSlot {
            connection_limit: self.clone(),
            address: None,
            is_full: before >= self.0.most,
        };
        if before >= self.0.most + TOLD {
            return None;
        }
        if let Some(address) = client.and_then(counted) {
            let others = self.0.note(address);
            slot.address = Some(address);
            slot.is_full |= others >= OF_ONE_ADDRESS;
            if others >= OF_ONE_ADDRESS + TOLD {
                return None;
            }
        }
        Some(slot)
    }
}

impl Counts {
    /// Counts one more and says how many there were.
    fn note(&self, address: IpAddr) -> usize {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let count = addresses.entry(address).or_default();
        *count += 1;
        *count - 1
    }

    fn forget(&self, address: IpAddr) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&address);
            }
        }
    }
}

impl ConnectionSlot {
    /// Whether there are more than may be, so that nothing is to be done for this one.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.connection_limit.0.connected.fetch_sub(1, Ordering::Relaxed);
        if let Some(address) = self.address {
            self.connection_limit.0.forget(address);
        }
    }
}

/// Address under which a client is counted: one of IPv6 as the network of its subscriber. `None`
/// for one that is not on the internet, where a proxy that nobody named may be.
fn counted(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        IpAddr::V4(address)
            if address.is_loopback() || address.is_private() || address.is_link_local() =>
        {
            None
        }
        IpAddr::V6(address) if address.is_loopback() || address.is_unique_local() => None,
        IpAddr::V6(address) if address.is_unicast_link_local() => None,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Some(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
        }
        address @ IpAddr::V4(_) => Some(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(
        connection_limit: &ConnectionLimit,
        client: &str,
        count: usize,
    ) -> Vec<Option<ConnectionSlot>> {
        (0..count).map(|_| connection_limit.enter(client.parse().ok())).collect()
    }

    fn told(slots: &[Option<ConnectionSlot>]) -> usize {
        slots.iter().flatten().filter(|slot| slot.is_full()).count()
    }

    #[test]
    fn one_address_does_not_take_every_place_s72() {
        let connection_limit = ConnectionLimit::new(10_000);
        let greedy = slots(&connection_limit, "203.0.113.9", 1000);
        assert_eq!((greedy.iter().flatten().count(), told(&greedy)), (OF_ONE_ADDRESS + TOLD, TOLD));
        assert_eq!(told(&slots(&connection_limit, "203.0.113.10", 10)), 0);
        drop(greedy);
        assert_eq!(told(&slots(&connection_limit, "203.0.113.9", 10)), 0);
        assert!(connection_limit.0.addresses.lock().unwrap().is_empty());
        assert_eq!(connection_limit.0.connected.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_whatever_address_they_take() {
        let connection_limit = ConnectionLimit::new(10_000);
        let greedy: Vec<_> = (0..300)
            .map(|host| connection_limit.enter(format!("2001:db8::{host:x}").parse().ok()))
            .collect();
        assert_eq!(told(&greedy), 300 - OF_ONE_ADDRESS);
        assert_eq!(told(&slots(&connection_limit, "2001:db8:0:1::1", 10)), 0);
    }

    #[test]
    fn behind_a_proxy_only_the_whole_is_counted() {
        for client in ["10.0.0.1", "127.0.0.1", "fd00::1", "nobody"] {
            let connection_limit = ConnectionLimit::new(500);
            let all = slots(&connection_limit, client, 1000);
            assert_eq!((all.iter().flatten().count(), told(&all)), (500 + TOLD, TOLD), "{client}");
        }
    }
}
