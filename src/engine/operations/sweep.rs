//! Deleting what time has made worthless.

use std::{mem, sync::PoisonError, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::engine::{
    Engine,
    clock::{after, before},
    outbox::digests,
    sessions::{AHEAD, IDLE, LIFE, devices::TRUST},
    store::{Store, StoreError, values},
    two_factor::authenticators,
};

/// How long an account waits for the proof of its address: a week covers a holiday, and a
/// confirmation link can be asked for again all that time.
const WAITING: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The longest life of what is emailed or typed: the link that says "that was not me".
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Files that one sweep looks at: a fraction of a second. The next one goes on from there.
const FILES_AT_ONCE: usize = 1000;

/// How long bytes may wait for their row; a transaction takes seconds.
const ORPHAN: Duration = Duration::from_secs(24 * 3600);

/// One short transaction for each kind, so that nobody waits for it.
pub(in crate::engine) async fn sweep(engine: &Engine) -> Result<(), StoreError> {
    let (store, now) = (engine.store(), engine.now());
    let sessions = "delete from sessions where expires_at <= $1 or last_seen_at <= $2";
    store.execute(sessions, values![now, before(now, IDLE)]).await?;
    store
        .execute("delete from links where expires_at <= $1 or spent_at is not null", values![now])
        .await?;
    store.execute("delete from codes where expires_at <= $1", values![now]).await?;
    store.execute("delete from challenges where expires_at <= $1", values![now]).await?;
    store.execute("delete from oauth_starts where expires_at <= $1", values![now]).await?;
    store.execute("delete from oauth_grants where expires_at <= $1", values![now]).await?;
    store.execute("delete from oauth_offers where expires_at <= $1", values![now]).await?;
    store.execute("delete from provider_logouts where expires_at <= $1", values![now]).await?;
    store.execute("delete from provider_farewells where expires_at <= $1", values![now]).await?;
    let former = "delete from authenticators where confirmed = 2 and created_at <= $1";
    store.execute(former, values![before(now, authenticators::KEPT)]).await?;
    let waiting = "delete from users where email_verified_at is null and phone_verified_at is null \
                   and (email is not null or phone is not null) and signed_up_at <= $1 \
                   and not exists (select 1 from held_emails h where h.user_id = users.id) \
                   and not exists (select 1 from held_phones h where h.user_id = users.id) \
                   and not exists (select 1 from identities i where i.user_id = users.id)";
    store.execute(waiting, values![before(now, WAITING)]).await?;
    store.execute("delete from outbox where dead_at <= $1", values![before(now, WAITING)]).await?;
    let told = "delete from notifications where updated_at <= $1 \
                and (updated_at <= $2 or channel <> 'sms' or message_id is not null or waiting = \
                '[]')";
    store.execute(told, values![before(now, WAITING), before(now, digests::KEPT)]).await?;
    super::notify::send_kept(engine).await?;
    store
        .execute("delete from text_days where day < $1", values![now.as_second() / 86_400 - 30])
        .await?;
    shorten(store, now).await?;
    sweep_files(engine).await
}

/// Shortens what was begun while the clock ran ahead and would live until then (R15): a session
/// gets the life of one that begins now, what is emailed or typed within days is deleted. Days of
/// grace, for a clock that is a little wrong is no reason to sign anybody out.
async fn shorten(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    let sessions = "update sessions set expires_at = $1, \
                    last_seen_at = case when last_seen_at > $2 then $2 else last_seen_at end where \
                    expires_at > $3";
    let farthest = after(after(now, LIFE), AHEAD);
    store.execute(sessions, values![after(now, LIFE), now, farthest]).await?;
    let trust = "update devices set trusted_until = $1 where trusted_until > $2";
    store.execute(trust, values![after(now, TRUST), after(after(now, TRUST), AHEAD)]).await?;
    let farthest = after(after(now, LONGEST), AHEAD);
    for sql in [
        "delete from links where expires_at > $1",
        "delete from codes where expires_at > $1",
        "delete from challenges where expires_at > $1",
        "delete from oauth_starts where expires_at > $1",
        "delete from oauth_grants where expires_at > $1",
        "delete from oauth_offers where expires_at > $1",
    ] {
        store.execute(sql, values![farthest]).await?;
    }
    Ok(())
}

/// Removes bytes without a row: a crash between the two left them. Young ones may have their row in
/// a moment.
async fn sweep_files(engine: &Engine) -> Result<(), StoreError> {
    let files = engine.files();
    let swept_to = || files.swept_to.lock().unwrap_or_else(PoisonError::into_inner);
    let after = mem::take(&mut *swept_to());
    let stretch =
        files.bytes.stretch(&after, FILES_AT_ONCE, ORPHAN).await.map_err(StoreError::Files)?;
    *swept_to() = stretch.next;
    for id in stretch.old {
        let known = engine
            .store()
            .fetch_optional("select id from files where content_id = $1", values![&id])
            .await?;
        if known.is_none() {
            super::store_file::remove_bytes(engine, &id).await;
        }
    }
    Ok(())
}
