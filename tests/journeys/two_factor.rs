//! The second factor at the pages: a code by SMS after every first factor.

use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::support::{Browser, CLIENT_KEY, PASSWORD, TestServer};

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";
const OTHER_PHONE: &str = "+4915212345678";

/// A server with somebody whose account has a proved number, the session of their application and
/// their id.
async fn with_a_number() -> (TestServer, String, String) {
    let server = TestServer::open_with(&[("VESTIBULE_SMS__COUNTRIES", "DE")]).await;
    let (session, user_id) = add_member(&server, EMAIL, PHONE).await;
    (server, session, user_id)
}

/// Somebody with a proved number: the session of their application and their id.
async fn add_member(server: &TestServer, email: &str, phone: &str) -> (String, String) {
    server.signed_in_user("Ann", email).await;
    let entered =
        call(server, "/users/sign-in", "", json!({"email": email, "password": PASSWORD})).await;
    let session = entered["session"]["token"].as_str().expect("a session").to_owned();
    call(server, &format!("/users/set-phone?phoneNumber=%2B{}", &phone[1..]), &session, json!({}))
        .await;
    let code = server.codes_to(phone).await.pop().expect("a code");
    call(server, "/users/verify-phone", &session, json!({"code": code, "phoneNumber": phone}))
        .await;
    (session, entered["user"]["_id"].as_str().expect("an id").to_owned())
}

/// A server with somebody whose account asks for a second factor; it was switched on as an
/// application does (altogic-protocol.md §8).
pub(super) async fn guarded() -> TestServer {
    let (server, session, user_id) = with_a_number().await;
    let on = json!({"model": "users", "id": user_id, "values": {"twoFactorAuth": true}});
    let user = call(&server, "/_api/rest/v1/db/object/update", &session, on).await;
    assert_eq!(user["twoFactorAuth"], true, "{user}");
    server
}

async fn call(server: &TestServer, path: &str, session: &str, body: Value) -> Value {
    let request = TestRequest::post().uri(path).insert_header(("x-client-key", CLIENT_KEY));
    let request =
        if session.is_empty() { request } else { request.insert_header(("session", session)) };
    let (status, _, bytes) = server.send(request.set_json(body)).await;
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&bytes));
    serde_json::from_slice(&bytes).unwrap_or_default()
}

async fn newest_code(server: &TestServer) -> String {
    server.codes_to(PHONE).await.pop().expect("a code")
}

pub(super) async fn sign_in(browser: &mut Browser) {
    browser.open("/sign-in").await;
    browser.fill("E-mail", EMAIL).fill("Password", PASSWORD);
    browser.press("Sign in").await;
}

async fn type_code(browser: &mut Browser, code: &str) {
    browser.fill("Code", code);
    browser.press("Sign in").await;
}

/// A code that is not this one.
fn other(code: &str) -> &'static str {
    if code == "123456" { "654321" } else { "123456" }
}

/// S40: the page that was asked for survives the second factor; S92: Back finds nobody stranded.
#[actix_web::test]
async fn the_right_code_lets_in_and_leads_back_to_the_page_that_was_asked_for() {
    let server = guarded().await;
    let mut ann = server.browser();
    ann.open("/profile/sessions").await;
    ann.fill("E-mail", EMAIL).fill("Password", PASSWORD);
    ann.press("Sign in").await;
    assert_eq!((ann.page.path.as_str(), ann.page.status), ("/sign-in/two-factor", 200));
    assert!(
        ann.page.text().contains("+49 … 78") && !ann.page.html().contains(PHONE),
        "{}",
        ann.page.text()
    );
    type_code(&mut ann, &newest_code(&server).await).await;
    assert_eq!(ann.page.path, "/profile/sessions", "{}", ann.page.text());
    ann.open("/sign-in/two-factor").await;
    assert_eq!(ann.page.path, "/profile");
}

/// S18
#[actix_web::test]
async fn without_the_code_no_page_of_signed_in_users_opens() {
    let server = guarded().await;
    let mut eve = server.browser();
    sign_in(&mut eve).await;
    eve.open("/profile").await;
    assert_eq!(eve.page.path, "/sign-in");
    let mut visitor = server.browser();
    visitor.open("/sign-in/two-factor").await;
    assert_eq!(visitor.page.path, "/sign-in");
}

