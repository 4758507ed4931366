//! Step up with a code: of the second factor, and of accounts that have neither password nor second
//! factor.

use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::support::{Browser, CLIENT_KEY, PASSWORD, TestServer};

const EMAIL: &str = "ann@example.com";
const NEW: &str = "ann@new.example";
const PHONE: &str = "+4915112345678";
const TEN_MINUTES: Duration = Duration::from_secs(600);

async fn ask(browser: &mut Browser, new_address: &str) {
    browser.open("/profile/email").await;
    browser.fill("New e-mail", new_address);
    browser.press("Change e-mail").await;
    assert_eq!(browser.page.heading(), "Confirm it is you", "{}", browser.page.text());
}

async fn type_code(browser: &mut Browser, code: &str) {
    browser.fill("Code", code);
    browser.press("Confirm").await;
}

/// A code that is not this one.
fn other(code: &str) -> &'static str {
    if code == "123456" { "654321" } else { "123456" }
}

/// Ann, whose account lost its password: whoever opened the email was not in the browser that had
/// set it (S23). Her last proof is ten minutes old.
async fn ann_without_a_password() -> (TestServer, Browser) {
    let server = TestServer::open().await;
    let mut first = server.browser();
    first.open("/sign-up").await;
    first.fill("Name", "Ann").fill("E-mail", EMAIL).fill("Password", PASSWORD);
    first.press("Create account").await;
    let mut ann = server.browser();
    ann.open("/magic-link").await;
    ann.fill("E-mail", EMAIL);
    ann.press("Send me a link").await;
    ann.open(&server.newest_email_to(EMAIL).await.link()).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    server.pass(TEN_MINUTES);
    (server, ann)
}

async fn emailed_code(server: &TestServer) -> String {
    let mail = server.newest_email_to(EMAIL).await;
    assert!(mail.subject.contains("is your code"), "{}", mail.subject);
    let code: String = mail.subject.chars().take(6).collect();
    assert!(
        mail.text.contains(&code) && !mail.text.contains("http"),
        "a code and no link: {}",
        mail.text
    );
    code
}

#[actix_web::test]
async fn an_account_without_a_password_gets_a_code_by_email() {
    let (server, mut ann) = ann_without_a_password().await;
    ask(&mut ann, NEW).await;
    assert!(
        ann.page.text().contains("a…@example.com") && !ann.page.text().contains("Your password"),
        "{}",
        ann.page.text()
    );
    let before = server.email_to(EMAIL).await.len();
    ann.press("Send me a code").await;
    assert_eq!((ann.page.status, ann.page.path.as_str()), (403, "/profile/email"));
    assert_eq!(server.email_to(EMAIL).await.len(), before + 1);
    let code = emailed_code(&server).await;
    type_code(&mut ann, other(&code)).await;
    assert_eq!(ann.page.status, 401);
    assert!(
        ann.page.problem("Code").is_some() && !ann.page.html().contains(other(&code)),
        "{}",
        ann.page.text()
    );
    type_code(&mut ann, &code).await;
    assert_eq!(ann.page.path, "/profile/email", "{}", ann.page.text());
    assert_eq!(server.email_to(NEW).await.len(), 1, "it went on with the address that was typed");
}

/// S16, S17: five wrong guesses revoke a code, ten minutes end it, a newer one replaces it; then
/// another one is sent.
#[actix_web::test]
async fn a_code_dies_of_guesses_of_age_and_of_a_newer_one() {
    let (server, mut ann) = ann_without_a_password().await;
    ask(&mut ann, NEW).await;
    ann.press("Send me a code").await;
    let code = emailed_code(&server).await;
    for _ in 0..5 {
        type_code(&mut ann, other(&code)).await;
        assert_eq!(ann.page.status, 401, "{}", ann.page.text());
    }
    type_code(&mut ann, &code).await;
    assert_eq!(ann.page.status, 401, "{}", ann.page.text());

    ann.press("Send another code").await;
    let late = emailed_code(&server).await;
    server.pass(TEN_MINUTES);
    type_code(&mut ann, &late).await;
    assert_eq!(ann.page.status, 401, "{}", ann.page.text());

    ann.press("Send another code").await;
    let replaced = emailed_code(&server).await;
    ann.press("Send another code").await;
    let newest = emailed_code(&server).await;
    if replaced != newest {
        type_code(&mut ann, &replaced).await;
        assert_eq!(ann.page.status, 401, "{}", ann.page.text());
    }
    type_code(&mut ann, &newest).await;
    assert_eq!(ann.page.path, "/profile/email", "{}", ann.page.text());
}

