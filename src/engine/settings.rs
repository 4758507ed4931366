//! Settings of the engine, and digests of secrets.

use std::path::PathBuf;

use ipnet::IpNet;

pub(super) use super::keys::secret_key::SecretKey;
use super::{passwords::hashing::HashCost, providers::ProviderSettings, users::fields::UserFields};

/// The settings of the embedded backend.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The URL that people see, without a slash at its end. Every link in an email begins with it
    /// (S48).
    pub public_url: String,
    /// Where links in emails send the browser; may have a query of its own.
    pub redirect_url: String,
    /// The first one seals, all of them open (S96).
    pub secret_keys: Vec<SecretKey>,
    /// Whether an address must be proved before its account can be used.
    pub confirm_email: bool,
    /// Whether a phone number must be proved before its account can be used.
    pub confirm_phone: bool,
    /// Whether accounts with a phone number instead of an address are made.
    pub phone_sign_up: bool,
    /// Whether a code by SMS signs in.
    pub sign_in_codes: bool,
    /// Shortest password accepted, in characters.
    pub password_min: usize,
    /// Cost of a password hash; weaker ones are made anew at the next sign-in (S11).
    pub password_cost: HashCost,
    /// Multiplies every allowance of the rate limits.
    pub limits_factor: f64,
    /// Servers that ask for many people: their address is not limited, accounts and targets are.
    pub application_servers: Vec<IpNet>,
    /// Where the bytes of stored files lie.
    pub files_dir: PathBuf,
    /// The fields that users have beside the built-in ones.
    pub user_fields: UserFields,
    /// Product name in emails; no password may be made of it.
    pub product_name: String,
    pub messages: MessageSettings,
    pub providers: Vec<ProviderSettings>,
    /// The redirect URLs that applications of the settings have of their own. Those of applications
    /// that were added while the server runs are in the database.
    pub application_redirects: Vec<String>,
}

/// Settings of email and SMS.
#[derive(Debug, Clone)]
pub struct MessageSettings {
    pub sms_countries: SmsCountries,
    /// Texts a day (UTC), over all accounts.
    pub sms_daily_budget: u32,
    /// A folder whose templates replace ours.
    pub templates_dir: Option<PathBuf>,
}

/// The countries that texts go to (S65).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsCountries {
    All,
    /// As ISO 3166-1 names them, by two capitals. A number whose plan names no country is in none
    /// of them.
    Only(Vec<String>),
}

impl SmsCountries {
    /// The list, where there is one.
    pub fn listed(&self) -> Option<&[String]> {
        match self {
            Self::All => None,
            Self::Only(countries) => Some(countries),
        }
    }
}

impl Default for MessageSettings {
    /// Every country, 500 texts a day, and our templates.
    fn default() -> Self {
        Self { sms_countries: SmsCountries::All, sms_daily_budget: 500, templates_dir: None }
    }
}
