//! The outbox: a message, email or SMS, is a row in the transaction of the change that causes it.
//!
//! # The contract
//!
//! * A change and the email it promises are durable together or not at all (R03). Sending is the
//!   delivery worker's, later and again until it worked; nobody waits for an email server (R09).
//! * An email is rendered when it is queued, so that it says what was true then, and sealed until
//!   it is sent (S33).
//! * An email whose link has died is not sent any more, nor is a text whose code has. What was sent
//!   is deleted.
//! * One that was sent just before a crash may be sent twice, under the same `Message-ID`; none is
//!   lost.

mod delivery_worker;
pub(super) mod digests;
mod email;
mod folder;
mod folder_inbox;
mod notification;
mod overrides;
mod sms;
mod sms_message;
mod templates;
mod transport;

use std::{path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

pub use delivery_worker::DeliveryWorker;
pub use email::{EmailContext, EmailMessage, NotificationEmail, SignUpSource};
pub use folder_inbox::OutboxFolder;
pub use notification::Notification;
pub use overrides::TemplateError;
pub use sms::{SmsAccount, SmsProvider, SmsTransport};
pub(in crate::engine) use sms_message::Share;
pub use sms_message::SmsMessage;
pub use transport::{Transport, TransportError};

use self::templates::{MessageTexts, Templates};
use super::{
    SecretKey,
    clock::after,
    keys::seal::Seal,
    random::new_id,
    store::{Row, Store, StoreError, Transaction, damage, values},
};
use crate::port::{Clock, Email, Phone, Random};

/// Purpose of the key that seals messages.
const PURPOSE: &str = "vestibule outbox";

/// Queues emails. Cloning is cheap; all clones are one.
#[derive(Clone)]
pub struct Outbox(Arc<OutboxParts>);

struct OutboxParts {
    seal: Seal,
    templates: Templates,
    /// Host part of `Message-ID`.
    host: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Tell the delivery worker of this process that there is something.
    email_wakeup: Notify,
    sms_wakeup: Notify,
}

/// How a message goes out: each way has a delivery worker's round of its own, so that none waits
/// for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Medium {
    Email,
    Sms,
}

/// An email as it is sealed.
#[derive(Serialize, Deserialize)]
struct EmailBody {
    subject: String,
    text: String,
    html: String,
    /// The link of a digest, which is written anew with each change.
    #[serde(default, rename = "not_me", skip_serializing_if = "Option::is_none")]
    account_recovery: Option<String>,
}

/// When a message goes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Schedule {
    /// It is not sent before this has passed.
    pub(super) delay: SignedDuration,
    /// It is not sent after this time.
    pub(super) expires_at: Option<Timestamp>,
    /// Whether it goes before what visitors can cause: an owner waits for it.
    pub(super) first: bool,
}

/// Where a digest is written.
pub(super) enum DigestTarget<'a> {
    /// The message that waits.
    Waiting(&'a str),
    New {
        delay: SignedDuration,
    },
}

/// A digest that waits in the outbox.
pub(super) struct PendingDigest {
    /// The link by which the owner says "that was not me".
    pub(super) account_recovery: Option<String>,
}

impl Outbox {
    /// An outbox that seals with the first key.
    ///
    /// # Errors
    /// When a template has a mistake: with its file and line.
    pub fn new(
        keys: &[SecretKey],
        product_name: &str,
        public_url: &str,
        templates_dir: Option<&Path>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, TemplateError> {
        let host = host_of(public_url);
        let (seal, templates) =
            (Seal::new(keys, PURPOSE), Templates::open(product_name, &host, templates_dir)?);
        let (email_wakeup, sms_wakeup) = (Notify::new(), Notify::new());
        Ok(Self(Arc::new(OutboxParts {
            seal,
            templates,
            host,
            clock,
            random,
            email_wakeup,
            sms_wakeup,
        })))
    }

    /// Queues an email within the transaction. After `expires_at` it is not sent any more.
    ///
    /// # Errors
    /// When the row cannot be written, or a template asks for what the email does not have.
    pub async fn enqueue(
        &self,
        tx: &mut Transaction<'_>,
        email_message: &EmailMessage,
        to: &Email,
        expires_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.enqueue_at(tx, email_message, to, Schedule { expires_at, ..Schedule::default() }).await
    }

    /// As [`enqueue`](Self::enqueue), at a time of its own.
    pub(super) async fn enqueue_at(
        &self,
        tx: &mut Transaction<'_>,
        email_message: &EmailMessage,
        to: &Email,
        schedule: Schedule,
    ) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        let MessageTexts { subject, text, html } =
            self.0.templates.render(email_message, to, now).map_err(unwritable)?;
        let body = serde_json::to_vec(&EmailBody { subject, text, html, account_recovery: None })
            .map_err(unwritable)?;
        self.queue(tx, Medium::Email, email_message.name(), (to.as_str(), &body), schedule)
            .await
            .map(drop)
    }

