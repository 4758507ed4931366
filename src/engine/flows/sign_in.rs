//! Signing in with an address and a password.

use crate::{
    engine::{
        Engine,
        accounts::{self, Account},
        limits::{Action, exceeded},
        store::values,
        tokens,
    },
    port::{Caller, Code, Email, Entrance, Field, Grant, Outcome, Password, Problem, Refusal},
};

/// Compares a password and begins a session.
///
/// An unknown address, a wrong password, an account without one and an over-long password cost one hash each and are refused
/// alike (SECURITY.md S01, S02). Wrong guesses are counted for the typed address, whether or not it has an account (S06).
pub(in crate::engine) async fn sign_in_with_email(
    engine: &Engine,
    caller: &Caller,
    email: &str,
    password: &Password,
) -> Outcome<Entrance> {
    let email = judge(email, password)?;
    let now = engine.now();
    engine.limits().take_from_caller(Action::SignInFromAddress, caller, now)?;
    engine.limits().take(Action::SignInToAccount, email.as_str(), now).map_err(exceeded)?;
    let account = accounts::by_email(engine.store(), &email).await?.into_iter().next();
    let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
    let verdict = engine.hasher().verify(password, stored).await?;
    let Some(account) = account.filter(|_| verdict.right) else {
        return Err(Code::InvalidSignInCredentials.into());
    };
    engine.limits().give_back(Action::SignInToAccount, email.as_str());
    if !account.is_usable(engine.settings().confirm_email) {
        return Err(Code::EmailNotVerified.into());
    }
    let new_hash = if verdict.outdated { Some(engine.hasher().hash(password, engine.random()).await?) } else { None };
    begin(engine, caller, account, new_hash).await.map(Entrance::Granted)
}

/// Nothing typed, or no address at all: told before any account is looked at.
fn judge(email: &str, password: &Password) -> Result<Email, Refusal> {
    let email = Email::parse(email);
    let missing = password.expose().is_empty().then_some((Field::Password, Code::MissingPassword));
    let problems = email.as_ref().err().map(|code| (Field::Email, *code)).into_iter().chain(missing);
    Refusal::of_all(problems.map(|(field, code)| Problem { code, field: Some(field) }).collect())?;
    email.map_err(|code| Refusal::at(Field::Email, code))
}

/// Begins the session, unless the password was changed since it was compared: then it is wrong.
async fn begin(engine: &Engine, caller: &Caller, account: Account, new_hash: Option<String>) -> Outcome<Grant> {
    let Account { mut user, password_hash, .. } = account;
    let now = engine.now();
    let _change = engine.sessions().change(&user.id);
    let mut tx = engine.store().begin().await?;
    let sql = "update users set last_login_at = $2, password_hash = $3 where id = $1 and password_hash = $4";
    let next_hash = new_hash.or_else(|| password_hash.clone());
    if tx.execute(sql, values![&user.id, now, next_hash, password_hash]).await? == 0 {
        return Err(Code::InvalidSignInCredentials.into());
    }
    tokens::kill_resets(&mut tx, &user.id).await?;
    let session = engine.sessions().begin(&mut tx, &user.id, caller, engine.random(), now).await?;
    tx.commit().await?;
    user.last_login_at = now;
    Ok(Grant { user, session })
}
