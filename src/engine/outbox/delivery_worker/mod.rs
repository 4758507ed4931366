//! The delivery worker: takes messages out of the outbox and sends them.
//!
//! Delivery workers of several machines share one outbox: a message is taken by moving its next
//! attempt on by a lease, in one conditional update that only one of them wins. What goes wrong
//! with one message keeps no other back (R29), and email and texts have a round each, so that
//! neither waits for the other's server.

use std::{future, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::{
    EmailBody, Medium, Outbox, seal_context,
    sms::{OutgoingSms, SmsTransport},
    transport::{Outgoing, SendError, Transport},
};
use crate::{
    engine::store::{Row, Store, StoreError, damage, values},
    port::{Clock, Failure, Random},
    telemetry::log_throttle::{self, LogDecision},
};

/// The longest wait between two tries.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// No message is put back for longer: one that waits for a time beyond was written while the clock
/// ran ahead (R15).
const FARTHEST: SignedDuration = SignedDuration::from_hours(2);
/// No digest waits for longer.
const FARTHEST_WAIT: SignedDuration = SignedDuration::from_hours(72);
/// A clock that goes back by less is one that is kept right.
const STEP: SignedDuration = SignedDuration::from_secs(10);
/// A message that could not be sent for so long is given up.
const GIVE_UP: SignedDuration = SignedDuration::from_hours(48);
/// Messages read at once.
const BATCH: i64 = 50;
/// How often the outbox is looked into when nothing is heard: messages of other machines, and those
/// that wait for a retry.
const LOOK: Duration = Duration::from_secs(2);
/// How long a message in hand may take once the process is told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// The outbox is heard of before the commit; a moment later the message is there.
const MOMENT: Duration = Duration::from_millis(50);
/// The pauses after which a message that went out is deleted again where it could not be, well
/// within the lease.
const DELETED_AGAIN: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2)];

/// Sends. Cloning is cheap.
#[derive(Clone)]
pub struct DeliveryWorker {
    store: Store,
    outbox: Outbox,
    mail: Transport,
    sms: SmsTransport,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Medium {
    /// How long one delivery worker has for a message before another may take it: more than a try
    /// takes, and for a text little beside the minute that some codes live.
    fn lease(self) -> SignedDuration {
        match self {
            Self::Email => SignedDuration::from_mins(2),
            Self::Sms => SignedDuration::from_secs(15),
        }
    }

    /// The wait after a first failure; it doubles with each one, up to [`LONGEST_WAIT`].
    fn first_wait(self) -> SignedDuration {
        match self {
            Self::Email => SignedDuration::from_secs(5),
            Self::Sms => SignedDuration::from_secs(3),
        }
    }

    /// Tries of a message that is worthless soon: somebody waits for a code and asks for another
    /// (R11).
    fn tries_of_a_code(self) -> Option<i64> {
        match self {
            Self::Email => None,
            Self::Sms => Some(2),
        }
    }

    /// Messages in hand at the same moment, so that a provider that hangs does not use up the
    /// minute of other codes.
    fn at_once(self) -> usize {
        match self {
            Self::Email => 1,
            Self::Sms => 8,
        }
    }
}

impl DeliveryWorker {
    /// A delivery worker between an outbox and the ways out.
    pub fn new(
        store: Store,
        outbox: Outbox,
        mail: Transport,
        sms: SmsTransport,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { store, outbox, mail, sms, clock, random }
    }

    /// Sends what is due until told to stop; finishes the messages in hand, and leaves the others
    /// to the next process.
    pub async fn run(self, stopped: watch::Receiver<bool>) {
        if let Err(error) = self.take_over().await {
            tracing::warn!(
                "messages of a former process wait for their next try: {}",
                Failure::from(error)
            );
        }
        let rounds =
            (self.round(Medium::Email, stopped.clone()), self.round(Medium::Sms, stopped.clone()));
        tokio::join!(rounds.0, rounds.1, self.watch_clock(stopped));
    }

    /// Sends everything that is due now; answers how many messages went out.
    pub async fn drain(&self) -> usize {
        let (_stop, stopped) = watch::channel(false);
        let (mail, sms) = tokio::join!(
            self.drain_medium(Medium::Email, &stopped),
            self.drain_medium(Medium::Sms, &stopped)
        );
        mail + sms
    }

    /// Takes what a former process had in hand when it was killed: with a database of our own there
    /// is no other delivery worker whose lease could still run, and somebody waits for that email.
    async fn take_over(&self) -> Result<(), StoreError> {
        if self.store.is_shared() {
            return Ok(());
        }
        let sql =
            "update outbox set next_attempt_at = $1 where dead_at is null and next_attempt_at > $1";
        self.store.execute(sql, values![self.clock.now()]).await.map(drop)
    }

    async fn watch_clock(&self, mut stopped: watch::Receiver<bool>) {
        let mut looked_at = self.clock.now();
        while tokio::time::timeout(LOOK, stopped.wait_for(|stopped| *stopped)).await.is_err() {
            self.check_clock(&mut looked_at).await;
        }
    }

