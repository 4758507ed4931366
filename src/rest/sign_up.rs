//! Sign-up.

use crate::{
    port::{SignUpWithEmail, SignUpWithPhone},
    protocol::{bodies, objects::GrantObject},
};

use super::{
    call::Call,
    reply::{Reply, done, json},
};

/// `POST /auth/signup-email`. Unlike the page, the wire says that an address is taken: applications
/// rely on it.
pub(super) async fn with_email(mut call: Call) -> Reply {
    let body: bodies::SignUp = call.json().await?;
    let name = body.name()?;
    let fields = body.fields();
    let sign_up = SignUpWithEmail { email: body.email, password: body.password, name, fields };
    let signed_up = call.backend.sign_up_with_email(call.caller(), sign_up).await?;
    json(&GrantObject::from(signed_up))
}

/// `POST /auth/signup-phone`.
pub(super) async fn with_phone(mut call: Call) -> Reply {
    let body: bodies::SignUp = call.json().await?;
    let name = body.name()?;
    let fields = body.fields();
    let sign_up = SignUpWithPhone { phone: body.phone, password: body.password, name, fields };
    let signed_up = call.backend.sign_up_with_phone(call.caller(), sign_up).await?;
    json(&GrantObject::from(signed_up))
}

/// `POST /auth/resend?email=`.
pub(super) async fn resend(call: Call) -> Reply {
    call.backend.resend_verification_email(call.caller(), call.query("email")).await?;
    done()
}

/// `POST /auth/resend-code?phone=`.
pub(super) async fn resend_code(call: Call) -> Reply {
    call.backend.resend_verification_code(call.caller(), call.query("phone")).await?;
    done()
}
