//! The templates: embedded, replaced where the operator has one of their own, and rendered with
//! what a message has.
//!
//! A template is named by its path in `templates/`, whose README lists the placeholders. One that a
//! message does not have cannot be printed; that is a mistake which the start finds, as it renders
//! every message with sample data. It can be asked for (`{% if link %}`), as the layouts do.
//!
//! What visitors typed (a name) is escaped in HTML, and no value can break the line of a subject
//! (S62, S63).

use std::{collections::BTreeMap, error::Error as _, path::Path};

use jiff::{Timestamp, tz::TimeZone};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use super::{
    email::EmailMessage,
    overrides::{self, TemplateError},
    sms::gsm,
    sms_message::SmsMessage,
};
use crate::port::{Email, OneTimeCode};

/// The texts of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MessageTexts {
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

/// Receivers to try the templates with.
const SAMPLE_EMAIL: &str = "ann@example.com";
const SAMPLE_PHONE: &str = "+4915112345678";

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
        ($name, include_str!(concat!("../../../../templates/", $name)))
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
        "email_is_new",
        "email_change_undone",
        "password_changed",
        "phone_changed",
        "second_factor_on",
        "second_factor_off",
        "prove",
        "authenticator_on",
        "authenticator_off",
        "provider_connected",
        "provider_disconnected",
        "recovery_code_used",
        "recovery_codes_new",
        "browser_trusted",
        "new_sign_in",
        "several_changes",
    ],
    sms: [
        "verify_phone",
        "change_phone",
        "set_phone",
        "sign_in",
        "reset_password",
        "second_factor",
        "prove",
        "password_changed",
        "phone_changed",
        "second_factor_on",
        "second_factor_off",
        "account_changed",
        "account_exists",
        "several_changes",
    ]
};

impl Templates {
    /// Compiles ours and those of the folder over them, and renders every message once.
    ///
    /// # Errors
    /// With the file and the line of the first mistake.
    pub(super) fn open(
        product_name: &str,
        host: &str,
        folder: Option<&Path>,
    ) -> Result<Self, TemplateError> {
        let mut sources: BTreeMap<String, String> = EMBEDDED
            .iter()
            .map(|(name, source)| ((*name).to_owned(), (*source).to_owned()))
            .collect();
        let own =
            folder.map(|folder| overrides::read(folder, EMBEDDED)).transpose()?.unwrap_or_default();
        let mistake = |error: &minijinja::Error| {
            let name = error.name().unwrap_or_default();
            let folder =
                folder.filter(|_| own.contains_key(name)).unwrap_or(Path::new("templates"));
            TemplateError { file: folder.join(name), line: error.line(), what: in_full(error) }
        };
        sources.extend(own.clone());
        let mut environment = environment();
        for (name, source) in sources {
            environment.add_template_owned(name, source).map_err(|error| mistake(&error))?;
        }
        let templates =
            Self { environment, product_name: product_name.to_owned(), host: host.to_owned() };
        templates.try_all().map_err(|error| mistake(&error))?;
        Ok(templates)
    }

    /// The texts of a message.
    ///
    /// # Errors
    /// When a template prints what the message does not have.
    pub(super) fn render(
        &self,
        email_message: &EmailMessage,
        to: &Email,
        at: Timestamp,
    ) -> Result<MessageTexts, minijinja::Error> {
        let name = email_message.greeted().unwrap_or_default();
        let mut values = Values::default();
        values.add("product_name", Some(&self.product_name));
        values.add("name", Some(&name));
        values.add("to", Some(to.as_str()));
        values.add("link", email_message.link());
        let code = email_message.code().map(OneTimeCode::expose);
        values.add("code", code);
        values.add("lifetime", email_message.minutes().map(in_words));
        if let Some(emailed) = email_message.emailed() {
            values.add("code_lifetime", code.map(|_| in_words(emailed.code_minutes)));
            values.add("signed_up_at", emailed.sign_up.as_ref().map(|sign_up| in_utc(sign_up.at)));
            values.add(
                "signed_up_from",
                emailed.sign_up.as_ref().and_then(|sign_up| sign_up.from.as_deref()),
            );
        }
        if let Some((notification, notice)) = email_message.told() {
            values.add("new_email", notification.new_email());
            values.add("new_phone", notification.new_phone());
            values.add("provider", notification.provider());
            values.add("left", notification.left().map(|left| left.to_string()));
            values.add("not_me", notice.account_recovery.as_deref());
        }
        if let EmailMessage::SeveralChanges { changes, account_recovery, .. } = email_message {
            values.0.insert("changes", Value::from(changes.clone()));
            values.add("not_me", account_recovery.as_deref());
        }
        values.add("asked_by", email_message.asked_by());
        values.add("asked_at", Some(in_utc(at)));
        values.group(
            "token",
            &[
                ("confirmationURL", email_message.link()),
                ("code", code),
                ("email", Some(to.as_str())),
            ],
        );
        values.group("user", &[("email", Some(to.as_str())), ("name", Some(&name))]);
        let folder = format!("mail/{}", email_message.name());
        let subject = on_one_line(&self.print(&format!("{folder}/subject.txt"), &values)?);
        values.add("subject", Some(&subject));
        let text = self.print(&format!("{folder}/body.txt"), &values)?;
        Ok(MessageTexts {
            text,
            html: self.print(&format!("{folder}/body.html"), &values)?,
            subject,
        })
    }

