//! Every change to how an account is got into is told to its owner, who can say that it was
//! somebody else.

use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::support::{Browser, CLIENT_KEY, PASSWORD, ReceivedEmail, TestServer};

const ANN: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";
const NEW_PASSWORD: &str = "a calm green gate";
const BUTTON: &str = "It was not me: take it back";

async fn call(server: &TestServer, path: &str, session: &str, body: Value) -> Value {
    let request = TestRequest::post().uri(path).insert_header(("x-client-key", CLIENT_KEY));
    let request =
        if session.is_empty() { request } else { request.insert_header(("session", session)) };
    let (status, _, bytes) = server.send(request.set_json(body)).await;
    assert!(status < 300, "{path}: {}", String::from_utf8_lossy(&bytes));
    serde_json::from_slice(&bytes).unwrap_or_default()
}

async fn change_password(browser: &mut Browser, new: &str) {
    browser.open("/profile/password").await;
    browser.fill("Current password", PASSWORD).fill("New password", new);
    browser.press("Change password").await;
}

async fn sign_in(server: &TestServer, password: &str) -> Browser {
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    browser.fill("E-mail", ANN).fill("Password", password);
    browser.press("Sign in").await;
    browser
}

/// Follows the link of an email, presses, and chooses a new password.
async fn take_back(server: &TestServer, mail: &ReceivedEmail) -> Browser {
    let mut browser = server.browser();
    browser.open(&mail.account_recovery().expect("a link")).await;
    browser.press(BUTTON).await;
    assert_eq!(browser.page.path, "/reset-password/choose", "{}", browser.page.text());
    browser.fill("New password", NEW_PASSWORD);
    browser.press("Save the new password").await;
    assert_eq!(browser.page.path, "/sign-in", "{}", browser.page.text());
    browser
}

/// S21, S63: which browser and from where, in words of ours; the password never.
#[actix_web::test]
async fn a_change_of_password_is_told_with_the_browser_and_the_address() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", ANN).await;
    ann.user_agent.push_str(" visit https://evil.example");
    change_password(&mut ann, NEW_PASSWORD).await;
    let told = server.newest_email_to(ANN).await;
    assert!(told.text.contains("Firefox on Linux, 198.51.100.7"), "{}", told.text);
    assert!(!told.text.contains("evil") && !told.text.contains(NEW_PASSWORD), "{}", told.text);
    assert!(told.account_recovery().is_some(), "{}", told.text);
}

#[actix_web::test]
async fn an_email_with_a_link_names_who_asked_for_it() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut eve = server.browser();
    eve.open("/magic-link").await;
    eve.fill("E-mail", ANN);
    eve.press("Send me a link").await;
    let mail = server.newest_email_to(ANN).await;
    assert!(mail.text.contains("Firefox on Linux, 198.51.100.7"), "{}", mail.text);
}

/// A visitor's knowledge opens nothing any more, and nothing that was sent before works.
#[actix_web::test]
async fn that_was_not_me_throws_everybody_out_and_ends_every_link() {
    let server = TestServer::open().await;
    let mut thief = server.signed_in_user("Ann", ANN).await;
    let mut waiting = server.browser();
    waiting.open("/magic-link").await;
    change_password(&mut thief, "the thief's own words").await;
    waiting.fill("E-mail", ANN);
    waiting.press("Send me a link").await;
    let emails = server.email_to(ANN).await;
    let (told, magic) = (&emails[emails.len() - 2], &emails[emails.len() - 1]);
    let (link, code) = (magic.link(), magic.code().expect("a code"));

    let mut ann = server.browser();
    ann.open(&told.account_recovery().expect("a link")).await;
    ann.press(BUTTON).await;
    assert_eq!(ann.page.path, "/reset-password/choose", "{}", ann.page.text());
    thief.open("/profile").await;
    assert_eq!(thief.page.path, "/sign-in", "{}", thief.page.text());
    for password in [PASSWORD, "the thief's own words"] {
        assert_eq!(sign_in(&server, password).await.page.status, 401);
    }
    waiting.fill("Code from the mail", &code);
    waiting.press("Sign in").await;
    assert_eq!(waiting.page.status, 401, "{}", waiting.page.text());
    waiting.open(&link).await;
    assert_eq!(waiting.page.status, 410, "{}", waiting.page.text());

    ann.fill("New password", NEW_PASSWORD);
    ann.press("Save the new password").await;
    assert_eq!(sign_in(&server, NEW_PASSWORD).await.page.path, "/profile");
}

