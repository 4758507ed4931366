//! The code beside the link in an email: begun here, read there, typed here.

use std::time::Duration;

use crate::support::{Browser, PASSWORD, TestServer};

const ANN: &str = "ann@example.com";

async fn ask_for_link(browser: &mut Browser) {
    browser.open("/magic-link").await;
    browser.fill("E-mail", ANN);
    browser.press("Send me a link").await;
    assert_eq!(browser.page.path, "/check-inbox", "{}", browser.page.text());
}

async fn code(server: &TestServer) -> String {
    server.newest_email_to(ANN).await.code().expect("a code")
}

async fn type_code(browser: &mut Browser, code: &str, button: &str) {
    browser.fill("Code from the mail", code);
    browser.press(button).await;
}

pub(super) fn other(code: &str) -> &'static str {
    if code == "271828" { "314159" } else { "271828" }
}

#[actix_web::test]
async fn a_sign_up_is_confirmed_with_the_code_and_signed_in() {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    ann.open("/sign-up").await;
    ann.fill("Name", "Ann").fill("E-mail", ANN).fill("Password", PASSWORD);
    ann.press("Create account").await;
    type_code(&mut ann, &code(&server).await, "Confirm my address").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    assert!(ann.page.text().contains("confirmed"), "{}", ann.page.text());
}

/// S45: the code and the link are one thing, and used once.
#[actix_web::test]
async fn a_code_signs_in_once_and_the_link_beside_it_is_spent_too() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut ann = server.browser();
    ask_for_link(&mut ann).await;
    let mut again = ann.clone();
    let (code, link) = (code(&server).await, server.newest_email_to(ANN).await.link());
    type_code(&mut ann, &code, "Sign in").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    type_code(&mut again, &code, "Sign in").await;
    assert_eq!(again.page.status, 401, "{}", again.page.text());
    again.open(&link).await;
    assert_eq!(again.page.status, 410, "{}", again.page.text());
}

#[actix_web::test]
async fn a_password_is_chosen_after_the_code() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut ann = server.browser();
    ann.open("/reset-password").await;
    ann.fill("E-mail", ANN);
    ann.press("Send me a link").await;
    type_code(&mut ann, &code(&server).await, "Choose a new password").await;
    assert_eq!(ann.page.path, "/reset-password/choose", "{}", ann.page.text());
    ann.fill("New password", "a calm green gate");
    ann.press("Save the new password").await;
    assert_eq!(ann.page.path, "/sign-in", "{}", ann.page.text());
}

/// S17
#[actix_web::test]
async fn five_wrong_codes_revoke_the_right_one_and_the_link_still_works() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut ann = server.browser();
    ask_for_link(&mut ann).await;
    let code = code(&server).await;
    for _ in 0..5 {
        type_code(&mut ann, other(&code), "Sign in").await;
        assert_eq!(ann.page.status, 401, "{}", ann.page.text());
        assert!(ann.page.problem("Code from the mail").is_some());
    }
    type_code(&mut ann, &code, "Sign in").await;
    assert_eq!(ann.page.status, 401, "{}", ann.page.text());
    let link = server.newest_email_to(ANN).await.link();
    ann.open(&link).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S17: asking for new codes brings no guesses back for ever.
#[actix_web::test]
async fn guesses_over_all_codes_of_an_address_have_an_end() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let mut eve = server.browser();
        ask_for_link(&mut eve).await;
        for _ in 0..5 {
            type_code(&mut eve, "123456", "Sign in").await;
            statuses.push(eve.page.status);
        }
    }
    assert!(statuses[..10].iter().all(|status| *status == 401), "{statuses:?}");
    assert!(statuses[10..].iter().all(|status| *status == 429), "{statuses:?}");
}

/// S16
#[actix_web::test]
async fn a_new_email_revokes_the_former_code_of_this_browser_and_not_its_link() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut ann = server.browser();
    ask_for_link(&mut ann).await;
    let (old_code, old_link) = (code(&server).await, server.newest_email_to(ANN).await.link());
    ann.press("Send it again").await;
    type_code(&mut ann, &old_code, "Sign in").await;
    assert_eq!(ann.page.status, 401, "{}", ann.page.text());
    let mut by_link = ann.clone();
    type_code(&mut ann, &code(&server).await, "Sign in").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    by_link.open(&old_link).await;
    assert_eq!(by_link.page.status, 410, "the first redemption spends all of them");
}

