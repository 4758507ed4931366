//! How an SMS leaves: through a provider, or into the outbox folder.

use std::{path::Path, time::SystemTime};

use jiff::Timestamp;
use serde_json::json;

use super::{folder::Folder, transport::SendError};

/// The way out. Cloning is cheap.
#[derive(Clone)]
pub struct SmsTransport(Way);

#[derive(Clone)]
enum Way {
    Folder(Folder),
}

/// A text as it leaves.
pub(super) struct OutgoingText {
    pub(super) id: String,
    /// E.164.
    pub(super) to: String,
    pub(super) text: String,
    pub(super) created: SystemTime,
    pub(super) sent_at: Timestamp,
}

impl SmsTransport {
    /// Into a folder, as `*.sms.json`, which is made for its owner alone.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn folder(folder: &Path) -> std::io::Result<Self> {
        Folder::open(folder).map(|folder| Self(Way::Folder(folder)))
    }

    /// Whether texts go to the outbox folder.
    pub fn is_folder(&self) -> bool {
        matches!(self.0, Way::Folder(_))
    }

    pub(super) async fn send(&self, message: OutgoingText) -> Result<(), SendError> {
        let OutgoingText { id, to, text, created, sent_at } = message;
        match &self.0 {
            Way::Folder(folder) => {
                let bytes = json!({ "to": to, "text": text, "sentAt": sent_at }).to_string().into_bytes();
                let put = folder.put(created, &id, "sms.json", bytes).await;
                put.map_err(|error| SendError::Temporary(error.to_string()))
            }
        }
    }
}
