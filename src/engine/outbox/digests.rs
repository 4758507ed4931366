//! Bounds how many messages tell an owner what was done to the account (S106).
//!
//! # The contract
//!
//! * An account and its mailbox or number get a few messages an hour at once. The rest is merged
//!   into one digest, a message of the outbox that waits, so nothing that was promised is lost.
//! * A mailbox or number that its account has not proved is counted for all such accounts together:
//!   many accounts that are made for a foreign one send no more than one of them.
//! * Texts to numbers that an account has not proved are counted by the day, and all of its numbers
//!   together: an account that goes from number to number sends no more than one that stays. Their
//!   digests gather for a day.
//! * By email, the first change of a kind within the hour is told at once, however many others
//!   there were: noise hides no theft.
//! * A digest by SMS that no budget pays yet is kept without a message, at most for [`KEPT`], and
//!   queued when one does.
//! * The row is locked before it is read, in the transaction of the change: no race sends more.
//! * A digest that the delivery worker has begun to send takes no more changes. The next change
//!   begins another one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::super::store::{Row, Store, StoreError, Transaction, damage, values};

/// The span over which messages are counted.
const HOUR: i64 = 3_600_000;

/// The same, for texts to numbers that nobody proved.
const DAY: i64 = 24 * HOUR;

/// How long a digest by SMS waits for a budget that pays it.
pub(in crate::engine) const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Kept digests that are looked at in one go.
const MOST_KEPT: i64 = 200;

/// The most kinds of changes that one digest lists.
const MOST_LISTED: usize = 40;

/// The way a notification goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum NotificationMedium {
    Email,
    Sms,
}

/// A notification about to be sent.
pub(in crate::engine) struct NotificationKey<'a> {
    /// The account, or the first of those that have not proved the recipient ([`counted_for`]).
    pub(in crate::engine) user_id: String,
    pub(in crate::engine) way: NotificationMedium,
    pub(in crate::engine) recipient: &'a str,
    /// The change, as [`Security::name`](super::Security) calls it.
    pub(in crate::engine) kind: &'a str,
    /// The account that has not proved the recipient. `None` where it has.
    pub(in crate::engine) unproved_of: Option<&'a str>,
}

/// Whether a notification goes at once.
pub(in crate::engine) enum DigestDecision {
    AtOnce,
    Merge(Digest),
}

/// The changes that one message lists.
pub(in crate::engine) struct Digest {
    pub(in crate::engine) changes: Vec<DigestChange>,
    /// The message that waits already.
    pub(in crate::engine) message_id: Option<String>,
}

/// One kind of change, with how often it was made and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine) struct DigestChange {
    pub(in crate::engine) kind: String,
    pub(in crate::engine) times: u32,
    /// Epoch milliseconds, as is `last`.
    pub(in crate::engine) first: i64,
    pub(in crate::engine) last: i64,
}

/// A message that went at once.
#[derive(Serialize, Deserialize)]
struct Recent {
    kind: String,
    at: i64,
}

impl Recent {
    /// In both directions, as a clock may be set back.
    fn is_within(&self, span: i64, at: i64) -> bool {
        at.saturating_sub(self.at).saturating_abs() < span
    }
}

impl NotificationMedium {
    /// Whether one more message goes at once, after so many of its kind and so many of all within
    /// the hour.
    fn allows(self, alike: usize, in_all: usize) -> bool {
        match self {
            // The first of each kind is worth reading at once; the third of a kind says little.
            // There are 17 kinds, so this ends as well.
            Self::Email => alike == 0 || (alike < 3 && in_all < 8),
            // Each costs money.
            Self::Sms => alike < 2 && in_all < 3,
        }
    }

    /// How long a digest gathers changes.
    pub(in crate::engine) fn gathers(self, is_proved: bool) -> SignedDuration {
        match self {
            Self::Email => SignedDuration::from_mins(15),
            Self::Sms if is_proved => SignedDuration::from_mins(60),
            Self::Sms => SignedDuration::from_millis(DAY),
        }
    }

    /// The span over which messages are counted.
    fn span(self, is_proved: bool) -> i64 {
        if self == Self::Sms && !is_proved { DAY } else { HOUR }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Email => "mail",
            Self::Sms => "sms",
        }
    }
}

