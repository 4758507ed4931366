//! The second factor: a code by SMS after every first factor, and the number it goes to (ALTOGIC_WIRE.md §8).

use super::{admit::let_in, change_phone::move_to_phone, verify_phone::judge};
use crate::{
    engine::{
        Engine,
        accounts::{self, Account},
        challenges::Waiting,
        codes::{CodePurpose, Guess, NewCode},
        limits::{Action, exceeded},
        sessions::Current,
        store::Transaction,
    },
    port::{
        Caller, Challenge, ChallengeToken, Code, Field, Grant, OneTimeCode, Outcome, Phone, Refusal, SecondFactorOf,
        User,
    },
};

/// Asks for the second factor of an account whose first one was right; commits what the first one spent. Where no code can be
/// sent nobody is let in: the owner, who has proved the first factor, is told why (SECURITY.md S83).
pub(super) async fn challenge(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    account: &Account,
) -> Outcome<Challenge> {
    let phone = account.number().ok_or(Code::SecondFactorNeedsPhone)?;
    if let Err(trouble) = engine.can_text(&phone).await {
        // What the first factor spent is given back before the operator is told, which writes.
        drop(tx);
        engine.judge_destination(&phone).await?;
        return Err(trouble);
    }
    take_text(engine, caller, &account.user)?;
    let now = engine.now();
    let (waiting, token) =
        engine.challenges().create(&mut tx, &account.user.id, caller.door, engine.random(), now).await?;
    let expires_at = text_code(engine, &mut tx, &waiting, &phone).await?;
    tx.commit().await?;
    Ok(Challenge { token, phone: phone.to_string(), expires_at })
}

/// Sends the code again; the former one dies (S16).
pub(in crate::engine) async fn resend_second_factor(
    engine: &Engine,
    caller: &Caller,
    token: &ChallengeToken,
) -> Outcome<Challenge> {
    let waiting = engine.challenges().by_token(engine.store(), token, engine.now()).await?;
    let waiting = waiting.ok_or(Code::ChallengeGone)?;
    let account = accounts::by_id(engine.store(), &waiting.user_id).await?.ok_or(Code::ChallengeGone)?;
    let phone = account.number().ok_or(Code::SecondFactorNeedsPhone)?;
    may_text(engine, caller, &account.user, &phone).await?;
    let mut tx = engine.store().begin().await?;
    let expires_at = text_code(engine, &mut tx, &waiting, &phone).await?;
    tx.commit().await?;
    Ok(Challenge { token: token.clone(), phone: phone.to_string(), expires_at })
}

/// Spends a code and the sign-in it was sent for, and begins the session, all in one transaction.
pub(in crate::engine) async fn sign_in_with_second_factor(
    engine: &Engine,
    caller: &Caller,
    of: SecondFactorOf,
    code: &str,
) -> Outcome<Grant> {
    let code = OneTimeCode::parse(code).map_err(|code| Refusal::at(Field::OneTimeCode, code))?;
    let invalid = || Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode);
    let now = engine.now();
    let is_named_by_phone = matches!(of, SecondFactorOf::Phone(_));
    let (waiting, phone) = match of {
        SecondFactorOf::Challenge(token) => {
            let waiting =
                engine.challenges().by_token(engine.store(), &token, now).await?.ok_or(Code::ChallengeGone)?;
            let account = accounts::by_id(engine.store(), &waiting.user_id).await?.ok_or(Code::ChallengeGone)?;
            (Some(waiting), account.number().ok_or_else(invalid)?)
        }
        SecondFactorOf::Phone(phone) => {
            let phone = Phone::parse(&phone).map_err(|code| Refusal::at(Field::Phone, code))?;
            let holder = accounts::by_phone(engine.store(), &phone).await?.into_iter().next();
            let waiting = match holder {
                Some(account) => engine.challenges().of_account(engine.store(), &account.user.id, now).await?,
                None => None,
            };
            (waiting, phone)
        }
    };
    let Some(waiting) = waiting else {
        // A guess is counted whether or not anybody waits for it (S06).
        engine.limits().take(Action::GuessCode, phone.as_str(), now).map_err(exceeded)?;
        engine.write_nothing().await?;
        return Err(invalid().into());
    };
    let counted_for = if is_named_by_phone { phone.as_str() } else { &*waiting.id };
    let purposes = [CodePurpose::SecondFactor; 2];
    let guess = Guess { purposes, phone: &phone, code: &code, user_id: Some(&waiting.user_id), counted_for };
    let right = engine.codes().guess(engine.store(), engine.limits(), &guess, now).await?;
    if right.challenge_id.as_ref() != Some(&waiting.id) {
        return Err(invalid().into());
    }
    let _change = engine.sessions().change(&waiting.user_id);
    let mut tx = engine.store().begin().await?;
    if !engine.codes().spend(&mut tx, &right, now).await? || !engine.challenges().spend(&mut tx, &waiting, now).await? {
        return Err(invalid().into());
    }
    let_in(engine, caller, tx, &waiting.user_id).await
}

