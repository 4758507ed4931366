//! How an email leaves: by SMTP, or into the outbox folder.

use std::{path::Path, time::Duration};

use jiff::SignedDuration;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart, header},
};
use secrecy::{ExposeSecret, SecretString};

use super::folder;

/// How long an email server may take until it is connected (R09, R28).
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take for a whole email. lettre bounds nothing but the connecting, so one that
/// says nothing any more would keep all email back for ever. Less than the lease of an email.
const LETTER: Duration = Duration::from_secs(30);

/// The way out. Cloning is cheap.
#[derive(Clone)]
pub struct Transport {
    way: EmailTransportKind,
    from: Mailbox,
    /// [`LETTER`], but in tests.
    pub(super) timeout: Duration,
}

#[derive(Clone)]
enum EmailTransportKind {
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Folder(folder::Folder),
}

/// Why there is no way out, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("it should look like smtps://user:password@mail.example.com, or smtp:// for STARTTLS")]
    Url,
    #[error("the sender's address cannot be used")]
    Sender,
    #[error("{0}")]
    Folder(#[from] std::io::Error),
}

/// Why a message did not leave. Names neither receiver nor text, so it can be logged.
#[derive(Debug)]
pub(super) enum SendError {
    /// Another try may work, after the time that was asked for.
    Temporary { reason: String, retry_after: Option<SignedDuration> },
    /// No other try will work.
    Permanent(String),
    /// Nobody knows whether it left, and a second one could be charged and delivered too.
    Unclear(String),
}

impl SendError {
    pub(super) fn temporary(reason: String) -> Self {
        Self::Temporary { reason, retry_after: None }
    }
}

/// An email as it leaves.
pub(super) struct Outgoing {
    pub(super) id: String,
    pub(super) to: Address,
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
    pub(super) created: std::time::SystemTime,
    /// Of the `Message-ID`.
    pub(super) host: String,
}

impl Transport {
    /// By SMTP. `smtp://` insists on STARTTLS unless the server is on this machine (S87);
    /// `smtps://` is TLS from the first byte.
    ///
    /// # Errors
    /// When the URL or the sender cannot be used.
    pub fn smtp(url: &SecretString, from: &str, from_name: &str) -> Result<Self, TransportError> {
        let mut url = url::Url::parse(url.expose_secret()).map_err(|_| TransportError::Url)?;
        let host = url.host_str().ok_or(TransportError::Url)?.trim_matches(['[', ']']);
        let is_here = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if url.scheme() == "smtp" && !is_here && !url.query_pairs().any(|(name, _)| name == "tls") {
            url.query_pairs_mut().append_pair("tls", "required");
        }
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str())
            .map_err(|_| TransportError::Url)?;
        let way = EmailTransportKind::Smtp(Box::new(builder.timeout(Some(TIMEOUT)).build()));
        Ok(Self { way, from: sender(from, from_name)?, timeout: LETTER })
    }

    /// Into a folder, which is made for its owner alone.
    ///
    /// # Errors
    /// When the folder cannot be made, or the sender cannot be used.
    pub fn folder(folder: &Path, from: &str, from_name: &str) -> Result<Self, TransportError> {
        let way = EmailTransportKind::Folder(folder::Folder::open(folder)?);
        Ok(Self { way, from: sender(from, from_name)?, timeout: LETTER })
    }

    /// Connects to the email server as an email would, and sends nothing. The folder needs no
    /// greeting.
    ///
    /// # Errors
    /// Why it does not take us, in its words.
    pub async fn greet(&self) -> Result<(), String> {
        match &self.way {
            EmailTransportKind::Folder(_) => Ok(()),
            EmailTransportKind::Smtp(smtp) => {
                match tokio::time::timeout(TIMEOUT, smtp.test_connection()).await {
                    Ok(Ok(true)) => Ok(()),
                    Ok(Ok(false)) => Err("it hung up".to_owned()),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_) => Err("it says nothing".to_owned()),
                }
            }
        }
    }

    /// Whether email goes to the outbox folder.
    pub fn is_folder(&self) -> bool {
        matches!(self.way, EmailTransportKind::Folder(_))
    }

    pub(super) async fn send(&self, mail: Outgoing) -> Result<(), SendError> {
        let (id, created) = (mail.id.clone(), mail.created);
        let message =
            self.message(mail).map_err(|error| SendError::Permanent(error.to_string()))?;
        match &self.way {
            EmailTransportKind::Smtp(server) => {
                match tokio::time::timeout(self.timeout, server.send(message)).await {
                    Ok(Ok(_)) => Ok(()),
                    // A server's words may repeat the receiver's address; only its code goes into
                    // the log.
                    Ok(Err(error)) if error.is_permanent() => {
                        Err(SendError::Permanent(code_of(&error)))
                    }
                    Ok(Err(error)) => Err(SendError::temporary(code_of(&error))),
                    Err(_) => Err(SendError::temporary(
                        "the mail server says nothing any more".to_owned(),
                    )),
                }
            }
            EmailTransportKind::Folder(folder) => {
                let put = folder.put(created, &id, "eml", message.formatted()).await;
                put.map_err(|error| SendError::temporary(error.to_string()))
            }
        }
    }

    fn message(&self, mail: Outgoing) -> Result<Message, lettre::error::Error> {
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, mail.to))
            .subject(mail.subject)
            .date(mail.created)
            .message_id(Some(format!("<{}@{}>", mail.id, mail.host)))
            .raw_header(header::HeaderValue::new(
                // RFC 3834: no out-of-office answers to this.
                header::HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .multipart(MultiPart::alternative_plain_html(mail.text, mail.html))
    }
}

fn sender(from: &str, name: &str) -> Result<Mailbox, TransportError> {
    Ok(Mailbox::new(Some(name.to_owned()), from.parse().map_err(|_| TransportError::Sender)?))
}

fn code_of(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server answered {code}"),
        None => "the mail server cannot be reached or does not answer as one".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(url: &str) -> Result<Transport, TransportError> {
        Transport::smtp(&SecretString::from(url), "hall@example.com", "Vestibule")
    }

    #[tokio::test]
    async fn a_server_is_named_by_a_url_and_anything_else_is_told() {
        for good in [
            "smtps://ann:secret@mail.example.com",
            "smtp://mail.example.com:587",
            "smtp://127.0.0.1:2525",
        ] {
            assert!(opened(good).is_ok(), "{good}");
        }
        for bad in ["mail.example.com", "https://mail.example.com", "smtp:"] {
            let error = opened(bad).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains("smtps://user:password@"), "{bad}: {error}");
        }
    }

    /// S87: a password is not sent in the open to another machine.
    #[tokio::test]
    async fn a_remote_server_without_tls_is_not_spoken_to() {
        let EmailTransportKind::Smtp(remote) =
            opened("smtp://mail.example.com").expect("a transport").way
        else {
            panic!("not SMTP")
        };
        assert!(format!("{remote:?}").contains("Required"), "{remote:?}");
    }
}
