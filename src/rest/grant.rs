//! An access token for a session.

use crate::{port::AccessToken, protocol::objects::GrantObject};

use super::{
    call::Call,
    reply::{Reply, json},
};

/// `GET /auth/grant?key=`. The one `GET` that changes something, as the protocol has it; it needs the client key, so no link
/// in a page or a mail can make a browser do it.
pub(super) async fn redeem(call: Call) -> Reply {
    let token = AccessToken::parse(&call.query("key"))?;
    let grant = call.backend.get_auth_grant(call.caller(), token).await?;
    json(&GrantObject::from(grant))
}
