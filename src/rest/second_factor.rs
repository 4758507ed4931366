//! The custom endpoints of Altogic's two-factor example (altogic-protocol.md §8).

use serde_json::json;

use crate::{
    port::{SecondFactorOf, SignInOutcome},
    protocol::{
        bodies,
        objects::{FoundObject, GrantObject, UserObject},
    },
};

use super::{
    call::Call,
    reply::{Reply, done, json},
};

/// `POST /users/set-phone?phoneNumber=`.
pub(super) async fn set_phone(call: Call) -> Reply {
    call.backend.set_phone(call.signed_in_user()?, call.query("phoneNumber")).await?;
    done()
}

/// `POST /users/verify-phone`. The whole answer is the user.
pub(super) async fn verify_phone(mut call: Call) -> Reply {
    let caller = call.signed_in_user()?;
    let body: bodies::CodeForPhone = call.json().await?;
    json(&UserObject::from(
        call.backend.verify_own_phone(caller, body.phone_number, body.code).await?,
    ))
}

/// `POST /users/sign-in`. Where a code is asked for, the answer has the number it went to and
/// neither user nor session.
pub(super) async fn sign_in(mut call: Call) -> Reply {
    let body: bodies::SignIn = call.json().await?;
    match call.backend.sign_in_with_email(call.caller(), body.email, body.password).await? {
        SignInOutcome::SignedIn(grant) => json(&GrantObject::from(grant)),
        SignInOutcome::SecondFactorRequired(challenge) => {
            json(&json!({ "phone": challenge.sent.map(|sent| sent.phone) }))
        }
    }
}

/// `POST /user/verify-sign-in`. The user is under `found`.
pub(super) async fn verify_sign_in(mut call: Call) -> Reply {
    let body: bodies::CodeForPhone = call.json().await?;
    let of = SecondFactorOf::Phone(body.phone_number);
    let grant =
        call.backend.sign_in_with_second_factor(call.caller(), of, body.code, false).await?;
    json(&FoundObject::from(grant))
}
