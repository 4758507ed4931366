//! The settings of sign-in with a provider: one table for each, named `providers.<name>`.

use std::{collections::BTreeMap, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{
    ConfigError,
    lists::{OneOrMany, many},
    missing,
    secrets::read_secret,
    trimmed, web_url, wrong,
};
use crate::engine::providers::{AppleKey, ProviderKind, ProviderSettings, is_loopback};

/// As it was typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProvider {
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    client_secret_file: Option<PathBuf>,
    issuer: Option<String>,
    scopes: Option<OneOrMany<String>>,
    label: Option<String>,
    /// These three of Apple alone: it wants a secret that is made anew from a key.
    team_id: Option<String>,
    key_id: Option<String>,
    private_key_file: Option<PathBuf>,
}

/// The providers, in the order of their names.
pub(super) fn providers(
    raw: BTreeMap<String, RawProvider>,
) -> Result<Vec<ProviderSettings>, ConfigError> {
    let providers = raw.into_iter().map(|(name, raw)| raw.check(name));
    let providers: Vec<ProviderSettings> = providers.collect::<Result<_, _>>()?;
    if providers.iter().filter(|provider| provider.kind == ProviderKind::X).count() > 1 {
        return Err(ConfigError(
            "providers.x and providers.twitter are the same provider: set one of them.".to_owned(),
        ));
    }
    Ok(providers)
}

impl RawProvider {
    fn check(self, name: String) -> Result<ProviderSettings, ConfigError> {
        let setting = |key: &str| format!("providers.{name}.{key}");
        let is_name = |name: &str| {
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        if name.is_empty() || name.len() > 32 || !is_name(&name) {
            return Err(wrong(
                "providers",
                "a table for each provider, named in a-z, 0-9 and dashes",
                &name,
            ));
        }
        let kind = ProviderKind::named(&name)
            .or(self.issuer.as_ref().map(|_| ProviderKind::Oidc))
            .ok_or_else(|| {
                missing(
                    &setting("issuer"),
                    "this is none of google, facebook, x, github, discord and apple, so say which \
                    OpenID Connect server it is",
                )
            })?;
        let issuer =
            self.issuer.as_deref().map(|raw| issuer(&setting("issuer"), raw)).transpose()?;
        let client_id = self.client_id.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
        let client_id = client_id.ok_or_else(|| {
            missing(
                &setting("client_id"),
                "the provider gives one when the application is registered there",
            )
        })?;
        let apple = match kind {
            ProviderKind::Apple => {
                Some(apple_key(&name, self.team_id, self.key_id, self.private_key_file)?)
            }
            _ if self.team_id.is_some()
                || self.key_id.is_some()
                || self.private_key_file.is_some() =>
            {
                return Err(ConfigError(format!(
                    "providers.{name}: team_id, key_id and private_key_file are Apple's alone."
                )));
            }
            _ => None,
        };
        let client_secret = match (self.client_secret, self.client_secret_file) {
            (Some(_), Some(_)) => {
                return Err(ConfigError(format!(
                    "Set providers.{name}.client_secret or client_secret_file, not both."
                )));
            }
            (Some(secret), None) => Some(secret),
            (None, Some(file)) => Some(SecretString::from(
                read_secret(&setting("client_secret_file"), &file)?.trim().to_owned(),
            )),
            (None, None) => None,
        };
        let client_secret =
            client_secret.filter(|secret| !secret.expose_secret().trim().is_empty());
        if client_secret.is_none() && kind.needs_secret() {
            return Err(missing(
                &setting("client_secret"),
                "the provider gives one beside the client_id",
            ));
        }
        let label = match &self.label {
            Some(label) => trimmed(&setting("label"), label, 40)?,
            None => kind.label().map_or_else(|| capitalized(&name), str::to_owned),
        };
        let scopes = self.scopes.map(words).filter(|scopes| !scopes.is_empty());
        let scopes = scopes
            .unwrap_or_else(|| kind.scopes().iter().map(|scope| (*scope).to_owned()).collect());
        Ok(ProviderSettings { name, kind, label, client_id, client_secret, apple, issuer, scopes })
    }
}

/// `https`, since passwords of a whole organisation stand behind it; plain `http` only to this
/// machine, where a developer tries it.
fn issuer(setting: &str, raw: &str) -> Result<String, ConfigError> {
    let url = web_url(setting, raw)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(setting, "a URL without ? and #", raw));
    }
    if url.scheme() != "https" && !is_loopback(&url) {
        return Err(wrong(setting, "an https URL", raw));
    }
    // As it was typed: an issuer is compared letter by letter (OpenID Connect Discovery 1.0 §4.3),
    // a slash at its end included.
    Ok(raw.to_owned())
}

fn apple_key(
    name: &str,
    team_id: Option<String>,
    key_id: Option<String>,
    file: Option<PathBuf>,
) -> Result<AppleKey, ConfigError> {
    let setting = |key: &str| format!("providers.{name}.{key}");
    let team_id = team_id.ok_or_else(|| {
        missing(&setting("team_id"), "ten letters and digits, on Apple's membership page")
    })?;
    let key_id =
        key_id.ok_or_else(|| missing(&setting("key_id"), "Apple shows it beside the key"))?;
    let file = file.ok_or_else(|| {
        missing(&setting("private_key_file"), "the .p8 file that Apple gave once")
    })?;
    let pem = read_secret(&setting("private_key_file"), &file)?;
    AppleKey::read(team_id, key_id, &pem).ok_or_else(|| {
        ConfigError(format!(
            "{}: {} holds no private key of Apple's.",
            setting("private_key_file"),
            file.display()
        ))
    })
}

