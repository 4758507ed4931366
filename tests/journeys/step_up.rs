//! Step up: a sensitive change asks again who is there, and goes on with the form that was typed.

use std::time::Duration;

use crate::support::{Browser, PASSWORD, TestServer};

const EMAIL: &str = "ann@example.com";
const NEW: &str = "ann@new.example";
const TEN_MINUTES: Duration = Duration::from_secs(600);
const FORM: &str = "application/x-www-form-urlencoded";

/// Asks to move the account.
async fn ask(browser: &mut Browser, new_address: &str) {
    browser.open("/profile/email").await;
    browser.fill("New e-mail", new_address);
    browser.press("Change e-mail").await;
}

async fn confirm(browser: &mut Browser, password: &str) {
    browser.fill("Your password", password);
    browser.press("Confirm").await;
}

async fn sign_in(server: &TestServer) -> Browser {
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    browser.fill("E-mail", EMAIL).fill("Password", PASSWORD);
    browser.press("Sign in").await;
    assert_eq!(browser.page.path, "/profile", "{}", browser.page.text());
    browser
}

/// Ann, whose last proof is ten minutes old.
async fn ann_of_a_while_ago() -> (TestServer, Browser) {
    let server = TestServer::open().await;
    let ann = server.signed_in_user("Ann", EMAIL).await;
    server.pass(TEN_MINUTES);
    (server, ann)
}

fn asks(browser: &Browser) -> bool {
    browser.page.text().contains("Confirm it is you")
}

/// S20
#[actix_web::test]
async fn within_ten_minutes_of_the_sign_in_nothing_is_asked() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", EMAIL).await;
    server.pass(TEN_MINUTES - Duration::from_secs(1));
    ask(&mut ann, NEW).await;
    assert_eq!(
        (ann.page.path.as_str(), ann.page.status),
        ("/profile/email", 200),
        "{}",
        ann.page.text()
    );
    assert_eq!(server.email_to(NEW).await.len(), 1);
}

/// S20
#[actix_web::test]
async fn after_ten_minutes_the_password_is_asked_for_and_the_change_goes_on_with_what_was_typed() {
    let (server, mut ann) = ann_of_a_while_ago().await;
    ask(&mut ann, NEW).await;
    assert_eq!((ann.page.status, ann.page.path.as_str()), (403, "/profile/email"));
    assert!(asks(&ann) && ann.page.html().contains(NEW), "{}", ann.page.text());
    assert!(server.email_to(NEW).await.is_empty(), "nothing was done yet");
    confirm(&mut ann, PASSWORD).await;
    assert_eq!(
        (ann.page.status, ann.page.path.as_str()),
        (200, "/profile/email"),
        "{}",
        ann.page.text()
    );
    assert_eq!(server.email_to(NEW).await.len(), 1);

    // The proof is fresh again, for ten minutes and no longer.
    server.pass(TEN_MINUTES - Duration::from_secs(1));
    ask(&mut ann, "ann@third.example").await;
    assert_eq!(ann.page.path, "/profile/email");
    server.pass(Duration::from_secs(1));
    ask(&mut ann, "ann@fourth.example").await;
    assert!(asks(&ann));
}

/// S54: what was typed is kept as text, and what the form does not have is not carried on.
#[actix_web::test]
async fn what_was_typed_stands_escaped_in_the_page_and_comes_through_whole() {
    let (server, mut ann) = ann_of_a_while_ago().await;
    ann.open("/profile/email").await;
    let token = ann.page.csrf();
    let body = format!(
        "csrf={token}&email=ann%2B'x%26y%3D1@new.example&evil=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
    );
    ann.post("/profile/email", FORM, body.as_bytes()).await;
    assert!(asks(&ann), "{}", ann.page.text());
    assert!(!ann.page.html().contains("<script"), "{}", ann.page.html());
    assert!(!ann.page.html().contains("ann+'x&y"), "escaped: {}", ann.page.html());
    confirm(&mut ann, PASSWORD).await;
    assert_eq!(ann.page.path, "/profile/email", "{}", ann.page.text());
    assert_eq!(server.email_to("ann+'x&y=1@new.example").await.len(), 1);
}

#[actix_web::test]
async fn what_cannot_be_accepted_is_told_before_a_proof_is_asked_for() {
    let (_, mut ann) = ann_of_a_while_ago().await;
    for (entered, status) in
        [("nonsense", 422), ("\"><script>alert(1)</script>@example.com", 422), (EMAIL, 422)]
    {
        ask(&mut ann, entered).await;
        assert_eq!(ann.page.status, status, "{entered}: {}", ann.page.text());
        assert!(!asks(&ann) && !ann.page.html().contains("<script"), "{entered}");
        assert_eq!(ann.page.value("New e-mail"), entered);
    }
}

#[actix_web::test]
async fn a_wrong_password_asks_again_with_everything_kept_and_the_right_one_goes_on() {
    let (server, mut ann) = ann_of_a_while_ago().await;
    ask(&mut ann, NEW).await;
    confirm(&mut ann, "a wrong password").await;
    assert_eq!((ann.page.status, ann.page.path.as_str()), (401, "/profile/email"));
    assert!(ann.page.problem("Your password").is_some(), "{}", ann.page.text());
    assert!(!ann.page.html().contains("a wrong password"), "a secret is never shown");
    confirm(&mut ann, "").await;
    assert_eq!(ann.page.status, 422, "{}", ann.page.text());
    assert!(server.email_to(NEW).await.is_empty());
    confirm(&mut ann, PASSWORD).await;
    assert_eq!(ann.page.path, "/profile/email", "{}", ann.page.text());
    assert_eq!(server.email_to(NEW).await.len(), 1);
}

