//! SMS messages and their texts.
//!
//! A text is a variant with typed fields, as a [`EmailMessage`](super::EmailMessage) is; its one
//! template is `templates/sms/<name>.txt`. Nothing that somebody typed themselves stands in one
//! (S63). A text that carries a code ends in a line that binds it to our host (`@host #code`), so
//! that a phone fills it in there and nowhere else (S66).

use crate::port::OneTimeCode;

/// One text to be sent.
#[derive(Debug, Clone)]
pub enum SmsMessage {
    /// Prove the number of a sign-up.
    VerifyPhone {
        code: OneTimeCode,
        minutes: u32,
    },
    /// Prove the number that an account shall move to; to that number.
    ChangePhone {
        code: OneTimeCode,
        minutes: u32,
    },
    /// Prove the number that a second factor shall use (altogic-protocol.md §8).
    SetPhone {
        code: OneTimeCode,
        minutes: u32,
    },
    SignIn {
        code: OneTimeCode,
        minutes: u32,
    },
    ResetPassword {
        code: OneTimeCode,
        minutes: u32,
    },
    SecondFactor {
        code: OneTimeCode,
        minutes: u32,
    },
    /// Prove again that the one who is signed in is the owner.
    Prove {
        code: OneTimeCode,
        minutes: u32,
    },
    /// To an owner without an address.
    PasswordChanged,
    /// The account moved to another number; to the one it had.
    PhoneChanged {
        /// As [`Phone::masked`](crate::port::Phone::masked) writes it.
        new_phone_masked: String,
    },
    /// To an owner without an address.
    SecondFactorOn,
    SecondFactorOff,
    /// To an owner without an address: any other change to how the account is got into.
    AccountChanged,
    /// To an owner without an address: several changes at once.
    SeveralChanges {
        times: u32,
        /// As "21 Nov 04:12 UTC".
        since: String,
    },
    /// Somebody tried to sign up with a number that has an account.
    AccountExists,
}

/// Shares of the day's budget, the smallest first: what comes later in this list still goes when
/// the former are spent (S106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Share {
    /// Sign-ups, changes of number, and everything to numbers that nobody has proved.
    Ordinary,
    /// To owners, about changes.
    Notification,
    /// Codes that visitors can ask for: sign-in and reset.
    WayIn,
    /// Codes that only the owner can ask for.
    SecondFactor,
}

impl Share {
    /// The smallest first.
    pub(in crate::engine) const ALL: [Self; 4] =
        [Self::Ordinary, Self::Notification, Self::WayIn, Self::SecondFactor];

    /// How many of the shares are spent.
    pub(in crate::engine) fn spent(queued: i64, budget: i64) -> i64 {
        Self::ALL.iter().map(|share| i64::from(queued >= share.of(budget))).sum()
    }

    /// Whether it is sent before what waits of the others.
    pub(in crate::engine) fn goes_first(self) -> bool {
        matches!(self, Self::WayIn | Self::SecondFactor)
    }

    /// How much of the budget may be spent before this share ends: three tenths are kept back in
    /// steps.
    pub(in crate::engine) fn of(self, budget: i64) -> i64 {
        let reserve = budget * 3 / 10;
        budget
            - match self {
                Self::Ordinary => reserve,
                Self::Notification => reserve * 2 / 3,
                Self::WayIn => reserve / 3,
                Self::SecondFactor => 0,
            }
    }
}

impl SmsMessage {
    /// Its file in `templates/sms/`, and its kind in the database.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::VerifyPhone { .. } => "verify_phone",
            Self::ChangePhone { .. } => "change_phone",
            Self::SetPhone { .. } => "set_phone",
            Self::SignIn { .. } => "sign_in",
            Self::ResetPassword { .. } => "reset_password",
            Self::SecondFactor { .. } => "second_factor",
            Self::Prove { .. } => "prove",
            Self::PasswordChanged => "password_changed",
            Self::PhoneChanged { .. } => "phone_changed",
            Self::SecondFactorOn => "second_factor_on",
            Self::SecondFactorOff => "second_factor_off",
            Self::AccountChanged => "account_changed",
            Self::SeveralChanges { .. } => "several_changes",
            Self::AccountExists => "account_exists",
        }
    }

    pub(super) fn code(&self) -> Option<&OneTimeCode> {
        self.code_and_minutes().map(|(code, _)| code)
    }

    pub(super) fn minutes(&self) -> Option<u32> {
        self.code_and_minutes().map(|(_, minutes)| minutes)
    }

    /// The masked number, in letters that every phone has: an ellipsis alone would halve what fits
    /// into one SMS.
    pub(super) fn new_phone(&self) -> Option<String> {
        match self {
            Self::PhoneChanged { new_phone_masked } => Some(new_phone_masked.replace('…', "...")),
            _ => None,
        }
    }

    /// The share of the day's budget that it may use. `is_proved` says whether the account has
    /// proved the number.
    pub(in crate::engine) fn share(&self, is_proved: bool) -> Share {
        match self {
            Self::SecondFactor { .. } | Self::Prove { .. } => Share::SecondFactor,
            Self::SignIn { .. } | Self::ResetPassword { .. } if is_proved => Share::WayIn,
            Self::PasswordChanged
            | Self::PhoneChanged { .. }
            | Self::SecondFactorOn
            | Self::SecondFactorOff
            | Self::AccountChanged
            | Self::SeveralChanges { .. }
                if is_proved =>
            {
                Share::Notification
            }
            _ => Share::Ordinary,
        }
    }

    /// One of each, with a code, to try the templates with.
    pub(super) fn samples() -> Vec<Self> {
        let Ok(code) = OneTimeCode::parse("314159") else { return Vec::new() };
        let new_phone_masked = "+49 … 78".to_owned();
        vec![
            Self::VerifyPhone { code: code.clone(), minutes: 10 },
            Self::ChangePhone { code: code.clone(), minutes: 10 },
            Self::SetPhone { code: code.clone(), minutes: 1 },
            Self::SignIn { code: code.clone(), minutes: 10 },
            Self::ResetPassword { code: code.clone(), minutes: 10 },
            Self::SecondFactor { code: code.clone(), minutes: 1 },
            Self::Prove { code, minutes: 10 },
            Self::PasswordChanged,
            Self::PhoneChanged { new_phone_masked },
            Self::SecondFactorOn,
            Self::SecondFactorOff,
            Self::AccountChanged,
            Self::SeveralChanges { times: 58, since: "21 Nov 04:12 UTC".to_owned() },
            Self::AccountExists,
        ]
    }

    fn code_and_minutes(&self) -> Option<(&OneTimeCode, u32)> {
        match self {
            Self::VerifyPhone { code, minutes }
            | Self::ChangePhone { code, minutes }
            | Self::SetPhone { code, minutes }
            | Self::SignIn { code, minutes }
            | Self::ResetPassword { code, minutes }
            | Self::SecondFactor { code, minutes }
            | Self::Prove { code, minutes } => Some((code, *minutes)),
            Self::PasswordChanged
            | Self::PhoneChanged { .. }
            | Self::SecondFactorOn
            | Self::SecondFactorOff
            | Self::AccountChanged
            | Self::SeveralChanges { .. }
            | Self::AccountExists => None,
        }
    }
}
