//! How an SMS leaves: through a provider, or into the outbox folder.
//!
//! The providers are the rows of [`SmsProvider`]; each is a small file that makes one request and
//! judges the answer.

pub(super) mod gsm;
mod messagebird;
mod provider;
mod twilio;
mod vonage;
mod webhook;

#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc, time::SystemTime};

use jiff::Timestamp;
use reqwest::Client;
use secrecy::SecretString;
use serde_json::json;
use url::Url;

use self::{
    messagebird::MessageBird, provider::SmsSender, twilio::Twilio, vonage::Vonage, webhook::Webhook,
};
use super::{folder::Folder, transport::SendError};

/// The way out. Cloning is cheap.
#[derive(Clone)]
pub struct SmsTransport(SmsTransportKind);

#[derive(Clone)]
enum SmsTransportKind {
    Provider { http: Client, provider: Arc<dyn SmsSender> },
    Folder(Folder),
}

/// The providers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsProvider {
    Twilio,
    Vonage,
    MessageBird,
    /// A server of the operator's own.
    Webhook,
}

/// Account at an SMS provider. Unused values are empty.
#[derive(Debug, Clone)]
pub struct SmsAccount {
    /// Twilio's account SID, Vonage's API key.
    pub account: String,
    /// Twilio's auth token, Vonage's API secret, MessageBird's access key, the secret that signs
    /// for the webhook.
    pub secret: SecretString,
    /// Sender of the SMS: a number, or a name where the country allows one.
    pub from: String,
    /// The provider's host; of the webhook, the whole URL.
    pub base_url: Url,
}

/// A text as it leaves.
pub(super) struct OutgoingSms {
    pub(super) id: String,
    /// E.164.
    pub(super) to: String,
    pub(super) text: String,
    pub(super) created: SystemTime,
    pub(super) sent_at: Timestamp,
    /// After this it is worthless.
    pub(super) expires_at: Option<Timestamp>,
}

impl SmsProvider {
    /// Where the provider is, when the settings name no other host.
    pub fn base_url(self) -> Option<&'static str> {
        match self {
            Self::Twilio => Some("https://api.twilio.com"),
            Self::Vonage => Some("https://rest.nexmo.com"),
            Self::MessageBird => Some("https://rest.messagebird.com"),
            Self::Webhook => None,
        }
    }

    fn open(self, account: SmsAccount) -> Arc<dyn SmsSender> {
        match self {
            Self::Twilio => Arc::new(Twilio(account)),
            Self::Vonage => Arc::new(Vonage(account)),
            Self::MessageBird => Arc::new(MessageBird(account)),
            Self::Webhook => Arc::new(Webhook(account)),
        }
    }
}

impl SmsTransport {
    /// Through a provider.
    ///
    /// # Errors
    /// When the system gives no means to speak TLS.
    pub fn provider(provider: SmsProvider, account: SmsAccount) -> std::io::Result<Self> {
        let http = provider::client(provider::BUDGET).map_err(std::io::Error::other)?;
        Ok(Self(SmsTransportKind::Provider { http, provider: provider.open(account) }))
    }

    /// Into a folder, as `*.sms.json`, which is made for its owner alone.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn folder(folder: &Path) -> std::io::Result<Self> {
        Folder::open(folder).map(|folder| Self(SmsTransportKind::Folder(folder)))
    }

    /// Whether texts go to the outbox folder.
    pub fn is_folder(&self) -> bool {
        matches!(self.0, SmsTransportKind::Folder(_))
    }

    pub(super) async fn send(&self, message: OutgoingSms) -> Result<(), SendError> {
        match &self.0 {
            SmsTransportKind::Provider { http, provider } => {
                provider::send(http, &**provider, &message).await
            }
            SmsTransportKind::Folder(folder) => {
                let OutgoingSms { id, to, text, created, sent_at, .. } = message;
                let bytes =
                    json!({ "to": to, "text": text, "sentAt": sent_at }).to_string().into_bytes();
                let put = folder.put(created, &id, "sms.json", bytes).await;
                put.map_err(|error| SendError::temporary(error.to_string()))
            }
        }
    }
}

impl OutgoingSms {
    /// Seconds until it is worthless, for providers that throw away what waits too long with them.
    fn seconds_left(&self) -> Option<i64> {
        self.expires_at.map(|end| end.duration_since(self.sent_at).as_secs())
    }
}

/// A URL below another one.
fn endpoint(base_url: &Url, segments: &[&str]) -> Url {
    let mut url = base_url.clone();
    // Only a URL like `mailto:` has no path, and the settings take http and https alone.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}
