//! Wire traffic, literally, in this process (altogic-protocol.md). `tests/compat` asks the same of
//! the official client.

mod accounts;
mod channel;
mod damage;
mod envelope;
mod errors;
mod keys;
mod limits;
mod objects;
mod phones;
mod second_factor;
mod storage;
mod visitors;

use std::{rc::Rc, sync::Arc};

use actix_web::{
    App,
    http::header::HeaderMap,
    test::{self, TestRequest},
};
use serde_json::Value;
use vestibule::{
    engine::{
        Engine, EngineSettings, MessageSettings, SecretKey, SystemClock, SystemRandom,
        store::Store, users::fields::UserFields,
    },
    rest::{self, ClientKey},
};

const KEY: &str = "a-client-key";
const OTHER_KEY: &str = "another-client-key";

/// An environment of one's own, with the REST channel alone.
struct Wire {
    settings: Arc<rest::RestSettings>,
    engine: Engine,
    engine_settings: EngineSettings,
    _folder: Rc<tempfile::TempDir>,
}

/// A whole answer.
struct Answer {
    status: u16,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Wire {
    /// An environment where addresses are confirmed, or not.
    async fn open(confirm_email: bool) -> Self {
        Self::open_with(|settings| settings.confirm_email = confirm_email).await
    }

    /// An environment with other settings.
    async fn open_with(set: impl FnOnce(&mut EngineSettings)) -> Self {
        let folder = Rc::new(tempfile::tempdir().expect("a folder"));
        let public_url = "http://hall.example/entrance".to_owned();
        let redirect_url = "http://hall.example/entrance/auth-redirect".to_owned();
        let mut settings = EngineSettings {
            public_url: public_url.clone(),
            redirect_url: redirect_url.clone(),
            secret_keys: vec![secret_key()],
            confirm_email: true,
            confirm_phone: true,
            phone_sign_up: true,
            sign_in_codes: true,
            password_min: 8,
            password_cost: vestibule::engine::passwords::hashing::HashCost::default(),
            limits_factor: 100.0,
            application_servers: Vec::new(),
            files_dir: folder.path().join("files"),
            user_fields: UserFields::default(),
            product_name: "Vestibule".to_owned(),
            messages: MessageSettings::default(),
            providers: Vec::new(),
            application_redirects: Vec::new(),
        };
        set(&mut settings);
        let store = Store::open(&format!("sqlite:{}/hall.db", folder.path().display()))
            .await
            .expect("a store");
        let engine =
            Engine::open(settings.clone(), store, Arc::new(SystemClock), Arc::new(SystemRandom))
                .await
                .expect("an engine");
        let client_keys = vec![
            ClientKey {
                key: KEY.to_owned(),
                origins: Vec::new(),
                redirect_url: None,
                enforce_session: false,
            },
            ClientKey {
                key: OTHER_KEY.to_owned(),
                origins: vec!["https://App.example:443".parse().expect("an origin")],
                redirect_url: Some("https://app.example/back?from=mail".to_owned()),
                enforce_session: false,
            },
        ];
        let rest_settings = Arc::new(rest::RestSettings { client_keys, public_url, redirect_url });
        Self { settings: rest_settings, engine, engine_settings: settings, _folder: folder }
    }

    /// The environment once more on what it stored, with these secret keys.
    async fn restarted(mut self, secret_keys: Vec<SecretKey>) -> Self {
        self.engine_settings.secret_keys = secret_keys;
        let settings = self.engine_settings.clone();
        let engine = Engine::open(
            settings,
            self.store().await,
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
        )
        .await;
        Self { engine: engine.expect("an engine"), ..self }
    }

    /// Its database.
    async fn store(&self) -> Store {
        Store::open(&format!("sqlite:{}/hall.db", self._folder.path().display()))
            .await
            .expect("a store")
    }

    /// Sends one request as it is.
    async fn send(&self, request: TestRequest) -> Answer {
        let routes = rest::routes(Arc::clone(&self.settings), self.engine.clone());
        let app = test::init_service(App::new().configure(routes)).await;
        let response = test::call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, bytes: test::read_body(response).await.to_vec() }
    }

    /// A call of an application, with a JSON body.
    async fn post(&self, path: &str, session: &str, body: Value) -> Answer {
        self.send(signed(TestRequest::post().uri(&at(path)), session).set_json(body)).await
    }

    async fn get(&self, path: &str, session: &str) -> Answer {
        self.send(signed(TestRequest::get().uri(&at(path)), session)).await
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("JSON")
    }

    /// The code of the one error; panics when the answer is no envelope.
    fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/json");
        let json = self.json();
        let errors = json["errors"].as_array().expect("an envelope");
        assert_eq!(errors.len(), 1, "{json}");
        assert!(errors[0]["message"].as_str().is_some_and(|message| message.len() > 10), "{json}");
        errors[0]["code"].as_str().expect("a code").to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header"))
    }
}

/// The secret key of every environment here.
fn secret_key() -> SecretKey {
    SecretKey::new(b"0b7e4c91d3a86f52e7194ad0c35b8f26".to_vec()).expect("a key")
}

fn at(path: &str) -> String {
    format!("/entrance/_api/rest/v1{path}")
}

fn signed(request: TestRequest, session: &str) -> TestRequest {
    let request = request.insert_header(("x-client-key", KEY));
    if session.is_empty() { request } else { request.insert_header(("session", session)) }
}
