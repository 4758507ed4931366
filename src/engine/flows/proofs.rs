//! Step up: a sensitive change wants a proof that is younger than ten minutes, so that a stolen or forgotten session does not
//! give the account away (SECURITY.md S20; OWASP ASVS 7.5.1).
//!
//! # The contract
//!
//! * Signing in is a proof. So is the password, or a code, typed later: then the session goes on under a new token (S32), and
//!   the account's other sessions stay as unproved as they were.
//! * At the pages a verb that makes a sensitive change calls [`require_fresh_proof`]. Its page shows the step-up page for
//!   `ProofNeeded` and asks again with what was typed.
//! * At the REST door the wire's own proof counts: its sensitive calls carry the current password, and a client of today would
//!   not know what to do with another question. A verb that takes the password calls [`confirm`].

use jiff::SignedDuration;

use super::change_password::confirm_password;
use crate::{
    engine::{Engine, sessions::Current},
    port::{Caller, Code, Door, Field, Outcome, Password, Refusal},
};

/// How long a proof is fresh. ASVS 7.5.1 and SECURITY.md S20 want between five and fifteen minutes.
const PROOF_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Lets a sensitive change at the pages pass only while the last proof is fresh. Says nothing at the REST door.
///
/// # Errors
/// `ProofNeeded`.
pub(in crate::engine) fn require_fresh_proof(engine: &Engine, caller: &Caller, current: &Current) -> Outcome<()> {
    // In both directions: after a clock was set back, a proof of the future must not be fresh for ever (R15).
    let age = engine.now().duration_since(current.proved_at).abs();
    if caller.door == Door::Rest || age < PROOF_LIFE { Ok(()) } else { Err(Code::ProofNeeded.into()) }
}

/// The proof of a change that takes the current password along: that password where there is one, else a fresh proof.
///
/// # Errors
/// `MissingPassword` or `InvalidCredentials` at the current password, `RateLimitExceeded`; `ProofNeeded`.
pub(super) async fn confirm(
    engine: &Engine,
    caller: &Caller,
    current: &Current,
    current_password: Option<&Password>,
) -> Outcome<()> {
    match current_password {
        Some(password) => confirm_password(engine, &current.account, password).await,
        None if caller.door == Door::Rest => Err(Refusal::at(Field::CurrentPassword, Code::MissingPassword).into()),
        None => require_fresh_proof(engine, caller, current),
    }
}
