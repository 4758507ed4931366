//! Sign-in with a password.

use crate::{
    port::{Code, Entrance},
    protocol::{bodies, objects::GrantObject},
};

use super::{
    call::Call,
    reply::{Reply, json},
};

/// `POST /auth/signin-email`.
pub(super) async fn with_email(mut call: Call) -> Reply {
    let body: bodies::SignInEmail = call.json().await?;
    entered(call.backend.sign_in_with_email(call.caller(), body.email, body.password).await?)
}

/// The answer to a first factor that was right.
pub(super) fn entered(entrance: Entrance) -> Reply {
    match entrance {
        Entrance::Granted(grant) => json(&GrantObject::from(grant)),
        Entrance::Challenged(_) => Err(Code::SecondFactorRequired.into()),
    }
}
