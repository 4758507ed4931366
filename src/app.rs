//! The composition root: store, outbox, engine and channels put together, as a server or inside
//! somebody's application.

use std::{
    collections::BTreeSet,
    fs,
    future::Future,
    io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServerHandle, ServiceRequest, ServiceResponse},
    guard::{GuardContext, fn_guard},
    http::{StatusCode, header::CACHE_CONTROL},
    middleware::{Next, from_fn},
    web::{self, ServiceConfig},
};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::sync::watch;

use crate::{
    config::{Config, Listen},
    engine::{
        Engine, EngineError, OutboxState, SmsCountries, Stats, SystemClock, SystemRandom,
        outbox::{DeliveryWorker, OutboxFolder, SmsTransport, Transport},
        store::{self, Store},
    },
    http::{
        diagnostics,
        forwarded::TrustedProxies,
        plain_headers, remote_pictures,
        request_log::{self, RequestLog},
    },
    port::{AuthManager, Capabilities, Clock, DevInbox, Failure, Random},
    remote::{self, Remote},
    rest,
    server::{self, signals},
    telemetry::{
        log_throttle::{self, LogDecision},
        metrics::{self, Metrics},
        say,
    },
    web as pages,
};

/// How often what has run out is swept away.
const SWEEP: Duration = Duration::from_secs(10 * 60);

/// How long the links live that an environment emails, as far as our pages say it: the original's
/// default (altogic-protocol.md §4).
const REMOTE_LINK_MINUTES: u32 = 60;

/// The same for the codes that an environment texts, of which the original says nothing.
const REMOTE_CODE_MINUTES: u32 = 10;

/// A whole account system, ready to be served or mounted.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use actix_web::{App, test};
/// use vestibule::{Config, SystemRandom, Vestibule};
///
/// let vestibule = Vestibule::open(Config::load(None, &SystemRandom)?).await?;
/// let app = test::init_service(App::new().configure(vestibule.routes())).await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Vestibule {
    parts: Arc<ServerParts>,
}

struct ServerParts {
    config: Config,
    backend: PageBackend,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    proxies: TrustedProxies,
    /// Kept only where somebody can ask for them.
    metrics: Option<Arc<Metrics>>,
}

/// Backend behind the pages.
enum PageBackend {
    Embedded(Box<Embedded>),
    Remote(Remote),
}

/// The engine and what it needs around it.
struct Embedded {
    engine: Engine,
    delivery_worker: DeliveryWorker,
    dev_inbox: Option<Arc<dyn DevInbox>>,
    /// Held while we live: a second process on the same SQLite file would not see this one's
    /// changes in its cache.
    _lock: Option<fs::File>,
}

/// Why the server could not be opened or served, as a sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

impl Vestibule {
    /// Opens everything the settings name: the database is migrated, the outbox folder made.
    ///
    /// # Errors
    /// When something the settings name cannot be used; the sentence names the setting.
    pub async fn open(config: Config) -> Result<Self, StartError> {
        Self::open_with(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await
    }

    /// As [`open`](Self::open), with time and chance handed in.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with(
        config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        config.require_strong_keys().map_err(|error| StartError(error.to_string()))?;
        let backend = match config.remote_settings() {
            Some(settings) => Remote::new(settings, Arc::clone(&clock))
                .map(PageBackend::Remote)
                .map_err(|error| StartError(format!("altogic.env_url: {error}.")))?,
            None => {
                PageBackend::Embedded(Box::new(Embedded::open(&config, &clock, &random).await?))
            }
        };
        let proxies = TrustedProxies::new(
            config.server.trusted_proxies.clone(),
            config.server.forwarded_header,
        )
        .by_protocol(config.server.proxy_protocol);
        let metrics = config.metrics.map(|_| Arc::default());
        Ok(Self {
            parts: Arc::new(ServerParts { config, backend, clock, random, proxies, metrics }),
        })
    }