    /// Does all the work of [`enqueue_at`](Self::enqueue_at) and takes the email out again, within
    /// the transaction.
    pub(super) async fn enqueue_nothing(
        &self,
        tx: &mut Transaction<'_>,
        email_message: &EmailMessage,
        to: &Email,
    ) -> Result<(), StoreError> {
        let MessageTexts { subject, text, html } =
            self.0.templates.render(email_message, to, self.0.clock.now()).map_err(unwritable)?;
        let body = serde_json::to_vec(&EmailBody { subject, text, html, account_recovery: None })
            .map_err(unwritable)?;
        let message = (to.as_str(), &*body);
        let id = self
            .queue(tx, Medium::Email, email_message.name(), message, Schedule::default())
            .await?;
        tx.execute("delete from outbox where id = $1", values![id]).await.map(drop)
    }

    /// As [`enqueue_nothing`](Self::enqueue_nothing), of a text.
    pub(super) async fn enqueue_no_text(
        &self,
        tx: &mut Transaction<'_>,
        message: &SmsMessage,
        to: &Phone,
    ) -> Result<(), StoreError> {
        let text = self.0.templates.render_sms(message, to.as_str()).map_err(unwritable)?;
        let message = (message.name(), (to.as_str(), text.as_bytes()));
        let id = self.queue(tx, Medium::Sms, message.0, message.1, Schedule::default()).await?;
        tx.execute("delete from outbox where id = $1", values![id]).await.map(drop)
    }

    /// Queues a text within the transaction. It expires with its code.
    ///
    /// # Errors
    /// When the row cannot be written, or a template asks for what the text does not have.
    pub(super) async fn enqueue_sms(
        &self,
        tx: &mut Transaction<'_>,
        message: &SmsMessage,
        to: &Phone,
        schedule: Schedule,
    ) -> Result<(), StoreError> {
        let text = self.0.templates.render_sms(message, to.as_str()).map_err(unwritable)?;
        self.queue(tx, Medium::Sms, message.name(), (to.as_str(), text.as_bytes()), schedule)
            .await
            .map(drop)
    }

    /// Queues a digest, or writes the one that waits anew. Answers the id of the message.
    pub(super) async fn put_digest(
        &self,
        tx: &mut Transaction<'_>,
        email_message: &EmailMessage,
        to: &Email,
        seal_context: DigestTarget<'_>,
    ) -> Result<String, StoreError> {
        let EmailMessage::SeveralChanges { account_recovery, .. } = email_message else {
            return Err(unwritable("not a digest"));
        };
        let now = self.0.clock.now();
        let MessageTexts { subject, text, html } =
            self.0.templates.render(email_message, to, now).map_err(unwritable)?;
        let body = EmailBody { subject, text, html, account_recovery: account_recovery.clone() };
        let body = serde_json::to_vec(&body).map_err(unwritable)?;
        self.put(tx, Medium::Email, email_message.name(), (to.as_str(), &body), seal_context).await
    }

    /// As [`put_digest`](Self::put_digest), by SMS.
    pub(super) async fn put_sms_digest(
        &self,
        tx: &mut Transaction<'_>,
        message: &SmsMessage,
        to: &Phone,
        seal_context: DigestTarget<'_>,
    ) -> Result<String, StoreError> {
        let text = self.0.templates.render_sms(message, to.as_str()).map_err(unwritable)?;
        self.put(tx, Medium::Sms, message.name(), (to.as_str(), text.as_bytes()), seal_context)
            .await
    }

    async fn put(
        &self,
        tx: &mut Transaction<'_>,
        medium: Medium,
        kind: &'static str,
        (to, body): (&str, &[u8]),
        seal_context: DigestTarget<'_>,
    ) -> Result<String, StoreError> {
        match seal_context {
            DigestTarget::Waiting(id) => {
                let body = self.seal(id, "body", body)?;
                tx.execute("update outbox set body_sealed = $2 where id = $1", values![id, body])
                    .await?;
                Ok(id.to_owned())
            }
            DigestTarget::New { delay } => {
                let schedule = Schedule { delay, ..Schedule::default() };
                self.queue(tx, medium, kind, (to, body), schedule).await
            }
        }
    }

