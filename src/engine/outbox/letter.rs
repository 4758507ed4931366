//! What is mailed, and the texts of it.
//!
//! A letter is a variant with typed fields; its texts are three templates in `templates/mail/<name>/`. A name that somebody
//! gave themselves is the one text of strangers in them: it is cut, and left out where a mail program could make a link of
//! it, so that nobody can send their own words to anybody through us (SECURITY.md S62, S63).

use jiff::{Timestamp, tz::TimeZone};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use crate::port::Email;

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
}

/// The texts of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// The templates, compiled.
pub(super) struct Templates {
    environment: Environment<'static>,
    product_name: String,
}

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[
            ("layout.html", include_str!("../../../templates/mail/layout.html")),
            ("layout.txt", include_str!("../../../templates/mail/layout.txt")),
            $(
                (concat!($name, "/subject.txt"), include_str!(concat!("../../../templates/mail/", $name, "/subject.txt"))),
                (concat!($name, "/body.txt"), include_str!(concat!("../../../templates/mail/", $name, "/body.txt"))),
                (concat!($name, "/body.html"), include_str!(concat!("../../../templates/mail/", $name, "/body.html"))),
            )*
        ]
    };
}

const SOURCES: &[(&str, &str)] = templates![
    "confirm_email",
    "account_exists",
    "magic_link",
    "reset_password",
    "confirm_email_change",
    "email_change_requested",
    "email_changed",
    "password_changed",
];

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
        }
    }

    fn greeted(&self) -> Option<&str> {
        match self {
            Self::AccountExists { .. } => None,
            Self::ConfirmEmail { name, .. }
            | Self::MagicLink { name, .. }
            | Self::ResetPassword { name, .. }
            | Self::ConfirmEmailChange { name, .. }
            | Self::EmailChangeRequested { name, .. }
            | Self::EmailChanged { name, .. }
            | Self::PasswordChanged { name } => name.as_deref(),
        }
    }

    fn link(&self) -> Option<&str> {
        match self {
            Self::ConfirmEmail { link, .. }
            | Self::AccountExists { link }
            | Self::MagicLink { link, .. }
            | Self::ResetPassword { link, .. }
            | Self::ConfirmEmailChange { link, .. } => Some(link),
            _ => None,
        }
    }

    fn lifetime(&self) -> Option<String> {
        match self {
            Self::ConfirmEmail { minutes, .. }
            | Self::MagicLink { minutes, .. }
            | Self::ResetPassword { minutes, .. }
            | Self::ConfirmEmailChange { minutes, .. } => Some(in_words(*minutes)),
            _ => None,
        }
    }

    fn new_email(&self) -> Option<&str> {
        match self {
            Self::EmailChangeRequested { new_email, .. } | Self::EmailChanged { new_email, .. } => Some(new_email),
            _ => None,
        }
    }
}

impl Templates {
    /// Compiles them.
    ///
    /// # Errors
    /// With the name of a template and the line of a mistake in it.
    pub(super) fn new(product_name: &str) -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(
            |name| {
                if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
            },
        );
        for (name, source) in SOURCES {
            environment.add_template(name, source)?;
        }
        Ok(Self { environment, product_name: product_name.to_owned() })
    }

    /// The texts of a letter.
    ///
    /// # Errors
    /// When a template names what the letter does not have.
    pub(super) fn render(&self, letter: &Letter, to: &Email, at: Timestamp) -> Result<Texts, minijinja::Error> {
        let values = context! {
            product_name => self.product_name.as_str(),
            name => letter.greeted().and_then(harmless),
            to => to.as_str(),
            new_email => letter.new_email(),
            link => letter.link(),
            lifetime => letter.lifetime(),
            asked_at => at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y at %H:%M UTC").to_string(),
        };
        let part = |part: &str, values: &minijinja::Value| {
            self.environment.get_template(&format!("{}/{part}", letter.name()))?.render(values)
        };
        let subject = part("subject.txt", &values)?.split_whitespace().collect::<Vec<_>>().join(" ");
        let values = context! { subject => subject.as_str(), ..values };
        Ok(Texts { text: part("body.txt", &values)?, html: part("body.html", &values)?, subject })
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

fn in_words(minutes: u32) -> String {
    match minutes {
        60 => "one hour".to_owned(),
        minutes if minutes % 60 == 0 => format!("{} hours", minutes / 60),
        minutes => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(letter: &Letter) -> Texts {
        let to = Email::parse("ann@example.com").unwrap();
        let at = "2026-11-21T04:12:00Z".parse().unwrap();
        Templates::new("Vestibule").unwrap().render(letter, &to, at).unwrap()
    }

    fn letters(name: &str) -> Vec<Letter> {
        let name = Some(name.to_owned());
        let link = "https://example.com/verify?key=k&action=a".to_owned();
        let new_email = "ann@new.example".to_owned();
        vec![
            Letter::ConfirmEmail { name: name.clone(), link: link.clone(), minutes: 1440 },
            Letter::AccountExists { link: link.clone() },
            Letter::MagicLink { name: name.clone(), link: link.clone(), minutes: 60 },
            Letter::ResetPassword { name: name.clone(), link: link.clone(), minutes: 60 },
            Letter::ConfirmEmailChange { name: name.clone(), link, minutes: 60 },
            Letter::EmailChangeRequested { name: name.clone(), new_email: new_email.clone() },
            Letter::EmailChanged { name: name.clone(), new_email },
            Letter::PasswordChanged { name },
        ]
    }

    #[test]
    fn a_confirmation_reads_well() {
        insta::assert_snapshot!(render(&letters("Ann")[0]).text, @r"
        Hello Ann,

        thank you for signing up. One step is left: show us that ann@example.com is
        yours, and the door is open.

        Confirm my address:

        https://example.com/verify?key=k&action=a

        The link is good for 24 hours and works once.


        Was this not you? Somebody may have mistyped their address. You need do
        nothing: without a press nobody gets in with your address.

        Asked for on 21 November 2026 at 04:12 UTC.

        -- 
        Vestibule
        This mail is for ann@example.com. We never ask for your password by mail.
        ");
    }

    #[test]
    fn every_letter_renders_and_fetches_nothing() {
        for letter in letters("Ann & Söhne") {
            let texts = render(&letter);
            let html = &texts.html;
            assert!(!html.contains("src=") && !html.contains("url(") && !html.contains("<link"), "{html}");
            assert!(html.contains("ann@example.com") && texts.text.contains("ann@example.com"), "{}", letter.name());
            assert!(!texts.subject.is_empty() && !texts.subject.contains('\n'), "{:?}", texts.subject);
            assert!(
                texts.text.lines().all(|line| line.chars().count() <= 78 || line.contains("http")),
                "{}",
                texts.text
            );
            if letter.greeted().is_some() {
                assert!(html.contains("Ann &amp; Söhne") && texts.text.contains("Ann & Söhne"), "{}", letter.name());
            }
        }
    }

    /// S63
    #[test]
    fn nobody_sends_words_of_their_own_through_us() {
        for name in
            ["visit evil.example", "https://evil.example", "<b>x</b>", "www evil", "a\\\\b", "mail@evil.example"]
        {
            for letter in letters(name) {
                let texts = render(&letter);
                assert!(
                    !texts.text.contains("evil") && !texts.html.contains("evil") && !texts.html.contains("<b>"),
                    "{name}"
                );
            }
        }
        assert_eq!(harmless("Ann M. Example").as_deref(), Some("Ann M. Example"));
    }
}
