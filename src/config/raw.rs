//! The settings as they were typed: every key with its default, and nothing else.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use secrecy::SecretString;
use serde::Deserialize;

use super::{
    ConfigError,
    access::RawAccess,
    altogic::RawAltogic,
    lists::OneOrMany,
    location,
    providers::RawProvider,
    sms::RawSms,
    user_fields::{self, RawField},
};
use crate::{engine::passwords::hashing::HashCost, http::forwarded::ForwardedHeader};

/// Environment variables that tests of this repository use and that set nothing.
const NOT_SETTINGS: &[&str] = &["VESTIBULE_BIN", "VESTIBULE_TEST_POSTGRES_URL"];

/// The settings as they were typed.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawConfig {
    pub(super) data_dir: PathBuf,
    pub(super) secret_key: Option<OneOrMany<String>>,
    pub(super) secret_key_file: Option<PathBuf>,
    pub(super) server: RawServer,
    pub(super) access: RawAccess,
    pub(super) altogic: RawAltogic,
    pub(super) database: Database,
    pub(super) files: RawFiles,
    pub(super) engine: RawEngine,
    pub(super) mail: Mail,
    pub(super) sms: RawSms,
    pub(super) providers: BTreeMap<String, RawProvider>,
    pub(super) templates_dir: Option<PathBuf>,
    pub(super) limits: RawLimits,
    pub(super) log: RawLog,
    pub(super) metrics: RawMetrics,
    pub(super) branding: Branding,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawServer {
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
pub(super) struct RawFiles {
    pub(super) url: Option<String>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawEngine {
    pub(super) redirect_url: Option<String>,
    pub(super) client_keys: OneOrMany<RawClientKey>,
    pub(super) confirm_email: bool,
    pub(super) confirm_phone: bool,
    pub(super) phone_sign_up: bool,
    pub(super) sign_in_codes: bool,
    pub(super) password_min: usize,
    pub(super) password_hash_memory: u32,
    pub(super) password_hash_passes: u32,
    pub(super) user_fields: BTreeMap<String, RawField>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Mail {
    pub(super) smtp_url: Option<SecretString>,
    pub(super) from: Option<String>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLimits {
    pub(super) factor: f64,
    pub(super) application_servers: OneOrMany<String>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLog {
    pub(super) format: String,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawMetrics {
    pub(super) listen: Option<String>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Branding {
    pub(super) name: String,
}

/// A client key is its text, or a table with the origins that may use it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RawClientKey {
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

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            secret_key: None,
            secret_key_file: None,
            server: RawServer::default(),
            access: RawAccess::default(),
            altogic: RawAltogic::default(),
            database: Database::default(),
            files: RawFiles::default(),
            engine: RawEngine::default(),
            mail: Mail::default(),
            sms: RawSms::default(),
            providers: BTreeMap::new(),
            templates_dir: None,
            limits: RawLimits::default(),
            log: RawLog::default(),
            metrics: RawMetrics::default(),
            branding: Branding::default(),
        }
    }
}

impl Default for RawServer {
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

impl Default for RawEngine {
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

impl Default for RawLimits {
    fn default() -> Self {
        Self { factor: 1.0, application_servers: OneOrMany::Many(Vec::new()) }
    }
}

impl Default for RawLog {
    fn default() -> Self {
        Self { format: "lines".to_owned() }
    }
}

impl Default for Branding {
    fn default() -> Self {
        Self { name: "Vestibule".to_owned() }
    }
}

impl RawConfig {
    /// Reads the file, then the environment over it. A key nobody knows is a mistake.
    pub(super) fn read(
        file: Option<&Path>,
        mut environment: HashMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let declarations = user_fields::from_environment(&mut environment);
        let variables: Vec<String> = environment.keys().cloned().collect();
        let settings = environment
            .into_iter()
            .filter(|(key, _)| !NOT_SETTINGS.contains(&key.as_str()))
            .collect();
        let mut builder = config::Config::builder();
        builder = match file {
            Some(file) => {
                builder.add_source(config::File::from(file).format(config::FileFormat::Toml))
            }
            None => builder.add_source(
                config::File::new("vestibule.toml", config::FileFormat::Toml).required(false),
            ),
        };
        let environment = config::Environment::with_prefix("VESTIBULE")
            .prefix_separator("_")
            .separator("__")
            .source(Some(settings));
        builder = builder.add_source(environment);
        let overridden = declarations
            .into_iter()
            .try_fold(builder, |builder, (key, value)| builder.set_override(key, value));
        overridden
            .and_then(|builder| builder.build())
            .and_then(config::Config::try_deserialize)
            .map_err(|error| location::of(file, &variables, &error))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::de::DeserializeOwned;

    use super::*;
    use crate::config::access::RawRule;

    const PAGE: &str = include_str!("../../docs/configuration.md");

    /// One row of the page: setting, type, default, environment name, example, purpose.
    struct DocumentedSetting {
        key: String,
        cells: Vec<String>,
    }

    #[test]
    fn the_configuration_page_has_a_row_for_every_setting_and_no_other() {
        let known: BTreeSet<String> =
            every_key(&[]).into_iter().flat_map(|key| expanded(&key)).collect();
        let listed: BTreeSet<String> = rows().into_iter().map(|row| row.key).collect();
        assert!(known.len() > 70 && known.contains("sms.twilio.auth_token_file"), "{known:?}");
        let missing: Vec<_> = known.difference(&listed).collect();
        let unknown: Vec<_> = listed.difference(&known).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "missing: {missing:?}; unknown: {unknown:?}"
        );
    }

    #[test]
    fn each_row_of_the_configuration_page_is_complete_and_names_its_variable() {
        for DocumentedSetting { key, cells } in rows() {
            assert!(
                cells.len() == 6 && cells.iter().all(|cell| !cell.is_empty()),
                "{key}: {cells:?}"
            );
            let variable = format!("`VESTIBULE_{}`", key.to_ascii_uppercase().replace('.', "__"));
            let wanted = if key.contains("[]") { "–" } else { &variable };
            assert_eq!(cells[3], wanted, "{key}");
        }
    }

    #[test]
    fn every_example_of_the_configuration_page_is_read() {
        let examples: Vec<&str> = PAGE
            .split("```toml\n")
            .skip(1)
            .filter_map(|rest| rest.split_once("```"))
            .map(|(text, _)| text)
            .collect();
        assert!(examples.len() > 8);
        for example in examples {
            toml::from_str::<RawConfig>(example)
                .map(drop)
                .unwrap_or_else(|error| panic!("{example}\n{error}"));
        }
    }

    fn rows() -> Vec<DocumentedSetting> {
        let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
        let cells =
            rows.map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()));
        let cells = cells.map(Iterator::collect::<Vec<String>>);
        cells
            .map(|cells| DocumentedSetting { key: cells[0].trim_matches('`').to_owned(), cells })
            .collect()
    }

    /// The keys of the tables that have names of the operator's, or stand in a list.
    fn expanded(key: &str) -> Vec<String> {
        let below = |prefix: &str, keys: Vec<String>| {
            keys.iter().map(|below| format!("{prefix}.{below}")).collect()
        };
        match key {
            "providers" => below("providers.<name>", keys_of::<RawProvider>()),
            "engine.user_fields" => below("engine.user_fields.<name>", keys_of::<RawField>()),
            "engine.client_keys" | "access.rules" => {
                let keys = if key == "access.rules" {
                    keys_of::<RawRule>()
                } else {
                    keys_of::<ClientKeyTable>()
                };
                [vec![key.to_owned()], below(&format!("{key}[]"), keys)].concat()
            }
            _ => vec![key.to_owned()],
        }
    }

    fn every_key(section: &[String]) -> Vec<String> {
        let below = keys(section).into_iter().flat_map(|key| {
            let path = [section, &[key]].concat();
            let found = every_key(&path);
            if found.is_empty() { vec![path.join(".")] } else { found }
        });
        below.collect()
    }

    /// The keys of a section, as serde names them where it meets one that is unknown. Empty: it is
    /// no section.
    fn keys(section: &[String]) -> Vec<String> {
        let path = [section, &["nobody_knows".to_owned()]].concat().join(".");
        let built = config::Config::builder().set_override(path, "x").unwrap().build().unwrap();
        let Err(error) = built.try_deserialize::<RawConfig>() else { return Vec::new() };
        let error = error.to_string();
        named(error.split(" for key").next().unwrap())
    }

    fn keys_of<T: DeserializeOwned>() -> Vec<String> {
        let Err(error) = serde_json::from_str::<T>(r#"{"nobody_knows":1}"#) else {
            return Vec::new();
        };
        named(&error.to_string())
    }

    fn named(error: &str) -> Vec<String> {
        let expected = error
            .split_once("unknown field `nobody_knows`, expected ")
            .map_or("", |(_, rest)| rest);
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }
}
