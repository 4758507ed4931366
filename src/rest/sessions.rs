//! The sessions of an account, and their end.

use crate::protocol::{bodies, objects::SessionObject};

use super::{
    call::Call,
    reply::{Reply, done, json},
};

/// `GET /auth/sessions`: the caller's own with its real token, the others with a handle that
/// `signout` takes.
pub(super) async fn list(call: Call) -> Reply {
    let sessions = call.backend.get_all_sessions(call.signed_in_user()?).await?;
    let sessions: Vec<SessionObject> = sessions.into_iter().map(SessionObject::from).collect();
    json(&sessions)
}

/// `POST /auth/signout`: the caller's session, or the one that `token` names.
pub(super) async fn sign_out(mut call: Call) -> Reply {
    let caller = call.signed_in_user()?;
    let body: bodies::SignOut = call.json().await?;
    call.backend.sign_out(caller, body.token.filter(|token| !token.is_empty())).await?;
    done()
}

/// `POST /auth/signout-all`.
pub(super) async fn sign_out_all(call: Call) -> Reply {
    call.backend.sign_out_all(call.signed_in_user()?).await?;
    done()
}

/// `POST /auth/signout-all-except`.
pub(super) async fn sign_out_all_except_current(call: Call) -> Reply {
    call.backend.sign_out_all_except_current(call.signed_in_user()?).await?;
    done()
}
