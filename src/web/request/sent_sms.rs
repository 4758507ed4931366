//! Which number waits for which code. It is kept in the cookie, so that Back, a reload or a second
//! window finds the page again (S92), with one place for each journey, so that one begun in another
//! window takes nothing away.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{super::view::code_expiry::CodeExpiry, visit::Visit};
use crate::port::Phone;

/// The journeys that wait for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SmsPurpose {
    #[serde(rename = "u")]
    SignUp,
    #[serde(rename = "i")]
    SignIn,
    #[serde(rename = "r")]
    ResetPassword,
    #[serde(rename = "c")]
    ChangePhone,
}

/// A code that was asked for. Whether there was anybody to send it to, the browser does not know
/// either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SentSms {
    #[serde(rename = "k")]
    pub(crate) purpose: SmsPurpose,
    /// The number in groups, which the plans take long to say. It was typed here, so nothing is
    /// hidden from whoever sits here.
    #[serde(rename = "p")]
    shown: String,
    /// When it was asked for, in seconds since 1970.
    #[serde(rename = "t")]
    sent_at: i64,
}

impl SentSms {
    /// A code that was asked for now.
    pub(crate) fn now(purpose: SmsPurpose, phone: &Phone, now: Timestamp) -> Self {
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

    /// Remaining lifetime of the code.
    pub(crate) fn life(&self, visit: &Visit) -> CodeExpiry {
        let sent_at = Timestamp::from_second(self.sent_at).unwrap_or(Timestamp::UNIX_EPOCH);
        CodeExpiry::of(sent_at, visit.auth().capabilities().code_minutes, visit.site().clock.now())
    }
}

impl Visit {
    /// The code that a journey waits for in this browser.
    pub(crate) fn sent_sms(&self, purpose: SmsPurpose) -> Option<SentSms> {
        self.session().sent_sms(purpose)
    }

    /// Remembers which number waits for a code. What is no number is not kept.
    pub(crate) fn wait_for_sms(&self, purpose: SmsPurpose, phone: Option<&Phone>) {
        if let Some(phone) = phone {
            self.session().keep_sent_sms(SentSms::now(purpose, phone, self.site().clock.now()));
        }
    }

    /// Remembers that the code was sent again.
    pub(crate) fn wait_for_text_again(&self, sent_sms: SentSms) {
        self.session()
            .keep_sent_sms(SentSms { sent_at: self.site().clock.now().as_second(), ..sent_sms });
    }
}