    /// Takes hold of a digest for more changes; `None` when the delivery worker has begun to send
    /// it, or it cannot be opened.
    ///
    /// The next attempt moves on by a millisecond: the delivery worker, which takes a message only
    /// at the time that it read, reads it anew.
    pub(super) async fn hold_digest(
        &self,
        tx: &mut Transaction<'_>,
        id: &str,
    ) -> Result<Option<PendingDigest>, StoreError> {
        let sql = "update outbox set next_attempt_at = next_attempt_at + 1 \
                   where id = $1 and attempts = 0 and dead_at is null";
        if tx.execute(sql, values![id]).await? == 0 {
            return Ok(None);
        }
        let sql = "select channel, body_sealed from outbox where id = $1";
        let Some(row) = tx.fetch_optional(sql, values![id]).await? else { return Ok(None) };
        let read = |row: &Row| Ok((row.text("channel")?, row.bytes("body_sealed")?));
        let Some((medium, sealed)) = damage::spare(read(&row), "outbox", id)? else {
            return Ok(None);
        };
        if medium == Medium::Sms.word() {
            return Ok(Some(PendingDigest { account_recovery: None }));
        }
        let opened = self.0.seal.open(&seal_context(id, "body"), &sealed);
        let body = opened.and_then(|body| serde_json::from_slice::<EmailBody>(&body).ok());
        Ok(body.map(|body| PendingDigest { account_recovery: body.account_recovery }))
    }

    async fn queue(
        &self,
        tx: &mut Transaction<'_>,
        medium: Medium,
        kind: &'static str,
        (to, body): (&str, &[u8]),
        Schedule { delay, expires_at, first }: Schedule,
    ) -> Result<String, StoreError> {
        let (id, now) = (new_id(&*self.0.random), self.0.clock.now());
        let not_before = delay.is_positive().then(|| after(now, delay));
        // A message that waits is given up two days after it could first go.
        let created = not_before.unwrap_or(now);
        let recipient = self.seal(&id, "recipient", to.as_bytes())?;
        let body = self.seal(&id, "body", body)?;
        let sql = "insert into outbox (id, channel, kind, recipient_sealed, body_sealed, \
                   expires_at, next_attempt_at, \
                   created_at, not_before, goes_first) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, \
                   $10)";
        let times = values![expires_at, now, created, not_before, i64::from(first)];
        let message = values![&id, medium.word(), kind, recipient, body];
        tx.execute(sql, [message, times].concat()).await?;
        // It fires before the commit; the delivery worker looks again a moment later.
        self.wakeup(medium).notify_one();
        Ok(id)
    }

    fn wakeup(&self, medium: Medium) -> &Notify {
        match medium {
            Medium::Email => &self.0.email_wakeup,
            Medium::Sms => &self.0.sms_wakeup,
        }
    }

    fn seal(&self, id: &str, column: &str, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let sealed = self.0.seal.seal(&seal_context(id, column), plain, &*self.0.random);
        sealed.ok_or_else(|| unwritable("there is no key to seal with"))
    }
}

/// Seals anew the messages that an older data key sealed; answers how many.
pub(in crate::engine) async fn seal_anew(
    store: &Store,
    data_keys: &[SecretKey],
    random: &dyn Random,
) -> Result<usize, StoreError> {
    let seal = Seal::new(data_keys, PURPOSE);
    let (mut done, mut after) = (0, String::new());
    loop {
        let sql = "select id, recipient_sealed, body_sealed from outbox where dead_at is null and \
                   id > $1 \
                   order by id limit 100";
        let rows = store.fetch_all(sql, values![&after]).await?;
        for row in &rows {
            let Ok(id) = row.text("id") else { continue };
            after = id;
            let anew = |column, sealed| {
                seal.renewed(&seal_context(&after, column), &row.bytes(sealed).ok()?, random)
            };
            let (to, body) = (anew("recipient", "recipient_sealed"), anew("body", "body_sealed"));
            let (Some(to), Some(body)) = (to, body) else { continue };
            let sql = "update outbox set recipient_sealed = $2, body_sealed = $3 where id = $1";
            done += usize::from(store.execute(sql, values![&after, to, body]).await? == 1);
        }
        if rows.len() < 100 {
            return Ok(done);
        }
    }
}

/// Renders every message with sample data, as the start does. Answers the texts that take more than
/// one SMS, with how many.
///
/// # Errors
/// When a template has a mistake: with its file and line.
pub fn check_templates(
    product_name: &str,
    public_url: &str,
    templates_dir: Option<&Path>,
) -> Result<Vec<(&'static str, usize)>, TemplateError> {
    let templates = Templates::open(product_name, &host_of(public_url), templates_dir)?;
    Ok(templates.long_sms().unwrap_or_default())
}

fn host_of(public_url: &str) -> String {
    let url = url::Url::parse(public_url).ok();
    url.as_ref().and_then(url::Url::host_str).unwrap_or("localhost").to_owned()
}

impl Medium {
    /// The word in the database.
    fn word(self) -> &'static str {
        match self {
            Self::Email => "mail",
            Self::Sms => "sms",
        }
    }
}

fn seal_context(id: &str, column: &str) -> String {
    format!("{id}/{column}")
}

fn unwritable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::EmailMessage(error.into())
}
