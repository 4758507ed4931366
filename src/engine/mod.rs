//! The embedded backend: accounts, sessions and emailed links in a database, behind the port.
//!
//! Each operation of the port is one verb in `operations/`, one transaction a function; both
//! channels call the same verb. An operation that writes runs as a task of its own, so that
//! somebody who hangs up cannot cancel it half way (R03).

mod audit;
mod auth_manager;
mod clock;
mod codes;
mod files;
pub mod keys;
mod limits;
mod links;
mod operations;
pub mod outbox;
pub mod passwords;
mod phones;
pub mod providers;
mod random;
mod rules;
mod sessions;
mod settings;
mod stats;
mod storage;
pub mod store;
mod two_factor;
pub mod user_agent;
pub mod users;

#[cfg(test)]
mod tests;

use std::{sync::Arc, thread, time::Duration};

use jiff::Timestamp;

pub use clock::SystemClock;
pub use keys::secret_key::{SecretKey, Weakness};
pub use operations::RedirectTarget;
pub use random::SystemRandom;
pub use settings::{EngineSettings, MessageSettings, SmsCountries};
pub use stats::{OutboxState, Stats};

use self::{
    codes::Codes,
    files::FileLocations,
    keys::{Keys, data_keys::KeyError},
    limits::Limits,
    links::Links,
    outbox::{Outbox, TemplateError},
    passwords::hashing::{Hasher, HasherError},
    providers::Providers,
    sessions::{Sessions, devices::Devices},
    stats::SignIns,
    store::Store,
    two_factor::{
        authenticators::Authenticators, challenges::Challenges, recovery_codes::Recovery,
    },
};
use crate::{
    port::{Answer, Capabilities, Clock, Failure, Phone, Random},
    server::work_pool::WorkPool,
};

/// How long closing the database may take.
const CLOSING: Duration = Duration::from_secs(5);

/// Passwords that may wait for each thread that hashes: about two seconds' worth (S14).
const QUEUE_PER_THREAD: usize = 64;

/// Phone numbers that may wait to be read: a quarter of a second's worth at most.
const PHONES_WAITING: usize = 64;

/// Searches that may wait, each with up to a thousand rows.
const SEARCHES_WAITING: usize = 16;

/// The embedded backend. Cloning is cheap; all clones are one.
#[derive(Clone)]
pub struct Engine(Arc<EngineParts>);

