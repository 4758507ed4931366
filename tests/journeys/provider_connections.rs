//! The accounts at providers that are connected to one's own.

use std::time::Duration;

use serde_json::json;

use super::{
    authenticator::{begin, code_of},
    providers::{open, press_google},
};
use crate::support::{Browser, PASSWORD, TestServer, oidc::Idp};

async fn connect(browser: &mut Browser, idp: &Idp) {
    let back = connect_up_to(browser, idp).await;
    browser.open(&back).await;
}

/// Goes to the provider; answers where the browser comes back to.
pub(super) async fn connect_up_to(browser: &mut Browser, idp: &Idp) -> String {
    browser.open("/profile/connections").await;
    browser.press("Connect").await;
    idp.allow(&browser.page.way_on())
}

async fn sign_in(server: &TestServer, idp: &Idp) -> Browser {
    let mut browser = server.browser();
    let authorize = press_google(&mut browser).await;
    browser.open(&idp.allow(&authorize)).await;
    browser
}

#[actix_web::test]
async fn a_signed_in_user_connects_and_disconnects_and_is_told() {
    let (server, idp) = open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    idp.person(json!({
        "sub": "ann-at-work",
        "email": "ann@work.example",
        "email_verified": true,
        "name": "Ann",
    }));
    connect(&mut ann, &idp).await;
    assert_eq!(ann.page.path, "/profile/connections", "{}", ann.page.text());
    assert!(ann.page.text().contains("ann@work.example"), "{}", ann.page.text());
    assert!(server.newest_email_to("ann@example.com").await.subject.contains("Google signs in"));
    let other = sign_in(&server, &idp).await;
    assert!(other.page.text().contains("ann@example.com"), "{}", other.page.text());

    ann.open("/profile/connections").await;
    ann.press("Disconnect").await;
    assert!(ann.page.text().contains("None is connected"), "{}", ann.page.text());
    assert!(server.newest_email_to("ann@example.com").await.subject.contains("no longer signs in"));
}

/// S20
#[actix_web::test]
async fn connecting_asks_for_a_fresh_proof() {
    let (server, idp) = open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    server.pass(Duration::from_secs(3600));
    ann.open("/profile/connections").await;
    ann.press("Connect").await;
    assert_eq!(ann.page.status, 403, "{}", ann.page.text());
    ann.fill("Your password", PASSWORD);
    ann.press("Confirm").await;
    assert!(ann.page.way_on().starts_with(&idp.url()), "{}", ann.page.text());
}

#[actix_web::test]
async fn the_last_way_in_stays() {
    let (server, idp) = open().await;
    idp.person(json!({ "sub": "ann-1", "name": "Ann" }));
    let mut ann = sign_in(&server, &idp).await;
    ann.open("/profile/connections").await;
    assert!(ann.page.text().contains("the only way to sign in"), "{}", ann.page.text());
    let body = format!("csrf={}&provider=google", ann.page.csrf());
    ann.post(
        "/profile/connections/disconnect",
        "application/x-www-form-urlencoded",
        body.as_bytes(),
    )
    .await;
    assert_eq!(ann.page.status, 422, "{}", ann.page.text());
    assert_eq!(sign_in(&server, &idp).await.page.path, "/profile", "it still signs in");
}

/// S26: an answer for the account of one is not taken for that of another who signed in meanwhile.
#[actix_web::test]
async fn what_was_begun_for_one_account_is_not_finished_for_another() {
    let (server, idp) = open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    server.signed_in_user("Eve", "eve@example.com").await;
    ann.open("/profile/connections").await;
    ann.press("Connect").await;
    let back = idp.allow(&ann.page.way_on());
    ann.open("/profile").await;
    ann.press("Sign out").await;
    ann.open("/sign-in").await;
    ann.fill("E-mail", "eve@example.com").fill("Password", PASSWORD);
    ann.press("Sign in").await;
    ann.open(&back).await;
    assert_eq!(ann.page.status, 410, "{}", ann.page.text());
}

/// S25: an identity is one account's.
#[actix_web::test]
async fn an_identity_of_another_account_is_not_taken_over() {
    let (server, idp) = open().await;
    sign_in(&server, &idp).await;
    let mut eve = server.signed_in_user("Eve", "eve@example.com").await;
    connect(&mut eve, &idp).await;
    assert_eq!(eve.page.status, 422, "{}", eve.page.text());
    assert!(eve.page.text().contains("connected to another account"), "{}", eve.page.text());
}

/// S21, S22: whoever takes the account back has thrown out what a visitor connected.
#[actix_web::test]
async fn not_me_disconnects() {
    let (server, idp) = open().await;
    let mut eve = server.signed_in_user("Ann", "ann@example.com").await;
    idp.person(json!({ "sub": "eve-1", "name": "Eve" }));
    connect(&mut eve, &idp).await;
    let mail = server.newest_email_to("ann@example.com").await;
    let mut ann = server.browser();
    ann.open(&mail.account_recovery().expect("a link")).await;
    ann.press("It was not me: take it back").await;
    let visitor = sign_in(&server, &idp).await;
    assert!(!visitor.page.text().contains("ann@example.com"), "{}", visitor.page.text());
}

/// S18
#[actix_web::test]
async fn a_second_factor_is_asked_after_a_provider_too() {
    let (server, idp) = open().await;
    let mut ann = sign_in(&server, &idp).await;
    let key = begin(&mut ann).await;
    ann.fill("Code", &code_of(&server, &key));
    ann.press("Switch it on").await;
    let other = sign_in(&server, &idp).await;
    assert_eq!(other.page.path, "/sign-in/two-factor", "{}", other.page.text());
}

/// S31: a picture is drawn anew, and kept here.
#[actix_web::test]
async fn a_new_account_has_the_picture() {
    let (server, idp) = open().await;
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(300, 200, image::Rgb([200, 30, 30]))
        .write_to(&mut png, image::ImageFormat::Png)
        .unwrap();
    idp.picture(png.into_inner());
    let picture = format!("{}/picture.png", idp.url());
    idp.person(json!({
        "sub": "ann-1",
        "email": "ann@example.com",
        "email_verified": true,
        "name": "Ann",
        "picture": picture,
    }));
    let ann = sign_in(&server, &idp).await;
    assert!(ann.page.html().contains("/_storage/"), "{}", ann.page.html());
    assert!(!ann.page.html().contains(&idp.url()), "{}", ann.page.html());
}