#[actix_web::test]
async fn a_change_of_address_that_was_asked_for_is_stopped() {
    let server = TestServer::open().await;
    let mut thief = server.signed_in_user("Ann", ANN).await;
    thief.open("/profile/email").await;
    thief.fill("New e-mail", "thief@evil.example");
    thief.press("Change e-mail").await;
    let told = server.newest_email_to(ANN).await;
    assert!(told.subject.contains("asked for"), "{}", told.subject);
    take_back(&server, &told).await;
    let link = server.newest_email_to("thief@evil.example").await.link();
    thief.open(&link).await;
    thief.press("Confirm the new address").await;
    assert_eq!(thief.page.status, 410, "{}", thief.page.text());
}

/// Somebody who got in makes their own phone the second factor, which would keep the owner out for
/// good.
#[actix_web::test]
async fn a_phone_and_a_second_factor_that_a_visitor_set_are_taken_back() {
    let server = TestServer::open_with(&[("VESTIBULE_SMS__COUNTRIES", "DE")]).await;
    server.signed_in_user("Ann", ANN).await;
    let entered =
        call(&server, "/users/sign-in", "", json!({"email": ANN, "password": PASSWORD})).await;
    let session = entered["session"]["token"].as_str().expect("a session").to_owned();
    call(&server, "/users/set-phone?phoneNumber=%2B4915112345678", &session, json!({})).await;
    let code = server.newest_code_to(PHONE).await;
    call(&server, "/users/verify-phone", &session, json!({"code": code, "phoneNumber": PHONE}))
        .await;
    server.pass(Duration::from_secs(5));
    let on =
        json!({"model": "users", "id": entered["user"]["_id"], "values": {"twoFactorAuth": true}});
    call(&server, "/_api/rest/v1/db/object/update", &session, on).await;
    let emails = server.email_to(ANN).await;
    let (phone, second_factor) = (&emails[emails.len() - 2], &emails[emails.len() - 1]);
    assert!(phone.subject.contains("phone number") && phone.text.contains("78"), "{}", phone.text);
    assert!(second_factor.subject.contains("takes a code"), "{}", second_factor.subject);

    let mut ann = server.browser();
    ann.open(&second_factor.account_recovery().expect("a link")).await;
    // The number was added lately, so it goes with the codes that went to it.
    assert!(ann.page.text().contains("switched off") && ann.page.text().contains("phone number"));
    // The older email takes back what it told of and what came later.
    ann.open(&phone.account_recovery().expect("a link")).await;
    assert!(ann.page.text().contains("switched off") && ann.page.text().contains("phone number"));
    take_back(&server, phone).await;
    let ann = sign_in(&server, NEW_PASSWORD).await;
    assert_eq!(ann.page.path, "/profile", "no second step: {}", ann.page.text());
    assert!(!ann.page.text().contains("78"), "{}", ann.page.text());
}

/// Where there is no mailbox, the phone is told, without a link.
#[actix_web::test]
async fn an_owner_without_a_mailbox_is_told_by_sms() {
    let server = TestServer::open_with(&[("VESTIBULE_SMS__COUNTRIES", "DE")]).await;
    let signed_up = call(
        &server,
        "/_api/rest/v1/auth/signup-phone",
        "",
        json!({"phone": PHONE, "password": PASSWORD}),
    )
    .await;
    assert!(signed_up["session"].is_null(), "{signed_up}");
    let code = server.newest_code_to(PHONE).await;
    let path = format!("/_api/rest/v1/auth/verify-phone?code={code}&phone=%2B4915112345678");
    let session = call(&server, &path, "", json!({})).await["session"]["token"]
        .as_str()
        .expect("a session")
        .to_owned();
    let change = json!({"newPassword": NEW_PASSWORD, "oldPassword": PASSWORD});
    call(&server, "/_api/rest/v1/auth/change-pwd", &session, change).await;
    let texts = server.texts_to(PHONE).await;
    let told = texts.last().expect("a text");
    assert!(told.contains("password") && !told.contains("http"), "{told}");
}

