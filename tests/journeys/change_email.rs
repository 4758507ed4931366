//! Moving an account to another address.

use crate::support::{Browser, PASSWORD, TestServer};

async fn ask(browser: &mut Browser, new_address: &str) {
    browser.open("/profile/email").await;
    browser.fill("New e-mail", new_address);
    browser.press("Change e-mail").await;
}

#[actix_web::test]
async fn the_new_address_proves_itself_and_the_old_one_is_told() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ask(&mut ann, "ann@new.example").await;
    ann.open("/profile").await;
    assert!(ann.page.text().contains("ann@example.com"), "nothing changes before the proof");

    let link = server.newest_email_to("ann@new.example").await.link();
    let mut phone = server.browser();
    phone.open(&link).await;
    assert_eq!(phone.page.path, "/profile/email/confirm/finish");
    assert!(phone.page.text().contains("Ann"), "whose account it is: {}", phone.page.text());
    phone.fill("Password of the account", PASSWORD);
    phone.press("Confirm the new address").await;

    ann.open("/profile").await;
    assert!(ann.page.text().contains("ann@new.example"), "{}", ann.page.text());
    let old = server.email_to("ann@example.com").await;
    assert!(
        old.len() >= 3,
        "confirmation, request and change: {:?}",
        old.iter().map(|mail| &mail.subject).collect::<Vec<_>>()
    );
    assert!(
        old.last().unwrap().account_recovery().unwrap().contains("/profile/email/undo?"),
        "the old address can undo it"
    );
    let told = server.newest_email_to("ann@new.example").await;
    assert!(
        told.subject.contains("now your address") && !told.text.contains("key="),
        "{}",
        told.text
    );
}

/// S22: two changes race, and only a proven address wins; the older link is dead.
#[actix_web::test]
async fn of_two_changes_the_first_proof_wins_and_the_other_link_dies() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ask(&mut ann, "ann@one.example").await;
    ask(&mut ann, "ann@two.example").await;
    let (one, two) = (
        server.newest_email_to("ann@one.example").await.link(),
        server.newest_email_to("ann@two.example").await.link(),
    );
    ann.open(&two).await;
    ann.press("Confirm the new address").await;
    let mut other = server.browser();
    other.open(&one).await;
    if other.page.status == 200 {
        other.press("Confirm the new address").await;
    }
    assert!(other.page.status >= 400, "{}", other.page.text());
    ann.open("/profile").await;
    assert!(ann.page.text().contains("ann@two.example"));
}

#[actix_web::test]
async fn an_address_of_somebody_else_is_not_told_and_not_taken() {
    let server = TestServer::open().await;
    server.signed_in_user("Bob", "bob@example.com").await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ask(&mut ann, "bob@example.com").await;
    ann.open("/profile").await;
    assert!(ann.page.text().contains("ann@example.com"), "{}", ann.page.text());
}
