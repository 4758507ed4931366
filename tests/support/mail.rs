//! An email as its receiver reads it.

use mail_parser::MessageParser;

/// An email as it arrived.
#[derive(Debug, Clone)]
pub struct ReceivedEmail {
    pub to: String,
    pub subject: String,
    pub text: String,
}

impl ReceivedEmail {
    /// Reads a message file.
    pub fn read(bytes: &[u8]) -> Self {
        let message = MessageParser::default().parse(bytes).expect("a message");
        let to = message
            .to()
            .and_then(|to| to.first())
            .and_then(|to| to.address())
            .expect("a receiver")
            .to_owned();
        Self {
            to,
            subject: message.subject().expect("a subject").to_owned(),
            text: message.body_text(0).expect("a text part").into_owned(),
        }
    }

    /// The one link that the email is about: the first in its text that does not say "that was not
    /// me".
    pub fn link(&self) -> String {
        let link = self.links().find(|link| !is_account_recovery(link));
        link.unwrap_or_else(|| panic!("a link in {}", self.text)).to_owned()
    }

    /// The link that says "that was not me", where there is one.
    pub fn account_recovery(&self) -> Option<String> {
        self.links().find(|link| is_account_recovery(link)).map(str::to_owned)
    }

    /// The six digits to type, where there are some.
    pub fn code(&self) -> Option<String> {
        let is_code =
            |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
        self.text.lines().map(str::trim).find(is_code).map(str::to_owned)
    }

    fn links(&self) -> impl Iterator<Item = &str> {
        self.text.split_whitespace().filter(|word| word.starts_with("http"))
    }
}

fn is_account_recovery(link: &str) -> bool {
    link.contains("/not-me?") || link.contains("/profile/email/undo?")
}
