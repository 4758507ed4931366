//! The settings: a TOML file, each key overridable by `VESTIBULE_<SECTION>__<KEY>`.
//!
//! A mistake stops the start with a sentence that names the setting; a key nobody knows is a
//! mistake. `docs/configuration.md` lists every one. Secrets can come from the environment or a
//! file, never from the command line, where any user of the machine could read them (S85).

mod access;
mod altogic;
mod lists;
mod location;
mod providers;
mod raw;
mod secrets;
mod server;
mod sms;
#[cfg(test)]
mod testing;
mod user_fields;

use std::{
    collections::HashMap,
    fmt, fs, io,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

pub use self::altogic::Altogic;
pub(crate) use self::secrets::MADE_CLIENT_KEY;
pub use self::server::{Listen, LogFormat, ServerSettings};
use self::{
    raw::RawConfig,
    secrets::{client_keys, require_strong, secret_keys},
    server::networks,
    sms::SmsSettings,
    user_fields::user_fields,
};
use crate::{
    access_rules::AccessRules,
    engine::{
        SecretKey, passwords::hashing::HashCost, providers::ProviderSettings,
        users::fields::UserFields,
    },
    port::{Email, Random},
    rest::ClientKey,
};

/// Everything an operator can set, read and checked.
#[derive(Debug)]
pub struct Config {
    /// Remote mode, where it is set: then nothing is opened that only the embedded backend has.
    pub altogic: Option<Altogic>,
    pub data_dir: PathBuf,
    pub secret_keys: Vec<SecretKey>,
    pub server: ServerSettings,
    /// Without a slash at the end.
    pub public_url: String,
    pub log_format: LogFormat,
    /// Where the metrics for Prometheus are served; nowhere when it is not set.
    pub metrics: Option<SocketAddr>,
    pub database_url: SecretString,
    pub files_dir: PathBuf,
    pub redirect_url: String,
    pub client_keys: Vec<ClientKey>,
    pub confirm_email: bool,
    pub confirm_phone: bool,
    pub phone_sign_up: bool,
    pub sign_in_codes: bool,
    pub password_min: usize,
    pub password_cost: HashCost,
    pub user_fields: UserFields,
    pub smtp_url: Option<SecretString>,
    pub mail_from: String,
    pub sms: SmsSettings,
    /// A folder whose templates replace ours.
    pub templates_dir: Option<PathBuf>,
    pub providers: Vec<ProviderSettings>,
    pub limits_factor: f64,
    pub application_servers: Vec<IpNet>,
    /// Which pages of other sites people may open.
    pub access: AccessRules,
    pub name: String,
}

/// A mistake in the settings, as a sentence that names the setting.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Config {
    /// Refuses a weak secret key wherever it stands. Reading the settings lets one pass after the
    /// first, for `vestibule key rotate` to replace.
    ///
    /// # Errors
    /// Which one it is.
    pub fn require_strong_keys(&self) -> Result<(), ConfigError> {
        require_strong(&self.secret_keys)
    }

    /// Reads the file (`vestibule.toml` where none is named and that one is there), then the
    /// environment, and makes on first start what is made once: the data folder, the secret key,
    /// the client key.
    ///
    /// # Errors
    /// The first mistake found.
    pub fn load(file: Option<&Path>, random: &dyn Random) -> Result<Self, ConfigError> {
        let environment = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        Self::read(file, environment.collect(), random)
    }

    /// As [`load`](Self::load), with the environment handed in.
    ///
    /// # Errors
    /// The first mistake found.
    pub fn read(
        file: Option<&Path>,
        environment: HashMap<String, String>,
        random: &dyn Random,
    ) -> Result<Self, ConfigError> {
        RawConfig::read(file, environment)?.check(random)
    }
}

