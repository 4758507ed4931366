//! The phone number of an account: adding one, moving to another, and who is told.

use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::json;

use super::phones::{OTHER_PHONE, PHONE, newest_code, other, signed_in_user, type_code};
use crate::support::{Browser, CLIENT_KEY, PASSWORD, TestServer};

async fn ask(browser: &mut Browser, phone: &str) {
    browser.open("/profile/phone").await;
    browser.fill("Phone number", phone);
    browser.press("Send me a code").await;
}

#[actix_web::test]
async fn a_number_is_added_and_then_good_for_signing_in() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ann.open("/profile/phone").await;
    assert!(ann.page.text().contains("Your account has none"), "{}", ann.page.text());
    ann.fill("Country", "DE").fill("Phone number", "01511 2345678");
    ann.press("Send me a code").await;
    assert_eq!(ann.page.path, "/profile/phone/confirm", "{}", ann.page.text());
    let code = newest_code(&server).await;
    type_code(&mut ann, "Confirm", other(&code)).await;
    assert_eq!((ann.page.status, ann.page.path.as_str()), (401, "/profile/phone/confirm"));
    type_code(&mut ann, "Confirm", &code).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    let text = ann.page.text();
    assert!(
        text.contains("Your phone number is confirmed")
            && text.contains("+49 1511 2345678 confirmed"),
        "{text}"
    );
    let mut phone = server.browser();
    phone.open("/sign-in/phone").await;
    phone.fill("Phone number", PHONE).fill("Password", PASSWORD);
    phone.press("Sign in").await;
    assert_eq!(phone.page.path, "/profile", "{}", phone.page.text());
}

#[actix_web::test]
async fn an_account_moves_to_another_number_only_with_its_code() {
    let server = TestServer::open().await;
    let mut ann = signed_in_user(&server).await;
    ask(&mut ann, OTHER_PHONE).await;
    ann.open("/profile").await;
    assert!(ann.page.text().contains("+49 1511 2345678 confirmed"), "nothing moved yet");
    ann.open("/profile/phone").await;
    assert!(ann.page.text().contains("A code was sent to +49 1518 7654321"), "{}", ann.page.text());
    assert_eq!(ann.page.value("Phone number"), "+49 1518 7654321", "it can be sent again");
    ann.open("/profile/phone/confirm").await;
    let code = server.codes_to(OTHER_PHONE).await.pop().expect("a code");
    type_code(&mut ann, "Confirm", &code).await;
    assert!(ann.page.text().contains("+49 1518 7654321 confirmed"), "{}", ann.page.text());
    ann.open("/profile/phone/confirm").await;
    assert_eq!(ann.page.path, "/profile/phone", "the journey has ended");
}

/// S20, S05
#[actix_web::test]
async fn a_fresh_proof_is_asked_for_and_a_taken_number_is_not_told() {
    let server = TestServer::open().await;
    drop(signed_in_user(&server).await);
    let mut bob = server.signed_in_user("Bob", "bob@example.com").await;
    server.pass(Duration::from_secs(601));
    ask(&mut bob, PHONE).await;
    assert_eq!((bob.page.status, bob.page.heading().as_str()), (403, "Confirm it is you"));
    bob.fill("Your password", "not the password at all");
    bob.press("Confirm").await;
    assert_eq!((bob.page.status, bob.page.path.as_str()), (401, "/profile/phone"));
    bob.fill("Your password", PASSWORD);
    bob.press("Confirm").await;
    assert_eq!((bob.page.status, bob.page.path.as_str()), (200, "/profile/phone/confirm"));
    assert_eq!(server.codes_to(PHONE).await.len(), 1, "the owner is told and sent no code");
    ask(&mut bob, "12").await;
    assert!(bob.page.problem("Phone number").is_some(), "{}", bob.page.text());
}

#[actix_web::test]
async fn where_numbers_are_not_confirmed_the_new_one_is_the_accounts_at_once() {
    let server = TestServer::open_with(&[("VESTIBULE_ENGINE__CONFIRM_PHONE", "false")]).await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ann.open("/profile/phone").await;
    ann.fill("Phone number", PHONE);
    ann.press("Save the number").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    let text = ann.page.text();
    assert!(
        text.contains("Your phone number was changed") && text.contains("+49 1511 2345678 Change"),
        "{text}"
    );
}

/// S65, S106: where numbers are not proved, neither channel tells many that somebody left them.
#[actix_web::test]
async fn an_account_that_moves_from_number_to_number_texts_few_of_them_in_both_channels() {
    let settings =
        [("VESTIBULE_SMS__COUNTRIES", "DE"), ("VESTIBULE_ENGINE__CONFIRM_PHONE", "false")];
    for over_the_wire in [false, true] {
        let server = TestServer::open_with(&settings).await;
        let mut eve = server.browser();
        eve.open("/sign-up/phone").await;
        eve.fill("Name", "Eve").fill("Phone number", PHONE).fill("Password", PASSWORD);
        eve.press("Create account").await;
        assert_eq!(eve.page.path, "/profile", "{}", eve.page.text());
        let session = wire_session(&server).await;
        let mut statuses = Vec::new();
        for number in 0..30 {
            let phone = format!("+49151999000{number:02}");
            if over_the_wire {
                statuses.push(change_over_the_wire(&server, &session, &phone).await);
            } else {
                eve.open("/profile/phone").await;
                eve.fill("Phone number", &phone);
                eve.press("Save the number").await;
                statuses.push(eve.page.status);
            }
        }
        assert!(statuses[..3].iter().all(|status| *status == 200), "{statuses:?}");
        assert!(statuses[3..].iter().all(|status| *status == 429), "{statuses:?}");
        server.pass(Duration::from_secs(2 * 24 * 3600));
        let mut texts = server.texts_to(PHONE).await.len();
        for number in 0..30 {
            texts += server.texts_to(&format!("+49151999000{number:02}")).await.len();
        }
        assert!((1..=4).contains(&texts), "{texts}");
    }
}

async fn wire_session(server: &TestServer) -> String {
    let request = TestRequest::post()
        .uri("/_api/rest/v1/auth/signin-phone")
        .insert_header(("x-client-key", CLIENT_KEY));
    let (_, _, answer) =
        server.send(request.set_json(json!({"phone": PHONE, "password": PASSWORD}))).await;
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
    answer["session"]["token"].as_str().expect("a session").to_owned()
}

async fn change_over_the_wire(server: &TestServer, session: &str, phone: &str) -> u16 {
    let request = TestRequest::post()
        .uri("/_api/rest/v1/auth/change-phone")
        .insert_header(("x-client-key", CLIENT_KEY));
    let body = json!({"currentPassword": PASSWORD, "newPhone": phone});
    server.send(request.insert_header(("session", session)).set_json(body)).await.0
}
