//! Setting a new password with the access token of a reset link, or with a code by SMS.

use super::{
    address_verification::{Opener, verify_address},
    sign_up::judge_password,
};
use crate::{
    engine::{
        Engine,
        codes::{CodePurpose, Guess},
        limits::LimitedAction,
        links::{self, Purpose},
        outbox::Notification,
        phones::parse_phone_and_code,
        store::{Transaction, values},
        users::accounts::{self, Account, RecoveryMethod},
    },
    port::{AccessToken, Caller, Code, Field, Outcome, Password, Refusal, User},
};

/// Sets the password, ends every session, every link, every code and every way in that was added
/// lately without a second factor (S35, S105: see `users/accounts/recent.rs`), tells the owner.
/// Signs nobody in, so a second factor is asked for at the sign-in that follows (S18). A refused
/// password does not spend the link.
pub(in crate::engine) async fn reset_password_with_token(
    engine: &Engine,
    caller: &Caller,
    token: &AccessToken,
    new_password: &Password,
) -> Outcome<()> {
    let now = engine.now();
    let link = engine.links().by_access_token(engine.store(), token, now).await?;
    let link = link.filter(|link| link.is_live(now)).ok_or(Code::InvalidAccessToken)?;
    if link.purpose != Purpose::ResetPassword {
        return Err(Code::InvalidTokenType.into());
    }
    let account =
        accounts::by_id(engine.store(), &link.user_id).await?.ok_or(Code::InvalidAccessToken)?;
    let [name, phone] =
        [&account.user.name, &account.user.phone].map(|text| text.as_deref().unwrap_or_default());
    judge_password(engine, caller, new_password, &[link.email.as_str(), name, phone]).await?;
    let password_hash = engine.hasher().hash(new_password, engine.random()).await?;

    let now = engine.now();
    let _change = engine.sessions().change(&account.user.id);
    let mut tx = engine.store().begin().await?;
    accounts::lock_holdings(&mut tx, &account.user.id).await?;
    let opener = Opener { is_asker: true, is_signer: true };
    if !verify_address(&mut tx, &link, &account, opener, now).await?
        || !engine.links().spend(&mut tx, &link, now).await?
    {
        return Err(Code::InvalidAccessToken.into());
    }
    let account = accounts::reload(&mut tx, &account.user.id).await?;
    let is_theirs = |account: &Account| account.user.email.as_deref() == Some(link.email.as_str());
    let account = account.filter(is_theirs).ok_or(Code::InvalidAccessToken)?;
    set_password(
        engine,
        caller,
        tx,
        &account,
        Recovered { by: RecoveryMethod::Email, password_hash },
    )
    .await
}

/// As [`reset_password_with_token`]. The code proves the number, as the link does the address.
///
/// Where codes of the second factor go to the same phone, a reset by it would make the phone enough
/// for everything (S18): an account that can be reset by email instead is refused with
/// `SecondFactorFirst`, unless that mailbox was added lately and would fall to this reset. A number
/// that is a second factor only resets nothing (`users/accounts/recent.rs`).
pub(in crate::engine) async fn reset_password_with_code(
    engine: &Engine,
    caller: &Caller,
    phone: &str,
    code: &str,
    new_password: &Password,
) -> Outcome<()> {
    let (phone, code) = parse_phone_and_code(engine, caller, phone, code).await?;
    // Before the guess is taken: a password that is refused costs none.
    judge_password(engine, caller, new_password, &[phone.as_str()]).await?;
    engine.limits().take_from_caller(LimitedAction::SignInFromAddress, caller, engine.now())?;
    let (guesser, asker) = (engine.guesser_at_phone(caller, &phone).await?, engine.asker(caller));
    let guess = Guess::at_phone([CodePurpose::ResetPassword; 2], &phone, &code, (&guesser, &asker));
    let right = engine.codes().guess(engine.store(), engine.limits(), &guess, engine.now()).await?;
    let invalid = || Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode);
    // Before the transaction: rating waits for a thread, and a transaction keeps other writes
    // waiting.
    let account = accounts::by_id(engine.store(), &right.user_id).await?.ok_or_else(invalid)?;
    let User { name, email, .. } = &account.user;
    let personal = [name, email].map(|text| text.as_deref().unwrap_or_default());
    judge_password(engine, caller, new_password, &personal).await?;
    let password_hash = engine.hasher().hash(new_password, engine.random()).await?;

    let now = engine.now();
    let _change = engine.sessions().change(&right.user_id);
    let mut tx = engine.store().begin().await?;
    accounts::lock_holdings(&mut tx, &right.user_id).await?;
    if !accounts::mark_phone_verified(&mut tx, &phone, &right.user_id, now).await?
        || !engine.codes().spend(&mut tx, &right, now).await?
    {
        return Err(invalid().into());
    }
    let account = accounts::reload(&mut tx, &right.user_id).await?;
    let account = account.filter(|account| !account.phone_is_second_only).ok_or_else(invalid)?;
    if account.user.two_factor && account.user.email_verified && !account.email_falls(now) {
        // The code is spent all the same: it has told whoever typed it that it was right.
        tx.commit().await?;
        return Err(Code::SecondFactorFirst.into());
    }
    set_password(
        engine,
        caller,
        tx,
        &account,
        Recovered { by: RecoveryMethod::Phone, password_hash },
    )
    .await
}

/// Proven address and new password of a reset.
struct Recovered {
    by: RecoveryMethod,
    password_hash: String,
}

/// Commits.
async fn set_password(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    account: &Account,
    Recovered { by, password_hash }: Recovered,
) -> Outcome<()> {
    let (user_id, now) = (&account.user.id, engine.now());
    let sql = "update users set password_hash = $2, updated_at = $3 where id = $1";
    tx.execute(sql, values![user_id, password_hash, now]).await?;
    links::revoke_all(&mut tx, user_id).await?;
    accounts::remove_recent_ways_in(&mut tx, user_id, by, now).await?;
    tx.execute("delete from sessions where user_id = $1", values![user_id]).await?;
    notify_of_reset(engine, &mut tx, caller, account).await?;
    Ok(tx.commit().await?)
}

/// Tells the owner, where the account can be reached now. A mailbox that the reset took away may be
/// a visitor's: it is told without a link that takes the account back, and without a name (S105).
async fn notify_of_reset(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    caller: &Caller,
    before: &Account,
) -> Outcome<()> {
    let account = accounts::reload(tx, &before.user.id).await?.ok_or(Code::InvalidAccessToken)?;
    engine.notify_owner(tx, caller, &account, Notification::PasswordChanged).await?;
    match before.mailbox().filter(|_| before.claims_email && !account.claims_email) {
        Some(left) => {
            let user = User { name: None, ..before.user.clone() };
            let nameless = Account { user, ..before.clone() };
            engine.notify_mailbox(tx, caller, &nameless, Notification::PasswordChanged, &left).await
        }
        None => Ok(()),
    }
}
