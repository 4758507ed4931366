//! Temporary: stands in for the outbox until it is merged.

use jiff::Timestamp;

use super::store::{StoreError, Transaction};
use crate::port::Email;

#[derive(Debug)]
pub enum Letter {
    ConfirmEmail { name: Option<String>, link: String, minutes: u32 },
    AccountExists { name: Option<String> },
    MagicLink { name: Option<String>, link: String, minutes: u32 },
    ResetPassword { name: Option<String>, link: String, minutes: u32 },
    ConfirmEmailChange { name: Option<String>, link: String, minutes: u32 },
    EmailChangeRequested { name: Option<String>, new_email: String },
    EmailChanged { name: Option<String>, new_email: String },
    PasswordChanged { name: Option<String> },
}

#[derive(Clone)]
pub struct Outbox;

impl Outbox {
    pub async fn enqueue(
        &self,
        tx: &mut Transaction<'_>,
        letter: &Letter,
        to: &Email,
        expires_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let _ = (tx, letter, to, expires_at);
        Ok(())
    }
}