    /// Every route of the server, for `App::configure`. Routes that the application registered
    /// before win.
    pub fn routes(&self) -> impl FnOnce(&mut ServiceConfig) + use<> {
        let parts = Arc::clone(&self.parts);
        move |app| {
            app.app_data(parts.proxies.clone());
            app.app_data(IsHttps(parts.config.public_url.starts_with("https://")));
            app.app_data(RequestLog {
                random: Arc::clone(&parts.random),
                metrics: parts.metrics.clone(),
            });
            app.configure(health(Arc::clone(&parts)));
            match &parts.backend {
                PageBackend::Embedded(embedded) => {
                    app.configure(rest::routes(
                        parts.config.rest_settings(),
                        embedded.engine.clone(),
                    ));
                }
                PageBackend::Remote(remote) => {
                    app.configure(remote_pictures::routes(
                        &parts.config.public_url,
                        remote.clone(),
                    ));
                }
            }
            app.configure(pages::routes(parts.page_settings(), parts.auth()));
        }
    }

    /// The operations themselves, for code that wants them without HTTP.
    pub fn auth(&self) -> Arc<dyn AuthManager> {
        self.parts.auth()
    }

    /// Counts the work of the engine since the start; `None` in remote mode.
    pub fn stats(&self) -> Option<Stats> {
        match &self.parts.backend {
            PageBackend::Embedded(embedded) => Some(embedded.engine.stats()),
            PageBackend::Remote(_) => None,
        }
    }

    /// Sends the email that is due now and says how many emails went out. A server does this by
    /// itself; in remote mode the environment does.
    pub async fn deliver(&self) -> usize {
        match &self.parts.backend {
            PageBackend::Embedded(embedded) => embedded.delivery_worker.drain().await,
            PageBackend::Remote(_) => 0,
        }
    }

    /// Sweeps away what has run out. A server does this by itself; in remote mode the environment
    /// does.
    pub async fn sweep(&self) {
        if let PageBackend::Embedded(embedded) = &self.parts.backend {
            embedded.engine.sweep().await;
        }
    }

    /// Listens, delivers email and sweeps until the process is told to stop; then finishes what is
    /// in flight.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn serve(self) -> Result<(), StartError> {
        let config = &self.parts.config;
        let vestibule = self.clone();
        let listening = |error: io::Error| StartError(format!("server.listen: {error}."));
        let sockets = server::open(&config.server).map_err(listening)?;
        let app = move || {
            App::new()
                .wrap(from_fn(plain))
                .wrap(from_fn(request_log::log_requests))
                .configure(vestibule.routes())
        };
        let surroundings = server::Surroundings {
            proxies: &self.parts.proxies,
            error_headers: plain_headers::lines(config.public_url.starts_with("https://")),
        };
        let server =
            server::serve(app, &config.server, sockets, &surroundings).map_err(listening)?;
        let stats = self.serve_metrics()?;
        self.greet();
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        let manager = tokio::spawn(signals::watch());
        if let PageBackend::Embedded(embedded) = &self.parts.backend {
            tasks.push(tokio::spawn(embedded.delivery_worker.clone().run(stopped.clone())));
            tasks.push(tokio::spawn(sweep_until(self.clone(), stopped)));
        }
        let served =
            server.await.map_err(|error| StartError(format!("The server stopped: {error}.")));
        if let Some(stats) = stats {
            stats.stop(false).await;
        }
        // Nobody listens any more when both tasks ended by themselves; then there is nothing to
        // stop.
        let _ = stop.send(true);
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!("a background task did not end well: {error}");
            }
        }
        if let PageBackend::Embedded(embedded) = &self.parts.backend {
            embedded.engine.close().await;
        }
        // Until here a second signal ends the process at once.
        manager.abort();
        served
    }

    /// Serves the metrics where the settings say so.
    fn serve_metrics(&self) -> Result<Option<ServerHandle>, StartError> {
        let (Some(address), Some(metrics)) = (self.parts.config.metrics, &self.parts.metrics)
        else {
            return Ok(None);
        };
        let engine = match &self.parts.backend {
            PageBackend::Embedded(embedded) => Some(embedded.engine.clone()),
            PageBackend::Remote(_) => None,
        };
        let server = metrics::serve(address, Arc::clone(metrics), engine)
            .map_err(|error| StartError(format!("metrics.listen: {error}.")))?;
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Some(handle))
    }

    /// The first lines: where to go, where email went, the client key; in remote mode, which
    /// environment is behind it.
    fn greet(&self) {
        let config = &self.parts.config;
        say!("{} is open at {}", config.name, config.public_url);
        if let Some(altogic) = &config.altogic {
            say!("It stands before the environment at {}", altogic.env_url);
            say!("Set that environment's redirect URL to {}", config.redirect_url);
            return;
        }
        let folder = match self.parts.dev_inbox() {
            Some(_) => format!("the inbox at {}/dev/inbox", config.public_url),
            None => format!("the folder {}", config.data_dir.join("outbox").display()),
        };
        match &config.smtp_url {
            Some(_) => say!("Mail goes out by SMTP from {}", config.mail_from),
            None => say!("Mail goes to {folder}"),
        }
        match &config.sms.provider {
            Some((provider, _)) => say!("SMS goes out through {provider:?}"),
            None => say!("SMS goes to {folder}"),
        }
        if config.serves_no_country() {
            say!("No SMS goes anywhere: sms.provider is set, and sms.countries lists no country");
        }
        for key in &config.client_keys {
            say!("Applications use envUrl {} and clientKey {}", config.public_url, key.key);
        }
    }
}

