//! Visitors elsewhere at the pages: they keep no owner out and use up no code that an owner asked
//! for (issue 12, points 8 and 9).

use super::{
    email_codes::other as other_emailed,
    phones::{PHONE, newest_code, other, signed_in_user, type_code},
};
use crate::support::{Browser, PASSWORD, TestServer};

const ANN: &str = "ann@example.com";
/// Client address of a visitor.
const ELSEWHERE: &str = "203.0.113.9";
/// Client address that the owner never used before.
const ABROAD: &str = "192.0.2.44";

async fn sign_in(browser: &mut Browser, password: &str) -> u16 {
    browser.open("/sign-in").await;
    browser.fill("E-mail", ANN).fill("Password", password);
    browser.press("Sign in").await;
    browser.page.status
}

async fn ask_for_code(browser: &mut Browser) {
    browser.open("/sign-in/code").await;
    browser.fill("Phone number", PHONE);
    browser.press("Send me a code").await;
    assert_eq!(browser.page.path, "/sign-in/code/enter", "{}", browser.page.text());
}

async fn ask_for_link(browser: &mut Browser) {
    browser.open("/magic-link").await;
    browser.fill("E-mail", ANN);
    browser.press("Send me a link").await;
    assert_eq!(browser.page.path, "/check-inbox", "{}", browser.page.text());
}

/// S12
#[actix_web::test]
async fn a_visitor_who_guesses_makes_nobody_wait_elsewhere() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut eve = server.browser_at(ELSEWHERE);
    let answers = [(); 7].map(|()| "a wrong password");
    let mut statuses = Vec::new();
    for wrong in answers {
        statuses.push(sign_in(&mut eve, wrong).await);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    let mut ann = server.browser_at(ABROAD);
    sign_in(&mut ann, PASSWORD).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S12, S107: all visitors together have an end, and three ways stay open for the owner.
#[actix_web::test]
async fn guesses_from_many_networks_end_and_the_owner_gets_in() {
    let server = TestServer::open().await;
    let mut known = server.signed_in_user("Ann", ANN).await;
    known.press("Sign out").await;
    let mut looked_at = 0;
    for network in 0..25 {
        let mut eve = server.browser_at(&format!("203.0.{network}.9"));
        for _ in 0..5 {
            looked_at += usize::from(sign_in(&mut eve, "a wrong password").await == 401);
        }
    }
    assert_eq!(looked_at, 100);

    let mut abroad = server.browser_at(ABROAD);
    assert_eq!(sign_in(&mut abroad, PASSWORD).await, 429);
    assert!(abroad.page.text().contains("You need not wait"), "{}", abroad.page.text());
    abroad.press("Email me a link instead").await;
    assert_eq!(abroad.page.path, "/check-inbox", "{}", abroad.page.text());
    abroad.open(&server.newest_email_to(ANN).await.link()).await;
    assert_eq!(abroad.page.path, "/profile", "{}", abroad.page.text());

    for mut owner in [known, server.browser()] {
        sign_in(&mut owner, PASSWORD).await;
        assert_eq!(owner.page.path, "/profile", "{}", owner.page.text());
    }
}

/// S12, S16, S17
#[actix_web::test]
async fn a_visitor_who_asks_for_a_code_by_sms_and_guesses_leaves_the_owners_alone() {
    let server = TestServer::open().await;
    drop(signed_in_user(&server).await);
    let mut ann = server.browser_at(ABROAD);
    ask_for_code(&mut ann).await;
    let code = newest_code(&server).await;
    let mut eve = server.browser_at(ELSEWHERE);
    ask_for_code(&mut eve).await;
    for _ in 0..12 {
        type_code(&mut eve, "Sign in", other(&code)).await;
        assert_ne!(eve.page.path, "/profile");
        eve.open("/sign-in/code/enter").await;
    }
    type_code(&mut ann, "Sign in", &code).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S12, S16, S17
#[actix_web::test]
async fn a_visitor_who_asks_for_a_link_and_guesses_leaves_the_owners_code_alone() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut ann = server.browser_at(ABROAD);
    ask_for_link(&mut ann).await;
    let code = server.newest_email_to(ANN).await.code().expect("a code");
    let mut eve = server.browser_at(ELSEWHERE);
    ask_for_link(&mut eve).await;
    for _ in 0..12 {
        eve.fill("Code from the mail", other_emailed(&code));
        eve.press("Sign in").await;
        assert_ne!(eve.page.path, "/profile");
    }
    assert!(
        eve.page.text().contains("the link in the email works all the same"),
        "{}",
        eve.page.text()
    );
    ann.fill("Code from the mail", &code);
    ann.press("Sign in").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}
