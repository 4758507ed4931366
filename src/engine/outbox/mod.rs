//! The outbox: a message, mail or SMS, is a row in the transaction of the change that causes it.
//!
//! # The contract
//!
//! * A change and the mail it promises are durable together or not at all (SECURITY.md R03). Sending is the courier's, later
//!   and again until it worked; nobody waits for a mail server (R09).
//! * A letter is rendered when it is queued, so that it says what was true then, and sealed until it is sent (S33).
//! * A letter whose link has died is not sent any more, nor is a text whose code has. What was sent is deleted.
//! * One that was sent just before a crash may be sent twice, under the same `Message-ID`; none is lost.

mod courier;
mod folder;
mod folder_inbox;
mod letter;
mod overrides;
mod security;
mod sms;
mod templates;
mod text_message;
mod transport;

use std::{path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

pub use courier::Courier;
pub use folder_inbox::OutboxFolder;
pub use letter::{Letter, Mailed, Notice, SignUpSource};
pub use overrides::TemplateError;
pub use security::Security;
pub use sms::{SmsAccount, SmsProvider, SmsTransport};
pub(in crate::engine) use text_message::Share;
pub use text_message::TextMessage;
pub use transport::{Transport, TransportError};

use self::templates::{Templates, Texts};
use super::{
    SecretKey,
    random::new_id,
    seal::Seal,
    store::{Row, Store, StoreError, Transaction, damage, values},
    tokens::after,
};
use crate::port::{Clock, Email, Phone, Random};

/// What the key is derived for that messages are sealed with.
const PURPOSE: &str = "vestibule outbox";

/// Queues letters. Cloning is cheap; all clones are one.
#[derive(Clone)]
pub struct Outbox(Arc<Parts>);

struct Parts {
    seal: Seal,
    templates: Templates,
    /// What `Message-ID` ends in.
    host: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Tell the courier of this process that there is something.
    news_of_mail: Notify,
    news_of_sms: Notify,
}

/// How a message goes out: each way has a courier's round of its own, so that none waits for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    Mail,
    Sms,
}

/// A letter as it is sealed.
#[derive(Serialize, Deserialize)]
struct LetterBody {
    subject: String,
    text: String,
    html: String,
    /// The link of a digest, which is written anew with each change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_me: Option<String>,
}

/// When a message goes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Schedule {
    /// It is not sent before this has passed.
    pub(super) delay: SignedDuration,
    /// It is not sent after this time.
    pub(super) expires_at: Option<Timestamp>,
    /// Whether it goes before what strangers can cause: an owner waits for it.
    pub(super) first: bool,
}

/// Where a digest is written.
pub(super) enum DigestPlace<'a> {
    /// The message that waits.
    Waiting(&'a str),
    New {
        delay: SignedDuration,
    },
}

