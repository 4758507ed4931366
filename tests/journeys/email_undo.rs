//! Taking an account back that somebody moved to another address.

use std::time::Duration;

use crate::support::{Browser, PASSWORD, TestServer};

const ANN: &str = "ann@example.com";
const THIEF: &str = "thief@evil.example";
const NEW_PASSWORD: &str = "a calm green gate";
const BUTTON: &str = "It was not me: take it back";

/// Moves the account of a browser to another address, whose mailbox the same person reads.
async fn move_to(server: &TestServer, browser: &mut Browser, new: &str) {
    browser.open("/profile/email").await;
    browser.fill("New e-mail", new);
    browser.press("Change e-mail").await;
    let code = server.newest_email_to(new).await.code().expect("a code");
    browser.fill("Code from the mail", &code);
    browser.press("Confirm the new address").await;
    assert_eq!(browser.page.path, "/profile", "{}", browser.page.text());
    server.pass(Duration::from_secs(60));
}

async fn undo_link(server: &TestServer, address: &str) -> String {
    server.newest_email_to(address).await.account_recovery().expect("a link")
}

async fn sign_in(server: &TestServer, address: &str, password: &str) -> Browser {
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    browser.fill("E-mail", address).fill("Password", password);
    browser.press("Sign in").await;
    browser
}

/// Ann's account, which somebody who knows her password has moved to a mailbox of theirs.
async fn stolen() -> (TestServer, Browser) {
    let server = TestServer::open().await;
    let mut thief = server.signed_in_user("Ann", ANN).await;
    move_to(&server, &mut thief, THIEF).await;
    (server, thief)
}

/// S21
#[actix_web::test]
async fn the_former_address_takes_the_account_back_and_throws_the_thief_out() {
    let (server, mut thief) = stolen().await;
    let link = undo_link(&server, ANN).await;
    assert!(link.contains("/profile/email/undo?"), "{link}");
    let mut ann = server.browser();
    ann.open(&link).await;
    assert_eq!(ann.page.path, "/not-me/confirm", "the key is not left in the address");
    assert!(ann.page.text().contains("goes back to ann@example.com"), "{}", ann.page.text());
    ann.press(BUTTON).await;
    assert_eq!(ann.page.path, "/reset-password/choose", "{}", ann.page.text());

    thief.open("/profile").await;
    assert_eq!(thief.page.path, "/sign-in", "every session has ended");
    assert_eq!(
        sign_in(&server, ANN, PASSWORD).await.page.status,
        401,
        "the thief knows that password"
    );
    assert_eq!(sign_in(&server, THIEF, PASSWORD).await.page.status, 401);

    ann.fill("New password", NEW_PASSWORD);
    ann.press("Save the new password").await;
    assert_eq!(ann.page.path, "/sign-in", "{}", ann.page.text());
    assert_eq!(sign_in(&server, ANN, NEW_PASSWORD).await.page.path, "/profile");
    let told = server.newest_email_to(THIEF).await;
    assert!(told.subject.contains("no longer your address"), "{}", told.subject);
    assert!(
        !told.text.contains("Ann") && !told.text.contains(ANN) && told.account_recovery().is_none(),
        "{}",
        told.text
    );
}

/// S43, S44: scanners fetch every link of every email, some of them ten times.
#[actix_web::test]
async fn fetching_the_link_changes_nothing() {
    let (server, mut thief) = stolen().await;
    let link = undo_link(&server, ANN).await;
    for _ in 0..10 {
        let mut scanner = server.browser();
        scanner.open(&link).await;
        assert_eq!(scanner.page.status, 200);
    }
    thief.open("/profile").await;
    assert_eq!(thief.page.path, "/profile");
    assert!(thief.page.text().contains(THIEF), "{}", thief.page.text());
}

/// S45
#[actix_web::test]
async fn the_link_works_once_and_for_seven_days() {
    let (server, _) = stolen().await;
    let link = undo_link(&server, ANN).await;
    server.pass(Duration::from_secs(7 * 24 * 3600 - 120));
    let mut ann = server.browser();
    ann.open(&link).await;
    assert_eq!(ann.page.status, 200, "{}", ann.page.text());
    let mut late = ann.clone();
    let mut again = ann.clone();
    ann.press(BUTTON).await;
    assert_eq!(ann.page.path, "/reset-password/choose", "{}", ann.page.text());
    again.press(BUTTON).await;
    assert_eq!(again.page.status, 410, "{}", again.page.text());
    server.pass(Duration::from_secs(120));
    late.open(&link).await;
    assert_eq!(late.page.status, 410, "{}", late.page.text());
}

