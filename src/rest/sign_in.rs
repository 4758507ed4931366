//! Sign-in with a password.

use serde_json::json;

use crate::{
    port::{Code, SignInOutcome},
    protocol::{bodies, errors::WireError, objects::GrantObject},
};

use super::{
    call::Call,
    reply::{Reply, done, json, respond},
};

/// `POST /auth/signin-email`.
pub(super) async fn with_email(mut call: Call) -> Reply {
    let body: bodies::SignIn = call.json().await?;
    entered(call.backend.sign_in_with_email(call.caller(), body.email, body.password).await?)
}

/// `POST /auth/signin-phone`.
pub(super) async fn with_phone(mut call: Call) -> Reply {
    let body: bodies::SignIn = call.json().await?;
    entered(call.backend.sign_in_with_phone(call.caller(), body.phone, body.password).await?)
}

/// `POST /auth/send-code?phone=`.
pub(super) async fn send_code(call: Call) -> Reply {
    call.backend.send_sign_in_code(call.caller(), call.query("phone")).await?;
    done()
}

/// `POST /auth/signin-code?phone=&code=`.
pub(super) async fn with_code(call: Call) -> Reply {
    entered(
        call.backend
            .sign_in_with_code(call.caller(), call.query("phone"), call.query("code"))
            .await?,
    )
}

/// The answer to a first factor that was right. An application that does not know of second factors
/// is told by an error, since it would take any success for a session; one that does finds the
/// number in `details` and goes on with `/user/verify-sign-in` (altogic-protocol.md §8; the
/// original asked for the second factor at `/users/sign-in` alone).
pub(super) fn entered(sign_in_outcome: SignInOutcome) -> Reply {
    match sign_in_outcome {
        SignInOutcome::SignedIn(grant) => json(&GrantObject::from(grant)),
        SignInOutcome::SecondFactorRequired(challenge) => {
            let phone = challenge.sent.map(|sent| sent.phone);
            Ok(respond(
                &WireError::from(Code::SecondFactorRequired)
                    .with_details(json!({ "phone": phone })),
            ))
        }
    }
}
