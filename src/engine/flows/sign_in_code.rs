//! Signing in with a code that came by SMS.

use super::{admit::let_in, verify_phone::judge};
use crate::{
    engine::{
        Engine, accounts,
        codes::{CodePurpose, Guess},
        limits::Action,
    },
    port::{Caller, Code, Field, Grant, Outcome, Refusal},
};

/// Spends a sign-in code for a session. The code is the first factor; where the same phone is the second one as well, the code
/// alone would be both, so the password is asked for first (SECURITY.md S18).
pub(in crate::engine) async fn sign_in_with_code(
    engine: &Engine,
    caller: &Caller,
    phone: &str,
    code: &str,
) -> Outcome<Grant> {
    if !engine.settings().sign_in_codes {
        return Err(Code::SignInCodesDisabled.into());
    }
    let (phone, code) = judge(phone, code)?;
    engine.limits().take_from_caller(Action::SignInFromAddress, caller, engine.now())?;
    let guess = Guess {
        purposes: [CodePurpose::SignIn; 2],
        target: phone.as_str(),
        code: &code,
        user_id: None,
        counted_for: phone.as_str(),
    };
    let now = engine.now();
    let right = engine.codes().guess(engine.store(), engine.limits(), &guess, now).await?;
    let _change = engine.sessions().change(&right.user_id);
    let mut tx = engine.store().begin().await?;
    let spent = engine.codes().spend(&mut tx, &right, now).await?;
    let account = accounts::reload(&mut tx, &right.user_id).await?.filter(|_| spent);
    let invalid = || Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode);
    let account = account.filter(|account| account.number().as_ref() == Some(&phone)).ok_or_else(invalid)?;
    if account.user.two_factor {
        // The code is spent all the same: it has told whoever typed it that it was right.
        tx.commit().await?;
        return Err(Code::SecondFactorFirst.into());
    }
    let_in(engine, caller, tx, &right.user_id).await
}
