//! Logouts that a provider tells of, behind our back: what of ours they end.
//!
//! # The contract
//!
//! * A logout is one row; its `jti` is taken once for each issuer, as long as the token could be
//!   taken for a fresh one and longer.
//! * It ends whatever began with the session at the provider that it names (`sid`); without one,
//!   whatever its subject began. What was never told a `sid` is ended with any session of its
//!   subject: nobody can say that it was not that one.
//! * **None slips through.** A sign-in is, one after the other, on its way back, an access token, a
//!   sign-in that waits for a second factor, a session; each step is one transaction that takes the
//!   row of the former. [`end`] deletes in that order, so what one statement missed because it was
//!   moving on, the next one waits for and finds. What was on its way back finds the row of the
//!   logout when its access token is spent ([`is_expired`]): it is from before the logout, as its
//!   id_token says.

use jiff::{SignedDuration, Timestamp};

use super::provider_sessions::{ProviderSession, ReportedSession};
use crate::engine::{
    clock::after,
    store::{StoreError, Transaction, damage, values},
};

/// How long a logout is remembered: what is on its way back takes at most ten minutes and is worth
/// something for ten more, and a token is fresh for ten.
const KEPT: SignedDuration = SignedDuration::from_mins(30);

/// A logout token that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Logout {
    pub(in crate::engine) issuer: String,
    /// Its name; no other token of the issuer has it.
    pub(in crate::engine) jti: String,
    /// One of these two at least.
    pub(in crate::engine) subject: Option<String>,
    pub(in crate::engine) sid: Option<String>,
    pub(in crate::engine) issued_at: Timestamp,
}

/// Notes a logout. `false` when it was noted before.
pub(in crate::engine) async fn note(
    tx: &mut Transaction<'_>,
    logout: &Logout,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "insert into provider_logouts (issuer, jti, subject, sid, issued_at, expires_at) \
               values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
    let Logout { issuer, jti, subject, sid, issued_at } = logout;
    let values = values![issuer, jti, subject.clone(), sid.clone(), *issued_at, after(now, KEPT)];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Ends what began with that sign-in at the provider. Answers whose the sessions were, one for
/// each. The caller makes the changes of these accounts known once the transaction is committed.
pub(in crate::engine) async fn end(
    tx: &mut Transaction<'_>,
    logout: &Logout,
) -> Result<Vec<String>, StoreError> {
    // This order: see the head of the module.
    const ENDED: [&str; 3] = [
        "delete from oauth_grants where login_issuer = $1 and (login_sid = $3 \
         or (login_subject = $2 and (login_sid is null or $3 is null)))",
        "delete from challenges where login_issuer = $1 and (login_sid = $3 \
         or (login_subject = $2 and (login_sid is null or $3 is null)))",
        "delete from sessions where login_issuer = $1 and (login_sid = $3 \
         or (login_subject = $2 and (login_sid is null or $3 is null))) returning user_id",
    ];
    let values = || values![&logout.issuer, logout.subject.clone(), logout.sid.clone()];
    tx.execute(ENDED[0], values()).await?;
    tx.execute(ENDED[1], values()).await?;
    damage::whole(&tx.fetch_all(ENDED[2], values()).await?, ("sessions", "user_id"), |row| {
        row.text("user_id")
    })
}

/// Whether a sign-in was over before it came to anything. A second is the grain of the times that
/// providers tell.
pub(in crate::engine) async fn is_expired(
    tx: &mut Transaction<'_>,
    provider_session: &ProviderSession,
    session: &ReportedSession,
) -> Result<bool, StoreError> {
    let Some(issued_at) = session.issued_at else { return Ok(false) };
    let sql = "select jti from provider_logouts where issuer = $1 and issued_at >= $4 \
               and (sid = $3 or (subject = $2 and (sid is null or $3 is null)))";
    let values = values![
        &provider_session.issuer,
        &provider_session.subject,
        provider_session.sid.clone(),
        issued_at
    ];
    Ok(tx.fetch_optional(sql, values).await?.is_some())
}
