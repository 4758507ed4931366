//! `vestibule config check`: what the settings come to, without a secret.

use std::fmt::Display;

use secrecy::ExposeSecret;

use super::doctor;
use crate::{
    config::{Altogic, Config, Listen},
    engine::{SmsCountries, outbox::check_templates},
    telemetry::say,
};

/// Prints them in the order of the configuration page, each by its name.
///
/// # Errors
/// A sentence about a template that has a mistake.
pub(super) fn run(config: &Config) -> Result<(), String> {
    row("data_dir", config.data_dir.display());
    row("secret_key", format_args!("{} (not shown)", config.secret_keys.len()));
    server(config);
    match &config.altogic {
        Some(altogic) => environment(altogic, config),
        None => storage(config),
    }
    engine(config);
    if config.altogic.is_none() {
        messages(config);
        providers(config);
        row("limits.factor", config.limits_factor);
        row("limits.application_servers", format_args!("{:?}", config.application_servers));
    }
    row("branding.name", &config.name);
    access(config);
    templates(config)?;
    let findings = doctor::settings(config);
    findings.iter().filter(|finding| !finding.is_good()).for_each(|finding| say!("{finding}"));
    say!("The settings are good.");
    Ok(())
}

fn server(config: &Config) {
    let server = &config.server;
    match &server.listen {
        Listen::Tcp(address) => row("server.listen", address),
        Listen::Unix(path) => row("server.listen", format_args!("unix:{}", path.display())),
        Listen::Systemd => row("server.listen", "the sockets that systemd opens"),
    }
    if matches!(server.listen, Listen::Unix(_)) {
        row("server.socket_mode", format_args!("{:04o}", server.socket_mode));
    }
    row("server.public_url", &config.public_url);
    row("server.trusted_proxies", format_args!("{:?}", server.trusted_proxies));
    row("server.forwarded_header", server.forwarded_header.name());
    row("server.proxy_protocol", server.proxy_protocol);
    row("server.max_connections", server.max_connections);
    row("log.format", format_args!("{:?}", config.log_format));
    match config.metrics {
        Some(address) => row("metrics.listen", address),
        None => row("metrics.listen", "none: no metrics are kept"),
    }
}

fn environment(altogic: &Altogic, config: &Config) {
    row(
        "altogic.env_url",
        format_args!("{} (remote mode: no database is opened)", altogic.env_url),
    );
    row("altogic.client_key", "set (not shown)");
    row("", format_args!("Set the redirect URL of that environment to {}", config.redirect_url));
    row("", "engine.confirm_email and the like say what that environment is set to do.");
}

fn storage(config: &Config) {
    let database = config.database_url.expose_secret();
    let is_file = database.starts_with("sqlite:");
    row("database.url", if is_file { database } else { "postgres (URL not shown)" });
    row("files.url", format_args!("file://{}", config.files_dir.display()));
    row("engine.redirect_url", &config.redirect_url);
    row("engine.client_keys", config.client_keys.len());
}

fn engine(config: &Config) {
    row("engine.confirm_email", config.confirm_email);
    row("engine.confirm_phone", config.confirm_phone);
    row("engine.phone_sign_up", config.phone_sign_up);
    row("engine.sign_in_codes", config.sign_in_codes);
    row("engine.password_min", config.password_min);
    if config.altogic.is_none() {
        row("engine.password_hash_memory", format_args!("{} KiB", config.password_cost.memory));
        row("engine.password_hash_passes", config.password_cost.passes);
        row("engine.user_fields", &config.user_fields);
    }
}

fn messages(config: &Config) {
    let mail = if config.smtp_url.is_some() { "SMTP" } else { "the outbox folder" };
    row("mail", format_args!("by {mail}, from {}", config.mail_from));
    match &config.sms.provider {
        // The rest of the URL of a webhook may be a secret.
        Some((provider, account)) => {
            let host = account.base_url.host_str().unwrap_or_default();
            row("sms.provider", format_args!("through {provider:?} at {host}"));
        }
        None => row("sms.provider", "into the outbox folder"),
    }
    match &config.sms.countries {
        SmsCountries::All => row("sms.countries", "every country"),
        SmsCountries::Only(none) if none.is_empty() => {
            row("sms.countries", "no country: list some, or no text is sent")
        }
        SmsCountries::Only(countries) => row("sms.countries", countries.join(", ")),
    }
    row("sms.daily_budget", config.sms.daily_budget);
}

fn providers(config: &Config) {
    for provider in &config.providers {
        row(
            &format!("providers.{}", provider.name),
            format_args!("{}; register there", provider.label),
        );
        for (what, url) in provider.urls_to_register(&config.public_url) {
            say!("  {what:<26} {url}");
        }
    }
}

fn access(config: &Config) {
    for site in config.access.sites.others() {
        row("access.hosts", site.origin());
    }
    for (place, rule) in config.access.rules.iter().enumerate() {
        row(&format!("access.rules {:>3}", place + 1), rule);
    }
}

fn templates(config: &Config) -> Result<(), String> {
    let folder = config.templates_dir.as_deref();
    match folder {
        Some(folder) => row("templates_dir", folder.display()),
        None => row("templates_dir", "none, ours"),
    }
    let long = check_templates(&config.name, &config.public_url, folder)
        .map_err(|error| format!("templates_dir: a template has a mistake: {error}."))?;
    for (name, parts) in long {
        row("", format_args!("sms/{name}.txt takes {parts} SMS each time"));
    }
    Ok(())
}

fn row(name: &str, value: impl Display) {
    say!("{name:<28} {value}");
}
