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

/// `POST /auth/send-reset-code?phone=`.
pub(super) async fn send_code(call: Call) -> Reply {
    call.backend.send_reset_password_code(call.caller(), call.query("phone")).await?;
    done()
}

/// `POST /auth/reset-pwd-code?phone=&code=`.
pub(super) async fn finish_with_code(mut call: Call) -> Reply {
    let body: bodies::ResetPassword = call.json().await?;
    let (phone, code) = (call.query("phone"), call.query("code"));
    call.backend.reset_password_with_code(call.caller(), phone, code, body.new_password).await?;
    done()
}
