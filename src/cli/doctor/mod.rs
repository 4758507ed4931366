//! `vestibule doctor`: looks at everything around the server and says which setting to change to
//! what.
//!
//! It changes nothing: no database is made or migrated, no email sent. What it finds is one line
//! each; something that keeps people out ends it with a status of 1.

mod email;
mod headers;
mod providers;
mod proxy;
mod storage;

use std::fmt;

use secrecy::ExposeSecret as _;

use crate::{
    app::block_on,
    config::{Config, Listen},
    engine::outbox::check_templates,
    telemetry::say,
};

/// One thing that was looked at.
pub(super) struct Finding {
    grade: Grade,
    /// Subject of the check.
    about: &'static str,
    /// Finding and remedy.
    words: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Grade {
    Good,
    Odd,
    Bad,
}

impl Finding {
    fn good(about: &'static str, words: impl Into<String>) -> Self {
        Self { grade: Grade::Good, about, words: words.into() }
    }

    pub(super) fn is_good(&self) -> bool {
        self.grade == Grade::Good
    }

    fn is_bad(&self) -> bool {
        self.grade == Grade::Bad
    }

    /// It works, but not as one would want.
    fn odd(about: &'static str, words: impl Into<String>) -> Self {
        Self { grade: Grade::Odd, about, words: words.into() }
    }

    /// It keeps people out or gives them away.
    fn bad(about: &'static str, words: impl Into<String>) -> Self {
        Self { grade: Grade::Bad, about, words: words.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.grade {
            Grade::Good => "good",
            Grade::Odd => "odd",
            Grade::Bad => "BAD",
        };
        write!(formatter, "{mark:<5} {:<10} {}", self.about, self.words)
    }
}

/// Looks at everything and prints what it found.
///
/// # Errors
/// How many findings are bad.
pub(super) fn run(config: &Config) -> Result<(), String> {
    let mut findings = settings(config);
    findings.extend(storage::inspect(config));
    findings.push(templates(config));
    block_on(async {
        if config.altogic.is_none() {
            findings.extend(storage::database(config).await);
            findings.push(email::inspect(config).await);
            findings.extend(providers::inspect(config).await);
        }
        findings.extend(proxy::inspect(config).await);
    });
    findings.iter().for_each(|finding| say!("{finding}"));
    match findings.iter().filter(|finding| finding.grade == Grade::Bad).count() {
        0 => Ok(()),
        bad => Err(format!("{bad} of {} findings need a change.", findings.len())),
    }
}

/// Checks on the settings alone (S99).
pub(super) fn settings(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_https = config.public_url.starts_with("https://");
    let is_local = config.is_named_here();
    if !is_https && !is_local {
        let wanted = config.public_url.replacen("http://", "https://", 1);
        findings.push(Finding::bad(
            "settings",
            format!(
                "server.public_url is http, so passwords travel readable and cookies are not \
                 Secure. Let a proxy take TLS and \
                 set server.public_url to {wanted}"
            ),
        ));
    }
    if config.altogic.is_none() && config.smtp_url.is_none() && !is_local {
        findings.push(Finding::bad(
            "settings",
            "mail.smtp_url is not set: nobody gets the mail that confirms an address. Set it to \
                smtp://user:password@host:587",
        ));
    }
    let listens_on_tcp = matches!(&config.server.listen, Listen::Tcp(_));
    if is_https && config.server.trusted_proxies.is_empty() {
        let wanted = if listens_on_tcp {
            "the proxy's address, such as 127.0.0.1"
        } else {
            "127.0.0.1, which believes the socket"
        };
        findings.push(Finding::bad(
            "settings",
            format!(
                "server.public_url is https, so a proxy stands in front, and \
                 server.trusted_proxies names none: everybody \
                 seems to come from one address. Set it to {wanted}"
            ),
        ));
    }
    if config.metrics.is_some_and(|address| !address.ip().is_loopback()) {
        findings.push(Finding::odd(
            "settings",
            "metrics.listen is not on this machine alone: whoever reaches it reads how busy you \
                are",
        ));
    }
    if config.serves_no_country() {
        findings.push(Finding::odd(
            "settings",
            "sms.provider is set and sms.countries lists nobody: no text is sent",
        ));
    }
    if config.database_url.expose_secret().contains("sslmode=disable") {
        findings.push(Finding::odd(
            "settings",
            "database.url switches TLS off; that is right on this machine only",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::good("settings", "they go together"));
    }
    findings
}

fn templates(config: &Config) -> Finding {
    match check_templates(&config.name, &config.public_url, config.templates_dir.as_deref()) {
        Ok(_) => Finding::good("templates", "all of them render"),
        Err(error) => {
            Finding::bad("templates", format!("templates_dir: a template has a mistake: {error}"))
        }
    }
}
