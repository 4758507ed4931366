//! The settings of SMS: the provider with its credentials, the countries, the budget of a day.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{
    ConfigError,
    lists::{OneOrMany, many},
    missing,
    secrets::read_secret,
    web_url, wrong,
};
use crate::engine::{
    SmsCountries,
    outbox::{SmsAccount, SmsProvider},
};

/// As it was typed.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawSms {
    pub(super) provider: String,
    pub(super) from: Option<String>,
    pub(super) countries: OneOrMany<String>,
    pub(super) daily_budget: u32,
    pub(super) twilio: RawTwilio,
    pub(super) vonage: RawVonage,
    pub(super) messagebird: RawMessageBird,
    pub(super) webhook: RawWebhook,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTwilio {
    account_sid: Option<String>,
    auth_token: Option<SecretString>,
    auth_token_file: Option<PathBuf>,
    base_url: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawVonage {
    api_key: Option<String>,
    api_secret: Option<SecretString>,
    api_secret_file: Option<PathBuf>,
    base_url: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawMessageBird {
    access_key: Option<SecretString>,
    access_key_file: Option<PathBuf>,
    base_url: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawWebhook {
    url: Option<String>,
    secret: Option<SecretString>,
    secret_file: Option<PathBuf>,
}

/// How texts leave, and to whom.
#[derive(Debug)]
pub struct SmsSettings {
    /// `None`: into the outbox folder.
    pub provider: Option<(SmsProvider, SmsAccount)>,
    pub countries: SmsCountries,
    /// Texts a day (UTC).
    pub daily_budget: u32,
}

/// Settings of one provider, with their names for error sentences.
struct RawSmsSection {
    provider: SmsProvider,
    account: Option<(&'static str, Option<String>)>,
    secret: (&'static str, Option<SecretString>, Option<PathBuf>),
    url: (&'static str, Option<String>),
}

impl Default for RawSms {
    fn default() -> Self {
        Self {
            provider: "outbox".to_owned(),
            from: None,
            countries: OneOrMany::Many(Vec::new()),
            daily_budget: 500,
            twilio: RawTwilio::default(),
            vonage: RawVonage::default(),
            messagebird: RawMessageBird::default(),
            webhook: RawWebhook::default(),
        }
    }
}

impl RawSms {
    pub(super) fn check(self) -> Result<SmsSettings, ConfigError> {
        let countries = countries(self.countries)?;
        let raw = match self.provider.as_str() {
            "outbox" => {
                // Nobody pays for a file.
                let countries = if countries.is_empty() {
                    SmsCountries::All
                } else {
                    SmsCountries::Only(countries)
                };
                return Ok(SmsSettings {
                    provider: None,
                    countries,
                    daily_budget: self.daily_budget,
                });
            }
            "twilio" => self.twilio.raw(),
            "vonage" => self.vonage.raw(),
            "messagebird" => self.messagebird.raw(),
            "webhook" => self.webhook.raw(),
            other => {
                return Err(wrong(
                    "sms.provider",
                    "outbox, twilio, vonage, messagebird or webhook",
                    other,
                ));
            }
        };
        let provider = Some((raw.provider, raw.check(self.from)?));
        Ok(SmsSettings {
            provider,
            countries: SmsCountries::Only(countries),
            daily_budget: self.daily_budget,
        })
    }
}

impl RawTwilio {
    fn raw(self) -> RawSmsSection {
        RawSmsSection {
            provider: SmsProvider::Twilio,
            account: Some(("sms.twilio.account_sid", self.account_sid)),
            secret: ("sms.twilio.auth_token", self.auth_token, self.auth_token_file),
            url: ("sms.twilio.base_url", self.base_url),
        }
    }
}

impl RawVonage {
    fn raw(self) -> RawSmsSection {
        RawSmsSection {
            provider: SmsProvider::Vonage,
            account: Some(("sms.vonage.api_key", self.api_key)),
            secret: ("sms.vonage.api_secret", self.api_secret, self.api_secret_file),
            url: ("sms.vonage.base_url", self.base_url),
        }
    }
}

impl RawMessageBird {
    fn raw(self) -> RawSmsSection {
        RawSmsSection {
            provider: SmsProvider::MessageBird,
            account: None,
            secret: ("sms.messagebird.access_key", self.access_key, self.access_key_file),
            url: ("sms.messagebird.base_url", self.base_url),
        }
    }
}

impl RawWebhook {
    fn raw(self) -> RawSmsSection {
        RawSmsSection {
            provider: SmsProvider::Webhook,
            account: None,
            secret: ("sms.webhook.secret", self.secret, self.secret_file),
            url: ("sms.webhook.url", self.url),
        }
    }
}

impl RawSmsSection {
    fn check(self, from: Option<String>) -> Result<SmsAccount, ConfigError> {
        let why = "sms.provider is set to a provider that asks for it";
        let given = |setting: &str, raw: Option<String>| {
            raw.map(|raw| raw.trim().to_owned())
                .filter(|raw| !raw.is_empty())
                .ok_or_else(|| missing(setting, why))
        };
        let account =
            self.account.map(|(setting, raw)| given(setting, raw)).transpose()?.unwrap_or_default();
        // The webhook knows itself who it sends for.
        let from = match self.provider {
            SmsProvider::Webhook => String::new(),
            _ => given("sms.from", from)?,
        };
        let (setting, raw, file) = self.secret;
        let secret = secret(setting, raw, file)?;
        let (setting, raw) = self.url;
        let url = match (raw, self.provider.base_url()) {
            (Some(raw), _) => raw,
            (None, Some(usual)) => usual.to_owned(),
            (None, None) => return Err(missing(setting, why)),
        };
        Ok(SmsAccount { account, secret, from, base_url: safe_url(setting, &url)? })
    }
}

fn countries(raw: OneOrMany<String>) -> Result<Vec<String>, ConfigError> {
    let raw = many(raw);
    let names =
        raw.iter().flat_map(|list| list.split(',')).map(|name| name.trim().to_ascii_uppercase());
    names
        .filter(|name| !name.is_empty())
        .map(|name| match name.parse::<phonenumber::country::Id>() {
            Ok(_) => Ok(name),
            Err(_) => Err(wrong(
                "sms.countries",
                "a list of countries like [\"DE\", \"FR\"] (ISO 3166-1)",
                &name,
            )),
        })
        .collect()
}

fn secret(
    setting: &str,
    raw: Option<SecretString>,
    file: Option<PathBuf>,
) -> Result<SecretString, ConfigError> {
    let secret = match (raw, file) {
        (Some(_), Some(_)) => {
            return Err(ConfigError(format!("Set {setting} or {setting}_file, not both.")));
        }
        (Some(raw), None) => raw.expose_secret().trim().to_owned(),
        (None, Some(file)) => read_secret(&format!("{setting}_file"), &file)?.trim().to_owned(),
        (None, None) => return Err(missing(setting, &format!("set it, or {setting}_file"))),
    };
    if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConfigError(format!("{setting} should be one line of printable characters.")));
    }
    Ok(SecretString::from(secret))
}

/// Codes and credentials go there: not in the open, unless it is this machine (S87).
fn safe_url(setting: &str, raw: &str) -> Result<Url, ConfigError> {
    let url = web_url(setting, raw)?;
    let is_here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() != "https" && !is_here {
        return Err(wrong(setting, "an https URL", raw));
    }
    Ok(url)
}
