//! Proving a number with the code that was sent to it.

use super::{
    change_phone::{NewNumber, move_to_phone},
    complete_first_factor::{SignInMethod, create_session},
    reauthentication::wants_factor,
};
use crate::{
    engine::{
        Engine,
        codes::{CodePurpose, Guess, RightCode},
        limits::LimitedAction,
        phones::parse_phone_and_code,
        users::accounts,
    },
    port::{Caller, Channel, Code, Field, OperationError, Outcome, Phone, PhoneVerified, Refusal},
};

/// Finishes a sign-up, with a session, or a change of the number, without one (altogic-protocol.md
/// §3, row 23). Which of the two is what the code knows; it also knows the account, so nobody has
/// to be signed in. A change is finished by whoever began it, or in a session of the account: for
/// the owner of the number, whom a visitor's change sent a code, that code is a wrong one (S23).
pub(in crate::engine) async fn verify_phone(
    engine: &Engine,
    caller: &Caller,
    phone: &str,
    code: &str,
) -> Outcome<PhoneVerified> {
    if !engine.settings().confirm_phone {
        return Err(Code::PhoneVerificationDisabled.into());
    }
    let (phone, code) = parse_phone_and_code(engine, caller, phone, code).await?;
    engine.limits().take_from_caller(LimitedAction::SignInFromAddress, caller, engine.now())?;
    let (purposes, session_of) = asked_for(engine, caller).await?;
    let session_of = session_of.as_deref();
    let (guesser, asker) = (engine.guesser_at_phone(caller, &phone).await?, engine.asker(caller));
    let guess = Guess::at_phone(purposes, &phone, &code, (&guesser, &asker));
    let user_id = session_of.filter(|_| caller.channel == Channel::Pages);
    let guess = Guess { user_id, session_of, ..guess };
    let right = engine.codes().guess(engine.store(), engine.limits(), &guess, engine.now()).await?;
    if right.purpose == CodePurpose::ChangePhone {
        let account = accounts::by_id(engine.store(), &right.user_id)
            .await?
            .ok_or(Code::InvalidOneTimeCode)?;
        let moved = NewNumber { phone: &phone, code: Some(&right), session: None };
        let user = move_to_phone(engine, caller, &account, moved).await?;
        return Ok(PhoneVerified { user, grant: None });
    }
    finish_sign_up(engine, caller, &phone, &right).await
}

/// Purposes that the code may have. Somebody whose phone got the codes of two journeys cannot tell
/// them apart, so a page takes those of its own journey alone: a signed-in user's change, or a
/// sign-up (S16, S23). The wire has one call for both. With them the account whose number may be
/// changed: the one of the session.
async fn asked_for(
    engine: &Engine,
    caller: &Caller,
) -> Outcome<([CodePurpose; 2], Option<String>)> {
    match (caller.channel, &caller.session) {
        (Channel::Api, _) => {
            let purposes = [CodePurpose::VerifyPhone, CodePurpose::ChangePhone];
            Ok((purposes, session_owner(engine, caller).await?))
        }
        (Channel::Pages, Some(_)) => Ok((
            [CodePurpose::ChangePhone; 2],
            Some(engine.current(caller).await?.signed_in_user.user.id),
        )),
        (Channel::Pages, None) => Ok(([CodePurpose::VerifyPhone; 2], None)),
    }
}

/// Account of a session that has shown the second factor, where there is one. One that is over
/// counts as none: a sign-up needs none.
async fn session_owner(engine: &Engine, caller: &Caller) -> Outcome<Option<String>> {
    match engine.current(caller).await {
        Ok(current) if !wants_factor(&current) => Ok(Some(current.account.user.id)),
        Ok(_) | Err(OperationError::Rejected(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn finish_sign_up(
    engine: &Engine,
    caller: &Caller,
    phone: &Phone,
    right: &RightCode,
) -> Outcome<PhoneVerified> {
    let now = engine.now();
    let _change = engine.sessions().change(&right.user_id);
    let mut tx = engine.store().begin().await?;
    let account =
        accounts::reload(&mut tx, &right.user_id).await?.ok_or(Code::InvalidOneTimeCode)?;
    let is_contested = accounts::phone_is_contested(&mut tx, phone, &right.user_id).await?;
    if !accounts::mark_phone_verified(&mut tx, phone, &right.user_id, now).await?
        || !engine.codes().spend(&mut tx, right, now).await?
    {
        return Err(Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode).into());
    }
    // An account that was in use before its number was to be proved: it is proved now, and its
    // owner signs in as always. A number takes no second factor away (S18).
    if account.has_second_factor() {
        let user =
            accounts::reload(&mut tx, &right.user_id).await?.ok_or(Code::InvalidOneTimeCode)?.user;
        tx.commit().await?;
        return Ok(PhoneVerified { user, grant: None });
    }
    // The code tells who has the phone, not whose sign-up it finishes. They are let in; a password
    // that somebody else may know is not (S23). Two programs may have one address and
    // one name, so beside another sign-up a browser alone tells.
    let links = engine.links();
    let is_browser = links.is_browser(caller.browser.as_ref(), account.browser_digest.as_deref());
    if !links.is_signer(caller, &account) || (is_contested && !is_browser) {
        accounts::remove_password(&mut tx, &right.user_id).await?;
    }
    let grant =
        create_session(engine, caller, tx, &right.user_id, SignInMethod::SignUp, None).await?;
    Ok(PhoneVerified { user: grant.user.clone(), grant: Some(grant) })
}
