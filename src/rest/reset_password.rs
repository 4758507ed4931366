//! A new password for somebody who forgot theirs.

use crate::{port::AccessToken, protocol::bodies};

use super::{
    call::Call,
    reply::{Reply, done},
};

/// `POST /auth/send-reset?email=`.
pub(super) async fn send(call: Call) -> Reply {
    call.backend.send_reset_password_email(call.caller(), call.query("email")).await?;
    done()
}

/// `POST /auth/reset-pwd?key=`. Signs nobody in.
pub(super) async fn finish(mut call: Call) -> Reply {
    let body: bodies::ResetPassword = call.json().await?;
    let token = AccessToken::parse(&call.query("key"))?;
    call.backend.reset_password_with_token(call.caller(), token, body.new_password).await?;
    done()
}