    /// Looks whether the clock was set back since the last look. What waits for a time that was
    /// near is far away then: with a database of our own it is due at once (R15).
    async fn check_clock(&self, looked_at: &mut Timestamp) {
        let now = self.clock.now();
        let back = looked_at.duration_since(now);
        if back > STEP {
            tracing::warn!("the clock was set back by {} s", back.as_secs());
            if let Err(error) = self.take_over().await {
                tracing::warn!(
                    "what waits in the outbox waits for the former time: {}",
                    Failure::from(error)
                );
                return;
            }
        }
        *looked_at = now;
    }

    async fn round(&self, medium: Medium, stopped: watch::Receiver<bool>) {
        let mut stop = std::pin::pin!(told(stopped.clone()));
        let mut late = std::pin::pin!(async {
            told(stopped.clone()).await;
            tokio::time::sleep(GRACE).await;
        });
        loop {
            tokio::select! {
                _ = self.drain_medium(medium, &stopped) => {}
                () = &mut late => {
                    tracing::warn!("a message in hand is left to the next process, which may send \
                        it twice");
                    return;
                }
            }
            tokio::select! {
                () = self.outbox.wakeup(medium).notified() => tokio::time::sleep(MOMENT).await,
                () = tokio::time::sleep(LOOK) => {}
                () = &mut stop => return,
            }
        }
    }

    async fn drain_medium(&self, medium: Medium, stopped: &watch::Receiver<bool>) -> usize {
        match self.send_due(medium, stopped).await {
            Ok(sent) => sent,
            Err(error) => {
                let failure = Failure::from(error);
                if let LogDecision::Line { kept_back } = log_throttle::log_decision(&failure) {
                    tracing::warn!(kept_back, "the outbox cannot be read: {failure}");
                }
                0
            }
        }
    }

    async fn send_due(
        &self,
        medium: Medium,
        stopped: &watch::Receiver<bool>,
    ) -> Result<usize, StoreError> {
        let mut sent = 0;
        loop {
            let sql = "select * from outbox where channel = $1 and dead_at is null \
                       and (next_attempt_at <= $2 or next_attempt_at > $3) \
                       and (not_before is null or not_before <= $2 or not_before > $5) \
                       order by goes_first desc, created_at, next_attempt_at limit $4";
            let now = self.clock.now();
            let due = self
                .store
                .fetch_all(
                    sql,
                    values![
                        medium.word(),
                        now,
                        later(now, FARTHEST),
                        BATCH,
                        later(now, FARTHEST_WAIT)
                    ],
                )
                .await?;
            if due.is_empty() || *stopped.borrow() {
                return Ok(sent);
            }
            let goes_on = |_: &Row| future::ready(!*stopped.borrow());
            let handled = stream::iter(due)
                .take_while(goes_on)
                .map(|row| async move { self.handle_or_mark_dead(medium, &row).await });
            for outcome in handled.buffer_unordered(medium.at_once()).collect::<Vec<_>>().await {
                sent += usize::from(outcome?);
            }
        }
    }

    /// As [`handle`](Self::handle); a damaged row is set aside, so that it keeps no other message
    /// back.
    async fn handle_or_mark_dead(&self, medium: Medium, row: &Row) -> Result<bool, StoreError> {
        let id = row.text("id").unwrap_or_default();
        let Some(sent) = damage::spare(self.handle(medium, row).await, "outbox", &id)? else {
            self.mark_damaged_dead(row, self.clock.now()).await?;
            return Ok(false);
        };
        Ok(sent)
    }

    /// As [`mark_dead`](Self::mark_dead), also where the id itself is damaged: only SQLite can have
    /// such a row, and knows it by its bytes.
    async fn mark_damaged_dead(&self, row: &Row, now: Timestamp) -> Result<(), StoreError> {
        const REASON: &str = "its row is damaged";
        if let Ok(id) = row.text("id") {
            return self.mark_dead(&id, REASON, now).await;
        }
        let sql = "update outbox set dead_at = $2, last_error = $3 where cast(id as blob) = $1";
        self.store
            .execute(sql, values![row.bytes("id").unwrap_or_default(), now, REASON])
            .await
            .map(drop)
    }

