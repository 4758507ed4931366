//! Changing the password while signed in.

use super::proofs::require_fresh_proof;
use crate::{
    engine::{
        Engine,
        accounts::Account,
        limits::{Guesser, NewGuess, Secret},
        outbox::Security,
        passwords,
        rules::Operation,
        sessions::Current,
        store::values,
        tokens,
    },
    port::{Caller, Code, Door, Field, Outcome, Password, Refusal, Session, Trouble},
};

/// Changes the password. Every other session and every link ends, the owner is told (SECURITY.md S21, S35). At the pages the
/// session goes on with a new token (S32); on the wire with the old one, as clients expect.
///
/// The current password is proof enough. An account without one, which a mailed link signs in, gets its first one at the pages,
/// with a fresh proof (S20); on the wire there is no other proof, so there it is refused.
pub(in crate::engine) async fn change_password(
    engine: &Engine,
    caller: &Caller,
    old_password: &Password,
    new_password: &Password,
) -> Outcome<Session> {
    let current = engine.current(caller).await?;
    if current.account.password_hash.is_none() && caller.door == Door::Pages {
        require_fresh_proof(engine, &current)?;
    } else {
        confirm_password(engine, &current, old_password).await?;
    }
    let account = &current.account;
    judge(engine, caller, account, [old_password, new_password]).await?;
    let password_hash = engine.hasher().hash(new_password, engine.random()).await?;

    let user_id = &account.user.id;
    let _change = engine.sessions().change(user_id);
    let mut tx = engine.store().begin().await?;
    let mut session = engine.locked(&mut tx, &current, Operation::ChangePassword).await?.member.session;
    let handle = &session.handle;
    let sql = "update users set password_hash = $2, updated_at = $3 \
               where id = $1 and coalesce(password_hash, '') = $4";
    let values = values![user_id, password_hash, engine.now(), account.password_hash.clone().unwrap_or_default()];
    if tx.execute(sql, values).await? == 0 {
        return Err(Refusal::at(Field::CurrentPassword, Code::InvalidCredentials).into());
    }
    tx.execute("delete from sessions where user_id = $1 and id <> $2", values![user_id, handle]).await?;
    tokens::kill_all(&mut tx, user_id).await?;
    if caller.door == Door::Pages {
        let token = engine.sessions().renew(&mut tx, handle, false, engine.random(), engine.now()).await?;
        session.token = Some(token.ok_or(Code::InvalidSessionToken)?);
    }
    engine.tell_owner(&mut tx, caller, account, Security::PasswordChanged).await?;
    tx.commit().await?;
    Ok(session)
}

/// Compares the current password, typed to confirm a change. Wrong guesses are counted for the session, so that whoever stole another
/// one does not keep the owner from it, and for all sessions of the account.
///
/// # Errors
/// `MissingPassword` or `InvalidCredentials` at the field, `RateLimitExceeded`.
pub(super) async fn confirm_password(engine: &Engine, current: &Current, typed: &Password) -> Outcome<()> {
    let guesser = Guesser::Session(current.member.session.handle.clone());
    confirm_password_of(engine, &current.account, &guesser, typed).await
}

/// As [`confirm_password`], where nobody is signed in.
///
/// # Errors
/// As [`confirm_password`].
pub(super) async fn confirm_password_of(
    engine: &Engine,
    account: &Account,
    guesser: &Guesser,
    typed: &Password,
) -> Outcome<()> {
    if typed.expose().is_empty() {
        return Err(Refusal::at(Field::CurrentPassword, Code::MissingPassword).into());
    }
    let guess = NewGuess { secret: Secret::CurrentPassword, target: &account.user.id, guesser, is_asker: false };
    let taken = engine.limits().take_guess(&guess, engine.now())?;
    let verdict = engine.hasher().verify(typed, account.password_hash.as_deref()).await;
    if matches!(verdict, Ok(verdict) if !verdict.right) {
        return Err(Refusal::at(Field::CurrentPassword, Code::InvalidCredentials).into());
    }
    // One that nobody could look at is no guess either.
    engine.limits().give_guess_back(&taken);
    verdict.map(drop).map_err(Trouble::from)
}

async fn judge(engine: &Engine, caller: &Caller, account: &Account, [old, new]: [&Password; 2]) -> Outcome<()> {
    let settings = engine.settings();
    let name = account.user.name.as_deref().unwrap_or_default();
    let email = account.user.email.as_deref().unwrap_or_default();
    let phone = account.user.phone.as_deref().unwrap_or_default();
    let judged = passwords::rate(engine, caller, new, &[email, phone, name, &*settings.product_name]).await?;
    let judged = if old.expose() == new.expose() { Err(Code::PasswordUnchanged) } else { judged };
    judged.map_err(|code| Refusal::at(Field::Password, code).into())
}