impl RawConfig {
    fn check(mut self, random: &dyn Random) -> Result<Config, ConfigError> {
        let altogic = self.altogic()?;
        let (server, log_format, metrics) = (self.server()?, self.log_format()?, self.metrics()?);
        let public_url = base_url("server.public_url", &self.server.public_url)?;
        let redirect_url = match self.engine.redirect_url {
            Some(raw) => {
                web_url("engine.redirect_url", &raw)?;
                raw
            }
            None => format!("{public_url}/auth-redirect"),
        };
        let name = trimmed("branding.name", &self.branding.name, 60)?;
        let mail_from = match (&self.mail.from, &self.mail.smtp_url) {
            (Some(raw), _) => Email::parse(raw)
                .map_err(|_| wrong("mail.from", "an address like accounts@example.com", raw))?
                .to_string(),
            (None, None) => "vestibule@localhost.invalid".to_owned(),
            (None, Some(_)) => {
                return Err(missing(
                    "mail.from",
                    "mail.smtp_url is set: say which address mail comes from",
                ));
            }
        };
        if !(self.limits.factor > 0.0 && self.limits.factor.is_finite()) {
            return Err(wrong(
                "limits.factor",
                "a number above 0",
                &self.limits.factor.to_string(),
            ));
        }
        if !(6..=128).contains(&self.engine.password_min) {
            return Err(wrong(
                "engine.password_min",
                "a number from 6 to 128",
                &self.engine.password_min.to_string(),
            ));
        }
        let password_cost =
            password_cost(self.engine.password_hash_memory, self.engine.password_hash_passes)?;
        let data_dir = make_folder("data_dir", &self.data_dir)?;
        let secret_keys = secret_keys(self.secret_key, self.secret_key_file, &data_dir, random)?;
        if altogic.is_some() && !self.providers.is_empty() {
            return Err(ConfigError(
                "providers.* are the embedded backend's, and altogic.env_url is set: set providers \
                    at that environment.".to_owned(),
            ));
        }
        let (client_keys, files_dir) = match altogic {
            Some(_) => (Vec::new(), data_dir.join("files")),
            None => (
                client_keys(self.engine.client_keys, &data_dir, random)?,
                files_dir(self.files.url.as_deref(), &data_dir)?,
            ),
        };
        let user_fields = user_fields(self.engine.user_fields)?;
        let access = self.access.check(&public_url, &user_fields, altogic.is_some())?;
        Ok(Config {
            access,
            altogic,
            server,
            log_format,
            metrics,
            database_url: database_url(self.database.url, &data_dir),
            files_dir,
            confirm_email: self.engine.confirm_email,
            confirm_phone: self.engine.confirm_phone,
            phone_sign_up: self.engine.phone_sign_up,
            sign_in_codes: self.engine.sign_in_codes,
            password_min: self.engine.password_min,
            password_cost,
            user_fields,
            smtp_url: self.mail.smtp_url,
            sms: self.sms.check()?,
            providers: providers::providers(self.providers)?,
            templates_dir: templates_dir(self.templates_dir)?,
            limits_factor: self.limits.factor,
            application_servers: networks(
                "limits.application_servers",
                "the networks of your application servers",
                self.limits.application_servers,
            )?,
            data_dir,
            secret_keys,
            public_url,
            redirect_url,
            client_keys,
            mail_from,
            name,
        })
    }
}

fn wrong(setting: &str, wanted: &str, raw: &str) -> ConfigError {
    ConfigError(format!("{setting} should be {wanted}; it is {raw:?}."))
}

fn missing(setting: &str, why: &str) -> ConfigError {
    ConfigError(format!("{setting} is missing: {why}."))
}

fn broken(setting: &str, path: &Path, error: impl fmt::Display) -> ConfigError {
    ConfigError(format!("{setting}: {} cannot be used: {error}.", path.display()))
}

fn web_url(setting: &str, raw: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(raw)
        .map_err(|_| wrong(setting, "a URL like https://accounts.example.com", raw))?;
    if !matches!(url.scheme(), "http" | "https")
        || url.host_str().is_none()
        || !url.username().is_empty()
    {
        return Err(wrong(
            setting,
            "an http or https URL with a host and without a user name",
            raw,
        ));
    }
    Ok(url)
}

fn base_url(setting: &str, raw: &str) -> Result<String, ConfigError> {
    let url = web_url(setting, raw)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(setting, "a URL without ? and #", raw));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn trimmed(setting: &str, raw: &str, most: usize) -> Result<String, ConfigError> {
    let text = raw.trim();
    if text.is_empty() || text.chars().count() > most || text.chars().any(char::is_control) {
        return Err(wrong(setting, &format!("1 to {most} characters on one line"), raw));
    }
    Ok(text.to_owned())
}

fn password_cost(memory: u32, passes: u32) -> Result<HashCost, ConfigError> {
    let most = HashCost::MOST_PASSES;
    let least = HashCost::least_memory(passes).filter(|_| passes <= most).ok_or_else(|| {
        wrong(
            "engine.password_hash_passes",
            &format!("a number from 1 to {most}"),
            &passes.to_string(),
        )
    })?;
    let most = HashCost::MOST_MEMORY;
    if !(least..=most).contains(&memory) {
        let wanted =
            format!("KiB from {least} (with engine.password_hash_passes = {passes}) to {most}");
        return Err(wrong("engine.password_hash_memory", &wanted, &memory.to_string()));
    }
    Ok(HashCost { memory, passes })
}