    /// The words of a text message to a number in E.164 form. It is taken as text: to read one
    /// costs 12 MB of tables, which a server that sends no texts never loads.
    ///
    /// # Errors
    /// When the template prints what the message does not have.
    pub(super) fn render_sms(
        &self,
        message: &SmsMessage,
        to: &str,
    ) -> Result<String, minijinja::Error> {
        let code = message.code().map(OneTimeCode::expose);
        let mut values = Values::default();
        values.add("product_name", Some(&self.product_name));
        values.add("host", Some(&self.host));
        values.add("to", Some(to));
        values.add("code", code);
        values.add("lifetime", message.minutes().map(in_words));
        values.add("new_phone", message.new_phone());
        if let SmsMessage::SeveralChanges { times, since } = message {
            values.add("times", Some(times.to_string()));
            values.add("since", Some(since));
        }
        values.group("token", &[("code", code), ("phone", Some(to))]);
        // No name: what somebody typed is not sent to numbers that they name (S63).
        values.group("user", &[("phone", Some(to)), ("name", Some(""))]);
        Ok(self.print(&format!("sms/{}.txt", message.name()), &values)?.trim_end().to_owned())
    }

    /// The texts that take more than one SMS, with how many.
    pub(super) fn long_sms(&self) -> Result<Vec<(&'static str, usize)>, minijinja::Error> {
        let mut long = Vec::new();
        for message in SmsMessage::samples() {
            let parts = gsm::parts_of_any(&self.render_sms(&message, SAMPLE_PHONE)?);
            if parts > 1 {
                long.push((message.name(), parts));
            }
        }
        Ok(long)
    }

    fn try_all(&self) -> Result<(), minijinja::Error> {
        let Ok(email) = Email::parse(SAMPLE_EMAIL) else { return Ok(()) };
        for email_message in
            EmailMessage::samples("Ann").into_iter().chain(EmailMessage::later_confirmation("Ann"))
        {
            self.render(&email_message, &email, Timestamp::UNIX_EPOCH)?;
        }
        for message in SmsMessage::samples() {
            self.render_sms(&message, SAMPLE_PHONE)?;
        }
        Ok(())
    }

    fn print(&self, name: &str, values: &Values) -> Result<String, minijinja::Error> {
        self.environment.get_template(name)?.render(&values.0)
    }
}

/// A time as "21 November 2026 at 04:12 UTC".
fn in_utc(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y at %H:%M UTC").to_string()
}

/// Template variables. Absent values are omitted.
#[derive(Default)]
struct Values(BTreeMap<&'static str, Value>);

impl Values {
    fn add(&mut self, name: &'static str, value: Option<impl Into<String>>) {
        self.0.extend(value.map(|value| (name, Value::from(value.into()))));
    }

    /// The placeholders that Altogic had.
    fn group(&mut self, name: &'static str, members: &[(&'static str, Option<&str>)]) {
        let present =
            members.iter().filter_map(|(name, value)| Some((*name, (*value)?.to_owned())));
        self.0.insert(name, Value::from(present.collect::<BTreeMap<_, _>>()));
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
    });
    // `{% extends "layout.txt" %}` in an email means the layout of the emails.
    environment.set_path_join_callback(|name, _| match name.strip_prefix("mail/") {
        Some(_) => name.to_owned().into(),
        None => format!("mail/{name}").into(),
    });
    environment
}

/// Words for the operator: what it is, and what that comes from.
fn in_full(error: &minijinja::Error) -> String {
    let mut words = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

/// A subject is one line, whatever is in it.
fn on_one_line(subject: &str) -> String {
    let words = subject.split(|letter: char| letter.is_whitespace() || letter.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn in_words(minutes: u32) -> String {
    match minutes {
        1 => "one minute".to_owned(),
        60 => "one hour".to_owned(),
        minutes if minutes % (24 * 60) == 0 && minutes > 24 * 60 => {
            format!("{} days", minutes / (24 * 60))
        }
        minutes if minutes % 60 == 0 => format!("{} hours", minutes / 60),
        minutes => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests;
