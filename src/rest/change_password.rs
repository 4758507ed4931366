//! A new password for somebody who is signed in.

use crate::protocol::bodies;

use super::{
    call::Call,
    reply::{Reply, done},
};

/// `POST /auth/change-pwd`. The caller's session goes on with the same token.
pub(super) async fn change(mut call: Call) -> Reply {
    let caller = call.signed_in_user()?;
    let body: bodies::ChangePassword = call.json().await?;
    call.backend.change_password(caller, body.old_password, body.new_password).await?;
    done()
}
