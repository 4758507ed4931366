//! Fetching the picture that a provider names. Its address was written by a visitor, so nothing but
//! the open internet is asked (S31): every address that the name resolves to is looked at, and it
//! is those very addresses that are connected to, so a name that resolves differently the next
//! moment gains nothing.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use url::{Host, Url};

/// The whole of one fetch. Somebody waits for their sign-in meanwhile.
const BUDGET: Duration = Duration::from_secs(5);
/// As much as our own form takes of a picture.
const LARGEST: usize = 5 * 1024 * 1024;

/// Fetches pictures.
pub(in crate::engine) struct PictureClient;

impl PictureClient {
    /// The bytes behind an address; `None` for whatever hinders it. `at_home` is the address of a
    /// provider on this machine, which may show pictures of its own.
    pub(in crate::engine) async fn fetch(
        &self,
        url: &Url,
        at_home: Option<&Url>,
    ) -> Option<Vec<u8>> {
        let is_at_home = at_home.is_some_and(|home| home.origin() == url.origin());
        if !is_at_home && !is_of_the_open_internet(url) {
            return None;
        }
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder =
            Client::builder().timeout(BUDGET).redirect(redirect::Policy::none()).no_proxy();
        let builder =
            if is_at_home { builder } else { builder.https_only(true).dns_resolver(Public) };
        let mut answer = builder.build().ok()?.get(url.clone()).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.ok()? {
            if bytes.len() + chunk.len() > LARGEST {
                return None;
            }
            bytes.extend_from_slice(&chunk);
        }
        Some(bytes)
    }
}

/// `https` at its usual port, by a name: an address in digits would not be asked of the resolver.
fn is_of_the_open_internet(url: &Url) -> bool {
    url.scheme() == "https" && url.port().is_none() && matches!(url.host(), Some(Host::Domain(_)))
}

/// The system's resolver, of whose answers only public addresses are left.
#[derive(Clone)]
struct Public;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 443)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(io::Error::from(io::ErrorKind::AddrNotAvailable).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is of the open internet (IANA's registries of special-purpose addresses, RFC
/// 6890).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || first == 0
        || first >= 224
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (second & 0xfe) == 18))
}

/// Global unicast (2000::/3) without what leads elsewhere: documentation, Teredo, 6to4.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let leads_elsewhere = (first == 0x2001 && (second < 0x200 || second == 0xdb8))
        || first == 0x2002
        || first == 0x3fff;
    (first & 0xe000) == 0x2000 && !leads_elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S31
    #[test]
    fn only_addresses_of_the_open_internet_are_asked_for_a_picture() {
        for address in ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "203.0.113.7",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "2002:7f00:1::",
            "2001:db8::1",
            "ff02::1",
            "64:ff9b::7f00:1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    /// S31
    #[tokio::test]
    async fn a_picture_at_a_private_address_is_not_fetched() {
        let home = Url::parse("http://localhost:9/").unwrap();
        for url in [
            "http://example.com/a.png",
            "https://127.0.0.1/a.png",
            "https://localhost/a.png",
            "https://[::1]/a.png",
            "file:///etc/passwd",
        ] {
            assert!(
                PictureClient.fetch(&Url::parse(url).unwrap(), Some(&home)).await.is_none(),
                "{url}"
            );
        }
    }

    /// S31: a name that leads to this machine is as good as its address.
    #[tokio::test]
    async fn a_name_of_a_private_address_resolves_to_nothing() {
        let refused = Public.resolve("localhost".parse().unwrap()).await.err().expect("no address");
        let refused = refused.downcast::<io::Error>().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::AddrNotAvailable);
    }

    /// S31: not even within a provider on this machine.
    #[tokio::test]
    async fn a_redirect_of_a_picture_is_not_followed() {
        let server = wiremock::MockServer::start().await;
        let there = wiremock::ResponseTemplate::new(302).insert_header("location", "/private");
        let picture =
            wiremock::Mock::given(wiremock::matchers::path("/picture")).respond_with(there);
        picture.expect(1).mount(&server).await;
        let private = wiremock::Mock::given(wiremock::matchers::path("/private"));
        private.respond_with(wiremock::ResponseTemplate::new(200)).expect(0).mount(&server).await;
        let home = Url::parse(&server.uri()).unwrap();
        assert!(PictureClient.fetch(&home.join("/picture").unwrap(), Some(&home)).await.is_none());
    }
}