/// S16: what somebody is talked into reading out is worth nothing elsewhere, and nobody else can
/// revoke it.
#[actix_web::test]
async fn a_code_works_in_the_browser_that_asked_and_nowhere_else() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let (mut ann, mut eve) = (server.browser(), server.browser());
    ask_for_link(&mut ann).await;
    let code = code(&server).await;
    ask_for_link(&mut eve).await;
    type_code(&mut eve, &code, "Sign in").await;
    assert_eq!(eve.page.status, 401, "{}", eve.page.text());
    type_code(&mut ann, &code, "Sign in").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S16: ten minutes, however long the link lives.
#[actix_web::test]
async fn a_code_runs_out_before_its_link_does() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut ann = server.browser();
    ask_for_link(&mut ann).await;
    let code = code(&server).await;
    server.pass(Duration::from_secs(601));
    type_code(&mut ann, &code, "Sign in").await;
    assert_eq!(ann.page.status, 401, "{}", ann.page.text());
    ann.open(&server.newest_email_to(ANN).await.link()).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S05: the page is the same where there is nobody.
#[actix_web::test]
async fn an_unknown_address_is_refused_like_a_wrong_code() {
    let server = TestServer::open().await;
    let mut eve = server.browser();
    ask_for_link(&mut eve).await;
    type_code(&mut eve, "314159", "Sign in").await;
    assert_eq!(eve.page.status, 401);
    assert!(eve.page.problem("Code from the mail").unwrap().contains("wrong or no longer valid"));
    assert!(server.email_to(ANN).await.is_empty());
}

#[actix_web::test]
async fn nothing_and_nonsense_are_told_and_cost_no_guess() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut ann = server.browser();
    ask_for_link(&mut ann).await;
    for entered in ["", "12345", "what?", "1234567"] {
        type_code(&mut ann, entered, "Sign in").await;
        assert!(ann.page.problem("Code from the mail").is_some(), "{}", ann.page.text());
    }
    for entered in ["", "12345"] {
        type_code(&mut ann, entered, "Sign in").await;
    }
    type_code(&mut ann, &code(&server).await, "Sign in").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

#[actix_web::test]
async fn a_change_of_address_is_confirmed_with_the_code_of_the_new_mailbox() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", ANN).await;
    ann.open("/profile/email").await;
    ann.fill("New e-mail", "ann@new.example");
    ann.press("Change e-mail").await;
    assert_eq!(ann.page.path, "/profile/email", "{}", ann.page.text());
    assert!(ann.page.text().contains("ann@new.example"), "the change that waits is shown");
    let code = server.newest_email_to("ann@new.example").await.code().expect("a code");
    type_code(&mut ann, other(&code), "Confirm the new address").await;
    assert_eq!(ann.page.status, 401, "{}", ann.page.text());
    type_code(&mut ann, &code, "Confirm the new address").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    assert!(ann.page.text().contains("ann@new.example"), "{}", ann.page.text());
    ann.open("/profile/email").await;
    assert!(!ann.page.text().contains("on its way"), "nothing waits any more");
}

/// S05: the page does not tell that the address is somebody's.
#[actix_web::test]
async fn a_change_to_a_taken_address_waits_like_any_other_and_no_code_helps() {
    let server = TestServer::open().await;
    server.signed_in_user("Bob", "bob@example.com").await;
    let mut ann = server.signed_in_user("Ann", ANN).await;
    ann.open("/profile/email").await;
    ann.fill("New e-mail", "bob@example.com");
    ann.press("Change e-mail").await;
    assert!(
        ann.page.text().contains("A mail is on its way to bob@example.com"),
        "{}",
        ann.page.text()
    );
    type_code(&mut ann, "314159", "Confirm the new address").await;
    assert_eq!(ann.page.status, 401);
    assert!(server.newest_email_to("bob@example.com").await.code().is_none());
}

#[actix_web::test]
async fn the_development_inbox_shows_the_code() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut ann = server.browser();
    ask_for_link(&mut ann).await;
    let code = code(&server).await;
    ann.open("/dev/inbox").await;
    assert!(
        ann.page.html().contains(&format!("<p class=\"digits\">{code}</p>")),
        "{}",
        ann.page.text()
    );
}
