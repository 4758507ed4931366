//! Buckets and files (altogic-protocol.md §7). A signed-in user calls, or the operator's program,
//! which needs no session.
//!
//! All calls are `POST` with a JSON body but those that carry a file. The names in the comments
//! stand after `/storage`.

pub(super) mod buckets;
pub(super) mod files;
pub(super) mod lists;
pub(super) mod uploads;

use crate::port::{Caller, Code};

use super::{call::Call, reply::Rejection};

/// Caller of the request.
///
/// # Errors
/// `MissingSessionToken` or `InvalidSessionToken` of a caller that needs a session.
fn asker(call: &Call) -> Result<Caller, Code> {
    let caller = call.caller();
    if caller.is_operator { Ok(caller) } else { call.signed_in_user() }
}

/// As [`asker`], and looked up: a visitor's file is not read.
async fn known_asker(call: &Call) -> Result<Caller, Rejection> {
    let caller = asker(call)?;
    if caller.session.is_some() {
        call.backend.signed_in_user(caller.clone()).await?;
    }
    Ok(caller)
}
