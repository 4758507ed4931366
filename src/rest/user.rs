//! Who the caller is.

use crate::protocol::objects::UserObject;

use super::{
    call::Call,
    reply::{Reply, json},
};

/// `GET /auth/user`.
pub(super) async fn show(call: Call) -> Reply {
    let (_, member) = call.known_member().await?;
    json(&UserObject::from(member.user))
}
