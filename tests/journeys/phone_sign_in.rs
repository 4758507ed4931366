//! Signing in with a phone number: with the password, with a code, and after a reset by code.

use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::phones::{OTHER_PHONE, PHONE, newest_code, other, signed_in_user, type_code};
use crate::support::{Browser, PASSWORD, TestServer};

async fn sign_in(browser: &mut Browser, phone: &str, password: &str) {
    browser.open("/sign-in/phone").await;
    browser.fill("Phone number", phone).fill("Password", password);
    browser.press("Sign in").await;
}

async fn call(server: &TestServer, path: &str, session: &str, body: Value) -> Value {
    let request =
        TestRequest::post().uri(path).insert_header(("x-client-key", "a-client-key-for-tests"));
    let request =
        if session.is_empty() { request } else { request.insert_header(("session", session)) };
    let (status, _, bytes) = server.send(request.set_json(body)).await;
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&bytes));
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Switches the second factor on, as an application does (altogic-protocol.md §8).
async fn guard(server: &TestServer) {
    let credentials = json!({"phone": PHONE, "password": PASSWORD});
    let entered = call(server, "/_api/rest/v1/auth/signin-phone", "", credentials).await;
    let session = entered["session"]["token"].as_str().expect("a session");
    let on =
        json!({"model": "users", "id": entered["user"]["_id"], "values": {"twoFactorAuth": true}});
    let user = call(server, "/_api/rest/v1/db/object/update", session, on).await;
    assert_eq!(user["twoFactorAuth"], true, "{user}");
}

/// Somebody who asked for a sign-in code.
async fn asked_for_a_code(server: &TestServer, phone: &str) -> Browser {
    let mut ann = server.browser();
    ann.open("/sign-in/code").await;
    ann.fill("Phone number", phone);
    ann.press("Send me a code").await;
    assert_eq!(
        (ann.page.path.as_str(), ann.page.status),
        ("/sign-in/code/enter", 200),
        "{}",
        ann.page.text()
    );
    ann
}

#[actix_web::test]
async fn number_and_password_sign_in_and_lead_back_to_the_page_that_was_asked_for() {
    let server = TestServer::open().await;
    drop(signed_in_user(&server).await);
    let mut ann = server.browser();
    ann.open("/profile/sessions").await;
    sign_in(&mut ann, PHONE, PASSWORD).await;
    assert_eq!(ann.page.path, "/profile/sessions", "{}", ann.page.text());
}

/// S01
#[actix_web::test]
async fn a_wrong_password_and_an_unknown_number_are_refused_alike() {
    let server = TestServer::open().await;
    drop(signed_in_user(&server).await);
    for (phone, password) in [(PHONE, "not the password at all"), (OTHER_PHONE, PASSWORD)] {
        let mut eve = server.browser();
        sign_in(&mut eve, phone, password).await;
        assert_eq!((eve.page.status, eve.page.path.as_str()), (401, "/sign-in/phone"));
        assert!(
            eve.page.text().contains("The phone number or the password is not right"),
            "{}",
            eve.page.text()
        );
    }
}

#[actix_web::test]
async fn a_number_that_was_never_confirmed_leads_to_a_code_after_the_right_password_only() {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    ann.open("/sign-up/phone").await;
    ann.fill("Phone number", PHONE).fill("Password", PASSWORD);
    ann.press("Create account").await;
    let mut later = server.browser();
    sign_in(&mut later, PHONE, "not the password at all").await;
    assert!(!later.page.text().contains("Send me a code"), "{}", later.page.text());
    sign_in(&mut later, PHONE, PASSWORD).await;
    assert_eq!(later.page.status, 401);
    later.press("Send me a code").await;
    assert_eq!(later.page.path, "/verify-phone", "{}", later.page.text());
    type_code(&mut later, "Confirm", &newest_code(&server).await).await;
    assert_eq!(later.page.path, "/profile", "{}", later.page.text());
}

/// S18
#[actix_web::test]
async fn the_second_factor_is_asked_for_after_the_password_and_a_code_alone_is_not_enough() {
    let server = TestServer::open().await;
    drop(signed_in_user(&server).await);
    guard(&server).await;
    let mut ann = server.browser();
    sign_in(&mut ann, PHONE, PASSWORD).await;
    assert_eq!(ann.page.path, "/sign-in/two-factor", "{}", ann.page.text());
    type_code(&mut ann, "Sign in", &newest_code(&server).await).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    let mut eve = asked_for_a_code(&server, PHONE).await;
    type_code(&mut eve, "Sign in", &newest_code(&server).await).await;
    assert_eq!(eve.page.status, 422);
    assert!(eve.page.text().contains("Use your password"), "{}", eve.page.text());
}

#[actix_web::test]
async fn a_code_signs_in_once() {
    let server = TestServer::open().await;
    drop(signed_in_user(&server).await);
    let mut ann = asked_for_a_code(&server, PHONE).await;
    let code = newest_code(&server).await;
    let mut eve = ann.clone();
    type_code(&mut ann, "Sign in", other(&code)).await;
    assert_eq!(ann.page.status, 401);
    type_code(&mut ann, "Sign in", &code).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    type_code(&mut eve, "Sign in", &code).await;
    assert_eq!(eve.page.status, 401, "spent");
}