impl Embedded {
    async fn open(
        config: &Config,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        let lock = lock(config)?;
        let store = Store::open(config.database_url.expose_secret()).await.map_err(|error| {
            StartError(format!(
                "database.url: the database cannot be opened: {}.",
                Failure::from(error)
            ))
        })?;
        let outbox_folder = config.data_dir.join("outbox");
        let transport = transport(config, &outbox_folder)?;
        let sms = sms_transport(config, &outbox_folder)?;
        let dev_inbox = ((transport.is_folder() || sms.is_folder())
            && config.is_for_this_machine())
        .then(|| Arc::new(OutboxFolder::new(outbox_folder)) as Arc<dyn DevInbox>);
        let engine = Engine::open(
            config.engine_settings(),
            store.clone(),
            Arc::clone(clock),
            Arc::clone(random),
        )
        .await
        .map_err(|error| match error {
            EngineError::Keys(error) => StartError(format!("{error}.")),
            error => StartError(format!("The engine cannot be started: {error}.")),
        })?;
        let outbox = engine.outbox().clone();
        let delivery_worker = DeliveryWorker::new(
            store,
            outbox,
            transport,
            sms,
            Arc::clone(clock),
            Arc::clone(random),
        );
        Ok(Self { engine, delivery_worker, dev_inbox, _lock: lock })
    }
}

impl Config {
    /// Whether a provider of SMS is set and no country for it.
    pub(crate) fn serves_no_country(&self) -> bool {
        matches!(&self.sms.countries, SmsCountries::Only(countries) if countries.is_empty())
    }

    /// Whether only somebody at this machine can reach the pages: the listener is on loopback, and
    /// so is the URL that people use, so that no proxy stands in front. The inbox shows every email
    /// to whoever asks.
    fn is_for_this_machine(&self) -> bool {
        let listens_here =
            matches!(&self.server.listen, Listen::Tcp(address) if address.ip().is_loopback());
        let is_direct = self.server.trusted_proxies.is_empty() && !self.server.proxy_protocol;
        listens_here && is_direct && self.is_named_here()
    }

