//! Secrets stay where they belong: a journey through most of the product, then a search for each of
//! its secrets in the log and in the database.

use std::{
    fmt::{self, Write as _},
    sync::{Arc, Mutex},
};

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
};

use super::authenticator::{begin, code_of};
use crate::support::{Browser, CLIENT_KEY, PASSWORD, TestServer};

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";
const WRONG_PASSWORD: &str = "a wrong password indeed";
const NEW_PASSWORD: &str = "a calm green gate";

/// Everything that is logged, at every level and of every library.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

impl<S: Subscriber> Layer<S> for Everything {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        attributes.record(&mut self.clone());
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        values.record(&mut self.clone());
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut self.clone());
    }
}

impl Visit for Everything {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        writeln!(self.0.lock().expect("a log"), "{field} {value:?}").expect("a line");
    }
}

/// The secrets of a journey, by name.
type Secrets = Vec<(&'static str, String)>;

async fn call(server: &TestServer, path: &str, session: &str, body: Value) -> Value {
    let request = TestRequest::post().uri(path).insert_header(("x-client-key", CLIENT_KEY));
    let request = request.insert_header(("session", session)).set_json(body);
    serde_json::from_slice(&server.send(request).await.2).unwrap_or_default()
}

async fn sign_in(browser: &mut Browser, password: &str) {
    browser.open("/sign-in").await;
    browser.fill("E-mail", EMAIL).fill("Password", password);
    browser.press("Sign in").await;
}

/// The token that an emailed link carries.
fn token_of(link: &str) -> String {
    let token = ["key=", "access_token="].into_iter().find_map(|name| link.split(name).nth(1));
    token.and_then(|rest| rest.split('&').next()).expect("a token").to_owned()
}

fn cookies_of(browser: &Browser) -> Secrets {
    let header = browser.cookie_header();
    let values = header.split("; ").filter_map(|cookie| cookie.split_once('='));
    values
        .filter(|(_, value)| value.len() > 20)
        .map(|(_, value)| ("a cookie", value.to_owned()))
        .collect()
}

/// Links, codes and passwords, right and wrong, at the pages and over the wire.
async fn journey(server: &TestServer) -> Secrets {
    let mut secrets: Secrets =
        [PASSWORD, WRONG_PASSWORD, NEW_PASSWORD].map(|text| ("a password", text.to_owned())).into();
    let mut ann = server.browser();
    ann.open("/sign-up").await;
    ann.fill("Name", "Ann").fill("E-mail", EMAIL).fill("Password", PASSWORD);
    ann.press("Create account").await;
    let link = server.newest_email_to(EMAIL).await.link();
    ann.open(&link).await;
    secrets.push(("a link to confirm", token_of(&link)));
    secrets.push(("a form token", {
        ann.open("/profile/name").await;
        ann.page.csrf()
    }));
    secrets.extend(cookies_of(&ann));
    sign_in(&mut server.browser(), WRONG_PASSWORD).await;

    let mut other = server.browser();
    other.open("/magic-link").await;
    other.fill("E-mail", EMAIL);
    other.press("Send me a link").await;
    secrets.push(("a magic link", token_of(&server.newest_email_to(EMAIL).await.link())));
    let key = begin(&mut ann).await;
    ann.fill("Code", &code_of(server, &key));
    ann.press("Switch it on").await;
    secrets.push(("the key of an app", key));
    secrets.extend(ann.page.all("ol.codes code").into_iter().map(|code| ("a recovery code", code)));

    let sign_up = json!({"phone": PHONE, "password": PASSWORD});
    call(server, "/_api/rest/v1/auth/signup-phone", "", sign_up).await;
    let code = server.newest_code_to(PHONE).await;
    let verify = format!("/_api/rest/v1/auth/verify-phone?phone=%2B4915112345678&code={code}");
    let session = call(server, &verify, "", json!({})).await["session"]["token"].clone();
    let session = session.as_str().expect("a session").to_owned();
    let wrong = json!({"oldPassword": WRONG_PASSWORD, "newPassword": NEW_PASSWORD});
    call(server, "/_api/rest/v1/auth/change-pwd", &session, wrong).await;
    secrets.extend([("a code by SMS", code), ("a session of the wire", session)]);

    other.open("/reset-password").await;
    other.fill("E-mail", EMAIL);
    other.press("Send me a link").await;
    let link = server.newest_email_to(EMAIL).await.link();
    other.open(&format!("/not-a-page?access_token={}", token_of(&link))).await;
    assert!(!other.page.html().contains(&token_of(&link)), "a page that is not there tells it");
    other.open(&link).await;
    other.fill("New password", NEW_PASSWORD);
    other.press("Save the new password").await;
    secrets.push(("a reset link", token_of(&link)));
    sign_in(&mut other, NEW_PASSWORD).await;
    secrets.extend(cookies_of(&other));
    secrets
}

/// S80: at every level, the libraries' included.
#[actix_web::test]
async fn no_secret_of_a_journey_is_in_the_log() {
    let log = Everything::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(log.clone()));
    let server = TestServer::open().await;
    let secrets = journey(&server).await;
    let log = log.0.lock().expect("a log").clone();
    assert!(log.contains("sign_in_with_email"), "the log has no record: {log}");
    for (name, secret) in secrets {
        // Six digits may be part of a time.
        let is_told = if secret.len() > 6 {
            log.contains(&secret)
        } else {
            log.contains(&format!("code={secret}"))
        };
        assert!(!is_told, "{name} is in the log");
    }
}

/// S33: what somebody finds who has a copy of the database.
#[actix_web::test]
async fn no_secret_of_a_journey_is_in_the_database() {
    let server = TestServer::open().await;
    let secrets = journey(&server).await;
    let is_database = |name: &String| name.contains(".db");
    let files = server.files().into_iter().filter(is_database);
    let bytes: Vec<u8> =
        files.flat_map(|name| std::fs::read(server.folder().join(name)).expect("a file")).collect();
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(holds(EMAIL.as_bytes()), "the database was not read");
    for (name, secret) in secrets.iter().filter(|(_, secret)| secret.len() > 6) {
        assert!(!holds(secret.as_bytes()), "{name} is in the database");
        let without_dashes = secret.replace(['-', ' '], "");
        assert!(!holds(without_dashes.as_bytes()), "{name} is in the database");
    }
}