/// The thief moves on and undoes their own step with a newer link: the owner's, which is older,
/// goes on working.
#[actix_web::test]
async fn a_thief_who_moves_on_cannot_revoke_the_owners_link() {
    let (server, mut thief) = stolen().await;
    let owners = undo_link(&server, ANN).await;
    move_to(&server, &mut thief, "second@evil.example").await;
    let thiefs = undo_link(&server, THIEF).await;
    thief.open(&thiefs).await;
    thief.press(BUTTON).await;
    thief.fill("New password", "a password of a thief");
    thief.press("Save the new password").await;
    assert_eq!(thief.page.path, "/sign-in", "{}", thief.page.text());
    server.pass(Duration::from_secs(60));

    let mut ann = server.browser();
    ann.open(&owners).await;
    ann.press(BUTTON).await;
    ann.fill("New password", NEW_PASSWORD);
    ann.press("Save the new password").await;
    assert_eq!(sign_in(&server, ANN, NEW_PASSWORD).await.page.path, "/profile");
}

/// The other way round: once the owner has the account back, the thief's newer links are dead.
#[actix_web::test]
async fn the_owners_link_revokes_those_of_the_thief() {
    let (server, mut thief) = stolen().await;
    let owners = undo_link(&server, ANN).await;
    move_to(&server, &mut thief, "second@evil.example").await;
    let thiefs = undo_link(&server, THIEF).await;
    let mut ann = server.browser();
    ann.open(&owners).await;
    ann.press(BUTTON).await;
    assert_eq!(ann.page.path, "/reset-password/choose", "{}", ann.page.text());
    thief.open(&thiefs).await;
    assert_eq!(thief.page.status, 410, "{}", thief.page.text());
}

/// Nothing a thief can do afterwards revokes the link of the email before: not a new password
/// either.
#[actix_web::test]
async fn an_older_email_takes_the_account_back_as_well() {
    let server = TestServer::open().await;
    let mut thief = server.signed_in_user("Ann", ANN).await;
    server.pass(Duration::from_secs(60));
    thief.open("/profile/password").await;
    thief.fill("Current password", PASSWORD).fill("New password", PASSWORD.to_uppercase().as_str());
    thief.press("Change password").await;
    let first = undo_link(&server, ANN).await;
    server.pass(Duration::from_secs(60));
    thief.open("/profile/email").await;
    thief.fill("New e-mail", THIEF);
    thief.press("Change e-mail").await;
    thief.open(&server.newest_email_to(THIEF).await.link()).await;
    thief.press("Confirm the new address").await;

    let mut ann = server.browser();
    ann.open(&first).await;
    assert!(ann.page.text().contains("goes back to ann@example.com"), "{}", ann.page.text());
    ann.press(BUTTON).await;
    ann.fill("New password", NEW_PASSWORD);
    ann.press("Save the new password").await;
    assert_eq!(sign_in(&server, ANN, NEW_PASSWORD).await.page.path, "/profile");
}

#[actix_web::test]
async fn an_address_that_somebody_else_has_by_now_is_not_taken_from_them() {
    let (server, mut thief) = stolen().await;
    let link = undo_link(&server, ANN).await;
    let mut other = server.signed_in_user("Ann again", ANN).await;
    let mut ann = server.browser();
    ann.open(&link).await;
    ann.press(BUTTON).await;
    assert_eq!(ann.page.status, 409, "{}", ann.page.text());
    assert!(ann.page.text().contains("Nothing was changed"), "{}", ann.page.text());
    for browser in [&mut other, &mut thief] {
        browser.open("/profile").await;
        assert_eq!(browser.page.path, "/profile", "nobody was signed out");
    }
}

#[actix_web::test]
async fn a_link_that_never_was_says_so_and_leads_on() {
    let server = TestServer::open().await;
    for address in [
        "/not-me?key=nonsense",
        "/profile/email/undo?key=",
        "/not-me",
        "/not-me/confirm",
        "/not-me?key=%00",
    ] {
        let mut browser = server.browser();
        browser.open(address).await;
        assert_eq!(browser.page.status, 410, "{address}: {}", browser.page.text());
        assert!(browser.page.text().contains("Nothing was changed"), "{}", browser.page.text());
    }
}