fn database_url(raw: Option<SecretString>, data_dir: &Path) -> SecretString {
    raw.unwrap_or_else(|| {
        SecretString::from(format!("sqlite:{}", data_dir.join("vestibule.db").display()))
    })
}

fn files_dir(raw: Option<&str>, data_dir: &Path) -> Result<PathBuf, ConfigError> {
    let folder = match raw {
        None => data_dir.join("files"),
        Some(url) => Url::parse(url)
            .ok()
            .filter(|url| url.scheme() == "file")
            .and_then(|url| url.to_file_path().ok())
            .ok_or_else(|| {
                wrong("files.url", "a folder like file:///var/lib/vestibule/files", url)
            })?,
    };
    let folder = make_folder("files.url", &folder)?;
    keep_private(&folder);
    Ok(folder)
}

fn templates_dir(raw: Option<PathBuf>) -> Result<Option<PathBuf>, ConfigError> {
    let found = |folder: PathBuf| {
        folder.canonicalize().map_err(|error| broken("templates_dir", &folder, error))
    };
    raw.map(found).transpose()
}

/// Takes a folder of ours that an older version made from everybody but its owner. One that belongs
/// to another account stays as it is.
fn keep_private(folder: &Path) {
    let is_open = fs::metadata(folder).is_ok_and(|about| about.permissions().mode() & 0o077 != 0);
    if is_open {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).ok();
    }
}