/// Finds the account that a notification is counted for.
pub(in crate::engine) async fn counted_for(
    tx: &mut Transaction<'_>,
    way: NotificationMedium,
    recipient: &str,
    (user_id, is_proved): (&str, bool),
) -> Result<String, StoreError> {
    if is_proved {
        return Ok(user_id.to_owned());
    }
    let sql = "select min(n.user_id) as first_id from notifications n join users u on u.id = \
               n.user_id \
               where n.channel = $1 and n.recipient = $2 and (case when n.channel = 'mail' \
               then u.email = n.recipient and u.email_verified_at is not null \
               else u.phone = n.recipient and u.phone_verified_at is not null end) is not true";
    let row = tx.fetch_optional(sql, values![way.word(), recipient]).await?;
    let first = row.map(|row| row.optional_text("first_id")).transpose()?.flatten();
    Ok(first.unwrap_or_else(|| user_id.to_owned()))
}

impl NotificationKey<'_> {
    /// Counts the notification. `may_go` is false where the budget is spent: then it waits for the
    /// digest.
    pub(in crate::engine) async fn count(
        &self,
        tx: &mut Transaction<'_>,
        may_go: bool,
        now: Timestamp,
    ) -> Result<DigestDecision, StoreError> {
        let (mut recent, digest) = self.lock(tx, now).await?;
        let at = now.as_millisecond();
        let span = self.way.span(self.unproved_of.is_none());
        recent.retain(|sent| sent.is_within(span, at));
        let alike = recent.iter().filter(|sent| sent.kind == self.kind).count();
        let elsewhere = match self.unproved_of {
            Some(account) if self.way == NotificationMedium::Sms => {
                self.sent_elsewhere(tx, account, at).await?
            }
            _ => 0,
        };
        if may_go && self.way.allows(alike, recent.len() + elsewhere) {
            recent.push(Recent { kind: self.kind.to_owned(), at });
            let sql = "update notifications set recent = $4 where user_id = $1 and channel = $2 \
                and recipient = $3";
            tx.execute(sql, values![&self.user_id, self.way.word(), self.recipient, json(&recent)])
                .await?;
            return Ok(DigestDecision::AtOnce);
        }
        Ok(DigestDecision::Merge(digest))
    }

    /// Writes down what the digest lists, and the message that carries it.
    pub(in crate::engine) async fn keep(
        &self,
        tx: &mut Transaction<'_>,
        digest: &Digest,
    ) -> Result<(), StoreError> {
        keep(tx, (&self.user_id, self.way, self.recipient), digest).await
    }

    /// Texts at once of the day that went to other numbers of the account.
    async fn sent_elsewhere(
        &self,
        tx: &mut Transaction<'_>,
        account: &str,
        at: i64,
    ) -> Result<usize, StoreError> {
        let sql = "select recent from notifications where user_id = $1 and channel = $2 and \
            recipient <> $3";
        let rows = tx.fetch_all(sql, values![account, self.way.word(), self.recipient]).await?;
        let mut sent = 0;
        for row in rows {
            let recent =
                damage::spare(row.text("recent"), "notifications", account)?.unwrap_or_default();
            sent += read::<Recent>(&recent).iter().filter(|text| text.is_within(DAY, at)).count();
        }
        Ok(sent)
    }

    async fn lock(
        &self,
        tx: &mut Transaction<'_>,
        now: Timestamp,
    ) -> Result<(Vec<Recent>, Digest), StoreError> {
        let key = || values![&self.user_id, self.way.word(), self.recipient];
        let sql = "insert into notifications (user_id, channel, recipient, updated_at) values ($1, \
                   $2, $3, $4) \
                   on conflict (user_id, channel, recipient) do update set updated_at = \
                   excluded.updated_at";
        tx.execute(sql, values![&self.user_id, self.way.word(), self.recipient, now]).await?;
        let sql = "select recent, waiting, message_id from notifications \
                   where user_id = $1 and channel = $2 and recipient = $3";
        let Some(row) = tx.fetch_optional(sql, key()).await? else {
            return Ok((Vec::new(), Digest { changes: Vec::new(), message_id: None }));
        };
        let text = |column| {
            damage::spare(row.text(column), "notifications", &self.user_id)
                .map(Option::unwrap_or_default)
        };
        let message_id =
            damage::spare(row.optional_text("message_id"), "notifications", &self.user_id)?
                .flatten();
        Ok((read(&text("recent")?), Digest { changes: read(&text("waiting")?), message_id }))
    }
}

