//! Seeing and ending the sessions of one's own account.

use crate::{
    engine::{Engine, sessions::read, store::values, tokens::before},
    engine::{
        accounts::{account_columns, holdings},
        sessions::IDLE,
    },
    port::{Caller, Code, Outcome, Session},
};

/// The live sessions, newest first. Only the current one has its token: the others' are nowhere to be had (DESIGN.md §4.1).
pub(in crate::engine) async fn get_all_sessions(engine: &Engine, caller: &Caller) -> Outcome<Vec<Session>> {
    const SQL: &str = concat!(
        "select s.id as session_id, s.started_at, s.last_seen_at, s.address, s.user_agent, ",
        account_columns!(),
        " from sessions s join users u on u.id = s.user_id",
        holdings!(),
        "where s.user_id = $1 and s.expires_at > $2 and s.last_seen_at > $3 order by s.started_at desc, s.id"
    );
    let current = engine.current(caller).await?.member.session;
    let now = engine.now();
    let rows = engine.store().fetch_all(SQL, values![&current.user_id, now, before(now, IDLE)]).await?;
    let mut sessions = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for session in &mut sessions {
        session.current = session.handle == current.handle;
        session.token = if session.current { current.token.clone() } else { None };
    }
    Ok(sessions)
}

/// Ends the caller's session, or another one of the same account (SECURITY.md S34, S61).
pub(in crate::engine) async fn sign_out(engine: &Engine, caller: &Caller, handle: Option<&str>) -> Outcome<()> {
    let current = engine.current(caller).await?.member.session;
    let _change = engine.sessions().change(&current.user_id);
    let mut tx = engine.store().begin().await?;
    let sql = "delete from sessions where user_id = $1 and id = $2";
    let mut ended = tx.execute(sql, values![&current.user_id, handle.unwrap_or(&current.handle)]).await?;
    for digest in engine.sessions().digests_of(handle.unwrap_or_default()) {
        let sql = "delete from sessions where user_id = $1 and token_digest = $2";
        ended += tx.execute(sql, values![&current.user_id, digest]).await?;
    }
    tx.commit().await?;
    // One's own session that ended a moment ago is what was asked for.
    if ended == 0 && handle.is_some() { Err(Code::SessionNotFound.into()) } else { Ok(()) }
}

/// Ends every session of the account.
pub(in crate::engine) async fn sign_out_all(engine: &Engine, caller: &Caller) -> Outcome<()> {
    let current = engine.current(caller).await?.member.session;
    let _change = engine.sessions().change(&current.user_id);
    let sql = "delete from sessions where user_id = $1";
    engine.store().execute(sql, values![&current.user_id]).await?;
    Ok(())
}

/// Ends every session of the account but the caller's.
pub(in crate::engine) async fn sign_out_all_except_current(engine: &Engine, caller: &Caller) -> Outcome<()> {
    let current = engine.current(caller).await?.member.session;
    let _change = engine.sessions().change(&current.user_id);
    let sql = "delete from sessions where user_id = $1 and id <> $2";
    engine.store().execute(sql, values![&current.user_id, &current.handle]).await?;
    Ok(())
}
