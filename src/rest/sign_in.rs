//! Sign-in with a password.

use crate::protocol::{bodies, objects::GrantObject};

use super::{
    call::Call,
    reply::{Reply, json},
};

/// `POST /auth/signin-email`.
pub(super) async fn with_email(mut call: Call) -> Reply {
    let body: bodies::SignInEmail = call.json().await?;
    let grant = call.backend.sign_in_with_email(call.caller(), body.email, body.password).await?;
    json(&GrantObject::from(grant))
}
