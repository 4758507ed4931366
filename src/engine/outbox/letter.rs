//! What is mailed, and the texts of it.
//!
//! A letter is a variant with typed fields; its texts are three templates in `templates/mail/<name>/`. A name that somebody
//! gave themselves is the one text of strangers in them: it is cut, and left out where a mail program could make a link of
//! it, so that nobody can send their own words to anybody through us (SECURITY.md S62, S63).

use crate::port::OneTimeCode;

/// The longest name that a mail greets with, in characters.
const NAME_MAX: usize = 60;

/// One mail to be written.
#[derive(Debug, Clone)]
pub enum Letter {
    /// Prove the address of a sign-up.
    ConfirmEmail {
        name: Option<String>,
        link: String,
        minutes: u32,
    },
    /// Somebody tried to sign up with an address that has an account.
    AccountExists {
        link: String,
    },
    MagicLink {
        name: Option<String>,
        link: String,
        minutes: u32,
    },
    ResetPassword {
        name: Option<String>,
        link: String,
        minutes: u32,
    },
    /// Prove the address that an account shall move to; to that address.
    ConfirmEmailChange {
        name: Option<String>,
        link: String,
        minutes: u32,
    },
    /// The account shall move to another address; to the one it has.
    EmailChangeRequested {
        name: Option<String>,
        new_email: String,
    },
    /// The account moved to another address; to the one it had.
    EmailChanged {
        name: Option<String>,
        new_email: String,
    },
    PasswordChanged {
        name: Option<String>,
    },
    /// The account has another phone number.
    PhoneChanged {
        name: Option<String>,
        /// Masked.
        new_phone: String,
    },
    SecondFactorOn {
        name: Option<String>,
    },
    SecondFactorOff {
        name: Option<String>,
    },
    /// Prove again that the one who is signed in is the owner.
    Prove {
        name: Option<String>,
        code: OneTimeCode,
        minutes: u32,
    },
}

impl Letter {
    /// Its folder in `templates/mail/`, and its kind in the database.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::ConfirmEmail { .. } => "confirm_email",
            Self::AccountExists { .. } => "account_exists",
            Self::MagicLink { .. } => "magic_link",
            Self::ResetPassword { .. } => "reset_password",
            Self::ConfirmEmailChange { .. } => "confirm_email_change",
            Self::EmailChangeRequested { .. } => "email_change_requested",
            Self::EmailChanged { .. } => "email_changed",
            Self::PasswordChanged { .. } => "password_changed",
            Self::PhoneChanged { .. } => "phone_changed",
            Self::SecondFactorOn { .. } => "second_factor_on",
            Self::SecondFactorOff { .. } => "second_factor_off",
            Self::Prove { .. } => "prove",
        }
    }

    /// The name to greet with, if it can be nothing but a name.
    pub(super) fn greeted(&self) -> Option<String> {
        self.owner().and_then(harmless)
    }

    fn owner(&self) -> Option<&str> {
        match self {
            Self::AccountExists { .. } => None,
            Self::ConfirmEmail { name, .. }
            | Self::MagicLink { name, .. }
            | Self::ResetPassword { name, .. }
            | Self::ConfirmEmailChange { name, .. }
            | Self::EmailChangeRequested { name, .. }
            | Self::EmailChanged { name, .. }
            | Self::PasswordChanged { name }
            | Self::PhoneChanged { name, .. }
            | Self::SecondFactorOn { name }
            | Self::SecondFactorOff { name }
            | Self::Prove { name, .. } => name.as_deref(),
        }
    }

    pub(super) fn link(&self) -> Option<&str> {
        match self {
            Self::ConfirmEmail { link, .. }
            | Self::AccountExists { link }
            | Self::MagicLink { link, .. }
            | Self::ResetPassword { link, .. }
            | Self::ConfirmEmailChange { link, .. } => Some(link),
            _ => None,
        }
    }

    pub(super) fn minutes(&self) -> Option<u32> {
        match self {
            Self::ConfirmEmail { minutes, .. }
            | Self::MagicLink { minutes, .. }
            | Self::ResetPassword { minutes, .. }
            | Self::ConfirmEmailChange { minutes, .. }
            | Self::Prove { minutes, .. } => Some(*minutes),
            _ => None,
        }
    }

    pub(super) fn code(&self) -> Option<&OneTimeCode> {
        match self {
            Self::Prove { code, .. } => Some(code),
            _ => None,
        }
    }

    pub(super) fn new_phone(&self) -> Option<&str> {
        match self {
            Self::PhoneChanged { new_phone, .. } => Some(new_phone),
            _ => None,
        }
    }

    pub(super) fn new_email(&self) -> Option<&str> {
        match self {
            Self::EmailChangeRequested { new_email, .. } | Self::EmailChanged { new_email, .. } => Some(new_email),
            _ => None,
        }
    }
}

impl Letter {
    /// One of each, to try the templates with.
    pub(super) fn samples(name: &str) -> Vec<Self> {
        let name = Some(name.to_owned());
        let link = "https://example.com/verify?key=k&action=a".to_owned();
        let new_email = "ann@new.example".to_owned();
        let code = OneTimeCode::parse("314159").ok().map(|code| Self::Prove { name: name.clone(), code, minutes: 10 });
        let letters = vec![
            Self::ConfirmEmail { name: name.clone(), link: link.clone(), minutes: 1440 },
            Self::AccountExists { link: link.clone() },
            Self::MagicLink { name: name.clone(), link: link.clone(), minutes: 60 },
            Self::ResetPassword { name: name.clone(), link: link.clone(), minutes: 60 },
            Self::ConfirmEmailChange { name: name.clone(), link, minutes: 60 },
            Self::EmailChangeRequested { name: name.clone(), new_email: new_email.clone() },
            Self::EmailChanged { name: name.clone(), new_email },
            Self::PasswordChanged { name: name.clone() },
            Self::PhoneChanged { name: name.clone(), new_phone: "+49 … 78".to_owned() },
            Self::SecondFactorOn { name: name.clone() },
            Self::SecondFactorOff { name },
        ];
        letters.into_iter().chain(code).collect()
    }
}

/// A name to greet with, if it can be nothing but a name.
fn harmless(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(NAME_MAX).collect();
    let linkable = name.contains(['/', ':', '@', '\\', '<', '>']) || name.contains("www");
    // "Ann M. Example" is a name, "evil.example" may become a link.
    let dotted = name.split('.').skip(1).any(|after| after.starts_with(char::is_alphanumeric));
    (!linkable && !dotted && !name.trim().is_empty()).then(|| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S63
    #[test]
    fn a_name_that_could_become_a_link_is_left_out() {
        for name in ["visit evil.example", "https://evil.example", "<b>x</b>", "www evil", "a\\b", "mail@evil.example"]
        {
            assert_eq!(harmless(name), None, "{name}");
        }
        assert_eq!(harmless("Ann M. Example").as_deref(), Some("Ann M. Example"));
    }
}
