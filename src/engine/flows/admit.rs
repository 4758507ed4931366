//! The end of every first factor that was right.

use super::second_factor;
use crate::{
    engine::{Engine, accounts, store::Transaction, store::values, tokens},
    port::{Caller, Code, Entrance, Grant, Outcome},
};

/// In, or on to the second factor: the one place that decides it, so that none of the ways in can go round it (SECURITY.md
/// S18). Commits the transaction that spent the first factor. The caller holds the change of the account.
pub(super) async fn admit(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    user_id: &str,
) -> Outcome<Entrance> {
    let account = accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidSignInCredentials)?;
    if account.user.two_factor {
        return second_factor::challenge(engine, caller, tx, &account).await.map(Entrance::Challenged);
    }
    let_in(engine, caller, tx, user_id).await.map(Entrance::Granted)
}

/// Begins the session, after everything that was asked for. Commits.
pub(super) async fn let_in(engine: &Engine, caller: &Caller, mut tx: Transaction<'_>, user_id: &str) -> Outcome<Grant> {
    let now = engine.now();
    tx.execute("update users set last_login_at = $2 where id = $1", values![user_id, now]).await?;
    tokens::kill_resets(&mut tx, user_id).await?;
    let session = engine.sessions().begin(&mut tx, user_id, caller, engine.random(), now).await?;
    let user = accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidSignInCredentials)?.user;
    tx.commit().await?;
    Ok(Grant { user, session })
}
