//! `vestibule key`: keys made, shown and removed, also while a server runs, which notices within
//! seconds.
//!
//! What a program wants to read goes to standard output, what a person wants to know to standard
//! error: `KEY=$(vestibule key add --client --label shop)` works.

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use url::Url;

use super::needs_database;
use crate::{
    app::block_on,
    config::{Config, MADE_CLIENT_KEY},
    engine::{
        SystemClock, SystemRandom,
        keys::{
            ApiKeys, ClientKeys, NewClientKey,
            data_keys::{self, KeyState, Rotation},
        },
        store::{Store, StoreError},
    },
    port::{Clock as _, Failure},
    rest::OriginRule,
    telemetry::{hint, say},
};

/// The longest label, in characters.
const LABEL_MAX: usize = 100;

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key and print it.
    Add(Add),
    /// Show the keys there are.
    List,
    /// Seal anew what older secret keys sealed, and retire those that are not set any more.
    Rotate,
    /// Remove a client key, or an API key by its id or by itself.
    Remove {
        /// A client key, an API key, or an API key's id.
        key: String,
    },
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("kind").required(true))]
pub(super) struct Add {
    /// A client key: the public name of an application.
    #[arg(long, group = "kind")]
    client: bool,
    /// An API key: a secret with power over everybody's account, for the operator's own programs.
    #[arg(long, group = "kind")]
    api: bool,
    /// Label to recognise the key by.
    #[arg(long, value_name = "TEXT")]
    label: String,
    /// An origin of the application's pages: https://app.example.com, https://*.example.com,
    /// http://localhost:*.
    #[arg(long = "origin", value_name = "URL", conflicts_with = "api")]
    origins: Vec<OriginRule>,
    /// Where links in emails that the application causes send the browser.
    #[arg(long, value_name = "URL", conflicts_with = "api")]
    redirect_url: Option<String>,
    /// Refuse the application's calls without a session, but those of the auth manager.
    #[arg(long, conflicts_with = "api")]
    enforce_session: bool,
    /// After how many days an API key loses its power.
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "client",
        value_parser = clap::value_parser!(u16).range(1..=3650)
    )]
    expires_in_days: Option<u16>,
}

pub(super) fn run(config: &Config, command: KeyCommand) -> Result<(), String> {
    needs_database("key", config)?;
    block_on(async {
        let store = Store::open(config.database_url.expose_secret()).await.map_err(|error| {
            format!("database.url: the database cannot be opened: {}.", Failure::from(error))
        })?;
        let done = match command {
            KeyCommand::Add(new) => add(config, &store, new).await,
            KeyCommand::List => list(config, &store).await.map_err(sentence),
            KeyCommand::Rotate => rotate(config, &store).await,
            KeyCommand::Remove { key } => remove(config, &store, key.trim()).await,
        };
        store.close().await;
        done
    })
}

async fn add(config: &Config, store: &Store, new: Add) -> Result<(), String> {
    let label = new.label.trim();
    if label.is_empty() || label.chars().count() > LABEL_MAX || label.chars().any(char::is_control)
    {
        return Err(format!(
            "--label: 1 to {LABEL_MAX} characters on one line say what the key is for."
        ));
    }
    let now = SystemClock.now();
    if new.api {
        let life = new.expires_in_days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
        let keys = api_keys(config, store).await?;
        let key = keys
            .add(store, label, life.map(|life| now + life), &SystemRandom, now)
            .await
            .map_err(sentence)?;
        say!("{key}");
        hint!(
            "Keep it now: it is not shown again. It has power over every account; never put it \
                into a page."
        );
        return Ok(());
    }
    let redirect_url = new.redirect_url.as_deref().map(redirect_url).transpose()?;
    let new = NewClientKey {
        label: label.to_owned(),
        origins: new.origins.iter().map(OriginRule::to_string).collect(),
        redirect_url,
        enforce_session: new.enforce_session,
    };
    say!("{}", ClientKeys::add(store, new, &SystemRandom, now).await.map_err(sentence)?);
    hint!("A running server takes it within a few seconds, with envUrl {}.", config.public_url);
    Ok(())
}

