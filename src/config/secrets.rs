//! The keys: read from where they are set, or made once at first start.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::{
    ConfigError, broken,
    lists::{OneOrMany, many},
    raw::RawClientKey,
    web_url,
};
use crate::{
    engine::{SecretKey, Weakness},
    port::Random,
    rest::ClientKey,
};

/// The file in `data_dir` with the client key that was made where none is set.
pub(crate) const MADE_CLIENT_KEY: &str = "client_key";

/// The secret keys, the first one first.
pub(super) fn secret_keys(
    raw: Option<OneOrMany<String>>,
    file: Option<PathBuf>,
    data_dir: &Path,
    random: &dyn Random,
) -> Result<Vec<SecretKey>, ConfigError> {
    let (setting, texts) = match (raw, file) {
        (Some(_), Some(_)) => {
            return Err(ConfigError("Set secret_key or secret_key_file, not both.".to_owned()));
        }
        (Some(raw), None) => ("secret_key", listed(raw)),
        (None, file) => {
            let made = data_dir.join("secret_key");
            let path = file.unwrap_or_else(|| made.clone());
            if path == made {
                make_once(&made, || random_hex(random, 32))
                    .map_err(|error| broken("secret_key_file", &made, error))?;
            }
            (
                "secret_key_file",
                read_secret("secret_key_file", &path)?.lines().map(str::to_owned).collect(),
            )
        }
    };
    let mut keys = Vec::new();
    for text in texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        let bytes = text.as_bytes().to_vec();
        // `vestibule key rotate` takes a weak key after a new one, or nobody could get rid of it;
        // nothing else does.
        let key = if keys.is_empty() { SecretKey::new(bytes) } else { SecretKey::former(bytes) };
        keys.push(key.map_err(|weakness| weak(setting, weakness))?);
    }
    if keys.is_empty() {
        return Err(weak(setting, Weakness::Length));
    }
    Ok(keys)
}

fn weak(setting: &str, weakness: Weakness) -> ConfigError {
    ConfigError(format!(
        "{setting}: a key {weakness}; make one with `openssl rand -hex 32`. Where the database was \
         used with the present key \
         already, put the new one first and keep that one after it."
    ))
}

/// A list, or one text with commas between keys: not where a part is too short to be one, for a key
/// may have a comma in it.
fn listed(raw: OneOrMany<String>) -> Vec<String> {
    match raw {
        OneOrMany::One(text) if text.split(',').all(|part| part.trim().len() >= 32) => {
            text.split(',').map(str::to_owned).collect()
        }
        raw => many(raw),
    }
}

/// Refuses a weak key wherever it stands.
///
/// # Errors
/// Which one it is.
pub(super) fn require_strong(keys: &[SecretKey]) -> Result<(), ConfigError> {
    let found = keys.iter().zip(1..).find_map(|(key, location)| Some((key.weakness()?, location)));
    let Some((weakness, location)) = found else { return Ok(()) };
    Err(ConfigError(format!(
        "secret_key (or the file that secret_key_file names): a key {weakness}, and number \
         {location} of the list does not hold to \
         that. Run `vestibule key rotate`, so that nothing needs it any more, and take it out."
    )))
}

/// The client keys with the origins that may use them.
pub(super) fn client_keys(
    raw: OneOrMany<RawClientKey>,
    data_dir: &Path,
    random: &dyn Random,
) -> Result<Vec<ClientKey>, ConfigError> {
    let raw = match raw {
        OneOrMany::One(RawClientKey::Key(list)) => {
            list.split(',').map(|key| RawClientKey::Key(key.to_owned())).collect()
        }
        raw => many(raw),
    };
    let mut keys = raw.into_iter().map(client_key).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        let made = data_dir.join(MADE_CLIENT_KEY);
        make_once(&made, || random_hex(random, 16))
            .map_err(|error| broken("engine.client_keys", &made, error))?;
        let key = read_secret("engine.client_keys", &made)?.trim().to_owned();
        keys.push(ClientKey {
            key,
            origins: Vec::new(),
            redirect_url: None,
            enforce_session: false,
        });
    }
    Ok(keys)
}

