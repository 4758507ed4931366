//! Emails and their texts.
//!
//! An email is a variant with typed fields; its texts are three templates in
//! `templates/mail/<name>/`. A name that somebody gave themselves is the one text of visitors in
//! them: it is cut, and left out where an email program could make a link of it, so that nobody can
//! send their own words to anybody through us (S62, S63). Who asked is said in the families of
//! browsers that we know and an IP address, never in the words of a header.

use jiff::Timestamp;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use super::notification::Notification;
use crate::port::OneTimeCode;

/// The most words of a name that an email greets with: eight cover the long ones of Spain and
/// Portugal.
const WORDS_MAX: usize = 8;

/// The most letters before a dot that shortens a word, as in "Prof.".
const ABBREVIATION: usize = 4;

/// Words that make a message of a name.
const TALK: [&str; 11] =
    ["www", "http", "https", "dot", "punkt", "com", "info", "call", "visit", "click", "whatsapp"];

/// Marks that stand in names.
const MARKS: &str = " '’‘-‐‑.·,&\u{200c}\u{200d}";

/// Digits that are letters.
const HAN_DIGITS: &str = "〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖";

/// The longest name that an email greets with, in characters.
const NAME_MAX: usize = 60;

/// One email to be written.
#[derive(Debug, Clone)]
pub enum EmailMessage {
    /// Prove the address of a sign-up.
    ConfirmEmail(EmailContext),
    /// Somebody tried to sign up with an address that has an account.
    AccountExists {
        link: String,
    },
    MagicLink(EmailContext),
    ResetPassword(EmailContext),
    /// Prove the address that an account shall move to; to that address.
    ConfirmEmailChange(EmailContext),
    /// Prove again that the one who is signed in is the owner.
    Prove {
        name: Option<String>,
        code: OneTimeCode,
        minutes: u32,
        /// As in [`EmailContext`].
        asked_by: Option<String>,
    },
    /// The owner is told.
    Told(Notification, NotificationEmail),
    /// The owner is told of several changes at once.
    SeveralChanges {
        name: Option<String>,
        /// One line each, in our words.
        changes: Vec<String>,
        account_recovery: Option<String>,
    },
}

/// Context of an email with a link.
#[derive(Debug, Clone)]
pub struct EmailContext {
    pub name: Option<String>,
    pub link: String,
    /// How long the link lives.
    pub minutes: u32,
    /// Code with the same effect, for the browser that asked for the email.
    pub code: Option<OneTimeCode>,
    /// How long the code lives.
    pub code_minutes: u32,
    /// As "Firefox on Linux, 203.0.113.7".
    pub asked_by: Option<String>,
    /// The sign-up of the account, of an email that confirms it and was asked for later or from
    /// elsewhere.
    pub sign_up: Option<SignUpSource>,
}

/// When and from where somebody signed up.
#[derive(Debug, Clone)]
pub struct SignUpSource {
    pub at: Timestamp,
    /// As in [`EmailContext::asked_by`].
    pub from: Option<String>,
}

/// Contents of a notification email.
#[derive(Debug, Clone)]
pub struct NotificationEmail {
    pub name: Option<String>,
    /// The link that says it was not the owner. Not every email has one.
    pub account_recovery: Option<String>,
    /// As in [`EmailContext`].
    pub asked_by: Option<String>,
}