/// S16: a code proves the session that asked for it.
#[actix_web::test]
async fn a_code_is_good_in_the_session_that_asked_for_it_alone() {
    let (server, mut ann) = ann_without_a_password().await;
    let mut phone = server.browser();
    phone.open("/magic-link").await;
    phone.fill("E-mail", EMAIL);
    phone.press("Send me a link").await;
    phone.open(&server.newest_email_to(EMAIL).await.link()).await;
    assert_eq!(phone.page.path, "/profile", "{}", phone.page.text());
    server.pass(TEN_MINUTES);
    ask(&mut phone, "phone@new.example").await;
    phone.press("Send me a code").await;
    let of_phone = emailed_code(&server).await;
    ask(&mut ann, NEW).await;
    let body = format!("csrf={}&email={NEW}&proof_code={of_phone}", ann.page.csrf());
    ann.post("/profile/email", "application/x-www-form-urlencoded", body.as_bytes()).await;
    assert_eq!(ann.page.status, 401, "{}", ann.page.text());
    type_code(&mut phone, &of_phone).await;
    assert_eq!(phone.page.path, "/profile/email", "{}", phone.page.text());
}

/// S20, S32, S35: the first password of an account is set with a fresh proof, and asked for again
/// after it, as no page keeps one.
#[actix_web::test]
async fn the_first_password_is_set_after_a_proof() {
    let (server, mut ann) = ann_without_a_password().await;
    ann.open("/profile/password").await;
    assert!(!ann.page.text().contains("Current password"), "{}", ann.page.text());
    ann.fill("New password", "a calm green gate");
    ann.press("Set password").await;
    assert_eq!((ann.page.status, ann.page.heading().as_str()), (403, "Confirm it is you"));
    assert!(!ann.page.html().contains("calm green"), "a secret is never carried on");
    assert!(ann.page.text().contains("Passwords are not kept"), "{}", ann.page.text());
    ann.press("Send me a code").await;
    type_code(&mut ann, &emailed_code(&server).await).await;
    assert_eq!(
        (ann.page.status, ann.page.path.as_str()),
        (200, "/profile/password"),
        "{}",
        ann.page.text()
    );
    assert!(
        ann.page.text().contains("Thank you, it is you")
            && ann.page.problem("New password").is_none()
    );
    let mut thief = ann.clone();
    ann.fill("New password", "a calm green gate");
    ann.press("Set password").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    thief.open("/profile").await;
    assert_eq!(thief.page.path, "/sign-in", "the session has a new token");
    ann.open("/profile/password").await;
    assert!(ann.page.text().contains("Current password"), "{}", ann.page.text());

    let mut other = server.browser();
    other.open("/sign-in").await;
    other.fill("E-mail", EMAIL).fill("Password", "a calm green gate");
    other.press("Sign in").await;
    assert_eq!(other.page.path, "/profile", "{}", other.page.text());
}