    /// Whether the URL that people use is one of this machine.
    pub(crate) fn is_named_here(&self) -> bool {
        match url::Url::parse(&self.public_url).ok().as_ref().and_then(url::Url::host) {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    fn engine_settings(&self) -> crate::engine::EngineSettings {
        crate::engine::EngineSettings {
            public_url: self.public_url.clone(),
            redirect_url: self.redirect_url.clone(),
            secret_keys: self.secret_keys.clone(),
            confirm_email: self.confirm_email,
            confirm_phone: self.confirm_phone,
            phone_sign_up: self.phone_sign_up,
            sign_in_codes: self.sign_in_codes,
            password_min: self.password_min,
            password_cost: self.password_cost,
            limits_factor: self.limits_factor,
            application_servers: self.application_servers.clone(),
            files_dir: self.files_dir.clone(),
            user_fields: self.user_fields.clone(),
            product_name: self.name.clone(),
            providers: self.providers.clone(),
            application_redirects: self
                .client_keys
                .iter()
                .filter_map(|key| key.redirect_url.clone())
                .collect(),
            messages: crate::engine::MessageSettings {
                sms_countries: self.sms.countries.clone(),
                sms_daily_budget: self.sms.daily_budget,
                templates_dir: self.templates_dir.clone(),
            },
        }
    }

    /// Settings of remote mode; `None` where the backend is the embedded one.
    fn remote_settings(&self) -> Option<remote::RemoteSettings> {
        let altogic = self.altogic.clone()?;
        let capabilities = Capabilities {
            confirm_email: self.confirm_email,
            confirm_phone: self.confirm_phone,
            phone_sign_up: self.phone_sign_up,
            sign_in_codes: self.sign_in_codes,
            password_min: self.password_min,
            authenticators: false,
            link_minutes: REMOTE_LINK_MINUTES,
            code_minutes: REMOTE_CODE_MINUTES,
            sms_countries: self.sms.countries.listed().map(<[String]>::to_vec),
            email_codes: false,
            providers: Vec::new(),
        };
        let public_url = self.public_url.clone();
        Some(remote::RemoteSettings {
            env_url: altogic.env_url,
            client_key: altogic.client_key,
            public_url,
            capabilities,
        })
    }

    fn rest_settings(&self) -> Arc<rest::RestSettings> {
        Arc::new(rest::RestSettings {
            client_keys: self.client_keys.clone(),
            public_url: self.public_url.clone(),
            redirect_url: self.redirect_url.clone(),
        })
    }
}

impl ServerParts {
    fn auth(&self) -> Arc<dyn AuthManager> {
        match &self.backend {
            PageBackend::Embedded(embedded) => Arc::new(embedded.engine.clone()),
            PageBackend::Remote(remote) => Arc::new(remote.clone()),
        }
    }

    fn dev_inbox(&self) -> Option<&Arc<dyn DevInbox>> {
        match &self.backend {
            PageBackend::Embedded(embedded) => embedded.dev_inbox.as_ref(),
            PageBackend::Remote(_) => None,
        }
    }

    /// Messages waiting in the outbox, where there is one. Fails where the database, or the
    /// environment, does not answer.
    async fn waiting(&self) -> Result<Option<OutboxState>, Failure> {
        match &self.backend {
            PageBackend::Embedded(embedded) => embedded.engine.waiting().await.map(Some),
            PageBackend::Remote(remote) => remote.ready().await.map(|()| None),
        }
    }

    fn page_settings(&self) -> pages::PageSettings {
        pages::PageSettings {
            public_url: self.config.public_url.clone(),
            redirect_url: self.config.redirect_url.clone(),
            cookie_keys: self
                .config
                .secret_keys
                .iter()
                .map(|key| key.derive_cookie_key())
                .collect(),
            product_name: self.config.name.clone(),
            access: self.config.access.clone(),
            dev_inbox: self.dev_inbox().cloned(),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
        }
    }
}

/// Takes the database for this process where it is a file: what one process remembers of it,
/// another one must not change. The lock is a file beside it, wherever that is.
fn lock(config: &Config) -> Result<Option<fs::File>, StartError> {
    let Some(database) = store::file_of(config.database_url.expose_secret()) else {
        return Ok(None);
    };
    let mut path = database.clone().into_os_string();
    path.push(".lock");
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| StartError(format!("data_dir: {}: {error}.", path.to_string_lossy())))?;
    // One that an older version made is taken from everybody else; a file system without modes is
    // no reason not to start.
    file.set_permissions(fs::Permissions::from_mode(0o600)).ok();
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        // A file system without locks is no reason not to start.
        Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            Ok(None)
        }
        Err(fs::TryLockError::Error(error)) => Err(StartError(format!(
            "data_dir: {} cannot be locked: {error}.",
            path.to_string_lossy()
        ))),
        Err(fs::TryLockError::WouldBlock) => Err(StartError(format!(
            "data_dir: another Vestibule uses {} already. Stop it, or give this one a data_dir of \
                its own.",
            database.display()
        ))),
    }
}

fn transport(config: &Config, folder: &std::path::Path) -> Result<Transport, StartError> {
    match &config.smtp_url {
        Some(url) => Transport::smtp(url, &config.mail_from, &config.name)
            .map_err(|error| StartError(format!("mail.smtp_url: {error}."))),
        None => Transport::folder(folder, &config.mail_from, &config.name).map_err(|error| {
            StartError(format!("data_dir: the outbox folder cannot be used: {error}."))
        }),
    }
}

