//! The keys: who calls, from where, and with which power (altogic-protocol.md §2.1, §13.2, §14.1).

use std::sync::Arc;

use actix_web::{http::Method, test::TestRequest};
use jiff::SignedDuration;
use serde_json::{Value, json};
use vestibule::{
    engine::{
        EngineSettings, SystemClock, SystemRandom,
        keys::{ApiKeys, ClientKeys, NewClientKey, data_keys},
        outbox::{DeliveryWorker, OutboxFolder, SmsTransport, Transport},
        users::fields::{FieldDeclaration, Writer},
    },
    port::{Clock, DevInbox},
};

use super::{Answer, KEY, OTHER_KEY, Wire, at, secret_key, signed};

const PASSWORD: &str = "a lamp in the hall";

impl Wire {
    pub(super) async fn add_api_key(&self, life: Option<SignedDuration>) -> String {
        let now = SystemClock.now();
        let store = self.store().await;
        let data_keys =
            data_keys::open(&store, &[secret_key()], &SystemRandom, now).await.expect("data keys");
        let expires_at = life.map(|life| now + life);
        ApiKeys::new(&data_keys)
            .add(&store, "a robot", expires_at, &SystemRandom, now)
            .await
            .expect("a key")
    }

    async fn add_client_key(&self, new: NewClientKey) -> String {
        ClientKeys::add(&self.store().await, new, &SystemRandom, SystemClock.now())
            .await
            .expect("a key")
    }

    /// A call with an `Authorization` beside the client key.
    pub(super) async fn post_with(
        &self,
        authorization: &str,
        path: &str,
        session: &str,
        body: Value,
    ) -> Answer {
        let request = signed(TestRequest::post().uri(&at(path)), session);
        self.send(request.insert_header(("authorization", authorization)).set_json(body)).await
    }

    /// Where the link in the newest email sends the browser.
    async fn redirect_target(&self) -> String {
        let out = self._folder.path().join("outbox");
        let mail = Transport::folder(&out, "hall@example.com", "Vestibule").expect("a folder");
        let sms = SmsTransport::folder(&out).expect("a folder");
        let outbox = self.engine.outbox().clone();
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        DeliveryWorker::new(self.store().await, outbox, mail, sms, clock, random).drain().await;
        let messages = OutboxFolder::new(out).messages().await.expect("messages");
        let link = messages.first().and_then(|message| message.links.first()).expect("a link");
        let path = link.strip_prefix("http://hall.example").expect("a link of ours");
        self.send(TestRequest::get().uri(path)).await.header("location").to_owned()
    }
}

fn sign_up(address: &str) -> Value {
    json!({
        "email": address,
        "password": PASSWORD,
        "nameOrUserData": {"name": "Ann", "emailVerified": true, "plan": "gold"},
    })
}

/// A field that only the operator's programs write.
fn plan(settings: &mut EngineSettings) {
    let declaration = FieldDeclaration { write: Writer::Operator, ..FieldDeclaration::default() };
    settings.user_fields.declare("plan", declaration).expect("a field");
}

fn token(answer: &Answer) -> String {
    answer.json()["session"]["token"].as_str().expect("a session").to_owned()
}

#[actix_web::test]
async fn an_operators_program_vouches_for_an_address_and_writes_what_a_person_may_not() {
    let wire = Wire::open_with(plan).await;
    let answer = wire.post("/auth/signup-email", "", sign_up("ann@example.com")).await;
    assert_eq!(
        (answer.status, &answer.json()["session"]),
        (200, &Value::Null),
        "without a key nobody is vouched for"
    );
    let key = wire.add_api_key(None).await;
    for (address, authorization) in
        [("ben@example.com", key.clone()), ("eve@example.com", format!("Bearer {key}"))]
    {
        let answer =
            wire.post_with(&authorization, "/auth/signup-email", "", sign_up(address)).await;
        assert_eq!(answer.status, 200);
        let user = &answer.json()["user"];
        assert_eq!(
            (&user["emailVerified"], &user["plan"]),
            (&json!(true), &json!("gold")),
            "{address}"
        );
        token(&answer);
    }
}

#[actix_web::test]
async fn a_key_that_has_no_power_is_tolerated() {
    let wire = Wire::open_with(plan).await;
    let expired = wire.add_api_key(Some(SignedDuration::from_secs(-1))).await;
    let foreign = format!("ak-{}", "A".repeat(43));
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJlbnZJZCI6IjYyYTEifQ.c2lnbmF0dXJl";
    for (number, key) in
        [&expired, &foreign, jwt, "Bearer", "Basic YTpi", ""].into_iter().enumerate()
    {
        let address = format!("ann{number}@example.com");
        let answer = wire.post_with(key, "/auth/signup-email", "", sign_up(&address)).await;
        let user = &answer.json()["user"];
        assert_eq!(
            (answer.status, &user["emailVerified"], user.get("plan")),
            (200, &json!(false), None),
            "{key}"
        );
    }
}

#[actix_web::test]
async fn a_key_in_the_address_is_not_read() {
    let wire = Wire::open(true).await;
    let key = wire.add_api_key(None).await;
    let answer = wire
        .post(&format!("/auth/signup-email?apikey={key}"), "", sign_up("ann@example.com"))
        .await;
    assert_eq!((answer.status, &answer.json()["session"]), (200, &Value::Null));
}