/// A request over the wire has nowhere to type a code.
#[actix_web::test]
async fn an_email_that_an_application_asked_for_has_a_link_only() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    call(&server, "/_api/rest/v1/auth/send-magic?email=ann@example.com", "", json!({})).await;
    let mail = server.newest_email_to(ANN).await;
    assert!(mail.code().is_none() && !mail.text.contains("code"), "{}", mail.text);
    assert!(mail.link().contains("/auth/verify?"), "{}", mail.text);
}

/// The link is no sign-in and no reset: at the channel of the wire it is nothing but a page of
/// ours.
#[actix_web::test]
async fn the_link_is_worth_nothing_at_the_rest_api() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", ANN).await;
    change_password(&mut ann, NEW_PASSWORD).await;
    let link = server.newest_email_to(ANN).await.account_recovery().expect("a link");
    let key = link.split_once("key=").expect("a key").1;
    for action in ["magic-link", "reset-pwd", "not-me"] {
        let mut eve = server.browser();
        eve.open(&format!("/_api/rest/v1/auth/verify?key={key}&action={action}")).await;
        assert_eq!(eve.page.path, "/not-me/confirm", "{}", eve.page.text());
    }
    ann.open("/profile").await;
    assert_eq!(ann.page.path, "/profile", "nothing happened");
}

/// S106: sixty changes over the wire are three emails and one digest, which the owner can answer
/// with "that was not me".
#[actix_web::test]
async fn changes_without_end_are_a_few_emails_and_one_that_lists_the_rest() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let entered =
        call(&server, "/users/sign-in", "", json!({"email": ANN, "password": PASSWORD})).await;
    let session = entered["session"]["token"].as_str().expect("a session").to_owned();
    let before = server.email_to(ANN).await.len();
    let mut old = PASSWORD.to_owned();
    for number in 0..60 {
        let new = format!("{number} quiet lanterns there");
        let body = json!({"oldPassword": old, "newPassword": new});
        call(&server, "/_api/rest/v1/auth/change-pwd", &session, body).await;
        old = new;
    }
    assert_eq!(server.email_to(ANN).await.len(), before + 3);
    server.pass(Duration::from_secs(15 * 60));
    let emails = server.email_to(ANN).await;
    assert_eq!(emails.len(), before + 4);
    let digest = &emails[before + 3];
    assert!(digest.text.contains("the password was changed, 57 times"), "{}", digest.text);
    let ann = take_back(&server, digest).await;
    assert_eq!(ann.page.path, "/sign-in", "{}", ann.page.text());
}

/// S106, at the pages.
#[actix_web::test]
async fn six_changes_at_the_pages_are_three_emails_and_one_digest() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", ANN).await;
    let before = server.email_to(ANN).await.len();
    let mut old = PASSWORD.to_owned();
    for number in 0..6 {
        let new = format!("{number} quiet lanterns there");
        ann.open("/profile/password").await;
        ann.fill("Current password", &old).fill("New password", &new);
        ann.press("Change password").await;
        old = new;
    }
    assert_eq!(server.email_to(ANN).await.len(), before + 3);
    server.pass(Duration::from_secs(15 * 60));
    let emails = server.email_to(ANN).await;
    assert_eq!(emails.len(), before + 4);
    assert!(
        emails[before + 3].text.contains("the password was changed, 3 times"),
        "{}",
        emails[before + 3].text
    );
}

/// S21, S106: sign-ins from new browsers beyond the third are listed, not dropped.
#[actix_web::test]
async fn every_sign_in_from_a_new_browser_is_told() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let before = server.email_to(ANN).await.len();
    server.pass(Duration::from_secs(1));
    sign_in(&server, PASSWORD).await;
    for _ in 0..5 {
        assert_eq!(sign_in(&server, PASSWORD).await.page.path, "/profile");
    }
    server.pass(Duration::from_secs(15 * 60));
    let emails = server.email_to(ANN).await;
    assert_eq!(emails.len(), before + 4);
    assert!(
        emails[before + 3].text.contains("a new browser signed in, 2 times"),
        "{}",
        emails[before + 3].text
    );
}
