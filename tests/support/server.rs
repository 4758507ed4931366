//! A server of one's own, in this process: SQLite and files in a folder that goes away with it.

use std::{
    collections::HashMap,
    fs,
    future::Future,
    net::SocketAddr,
    path::Path,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use actix_web::{
    App,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    http::header::HeaderMap,
    middleware::from_fn,
    test::{self, TestRequest},
};
use jiff::Timestamp;
use vestibule::{
    Config, SystemRandom, Vestibule,
    http::request_log,
    port::{Clock, Random},
};

use super::{Browser, PASSWORD, ReceivedEmail};

/// The client key of every server that has an engine.
pub const CLIENT_KEY: &str = "a-client-key-for-tests";

type Answer = Pin<Box<dyn Future<Output = (u16, HeaderMap, Vec<u8>)>>>;

/// Client address of browsers and programs.
pub const ADDRESS: &str = "198.51.100.7";

/// A server and everything around it.
#[derive(Clone)]
pub struct TestServer {
    pub vestibule: Vestibule,
    pub public_url: String,
    clock: Arc<MovedClock>,
    random: Arc<Counted>,
    folder: Rc<tempfile::TempDir>,
    app: Rc<dyn Fn(TestRequest) -> Answer>,
}

impl TestServer {
    /// A server as a new visitor has it.
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// A server with settings, named as in the environment.
    pub async fn open_with(settings: &[(&str, &str)]) -> Self {
        Self::open_at(None, settings).await
    }

    /// With a settings file besides.
    pub async fn open_at(file: Option<&Path>, settings: &[(&str, &str)]) -> Self {
        let folder = Rc::new(tempfile::tempdir().expect("a folder"));
        Self::open_in(folder, Arc::default(), Arc::default(), file, settings).await
    }

    /// The server once more, on what it stored, with other settings. No browser may hold it any
    /// more.
    pub async fn restarted(self, settings: &[(&str, &str)]) -> Self {
        let Self { folder, clock, random, vestibule, app, .. } = self;
        drop((vestibule, app));
        Self::open_in(folder, clock, random, None, settings).await
    }

    async fn open_in(
        folder: Rc<tempfile::TempDir>,
        clock: Arc<MovedClock>,
        random: Arc<Counted>,
        file: Option<&Path>,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut environment: HashMap<String, String> =
            settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        environment.insert("VESTIBULE_DATA_DIR".to_owned(), folder.path().display().to_string());
        if !environment.contains_key("VESTIBULE_ALTOGIC__ENV_URL") && file.is_none() {
            environment
                .entry("VESTIBULE_ENGINE__CLIENT_KEYS".to_owned())
                .or_insert(CLIENT_KEY.to_owned());
        }
        let config = Config::read(file, environment, &SystemRandom).expect("good settings");
        let public_url = config.public_url.clone();
        let vestibule =
            Vestibule::open_with(config, clock.clone(), random.clone()).await.expect("a hall");
        let app = test::init_service(
            App::new().wrap(from_fn(request_log::log_requests)).configure(vestibule.routes()),
        )
        .await;
        let app = Rc::new(app);
        let call = move |request: TestRequest| -> Answer {
            let app = Rc::clone(&app);
            Box::pin(async move { read(app.call(request.to_request()).await).await })
        };
        Self { vestibule, public_url, clock, random, folder, app: Rc::new(call) }
    }

    /// Sends one request as it is and reads the whole answer.
    pub async fn send(&self, request: TestRequest) -> (u16, HeaderMap, Vec<u8>) {
        self.send_from(ADDRESS, request).await
    }

    /// As [`send`](Self::send), from another client address.
    pub async fn send_from(
        &self,
        address: &str,
        request: TestRequest,
    ) -> (u16, HeaderMap, Vec<u8>) {
        let address = SocketAddr::new(address.parse().expect("an address"), 40_000);
        (self.app)(request.peer_addr(address)).await
    }

    /// Somebody's browser, new and without cookies.
    pub fn browser(&self) -> Browser {
        Browser::new(self.clone())
    }

    /// As [`browser`](Self::browser), at another client address.
    pub fn browser_at(&self, address: &str) -> Browser {
        let mut browser = self.browser();
        address.clone_into(&mut browser.address);
        browser
    }

    /// The newest code that was sent by SMS to somebody. Codes overtake the texts without one that
    /// wait beside them.
    pub async fn newest_code_to(&self, phone: &str) -> String {
        self.vestibule.deliver().await;
        let folder = fs::read_dir(self.folder.path().join("outbox")).expect("an outbox");
        let mut files: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|file| file.to_string_lossy().ends_with(".sms.json"));
        files.sort();
        let texts = files.iter().map(|file| fs::read(file).expect("a text"));
        let texts =
            texts.map(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).expect("JSON"));
        let to_phone =
            texts.filter(|text| text["to"] == phone).map(|text| text["text"].to_string());
        let mut codes = to_phone.filter_map(|words| {
            let mut digits = words.split(|letter: char| !letter.is_ascii_digit());
            digits.find(|digits| digits.len() == 6).map(str::to_owned)
        });
        codes.next_back().unwrap_or_else(|| panic!("{phone} got no code"))
    }

    /// Its folder, for a command beside it.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Files in its folder, by name.
    pub fn files(&self) -> Vec<String> {
        let folder = fs::read_dir(self.folder.path()).expect("a folder");
        let mut names: Vec<_> = folder
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Time on its clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        self.clock
            .0
            .fetch_add(i64::try_from(time.as_millis()).expect("a short time"), Ordering::SeqCst);
    }

    /// The email somebody got, oldest first.
    pub async fn email_to(&self, address: &str) -> Vec<ReceivedEmail> {
        self.vestibule.deliver().await;
        let folder = fs::read_dir(self.folder.path().join("outbox")).expect("an outbox");
        let mut files: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "eml"));
        files.sort();
        files
            .iter()
            .map(|file| ReceivedEmail::read(&fs::read(file).expect("a mail")))
            .filter(|mail| mail.to == address)
            .collect()
    }

    /// The codes that were sent by SMS to a number, oldest first.
    pub async fn codes_to(&self, phone: &str) -> Vec<String> {
        self.texts_to(phone).await.iter().filter_map(|text| code_in(text)).collect()
    }

    /// The texts that a number got, oldest first.
    pub async fn texts_to(&self, phone: &str) -> Vec<String> {
        self.vestibule.deliver().await;
        let folder = fs::read_dir(self.folder.path().join("outbox")).expect("an outbox");
        let mut files: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|file| file.to_string_lossy().ends_with(".sms.json"));
        files.sort();
        let texts = files.iter().map(|file| fs::read(file).expect("a text"));
        let texts =
            texts.map(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).expect("JSON"));
        let texts = texts.filter(|text| text["to"] == phone);
        texts.map(|text| text["text"].as_str().expect("a text").to_owned()).collect()
    }

    /// The newest email somebody got.
    pub async fn newest_email_to(&self, address: &str) -> ReceivedEmail {
        self.email_to(address).await.pop().unwrap_or_else(|| panic!("{address} got no mail"))
    }

    /// Somebody with a confirmed account, signed in, looking at their profile.
    pub async fn signed_in_user(&self, name: &str, address: &str) -> Browser {
        let mut browser = self.browser();
        browser.open("/sign-up").await;
        browser.fill("Name", name).fill("E-mail", address).fill("Password", PASSWORD);
        browser.press("Create account").await;
        let link = self.newest_email_to(address).await.link();
        browser.open(&link).await;
        assert_eq!(browser.page.path, "/profile", "{}", browser.page.text());
        browser
    }
}

/// The first six digits in a row.
fn code_in(text: &str) -> Option<String> {
    let words = text.split(|letter: char| !letter.is_ascii_digit());
    words.into_iter().find(|word| word.len() == 6).map(str::to_owned)
}

async fn read(
    answer: Result<ServiceResponse<impl MessageBody + 'static>, actix_web::Error>,
) -> (u16, HeaderMap, Vec<u8>) {
    let response = match answer {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let (head, body) = response.into_parts();
    let body = actix_web::body::to_bytes(body).await.unwrap_or_else(|_| panic!("a body"));
    (head.status().as_u16(), head.headers().clone(), body.to_vec())
}

/// A clock that stands where the test puts it; it begins at a fixed moment.
struct MovedClock(AtomicI64);

impl Default for MovedClock {
    fn default() -> Self {
        Self(AtomicI64::new(1_795_000_000_000))
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).expect("a time")
    }
}

/// Different every time and the same in every run.
#[derive(Default)]
struct Counted(AtomicU64);

impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            // splitmix64: spreads a counter over all bits.
            let mut word = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(word ^ (word >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}
