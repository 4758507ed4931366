//! Recovery takes everything back, whichever channel a thief used.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::support::{Browser, CLIENT_KEY, Hall, PASSWORD};

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";
const NEW_PASSWORD: &str = "nine orange otters";

/// A call of an application, and its status.
async fn call(hall: &Hall, path: &str, session: &str, body: Value) -> (u16, Value) {
    let request = TestRequest::post().uri(path).insert_header(("x-client-key", CLIENT_KEY));
    let request = if session.is_empty() { request } else { request.insert_header(("session", session)) };
    let (status, _, bytes) = hall.send(request.set_json(body)).await;
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// A hall with somebody whose password a thief knows, and the session of the thief's application.
async fn robbed() -> (Hall, String) {
    let hall = Hall::open_with(&[("VESTIBULE_SMS__COUNTRIES", "DE")]).await;
    hall.member("Ann", EMAIL).await;
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let (_, entered) = call(&hall, "/_api/rest/v1/auth/signin-email", "", body).await;
    (hall, entered["session"]["token"].as_str().expect("a session").to_owned())
}

/// The thief adds a number with their application.
async fn add_phone_on_the_wire(hall: &Hall, session: &str) {
    let (status, answer) = call(hall, "/users/set-phone?phoneNumber=%2B4915112345678", session, json!({})).await;
    assert_eq!(status, 200, "{answer}");
    let code = hall.newest_code_to(PHONE).await;
    let (status, answer) =
        call(hall, "/users/verify-phone", session, json!({"code": code, "phoneNumber": PHONE})).await;
    assert_eq!(status, 200, "{answer}");
}

/// The thief adds a number at the pages.
async fn add_phone_at_the_pages(hall: &Hall) {
    let mut thief = signed_in(hall, PASSWORD).await;
    thief.open("/profile/phone").await;
    thief.fill("Phone number", PHONE).press("Send me a code").await;
    thief.fill("Code", &hall.newest_code_to(PHONE).await).press("Confirm").await;
}

async fn signed_in(hall: &Hall, password: &str) -> Browser {
    let mut browser = hall.browser();
    browser.open("/sign-in").await;
    browser.fill("E-mail", EMAIL).fill("Password", password).press("Sign in").await;
    browser
}

async fn reset_by_email(hall: &Hall) {
    let mut ann = hall.browser();
    ann.open("/reset-password").await;
    ann.fill("E-mail", EMAIL).press("Send me a link").await;
    ann.open(&hall.newest_mail_to(EMAIL).await.link()).await;
    ann.fill("New password", NEW_PASSWORD).press("Save the new password").await;
    assert_eq!(ann.page.path, "/sign-in", "{}", ann.page.text());
}

async fn press_not_me(hall: &Hall) {
    let mut ann = hall.browser();
    let mails = hall.mail_to(EMAIL).await;
    let link = mails.iter().rev().find_map(|mail| mail.not_me()).expect("a link");
    ann.open(&link).await;
    ann.press("It was not me: take it back").await;
    ann.fill("New password", NEW_PASSWORD).press("Save the new password").await;
    assert_eq!(ann.page.path, "/sign-in", "{}", ann.page.text());
}

/// S105
#[actix_web::test]
async fn what_a_thief_added_opens_nothing_after_a_recovery() {
    for (is_wire, is_reset) in [(true, true), (true, false), (false, true), (false, false)] {
        let (hall, session) = robbed().await;
        if is_wire {
            add_phone_on_the_wire(&hall, &session).await;
        } else {
            add_phone_at_the_pages(&hall).await;
        }
        let former = hall.codes_to(PHONE).await.len();
        if is_reset {
            reset_by_email(&hall).await;
        } else {
            press_not_me(&hall).await;
        }
        let (status, _) = call(&hall, "/_api/rest/v1/auth/signout-all", &session, json!({})).await;
        assert_eq!(status, 401, "the session of the thief's application is over");
        for path in ["send-reset-code", "send-code"] {
            let path = format!("/_api/rest/v1/auth/{path}?phone=%2B4915112345678");
            call(&hall, &path, "", json!({})).await;
        }
        let mut thief = hall.browser();
        thief.open("/reset-password/phone").await;
        thief.fill("Phone number", PHONE).press("Send me a code").await;
        assert_eq!(hall.codes_to(PHONE).await.len(), former, "no code for the thief");
        let profile = signed_in(&hall, NEW_PASSWORD).await;
        assert_eq!(profile.page.path, "/profile");
        assert!(!profile.page.text().contains("1511 2345678"), "{}", profile.page.text());
    }
}