/// S17
#[actix_web::test]
async fn five_wrong_codes_revoke_the_right_one_and_another_code_lets_in() {
    let server = guarded().await;
    let mut ann = server.browser();
    sign_in(&mut ann).await;
    let code = newest_code(&server).await;
    for _ in 0..5 {
        type_code(&mut ann, other(&code)).await;
        assert_eq!(ann.page.status, 401, "{}", ann.page.text());
        assert!(ann.page.problem("Code").is_some());
    }
    type_code(&mut ann, &code).await;
    assert_eq!(ann.page.status, 401, "{}", ann.page.text());
    ann.press("Send another code").await;
    assert_eq!(ann.page.path, "/sign-in/two-factor");
    type_code(&mut ann, &newest_code(&server).await).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S16
#[actix_web::test]
async fn a_code_that_ran_out_is_sent_anew_and_a_sign_in_that_ran_out_begins_again() {
    let server = guarded().await;
    let mut ann = server.browser();
    sign_in(&mut ann).await;
    let late = newest_code(&server).await;
    server.pass(Duration::from_secs(61));
    type_code(&mut ann, &late).await;
    assert_eq!(ann.page.status, 401);
    let mut slow = ann.clone();
    ann.press("Send another code").await;
    type_code(&mut ann, &newest_code(&server).await).await;
    assert_eq!(ann.page.path, "/profile");
    server.pass(Duration::from_secs(600));
    slow.press("Send another code").await;
    assert_eq!(slow.page.path, "/sign-in");
    assert!(slow.page.text().contains("took too long"), "{}", slow.page.text());
}

#[actix_web::test]
async fn the_way_back_forgets_the_sign_in() {
    let server = guarded().await;
    let mut ann = server.browser();
    sign_in(&mut ann).await;
    ann.press("Back to sign-in").await;
    assert_eq!(ann.page.path, "/sign-in");
    ann.open("/sign-in/two-factor").await;
    assert_eq!(ann.page.path, "/sign-in");
}

/// S18
#[actix_web::test]
async fn a_magic_link_asks_for_the_second_factor_too() {
    let server = guarded().await;
    let mut ann = server.browser();
    ann.open("/magic-link").await;
    ann.fill("E-mail", EMAIL);
    ann.press("Send me a link").await;
    let link = server.newest_email_to(EMAIL).await.link();
    ann.open(&link).await;
    assert_eq!(ann.page.path, "/sign-in/two-factor", "{}", ann.page.text());
    type_code(&mut ann, &newest_code(&server).await).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S18: a new password is the first factor only, and the sign-in that waited is dead.
#[actix_web::test]
async fn a_reset_does_not_skip_the_second_factor() {
    let server = guarded().await;
    let mut waiting = server.browser();
    sign_in(&mut waiting).await;
    let code = newest_code(&server).await;
    let mut ann = server.browser();
    ann.open("/reset-password").await;
    ann.fill("E-mail", EMAIL);
    ann.press("Send me a link").await;
    let link = server.newest_email_to(EMAIL).await.link();
    ann.open(&link).await;
    ann.fill("New password", "another lamp in the hall");
    ann.press("Save the new password").await;
    assert_eq!(ann.page.path, "/sign-in", "{}", ann.page.text());
    ann.fill("E-mail", EMAIL).fill("Password", "another lamp in the hall");
    ann.press("Sign in").await;
    assert_eq!(ann.page.path, "/sign-in/two-factor");
    type_code(&mut waiting, &code).await;
    assert_eq!(waiting.page.path, "/sign-in", "{}", waiting.page.text());
}

/// S12, S17: new codes bring no guesses back, and the page says how long to wait.
#[actix_web::test]
async fn guessing_codes_and_asking_for_them_too_often_is_told_with_the_wait() {
    let server = guarded().await;
    let mut eve = server.browser();
    sign_in(&mut eve).await;
    for _ in 0..2 {
        let code = newest_code(&server).await;
        for _ in 0..5 {
            type_code(&mut eve, other(&code)).await;
            assert_eq!(eve.page.status, 401, "{}", eve.page.text());
        }
        eve.press("Send another code").await;
    }
    let code = newest_code(&server).await;
    type_code(&mut eve, &code).await;
    assert_eq!(
        (eve.page.status, eve.page.header("retry-after")),
        (429, Some("30")),
        "{}",
        eve.page.text()
    );
    assert!(eve.page.text().contains("Wait 30 seconds and try again."), "{}", eve.page.text());
    let mut ann = eve.clone();
    server.pass(Duration::from_secs(30));
    type_code(&mut ann, &code).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());

    let mut eve = server.browser();
    sign_in(&mut eve).await;
    for _ in 0..10 {
        eve.press("Send another code").await;
        if eve.page.status == 429 {
            break;
        }
    }
    let wait: u64 = eve.page.header("retry-after").expect("Retry-After").parse().expect("seconds");
    assert!(
        wait > 60 && eve.page.text().contains(&format!("Wait {} minutes", wait.div_ceil(60))),
        "{wait}"
    );
}

/// S65, S106: an own account, with browsers that it knows, with new ones and over the wire.
#[actix_web::test]
async fn an_account_of_ones_own_cannot_spend_the_texts_of_everybody_at_the_pages_and_over_the_wire()
{
    let server = TestServer::open_with(&[
        ("VESTIBULE_SMS__COUNTRIES", "DE"),
        ("VESTIBULE_SMS__DAILY_BUDGET", "60"),
    ])
    .await;
    for (email, phone) in [(EMAIL, PHONE), ("ben@example.com", OTHER_PHONE)] {
        let (session, user_id) = add_member(&server, email, phone).await;
        let on = json!({"model": "users", "id": user_id, "values": {"twoFactorAuth": true}});
        call(&server, "/_api/rest/v1/db/object/update", &session, on).await;
    }
    let mut browsers = vec![server.browser()];
    for _ in 0..3 {
        let mut eve = server.browser();
        sign_in(&mut eve).await;
        type_code(&mut eve, &newest_code(&server).await).await;
        eve.open("/sign-out").await;
        eve.press("Sign out").await;
        browsers.push(eve);
    }
    for _ in 0..4 {
        for eve in &mut browsers {
            sign_in(eve).await;
            for _ in 0..12 {
                if eve.page.path == "/sign-in/two-factor" && eve.page.status == 200 {
                    eve.press("Send another code").await;
                }
            }
        }
        for _ in 0..12 {
            let request = TestRequest::post()
                .uri("/users/sign-in")
                .insert_header(("x-client-key", CLIENT_KEY));
            server.send(request.set_json(json!({"email": EMAIL, "password": PASSWORD}))).await;
        }
        server.pass(Duration::from_secs(3600));
    }
    let to_eve = server.texts_to(PHONE).await.len();
    assert!(to_eve < 40, "{to_eve} of sixty");
    let mut ben = server.browser();
    ben.open("/sign-in").await;
    ben.fill("E-mail", "ben@example.com").fill("Password", PASSWORD);
    ben.press("Sign in").await;
    type_code(&mut ben, &server.codes_to(OTHER_PHONE).await.pop().expect("a code")).await;
    assert_eq!(ben.page.path, "/profile", "{}", ben.page.text());
}

/// S12, R11: a text that cannot go out does not keep somebody out who has a recovery code.
#[actix_web::test]
async fn a_recovery_code_lets_in_when_no_text_can_be_sent() {
    let server = TestServer::open_with(&[
        ("VESTIBULE_SMS__COUNTRIES", "DE"),
        ("VESTIBULE_SMS__DAILY_BUDGET", "1"),
    ])
    .await;
    let mut ann = server.signed_in_user("Ann", EMAIL).await;
    ann.open("/profile/phone").await;
    ann.fill("Phone number", PHONE);
    ann.press("Send me a code").await;
    ann.fill("Code", &newest_code(&server).await);
    ann.press("Confirm").await;
    ann.open("/profile/two-factor").await;
    ann.press("Switch on").await;
    let codes = ann.page.all("ol.codes code");
    assert_eq!(codes.len(), 10, "{}", ann.page.text());

    let mut elsewhere = server.browser();
    sign_in(&mut elsewhere).await;
    assert!(elsewhere.page.text().contains("No code can be sent"), "{}", elsewhere.page.text());
    elsewhere.open("/sign-in/two-factor/recovery").await;
    elsewhere.fill("Recovery code", &codes[0]);
    elsewhere.press("Sign in").await;
    assert_eq!(elsewhere.page.path, "/profile", "{}", elsewhere.page.text());
}

/// S17: new codes do not bring guesses back.
#[actix_web::test]
async fn wrong_codes_are_counted_over_all_codes_of_an_account() {
    let server = guarded().await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let mut eve = server.browser();
        sign_in(&mut eve).await;
        let code = newest_code(&server).await;
        for _ in 0..4 {
            type_code(&mut eve, other(&code)).await;
            statuses.push(eve.page.status);
        }
    }
    assert!(statuses[..10].iter().all(|status| *status == 401), "{statuses:?}");
    assert!(statuses[10..].iter().all(|status| *status == 429), "{statuses:?}");
}