fn sms_transport(config: &Config, folder: &std::path::Path) -> Result<SmsTransport, StartError> {
    match &config.sms.provider {
        Some((provider, account)) => SmsTransport::provider(*provider, account.clone())
            .map_err(|error| StartError(format!("sms.provider: {error}."))),
        None => SmsTransport::folder(folder).map_err(|error| {
            StartError(format!("data_dir: the outbox folder cannot be used: {error}."))
        }),
    }
}

/// `/health/live`: the process answers. `/health/ready`: so does the database, or the environment;
/// it tells what waits in the outbox as well, which is no reason to send nobody here.
///
/// Both stand at the root, for whoever asks this process, and below the path of `public_url`, where
/// [`diagnostics`] is too.
fn health(parts: Arc<ServerParts>) -> impl FnOnce(&mut ServiceConfig) {
    move |app| {
        let path = url::Url::parse(&parts.config.public_url)
            .map(|url| url.path().trim_end_matches('/').to_owned());
        for base in BTreeSet::from([String::new(), path.unwrap_or_default()]) {
            let (parts, keeper, taker) =
                (Arc::clone(&parts), Arc::clone(&parts), Arc::clone(&parts));
            let live = || async { health_says(StatusCode::OK, &json!({ "status": "live" })) };
            app.route(&format!("{base}/health/live"), web::get().to(live));
            app.route(
                &format!("{base}/health/ready"),
                web::get().to(move || ready(Arc::clone(&parts))),
            );
            let shows = move |asked: &GuardContext<'_>| {
                asked.head().headers().contains_key(diagnostics::TOKEN_HEADER)
            };
            let echo = move |request: HttpRequest| {
                let shown =
                    diagnostics::echo(&request, &keeper.config.secret_keys, keeper.clock.now());
                async { shown.unwrap_or_else(|| HttpResponse::NotFound().finish()) }
            };
            let discard_body = move |request: HttpRequest, body: web::Payload| {
                let taker = Arc::clone(&taker);
                async move {
                    diagnostics::discard_body(
                        request,
                        body,
                        &taker.config.secret_keys,
                        taker.clock.now(),
                    )
                    .await
                }
            };
            app.route(
                &format!("{base}{}", diagnostics::PATH),
                web::get().guard(fn_guard(shows)).to(echo),
            );
            app.route(
                &format!("{base}{}", diagnostics::PATH),
                web::post().guard(fn_guard(shows)).to(discard_body),
            );
        }
    }
}

async fn ready(parts: Arc<ServerParts>) -> HttpResponse {
    let asked = if parts.config.altogic.is_some() { "environment" } else { "database" };
    match parts.waiting().await {
        Ok(None) => health_says(StatusCode::OK, &json!({ "status": "ready", asked: "ok" })),
        Ok(Some(waiting)) => {
            let outbox =
                json!({ "waiting": waiting.messages, "oldestSeconds": waiting.oldest.as_secs() });
            health_says(
                StatusCode::OK,
                &json!({ "status": "ready", asked: "ok", "outbox": outbox }),
            )
        }
        Err(failure) => {
            if let LogDecision::Line { kept_back } = log_throttle::log_decision(&failure) {
                tracing::warn!(kept_back, "not ready: {failure}");
            }
            health_says(
                StatusCode::SERVICE_UNAVAILABLE,
                &json!({ "status": "not ready", asked: "does not answer" }),
            )
        }
    }
}

fn health_says(status: StatusCode, body: &serde_json::Value) -> HttpResponse {
    HttpResponse::build(status).insert_header((CACHE_CONTROL, "no-store")).json(body)
}

/// Whether `public_url` is https. Kept in the application's data.
#[derive(Clone, Copy)]
struct IsHttps(bool);

/// The layer around every route of a server, for what no route dresses: health checks, and
/// `OPTIONS *`.
async fn plain<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let is_https = request.app_data::<IsHttps>().is_some_and(|https| https.0);
    let mut response = next.call(request).await?;
    plain_headers::add(response.headers_mut(), is_https);
    Ok(response)
}

async fn sweep_until(vestibule: Vestibule, mut stopped: watch::Receiver<bool>) {
    while tokio::time::timeout(SWEEP, stopped.wait_for(|stopped| *stopped)).await.is_err() {
        vestibule.sweep().await;
    }
}

/// Runs a future on actix's runtime, for `main`.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    actix_web::rt::System::new().block_on(future)
}