/// A list, or one text with blanks or commas.
fn words(raw: OneOrMany<String>) -> Vec<String> {
    let texts = many(raw);
    let words =
        texts.iter().flat_map(|text| text.split([' ', ','])).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Result<Vec<ProviderSettings>, String> {
        let source = config::File::from_str(raw, config::FileFormat::Toml);
        let raw = config::Config::builder().add_source(source).build().unwrap();
        let raw: BTreeMap<String, RawProvider> =
            raw.try_deserialize().map_err(|error| error.to_string())?;
        providers(raw).map_err(|error| error.to_string())
    }

    #[test]
    fn a_known_provider_needs_its_id_and_secret_and_nothing_else() {
        let providers = read("[google]\nclient_id = 'id'\nclient_secret = 'secret'").unwrap();
        let google = &providers[0];
        assert_eq!(
            (google.kind, google.label.as_str(), google.issuer.as_deref()),
            (ProviderKind::Google, "Google", None)
        );
        assert_eq!(google.scopes, ["openid", "email", "profile"]);
        assert!(!format!("{google:?}").contains("secret\""), "{google:?}");
    }

    #[test]
    fn any_openid_connect_server_has_a_name_of_the_operators() {
        let providers = read(
            "[our-login]\nclient_id = 'id'\nclient_secret = 's'\nissuer = \
             'https://login.example.com/realms/a/'\n\
             scopes = 'openid email'\nlabel = 'Example'",
        );
        let own = &providers.unwrap()[0];
        assert_eq!((own.kind, own.label.as_str()), (ProviderKind::Oidc, "Example"));
        assert_eq!(
            own.issuer.as_deref(),
            Some("https://login.example.com/realms/a/"),
            "as it was typed"
        );
        assert_eq!(own.scopes, ["openid", "email"]);
    }

    #[test]
    fn a_mistake_names_its_setting() {
        for (raw, named) in [
            ("[myspace]\nclient_id = 'id'\nclient_secret = 's'", "providers.myspace.issuer"),
            ("[google]\nclient_secret = 's'", "providers.google.client_id"),
            ("[google]\nclient_id = 'id'", "providers.google.client_secret"),
            (
                "[google]\nclient_id = 'id'\nclient_secret = 's'\nclient_secret_file = 'f'",
                "client_secret_file",
            ),
            ("[google]\nclient_id = 'id'\nclient_secret = ' '", "providers.google.client_secret"),
            (
                "[google]\nclient_id = 'id'\nclient_secret_file = '/there/is/none'",
                "providers.google.client_secret_file",
            ),
            ("[google]\nclient_id = 'id'\nclient_secrt = 's'", "client_secrt"),
            (
                "[own]\nclient_id = 'id'\nissuer = 'http://login.example.com'",
                "providers.own.issuer",
            ),
            (
                "[own]\nclient_id = 'id'\nissuer = 'https://login.example.com/?a=b'",
                "providers.own.issuer",
            ),
            ("[own]\nclient_id = 'id'\nissuer = 'login.example.com'", "providers.own.issuer"),
            (
                "[google]\nclient_id = 'id'\nclient_secret = 's'\nissuer = 'http://example.com'",
                "providers.google.issuer",
            ),
            ("[google]\nclient_id = 'id'\nclient_secret = 's'\nteam_id = 't'", "team_id"),
            ("[apple]\nclient_id = 'id'", "providers.apple.team_id"),
            ("[apple]\nclient_id = 'id'\nteam_id = 't'", "providers.apple.key_id"),
            (
                "[apple]\nclient_id = 'id'\nteam_id = 't'\nkey_id = 'k'",
                "providers.apple.private_key_file",
            ),
            (
                "[apple]\nclient_id = 'id'\nteam_id = 't'\nkey_id = 'k'\nprivate_key_file = \
                    '/there/is/none'",
                "providers.apple.private_key_file",
            ),
            ("[Google]\nclient_id = 'id'\nclient_secret = 's'", "a-z"),
            (
                "[x]\nclient_id = 'a'\nclient_secret = 's'\n[twitter]\nclient_id = \
                    'a'\nclient_secret = 's'",
                "providers.twitter",
            ),
        ] {
            let sentence = read(raw).expect_err(raw);
            assert!(sentence.contains(named), "{raw}: {sentence}");
        }
    }

    #[test]
    fn a_file_that_holds_no_key_of_apples_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "-----BEGIN PRIVATE KEY-----\nbm8ga2V5\n-----END PRIVATE KEY-----\n")
            .unwrap();
        let file = file.path().display();
        let sentence = read(&format!(
            "[apple]\nclient_id = 'id'\nteam_id = 't'\nkey_id = 'k'\nprivate_key_file = '{file}'"
        ));
        let sentence = sentence.unwrap_err();
        assert!(
            sentence.contains("providers.apple.private_key_file") && !sentence.contains("bm8ga2V5"),
            "{sentence}"
        );
    }

    /// S28: one for each provider, below the path of the server.
    #[test]
    fn each_provider_has_a_callback_url_of_its_own() {
        let providers = read(
            "[x]\nclient_id = 'a'\n[our-login]\nclient_id = 'a'\nissuer = 'https://l.example'",
        )
        .unwrap();
        let urls: Vec<_> = providers
            .iter()
            .map(|provider| provider.callback_url("https://example.com/hall"))
            .collect();
        assert_eq!(
            urls,
            [
                "https://example.com/hall/_auth/our-login/callback",
                "https://example.com/hall/_auth/x/callback"
            ]
        );
    }
}
