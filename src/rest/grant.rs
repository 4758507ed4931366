//! An access token for a session.

use crate::port::AccessToken;

use super::{call::Call, reply::Reply, sign_in::entered};

/// `GET /auth/grant?key=`. The one `GET` that changes something, as the protocol has it; it needs
/// the client key, so no link in a page or an email can make a browser do it.
pub(super) async fn redeem(call: Call) -> Reply {
    let token = AccessToken::parse(&call.query("key"))?;
    entered(call.backend.get_auth_grant(call.caller(), token).await?)
}
