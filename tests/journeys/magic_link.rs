//! Signing in with a link by email.

use std::time::Duration;

use crate::support::{Browser, TestServer};

async fn ask(browser: &mut Browser, address: &str) {
    browser.open("/magic-link").await;
    browser.fill("E-mail", address);
    browser.press("Send me a link").await;
}

#[actix_web::test]
async fn a_magic_link_works_once() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut ann = server.browser();
    ask(&mut ann, "ann@example.com").await;
    let link = server.newest_email_to("ann@example.com").await.link();
    ann.open(&link).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());

    let mut again = server.browser();
    again.open(&link).await;
    assert_eq!(again.page.status, 410, "{}", again.page.text());
}

#[actix_web::test]
async fn opened_on_another_device_it_asks_for_one_press() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let (mut laptop, mut phone) = (server.browser(), server.browser());
    ask(&mut laptop, "ann@example.com").await;
    phone.open(&server.newest_email_to("ann@example.com").await.link()).await;
    assert_eq!(phone.page.path, "/auth-redirect/finish");
    phone.press("Sign in").await;
    assert_eq!(phone.page.path, "/profile");
}

/// S05: the page is the same for everybody.
#[actix_web::test]
async fn an_unknown_address_gets_the_same_page_and_no_email() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let (mut ann, mut eve) = (server.browser(), server.browser());
    ask(&mut ann, "ann@example.com").await;
    ask(&mut eve, "eve@example.com").await;
    assert_eq!(ann.page.text().replace("ann@", ""), eve.page.text().replace("eve@", ""));
    assert_eq!((ann.page.status, ann.page.path.clone()), (eve.page.status, eve.page.path.clone()));
    assert!(server.email_to("eve@example.com").await.is_empty());
}

#[actix_web::test]
async fn a_magic_link_dies_after_an_hour() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut ann = server.browser();
    ask(&mut ann, "ann@example.com").await;
    let link = server.newest_email_to("ann@example.com").await.link();
    server.pass(Duration::from_secs(3601));
    ann.open(&link).await;
    assert_eq!(ann.page.status, 410, "{}", ann.page.text());
}

/// S64: one inbox cannot be flooded, and the page does not tell.
#[actix_web::test]
async fn one_inbox_cannot_be_flooded() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut eve = server.browser();
    for _ in 0..12 {
        ask(&mut eve, "ann@example.com").await;
    }
    let links = server.email_to("ann@example.com").await.len();
    assert!(links <= 6, "{links} mails");
}

/// S110: a foreign page opens a link to its own account while the page asks for the press.
#[actix_web::test]
async fn the_press_signs_in_the_account_of_the_link_that_the_page_showed() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    server.signed_in_user("Eve", "eve@example.com").await;
    let (mut laptop, mut eve, mut phone) = (server.browser(), server.browser(), server.browser());
    ask(&mut laptop, "ann@example.com").await;
    ask(&mut eve, "eve@example.com").await;
    phone.open(&server.newest_email_to("ann@example.com").await.link()).await;
    let shown = phone.page.clone();
    phone.open(&server.newest_email_to("eve@example.com").await.link()).await;
    phone.page = shown;
    phone.press("Sign in").await;
    assert_eq!(phone.page.path, "/profile", "{}", phone.page.text());
    assert!(phone.page.text().contains("ann@example.com"), "{}", phone.page.text());
}
