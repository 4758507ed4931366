//! Which number waits for which code. It is kept in the cookie, so that Back, a reload or a second window finds the page again
//! (SECURITY.md S92), with one place for each journey, so that one begun in another window takes nothing away.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{code_life::CodeLife, visit::Visit};
use crate::port::Phone;

/// The journeys that wait for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TextedFor {
    #[serde(rename = "u")]
    SignUp,
    #[serde(rename = "i")]
    SignIn,
    #[serde(rename = "r")]
    ResetPassword,
    #[serde(rename = "c")]
    ChangePhone,
}

/// A code that was asked for. Whether there was anybody to send it to, the browser does not know either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Texted {
    #[serde(rename = "k")]
    pub(crate) purpose: TextedFor,
    /// The number in groups, which the plans take long to say. It was typed here, so nothing is hidden from whoever sits here.
    #[serde(rename = "p")]
    shown: String,
    /// When it was asked for, in seconds since 1970.
    #[serde(rename = "t")]
    sent_at: i64,
}

impl Texted {
    /// A code that was asked for now.
    pub(crate) fn now(purpose: TextedFor, phone: &Phone, now: Timestamp) -> Self {
        Self { purpose, shown: phone.in_groups().to_owned(), sent_at: now.as_second() }
    }

    /// The number as people read it.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The number in E.164 form.
    pub(crate) fn phone(&self) -> String {
        self.shown.chars().filter(|letter| *letter == '+' || letter.is_ascii_digit()).collect()
    }

    /// What is left of the life of the code.
    pub(crate) fn life(&self, visit: &Visit) -> CodeLife {
        let sent_at = Timestamp::from_second(self.sent_at).unwrap_or(Timestamp::UNIX_EPOCH);
        CodeLife::of(sent_at, visit.auth().offers().code_minutes, visit.site().clock.now())
    }
}

impl Visit {
    /// The code that a journey waits for in this browser.
    pub(crate) fn texted(&self, purpose: TextedFor) -> Option<Texted> {
        self.session().texted(purpose)
    }

    /// Remembers which number waits for a code. What is no number is not kept.
    pub(crate) fn wait_for_text(&self, purpose: TextedFor, phone: Option<&Phone>) {
        if let Some(phone) = phone {
            self.session().keep_texted(Texted::now(purpose, phone, self.site().clock.now()));
        }
    }

    /// Remembers that the code was sent again.
    pub(crate) fn wait_for_text_again(&self, texted: Texted) {
        self.session().keep_texted(Texted { sent_at: self.site().clock.now().as_second(), ..texted });
    }
}
