//! Notifications to the owner of an account (S21).

use super::sms_message::SmsMessage;
use crate::port::Email;

/// One change to how an account is got into.
#[derive(Debug, Clone)]
pub enum Notification {
    PasswordChanged,
    /// The account shall move to another address.
    EmailChangeRequested {
        new_email: Email,
    },
    /// The account moved to another address; for the one it had.
    EmailChanged {
        new_email: Email,
    },
    /// The account moved to this address; for the one it has.
    EmailIsNew,
    /// The owner of the former address took the account back; for the address that it had
    /// meanwhile.
    EmailChangeUndone,
    /// The account has another phone number.
    PhoneChanged {
        /// As [`Phone::masked`](crate::port::Phone::masked) writes it.
        new_phone_masked: String,
    },
    /// Codes by SMS.
    SecondFactorOn,
    SecondFactorOff,
    /// Codes of an authenticator app.
    AuthenticatorOn,
    AuthenticatorOff,
    RecoveryCodeUsed {
        left: u32,
    },
    RecoveryCodesNew,
    /// A browser is not asked for the second factor any more.
    BrowserTrusted,
    /// An account at a provider signs in to it from now on, or no longer.
    ProviderConnected {
        provider: String,
    },
    ProviderDisconnected {
        provider: String,
    },
    /// Somebody signed in from a browser that never did.
    NewSignIn,
}

impl Notification {
    /// Its folder in `templates/mail/`, and its kind in the database.
    pub(in crate::engine) fn name(&self) -> &'static str {
        match self {
            Self::PasswordChanged => "password_changed",
            Self::EmailChangeRequested { .. } => "email_change_requested",
            Self::EmailChanged { .. } => "email_changed",
            Self::EmailIsNew => "email_is_new",
            Self::EmailChangeUndone => "email_change_undone",
            Self::PhoneChanged { .. } => "phone_changed",
            Self::SecondFactorOn => "second_factor_on",
            Self::SecondFactorOff => "second_factor_off",
            Self::AuthenticatorOn => "authenticator_on",
            Self::AuthenticatorOff => "authenticator_off",
            Self::RecoveryCodeUsed { .. } => "recovery_code_used",
            Self::RecoveryCodesNew => "recovery_codes_new",
            Self::BrowserTrusted => "browser_trusted",
            Self::ProviderConnected { .. } => "provider_connected",
            Self::ProviderDisconnected { .. } => "provider_disconnected",
            Self::NewSignIn => "new_sign_in",
        }
    }

    /// A change as a digest lists it.
    pub(in crate::engine) fn in_words(name: &str) -> &'static str {
        match name {
            "password_changed" => "the password was changed",
            "email_change_requested" => "a move to another address was asked for",
            "email_changed" | "email_is_new" => "the account moved to another address",
            "email_change_undone" => "a move to another address was taken back",
            "phone_changed" => "the phone number was changed",
            "second_factor_on" => "codes by SMS were switched on",
            "second_factor_off" => "codes by SMS were switched off",
            "authenticator_on" => "an authenticator app was added",
            "authenticator_off" => "the authenticator app was removed",
            "recovery_code_used" => "a recovery code was used",
            "recovery_codes_new" => "new recovery codes were made",
            "browser_trusted" => "a browser was trusted",
            "provider_connected" => "a provider was connected",
            "provider_disconnected" => "a provider was disconnected",
            "new_sign_in" => "a new browser signed in",
            _ => "how you sign in was changed",
        }
    }

    /// The text for an owner without a mailbox. `None` where the news is not worth an SMS: a price
    /// for each sign-in would be one that others could run up.
    pub(in crate::engine) fn text(&self) -> Option<SmsMessage> {
        match self {
            Self::PasswordChanged => Some(SmsMessage::PasswordChanged),
            Self::PhoneChanged { new_phone_masked } => {
                Some(SmsMessage::PhoneChanged { new_phone_masked: new_phone_masked.clone() })
            }
            Self::SecondFactorOn => Some(SmsMessage::SecondFactorOn),
            Self::SecondFactorOff => Some(SmsMessage::SecondFactorOff),
            Self::EmailChanged { .. }
            | Self::EmailChangeUndone
            | Self::AuthenticatorOn
            | Self::AuthenticatorOff
            | Self::RecoveryCodeUsed { .. }
            | Self::RecoveryCodesNew
            | Self::ProviderConnected { .. }
            | Self::ProviderDisconnected { .. }
            | Self::BrowserTrusted => Some(SmsMessage::AccountChanged),
            Self::EmailChangeRequested { .. } | Self::EmailIsNew | Self::NewSignIn => None,
        }
    }

    pub(super) fn new_email(&self) -> Option<String> {
        match self {
            Self::EmailChangeRequested { new_email } | Self::EmailChanged { new_email } => {
                Some(new_email.masked())
            }
            _ => None,
        }
    }

    pub(super) fn new_phone(&self) -> Option<&str> {
        match self {
            Self::PhoneChanged { new_phone_masked } => Some(new_phone_masked),
            _ => None,
        }
    }

    pub(super) fn provider(&self) -> Option<&str> {
        match self {
            Self::ProviderConnected { provider } | Self::ProviderDisconnected { provider } => {
                Some(provider)
            }
            _ => None,
        }
    }

    /// How many recovery codes are left.
    pub(super) fn left(&self) -> Option<u32> {
        match self {
            Self::RecoveryCodeUsed { left } => Some(*left),
            _ => None,
        }
    }

    /// One of each, to try the templates with.
    pub(super) fn samples() -> Vec<Self> {
        let Ok(new_email) = Email::parse("ann@new.example") else { return Vec::new() };
        vec![
            Self::PasswordChanged,
            Self::EmailChangeRequested { new_email: new_email.clone() },
            Self::EmailChanged { new_email },
            Self::EmailIsNew,
            Self::EmailChangeUndone,
            Self::PhoneChanged { new_phone_masked: "+49 … 78".to_owned() },
            Self::SecondFactorOn,
            Self::SecondFactorOff,
            Self::AuthenticatorOn,
            Self::AuthenticatorOff,
            Self::RecoveryCodeUsed { left: 7 },
            Self::RecoveryCodesNew,
            Self::BrowserTrusted,
            Self::ProviderConnected { provider: "Google".to_owned() },
            Self::ProviderDisconnected { provider: "Google".to_owned() },
            Self::NewSignIn,
        ]
    }
}