/// S05: nothing tells whether there is an account.
#[actix_web::test]
async fn an_unknown_number_gets_the_same_page_and_no_code() {
    let server = TestServer::open().await;
    drop(signed_in_user(&server).await);
    let known = asked_for_a_code(&server, PHONE).await.page.text();
    let unknown = asked_for_a_code(&server, OTHER_PHONE).await.page.text();
    assert_eq!(known.replace("1511 2345678", "…"), unknown.replace("1518 7654321", "…"));
    assert!(server.codes_to(OTHER_PHONE).await.is_empty());
}

/// S92
#[actix_web::test]
async fn back_reload_and_a_second_window_find_the_code_page_again() {
    let server = TestServer::open().await;
    drop(signed_in_user(&server).await);
    let mut ann = asked_for_a_code(&server, PHONE).await;
    let code = newest_code(&server).await;
    ann.open("/sign-in").await;
    ann.open("/reset-password/phone").await;
    ann.fill("Phone number", OTHER_PHONE);
    ann.press("Send me a code").await;
    assert_eq!(ann.page.path, "/reset-password/phone/choose", "another journey in another window");
    ann.open("/sign-in/code/enter").await;
    assert!(ann.page.text().contains("+49 1511 2345678"), "{}", ann.page.text());
    type_code(&mut ann, "Sign in", &code).await;
    assert_eq!(ann.page.path, "/profile");
    let mut visitor = server.browser();
    for (path, start) in [
        ("/sign-in/code/enter", "/sign-in/code"),
        ("/sign-in/code/resend", "/sign-in/code"),
        ("/verify-phone", "/sign-in/phone"),
        ("/reset-password/phone/choose", "/reset-password/phone"),
    ] {
        visitor.open(path).await;
        assert_eq!((visitor.page.path.as_str(), visitor.page.status), (start, 200), "{path}");
    }
}

/// S21, S46
#[actix_web::test]
async fn a_forgotten_password_is_replaced_with_a_code_and_every_session_ends() {
    let server = TestServer::open().await;
    let mut before = signed_in_user(&server).await;
    let mut ann = server.browser();
    ann.open("/reset-password").await;
    ann.open("/reset-password/phone").await;
    ann.fill("Country", "DE").fill("Phone number", "01511 2345678");
    ann.press("Send me a code").await;
    assert_eq!(ann.page.path, "/reset-password/phone/choose", "{}", ann.page.text());
    let code = newest_code(&server).await;
    ann.fill("Code", &code).fill("New password", "short");
    ann.press("Save the new password").await;
    assert_eq!(ann.page.status, 422, "a password that is refused spends no code");
    ann.fill("Code", other(&code)).fill("New password", "another lamp in the hall");
    ann.press("Save the new password").await;
    assert_eq!(ann.page.status, 401);
    ann.fill("Code", &code).fill("New password", "another lamp in the hall");
    ann.press("Save the new password").await;
    assert_eq!(ann.page.path, "/sign-in/phone", "{}", ann.page.text());
    assert!(ann.page.text().contains("Sign in with the new one"), "{}", ann.page.text());
    before.open("/profile").await;
    assert_eq!(before.page.path, "/sign-in");
    sign_in(&mut ann, PHONE, "another lamp in the hall").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

#[actix_web::test]
async fn a_reset_code_is_sent_again_and_runs_out() {
    let server = TestServer::open().await;
    drop(signed_in_user(&server).await);
    let mut ann = server.browser();
    ann.open("/reset-password/phone").await;
    ann.fill("Phone number", PHONE);
    ann.press("Send me a code").await;
    let late = newest_code(&server).await;
    server.pass(Duration::from_secs(601));
    ann.fill("Code", &late).fill("New password", "another lamp in the hall");
    ann.press("Save the new password").await;
    assert_eq!(ann.page.status, 401);
    ann.press("Send another code").await;
    assert_eq!((ann.page.path.as_str(), ann.page.status), ("/reset-password/phone/choose", 200));
    ann.fill("Code", &newest_code(&server).await).fill("New password", "another lamp in the hall");
    ann.press("Save the new password").await;
    assert_eq!(ann.page.path, "/sign-in/phone", "{}", ann.page.text());
}

#[actix_web::test]
async fn what_is_not_offered_is_not_shown() {
    let off = [
        ("VESTIBULE_ENGINE__PHONE_SIGN_UP", "false"),
        ("VESTIBULE_ENGINE__SIGN_IN_CODES", "false"),
    ];
    let server = TestServer::open_with(&off).await;
    let mut ann = server.browser();
    for path in ["/sign-in", "/sign-up", "/reset-password"] {
        let html = ann.open(path).await.html();
        assert!(!html.contains("/phone") && !html.contains("/sign-in/code"), "{path}");
    }
    for (path, other) in [("/sign-up/phone", "/sign-up"), ("/sign-in/code", "/sign-in")] {
        assert_eq!(ann.open(path).await.path, other);
    }
    let server = TestServer::open().await;
    let html = server.browser().open("/sign-in").await.html();
    assert!(html.contains("/sign-in/phone") && html.contains("/sign-in/code"), "{html}");
}
