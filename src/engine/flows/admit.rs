//! The end of every first factor that was right.

use super::second_factor;
use crate::{
    engine::{Engine, accounts, store::Transaction, store::values, tokens},
    port::{Caller, Code, Entrance, Grant, Outcome},
};

/// What somebody has proved who wants in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstFactor {
    /// That they have the phone: a code that went there cannot be the second factor as well (SECURITY.md S18).
    Phone,
    Other,
}

/// In, or on to the second factor: the one place that decides it, so that none of the ways in can go round it (SECURITY.md
/// S18). Commits the transaction that spent the first factor. The caller holds the change of the account.
pub(super) async fn admit(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    user_id: &str,
    first: FirstFactor,
) -> Outcome<Entrance> {
    let account = accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidSignInCredentials)?;
    if account.has_second_factor() && !engine.devices().is_trusted(&mut tx, user_id, caller, engine.now()).await? {
        return second_factor::challenge(engine, caller, tx, &account, first).await.map(Entrance::Challenged);
    }
    let_in(engine, caller, tx, user_id, false).await.map(Entrance::Granted)
}

/// Begins the session, after everything that was asked for, and remembers the browser; commits. Where `trust` is true, the
/// browser is not asked for a second factor for a while.
pub(super) async fn let_in(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    user_id: &str,
    trust: bool,
) -> Outcome<Grant> {
    let now = engine.now();
    tx.execute("update users set last_login_at = $2 where id = $1", values![user_id, now]).await?;
    tokens::kill_resets(&mut tx, user_id).await?;
    let remembered = engine.devices().remember(&mut tx, user_id, caller, trust, engine.random(), now).await?;
    let session = engine.sessions().begin(&mut tx, user_id, caller, engine.random(), now).await?;
    let user = accounts::reload(&mut tx, user_id).await?.ok_or(Code::InvalidSignInCredentials)?.user;
    tx.commit().await?;
    Ok(Grant { user, session, device: remembered.ticket })
}
