//! Seeing and ending the sessions of one's own account.

use crate::{
    engine::{
        Engine,
        clock::before,
        sessions::{IDLE, read},
        store::{StoreError, Transaction, damage, values},
        users::accounts::{account_columns, holdings},
    },
    port::{Caller, Code, Outcome, Session},
};

/// The live sessions, newest first. Only the current one has its token: the others' are nowhere to
/// be had.
pub(in crate::engine) async fn get_all_sessions(
    engine: &Engine,
    caller: &Caller,
) -> Outcome<Vec<Session>> {
    const SQL: &str = concat!(
        "select s.id as session_id, s.started_at, s.last_seen_at, s.factor_shown, s.address, \
            s.user_agent, ",
        account_columns!(),
        " from sessions s join users u on u.id = s.user_id",
        holdings!(),
        "where s.user_id = $1 and s.expires_at > $2 and s.last_seen_at > $3 order by s.started_at \
            desc, s.id"
    );
    let current = engine.current(caller).await?.signed_in_user.session;
    let now = engine.now();
    let rows =
        engine.store().fetch_all(SQL, values![&current.user_id, now, before(now, IDLE)]).await?;
    let mut sessions = damage::whole(&rows, ("sessions", "session_id"), read)?;
    for session in &mut sessions {
        session.current = session.handle == current.handle;
        session.token = if session.current { current.token.clone() } else { None };
    }
    Ok(sessions)
}

/// Ends the caller's session, or another one of the same account (S34, S61). One that has ended
/// already is what was asked for (altogic-protocol.md §3, row 6); somebody else's, and what was
/// never a session, is refused.
pub(in crate::engine) async fn sign_out(
    engine: &Engine,
    caller: &Caller,
    handle: Option<&str>,
) -> Outcome<()> {
    let current = engine.current(caller).await?.signed_in_user.session;
    let _change = engine.sessions().change(&current.user_id);
    let mut tx = engine.store().begin().await?;
    let sql = "delete from sessions where user_id = $1 and id = $2";
    let mut ended =
        tx.execute(sql, values![&current.user_id, handle.unwrap_or(&current.handle)]).await?;
    for digest in engine.sessions().digests_of(handle.unwrap_or_default()) {
        let sql = "delete from sessions where user_id = $1 and token_digest = $2";
        ended += tx.execute(sql, values![&current.user_id, digest]).await?;
    }
    match handle {
        Some(handle) if ended == 0 && !has_ended(engine, &mut tx, handle).await? => {
            Err(Code::SessionNotFound.into())
        }
        _ => Ok(tx.commit().await?),
    }
}

/// Whether this may be the handle or the token of a session that is no more.
async fn has_ended(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    handle: &str,
) -> Result<bool, StoreError> {
    let is_handle = handle.len() == 24 && handle.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_token = handle.len() == 43
        && handle.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let mut lives = tx
        .fetch_optional("select id from sessions where id = $1", values![handle])
        .await?
        .is_some();
    for digest in engine.sessions().digests_of(handle) {
        let sql = "select id from sessions where token_digest = $1";
        lives |= tx.fetch_optional(sql, values![digest]).await?.is_some();
    }
    Ok((is_handle || is_token) && !lives)
}

/// Ends every session of the account.
pub(in crate::engine) async fn sign_out_all(engine: &Engine, caller: &Caller) -> Outcome<()> {
    let current = engine.current(caller).await?.signed_in_user.session;
    let _change = engine.sessions().change(&current.user_id);
    let sql = "delete from sessions where user_id = $1";
    engine.store().execute(sql, values![&current.user_id]).await?;
    Ok(())
}

/// Ends every session of the account but the caller's.
pub(in crate::engine) async fn sign_out_all_except_current(
    engine: &Engine,
    caller: &Caller,
) -> Outcome<()> {
    let current = engine.current(caller).await?.signed_in_user.session;
    let _change = engine.sessions().change(&current.user_id);
    let sql = "delete from sessions where user_id = $1 and id <> $2";
    engine.store().execute(sql, values![&current.user_id, &current.handle]).await?;
    Ok(())
}
