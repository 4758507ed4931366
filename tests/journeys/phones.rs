//! Accounts with phone numbers at the pages: every journey by its code.

use std::time::Duration;

use crate::support::{Browser, PASSWORD, TestServer};

pub(super) const PHONE: &str = "+4915112345678";
pub(super) const OTHER_PHONE: &str = "+4915187654321";

/// Somebody who typed a name, a number and a password, and is asked for the code.
async fn signed_up(server: &TestServer) -> Browser {
    let mut ann = server.browser();
    ann.open("/sign-up/phone").await;
    ann.fill("Name", "Ann").fill("Phone number", PHONE).fill("Password", PASSWORD);
    ann.press("Create account").await;
    assert_eq!(
        (ann.page.path.as_str(), ann.page.status),
        ("/verify-phone", 200),
        "{}",
        ann.page.text()
    );
    ann
}

/// Somebody with a confirmed number, signed in.
pub(super) async fn signed_in_user(server: &TestServer) -> Browser {
    let mut ann = signed_up(server).await;
    type_code(&mut ann, "Confirm", &newest_code(server).await).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    ann
}

pub(super) async fn newest_code(server: &TestServer) -> String {
    server.codes_to(PHONE).await.pop().expect("a code")
}

pub(super) async fn type_code(browser: &mut Browser, button: &str, code: &str) {
    browser.fill("Code", code);
    browser.press(button).await;
}

/// A code that is not this one.
pub(super) fn other(code: &str) -> &'static str {
    if code == "123456" { "654321" } else { "123456" }
}

#[actix_web::test]
async fn a_sign_up_with_a_number_is_finished_by_its_code() {
    let server = TestServer::open().await;
    let mut ann = signed_up(&server).await;
    assert!(ann.page.text().contains("+49 1511 2345678"), "{}", ann.page.text());
    assert!(ann.page.text().contains("It works for 10 minutes from now"), "{}", ann.page.text());
    type_code(&mut ann, "Confirm", &newest_code(&server).await).await;
    assert_eq!(ann.page.path, "/profile");
    let text = ann.page.text();
    assert!(
        text.contains("Your phone number is confirmed")
            && text.contains("+49 1511 2345678 confirmed"),
        "{text}"
    );
    ann.open("/verify-phone").await;
    assert_eq!(ann.page.path, "/profile", "Back finds nobody stranded");
}

/// S23
#[actix_web::test]
async fn a_password_that_a_visitor_chose_opens_nothing_once_the_number_is_proved() {
    let server = TestServer::open().await;
    drop(signed_up(&server).await);
    let mut owner = server.browser();
    owner.open("/sign-up/phone").await;
    let resend = format!("csrf={}&phone=%2B4915112345678", owner.page.csrf());
    owner
        .post("/verify-phone/resend", "application/x-www-form-urlencoded", resend.as_bytes())
        .await;
    assert_eq!(
        (owner.page.path.as_str(), owner.page.status),
        ("/verify-phone", 200),
        "{}",
        owner.page.text()
    );
    type_code(&mut owner, "Confirm", &newest_code(&server).await).await;
    assert_eq!(owner.page.path, "/profile", "{}", owner.page.text());
    let mut visitor = server.browser();
    visitor.open("/sign-in/phone").await;
    visitor.fill("Phone number", PHONE).fill("Password", PASSWORD);
    visitor.press("Sign in").await;
    assert_eq!((visitor.page.status, visitor.page.path.as_str()), (401, "/sign-in/phone"));
}

