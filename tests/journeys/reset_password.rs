//! Choosing a new password with a link by email.

use std::time::Duration;

use crate::support::{Browser, PASSWORD, TestServer};

async fn reset(browser: &mut Browser, server: &TestServer, address: &str) -> String {
    browser.open("/reset-password").await;
    browser.fill("E-mail", address);
    browser.press("Send me a link").await;
    server.newest_email_to(address).await.link()
}

#[actix_web::test]
async fn a_forgotten_password_is_replaced_and_every_session_ends() {
    let server = TestServer::open().await;
    let mut old_session = server.signed_in_user("Ann", "ann@example.com").await;
    let mut ann = server.browser();
    let link = reset(&mut ann, &server, "ann@example.com").await;
    ann.open(&link).await;
    ann.fill("New password", "a calm green gate");
    ann.press("Save the new password").await;
    assert_eq!(ann.page.path, "/sign-in", "{}", ann.page.text());

    old_session.open("/profile").await;
    assert_eq!(old_session.page.path, "/sign-in", "S35: the old session is over");
    ann.fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Sign in").await;
    assert_eq!(ann.page.status, 401);
    ann.fill("Password", "a calm green gate");
    ann.press("Sign in").await;
    assert_eq!(ann.page.path, "/profile");
    let told = server.email_to("ann@example.com").await;
    assert!(told.iter().any(|mail| mail.subject.starts_with("Your password")), "the owner is told");
}

#[actix_web::test]
async fn a_bad_new_password_is_told_and_the_link_still_works() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut ann = server.browser();
    let link = reset(&mut ann, &server, "ann@example.com").await;
    ann.open(&link).await;
    ann.fill("New password", "12345678");
    ann.press("Save the new password").await;
    assert_eq!(ann.page.status, 422);
    assert!(ann.page.problem("New password").is_some(), "{}", ann.page.text());
    ann.fill("New password", "a calm green gate");
    ann.press("Save the new password").await;
    assert_eq!(ann.page.path, "/sign-in");

    let mut again = server.browser();
    again.open(&link).await;
    assert_eq!(again.page.status, 410, "S45: the link is spent: {}", again.page.text());
}

#[actix_web::test]
async fn an_unknown_address_gets_the_same_page_and_no_email() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut pages = Vec::new();
    for address in ["ann@example.com", "eve@example.com"] {
        let mut browser = server.browser();
        browser.open("/reset-password").await;
        browser.fill("E-mail", address);
        browser.press("Send me a link").await;
        pages.push((browser.page.status, browser.page.text().replace(address, "")));
    }
    assert_eq!(pages[0], pages[1]);
    assert!(server.email_to("eve@example.com").await.is_empty());
}

#[actix_web::test]
async fn the_token_never_stays_in_the_address_bar() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut ann = server.browser();
    let link = reset(&mut ann, &server, "ann@example.com").await;
    ann.open(&link).await;
    assert!(!ann.page.html().contains("access_token="), "nor in a link of the page");
    assert_eq!(ann.page.header("cache-control"), Some("no-store"));
}

/// S110: a foreign page opens a link to an account of its own in a browser where somebody is
/// choosing a new password.
#[actix_web::test]
async fn a_page_acts_on_the_link_that_it_showed() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    server.signed_in_user("Eve", "eve@example.com").await;
    let (mut ann, mut eve) = (server.browser(), server.browser());
    let link = reset(&mut ann, &server, "ann@example.com").await;
    let foreign = reset(&mut eve, &server, "eve@example.com").await;
    ann.open(&link).await;
    let shown = ann.page.clone();
    ann.open(&foreign).await;
    ann.page = shown;
    ann.fill("New password", "12345678");
    ann.press("Save the new password").await;
    assert_eq!(ann.page.status, 422, "shown again, still for the same link");
    ann.fill("New password", "a calm green gate");
    ann.press("Save the new password").await;
    assert_eq!(ann.page.path, "/sign-in", "{}", ann.page.text());
    for (email, password) in
        [("ann@example.com", "a calm green gate"), ("eve@example.com", PASSWORD)]
    {
        let mut browser = server.browser();
        browser.open("/sign-in").await;
        browser.fill("E-mail", email).fill("Password", password);
        browser.press("Sign in").await;
        assert_eq!(browser.page.path, "/profile", "{email}: {}", browser.page.text());
    }
}

/// S110: a link that somebody made up is none.
#[actix_web::test]
async fn a_forged_link_in_the_form_is_refused() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut ann = server.browser();
    let link = reset(&mut ann, &server, "ann@example.com").await;
    ann.open(&link).await;
    let body = format!("csrf={}&link=forged&password=a+calm+green+gate", ann.page.csrf());
    ann.post("/reset-password/choose", "application/x-www-form-urlencoded", body.as_bytes()).await;
    assert_eq!(ann.page.path, "/reset-password", "{}", ann.page.text());
}

/// S46
#[actix_web::test]
async fn a_reset_link_works_for_an_hour() {
    for (minutes, status) in [(59, 200), (61, 410)] {
        let server = TestServer::open().await;
        server.signed_in_user("Ann", "ann@example.com").await;
        let link = reset(&mut server.browser(), &server, "ann@example.com").await;
        server.pass(Duration::from_secs(minutes * 60));
        let mut ann = server.browser();
        ann.open(&link).await;
        assert_eq!(ann.page.status, status, "{minutes} minutes: {}", ann.page.text());
    }
}

/// S46: a link that was emailed to the former address, or for the former password.
#[actix_web::test]
async fn a_reset_link_dies_with_a_change_of_email_or_of_the_password() {
    for field in ["email", "password"] {
        let server = TestServer::open().await;
        let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
        let link = reset(&mut server.browser(), &server, "ann@example.com").await;
        if field == "email" {
            ann.open("/profile/email").await;
            ann.fill("New e-mail", "ann@new.example");
            ann.press("Change e-mail").await;
            ann.open(&server.newest_email_to("ann@new.example").await.link()).await;
            ann.press("Confirm the new address").await;
        } else {
            ann.open("/profile/password").await;
            ann.fill("Current password", PASSWORD).fill("New password", "a calm green gate");
            ann.press("Change password").await;
        }
        assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
        let mut late = server.browser();
        late.open(&link).await;
        assert_eq!(late.page.status, 410, "{field}: {}", late.page.text());
    }
}
