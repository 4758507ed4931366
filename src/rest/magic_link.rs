//! Sign-in with an emailed link.

use super::{
    call::Call,
    reply::{Reply, done},
};

/// `POST /auth/send-magic?email=`.
pub(super) async fn send(call: Call) -> Reply {
    call.backend.send_magic_link_email(call.caller(), call.query("email")).await?;
    done()
}