/// A digest that waits in the outbox.
pub(super) struct Waiting {
    /// The link by which the owner says "that was not me".
    pub(super) not_me: Option<String>,
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
        let (seal, templates) = (Seal::new(keys, PURPOSE), Templates::open(product_name, &host, templates_dir)?);
        let (news_of_mail, news_of_sms) = (Notify::new(), Notify::new());
        Ok(Self(Arc::new(Parts { seal, templates, host, clock, random, news_of_mail, news_of_sms })))
    }

    /// Queues a letter within the transaction. After `expires_at` it is not sent any more.
    ///
    /// # Errors
    /// When the row cannot be written, or a template asks for what the letter does not have.
    pub async fn enqueue(
        &self,
        tx: &mut Transaction<'_>,
        letter: &Letter,
        to: &Email,
        expires_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.enqueue_at(tx, letter, to, Schedule { expires_at, ..Schedule::default() }).await
    }

    /// As [`enqueue`](Self::enqueue), at a time of its own.
    pub(super) async fn enqueue_at(
        &self,
        tx: &mut Transaction<'_>,
        letter: &Letter,
        to: &Email,
        schedule: Schedule,
    ) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        let Texts { subject, text, html } = self.0.templates.render(letter, to, now).map_err(unwritable)?;
        let body = serde_json::to_vec(&LetterBody { subject, text, html, not_me: None }).map_err(unwritable)?;
        self.queue(tx, Channel::Mail, letter.name(), (to.as_str(), &body), schedule).await.map(drop)
    }

    /// Does all the work of [`enqueue_at`](Self::enqueue_at) and takes the letter out again, within the transaction.
    pub(super) async fn enqueue_nothing(
        &self,
        tx: &mut Transaction<'_>,
        letter: &Letter,
        to: &Email,
    ) -> Result<(), StoreError> {
        let Texts { subject, text, html } =
            self.0.templates.render(letter, to, self.0.clock.now()).map_err(unwritable)?;
        let body = serde_json::to_vec(&LetterBody { subject, text, html, not_me: None }).map_err(unwritable)?;
        let message = (to.as_str(), &*body);
        let id = self.queue(tx, Channel::Mail, letter.name(), message, Schedule::default()).await?;
        tx.execute("delete from outbox where id = $1", values![id]).await.map(drop)
    }

    /// As [`enqueue_nothing`](Self::enqueue_nothing), of a text.
    pub(super) async fn enqueue_no_text(
        &self,
        tx: &mut Transaction<'_>,
        message: &TextMessage,
        to: &Phone,
    ) -> Result<(), StoreError> {
        let text = self.0.templates.render_text(message, to.as_str()).map_err(unwritable)?;
        let message = (message.name(), (to.as_str(), text.as_bytes()));
        let id = self.queue(tx, Channel::Sms, message.0, message.1, Schedule::default()).await?;
        tx.execute("delete from outbox where id = $1", values![id]).await.map(drop)
    }

    /// Queues a text within the transaction. It expires with its code.
    ///
    /// # Errors
    /// When the row cannot be written, or a template asks for what the text does not have.
    pub(super) async fn enqueue_text(
        &self,
        tx: &mut Transaction<'_>,
        message: &TextMessage,
        to: &Phone,
        schedule: Schedule,
    ) -> Result<(), StoreError> {
        let text = self.0.templates.render_text(message, to.as_str()).map_err(unwritable)?;
        self.queue(tx, Channel::Sms, message.name(), (to.as_str(), text.as_bytes()), schedule).await.map(drop)
    }

    /// Queues a digest, or writes the one that waits anew. Answers the id of the message.
    pub(super) async fn put_digest(
        &self,
        tx: &mut Transaction<'_>,
        letter: &Letter,
        to: &Email,
        place: DigestPlace<'_>,
    ) -> Result<String, StoreError> {
        let Letter::SeveralChanges { not_me, .. } = letter else { return Err(unwritable("not a digest")) };
        let now = self.0.clock.now();
        let Texts { subject, text, html } = self.0.templates.render(letter, to, now).map_err(unwritable)?;
        let body = LetterBody { subject, text, html, not_me: not_me.clone() };
        let body = serde_json::to_vec(&body).map_err(unwritable)?;
        self.put(tx, Channel::Mail, letter.name(), (to.as_str(), &body), place).await
    }

    /// As [`put_digest`](Self::put_digest), by SMS.
    pub(super) async fn put_text_digest(
        &self,
        tx: &mut Transaction<'_>,
        message: &TextMessage,
        to: &Phone,
        place: DigestPlace<'_>,
    ) -> Result<String, StoreError> {
        let text = self.0.templates.render_text(message, to.as_str()).map_err(unwritable)?;
        self.put(tx, Channel::Sms, message.name(), (to.as_str(), text.as_bytes()), place).await
    }

    async fn put(
        &self,
        tx: &mut Transaction<'_>,
        channel: Channel,
        kind: &'static str,
        (to, body): (&str, &[u8]),
        place: DigestPlace<'_>,
    ) -> Result<String, StoreError> {
        match place {
            DigestPlace::Waiting(id) => {
                let body = self.seal(id, "body", body)?;
                tx.execute("update outbox set body_sealed = $2 where id = $1", values![id, body]).await?;
                Ok(id.to_owned())
            }
            DigestPlace::New { delay } => {
                let schedule = Schedule { delay, ..Schedule::default() };
                self.queue(tx, channel, kind, (to, body), schedule).await
            }
        }
    }

    /// Takes hold of a digest for more changes; `None` when the courier has begun to send it, or it cannot be opened.
    ///
    /// The next attempt moves on by a millisecond: the courier, which takes a message only at the time that it read, reads it anew.
    pub(super) async fn hold_digest(&self, tx: &mut Transaction<'_>, id: &str) -> Result<Option<Waiting>, StoreError> {
        let sql = "update outbox set next_attempt_at = next_attempt_at + 1 \
                   where id = $1 and attempts = 0 and dead_at is null";
        if tx.execute(sql, values![id]).await? == 0 {
            return Ok(None);
        }
        let sql = "select channel, body_sealed from outbox where id = $1";
        let Some(row) = tx.fetch_optional(sql, values![id]).await? else { return Ok(None) };
        let read = |row: &Row| Ok((row.text("channel")?, row.bytes("body_sealed")?));
        let Some((channel, sealed)) = damage::spare(read(&row), "outbox", id)? else { return Ok(None) };
        if channel == Channel::Sms.word() {
            return Ok(Some(Waiting { not_me: None }));
        }
        let opened = self.0.seal.open(&place(id, "body"), &sealed);
        let body = opened.and_then(|body| serde_json::from_slice::<LetterBody>(&body).ok());
        Ok(body.map(|body| Waiting { not_me: body.not_me }))
    }

    async fn queue(
        &self,
        tx: &mut Transaction<'_>,
        channel: Channel,
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
        let sql = "insert into outbox (id, channel, kind, recipient_sealed, body_sealed, expires_at, next_attempt_at, \
                   created_at, not_before, goes_first) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let times = values![expires_at, now, created, not_before, i64::from(first)];
        let message = values![&id, channel.word(), kind, recipient, body];
        tx.execute(sql, [message, times].concat()).await?;
        // It fires before the commit; the courier looks again a moment later.
        self.news(channel).notify_one();
        Ok(id)
    }

    fn news(&self, channel: Channel) -> &Notify {
        match channel {
            Channel::Mail => &self.0.news_of_mail,
            Channel::Sms => &self.0.news_of_sms,
        }
    }

    fn seal(&self, id: &str, column: &str, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let sealed = self.0.seal.seal(&place(id, column), plain, &*self.0.random);
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
        let sql = "select id, recipient_sealed, body_sealed from outbox where dead_at is null and id > $1 \
                   order by id limit 100";
        let rows = store.fetch_all(sql, values![&after]).await?;
        for row in &rows {
            let Ok(id) = row.text("id") else { continue };
            after = id;
            let anew = |column, sealed| seal.renewed(&place(&after, column), &row.bytes(sealed).ok()?, random);
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

/// Renders every message with sample data, as the start does. Answers the texts that take more than one SMS, with how many.
///
/// # Errors
/// When a template has a mistake: with its file and line.
pub fn check_templates(
    product_name: &str,
    public_url: &str,
    templates_dir: Option<&Path>,
) -> Result<Vec<(&'static str, usize)>, TemplateError> {
    let templates = Templates::open(product_name, &host_of(public_url), templates_dir)?;
    Ok(templates.long_texts().unwrap_or_default())
}

fn host_of(public_url: &str) -> String {
    let url = url::Url::parse(public_url).ok();
    url.as_ref().and_then(url::Url::host_str).unwrap_or("localhost").to_owned()
}

impl Channel {
    /// The word in the database.
    fn word(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Sms => "sms",
        }
    }
}

fn place(id: &str, column: &str) -> String {
    format!("{id}/{column}")
}

fn unwritable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Letter(error.into())
}