fn client_key(raw: RawClientKey) -> Result<ClientKey, ConfigError> {
    let (key, origins, redirect_url, enforce_session) = match raw {
        RawClientKey::Key(key) => (key, Vec::new(), None, false),
        RawClientKey::Table(table) => {
            (table.key, table.origins, table.redirect_url, table.enforce_session)
        }
    };
    let key = key.trim();
    if key.len() < 8 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConfigError(
            "engine.client_keys: a key has at least 8 printable characters.".to_owned(),
        ));
    }
    let origins = origins.iter().map(|origin| origin.parse()).collect::<Result<_, _>>();
    let origins =
        origins.map_err(|error| ConfigError(format!("engine.client_keys.origins: {error}.")))?;
    if let Some(own) = &redirect_url {
        web_url("engine.client_keys.redirect_url", own)?;
    }
    Ok(ClientKey { key: key.to_owned(), origins, redirect_url, enforce_session })
}

fn random_hex(random: &dyn Random, bytes: usize) -> String {
    let mut secret = vec![0; bytes];
    random.fill(&mut secret);
    secret.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a secret where there is none. The folder is locked meanwhile: of two first starts at once,
/// one makes it and the other reads the same (R08).
fn make_once(path: &Path, secret: impl FnOnce() -> String) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let folder = fs::File::open(path.parent().unwrap_or(Path::new(".")))?;
    match folder.lock() {
        // A file system without locks is no reason not to start; only the race stays open there.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
        _ => {}
    }
    if path.exists() {
        return Ok(());
    }
    write_secret(path, &secret())?;
    // The name too survives a power cut: the database may be on another disk, and holds what this
    // secret sealed (R02).
    folder.sync_all()
}

/// Written whole and then renamed, so that a crash leaves no half key behind.
fn write_secret(path: &Path, secret: &str) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    fs::rename(unfinished, path)
}

/// A secret out of a file that nobody else can read.
pub(super) fn read_secret(setting: &str, path: &Path) -> Result<String, ConfigError> {
    let about = fs::metadata(path).map_err(|error| broken(setting, path, error))?;
    if about.permissions().mode() & 0o077 != 0 {
        return Err(ConfigError(format!(
            "{} can be read by others than its owner. Run: chmod 600 {}",
            path.display(),
            path.display()
        )));
    }
    fs::read_to_string(path).map_err(|error| broken(setting, path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(raw: &str) -> Result<ClientKey, ConfigError> {
        let source = config::File::from_str(raw, config::FileFormat::Toml);
        let raw = config::Config::builder().add_source(source).build().unwrap();
        client_key(raw.try_deserialize::<RawClientKey>().unwrap())
    }

    #[test]
    fn a_client_key_has_pages_a_redirect_url_and_rules_of_its_own() {
        let key = table(
            r#"
            key = "the-shop-key"
            origins = ["https://*.shop.example", "https://Shop.example/"]
            redirect_url = "https://shop.example/back"
            enforce_session = true
            "#,
        )
        .unwrap();
        let origins: Vec<_> = key.origins.iter().map(ToString::to_string).collect();
        assert_eq!(origins, ["https://*.shop.example", "https://shop.example"]);
        assert_eq!(
            (key.redirect_url.as_deref(), key.enforce_session),
            (Some("https://shop.example/back"), true)
        );
        let plain = table(r#"key = "the-shop-key""#).unwrap();
        assert!(plain.origins.is_empty() && plain.redirect_url.is_none() && !plain.enforce_session);
    }

    #[test]
    fn a_mistake_in_a_client_key_names_what_is_wrong() {
        for (raw, named) in [
            (r#"key = "short""#, "engine.client_keys:"),
            ("key = \"the-shop-key\"\norigins = [\"*\"]", "engine.client_keys.origins"),
            ("key = \"the-shop-key\"\nredirect_url = \"/back\"", "engine.client_keys.redirect_url"),
        ] {
            let error = table(raw).unwrap_err().to_string();
            assert!(error.contains(named) && error.ends_with('.'), "{error}");
        }
    }
}
