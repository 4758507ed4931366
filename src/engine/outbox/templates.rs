//! The templates: embedded, compiled once, rendered with what a message has.
//!
//! A template is named by its path in `templates/`. `layout.html` and `layout.txt` are those of the mails.

use jiff::{Timestamp, tz::TimeZone};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use super::{letter::Letter, text_message::TextMessage};
use crate::port::{Email, OneTimeCode, Phone};

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
    /// Of the URL that people see: what a code is bound to.
    host: String,
}

macro_rules! embedded {
    (mail: [$($mail:literal),* $(,)?], sms: [$($sms:literal),* $(,)?]) => {
        &[
            source!("mail/layout.html"),
            source!("mail/layout.txt"),
            $(
                source!(concat!("mail/", $mail, "/subject.txt")),
                source!(concat!("mail/", $mail, "/body.txt")),
                source!(concat!("mail/", $mail, "/body.html")),
            )*
            $(source!(concat!("sms/", $sms, ".txt")),)*
        ]
    };
}

macro_rules! source {
    ($name:expr) => {
        ($name, include_str!(concat!("../../../templates/", $name)))
    };
}

/// The defaults.
const EMBEDDED: &[(&str, &str)] = embedded! {
    mail: [
        "confirm_email",
        "account_exists",
        "magic_link",
        "reset_password",
        "confirm_email_change",
        "email_change_requested",
        "email_changed",
        "password_changed",
        "phone_changed",
        "second_factor_on",
        "second_factor_off",
    ],
    sms: [
        "verify_phone",
        "change_phone",
        "set_phone",
        "sign_in",
        "reset_password",
        "second_factor",
        "password_changed",
        "phone_changed",
        "account_exists",
    ]
};

impl Templates {
    /// Compiles them.
    ///
    /// # Errors
    /// With the name of a template and the line of a mistake in it.
    pub(super) fn new(product_name: &str, host: &str) -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(
            |name| {
                if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
            },
        );
        // `{% extends "layout.txt" %}` in a mail means the layout of the mails.
        environment.set_path_join_callback(|name, _| format!("mail/{name}").into());
        for (name, source) in EMBEDDED {
            environment.add_template(name, source)?;
        }
        Ok(Self { environment, product_name: product_name.to_owned(), host: host.to_owned() })
    }

    /// The texts of a letter.
    ///
    /// # Errors
    /// When a template names what the letter does not have.
    pub(super) fn render(&self, letter: &Letter, to: &Email, at: Timestamp) -> Result<Texts, minijinja::Error> {
        let values = context! {
            product_name => self.product_name.as_str(),
            name => letter.greeted(),
            to => to.as_str(),
            new_email => letter.new_email(),
            new_phone => letter.new_phone(),
            link => letter.link(),
            lifetime => letter.minutes().map(in_words),
            asked_at => at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y at %H:%M UTC").to_string(),
        };
        let part = |part: &str, values: &minijinja::Value| {
            self.environment.get_template(&format!("mail/{}/{part}", letter.name()))?.render(values)
        };
        let subject = part("subject.txt", &values)?.split_whitespace().collect::<Vec<_>>().join(" ");
        let values = context! { subject => subject.as_str(), ..values };
        Ok(Texts { text: part("body.txt", &values)?, html: part("body.html", &values)?, subject })
    }

    /// The words of a text message.
    ///
    /// # Errors
    /// When the template names what the message does not have.
    pub(super) fn render_text(&self, message: &TextMessage, to: &Phone) -> Result<String, minijinja::Error> {
        let values = context! {
            product_name => self.product_name.as_str(),
            host => self.host.as_str(),
            to => to.as_str(),
            code => message.code().map(OneTimeCode::expose),
            lifetime => message.minutes().map(in_words),
            new_phone => message.new_phone(),
        };
        let text = self.environment.get_template(&format!("sms/{}.txt", message.name()))?.render(values)?;
        Ok(text.trim_end().to_owned())
    }
}

fn in_words(minutes: u32) -> String {
    match minutes {
        1 => "one minute".to_owned(),
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
        Templates::new("Vestibule", "example.com").unwrap().render(letter, &to, at).unwrap()
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
            Letter::PasswordChanged { name: name.clone() },
            Letter::PhoneChanged { name: name.clone(), new_phone: "+49 … 78".to_owned() },
            Letter::SecondFactorOn { name: name.clone() },
            Letter::SecondFactorOff { name },
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
    }

    fn text_messages() -> Vec<TextMessage> {
        let (code, minutes) = (OneTimeCode::parse("314159").unwrap(), 10);
        vec![
            TextMessage::VerifyPhone { code: code.clone(), minutes },
            TextMessage::ChangePhone { code: code.clone(), minutes },
            TextMessage::SetPhone { code: code.clone(), minutes: 1 },
            TextMessage::SignIn { code: code.clone(), minutes },
            TextMessage::ResetPassword { code: code.clone(), minutes },
            TextMessage::SecondFactor { code, minutes: 1 },
            TextMessage::PasswordChanged,
            TextMessage::PhoneChanged { new_phone_masked: "+49 … 78".to_owned() },
            TextMessage::AccountExists,
        ]
    }

    /// S66. Letters of the basic alphabet of GSM 03.38, of which one SMS holds 160.
    #[test]
    fn every_text_is_one_sms_and_binds_its_code_to_the_host() {
        let phone = Phone::parse("+4915112345678").unwrap();
        for message in text_messages() {
            let text = Templates::new("Vestibule", "example.com").unwrap().render_text(&message, &phone).unwrap();
            let basic = |letter: char| letter.is_ascii_alphanumeric() || " \n.,:;?!@#+-'\"/()".contains(letter);
            assert!(text.len() <= 160 && text.chars().all(basic), "{}: {text}", text.len());
            assert_eq!(text.lines().last() == Some("@example.com #314159"), message.code().is_some(), "{text}");
        }
    }
}
