//! The settings as they were typed: every key with its default, and nothing else.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use secrecy::SecretString;
use serde::Deserialize;

use super::{
    ConfigError,
    access::TypedAccess,
    altogic::TypedAltogic,
    place,
    providers::TypedProvider,
    sms::TypedSms,
    user_fields::{self, TypedField},
};
use crate::{engine::credentials::HashCost, forwarded::ForwardedHeader};

/// Environment variables that tests of this repository use and that set nothing.
const NOT_SETTINGS: &[&str] = &["VESTIBULE_BIN", "VESTIBULE_TEST_POSTGRES_URL"];

/// The settings as they were typed.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Typed {
    pub(super) data_dir: PathBuf,
    pub(super) secret_key: Option<OneOrMany<String>>,
    pub(super) secret_key_file: Option<PathBuf>,
    pub(super) server: Server,
    pub(super) access: TypedAccess,
    pub(super) altogic: TypedAltogic,
    pub(super) database: Database,
    pub(super) files: Files,
    pub(super) engine: Engine,
    pub(super) mail: Mail,
    pub(super) sms: TypedSms,
    pub(super) providers: BTreeMap<String, TypedProvider>,
    pub(super) templates_dir: Option<PathBuf>,
    pub(super) limits: Limits,
    pub(super) log: Log,
    pub(super) metrics: Metrics,
    pub(super) look: Look,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Server {
    pub(super) listen: String,
    pub(super) public_url: String,
    pub(super) trusted_proxies: OneOrMany<String>,
    pub(super) forwarded_header: String,
    pub(super) proxy_protocol: bool,
    pub(super) socket_mode: String,
    pub(super) workers: Option<usize>,
    pub(super) max_connections: usize,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Database {
    pub(super) url: Option<SecretString>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Files {
    pub(super) url: Option<String>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Engine {
    pub(super) redirect_url: Option<String>,
    pub(super) client_keys: OneOrMany<TypedClientKey>,
    pub(super) confirm_email: bool,
    pub(super) confirm_phone: bool,
    pub(super) phone_sign_up: bool,
    pub(super) sign_in_codes: bool,
    pub(super) password_min: usize,
    pub(super) password_hash_memory: u32,
    pub(super) password_hash_passes: u32,
    pub(super) user_fields: BTreeMap<String, TypedField>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Mail {
    pub(super) smtp_url: Option<SecretString>,
    pub(super) from: Option<String>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) factor: f64,
    pub(super) application_servers: OneOrMany<String>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Log {
    pub(super) format: String,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Metrics {
    pub(super) listen: Option<String>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Look {
    pub(super) name: String,
}

/// A client key is its text, or a table with the origins that may use it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum TypedClientKey {
    Key(String),
    Table(ClientKeyTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientKeyTable {
    pub(super) key: String,
    #[serde(default)]
    pub(super) origins: Vec<String>,
    pub(super) redirect_url: Option<String>,
    #[serde(default)]
    pub(super) enforce_session: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl Default for Typed {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            secret_key: None,
            secret_key_file: None,
            server: Server::default(),
            access: TypedAccess::default(),
            altogic: TypedAltogic::default(),
            database: Database::default(),
            files: Files::default(),
            engine: Engine::default(),
            mail: Mail::default(),
            sms: TypedSms::default(),
            providers: BTreeMap::new(),
            templates_dir: None,
            limits: Limits::default(),
            log: Log::default(),
            metrics: Metrics::default(),
            look: Look::default(),
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:3000".to_owned(),
            public_url: "http://localhost:3000".to_owned(),
            trusted_proxies: OneOrMany::Many(Vec::new()),
            forwarded_header: ForwardedHeader::default().name().to_owned(),
            proxy_protocol: false,
            socket_mode: "0660".to_owned(),
            workers: None,
            max_connections: 4096,
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            redirect_url: None,
            client_keys: OneOrMany::Many(Vec::new()),
            confirm_email: true,
            confirm_phone: true,
            phone_sign_up: true,
            sign_in_codes: true,
            password_min: 8,
            password_hash_memory: HashCost::default().memory,
            password_hash_passes: HashCost::default().passes,
            user_fields: BTreeMap::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { factor: 1.0, application_servers: OneOrMany::Many(Vec::new()) }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: "lines".to_owned() }
    }
}

impl Default for Look {
    fn default() -> Self {
        Self { name: "Vestibule".to_owned() }
    }
}

impl Typed {
    /// Reads the file, then the environment over it. A key nobody knows is a mistake.
    pub(super) fn read(file: Option<&Path>, mut environment: HashMap<String, String>) -> Result<Self, ConfigError> {
        let declarations = user_fields::from_environment(&mut environment);
        let variables: Vec<String> = environment.keys().cloned().collect();
        let settings = environment.into_iter().filter(|(key, _)| !NOT_SETTINGS.contains(&key.as_str())).collect();
        let mut builder = config::Config::builder();
        builder = match file {
            Some(file) => builder.add_source(config::File::from(file).format(config::FileFormat::Toml)),
            None => builder.add_source(config::File::new("vestibule.toml", config::FileFormat::Toml).required(false)),
        };
        let environment =
            config::Environment::with_prefix("VESTIBULE").prefix_separator("_").separator("__").source(Some(settings));
        builder = builder.add_source(environment);
        let overridden =
            declarations.into_iter().try_fold(builder, |builder, (key, value)| builder.set_override(key, value));
        overridden
            .and_then(|builder| builder.build())
            .and_then(config::Config::try_deserialize)
            .map_err(|error| place::of(file, &variables, &error))
    }
}

/// One is a list of one.
pub(super) fn many<T>(typed: OneOrMany<T>) -> Vec<T> {
    match typed {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = include_str!("../../README.md");

    /// The keys of a section, as serde names them where it meets one that is none of them. None: it is no section.
    fn keys(section: &[String]) -> Vec<String> {
        let path = [section, &["nobody_knows".to_owned()]].concat().join(".");
        let built = config::Config::builder().set_override(path, "x").unwrap().build().unwrap();
        let Err(error) = built.try_deserialize::<Typed>() else { return Vec::new() };
        let error = error.to_string();
        let Some((_, expected)) = error.split_once("unknown field `nobody_knows`, expected ") else {
            return Vec::new();
        };
        let expected = expected.split(" for key").next().unwrap();
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn every_key(section: &[String]) -> Vec<String> {
        let below = keys(section).into_iter().flat_map(|key| {
            let path = [section, &[key]].concat();
            let found = every_key(&path);
            if found.is_empty() { vec![path.join(".")] } else { found }
        });
        below.collect()
    }

    #[test]
    fn the_readme_names_every_setting() {
        let known = every_key(&[]);
        assert!(known.len() > 40 && known.contains(&"engine.phone_sign_up".to_owned()), "{known:?}");
        // Several stand in one row: `sms.twilio.account_sid`, `.auth_token`.
        let is_named = |key: &String| {
            let short = key.rsplit_once('.').map_or(key.as_str(), |(_, last)| last);
            let is_file = key.ends_with("_file") && README.contains("auth_token_file");
            README.contains(key.as_str()) || README.contains(&format!("`.{short}`")) || is_file
        };
        let missing: Vec<_> = known.iter().filter(|key| !is_named(key)).collect();
        assert!(missing.is_empty(), "without a word in README.md: {missing:?}");
    }
}