async fn call(server: &TestServer, path: &str, session: &str, body: Value) -> Value {
    let request = TestRequest::post().uri(path).insert_header(("x-client-key", CLIENT_KEY));
    let request =
        if session.is_empty() { request } else { request.insert_header(("session", session)) };
    let (status, _, bytes) = server.send(request.set_json(body)).await;
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&bytes));
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Ann with a second factor, whose last proof is ten minutes old.
async fn ann_with_a_second_factor() -> (TestServer, Browser) {
    let server = TestServer::open_with(&[("VESTIBULE_SMS__COUNTRIES", "DE")]).await;
    server.signed_in_user("Ann", EMAIL).await;
    let entered =
        call(&server, "/users/sign-in", "", json!({"email": EMAIL, "password": PASSWORD})).await;
    let session = entered["session"]["token"].as_str().expect("a session").to_owned();
    call(&server, "/users/set-phone?phoneNumber=%2B4915112345678", &session, json!({})).await;
    let code = server.newest_code_to(PHONE).await;
    call(&server, "/users/verify-phone", &session, json!({"code": code, "phoneNumber": PHONE}))
        .await;
    let on =
        json!({"model": "users", "id": entered["user"]["_id"], "values": {"twoFactorAuth": true}});
    call(&server, "/_api/rest/v1/db/object/update", &session, on).await;
    let mut ann = server.browser();
    ann.open("/sign-in").await;
    ann.fill("E-mail", EMAIL).fill("Password", PASSWORD);
    ann.press("Sign in").await;
    ann.fill("Code", &server.newest_code_to(PHONE).await);
    ann.press("Sign in").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    server.pass(TEN_MINUTES);
    (server, ann)
}

/// S20: the password or a factor.
#[actix_web::test]
async fn a_code_of_the_second_factor_is_as_good_as_the_password() {
    let (server, mut ann) = ann_with_a_second_factor().await;
    ask(&mut ann, NEW).await;
    ann.press("Send a code to +49 … 78").await;
    assert_eq!(ann.page.status, 403, "{}", ann.page.text());
    assert!(!ann.page.html().contains(PHONE), "the number is told masked");
    let code = server.newest_code_to(PHONE).await;
    type_code(&mut ann, other(&code)).await;
    assert!(ann.page.problem("Code").is_some(), "{}", ann.page.text());
    // A wrong password beside it takes the code's place and leaves its field there.
    ann.fill("Your password", "a wrong password");
    ann.press("Confirm").await;
    assert!(ann.page.problem("Your password").is_some(), "{}", ann.page.text());
    type_code(&mut ann, &code).await;
    assert_eq!(ann.page.path, "/profile/email", "{}", ann.page.text());
    assert_eq!(server.email_to(NEW).await.len(), 1);

    server.pass(TEN_MINUTES);
    ask(&mut ann, "ann@third.example").await;
    ann.fill("Your password", PASSWORD);
    ann.press("Confirm").await;
    assert_eq!(ann.page.path, "/profile/email", "{}", ann.page.text());
}

/// S65: each text costs money, so there is an end to them, and it is told with the form kept.
#[actix_web::test]
async fn who_asks_for_code_after_code_is_told_to_wait() {
    let (_, mut ann) = ann_with_a_second_factor().await;
    ask(&mut ann, NEW).await;
    ann.press("Send a code to +49 … 78").await;
    let mut sent = 1;
    while ann.page.status == 403 {
        ann.press("Send another code").await;
        sent += 1;
        assert!(sent < 30, "without an end");
    }
    assert_eq!(ann.page.status, 429, "{}", ann.page.text());
    assert!(
        ann.page.header("retry-after").is_some() && ann.page.text().contains("Wait "),
        "{}",
        ann.page.text()
    );
    ann.fill("Your password", PASSWORD);
    ann.press("Confirm").await;
    assert_eq!(ann.page.path, "/profile/email", "{}", ann.page.text());
}

/// A password may be asked for a code that is not offered: nothing is sent.
#[actix_web::test]
async fn an_account_with_a_password_and_no_second_factor_is_offered_no_code() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", EMAIL).await;
    server.pass(TEN_MINUTES);
    ask(&mut ann, NEW).await;
    assert!(!ann.page.text().contains("Send a code"), "{}", ann.page.text());
    let before = server.email_to(EMAIL).await.len();
    let body = format!("csrf={}&email={NEW}&proof_send=1", ann.page.csrf());
    ann.post("/profile/email", "application/x-www-form-urlencoded", body.as_bytes()).await;
    assert_eq!(ann.page.status, 422, "{}", ann.page.text());
    assert!(ann.page.text().contains("No code can be sent"), "{}", ann.page.text());
    assert_eq!(server.email_to(EMAIL).await.len(), before);
}