/// S12, S13: guesses are counted for the account, the wait is told, and after it the owner gets
/// through.
#[actix_web::test]
async fn who_guesses_is_told_to_wait_and_the_form_is_still_kept() {
    let (server, mut ann) = ann_of_a_while_ago().await;
    ask(&mut ann, NEW).await;
    let mut tries = 0;
    while ann.page.status != 429 {
        confirm(&mut ann, "a wrong password").await;
        tries += 1;
        assert!(tries <= 11, "{} tries: {}", tries, ann.page.text());
    }
    assert!(tries > 3, "a person may mistype");
    let wait: u64 =
        ann.page.header("retry-after").expect("a time to wait").parse().expect("seconds");
    assert!(asks(&ann) && ann.page.text().contains("Wait "), "{}", ann.page.text());
    confirm(&mut ann, PASSWORD).await;
    assert_eq!(ann.page.status, 429, "the right one is not looked at");
    server.pass(Duration::from_secs(wait));
    confirm(&mut ann, PASSWORD).await;
    assert_eq!(ann.page.path, "/profile/email", "{}", ann.page.text());
    assert_eq!(server.email_to(NEW).await.len(), 1);
}

/// S32: the token that was seen before the proof is worth nothing after it; other sessions live,
/// and stay unproved.
#[actix_web::test]
async fn a_proof_gives_this_session_a_new_token_and_leaves_the_others_as_they_were() {
    let server = TestServer::open().await;
    let mut laptop = server.signed_in_user("Ann", EMAIL).await;
    let mut phone = sign_in(&server).await;
    server.pass(TEN_MINUTES);
    let mut thief = laptop.clone();
    ask(&mut laptop, NEW).await;
    confirm(&mut laptop, PASSWORD).await;
    assert_eq!(laptop.page.path, "/profile/email");
    thief.open("/profile").await;
    assert_eq!(thief.page.path, "/sign-in", "the old token is dead");
    phone.open("/profile").await;
    assert_eq!(phone.page.path, "/profile", "another session lives");
    ask(&mut phone, "phone@new.example").await;
    assert!(asks(&phone), "and is proved by itself alone");
}

/// A browser's tabs share its cookies: the page that is open in another one goes on working.
#[actix_web::test]
async fn a_second_tab_goes_on_after_the_proof_in_the_first() {
    let (server, mut first) = ann_of_a_while_ago().await;
    first.open("/profile/email").await;
    let second_tab = first.page.clone();
    ask(&mut first, NEW).await;
    confirm(&mut first, PASSWORD).await;
    first.page = second_tab;
    first.fill("New e-mail", "ann@second.example");
    first.press("Change e-mail").await;
    assert_eq!(first.page.path, "/profile/email", "{}", first.page.text());
    assert_eq!(server.email_to("ann@second.example").await.len(), 1);
}

/// S41: a form that is not this browser's proves nothing and changes nothing, also with the right
/// password.
#[actix_web::test]
async fn a_form_without_this_browsers_token_proves_nothing() {
    let (server, mut ann) = ann_of_a_while_ago().await;
    let body =
        format!("csrf=a-strangers&email={NEW}&proof_password={}", PASSWORD.replace(' ', "+"));
    let before = ann.cookie_header();
    ann.post("/profile/email", FORM, body.as_bytes()).await;
    assert_eq!(ann.page.status, 403, "{}", ann.page.text());
    assert!(!asks(&ann) && ann.page.text().contains("Nothing was changed"), "{}", ann.page.text());
    assert!(server.email_to(NEW).await.is_empty());
    ask(&mut ann, NEW).await;
    assert!(asks(&ann), "the session is as unproved as before");
    assert!(!before.is_empty());
}

/// S60: one proof, and not one of two.
#[actix_web::test]
async fn a_proof_that_comes_twice_is_refused() {
    let (_, mut ann) = ann_of_a_while_ago().await;
    ask(&mut ann, NEW).await;
    let body = format!("csrf={}&email={NEW}&proof_password=a&proof_password=b", ann.page.csrf());
    ann.post("/profile/email", FORM, body.as_bytes()).await;
    assert_eq!(ann.page.status, 400, "{}", ann.page.text());
}

/// On a page for everybody the names mean nothing: nobody can guess at a password there, past the
/// limits of the sign-in.
#[actix_web::test]
async fn the_fields_of_a_proof_mean_nothing_on_public_forms() {
    let (_, mut ann) = ann_of_a_while_ago().await;
    let mut visitor = ann.clone();
    visitor.forget_cookies();
    for browser in [&mut visitor, &mut ann] {
        browser.open("/reset-password").await;
        let body = format!(
            "csrf={}&email=nobody@example.com&proof_password=a+guess&proof_send=1",
            browser.page.csrf()
        );
        browser.post("/reset-password", FORM, body.as_bytes()).await;
        assert_eq!(
            (browser.page.status, browser.page.path.as_str()),
            (200, "/check-inbox"),
            "{}",
            browser.page.text()
        );
    }
}

#[actix_web::test]
async fn cancel_leads_back_to_the_page_and_nothing_was_done() {
    let (server, mut ann) = ann_of_a_while_ago().await;
    ask(&mut ann, NEW).await;
    assert!(ann.page.html().contains(r#"href="/profile/email">Cancel</a>"#), "{}", ann.page.html());
    ann.open("/profile/email").await;
    assert_eq!((ann.page.status, ann.page.heading().as_str()), (200, "Your e-mail address"));
    assert!(server.email_to(NEW).await.is_empty());
}
