//! Recovery takes everything back, whichever channel a thief used.

use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::support::{Browser, CLIENT_KEY, PASSWORD, TestServer};

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";
const NEW_PASSWORD: &str = "nine orange otters";

/// A call of an application, and its status.
async fn call(server: &TestServer, path: &str, session: &str, body: Value) -> (u16, Value) {
    let request = TestRequest::post().uri(path).insert_header(("x-client-key", CLIENT_KEY));
    let request =
        if session.is_empty() { request } else { request.insert_header(("session", session)) };
    let (status, _, bytes) = server.send(request.set_json(body)).await;
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// A server with somebody whose password a thief knows, and the session of the thief's application.
async fn robbed() -> (TestServer, String) {
    let server = TestServer::open_with(&[("VESTIBULE_SMS__COUNTRIES", "DE")]).await;
    server.signed_in_user("Ann", EMAIL).await;
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let (_, entered) = call(&server, "/_api/rest/v1/auth/signin-email", "", body).await;
    (server, entered["session"]["token"].as_str().expect("a session").to_owned())
}

/// The thief adds a number with their application.
async fn add_phone_on_the_wire(server: &TestServer, session: &str) {
    let (status, answer) =
        call(server, "/users/set-phone?phoneNumber=%2B4915112345678", session, json!({})).await;
    assert_eq!(status, 200, "{answer}");
    let code = server.newest_code_to(PHONE).await;
    let (status, answer) =
        call(server, "/users/verify-phone", session, json!({"code": code, "phoneNumber": PHONE}))
            .await;
    assert_eq!(status, 200, "{answer}");
}

/// The thief adds a number at the pages.
async fn add_phone_at_the_pages(server: &TestServer) {
    let mut thief = signed_in(server, PASSWORD).await;
    thief.open("/profile/phone").await;
    thief.fill("Phone number", PHONE).press("Send me a code").await;
    thief.fill("Code", &server.newest_code_to(PHONE).await).press("Confirm").await;
}

async fn signed_in(server: &TestServer, password: &str) -> Browser {
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    browser.fill("E-mail", EMAIL).fill("Password", password).press("Sign in").await;
    browser
}

async fn reset_by_email(server: &TestServer) {
    let mut ann = server.browser();
    ann.open("/reset-password").await;
    ann.fill("E-mail", EMAIL).press("Send me a link").await;
    ann.open(&server.newest_email_to(EMAIL).await.link()).await;
    ann.fill("New password", NEW_PASSWORD).press("Save the new password").await;
    assert_eq!(ann.page.path, "/sign-in", "{}", ann.page.text());
}

async fn press_not_me(server: &TestServer) {
    let link = newest_not_me(server).await;
    press(server, &link).await;
}

async fn newest_not_me(server: &TestServer) -> String {
    let emails = server.email_to(EMAIL).await;
    emails.iter().rev().find_map(|mail| mail.account_recovery()).expect("a link")
}

async fn press(server: &TestServer, link: &str) {
    let mut ann = server.browser();
    ann.open(link).await;
    ann.press("It was not me: take it back").await;
    ann.fill("New password", NEW_PASSWORD).press("Save the new password").await;
    assert_eq!(ann.page.path, "/sign-in", "{}", ann.page.text());
}

/// S105
#[actix_web::test]
async fn what_a_thief_added_opens_nothing_after_a_recovery() {
    for (is_wire, is_reset) in [(true, true), (true, false), (false, true), (false, false)] {
        let (server, session) = robbed().await;
        if is_wire {
            add_phone_on_the_wire(&server, &session).await;
        } else {
            add_phone_at_the_pages(&server).await;
        }
        let former = server.codes_to(PHONE).await.len();
        if is_reset {
            reset_by_email(&server).await;
        } else {
            press_not_me(&server).await;
        }
        let (status, _) =
            call(&server, "/_api/rest/v1/auth/signout-all", &session, json!({})).await;
        assert_eq!(status, 401, "the session of the thief's application is over");
        for path in ["send-reset-code", "send-code"] {
            let path = format!("/_api/rest/v1/auth/{path}?phone=%2B4915112345678");
            call(&server, &path, "", json!({})).await;
        }
        let mut thief = server.browser();
        thief.open("/reset-password/phone").await;
        thief.fill("Phone number", PHONE).press("Send me a code").await;
        assert_eq!(server.codes_to(PHONE).await.len(), former, "no code for the thief");
        let profile = signed_in(&server, NEW_PASSWORD).await;
        assert_eq!(profile.page.path, "/profile");
        assert!(!profile.page.text().contains("1511 2345678"), "{}", profile.page.text());
    }
}

/// The thief has the codes of the second factor sent to the number that they added.
async fn switch_codes_on(server: &TestServer, session: &str, is_wire: bool) {
    if is_wire {
        let id = user_id(server).await;
        let on = json!({"model": "users", "id": id, "values": {"twoFactorAuth": true}});
        let (status, answer) = call(server, "/_api/rest/v1/db/object/update", session, on).await;
        assert_eq!(status, 200, "{answer}");
    } else {
        let mut thief = signed_in(server, PASSWORD).await;
        thief.open("/profile/two-factor").await;
        thief.press("Switch on").await;
        assert_eq!(thief.page.heading(), "Your recovery codes", "{}", thief.page.text());
    }
}

async fn user_id(server: &TestServer) -> String {
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let (_, entered) = call(server, "/_api/rest/v1/auth/signin-email", "", body).await;
    entered["user"]["_id"].as_str().expect("an id").to_owned()
}

/// Asks for every code that the number could get; it gets none.
async fn is_shut_to_the_number(server: &TestServer, password: &str) {
    server.pass(Duration::from_secs(3600));
    let former = server.codes_to(PHONE).await.len();
    for path in ["send-reset-code", "send-code"] {
        call(server, &format!("/_api/rest/v1/auth/{path}?phone=%2B4915112345678"), "", json!({}))
            .await;
    }
    let mut thief = server.browser();
    thief.open("/reset-password/phone").await;
    thief.fill("Phone number", PHONE).press("Send me a code").await;
    assert_eq!(server.codes_to(PHONE).await.len(), former, "no code for the thief");
    let profile = signed_in(server, password).await;
    assert_eq!(profile.page.path, "/profile", "{}", profile.page.text());
    assert!(!profile.page.text().contains("1511 2345678"), "{}", profile.page.text());
}

/// S105: a reset leaves the number to the second factor; the link that switches that off takes it
/// away.
#[actix_web::test]
async fn a_number_of_the_second_factor_opens_nothing_after_the_second_recovery() {
    for is_wire in [true, false] {
        let (server, session) = robbed().await;
        if is_wire {
            add_phone_on_the_wire(&server, &session).await;
        } else {
            add_phone_at_the_pages(&server).await;
        }
        newest_not_me(&server).await;
        server.pass(Duration::from_secs(60));
        switch_codes_on(&server, &session, is_wire).await;
        let link = newest_not_me(&server).await;
        reset_by_email(&server).await;
        let stuck = signed_in(&server, NEW_PASSWORD).await;
        assert_eq!(stuck.page.path, "/sign-in/two-factor", "{}", stuck.page.text());
        press(&server, &link).await;
        is_shut_to_the_number(&server, NEW_PASSWORD).await;
    }
}

/// S105: a number that came before the last one is no way in that the link brings back.
#[actix_web::test]
async fn the_first_of_two_numbers_of_a_thief_does_not_come_back() {
    const SECOND: &str = "+4915187654321";
    let (server, session) = robbed().await;
    add_phone_on_the_wire(&server, &session).await;
    newest_not_me(&server).await;
    server.pass(Duration::from_secs(60));
    let body = json!({"currentPassword": PASSWORD, "newPhone": SECOND});
    let (status, answer) = call(&server, "/_api/rest/v1/auth/change-phone", &session, body).await;
    assert_eq!(status, 200, "{answer}");
    let code = server.newest_code_to(SECOND).await;
    let path = format!("/_api/rest/v1/auth/verify-phone?code={code}&phone=%2B4915187654321");
    assert_eq!(call(&server, &path, "", json!({})).await.0, 200);
    press_not_me(&server).await;
    is_shut_to_the_number(&server, NEW_PASSWORD).await;
}
