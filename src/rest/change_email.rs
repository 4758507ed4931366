//! A new address for an account.

use crate::protocol::{bodies, objects::UserObject};

use super::{
    call::Call,
    reply::{Reply, json},
};

/// `POST /auth/change-email`. The whole answer is the user, unchanged while the new address is not
/// proved.
pub(super) async fn change(mut call: Call) -> Reply {
    let caller = call.signed_in_user()?;
    let body: bodies::ChangeEmail = call.json().await?;
    let user =
        call.backend.change_email(caller, Some(body.current_password), body.new_email).await?;
    json(&UserObject::from(user))
}