/// A digest by SMS that no budget has paid yet.
pub(in crate::engine) struct Kept {
    pub(in crate::engine) user_id: String,
    pub(in crate::engine) recipient: String,
}

impl Kept {
    /// The oldest of them.
    pub(in crate::engine) async fn some(store: &Store) -> Result<Vec<Self>, StoreError> {
        let sql = "select user_id, recipient from notifications \
                   where channel = 'sms' and message_id is null and waiting <> '[]' order by \
                   updated_at limit $1";
        let rows = store.fetch_all(sql, values![MOST_KEPT]).await?;
        damage::whole(&rows, ("notifications", "user_id"), Self::read)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { user_id: row.text("user_id")?, recipient: row.text("recipient")? })
    }

    /// Locks it. `None` where it was queued meanwhile.
    pub(in crate::engine) async fn lock(
        &self,
        tx: &mut Transaction<'_>,
        now: Timestamp,
    ) -> Result<Option<Digest>, StoreError> {
        let sql = "update notifications set updated_at = $3 where user_id = $1 and channel = 'sms' \
                   and recipient = $2 and message_id is null returning waiting";
        let values = values![&self.user_id, &self.recipient, now];
        let Some(row) = tx.fetch_optional(sql, values).await? else { return Ok(None) };
        let waiting =
            damage::spare(row.text("waiting"), "notifications", &self.user_id)?.unwrap_or_default();
        Ok(Some(Digest { changes: read(&waiting), message_id: None }))
    }

    /// Forgets one that cannot be read.
    pub(in crate::engine) async fn give_up(
        &self,
        mut tx: Transaction<'_>,
    ) -> Result<(), StoreError> {
        self.keep(&mut tx, &Digest { changes: Vec::new(), message_id: None }).await?;
        tx.commit().await
    }

    /// Writes down the message that carries it.
    pub(in crate::engine) async fn keep(
        &self,
        tx: &mut Transaction<'_>,
        digest: &Digest,
    ) -> Result<(), StoreError> {
        keep(tx, (&self.user_id, NotificationMedium::Sms, &self.recipient), digest).await
    }
}

impl Digest {
    /// Whether it lists changes that no message carries yet.
    fn is_kept(&self) -> bool {
        self.message_id.is_none() && !self.changes.is_empty()
    }

    /// The digest with one more change. One that waits no more is begun anew.
    pub(in crate::engine) fn with(mut self, kind: &str, now: Timestamp, still_waits: bool) -> Self {
        if !still_waits && !self.is_kept() {
            (self.changes, self.message_id) = (Vec::new(), None);
        }
        let at = now.as_millisecond();
        let has_room = self.changes.len() < MOST_LISTED;
        match self.changes.iter_mut().find(|change| change.kind == kind) {
            Some(change) => (change.times, change.last) = (change.times.saturating_add(1), at),
            None if has_room => {
                self.changes.push(DigestChange {
                    kind: kind.to_owned(),
                    times: 1,
                    first: at,
                    last: at,
                });
            }
            None => {}
        }
        self
    }
}

async fn keep(
    tx: &mut Transaction<'_>,
    (user_id, way, recipient): (&str, NotificationMedium, &str),
    digest: &Digest,
) -> Result<(), StoreError> {
    let sql = "update notifications set waiting = $4, message_id = $5 \
               where user_id = $1 and channel = $2 and recipient = $3";
    let (changes, id) = (json(&digest.changes), digest.message_id.clone());
    tx.execute(sql, values![user_id, way.word(), recipient, changes, id]).await.map(drop)
}

/// A row that cannot be read counts as empty: it costs a message more, and no change.
fn read<T: DeserializeOwned>(text: &str) -> Vec<T> {
    serde_json::from_str(text).unwrap_or_default()
}

fn json<T: Serialize>(value: &[T]) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned())
}