/// Sends a code that makes a number the account's. While the second factor is on, a stolen session must not lead its codes to
/// another phone: then it is refused, and `change_phone`, which asks for the password, is the way.
pub(in crate::engine) async fn set_phone(engine: &Engine, caller: &Caller, phone: &str) -> Outcome<()> {
    let Current { account, .. } = engine.current(caller).await?;
    let phone = Phone::parse(phone).map_err(|code| Refusal::at(Field::Phone, code))?;
    if account.user.two_factor {
        return Err(Code::SecondFactorIsOn.into());
    }
    engine.judge_destination(&phone).await?;
    let now = engine.now();
    engine.limits().take_from_caller(Action::TextFromAddress, caller, now)?;
    engine.limits().take(Action::TextFromAccount, &account.user.id, now).map_err(exceeded)?;
    let may_text = engine.limits().allow_text_to(&phone, now);
    let mut tx = engine.store().begin().await?;
    if accounts::phone_is_held(&mut tx, &phone).await? && account.number().as_ref() != Some(&phone) {
        return Err(Refusal::at(Field::Phone, Code::PhoneNotUnique).into());
    }
    if may_text {
        engine.text_code(&mut tx, CodePurpose::SetPhone, &account.user.id, &phone).await?;
    }
    Ok(tx.commit().await?)
}

/// Makes the number the account's with that code. The account is the session's: the example sends no other name for it.
pub(in crate::engine) async fn verify_own_phone(
    engine: &Engine,
    caller: &Caller,
    phone: &str,
    code: &str,
) -> Outcome<User> {
    let Current { account, .. } = engine.current(caller).await?;
    let (phone, code) = judge(phone, code)?;
    let user_id = Some(account.user.id.as_str());
    let purposes = [CodePurpose::SetPhone; 2];
    let guess = Guess { purposes, phone: &phone, code: &code, user_id, counted_for: phone.as_str() };
    let right = engine.codes().guess(engine.store(), engine.limits(), &guess, engine.now()).await?;
    if account.user.two_factor {
        return Err(Code::SecondFactorIsOn.into());
    }
    move_to_phone(engine, caller, &account, &phone, Some(&right)).await
}

/// Whether a code may be sent to the owner, who is told when it may not.
async fn may_text(engine: &Engine, caller: &Caller, user: &User, phone: &Phone) -> Outcome<()> {
    engine.judge_destination(phone).await?;
    take_text(engine, caller, user)
}

fn take_text(engine: &Engine, caller: &Caller, user: &User) -> Outcome<()> {
    let now = engine.now();
    engine.limits().take_from_caller(Action::TextFromAddress, caller, now)?;
    engine.limits().take(Action::SecondFactorToAccount, &user.id, now).map_err(exceeded)
}

async fn text_code(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    waiting: &Waiting,
    phone: &Phone,
) -> Outcome<jiff::Timestamp> {
    let new = NewCode {
        purpose: CodePurpose::SecondFactor,
        user_id: &waiting.user_id,
        phone,
        challenge_id: Some(&waiting.id),
    };
    engine.text_code_of(tx, &new).await
}
