//! Remote mode: another environment instead of the embedded backend.

use std::{fs, path::PathBuf};

use serde::Deserialize;
use url::{Host, Url};

use super::{ConfigError, base_url, broken, lists::OneOrMany, missing, raw::RawConfig};
use crate::engine::passwords::hashing::HashCost;

/// The environment that the pages stand before, when that is not the embedded backend.
#[derive(Debug, Clone)]
pub struct Altogic {
    /// Without a slash at the end; may end in `/e:{environment}`.
    pub env_url: String,
    /// Client key at the environment: a public name rather than a secret.
    pub client_key: String,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAltogic {
    pub(super) env_url: Option<String>,
    pub(super) client_key: Option<String>,
    pub(super) client_key_file: Option<PathBuf>,
    /// Whether the environment may be asked over plain http on another machine.
    pub(super) plain_http: bool,
}

impl RawConfig {
    /// The environment, in remote mode. What would then have no effect is refused, so that nobody
    /// waits for its effect.
    pub(super) fn altogic(&self) -> Result<Option<Altogic>, ConfigError> {
        let raw = &self.altogic;
        let Some(env_url) = &raw.env_url else {
            let alone = raw.client_key.is_some() || raw.client_key_file.is_some() || raw.plain_http;
            return if alone {
                Err(missing(
                    "altogic.env_url",
                    "the other altogic settings mean nothing without it",
                ))
            } else {
                Ok(None)
            };
        };
        if let Some(setting) = self.meaningless() {
            return Err(ConfigError(format!(
                "{setting} means nothing while altogic.env_url is set: no embedded backend runs. \
                    Take out one of them."
            )));
        }
        let env_url = base_url("altogic.env_url", env_url)?;
        if !raw.plain_http && is_readable_on_the_way(&env_url) {
            return Err(ConfigError(
                "altogic.env_url should be https: passwords and sessions go there. In a network \
                 that nobody else reads, set \
                 altogic.plain_http to true."
                    .to_owned(),
            ));
        }
        Ok(Some(Altogic { env_url, client_key: self.altogic_client_key()? }))
    }

    fn altogic_client_key(&self) -> Result<String, ConfigError> {
        let key = match (&self.altogic.client_key, &self.altogic.client_key_file) {
            (Some(_), Some(_)) => {
                return Err(ConfigError(
                    "Set altogic.client_key or altogic.client_key_file, not both.".to_owned(),
                ));
            }
            (Some(key), None) => key.clone(),
            (None, Some(file)) => fs::read_to_string(file)
                .map_err(|error| broken("altogic.client_key_file", file, error))?,
            (None, None) => {
                return Err(missing("altogic.client_key", "altogic.env_url is set and wants one"));
            }
        };
        let key = key.trim();
        if key.is_empty() || key.len() > 1024 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ConfigError(
                "altogic.client_key: a key is 1 to 1024 printable characters.".to_owned(),
            ));
        }
        Ok(key.to_owned())
    }

    /// A setting of the embedded backend that somebody typed.
    fn meaningless(&self) -> Option<&'static str> {
        let has_keys =
            !matches!(&self.engine.client_keys, OneOrMany::Many(keys) if keys.is_empty());
        [
            ("database.url", self.database.url.is_some()),
            ("files.url", self.files.url.is_some()),
            ("engine.redirect_url", self.engine.redirect_url.is_some()),
            ("engine.client_keys", has_keys),
            (
                "engine.password_hash_memory",
                self.engine.password_hash_memory != HashCost::default().memory,
            ),
            (
                "engine.password_hash_passes",
                self.engine.password_hash_passes != HashCost::default().passes,
            ),
            ("engine.user_fields", !self.engine.user_fields.is_empty()),
            ("mail.smtp_url", self.mail.smtp_url.is_some()),
            ("mail.from", self.mail.from.is_some()),
            ("sms.provider", self.sms.provider != "outbox"),
            ("templates_dir", self.templates_dir.is_some()),
        ]
        .into_iter()
        .find_map(|(setting, is_typed)| is_typed.then_some(setting))
    }
}

/// Plain http to another machine (S87).
fn is_readable_on_the_way(env_url: &str) -> bool {
    let Ok(url) = Url::parse(env_url) else { return true };
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() != "https" && !is_here
}

#[cfg(test)]
mod tests {
    use crate::config::testing::read;

    #[test]
    fn an_environment_and_a_client_key_are_remote_mode() {
        let config = read(&[
            ("ALTOGIC__ENV_URL", " https://c1.example/e:62a1/ "),
            ("ALTOGIC__CLIENT_KEY", "a-key"),
        ]);
        let altogic = config.unwrap().altogic.unwrap();
        assert_eq!(
            (altogic.env_url.as_str(), altogic.client_key.as_str()),
            ("https://c1.example/e:62a1", "a-key")
        );
        assert!(read(&[]).unwrap().altogic.is_none());
    }

    /// S87
    #[test]
    fn plain_http_is_for_this_machine_unless_somebody_says_otherwise() {
        let with = |url| [("ALTOGIC__ENV_URL", url), ("ALTOGIC__CLIENT_KEY", "a-key")];
        for url in [
            "http://localhost:4000",
            "http://127.0.0.1:4000",
            "http://[::1]:4000",
            "https://c1.example",
        ] {
            assert!(read(&with(url)).is_ok(), "{url}");
        }
        for url in ["http://c1.example", "http://10.0.0.1", "http://localhost.example"] {
            assert!(read(&with(url)).unwrap_err().contains("https"), "{url}");
            assert!(
                read(&[&with(url)[..], &[("ALTOGIC__PLAIN_HTTP", "true")]].concat()).is_ok(),
                "{url}"
            );
        }
    }

    #[test]
    fn a_mistake_names_its_setting() {
        let url = ("ALTOGIC__ENV_URL", "https://c1.example");
        let key = ("ALTOGIC__CLIENT_KEY", "a-key");
        for (pairs, named) in [
            (vec![url], "altogic.client_key"),
            (vec![url, key, ("PROVIDERS__GOOGLE__CLIENT_ID", "id")], "providers.*"),
            (vec![key], "altogic.env_url"),
            (vec![url, ("ALTOGIC__CLIENT_KEY", "a key")], "altogic.client_key"),
            (vec![url, key, ("ALTOGIC__CLIENT_KEY_FILE", "/x")], "altogic.client_key_file"),
            (vec![url, ("ALTOGIC__CLIENT_KEY_FILE", "/there/is/none")], "altogic.client_key_file"),
            (vec![("ALTOGIC__ENV_URL", "c1.example"), key], "altogic.env_url"),
            (vec![url, key, ("DATABASE__URL", "sqlite:a.db")], "database.url"),
            (vec![url, key, ("ENGINE__CLIENT_KEYS", "a-client-key")], "engine.client_keys"),
            (vec![url, key, ("MAIL__FROM", "a@example.com")], "mail.from"),
        ] {
            let error = read(&pairs).unwrap_err();
            assert!(error.contains(named), "{pairs:?}: {error}");
        }
    }
}
