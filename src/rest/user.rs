//! Signed-in user of the call.

use crate::protocol::objects::UserObject;

use super::{
    call::Call,
    reply::{Reply, json},
};

/// `GET /auth/user`.
pub(super) async fn show(call: Call) -> Reply {
    let (_, signed_in_user) = call.signed_in_user_of().await?;
    json(&UserObject::from(signed_in_user.user))
}