#[actix_web::test]
async fn an_api_key_opens_nothing_without_a_client_key() {
    let wire = Wire::open(true).await;
    let key = wire.add_api_key(None).await;
    let request = TestRequest::post()
        .uri(&at("/storage/list-buckets"))
        .insert_header(("authorization", key.clone()));
    assert_eq!(wire.send(request.set_json(json!({}))).await.code(), "missing_client_key");
    assert_eq!(wire.post_with(&key, "/storage/list-buckets", "", json!({})).await.status, 200);
}

#[actix_web::test]
async fn a_key_that_enforces_a_session_lets_only_signed_in_users_past_the_auth_manager() {
    let mut wire = Wire::open(false).await;
    let mut settings = (*wire.settings).clone();
    settings.client_keys[0].enforce_session = true;
    wire.settings = Arc::new(settings);
    let session = token(&wire.post("/auth/signup-email", "", sign_up("ann@example.com")).await);
    let calls = ["/storage/list-buckets", "/storage/bucket/get", "/db/object/get", "/db/anything"];
    for path in calls {
        let answer = wire.post(path, "", json!({})).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "missing_session_token"),
            "{path}"
        );
        let answer = wire.post(path, "not-a-session", json!({})).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "invalid_session_token"),
            "{path}"
        );
    }
    let custom = |path: &str| {
        signed(TestRequest::post().uri(&format!("/entrance{path}")), "").set_json(json!({}))
    };
    assert_eq!(
        wire.send(custom("/users/set-phone?phoneNumber=1")).await.code(),
        "missing_session_token"
    );
    assert_eq!(
        wire.send(custom("/users/sign-in")).await.status,
        400,
        "signing in is not asked for a session"
    );
    assert_eq!(wire.post("/storage/list-buckets", &session, json!({})).await.status, 200);
    assert_eq!(wire.post("/db/anything", &session, json!({})).await.code(), "permission_denied");
    let key = wire.add_api_key(None).await;
    assert_eq!(wire.post_with(&key, "/storage/list-buckets", "", json!({})).await.status, 200);
    assert_eq!(wire.post("/auth/signout", &session, json!({})).await.status, 200);
    let answer = wire.post("/storage/list-buckets", &session, json!({})).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_session_token"));
}

#[actix_web::test]
async fn a_key_of_the_database_has_origins_of_its_own() {
    let wire = Wire::open(true).await;
    let key = wire
        .add_client_key(NewClientKey {
            label: "the shop".to_owned(),
            origins: vec!["https://*.shop.example".to_owned(), "http://localhost:*".to_owned()],
            redirect_url: Some("https://back.example/from-mail".to_owned()),
            enforce_session: false,
        })
        .await;
    let ask = async |origin: &'static str, key: &str| {
        let preflight = TestRequest::default().method(Method::OPTIONS).uri(&at("/auth/user"));
        let preflight = wire.send(preflight.insert_header(("origin", origin))).await;
        let call = TestRequest::get().uri(&at("/auth/user")).insert_header(("origin", origin));
        let call = wire.send(call.insert_header(("x-client-key", key.to_owned()))).await;
        assert_eq!(
            preflight.header("access-control-allow-origin"),
            call.header("access-control-allow-origin")
        );
        (preflight.header("access-control-allow-origin").to_owned(), call.code())
    };
    for origin in [
        "https://a.shop.example",
        "https://a.b.shop.example",
        "http://localhost:5173",
        "https://back.example",
        "http://hall.example",
    ] {
        assert_eq!(
            ask(origin, &key).await,
            (origin.to_owned(), "missing_session_token".to_owned())
        );
    }
    for origin in [
        "https://shop.example",
        "http://a.shop.example",
        "https://localhost:5173",
        "https://evil.example",
    ] {
        assert_eq!(
            ask(origin, &key).await,
            (String::new(), "domain_not_authorized".to_owned()),
            "{origin}"
        );
    }
    let (allowed, code) = ask("https://a.shop.example", KEY).await;
    assert_eq!(
        (allowed.as_str(), code.as_str()),
        ("https://a.shop.example", "domain_not_authorized")
    );
}

#[actix_web::test]
async fn an_emailed_link_goes_where_the_key_says_that_caused_it() {
    let wire = Wire::open(true).await;
    let shop = NewClientKey {
        redirect_url: Some("https://shop.example/back".to_owned()),
        ..NewClientKey::default()
    };
    let shop = wire.add_client_key(shop).await;
    for (key, address, start) in [
        (
            KEY,
            "ann@example.com",
            "http://hall.example/entrance/auth-redirect?status=200&access_token=",
        ),
        (
            OTHER_KEY,
            "ben@example.com",
            "https://app.example/back?from=mail&status=200&access_token=",
        ),
        (&shop, "eve@example.com", "https://shop.example/back?status=200&access_token="),
    ] {
        let request =
            TestRequest::post().uri(&at("/auth/signup-email")).insert_header(("x-client-key", key));
        assert_eq!(wire.send(request.set_json(sign_up(address))).await.status, 200);
        let redirect_target = wire.redirect_target().await;
        assert!(redirect_target.starts_with(start), "{redirect_target}");
    }
}
