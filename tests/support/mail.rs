//! A mail as its receiver reads it.

use mail_parser::MessageParser;

/// What arrived.
#[derive(Debug, Clone)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
}

impl Mail {
    /// Reads a message file.
    pub fn read(bytes: &[u8]) -> Self {
        let message = MessageParser::default().parse(bytes).expect("a message");
        let to = message.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("a receiver").to_owned();
        Self {
            to,
            subject: message.subject().expect("a subject").to_owned(),
            text: message.body_text(0).expect("a text part").into_owned(),
        }
    }

    /// The one link that the mail is about: the first in its text.
    pub fn link(&self) -> String {
        let start = self.text.find("http").unwrap_or_else(|| panic!("a link in {}", self.text));
        self.text[start..].split_whitespace().next().expect("a link").to_owned()
    }
}
