//! Recovery takes everything back, whichever channel a thief used.

use std::time::Duration;

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
    let link = newest_not_me(hall).await;
    press(hall, &link).await;
}

async fn newest_not_me(hall: &Hall) -> String {
    let mails = hall.mail_to(EMAIL).await;
    mails.iter().rev().find_map(|mail| mail.not_me()).expect("a link")
}

async fn press(hall: &Hall, link: &str) {
    let mut ann = hall.browser();
    ann.open(link).await;
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

/// The thief has the codes of the second factor sent to the number that they added.
async fn switch_codes_on(hall: &Hall, session: &str, is_wire: bool) {
    if is_wire {
        let id = user_id(hall).await;
        let on = json!({"model": "users", "id": id, "values": {"twoFactorAuth": true}});
        let (status, answer) = call(hall, "/_api/rest/v1/db/object/update", session, on).await;
        assert_eq!(status, 200, "{answer}");
    } else {
        let mut thief = signed_in(hall, PASSWORD).await;
        thief.open("/profile/two-factor").await;
        thief.press("Switch on").await;
        assert_eq!(thief.page.heading(), "Your recovery codes", "{}", thief.page.text());
    }
}

async fn user_id(hall: &Hall) -> String {
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let (_, entered) = call(hall, "/_api/rest/v1/auth/signin-email", "", body).await;
    entered["user"]["_id"].as_str().expect("an id").to_owned()
}

/// Asks for every code that the number could get; it gets none.
async fn is_shut_to_the_number(hall: &Hall, password: &str) {
    hall.pass(Duration::from_secs(3600));
    let former = hall.codes_to(PHONE).await.len();
    for path in ["send-reset-code", "send-code"] {
        call(hall, &format!("/_api/rest/v1/auth/{path}?phone=%2B4915112345678"), "", json!({})).await;
    }
    let mut thief = hall.browser();
    thief.open("/reset-password/phone").await;
    thief.fill("Phone number", PHONE).press("Send me a code").await;
    assert_eq!(hall.codes_to(PHONE).await.len(), former, "no code for the thief");
    let profile = signed_in(hall, password).await;
    assert_eq!(profile.page.path, "/profile", "{}", profile.page.text());
    assert!(!profile.page.text().contains("1511 2345678"), "{}", profile.page.text());
}

/// S105: a reset leaves the number to the second factor; the link that switches that off takes it away.
#[actix_web::test]
async fn a_number_of_the_second_factor_opens_nothing_after_the_second_recovery() {
    for is_wire in [true, false] {
        let (hall, session) = robbed().await;
        if is_wire {
            add_phone_on_the_wire(&hall, &session).await;
        } else {
            add_phone_at_the_pages(&hall).await;
        }
        newest_not_me(&hall).await;
        hall.pass(Duration::from_secs(60));
        switch_codes_on(&hall, &session, is_wire).await;
        let link = newest_not_me(&hall).await;
        reset_by_email(&hall).await;
        let stuck = signed_in(&hall, NEW_PASSWORD).await;
        assert_eq!(stuck.page.path, "/sign-in/two-factor", "{}", stuck.page.text());
        press(&hall, &link).await;
        is_shut_to_the_number(&hall, NEW_PASSWORD).await;
    }
}

/// S105: a number that came before the last one is no way in that the link brings back.
#[actix_web::test]
async fn the_first_of_two_numbers_of_a_thief_does_not_come_back() {
    const SECOND: &str = "+4915187654321";
    let (hall, session) = robbed().await;
    add_phone_on_the_wire(&hall, &session).await;
    newest_not_me(&hall).await;
    hall.pass(Duration::from_secs(60));
    let body = json!({"currentPassword": PASSWORD, "newPhone": SECOND});
    let (status, answer) = call(&hall, "/_api/rest/v1/auth/change-phone", &session, body).await;
    assert_eq!(status, 200, "{answer}");
    let code = hall.newest_code_to(SECOND).await;
    let path = format!("/_api/rest/v1/auth/verify-phone?code={code}&phone=%2B4915187654321");
    assert_eq!(call(&hall, &path, "", json!({})).await.0, 200);
    press_not_me(&hall).await;
    is_shut_to_the_number(&hall, NEW_PASSWORD).await;
}
