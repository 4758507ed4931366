//! The networks an address counts for.
//!
//! One customer has a /32 of IPv4 or a /64 of IPv6, and an address more costs nothing there. So the
//! network around it counts as well: /24 for IPv4; /56 (one home with several networks) and /48
//! (one site, or a /24's worth of homes) for IPv6. It has a larger allowance, in proportion: as
//! many at once, and as many an hour.

use std::net::IpAddr;

use crate::port::UnlistedProxy;

/// Allowances of a /56, in those of a /64.
const HOME: f64 = 2.0;

/// Allowances of a /48, a /24 or an unlisted proxy, in those of one address.
const SITE: f64 = 8.0;

/// A subject, and how many allowances it has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Level {
    pub(super) subject: String,
    pub(super) scale: f64,
}

impl Level {
    /// One subject with one allowance.
    pub(super) fn single(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), scale: 1.0 }
    }
}

/// The address and the networks around it, the narrowest first.
pub(super) fn levels(address: IpAddr) -> Vec<Level> {
    let level = |bits, scale| Level { subject: network(address, bits), scale };
    match address.to_canonical() {
        IpAddr::V4(_) => vec![level(32, 1.0), level(24, SITE)],
        IpAddr::V6(_) => vec![level(64, 1.0), level(56, HOME), level(48, SITE)],
    }
}

/// The client that an unlisted proxy names, and the proxy with all its clients. A visitor invents
/// both, so no other subject is touched (S13).
pub(super) fn levels_behind(proxy: UnlistedProxy) -> Vec<Level> {
    let UnlistedProxy { peer, client } = proxy;
    let client = client.map_or_else(|| "unknown".to_owned(), customer);
    let client = Level::single(format!("{client} behind {peer}"));
    vec![client, Level { subject: format!("all behind {peer}"), scale: SITE }]
}

/// The address as one customer has it: /32 or /64.
pub(in crate::engine) fn customer(address: IpAddr) -> String {
    network(address, if address.to_canonical().is_ipv4() { 32 } else { 64 })
}

/// Whether two addresses are in one /24, or one /56.
pub(in crate::engine) fn are_neighbours(one: IpAddr, other: IpAddr) -> bool {
    let around =
        |address: IpAddr| network(address, if address.to_canonical().is_ipv4() { 24 } else { 56 });
    around(one) == around(other)
}

/// The network of that many bits, as text.
fn network(address: IpAddr, bits: u8) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            format!("{}/{bits}", std::net::Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            format!("{}/{bits}", std::net::Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects(text: &str) -> Vec<String> {
        levels(text.parse().unwrap()).into_iter().map(|level| level.subject).collect()
    }

    /// S107
    #[test]
    fn an_address_counts_for_the_networks_around_it() {
        assert_eq!(subjects("192.0.2.77"), ["192.0.2.77/32", "192.0.2.0/24"]);
        assert_eq!(subjects("::ffff:192.0.2.77"), subjects("192.0.2.77"));
        let expected = ["2001:db8:1:2ff::/64", "2001:db8:1:200::/56", "2001:db8:1::/48"];
        assert_eq!(subjects("2001:db8:1:2ff:3:4:5:6"), expected);
    }

    #[test]
    fn a_wider_network_has_a_larger_allowance() {
        for address in ["192.0.2.77", "2001:db8::1"] {
            let levels = levels(address.parse().unwrap());
            assert!(levels.is_sorted_by(|narrow, wide| narrow.scale < wide.scale), "{levels:?}");
        }
    }

    #[test]
    fn neighbours_share_a_home_or_a_small_network() {
        let are =
            |one: &str, other: &str| are_neighbours(one.parse().unwrap(), other.parse().unwrap());
        assert!(are("192.0.2.1", "::ffff:192.0.2.200") && !are("192.0.2.1", "192.0.3.1"));
        assert!(
            are("2001:db8:0:100::1", "2001:db8:0:1ff::1")
                && !are("2001:db8:0:100::1", "2001:db8:0:200::1")
        );
        assert!(!are("192.0.2.1", "2001:db8::1"));
    }
}
