//! The number of an account.

use crate::protocol::{
    bodies,
    objects::{PhoneVerifiedObject, UserObject},
};

use super::{
    call::Call,
    reply::{Reply, json},
};

/// `POST /auth/verify-phone?phone=&code=`. `session` is `null` when the code finished a change and
/// not a sign-up.
pub(super) async fn verify(call: Call) -> Reply {
    let verified =
        call.backend.verify_phone(call.caller(), call.query("phone"), call.query("code")).await?;
    json(&PhoneVerifiedObject::from(verified))
}

/// `POST /auth/change-phone`. The whole answer is the user, unchanged while the new number is not
/// proved.
pub(super) async fn change(mut call: Call) -> Reply {
    let caller = call.signed_in_user()?;
    let body: bodies::ChangePhone = call.json().await?;
    let user =
        call.backend.change_phone(caller, Some(body.current_password), body.new_phone).await?;
    json(&UserObject::from(user))
}
