//! Fixture of the engine tests: an engine of one's own, a clock to move, and the keys of the links
//! that were emailed.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering::SeqCst},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::{
    engine::{
        Engine, EngineSettings, MessageSettings, SecretKey, SystemRandom, random::new_id,
        store::Store,
    },
    port::{
        AccessToken, AuthManager, BrowserId, Caller, Channel, Clock, Code, Grant, OperationError,
        Outcome, Password, Random, SessionToken, SignInOutcome, SignUpWithEmail,
    },
};

pub(super) const PASSWORD: &str = "seven purple herons";

pub(super) struct Fixture {
    pub(super) engine: Engine,
    clock: Arc<TestClock>,
    random: Arc<Recorded>,
    _folder: tempfile::TempDir,
}

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(SeqCst)).unwrap()
    }
}

/// Chance that remembers every token it gave out, so that a test can follow the links without
/// reading email.
struct Recorded(Mutex<Vec<String>>, Mutex<Option<u32>>);

impl Random for Recorded {
    fn fill(&self, bytes: &mut [u8]) {
        SystemRandom.fill(bytes);
        if let Ok(drawn) = <[u8; 4]>::try_from(&*bytes) {
            *self.1.lock().unwrap() = Some(u32::from_be_bytes(drawn));
        }
        if bytes.len() == 32 {
            self.0.lock().unwrap().push(BASE64_URL_SAFE_NO_PAD.encode(&*bytes));
        }
    }
}

impl Fixture {
    /// One for each database there is to test on.
    pub(super) async fn each() -> Vec<Self> {
        Self::each_with(|_| {}).await
    }

    pub(super) async fn each_with(set: impl Fn(&mut EngineSettings)) -> Vec<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut benches = vec![
            Self::open(&format!("sqlite:{}/a.db", folder.path().display()), folder, &set).await,
        ];
        if let Ok(server) = std::env::var("VESTIBULE_TEST_POSTGRES_URL") {
            println!("also on PostgreSQL");
            benches.push(
                Self::open(&new_database(&server).await, tempfile::tempdir().unwrap(), &set).await,
            );
        }
        benches
    }

    async fn open(
        url: &str,
        folder: tempfile::TempDir,
        set: &impl Fn(&mut EngineSettings),
    ) -> Self {
        let mut settings = EngineSettings {
            public_url: "https://hall.example".to_owned(),
            redirect_url: "https://app.example/auth-redirect?a=b".to_owned(),
            secret_keys: vec![SecretKey::for_tests(7)],
            confirm_email: true,
            confirm_phone: true,
            phone_sign_up: true,
            sign_in_codes: true,
            password_min: 8,
            password_cost: crate::engine::passwords::hashing::HashCost::default(),
            limits_factor: 1.0,
            application_servers: Vec::new(),
            files_dir: folder.path().join("files"),
            user_fields: crate::engine::users::fields::UserFields::default(),
            product_name: "Vestibule".to_owned(),
            messages: MessageSettings::default(),
            providers: Vec::new(),
            application_redirects: Vec::new(),
        };
        set(&mut settings);
        let clock = Arc::new(TestClock(AtomicI64::new(1_800_000_000_000)));
        let random = Arc::new(Recorded(Mutex::default(), Mutex::default()));
        let store = Store::open(url).await.unwrap();
        let engine = Engine::open(settings, store, clock.clone(), random.clone()).await.unwrap();
        Self { engine, clock, random, _folder: folder }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The engine once more on the same database, with other settings.
    pub(super) async fn reopen_with(&mut self, set: impl Fn(&mut EngineSettings)) {
        let mut settings = self.engine.settings().clone();
        set(&mut settings);
        let store = self.engine.store().clone();
        self.engine =
            Engine::open(settings, store, self.clock.clone(), self.random.clone()).await.unwrap();
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, SeqCst);
    }

    /// The access tokens of every live link that was emailed, oldest first.
    pub(super) async fn tokens(&self, action: &str) -> Vec<AccessToken> {
        let made = self.random.0.lock().unwrap().clone();
        let mut tokens = Vec::new();
        for key in made {
            let redirect_target = self
                .engine
                .open_email_link(key, "email-confirm".to_owned())
                .await
                .unwrap()
                .location;
            let url = url::Url::parse(&redirect_target).unwrap();
            let of = |name: &str| {
                url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
            };
            if let (Some(token), true) =
                (of("access_token"), of("action").as_deref() == Some(action))
            {
                tokens.push(AccessToken::parse(&token).unwrap());
            }
        }
        tokens
    }

    pub(super) async fn token(&self, action: &str) -> AccessToken {
        self.tokens(action).await.pop().expect("a live link")
    }

    /// The key of the newest live link of an action.
    pub(super) async fn newest_key(&self, action: &str) -> String {
        let made = self.random.0.lock().unwrap().clone();
        for key in made.into_iter().rev() {
            let redirect_target =
                self.engine.open_email_link(key.clone(), String::new()).await.unwrap().location;
            if redirect_target.contains(&format!("action={action}")) {
                return key;
            }
        }
        panic!("no live link for {action}")
    }

    /// The code that was sent by SMS last (see `six_digits` in `codes`).
    pub(super) fn newest_code(&self) -> String {
        (100_000 + self.random.1.lock().unwrap().expect("a code") % 900_000).to_string()
    }

    /// The keys of the live links that change an address, oldest first.
    pub(super) async fn change_keys(&self) -> Vec<crate::port::LinkKey> {
        let made = self.random.0.lock().unwrap().clone();
        let mut keys = Vec::new();
        for key in made {
            let redirect_target =
                self.engine.open_email_link(key, String::new()).await.unwrap().location;
            if let Some(key) =
                redirect_target.strip_prefix("https://hall.example/profile/email/confirm?key=")
            {
                keys.push(crate::port::LinkKey::parse(key).unwrap());
            }
        }
        keys
    }

    pub(super) async fn sign_up(
        &self,
        caller: &Caller,
        email: &str,
        password: &str,
    ) -> Outcome<()> {
        let sign_up = SignUpWithEmail {
            email: email.to_owned(),
            password: Password::entered(password),
            name: Some("Ann".to_owned()),
            fields: serde_json::Map::new(),
        };
        self.engine.sign_up_with_email(caller.clone(), sign_up).await.map(drop)
    }

    pub(super) async fn sign_in(&self, email: &str, password: &str) -> Outcome<Grant> {
        self.engine
            .sign_in_with_email(somebody(), email.to_owned(), Password::entered(password))
            .await
            .map(granted)
    }

    /// Somebody who signed up and proved their address.
    pub(super) async fn signed_in_user(&self, email: &str) -> Grant {
        self.sign_up(&somebody(), email, PASSWORD).await.unwrap();
        let token = self.token("email-confirm").await;
        granted(self.engine.get_auth_grant(somebody(), token).await.unwrap())
    }
}