/// S20, S103: an application's session alone, begun long ago, neither moves a number nor switches
/// the codes. Sending back the value that is there is no switch.
#[actix_web::test]
async fn an_old_session_of_the_wire_neither_moves_the_number_nor_switches_the_codes() {
    let (server, session, user_id) = with_a_number().await;
    server.pass(Duration::from_secs(601));
    let refused = |path: &str, body: Value| {
        let request = TestRequest::post().uri(path).insert_header(("x-client-key", CLIENT_KEY));
        server.send(request.insert_header(("session", session.clone())).set_json(body))
    };
    let (status, _, answer) =
        refused("/users/set-phone?phoneNumber=%2B4915187654321", json!({})).await;
    assert_eq!(status, 401);
    assert!(
        String::from_utf8_lossy(&answer).contains("proof_needed"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    let switch =
        |on: bool| json!({"model": "users", "id": user_id, "values": {"twoFactorAuth": on}});
    let (status, ..) = refused("/_api/rest/v1/db/object/update", switch(true)).await;
    assert_eq!(status, 401);
    call(&server, "/_api/rest/v1/db/object/update", &session, switch(false)).await;
}

/// S103: with a session of an application alone, a number was added, proved, and used to reset the
/// password.
#[actix_web::test]
async fn a_stolen_session_of_an_application_adds_no_first_number() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", EMAIL).await;
    let session = wire_session(&server).await;
    server.pass(Duration::from_secs(601));
    let path = "/users/set-phone?phoneNumber=%2B4915112345678";
    assert_eq!(refusal(&server, path, &session, json!({})).await, "proof_needed");
    assert!(server.codes_to(PHONE).await.is_empty());
    // Signing in again is the proof, as the example does it.
    let session = wire_session(&server).await;
    call(&server, path, &session, json!({})).await;
    assert_eq!(server.codes_to(PHONE).await.len(), 1);
}

/// S104: the right password in the call does not stand for the second factor.
#[actix_web::test]
async fn a_wire_session_from_before_the_second_factor_changes_no_way_in() {
    let (server, owner, user_id) = with_a_number().await;
    let before = wire_session(&server).await;
    let switch =
        |on: bool| json!({"model": "users", "id": user_id, "values": {"twoFactorAuth": on}});
    call(&server, "/_api/rest/v1/db/object/update", &owner, switch(true)).await;
    for (path, body) in [
        ("/users/set-phone?phoneNumber=%2B4915187654321", json!({})),
        ("/users/verify-phone", json!({"code": "123456", "phoneNumber": PHONE})),
        (
            "/_api/rest/v1/auth/change-pwd",
            json!({"oldPassword": PASSWORD, "newPassword": "another lamp in the hall"}),
        ),
        (
            "/_api/rest/v1/auth/change-email",
            json!({"currentPassword": PASSWORD, "newEmail": "eve@example.com"}),
        ),
        (
            "/_api/rest/v1/auth/change-phone",
            json!({"currentPassword": PASSWORD, "newPhone": "+4915187654321"}),
        ),
        ("/_api/rest/v1/db/object/update", switch(false)),
    ] {
        assert_eq!(refusal(&server, path, &before, body).await, "proof_needed", "{path}");
    }
}

async fn wire_session(server: &TestServer) -> String {
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let entered = call(server, "/users/sign-in", "", body).await;
    entered["session"]["token"].as_str().expect("a session").to_owned()
}

/// Code of the refusal, which is a 401.
async fn refusal(server: &TestServer, path: &str, session: &str, body: Value) -> String {
    let request = TestRequest::post().uri(path).insert_header(("x-client-key", CLIENT_KEY));
    let request = request.insert_header(("session", session)).set_json(body);
    let (status, _, answer) = server.send(request).await;
    assert_eq!(status, 401, "{path}: {}", String::from_utf8_lossy(&answer));
    let answer: Value = serde_json::from_slice(&answer).expect("an envelope");
    answer["errors"][0]["code"].as_str().expect("a code").to_owned()
}
