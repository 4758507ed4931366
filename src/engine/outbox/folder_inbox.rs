//! The outbox folder, read as an inbox for development.

use std::{fs, io, path::PathBuf};

use jiff::Timestamp;
use mail_parser::MessageParser;
use serde::Deserialize;

use crate::port::{Answer, DevInbox, Failure, Message};

/// How many messages are shown.
const MOST: usize = 100;

/// The largest file that is read, in bytes; ours are a few kilobytes.
const LARGEST: u64 = 1024 * 1024;

/// Reads the folder that the folder transport writes.
pub struct OutboxFolder(PathBuf);

/// An SMS as the outbox keeps it (`*.sms.json`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredSms {
    to: String,
    text: String,
    sent_at: Timestamp,
}

impl OutboxFolder {
    /// An inbox over a folder; it may not be there yet.
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }
}

impl DevInbox for OutboxFolder {
    fn messages(&self) -> Answer<Vec<Message>> {
        let folder = self.0.clone();
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || read(&folder))
                .await
                .map_err(Failure::broken)?;
            Ok(read.map_err(Failure::broken)?)
        })
    }
}

fn read(folder: &PathBuf) -> io::Result<Vec<Message>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    // Names begin with the time.
    files.sort_unstable_by(|one, other| other.cmp(one));
    Ok(files.iter().filter_map(message).take(MOST).collect())
}

/// `None` for what is no message of ours, or goes away while it is read.
fn message(file: &PathBuf) -> Option<Message> {
    let name = file.file_name()?.to_str()?;
    if fs::metadata(file).ok()?.len() > LARGEST {
        return None;
    }
    if name.ends_with(".eml") {
        mail(&fs::read(file).ok()?)
    } else if name.ends_with(".sms.json") {
        let sms: StoredSms = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
        Some(shown(sms.to, String::new(), sms.text, sms.sent_at))
    } else {
        None
    }
}

fn mail(bytes: &[u8]) -> Option<Message> {
    let mail = MessageParser::default().parse(bytes)?;
    let to = mail.to()?.first()?.address()?.to_owned();
    let sent_at = Timestamp::from_second(mail.date()?.to_timestamp()).ok()?;
    Some(shown(to, mail.subject()?.to_owned(), mail.body_text(0)?.into_owned(), sent_at))
}

fn shown(to: String, subject: String, text: String, sent_at: Timestamp) -> Message {
    let links = text
        .split_whitespace()
        .filter(|word| word.starts_with("http://") || word.starts_with("https://"));
    let links = links.map(str::to_owned).collect();
    let words =
        text.split(|letter: char| !letter.is_alphanumeric() && !"/:?=&.-_%".contains(letter));
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    let mut codes: Vec<String> =
        words.map(|word| word.trim_end_matches('.')).filter(is_code).map(str::to_owned).collect();
    // A text says its code twice: for people, and bound to the host for phones.
    codes.dedup();
    Message { to, subject, text, sent_at, links, codes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_codes_are_found_and_numbers_in_links_are_no_codes() {
        let text =
            "Your code is 314159. Or open\n\nhttps://example.com/x?key=123456\n\nbefore 20261121.";
        let message =
            shown("ann@example.com".into(), String::new(), text.into(), Timestamp::UNIX_EPOCH);
        assert_eq!(message.links, ["https://example.com/x?key=123456"]);
        assert_eq!(message.codes, ["314159"]);
        let text = "271828 is your code.\n\n@example.com #271828";
        let message =
            shown("+4930123456".into(), String::new(), text.into(), Timestamp::UNIX_EPOCH);
        assert_eq!(message.codes, ["271828"]);
    }

    #[tokio::test]
    async fn an_sms_is_shown_and_what_is_no_message_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("1.sms.json"),
            r#"{"to":"+4930123456","text":"hello","sentAt":"2026-11-21T04:12:00Z"}"#,
        )
        .unwrap();
        fs::write(folder.path().join("2.eml"), b"\xff\xfe not a mail").unwrap();
        fs::write(folder.path().join("3.new"), b"half").unwrap();
        let messages = OutboxFolder::new(folder.path().to_owned()).messages().await.unwrap();
        assert_eq!(
            messages.iter().map(|message| message.to.as_str()).collect::<Vec<_>>(),
            ["+4930123456"]
        );
        assert!(OutboxFolder::new(folder.path().join("none")).messages().await.unwrap().is_empty());
    }
}
