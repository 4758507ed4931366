//! Switching second factors on and off, and what goes with them: recovery codes and trusted
//! browsers.

use jiff::Timestamp;

use crate::{
    engine::{
        Engine,
        limits::{Guesser, NewGuess, Secret},
        links,
        outbox::Notification,
        rules::Operation,
        sessions::{self, Current, devices},
        store::{StoreError, Transaction, values},
        two_factor::{authenticators, recovery_codes},
        users::accounts,
    },
    port::{
        AuthenticatorKey, Caller, Code, Field, OneTimeCode, Outcome, RecoveryCodes, Refusal,
        SecondFactors,
    },
};

/// Reads the second factors of the account.
pub(in crate::engine) async fn second_factors(
    engine: &Engine,
    caller: &Caller,
) -> Outcome<SecondFactors> {
    let Current { account, .. } = engine.current(caller).await?;
    let (store, user_id) = (engine.store(), &account.user.id);
    Ok(SecondFactors {
        text: account.user.two_factor,
        authenticator_since: authenticators::since(store, user_id).await?,
        recovery_codes: recovery_codes::left(store, user_id).await?,
        trusted_browsers: engine.devices().trusted(store, user_id, caller, engine.now()).await?,
    })
}

/// Switches the codes by SMS. Switching to what is already so changes nothing.
pub(in crate::engine) async fn switch_sms_factor(
    engine: &Engine,
    caller: &Caller,
    on: bool,
) -> Outcome<Option<RecoveryCodes>> {
    let current = engine.current(caller).await?;
    let user_id = &current.account.user.id;
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    let Current { account, signed_in_user, .. } =
        engine.locked(&mut tx, &current, Operation::SwitchSmsFactor).await?;
    if account.user.two_factor == on {
        return Ok(None);
    }
    // Codes go to the number that the owner saw, and to none that somebody set since.
    let number =
        account.number().filter(|number| current.account.number().as_ref() == Some(number));
    if on && !(account.user.phone_verified && number.is_some()) {
        return Err(Code::SecondFactorNeedsPhone.into());
    }
    let sql = "update users set two_factor = $2, updated_at = $3 where id = $1";
    tx.execute(sql, values![user_id, i64::from(on), engine.now()]).await?;
    if on {
        sessions::note_factor(&mut tx, &signed_in_user.session.handle).await?;
    } else {
        end_the_others(&mut tx, user_id, Some(&signed_in_user.session.handle)).await?;
    }
    let codes = settle(engine, &mut tx, user_id).await?;
    let notification =
        if on { Notification::SecondFactorOn } else { Notification::SecondFactorOff };
    engine.notify_owner(&mut tx, caller, &account, notification).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Makes a key that waits for its first code.
pub(in crate::engine) async fn begin_authenticator(
    engine: &Engine,
    caller: &Caller,
) -> Outcome<()> {
    let current = engine.current(caller).await?;
    let mut tx = engine.store().begin().await?;
    let account = engine.locked(&mut tx, &current, Operation::BeginAuthenticator).await?.account;
    engine.authenticators().begin(&mut tx, &account.user.id, engine.random(), engine.now()).await?;
    Ok(tx.commit().await?)
}

/// The key that waits, under the name that its app shall show. Only to somebody who could make one:
/// a stolen session must not read along.
pub(in crate::engine) async fn waiting_authenticator(
    engine: &Engine,
    caller: &Caller,
) -> Outcome<Option<AuthenticatorKey>> {
    let account = engine.current(caller).await?.account;
    let user = &account.user;
    let name = user
        .email
        .as_deref()
        .or(user.phone.as_deref())
        .or(user.name.as_deref())
        .unwrap_or(&user.id);
    let issuer = &engine.settings().product_name;
    engine.authenticators().waiting(engine.store(), &user.id, issuer, name, engine.now()).await
}

/// Switches the authenticator app on with its first code.
pub(in crate::engine) async fn confirm_authenticator(
    engine: &Engine,
    caller: &Caller,
    code: &str,
) -> Outcome<Option<RecoveryCodes>> {
    let current = engine.current(caller).await?;
    let code = OneTimeCode::parse(code).map_err(|code| Refusal::at(Field::OneTimeCode, code))?;
    let (user_id, now) = (&current.account.user.id, engine.now());
    let guesser = &Guesser::Session(current.signed_in_user.session.handle.clone());
    let guess = NewGuess { secret: Secret::Code, target: user_id, guesser, is_asker: false };
    let taken = engine.limits().take_guess(&guess, now)?;
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    // The account is locked first, so that of two tabs one comes after the other.
    let Current { account, signed_in_user, .. } =
        engine.locked(&mut tx, &current, Operation::ConfirmAuthenticator).await?;
    let sql = "update users set authenticator = 1, updated_at = $2 where id = $1";
    tx.execute(sql, values![user_id, now]).await?;
    let right = engine.authenticators().confirm(&mut tx, user_id, &code, now).await?;
    if !right.ok_or(Code::AuthenticatorGone)? {
        return Err(Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode).into());
    }
    engine.limits().give_guess_back(&taken);
    sessions::note_factor(&mut tx, &signed_in_user.session.handle).await?;
    let codes = settle(engine, &mut tx, user_id).await?;
    engine.notify_owner(&mut tx, caller, &account, Notification::AuthenticatorOn).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Forgets the authenticator app, also one whose key still waits.
pub(in crate::engine) async fn remove_authenticator(
    engine: &Engine,
    caller: &Caller,
) -> Outcome<()> {
    let current = engine.current(caller).await?;
    let user_id = &current.account.user.id;
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    let Current { account, signed_in_user, .. } =
        engine.locked(&mut tx, &current, Operation::RemoveAuthenticator).await?;
    let sql = "update users set authenticator = 0, updated_at = $2 where id = $1";
    tx.execute(sql, values![user_id, engine.now()]).await?;
    authenticators::remove(&mut tx, user_id).await?;
    if account.authenticator {
        end_the_others(&mut tx, user_id, Some(&signed_in_user.session.handle)).await?;
        settle(engine, &mut tx, user_id).await?;
        engine.notify_owner(&mut tx, caller, &account, Notification::AuthenticatorOff).await?;
    }
    Ok(tx.commit().await?)
}

/// Replaces the recovery codes.
pub(in crate::engine) async fn make_recovery_codes(
    engine: &Engine,
    caller: &Caller,
) -> Outcome<RecoveryCodes> {
    let current = engine.current(caller).await?;
    let user_id = &current.account.user.id;
    let mut tx = engine.store().begin().await?;
    // A factor that is switched off meanwhile takes its codes along.
    let account = engine.locked(&mut tx, &current, Operation::MakeRecoveryCodes).await?.account;
    if !account.has_second_factor() {
        return Err(Code::SecondFactorIsOff.into());
    }
    let codes = engine.recovery().make(&mut tx, user_id, engine.random()).await?;
    engine.notify_owner(&mut tx, caller, &account, Notification::RecoveryCodesNew).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Ends the trust in one browser, or in all of them.
pub(in crate::engine) async fn untrust_browsers(
    engine: &Engine,
    caller: &Caller,
    handle: Option<&str>,
) -> Outcome<()> {
    let current = engine.current(caller).await?;
    let _change = engine.sessions().change(&current.account.user.id);
    let mut tx = engine.store().begin().await?;
    let Current { account, signed_in_user, .. } =
        engine.locked(&mut tx, &current, Operation::UntrustBrowsers).await?;
    devices::untrust(&mut tx, &account.user.id, handle).await?;
    sessions::forget_factor(&mut tx, &account.user.id, Some(&signed_in_user.session.handle))
        .await?;
    Ok(tx.commit().await?)
}

/// A factor was switched off: every session but the one that did it ends, and every link and code
/// that would have asked for the factor (S35).
pub(super) async fn end_the_others(
    tx: &mut Transaction<'_>,
    user_id: &str,
    handle: Option<&str>,
) -> Result<(), StoreError> {
    let sql = "delete from sessions where user_id = $1 and id <> $2";
    tx.execute(sql, values![user_id, handle.unwrap_or_default()]).await?;
    links::revoke_all(tx, user_id).await
}

/// After a factor was switched: trust ends, recovery codes come with the first factor and go with
/// the last.
async fn settle(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    user_id: &str,
) -> Outcome<Option<RecoveryCodes>> {
    if !settle_without_codes(tx, user_id, engine.now()).await?
        || recovery_codes::has_some(tx, user_id).await?
    {
        return Ok(None);
    }
    Ok(Some(engine.recovery().make(tx, user_id, engine.random()).await?))
}

/// As [`settle`], but makes no recovery codes. Answers whether a factor is left. Changes of ways in
/// that were begun before a factor was switched on end with it, and a key that waited: whoever
/// began them has not shown the factor (S104).
pub(super) async fn settle_without_codes(
    tx: &mut Transaction<'_>,
    user_id: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    devices::untrust(tx, user_id, None).await?;
    accounts::note_factor_since(tx, user_id, now).await?;
    let is_on =
        accounts::reload(tx, user_id).await?.is_some_and(|account| account.has_second_factor());
    if is_on {
        links::kill_changes(tx, user_id).await?;
        authenticators::remove_waiting(tx, user_id).await?;
    } else {
        recovery_codes::remove(tx, user_id).await?;
        sessions::forget_factor(tx, user_id, None).await?;
    }
    Ok(is_on)
}