/// S17
#[actix_web::test]
async fn wrong_codes_are_refused_and_five_of_them_revoke_the_right_one() {
    let server = TestServer::open().await;
    let mut ann = signed_up(&server).await;
    let code = newest_code(&server).await;
    for _ in 0..5 {
        type_code(&mut ann, "Confirm", other(&code)).await;
        assert_eq!((ann.page.status, ann.page.path.as_str()), (401, "/verify-phone"));
        assert!(
            ann.page
                .problem("Code")
                .is_some_and(|problem| problem.contains("wrong or no longer valid"))
        );
    }
    type_code(&mut ann, "Confirm", &code).await;
    assert_eq!(ann.page.status, 401);
    ann.press("Send another code").await;
    type_code(&mut ann, "Confirm", &newest_code(&server).await).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S16: the page counts the code down, and an old one is dead.
#[actix_web::test]
async fn a_code_runs_out_and_another_one_revokes_the_former() {
    let server = TestServer::open().await;
    let mut ann = signed_up(&server).await;
    let late = newest_code(&server).await;
    server.pass(Duration::from_secs(7 * 60));
    ann.open("/verify-phone").await;
    assert!(ann.page.text().contains("It works for 3 minutes from now"), "{}", ann.page.text());
    assert!(ann.page.html().contains("lives-10 gone-7"), "{}", ann.page.html());
    server.pass(Duration::from_secs(3 * 60 + 1));
    type_code(&mut ann, "Confirm", &late).await;
    assert_eq!(ann.page.status, 401);
    assert!(
        ann.page.text().contains("The code has run out. Ask for another one."),
        "{}",
        ann.page.text()
    );
    ann.press("Send another code").await;
    assert!(
        ann.page.text().contains("another code is on its way")
            && ann.page.text().contains("10 minutes")
    );
    let first = newest_code(&server).await;
    ann.press("Send another code").await;
    let second = newest_code(&server).await;
    if first != second {
        type_code(&mut ann, "Confirm", &first).await;
        assert_eq!(ann.page.status, 401, "the former one is dead");
    }
    type_code(&mut ann, "Confirm", &second).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S04: the page says the same, and the owner is told.
#[actix_web::test]
async fn a_taken_number_is_answered_like_a_free_one() {
    let server = TestServer::open().await;
    drop(signed_in_user(&server).await);
    let seen = |browser: &Browser| {
        let html = browser.page.html();
        let csrf =
            html.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        html.replace(csrf.expect("a token"), "")
            .replace("8765 4321", "1234 5678")
            .replace("87654321", "12345678")
    };
    let mut eve = signed_up(&server).await;
    let mut bob = server.browser();
    bob.open("/sign-up/phone").await;
    bob.fill("Phone number", OTHER_PHONE).fill("Password", PASSWORD);
    bob.press("Create account").await;
    assert_eq!((bob.page.status, bob.page.path.as_str()), (200, "/verify-phone"));
    assert_eq!(seen(&eve).replace("1511 2345678", "…"), seen(&bob).replace("1518 7654321", "…"));
    assert_eq!(server.codes_to(PHONE).await.len(), 1, "the owner is told and sent no code");
    eve.press("Send another code").await;
    bob.press("Send another code").await;
    assert_eq!(seen(&eve).replace("1511 2345678", "…"), seen(&bob).replace("1518 7654321", "…"));
    type_code(&mut eve, "Confirm", "123456").await;
    assert_eq!(eve.page.status, 401);
}

#[actix_web::test]
async fn where_numbers_are_not_confirmed_one_is_in_at_once_and_a_taken_one_is_said() {
    let server = TestServer::open_with(&[("VESTIBULE_ENGINE__CONFIRM_PHONE", "false")]).await;
    for (status, path) in [(200, "/profile"), (422, "/sign-up/phone")] {
        let mut ann = server.browser();
        ann.open("/sign-up/phone").await;
        ann.fill("Phone number", PHONE).fill("Password", PASSWORD);
        ann.press("Create account").await;
        assert_eq!(
            (ann.page.status, ann.page.path.as_str()),
            (status, path),
            "{}",
            ann.page.text()
        );
    }
}

#[actix_web::test]
async fn all_that_is_wrong_with_a_sign_up_is_told_at_once_and_what_was_typed_stays() {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    ann.open("/sign-up/phone").await;
    ann.fill("Country", "DE").fill("Phone number", "12").fill("Password", "short");
    ann.press("Create account").await;
    assert_eq!(ann.page.status, 422);
    assert!(
        ann.page
            .problem("Phone number")
            .is_some_and(|problem| problem.contains("not a complete phone number"))
    );
    assert!(ann.page.problem("Password").is_some_and(|problem| problem.contains("too short")));
    assert_eq!(
        (ann.page.value("Country"), ann.page.value("Phone number")),
        ("DE".to_owned(), "12".to_owned())
    );
}

#[actix_web::test]
async fn a_number_is_typed_as_it_is_dialled_in_the_country_that_was_chosen() {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    ann.languages = "en,de-AT;q=0.8".to_owned();
    ann.open("/sign-up/phone").await;
    assert_eq!(ann.page.value("Country"), "AT", "what the browser speaks is chosen before");
    assert!(ann.page.options("Country").contains(&"Germany (+49)".to_owned()));
    ann.fill("Country", "DE").fill("Phone number", "0151 12345678").fill("Password", PASSWORD);
    ann.press("Create account").await;
    assert!(ann.page.text().contains("+49 1511 2345678"), "{}", ann.page.text());
    type_code(&mut ann, "Confirm", &newest_code(&server).await).await;
    assert_eq!(ann.page.path, "/profile");
    let mut again = server.browser();
    again.open("/sign-in/phone").await;
    assert_eq!(again.page.value("Country"), "", "nothing is guessed from nothing");
    again.fill("Country", "FR").fill("Phone number", PHONE).fill("Password", "a wrong password");
    again.press("Sign in").await;
    assert_eq!(again.page.value("Country"), "", "no other country is shown beside it");
    again.fill("Country", "FR").fill("Password", PASSWORD);
    again.press("Sign in").await;
    assert_eq!(again.page.path, "/profile", "a number with a plus names its country itself");
}

/// S65
#[actix_web::test]
async fn only_countries_that_codes_are_sent_to_are_in_the_list_and_others_are_refused_in_words() {
    let server = TestServer::open_with(&[("VESTIBULE_SMS__COUNTRIES", "FR,AT")]).await;
    let mut ann = server.browser();
    ann.open("/sign-up/phone").await;
    assert_eq!(ann.page.options("Country")[1..], ["Austria (+43)", "France (+33)"]);
    ann.fill("Phone number", PHONE).fill("Password", PASSWORD);
    ann.press("Create account").await;
    assert_eq!(ann.page.status, 422);
    assert!(
        ann.page.problem("Phone number").is_some_and(|problem| problem.contains("of that country"))
    );
    let one = TestServer::open_with(&[("VESTIBULE_SMS__COUNTRIES", "FR")]).await;
    let mut ann = one.browser();
    ann.open("/sign-in/code").await;
    assert_eq!(ann.page.value("Country"), "FR", "there is no other");
}

/// S83
#[actix_web::test]
async fn a_budget_that_is_spent_is_said_in_words() {
    let server = TestServer::open_with(&[("VESTIBULE_SMS__DAILY_BUDGET", "1")]).await;
    let mut ann = signed_up(&server).await;
    ann.press("Send another code").await;
    assert_eq!(ann.page.status, 422);
    assert!(ann.page.text().contains("No more messages can be sent today"), "{}", ann.page.text());
    type_code(&mut ann, "Confirm", &newest_code(&server).await).await;
    assert_eq!(ann.page.path, "/profile", "the code that was sent is good all the same");
}
