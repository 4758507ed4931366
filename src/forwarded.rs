//! Where a request comes from.
//!
//! The one place that answers the question, so that nothing believes a forwarding header by accident (SECURITY.md S49, S50).

use std::net::IpAddr;

use actix_web::HttpRequest;

/// The client's address: the peer of the connection. `None` over a Unix socket and in the test harness without an address.
pub fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|peer| peer.ip())
}