struct EngineParts {
    settings: EngineSettings,
    redirect_url: url::Url,
    capabilities: Capabilities,
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    hasher: Hasher,
    phone_pool: WorkPool,
    search_pool: WorkPool,
    outbox: Outbox,
    files: FileLocations,
    sessions: Sessions,
    links: Links,
    codes: Codes,
    challenges: Challenges,
    authenticators: Authenticators,
    recovery: Recovery,
    devices: Devices,
    providers: Providers,
    keys: Keys,
    limits: Limits,
    sign_ins: SignIns,
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error("the redirect URL must be absolute, http or https: {0}")]
    RedirectUrl(String),
    #[error("the public URL must be absolute, http or https, without a query: {0}")]
    PublicUrl(String),
    #[error("a template has a mistake: {0}")]
    Template(#[from] TemplateError),
    #[error("no client for the providers can be made")]
    Providers(#[from] reqwest::Error),
    #[error(transparent)]
    Hasher(#[from] HasherError),
    #[error("the system gives no threads")]
    Threads(#[from] std::io::Error),
}

impl Engine {
    /// Starts the backend on a database that is open.
    ///
    /// # Errors
    /// When a setting cannot be, no secret key opens the database, or the system gives no threads.
    pub async fn open(
        mut settings: EngineSettings,
        store: Store,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, EngineError> {
        settings.public_url.truncate(settings.public_url.trim_end_matches('/').len());
        web_url(&settings.public_url)
            .filter(|url| url.query().is_none() && url.fragment().is_none())
            .ok_or_else(|| EngineError::PublicUrl(settings.public_url.clone()))?;
        let redirect_url = web_url(&settings.redirect_url)
            .ok_or_else(|| EngineError::RedirectUrl(settings.redirect_url.clone()))?;
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let hasher = Hasher::new(threads, threads * QUEUE_PER_THREAD, settings.password_cost)?;
        let phone_pool = WorkPool::start("phones", PHONES_WAITING)?;
        if settings.phone_sign_up || settings.sign_in_codes {
            phone_pool.prepare(Phone::load_plans);
        }
        let search_pool = WorkPool::start("searches", SEARCHES_WAITING)?;
        let keys =
            &keys::data_keys::open(&store, &settings.secret_keys, &*random, clock.now()).await?;
        let (name, url) = (&settings.product_name, &settings.public_url);
        let templates = settings.messages.templates_dir.as_deref();
        let providers = Providers::new(&settings.providers, url, keys)?;
        let outbox =
            Outbox::new(keys, name, url, templates, Arc::clone(&clock), Arc::clone(&random))?;
        Ok(Self(Arc::new(EngineParts {
            capabilities: Capabilities {
                confirm_email: settings.confirm_email,
                confirm_phone: settings.confirm_phone,
                phone_sign_up: settings.phone_sign_up,
                sign_in_codes: settings.sign_in_codes,
                password_min: settings.password_min,
                authenticators: true,
                link_minutes: links::LINK_MINUTES,
                code_minutes: codes::MINUTES,
                sms_countries: settings.messages.sms_countries.listed().map(<[String]>::to_vec),
                email_codes: true,
                providers: providers.capabilities(),
            },
            sessions: Sessions::new(keys, store.is_shared()),
            links: Links::new(keys),
            codes: Codes::new(keys),
            challenges: Challenges::new(keys),
            authenticators: Authenticators::new(keys),
            recovery: Recovery::new(keys),
            devices: Devices::new(keys),
            providers,
            keys: Keys::new(keys),
            sign_ins: SignIns::default(),
            limits: Limits::new(settings.limits_factor, settings.application_servers.clone()),
            outbox,
            files: FileLocations::new(settings.files_dir.clone(), &settings.public_url),
            redirect_url,
            hasher,
            phone_pool,
            search_pool,
            store,
            clock,
            random,
            settings,
        })))
    }

    /// The thread of the searches.
    fn search_pool(&self) -> &WorkPool {
        &self.0.search_pool
    }

    /// The link in an email was followed: says where the browser goes (altogic-protocol.md §10).
    /// Changes nothing, so it may be asked any number of times. A link that is no good goes to the
    /// redirect URL too, with `status=400`.
    pub fn open_email_link(&self, key: String, action: String) -> Answer<RedirectTarget> {
        let engine = self.clone();
        Box::pin(async move { operations::open_email_link(&engine, &key, &action, false).await })
    }

    /// As [`open_email_link`](Self::open_email_link), for a browser: where the password of the
    /// account may be a visitor's, it is sent to a page of ours first, and from there to the
    /// application.
    pub fn open_email_link_in_browser(
        &self,
        key: String,
        action: String,
    ) -> Answer<RedirectTarget> {
        let engine = self.clone();
        Box::pin(async move { operations::open_email_link(&engine, &key, &action, true).await })
    }

    /// Deletes what time has made worthless: ended sessions, links that are over or spent, and
    /// accounts that waited a week for the proof of their address. To be called now and then; what
    /// goes wrong is logged here and tried again next time.
    pub async fn sweep(&self) {
        if let Err(error) = operations::sweep(self).await {
            tracing::error!(error = %Failure::from(error), "could not sweep away what has run out");
        }
    }

    /// Closes the database, once nobody asks any more. SQLite then puts what is in its write-ahead
    /// log into the file, so that the file alone is the whole database.
    pub async fn close(&self) {
        if tokio::time::timeout(CLOSING, self.store().close()).await.is_err() {
            tracing::warn!("the database was not closed in time; nothing is lost by that");
        }
    }

    /// Where the email waits, for the one who delivers it.
    pub fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn settings(&self) -> &EngineSettings {
        &self.0.settings
    }

    fn store(&self) -> &Store {
        &self.0.store
    }

    fn random(&self) -> &dyn Random {
        &*self.0.random
    }

    fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    fn links(&self) -> &Links {
        &self.0.links
    }

    fn codes(&self) -> &Codes {
        &self.0.codes
    }

    fn challenges(&self) -> &Challenges {
        &self.0.challenges
    }

    fn authenticators(&self) -> &Authenticators {
        &self.0.authenticators
    }

    fn recovery(&self) -> &Recovery {
        &self.0.recovery
    }

    fn devices(&self) -> &Devices {
        &self.0.devices
    }

    fn providers(&self) -> &Providers {
        &self.0.providers
    }

    fn keys(&self) -> &Keys {
        &self.0.keys
    }

    fn files(&self) -> &FileLocations {
        &self.0.files
    }

    fn limits(&self) -> &Limits {
        &self.0.limits
    }
}

fn web_url(text: &str) -> Option<url::Url> {
    url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}
