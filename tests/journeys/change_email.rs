//! Moving an account to another address.

use crate::support::{Browser, Hall, PASSWORD};

async fn ask(browser: &mut Browser, new_address: &str) {
    browser.open("/profile/email").await;
    browser.fill("New e-mail", new_address);
    browser.press("Change e-mail").await;
}

#[actix_web::test]
async fn the_new_address_proves_itself_and_the_old_one_is_told() {
    let hall = Hall::open().await;
    let mut ann = hall.member("Ann", "ann@example.com").await;
    ask(&mut ann, "ann@new.example").await;
    ann.open("/profile").await;
    assert!(ann.page.text().contains("ann@example.com"), "nothing changes before the proof");

    let link = hall.newest_mail_to("ann@new.example").await.link();
    let mut phone = hall.browser();
    phone.open(&link).await;
    assert_eq!(phone.page.path, "/profile/email/confirm/finish");
    assert!(phone.page.text().contains("Ann"), "whose account it is: {}", phone.page.text());
    phone.fill("Password of the account", PASSWORD);
    phone.press("Confirm the new address").await;

    ann.open("/profile").await;
    assert!(ann.page.text().contains("ann@new.example"), "{}", ann.page.text());
    let old = hall.mail_to("ann@example.com").await;
    assert!(
        old.len() >= 3,
        "confirmation, request and change: {:?}",
        old.iter().map(|mail| &mail.subject).collect::<Vec<_>>()
    );
    assert!(old.last().unwrap().not_me().unwrap().contains("/profile/email/undo?"), "the old address can undo it");
    let told = hall.newest_mail_to("ann@new.example").await;
    assert!(told.subject.contains("now your address") && !told.text.contains("key="), "{}", told.text);
}

/// S22: two changes race, and only a proven address wins; the older link is dead.
#[actix_web::test]
async fn of_two_changes_the_first_proof_wins_and_the_other_link_dies() {
    let hall = Hall::open().await;
    let mut ann = hall.member("Ann", "ann@example.com").await;
    ask(&mut ann, "ann@one.example").await;
    ask(&mut ann, "ann@two.example").await;
    let (one, two) =
        (hall.newest_mail_to("ann@one.example").await.link(), hall.newest_mail_to("ann@two.example").await.link());
    ann.open(&two).await;
    ann.press("Confirm the new address").await;
    let mut other = hall.browser();
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
    let hall = Hall::open().await;
    hall.member("Bob", "bob@example.com").await;
    let mut ann = hall.member("Ann", "ann@example.com").await;
    ask(&mut ann, "bob@example.com").await;
    ann.open("/profile").await;
    assert!(ann.page.text().contains("ann@example.com"), "{}", ann.page.text());
}