pub(super) fn somebody() -> Caller {
    Caller {
        channel: Channel::Pages,
        address: None,
        user_agent: String::new(),
        session: None,
        browser: None,
        devices: Vec::new(),
        redirect_url: None,
        unlisted: None,
        is_operator: false,
    }
}

pub(super) fn at(browser: &str) -> Caller {
    Caller { browser: Some(BrowserId::parse(browser).unwrap()), ..somebody() }
}

pub(super) fn with(grant: &Grant) -> Caller {
    Caller { session: grant.session.token.clone(), ..somebody() }
}

pub(super) fn with_token(token: &str) -> Caller {
    Caller { session: Some(SessionToken::parse(token).unwrap()), ..somebody() }
}

#[track_caller]
pub(super) fn refused<T>(outcome: Outcome<T>, code: Code) {
    match outcome {
        Err(OperationError::Rejected(refusal)) => {
            assert!(refusal.is(code), "{refusal:?} is not {code:?}")
        }
        Err(OperationError::Internal(failure)) => panic!("{failure}"),
        Ok(_) => panic!("not refused with {code:?}"),
    }
}

async fn new_database(server: &str) -> String {
    let name = format!("vestibule_{}", new_id(&SystemRandom));
    let mut connection =
        sqlx::PgConnection::connect(server).await.expect("VESTIBULE_TEST_POSTGRES_URL");
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(format!("create database {name}"))))
        .await
        .unwrap();
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(&name);
    url.into()
}

/// The session of a sign-in outcome that asks for nothing more.
pub(super) fn granted(outcome: SignInOutcome) -> Grant {
    match outcome {
        SignInOutcome::SignedIn(grant) => grant,
        SignInOutcome::SecondFactorRequired(_) => panic!("a second factor is asked for"),
    }
}