impl EmailMessage {
    /// Its folder in `templates/mail/`, and its kind in the database.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::ConfirmEmail(_) => "confirm_email",
            Self::AccountExists { .. } => "account_exists",
            Self::MagicLink(_) => "magic_link",
            Self::ResetPassword(_) => "reset_password",
            Self::ConfirmEmailChange(_) => "confirm_email_change",
            Self::Prove { .. } => "prove",
            Self::Told(notification, _) => notification.name(),
            Self::SeveralChanges { .. } => "several_changes",
        }
    }

    /// The name to greet with, if it can be nothing but a name.
    pub(super) fn greeted(&self) -> Option<String> {
        let name = match self {
            Self::Told(_, notice) => notice.name.as_deref(),
            Self::Prove { name, .. } | Self::SeveralChanges { name, .. } => name.as_deref(),
            _ => self.emailed().and_then(|emailed| emailed.name.as_deref()),
        };
        name.and_then(harmless)
    }

    pub(super) fn link(&self) -> Option<&str> {
        match self {
            Self::AccountExists { link } => Some(link),
            _ => self.emailed().map(|emailed| emailed.link.as_str()),
        }
    }

    /// Context of an email with a link.
    pub(super) fn emailed(&self) -> Option<&EmailContext> {
        match self {
            Self::ConfirmEmail(emailed)
            | Self::MagicLink(emailed)
            | Self::ResetPassword(emailed)
            | Self::ConfirmEmailChange(emailed) => Some(emailed),
            Self::AccountExists { .. }
            | Self::Prove { .. }
            | Self::Told(..)
            | Self::SeveralChanges { .. } => None,
        }
    }

    /// The code that the email carries.
    pub(super) fn code(&self) -> Option<&OneTimeCode> {
        match self {
            Self::Prove { code, .. } => Some(code),
            _ => self.emailed()?.code.as_ref(),
        }
    }

    /// How long what it asks for can be done, in minutes.
    pub(super) fn minutes(&self) -> Option<u32> {
        match self {
            Self::Prove { minutes, .. } => Some(*minutes),
            _ => self.emailed().map(|emailed| emailed.minutes),
        }
    }

    /// Notification in the email.
    pub(super) fn told(&self) -> Option<(&Notification, &NotificationEmail)> {
        match self {
            Self::Told(notification, notice) => Some((notification, notice)),
            _ => None,
        }
    }

    pub(super) fn asked_by(&self) -> Option<&str> {
        let asked_by = match self {
            Self::Told(_, notice) => &notice.asked_by,
            Self::Prove { asked_by, .. } => asked_by,
            _ => &self.emailed()?.asked_by,
        };
        asked_by.as_deref()
    }
}

impl EmailMessage {
    /// A sample of a confirmation that was asked for later than the sign-up.
    pub(super) fn later_confirmation(name: &str) -> Option<Self> {
        let Some(Self::ConfirmEmail(emailed)) = Self::samples(name).into_iter().next() else {
            return None;
        };
        let sign_up =
            Some(SignUpSource { at: Timestamp::UNIX_EPOCH, from: emailed.asked_by.clone() });
        Some(Self::ConfirmEmail(EmailContext { sign_up, ..emailed }))
    }

    /// One of each, to try the templates with.
    pub(super) fn samples(name: &str) -> Vec<Self> {
        let emailed = |minutes| EmailContext {
            name: Some(name.to_owned()),
            link: "https://example.com/verify?key=k&action=a".to_owned(),
            minutes,
            code: OneTimeCode::parse("314159").ok(),
            code_minutes: 10,
            asked_by: Some("Firefox on Linux, 203.0.113.7".to_owned()),
            sign_up: None,
        };
        let notice = NotificationEmail {
            name: Some(name.to_owned()),
            account_recovery: Some("https://example.com/not-me?key=k".to_owned()),
            asked_by: Some("Firefox on Linux, 203.0.113.7".to_owned()),
        };
        let mut samples = vec![
            Self::ConfirmEmail(emailed(1440)),
            Self::AccountExists { link: "https://example.com/sign-in".to_owned() },
            Self::MagicLink(emailed(60)),
            Self::ResetPassword(emailed(60)),
            Self::ConfirmEmailChange(emailed(60)),
        ];
        let name = Some(name.to_owned());
        let sample_name = name.clone();
        let reauthenticate = |code| Self::Prove { name, code, minutes: 10, asked_by: None };
        samples.extend(OneTimeCode::parse("314159").ok().map(reauthenticate));
        samples.push(Self::SeveralChanges {
            name: sample_name,
            changes: vec!["the password was changed, on 21 Nov 04:12 UTC".to_owned()],
            account_recovery: notice.account_recovery.clone(),
        });
        samples.extend(
            Notification::samples()
                .into_iter()
                .map(|notification| Self::Told(notification, notice.clone())),
        );
        samples
    }
}

