//! The development inbox: the messages that the outbox folder holds.

use jiff::Timestamp;

use super::Answer;

/// Reads the outbox folder, so that a new visitor completes every journey offline.
pub trait DevInbox: Send + Sync {
    /// The messages, newest first, at most 100.
    fn messages(&self) -> Answer<Vec<Message>>;
}

/// One message as its receiver would see it.
#[derive(Debug, Clone)]
pub struct Message {
    pub to: String,
    /// Empty for an SMS.
    pub subject: String,
    pub text: String,
    pub sent_at: Timestamp,
    /// The links in the text, in order, absolute.
    pub links: Vec<String>,
    /// Codes to type, in order.
    pub codes: Vec<String>,
}
