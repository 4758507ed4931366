//! The courier: takes letters out of the outbox and sends them.
//!
//! Couriers of several machines share one outbox: a letter is taken by moving its next attempt a minute on, in one
//! conditional update that only one of them wins. What goes wrong with one letter keeps no other back (SECURITY.md R29).

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::{
    Channel, LetterBody, Outbox, place,
    sms::{OutgoingText, SmsTransport},
    transport::{Outgoing, SendError, Transport},
};
use crate::{
    engine::store::{Row, Store, StoreError, values},
    port::{Clock, Random},
};

/// How long one courier has for a letter before another may take it.
const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// The wait after a first failure; it doubles with each one, up to [`LONGEST_WAIT`].
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(5);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// A letter that could not be sent for so long is given up.
const GIVE_UP: SignedDuration = SignedDuration::from_hours(48);
/// Letters read at once.
const BATCH: i64 = 50;
/// How often the outbox is looked into when nothing is heard: letters of other machines, and those that wait for a retry.
const LOOK: Duration = Duration::from_secs(2);
/// The outbox is heard of before the commit; a moment later the letter is there.
const MOMENT: Duration = Duration::from_millis(50);

/// Sends. Cloning is cheap.
#[derive(Clone)]
pub struct Courier {
    store: Store,
    outbox: Outbox,
    mail: Transport,
    sms: SmsTransport,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Courier {
    /// A courier between an outbox and the ways out.
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

    /// Sends what is due until told to stop; finishes the messages in hand. Mail and texts have a round each.
    pub async fn run(self, stopped: watch::Receiver<bool>) {
        tokio::join!(self.round(Channel::Mail, stopped.clone()), self.round(Channel::Sms, stopped));
    }

    /// Sends everything that is due now; answers how many messages went out.
    pub async fn drain(&self) -> usize {
        let (mail, sms) = tokio::join!(self.drain_channel(Channel::Mail), self.drain_channel(Channel::Sms));
        mail + sms
    }

    async fn round(&self, channel: Channel, mut stopped: watch::Receiver<bool>) {
        let mut stop = std::pin::pin!(async move { drop(stopped.wait_for(|stopped| *stopped).await) });
        loop {
            self.drain_channel(channel).await;
            tokio::select! {
                () = self.outbox.news(channel).notified() => tokio::time::sleep(MOMENT).await,
                () = tokio::time::sleep(LOOK) => {}
                () = &mut stop => return,
            }
        }
    }

    async fn drain_channel(&self, channel: Channel) -> usize {
        match self.send_due(channel).await {
            Ok(sent) => sent,
            Err(error) => {
                tracing::warn!("the outbox cannot be read: {}", crate::port::Failure::from(error));
                0
            }
        }
    }

    async fn send_due(&self, channel: Channel) -> Result<usize, StoreError> {
        let mut sent = 0;
        loop {
            let now = self.clock.now();
            let sql = "select * from outbox where channel = $1 and dead_at is null and next_attempt_at <= $2 \
                       order by created_at, next_attempt_at limit $3";
            let due = self.store.fetch_all(sql, values![channel.word(), now, BATCH]).await?;
            if due.is_empty() {
                return Ok(sent);
            }
            for row in due {
                sent += usize::from(self.handle(channel, &row, now).await?);
            }
        }
    }

    /// Takes one letter and sends it. `false` when it was not sent, for whatever reason.
    async fn handle(&self, channel: Channel, row: &Row, now: Timestamp) -> Result<bool, StoreError> {
        let (id, kind) = (row.text("id")?, row.text("kind")?);
        let sql = "update outbox set next_attempt_at = $3, attempts = attempts + 1 \
                   where id = $1 and next_attempt_at = $2 and dead_at is null";
        let taken = self.store.execute(sql, values![&id, row.integer("next_attempt_at")?, later(now, LEASE)]).await?;
        if taken == 0 {
            return Ok(false);
        }
        if row.optional_integer("expires_at")?.is_some_and(|end| end <= now.as_millisecond()) {
            tracing::info!(id, kind, "a letter was not sent any more: its link has died");
            self.delete(&id).await?;
            return Ok(false);
        }
        let Some((to, body)) = self.open(row, &id)? else {
            self.bury(&id, "it cannot be opened with the secret keys there are", now).await?;
            tracing::error!(id, kind, "a letter cannot be opened: is an older secret_key missing?");
            return Ok(false);
        };
        match self.send(channel, &id, to, body, (row.time("created_at")?, now)).await {
            Ok(()) => {
                self.delete(&id).await?;
                Ok(true)
            }
            Err(SendError::Permanent(reason)) => {
                tracing::error!(id, kind, reason, "a letter was refused and is given up");
                self.bury(&id, &reason, now).await?;
                Ok(false)
            }
            Err(SendError::Temporary(reason)) => {
                self.put_back(row, &id, &reason, now).await?;
                Ok(false)
            }
        }
    }

    /// Recipient and body.
    fn open(&self, row: &Row, id: &str) -> Result<Option<(String, Vec<u8>)>, StoreError> {
        let opened = |column: &str, sealed: Vec<u8>| self.outbox.0.seal.open(&place(id, column), &sealed);
        let to = opened("recipient", row.bytes("recipient_sealed")?).and_then(|to| String::from_utf8(to).ok());
        Ok(to.zip(opened("body", row.bytes("body_sealed")?)))
    }

    async fn send(
        &self,
        channel: Channel,
        id: &str,
        to: String,
        body: Vec<u8>,
        (created, now): (Timestamp, Timestamp),
    ) -> Result<(), SendError> {
        let unreadable = || SendError::Permanent("it is not written as this version writes".to_owned());
        let (id, created) = (id.to_owned(), created.into());
        match channel {
            Channel::Mail => {
                let LetterBody { subject, text, html } = serde_json::from_slice(&body).map_err(|_| unreadable())?;
                let (to, host) = (to.parse().map_err(|_| unreadable())?, self.outbox.0.host.clone());
                self.mail.send(Outgoing { id, to, subject, text, html, created, host }).await
            }
            Channel::Sms => {
                let text = String::from_utf8(body).map_err(|_| unreadable())?;
                self.sms.send(OutgoingText { id, to, text, created, sent_at: now }).await
            }
        }
    }

    /// Tries again later, or gives up after two days.
    async fn put_back(&self, row: &Row, id: &str, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let attempts = row.integer("attempts")?;
        if later(row.time("created_at")?, GIVE_UP) <= now {
            tracing::error!(id, attempts, reason, "a letter could not be sent for two days and is given up");
            return self.bury(id, reason, now).await;
        }
        tracing::warn!(id, attempts, reason, "a letter could not be sent and will be tried again");
        let sql = "update outbox set next_attempt_at = $2, last_error = $3 where id = $1";
        self.store.execute(sql, values![id, later(now, self.wait(attempts)), reason]).await.map(drop)
    }

    /// Doubling, with up to a quarter more by chance, so that letters which failed together do not come back together.
    fn wait(&self, attempts: i64) -> SignedDuration {
        let doublings = u32::try_from(attempts.clamp(0, 16)).unwrap_or_default();
        let wait = FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT);
        let mut chance = [0];
        self.random.fill(&mut chance);
        wait + wait / 4 * i32::from(chance[0]) / 255
    }

    async fn bury(&self, id: &str, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update outbox set dead_at = $2, last_error = $3 where id = $1";
        self.store.execute(sql, values![id, now, reason]).await.map(drop)
    }

    async fn delete(&self, id: &str) -> Result<(), StoreError> {
        self.store.execute("delete from outbox where id = $1", values![id]).await.map(drop)
    }
}

fn later(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.checked_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
