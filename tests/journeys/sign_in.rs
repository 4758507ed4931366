//! Signing in and out.

use crate::support::{Browser, PASSWORD, TestServer};

async fn sign_in(browser: &mut Browser, address: &str, password: &str) {
    browser.open("/sign-in").await;
    browser.fill("E-mail", address).fill("Password", password);
    browser.press("Sign in").await;
}

#[actix_web::test]
async fn a_signed_in_user_signs_in_and_out() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut ann = server.browser();
    sign_in(&mut ann, " Ann@Example.com ", PASSWORD).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    ann.press("Sign out").await;
    ann.open("/profile").await;
    assert_eq!(ann.page.path, "/sign-in");
}

#[actix_web::test]
async fn signing_in_returns_to_the_page_that_was_asked_for() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut ann = server.browser();
    ann.open("/profile/sessions").await;
    assert_eq!(ann.page.path, "/sign-in");
    ann.fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Sign in").await;
    assert_eq!(ann.page.path, "/profile/sessions");
}

/// S01: unknown, wrong and unconfirmed look the same; the address stays, the password does not.
#[actix_web::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut pages = Vec::new();
    for (address, password) in [
        ("ann@example.com", "a wrong password"),
        ("eve@example.com", PASSWORD),
        ("ann@example.com", ""),
    ] {
        let mut browser = server.browser();
        sign_in(&mut browser, address, password).await;
        assert_eq!(browser.page.value("E-mail"), address);
        assert_eq!(browser.page.value("Password"), "");
        pages.push((browser.page.status, browser.page.text()));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0].0, 401);
}

#[actix_web::test]
async fn not_confirmed_yet_is_told_only_after_the_right_password() {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    ann.open("/sign-up").await;
    ann.fill("Name", "Ann").fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Create account").await;
    sign_in(&mut ann, "ann@example.com", "a wrong password").await;
    assert!(!ann.page.text().contains("not been verified"), "{}", ann.page.text());
    sign_in(&mut ann, "ann@example.com", PASSWORD).await;
    assert!(ann.page.text().contains("not been verified"), "{}", ann.page.text());
    ann.press("Send the link again").await;
    assert_eq!(server.email_to("ann@example.com").await.len(), 2);
}

/// S32, S34: a cookie from before the sign-out opens nothing.
#[actix_web::test]
async fn a_kept_cookie_is_worth_nothing_after_signing_out() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    let mut thief = ann.clone();
    ann.press("Sign out").await;
    thief.open("/profile").await;
    assert_eq!(thief.page.path, "/sign-in");
}

#[actix_web::test]
async fn guessing_is_slowed_down_and_told_in_words() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut eve = server.browser();
    for _ in 0..30 {
        sign_in(&mut eve, "ann@example.com", "a wrong password").await;
    }
    assert_eq!(eve.page.status, 429);
    assert!(eve.page.header("retry-after").is_some());
    assert!(eve.page.text().contains("Wait"), "{}", eve.page.text());
    assert_eq!(eve.page.value("E-mail"), "ann@example.com");
}

/// S41: the form is shown again with what was typed, and works at the second press.
#[actix_web::test]
async fn a_form_that_lost_its_cookie_is_shown_again_and_loses_nothing() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut ann = server.browser();
    ann.open("/sign-in").await;
    ann.forget_cookies();
    ann.fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Sign in").await;
    assert!(ann.page.status >= 400);
    assert_eq!(ann.page.value("E-mail"), "ann@example.com");
    ann.fill("Password", PASSWORD);
    ann.press("Sign in").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}
