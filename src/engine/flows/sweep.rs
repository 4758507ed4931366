//! Deleting what time has made worthless.

use jiff::SignedDuration;

use crate::engine::{
    Engine,
    sessions::IDLE,
    store::{StoreError, values},
    tokens::before,
};

/// How long an account waits for the proof of its address: a week covers a holiday, and a confirmation link can be asked for
/// again all that time.
const WAITING: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One short transaction for each kind, so that nobody waits for it.
pub(in crate::engine) async fn sweep(engine: &Engine) -> Result<(), StoreError> {
    let (store, now) = (engine.store(), engine.now());
    let sessions = "delete from sessions where expires_at <= $1 or last_seen_at <= $2";
    store.execute(sessions, values![now, before(now, IDLE)]).await?;
    store.execute("delete from links where expires_at <= $1 or spent_at is not null", values![now]).await?;
    let waiting = "delete from users where email is not null and email_verified_at is null and signed_up_at <= $1 \
                   and not exists (select 1 from held_emails h where h.user_id = users.id)";
    store.execute(waiting, values![before(now, WAITING)]).await?;
    Ok(())
}