/// Makes the folder for its owner alone where it is missing, and proves that files can be written
/// to it.
fn make_folder(setting: &str, folder: &Path) -> Result<PathBuf, ConfigError> {
    if !folder.exists() {
        fs::create_dir_all(folder).map_err(|error| broken(setting, folder, error))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .map_err(|error| broken(setting, folder, error))?;
    }
    let folder = folder.canonicalize().map_err(|error| broken(setting, folder, error))?;
    let probe = folder.join(".probe");
    // Another process that starts beside this one may have removed it meanwhile.
    let removed = |error: io::Error| {
        if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
    };
    let probed = fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe).or_else(removed));
    probed.map_err(|error| broken(setting, &folder, error))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::SmsCountries;

    struct Fixed;
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.iter_mut().zip(7..).for_each(|(byte, number)| *byte = 37_u8.wrapping_mul(number));
        }
    }

    fn read(pairs: &[(&str, &str)]) -> Result<Config, String> {
        testing::read_with(&Fixed, pairs)
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let config = read(&[]).unwrap();
        assert_eq!(config.server.listen, Listen::Tcp("127.0.0.1:3000".parse().unwrap()));
        assert_eq!(config.redirect_url, "http://localhost:3000/auth-redirect");
        assert_eq!(config.client_keys[0].key, "03284d7297bce1062b50759abfe4092e");
        assert!(config.client_keys[0].origins.is_empty() && !config.client_keys[0].enforce_session);
        assert!(config.confirm_email);
    }

    #[test]
    fn every_key_can_be_set_in_the_environment() {
        let config = read(&[
            ("SERVER__LISTEN", "unix:/run/vestibule.sock"),
            ("SERVER__PUBLIC_URL", "https://example.com/hall/"),
            ("SERVER__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1"),
            ("ENGINE__CLIENT_KEYS", "first-client-key, second-client-key"),
            ("ENGINE__CONFIRM_EMAIL", "false"),
            ("LIMITS__FACTOR", "10"),
            ("SECRET_KEY", "7f3a09c1e5d2486b90af13c7d4e8250b"),
        ])
        .unwrap();
        assert_eq!(config.server.listen, Listen::Unix("/run/vestibule.sock".into()));
        assert_eq!(config.public_url, "https://example.com/hall");
        assert_eq!(
            config.client_keys.iter().map(|key| key.key.as_str()).collect::<Vec<_>>(),
            ["first-client-key", "second-client-key"]
        );
        assert!(!config.confirm_email);
        assert_eq!(config.server.trusted_proxies.len(), 2);
    }

    #[test]
    fn a_mistake_names_its_setting() {
        for (key, value, named) in [
            ("SERVER__LISTEM", "127.0.0.1:1", "listem"),
            ("DATADIR", "x", "datadir"),
            ("SERVER__LISTEN", "localhost", "server.listen"),
            ("SERVER__PUBLIC_URL", "example.com", "server.public_url"),
            ("SERVER__TRUSTED_PROXIES", "0.0.0.0/0", "server.trusted_proxies"),
            ("SECRET_KEY", "short", "secret_key"),
            ("ENGINE__PASSWORD_MIN", "3", "engine.password_min"),
            ("ENGINE__PASSWORD_HASH_MEMORY", "19455", "engine.password_hash_memory"),
            ("ENGINE__PASSWORD_HASH_MEMORY", "2000000", "engine.password_hash_memory"),
            ("ENGINE__PASSWORD_HASH_PASSES", "0", "engine.password_hash_passes"),
            ("ENGINE__PASSWORD_HASH_PASSES", "1", "engine.password_hash_memory"),
            ("ENGINE__CONFIRM_EMAIL", "maybe", "confirm_email"),
            ("LIMITS__FACTOR", "0", "limits.factor"),
            ("MAIL__SMTP_URL", "smtp://localhost", "mail.from"),
            ("FILES__URL", "s3://bucket", "files.url"),
            ("SMS__PROVIDER", "pigeon", "sms.provider"),
            ("SMS__COUNTRIES", "DE, Germany", "sms.countries"),
            ("SMS__DAILY_BUDGET", "-1", "daily_budget"),
            ("SMS__TWILIO__ACCOUNT", "AC1", "account"),
            ("TEMPLATES_DIR", "/nowhere/at/all", "templates_dir"),
        ] {
            let error = read(&[(key, value)]).unwrap_err();
            assert!(error.contains(named), "{key}={value}: {error}");
        }
    }

    #[test]
    fn a_provider_of_sms_needs_its_credentials_and_prints_none() {
        const TWILIO: [(&str, &str); 5] = [
            ("SMS__PROVIDER", "twilio"),
            ("SMS__TWILIO__ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"),
            ("SMS__TWILIO__AUTH_TOKEN", "not-a-real-token"),
            ("SMS__FROM", "+15005550006"),
            ("SMS__COUNTRIES", "de, FR"),
        ];
        let config = read(&TWILIO).unwrap();
        assert!(!format!("{config:?}").contains("not-a-real-token"));
        assert_eq!(
            config.sms.countries,
            SmsCountries::Only(vec!["DE".to_owned(), "FR".to_owned()])
        );
        assert_eq!(config.sms.provider.unwrap().1.base_url.as_str(), "https://api.twilio.com/");
        for (left_out, named) in
            [(1, "sms.twilio.account_sid"), (2, "sms.twilio.auth_token"), (3, "sms.from")]
        {
            let mut pairs = TWILIO.to_vec();
            pairs.remove(left_out);
            let error = read(&pairs).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
        let open = [TWILIO.as_slice(), &[("SMS__TWILIO__BASE_URL", "http://sms.example")]].concat();
        assert!(read(&open).unwrap_err().contains("sms.twilio.base_url"));
        let both = [TWILIO.as_slice(), &[("SMS__TWILIO__AUTH_TOKEN_FILE", "/a")]].concat();
        assert!(read(&both).unwrap_err().contains("sms.twilio.auth_token_file"));
        let webhook = [("SMS__PROVIDER", "webhook"), ("SMS__WEBHOOK__SECRET", "not-a-real-token")];
        assert!(read(&webhook).unwrap_err().contains("sms.webhook.url"));
    }

    /// S65: nobody where each text costs money, everybody where it is a file.
    #[test]
    fn a_paid_provider_serves_the_countries_that_are_listed() {
        let webhook = [
            ("SMS__PROVIDER", "webhook"),
            ("SMS__WEBHOOK__URL", "https://sms.example/hook"),
            ("SMS__WEBHOOK__SECRET", "not-a-real-secret"),
        ];
        assert_eq!(read(&webhook).unwrap().sms.countries, SmsCountries::Only(Vec::new()));
        assert_eq!(read(&[]).unwrap().sms.countries, SmsCountries::All);
    }

    #[test]
    fn a_secret_does_not_print_and_a_readable_key_file_is_refused() {
        let secret = "b04f6a1c93de57820f1e6c4ad9738b25";
        assert!(!format!("{:?}", read(&[("SECRET_KEY", secret)]).unwrap()).contains(secret));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        fs::write(&file, secret).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let error = read(&[("SECRET_KEY_FILE", file.to_str().unwrap())]).unwrap_err();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn the_key_made_at_first_start_is_kept_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let environment = || {
            HashMap::from([("VESTIBULE_DATA_DIR".to_owned(), folder.path().display().to_string())])
        };
        Config::read(None, environment(), &Fixed).unwrap();
        let made = folder.path().join("secret_key");
        let first = fs::read_to_string(&made).unwrap();
        assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o600);
        Config::read(None, environment(), &Fixed).unwrap();
        assert_eq!(fs::read_to_string(&made).unwrap(), first);
    }
}
