//! Changes that wait for a code or a link while their owner switches the second factor on.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{
    authenticator::{begin, code_of},
    provider_connections::connect_up_to,
    providers::open,
};
use crate::support::{Browser, CLIENT_KEY, PASSWORD, TestServer};

const EMAIL: &str = "ann@example.com";
const THIEFS_EMAIL: &str = "eve@example.com";
const THIEFS_PHONE: &str = "+4915187654321";

async fn call(server: &TestServer, path: &str, session: &str, body: Value) -> (u16, Value) {
    let request = TestRequest::post().uri(path).insert_header(("x-client-key", CLIENT_KEY));
    let request =
        if session.is_empty() { request } else { request.insert_header(("session", session)) };
    let (status, _, bytes) = server.send(request.set_json(body)).await;
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// Ann, and a thief who has her password: the session of an application, and a browser.
async fn robbed() -> (TestServer, Browser, String, Browser) {
    let server = TestServer::open_with(&[("VESTIBULE_SMS__COUNTRIES", "DE")]).await;
    let ann = server.signed_in_user("Ann", EMAIL).await;
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let (_, entered) = call(&server, "/_api/rest/v1/auth/signin-email", "", body).await;
    let session = entered["session"]["token"].as_str().expect("a session").to_owned();
    let mut thief = server.browser();
    thief.open("/sign-in").await;
    thief.fill("E-mail", EMAIL).fill("Password", PASSWORD).press("Sign in").await;
    (server, ann, session, thief)
}

async fn switch_on(server: &TestServer, ann: &mut Browser) {
    let key = begin(ann).await;
    ann.fill("Code", &code_of(server, &key)).press("Switch it on").await;
    assert_eq!(ann.page.heading(), "Your recovery codes", "{}", ann.page.text());
}

async fn profile(ann: &mut Browser) -> String {
    ann.open("/profile").await;
    ann.page.text()
}

/// S104
#[actix_web::test]
async fn a_number_that_was_asked_for_before_the_second_factor_is_confirmed_nowhere() {
    for is_wire in [true, false] {
        let (server, mut ann, session, mut thief) = robbed().await;
        if is_wire {
            let body = json!({"currentPassword": PASSWORD, "newPhone": THIEFS_PHONE});
            let (status, answer) =
                call(&server, "/_api/rest/v1/auth/change-phone", &session, body).await;
            assert_eq!(status, 200, "{answer}");
        } else {
            thief.open("/profile/phone").await;
            thief.fill("Phone number", THIEFS_PHONE).press("Send me a code").await;
            assert_eq!(thief.page.path, "/profile/phone/confirm", "{}", thief.page.text());
        }
        let code = server.newest_code_to(THIEFS_PHONE).await;
        switch_on(&server, &mut ann).await;
        for session in [session.as_str(), ""] {
            let path =
                format!("/_api/rest/v1/auth/verify-phone?code={code}&phone=%2B4915187654321");
            let (status, answer) = call(&server, &path, session, json!({})).await;
            assert!(status >= 400, "{answer}");
        }
        if !is_wire {
            thief.fill("Code", &code).press("Confirm").await;
            assert!(thief.page.status >= 400, "{}", thief.page.text());
        }
        assert!(!profile(&mut ann).await.contains("1518 7654321"), "{}", ann.page.text());
    }
}

/// S104
#[actix_web::test]
async fn an_email_that_was_asked_for_before_the_second_factor_is_confirmed_nowhere() {
    for is_wire in [true, false] {
        let (server, mut ann, session, mut thief) = robbed().await;
        if is_wire {
            let body = json!({"currentPassword": PASSWORD, "newEmail": THIEFS_EMAIL});
            let (status, answer) =
                call(&server, "/_api/rest/v1/auth/change-email", &session, body).await;
            assert_eq!(status, 200, "{answer}");
        } else {
            thief.open("/profile/email").await;
            thief.fill("New e-mail", THIEFS_EMAIL).press("Change e-mail").await;
        }
        let link = server.newest_email_to(THIEFS_EMAIL).await.link();
        switch_on(&server, &mut ann).await;
        for mut browser in [thief, server.browser()] {
            browser.open(&link).await;
            if browser.page.status == 200 && browser.page.html().contains("Confirm the new address")
            {
                if browser.page.html().contains("current_password") {
                    browser.fill("Password of the account", PASSWORD);
                }
                browser.press("Confirm the new address").await;
            }
            assert!(browser.page.status >= 400, "{}: {}", browser.page.path, browser.page.text());
        }
        assert!(profile(&mut ann).await.contains(EMAIL), "{}", ann.page.text());
    }
}

/// S104
#[actix_web::test]
async fn a_connection_that_was_begun_before_the_second_factor_is_finished_nowhere() {
    let (server, idp) = open().await;
    let mut ann = server.signed_in_user("Ann", EMAIL).await;
    let mut thief = server.browser();
    thief.open("/sign-in").await;
    thief.fill("E-mail", EMAIL).fill("Password", PASSWORD).press("Sign in").await;
    idp.person(json!({ "sub": "eve-1", "name": "Eve" }));
    let back = connect_up_to(&mut thief, &idp).await;
    switch_on(&server, &mut ann).await;
    thief.open(&back).await;
    assert!(thief.page.status >= 400, "{}", thief.page.text());
    ann.open("/profile/connections").await;
    assert!(ann.page.text().contains("None is connected"), "{}", ann.page.text());
}
