//! Signing in with a code that came by SMS.

use super::complete_first_factor::{FirstFactor, complete_first_factor};
use crate::{
    engine::{
        Engine,
        codes::{CodePurpose, Guess},
        limits::LimitedAction,
        phones::parse_phone_and_code,
        users::accounts,
    },
    port::{Caller, Code, Field, Outcome, Refusal, SignInOutcome},
};

/// Spends a sign-in code and admits its account. The code is the first factor; where the same phone
/// is the only second one, the code alone would be both, so the password is asked for first (S18).
pub(in crate::engine) async fn sign_in_with_code(
    engine: &Engine,
    caller: &Caller,
    phone: &str,
    code: &str,
) -> Outcome<SignInOutcome> {
    if !engine.settings().sign_in_codes {
        return Err(Code::SignInCodesDisabled.into());
    }
    let (phone, code) = parse_phone_and_code(engine, caller, phone, code).await?;
    engine.limits().take_from_caller(LimitedAction::SignInFromAddress, caller, engine.now())?;
    let (guesser, asker) = (engine.guesser_at_phone(caller, &phone).await?, engine.asker(caller));
    let guess = Guess::at_phone([CodePurpose::SignIn; 2], &phone, &code, (&guesser, &asker));
    let now = engine.now();
    let right = engine.codes().guess(engine.store(), engine.limits(), &guess, now).await?;
    let _change = engine.sessions().change(&right.user_id);
    let mut tx = engine.store().begin().await?;
    let spent = engine.codes().spend(&mut tx, &right, now).await?;
    let account = accounts::reload(&mut tx, &right.user_id).await?;
    let account = account.filter(|account| spent && !account.phone_is_second_only);
    let invalid = || Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode);
    account.filter(|account| account.number().as_ref() == Some(&phone)).ok_or_else(invalid)?;
    complete_first_factor(engine, caller, tx, &right.user_id, FirstFactor::Phone).await
}