async fn list(config: &Config, store: &Store) -> Result<(), StoreError> {
    let made = config.data_dir.join(MADE_CLIENT_KEY);
    let made_key = std::fs::read_to_string(&made).unwrap_or_default();
    for key in &config.client_keys {
        let source = if key.key == made_key.trim() {
            made.display().to_string()
        } else {
            "the settings".to_owned()
        };
        say!("client  {}  from {source}", key.key);
        let origins: Vec<_> = key.origins.iter().map(OriginRule::to_string).collect();
        describe(&origins, key.redirect_url.as_deref(), key.enforce_session);
    }
    for key in ClientKeys::list(store).await? {
        say!("client  {}  from the database, {}: {}", key.key, day(key.created_at), key.label);
        describe(&key.origins, key.redirect_url.as_deref(), key.enforce_session);
    }
    let now = SystemClock.now();
    for key in ApiKeys::list(store).await? {
        let end = match key.expires_at {
            Some(end) if end <= now => format!(", expired {}", day(end)),
            Some(end) => format!(", until {}", day(end)),
            None => String::new(),
        };
        say!(
            "api     id {}  from the database, {}{end}: {}",
            key.id,
            day(key.created_at),
            key.label
        );
    }
    Ok(())
}

async fn remove(config: &Config, store: &Store, key: &str) -> Result<(), String> {
    if config.client_keys.iter().any(|known| known.key == key) {
        return Err(format!(
            "That key is not in the database: take it out of engine.client_keys, or delete {} \
                where it was made.",
            config.data_dir.join(MADE_CLIENT_KEY).display()
        ));
    }
    let removed = ClientKeys::remove(store, key).await.map_err(sentence)?
        || api_keys(config, store).await?.remove(store, key).await.map_err(sentence)?;
    if !removed {
        return Err(
            "There is no such key. `vestibule key list` shows the keys there are.".to_owned()
        );
    }
    hint!("It is removed. A running server refuses it within a few seconds.");
    Ok(())
}

/// The API keys, digested with the data keys of the database.
async fn api_keys(config: &Config, store: &Store) -> Result<ApiKeys, String> {
    let opened =
        data_keys::open(store, &config.secret_keys, &SystemRandom, SystemClock.now()).await;
    Ok(ApiKeys::new(&opened.map_err(|error| format!("{error}."))?))
}

async fn rotate(config: &Config, store: &Store) -> Result<(), String> {
    let done =
        data_keys::rotate(store, &config.secret_keys, &SystemRandom, SystemClock.now()).await;
    let Rotation { authenticators, messages, provider_sessions, retired, state } =
        done.map_err(|error| format!("{error}."))?;
    say!(
        "Sealed anew: {authenticators} keys of authenticator apps, {messages} messages, \
            {provider_sessions} sign-ins with providers."
    );
    for fingerprint in retired {
        say!(
            "The key {fingerprint} is not set any more and is retired: it opens the database no \
                more."
        );
    }
    if let KeyState::Fits { older, from, .. } = state {
        let is_weak = |fingerprint: &str| {
            config
                .secret_keys
                .iter()
                .any(|key| key.weakness().is_some() && key.fingerprint() == fingerprint)
        };
        for fingerprint in older {
            if is_weak(&fingerprint) {
                say!(
                    "The key {fingerprint} is weak. Nothing that is stored needs it: take it out \
                        before the next start."
                );
            } else {
                say!("The key {fingerprint} may go: {}", may_go(from));
            }
        }
    }
    Ok(())
}

/// When a key that has been replaced can be taken out of the settings.
pub(super) fn may_go(from: Timestamp) -> String {
    format!(
        "once every server has started with the new one before it. Nothing that is stored needs \
         it. From {} on nobody has to \
         sign in again for it; earlier, only people who have not been here since",
        day(from)
    )
}

/// Describes the limits of a client key.
fn describe(origins: &[String], redirect_url: Option<&str>, enforce_session: bool) {
    if !origins.is_empty() {
        say!("        origins {}", origins.join(" "));
    }
    if let Some(url) = redirect_url {
        say!("        redirect URL {url}");
    }
    if enforce_session {
        say!("        enforces a session");
    }
}

fn redirect_url(raw: &str) -> Result<String, String> {
    let url = Url::parse(raw)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.username().is_empty());
    url.map(String::from).ok_or_else(|| {
        format!("--redirect-url: {raw:?} is no http or https URL without a user name.")
    })
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

fn sentence(error: StoreError) -> String {
    format!("database.url: the database does not answer: {error}.")
}