/// A name to greet with, if it can be nothing but a name: a few words of letters. Digits, links and
/// sentences are a visitor's message, in whichever width or script they are written (NFKC first).
fn harmless(name: &str) -> Option<String> {
    let name: String =
        name.nfkc().filter(|letter| !letter.is_control()).take(NAME_MAX + 1).collect();
    // Squared letters are pictures.
    let is_letter =
        |letter: char| letter.is_alphabetic() && !('\u{1f100}'..='\u{1f1ff}').contains(&letter);
    let is_of_name =
        |letter: char| is_letter(letter) || is_combining_mark(letter) || MARKS.contains(letter);
    let mut words =
        name.split(|letter: char| !letter.is_alphabetic() && !is_combining_mark(letter));
    let is_name = name.chars().count() <= NAME_MAX
        && name.chars().all(is_of_name)
        && name.split_whitespace().count() <= WORDS_MAX
        && name.chars().any(char::is_alphabetic)
        && !words.any(|word| TALK.contains(&&*word.to_lowercase()))
        && !has_foreign_dot(&name)
        && !spells_a_number(&name);
    is_name.then(|| name.trim().to_owned())
}

/// Whether a dot may make a link: "Ann M. Example", "J.R.R. Tolkien" and "Dr. Who" are names,
/// "evil.example" is none.
fn has_foreign_dot(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    parts.windows(2).any(|pair| {
        let [before, after] = pair else { return false };
        let emails = before.chars().rev().take_while(|letter| letter.is_alphabetic()).count();
        let next = after.chars().take_while(|letter| letter.is_alphabetic()).count();
        emails > ABBREVIATION || (next > 0 && (emails != 1 || next != 1))
    })
}

/// Whether letters that are digits stand in a row, as in a phone number.
fn spells_a_number(name: &str) -> bool {
    let digits: Vec<bool> =
        name.chars().filter(|c| c.is_alphabetic()).map(|c| HAN_DIGITS.contains(c)).collect();
    digits.windows(4).any(|row| row.iter().all(|is_digit| *is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S63
    #[test]
    fn a_name_that_could_become_a_link_is_left_out() {
        for name in [
            "visit evil.example",
            "https://evil.example",
            "<b>x</b>",
            "www evil",
            "a\\b",
            "mail@evil.example",
        ] {
            assert_eq!(harmless(name), None, "{name}");
        }
        assert_eq!(harmless("Ann M. Example").as_deref(), Some("Ann M. Example"));
    }

    /// S63
    #[test]
    fn a_name_cannot_carry_a_message_of_a_visitor() {
        for name in [
            "Call +49 151 2345678",
            "０１５１２３４５６７８",
            "٠١٥١٢٣٤٥٦٧٨",
            "①⑤①",
            "ｅｖｉｌ．ｅｘａｍｐｌｅ",
            "evil。example",
            "evil․example",
            "ｈｔｔｐ：／／evil",
            "ann＠evil",
            "evil dot com",
            "your account is locked so write to us at once please",
            "Win a prize!",
            "evil .com",
            "example. evil",
            "t.me",
            "evil.e",
            "Ann.evil.example",
            "hxxps evil com",
            "1️⃣5️⃣1️⃣",
            "一五一二三四五六七八",
            "🅲🅰🅻🅻 🅽🅾🆆",
            "𝗵𝘁𝘁𝗽𝘀 evil",
            "Ann\u{202e}moc.live",
            "Ann\u{2028}Visit us",
            "Ann 🎁",
            "- - -",
        ] {
            assert_eq!(harmless(name), None, "{name}");
        }
        for name in [
            "Ann",
            "Zoë O’Neill",
            "José María de los Ángeles García y López",
            "李小龍",
            "Владимир Ильич",
            "नरेन्द्र मोदी",
            "محمد بن سلمان",
            "Jean-Luc",
            "Martin Luther King, Jr.",
            "สมชาย",
            "Ann & Söhne",
            "J.R.R. Tolkien",
            "Prof. Dr. Ada Lovelace",
            "三浦 一二三",
        ] {
            assert!(harmless(name).is_some(), "{name}");
        }
    }
}
