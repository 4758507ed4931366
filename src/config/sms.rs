//! The settings of SMS: the provider with its credentials, the countries, the budget of a day.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{
    ConfigError, missing,
    secrets::read_secret,
    typed::{OneOrMany, many},
    web_url, wrong,
};
use crate::engine::{
    SmsCountries,
    outbox::{SmsAccount, SmsProvider},
};

/// As it was typed.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TypedSms {
    pub(super) provider: String,
    pub(super) from: Option<String>,
    pub(super) countries: OneOrMany<String>,
    pub(super) daily_budget: u32,
    pub(super) twilio: Twilio,
    pub(super) vonage: Vonage,
    pub(super) messagebird: MessageBird,
    pub(super) webhook: Webhook,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Twilio {
    account_sid: Option<String>,
    auth_token: Option<SecretString>,
    auth_token_file: Option<PathBuf>,
    base_url: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Vonage {
    api_key: Option<String>,
    api_secret: Option<SecretString>,
    api_secret_file: Option<PathBuf>,
    base_url: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MessageBird {
    access_key: Option<SecretString>,
    access_key_file: Option<PathBuf>,
    base_url: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Webhook {
    url: Option<String>,
    secret: Option<SecretString>,
    secret_file: Option<PathBuf>,
}

/// How texts leave, and to whom.
#[derive(Debug)]
pub struct Sms {
    /// `None`: into the outbox folder.
    pub provider: Option<(SmsProvider, SmsAccount)>,
    pub countries: SmsCountries,
    /// Texts a day (UTC).
    pub daily_budget: u32,
}

/// What the settings of one provider come to, with their names for the sentences.
struct Typed {
    provider: SmsProvider,
    account: Option<(&'static str, Option<String>)>,
    secret: (&'static str, Option<SecretString>, Option<PathBuf>),
    url: (&'static str, Option<String>),
}

impl Default for TypedSms {
    fn default() -> Self {
        Self {
            provider: "outbox".to_owned(),
            from: None,
            countries: OneOrMany::Many(Vec::new()),
            daily_budget: 500,
            twilio: Twilio::default(),
            vonage: Vonage::default(),
            messagebird: MessageBird::default(),
            webhook: Webhook::default(),
        }
    }
}

impl TypedSms {
    pub(super) fn check(self) -> Result<Sms, ConfigError> {
        let countries = countries(self.countries)?;
        let typed = match self.provider.as_str() {
            "outbox" => {
                // Nobody pays for a file.
                let countries = if countries.is_empty() { SmsCountries::All } else { SmsCountries::Only(countries) };
                return Ok(Sms { provider: None, countries, daily_budget: self.daily_budget });
            }
            "twilio" => self.twilio.typed(),
            "vonage" => self.vonage.typed(),
            "messagebird" => self.messagebird.typed(),
            "webhook" => self.webhook.typed(),
            other => return Err(wrong("sms.provider", "outbox, twilio, vonage, messagebird or webhook", other)),
        };
        let provider = Some((typed.provider, typed.check(self.from)?));
        Ok(Sms { provider, countries: SmsCountries::Only(countries), daily_budget: self.daily_budget })
    }
}

impl Twilio {
    fn typed(self) -> Typed {
        Typed {
            provider: SmsProvider::Twilio,
            account: Some(("sms.twilio.account_sid", self.account_sid)),
            secret: ("sms.twilio.auth_token", self.auth_token, self.auth_token_file),
            url: ("sms.twilio.base_url", self.base_url),
        }
    }
}

impl Vonage {
    fn typed(self) -> Typed {
        Typed {
            provider: SmsProvider::Vonage,
            account: Some(("sms.vonage.api_key", self.api_key)),
            secret: ("sms.vonage.api_secret", self.api_secret, self.api_secret_file),
            url: ("sms.vonage.base_url", self.base_url),
        }
    }
}

impl MessageBird {
    fn typed(self) -> Typed {
        Typed {
            provider: SmsProvider::MessageBird,
            account: None,
            secret: ("sms.messagebird.access_key", self.access_key, self.access_key_file),
            url: ("sms.messagebird.base_url", self.base_url),
        }
    }
}

impl Webhook {
    fn typed(self) -> Typed {
        Typed {
            provider: SmsProvider::Webhook,
            account: None,
            secret: ("sms.webhook.secret", self.secret, self.secret_file),
            url: ("sms.webhook.url", self.url),
        }
    }
}

impl Typed {
    fn check(self, from: Option<String>) -> Result<SmsAccount, ConfigError> {
        let why = "sms.provider is set to a provider that asks for it";
        let given = |setting: &str, typed: Option<String>| {
            typed
                .map(|typed| typed.trim().to_owned())
                .filter(|typed| !typed.is_empty())
                .ok_or_else(|| missing(setting, why))
        };
        let account = self.account.map(|(setting, typed)| given(setting, typed)).transpose()?.unwrap_or_default();
        // The webhook knows itself who it sends for.
        let from = match self.provider {
            SmsProvider::Webhook => String::new(),
            _ => given("sms.from", from)?,
        };
        let (setting, typed, file) = self.secret;
        let secret = secret(setting, typed, file)?;
        let (setting, typed) = self.url;
        let url = match (typed, self.provider.base_url()) {
            (Some(typed), _) => typed,
            (None, Some(usual)) => usual.to_owned(),
            (None, None) => return Err(missing(setting, why)),
        };
        Ok(SmsAccount { account, secret, from, base_url: safe_url(setting, &url)? })
    }
}

fn countries(typed: OneOrMany<String>) -> Result<Vec<String>, ConfigError> {
    let typed = many(typed);
    let names = typed.iter().flat_map(|list| list.split(',')).map(|name| name.trim().to_ascii_uppercase());
    names
        .filter(|name| !name.is_empty())
        .map(|name| match name.parse::<phonenumber::country::Id>() {
            Ok(_) => Ok(name),
            Err(_) => Err(wrong("sms.countries", "a list of countries like [\"DE\", \"FR\"] (ISO 3166-1)", &name)),
        })
        .collect()
}

fn secret(setting: &str, typed: Option<SecretString>, file: Option<PathBuf>) -> Result<SecretString, ConfigError> {
    let secret = match (typed, file) {
        (Some(_), Some(_)) => return Err(ConfigError(format!("Set {setting} or {setting}_file, not both."))),
        (Some(typed), None) => typed.expose_secret().trim().to_owned(),
        (None, Some(file)) => read_secret(&format!("{setting}_file"), &file)?.trim().to_owned(),
        (None, None) => return Err(missing(setting, &format!("set it, or {setting}_file"))),
    };
    if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConfigError(format!("{setting} should be one line of printable characters.")));
    }
    Ok(SecretString::from(secret))
}

/// Codes and credentials go there: not in the open, unless it is this machine (SECURITY.md S87).
fn safe_url(setting: &str, typed: &str) -> Result<Url, ConfigError> {
    let url = web_url(setting, typed)?;
    let is_here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() != "https" && !is_here {
        return Err(wrong(setting, "an https URL", typed));
    }
    Ok(url)
}