    /// Takes one message and sends it. `false` when it was not sent, for whatever reason.
    async fn handle(&self, medium: Medium, row: &Row) -> Result<bool, StoreError> {
        let (id, kind, now) = (row.text("id")?, row.text("kind")?, self.clock.now());
        let sql = "update outbox set next_attempt_at = $3, attempts = attempts + 1 \
                   where id = $1 and next_attempt_at = $2 and dead_at is null";
        let leased = later(now, medium.lease());
        if self.store.execute(sql, values![&id, row.integer("next_attempt_at")?, leased]).await?
            == 0
        {
            return Ok(false);
        }
        if row.optional_time("expires_at")?.is_some_and(|end| end <= now) {
            tracing::info!(id, kind, "a message was not sent any more: its link or code has died");
            self.delete(&id).await?;
            return Ok(false);
        }
        let Some((to, body)) = self.open(row, &id)? else {
            self.mark_dead(&id, "it cannot be opened with the secret keys there are", now).await?;
            tracing::error!(
                id,
                kind,
                "a message cannot be opened: is an older secret_key missing?"
            );
            return Ok(false);
        };
        match self.send(medium, row, to, body, now).await? {
            Ok(()) => {
                self.delete_sent(&id).await?;
                return Ok(true);
            }
            Err(SendError::Permanent(reason) | SendError::Unclear(reason)) => {
                tracing::error!(id, kind, reason, "a message is given up");
                self.mark_dead(&id, &reason, now).await?;
            }
            Err(SendError::Temporary { reason, retry_after }) => {
                self.put_back(medium, row, &reason, retry_after, now).await?;
            }
        }
        Ok(false)
    }

    /// Recipient and body.
    fn open(&self, row: &Row, id: &str) -> Result<Option<(String, Vec<u8>)>, StoreError> {
        let opened = |column: &str, sealed: Vec<u8>| {
            self.outbox.0.seal.open(&seal_context(id, column), &sealed)
        };
        let to = opened("recipient", row.bytes("recipient_sealed")?)
            .and_then(|to| String::from_utf8(to).ok());
        Ok(to.zip(opened("body", row.bytes("body_sealed")?)))
    }

    async fn send(
        &self,
        medium: Medium,
        row: &Row,
        to: String,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Result<Result<(), SendError>, StoreError> {
        let (id, created) = (row.text("id")?, row.time("created_at")?.into());
        let unreadable =
            || Ok(Err(SendError::Permanent("it is not written as this version writes".to_owned())));
        Ok(match medium {
            Medium::Email => {
                let (Ok(to), Ok(body)) = (to.parse(), serde_json::from_slice(&body)) else {
                    return unreadable();
                };
                let EmailBody { subject, text, html, .. } = body;
                let host = self.outbox.0.host.clone();
                self.mail.send(Outgoing { id, to, subject, text, html, created, host }).await
            }
            Medium::Sms => {
                let Ok(text) = String::from_utf8(body) else { return unreadable() };
                let expires_at = row.optional_time("expires_at")?;
                self.sms.send(OutgoingSms { id, to, text, created, sent_at: now, expires_at }).await
            }
        })
    }

    /// Tries again later, or gives up: a code after its tries, everything after two days.
    async fn put_back(
        &self,
        medium: Medium,
        row: &Row,
        reason: &str,
        retry_after: Option<SignedDuration>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (id, kind, attempts) = (row.text("id")?, row.text("kind")?, row.integer("attempts")?);
        let ends = row.optional_integer("expires_at")?.is_some();
        let is_last = ends && medium.tries_of_a_code().is_some_and(|tries| attempts + 1 >= tries);
        if is_last || later(row.time("created_at")?, GIVE_UP) <= now {
            tracing::error!(
                id,
                kind,
                attempts,
                reason,
                "a message could not be sent and is given up"
            );
            return self.mark_dead(&id, reason, now).await;
        }
        tracing::warn!(
            id,
            kind,
            attempts,
            reason,
            "a message could not be sent and will be tried again"
        );
        let wait =
            self.wait(medium, attempts).max(retry_after.unwrap_or_default().min(LONGEST_WAIT));
        let sql = "update outbox set next_attempt_at = $2, last_error = $3 where id = $1";
        self.store.execute(sql, values![&id, later(now, wait), reason]).await.map(drop)
    }

    /// Doubling, with up to a quarter more by chance, so that messages which failed together do not
    /// come back together.
    fn wait(&self, medium: Medium, attempts: i64) -> SignedDuration {
        let doublings = u32::try_from(attempts.clamp(0, 16)).unwrap_or_default();
        let wait = medium.first_wait().saturating_mul(1 << doublings).min(LONGEST_WAIT);
        let mut chance = [0];
        self.random.fill(&mut chance);
        wait + wait / 4 * i32::from(chance[0]) / 255
    }

    async fn mark_dead(&self, id: &str, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update outbox set dead_at = $2, last_error = $3 where id = $1";
        self.store.execute(sql, values![id, now, reason]).await.map(drop)
    }

    /// As [`delete`](Self::delete), and not given up at once: a row that stays is sent again, and a
    /// text is paid for twice (R03).
    async fn delete_sent(&self, id: &str) -> Result<(), StoreError> {
        for pause in DELETED_AGAIN {
            match self.delete(id).await {
                Err(error) if error.is_passing() => tokio::time::sleep(pause).await,
                done => return done,
            }
        }
        self.delete(id).await
    }

    async fn delete(&self, id: &str) -> Result<(), StoreError> {
        self.store.execute("delete from outbox where id = $1", values![id]).await.map(drop)
    }
}

/// Waits to be told to stop.
async fn told(mut stopped: watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}

fn later(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.checked_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
