//! Signing up and proving one's address.

use std::time::Duration;

use crate::support::{Browser, PASSWORD, TestServer};

async fn sign_up(browser: &mut Browser, name: &str, address: &str, password: &str) {
    browser.open("/sign-up").await;
    browser.fill("Name", name).fill("E-mail", address).fill("Password", password);
    browser.press("Create account").await;
}

#[actix_web::test]
async fn somebody_signs_up_opens_the_link_in_the_same_browser_and_is_in() {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    sign_up(&mut ann, "Ann Example", "ann@example.com", PASSWORD).await;
    assert_eq!(ann.page.status, 200);
    assert!(ann.page.text().contains("ann@example.com"), "{}", ann.page.text());

    let mail = server.newest_email_to("ann@example.com").await;
    ann.open(&mail.link()).await;

    assert_eq!(ann.page.path, "/profile");
    assert!(ann.page.text().contains("Ann Example"), "{}", ann.page.text());
}

#[actix_web::test]
async fn elsewhere_one_press_finishes_the_sign_up() {
    let server = TestServer::open().await;
    let (mut laptop, mut phone) = (server.browser(), server.browser());
    sign_up(&mut laptop, "Ann", "ann@example.com", PASSWORD).await;
    let link = server.newest_email_to("ann@example.com").await.link();

    phone.open(&link).await;
    assert_eq!(phone.page.path, "/auth-redirect/finish", "the token is moved out of the URL");
    phone.press("Confirm my address").await;
    assert_eq!(phone.page.path, "/profile");

    let mut scanner = server.browser();
    scanner.open(&link).await;
    assert!(scanner.page.status >= 400, "a spent link says so: {}", scanner.page.text());
}

/// S44: scanners fetch links, and nothing happens.
#[actix_web::test]
async fn an_email_scanner_that_opens_the_link_ten_times_spends_nothing() {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    sign_up(&mut ann, "Ann", "ann@example.com", PASSWORD).await;
    let link = server.newest_email_to("ann@example.com").await.link();
    for _ in 0..10 {
        let mut scanner = server.browser();
        scanner.open(&link).await;
        assert_eq!(scanner.page.status, 200);
    }
    ann.open(&link).await;
    assert_eq!(ann.page.path, "/profile");
}

/// S04: the page says the same, and the owner is told.
#[actix_web::test]
async fn a_taken_address_gets_the_same_page_and_its_owner_an_email() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let (mut visitor, mut new_visitor) = (server.browser(), server.browser());
    sign_up(&mut visitor, "Eve", "ann@example.com", "another calm door").await;
    sign_up(&mut new_visitor, "Eve", "bob@example.com", "another calm door").await;
    assert_eq!(visitor.page.status, new_visitor.page.status);
    assert_eq!(visitor.page.path, new_visitor.page.path);
    assert_eq!(
        visitor.page.text().replace("ann@", ""),
        new_visitor.page.text().replace("bob@", "")
    );

    let told = server.newest_email_to("ann@example.com").await;
    assert!(!told.text.contains("Eve"), "a stranger's words are not passed on: {}", told.text);
    assert!(
        !told.text.contains("access_token") && !told.text.contains("key="),
        "no secret for the asking: {}",
        told.text
    );
}

#[actix_web::test]
async fn everything_wrong_is_said_at_once_and_what_was_typed_stays() {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    sign_up(&mut ann, "Ann", "ann@example", "short").await;
    assert_eq!(ann.page.status, 422);
    assert!(ann.page.problem("E-mail").unwrap().contains("complete e-mail address"));
    assert!(ann.page.problem("Password").unwrap().contains("at least 8 characters"));
    assert_eq!(
        (ann.page.value("Name"), ann.page.value("E-mail")),
        ("Ann".into(), "ann@example".into())
    );
    assert_eq!(ann.page.value("Password"), "", "a password is never sent back");
    assert!(ann.page.html().contains("role=\"alert\""), "summed up at the top");
}

#[actix_web::test]
async fn a_mistyped_address_can_be_corrected_and_the_old_link_dies() {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    sign_up(&mut ann, "Ann", "ann@exmaple.com", PASSWORD).await;
    let old_link = server.newest_email_to("ann@exmaple.com").await.link();

    ann.fill("Right address", "ann@example.com");
    ann.press("Correct it").await;
    assert!(ann.page.text().contains("ann@example.com"), "{}", ann.page.text());
    let mut visitor = server.browser();
    visitor.open(&old_link).await;
    assert!(visitor.page.status >= 400, "{}", visitor.page.text());

    let link = server.newest_email_to("ann@example.com").await.link();
    ann.open(&link).await;
    assert_eq!(ann.page.path, "/profile");
    assert!(ann.page.text().contains("ann@example.com"));
}

#[actix_web::test]
async fn the_link_can_be_sent_again_and_every_one_works_until_the_first_is_used() {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    sign_up(&mut ann, "Ann", "ann@example.com", PASSWORD).await;
    let first = server.newest_email_to("ann@example.com").await.link();
    server.pass(Duration::from_secs(120));
    ann.press("Send it again").await;
    let emails = server.email_to("ann@example.com").await;
    assert_eq!(emails.len(), 2);

    ann.open(&first).await;
    assert_eq!(ann.page.path, "/profile");
    let mut other = server.browser();
    other.open(&emails[1].link()).await;
    assert!(other.page.status >= 400, "{}", other.page.text());
}

#[actix_web::test]
async fn a_link_dies_after_a_day() {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    sign_up(&mut ann, "Ann", "ann@example.com", PASSWORD).await;
    let link = server.newest_email_to("ann@example.com").await.link();
    server.pass(Duration::from_secs(25 * 3600));
    ann.open(&link).await;
    assert_eq!(ann.page.status, 410, "{}", ann.page.text());
}

/// S23: who proves the address owns the account; a password that somebody else chose is gone.
#[actix_web::test]
async fn a_squatter_who_signed_up_first_has_nothing_when_the_owner_comes() {
    let server = TestServer::open().await;
    let (mut squatter, mut ann) = (server.browser(), server.browser());
    sign_up(&mut squatter, "Eve", "ann@example.com", "a squatters long word").await;
    server.pass(Duration::from_secs(120));
    sign_up(&mut ann, "Ann", "ann@example.com", PASSWORD).await;
    let link = server.newest_email_to("ann@example.com").await.link();
    ann.open(&link).await;
    assert_eq!(ann.page.path, "/profile");
    assert!(ann.page.text().contains("Ann"), "{}", ann.page.text());

    squatter.open("/sign-in").await;
    squatter.fill("E-mail", "ann@example.com").fill("Password", "a squatters long word");
    squatter.press("Sign in").await;
    assert_eq!(squatter.page.status, 401, "{}", squatter.page.text());
}

#[actix_web::test]
async fn without_confirmation_one_is_in_at_once() {
    let server = TestServer::open_with(&[("VESTIBULE_ENGINE__CONFIRM_EMAIL", "false")]).await;
    let mut ann = server.browser();
    sign_up(&mut ann, "Ann", "ann@example.com", PASSWORD).await;
    assert_eq!(ann.page.path, "/profile");
    let mut other = server.browser();
    sign_up(&mut other, "Eve", "ann@example.com", PASSWORD).await;
    assert_eq!(other.page.status, 422);
    assert!(other.page.problem("E-mail").is_some());
}
