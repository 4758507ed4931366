//! Changing the password while signed in.

use crate::support::{Browser, PASSWORD, TestServer};

async fn change(browser: &mut Browser, current: &str, new: &str) {
    browser.open("/profile/password").await;
    browser.fill("Current password", current).fill("New password", new);
    browser.press("Change password").await;
}

/// S32, S35: others end, this one goes on with a new token.
#[actix_web::test]
async fn every_other_session_ends_and_this_one_goes_on_with_a_new_cookie() {
    let server = TestServer::open().await;
    let mut laptop = server.signed_in_user("Ann", "ann@example.com").await;
    let mut thief = laptop.clone();
    let mut phone = server.browser();
    phone.open("/sign-in").await;
    phone.fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    phone.press("Sign in").await;

    change(&mut laptop, PASSWORD, "a calm green gate").await;
    assert_eq!(laptop.page.status, 200, "{}", laptop.page.text());
    laptop.open("/profile").await;
    assert_eq!(laptop.page.path, "/profile");
    for ended in [&mut phone, &mut thief] {
        ended.open("/profile").await;
        assert_eq!(ended.page.path, "/sign-in");
    }
    let told = server.newest_email_to("ann@example.com").await;
    assert!(told.subject.to_lowercase().contains("password"), "{}", told.subject);
}

#[actix_web::test]
async fn the_current_password_is_asked_for_and_weak_or_same_ones_are_refused() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann Example", "ann@example.com").await;
    change(&mut ann, "a wrong password", "a calm green gate").await;
    assert!(ann.page.problem("Current password").is_some(), "{}", ann.page.text());
    for weak in ["password1", "Ann Example", PASSWORD, "short"] {
        change(&mut ann, PASSWORD, weak).await;
        assert_eq!(ann.page.status, 422, "{weak}");
        assert!(ann.page.problem("New password").is_some(), "{weak}: {}", ann.page.text());
    }
}
