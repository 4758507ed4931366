//! Seeing and ending one's sessions.

use crate::support::{Browser, PASSWORD, TestServer};

async fn sign_in(server: &TestServer, user_agent: &str) -> Browser {
    let mut browser = server.browser();
    browser.user_agent = user_agent.to_owned();
    browser.open("/sign-in").await;
    browser.fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    browser.press("Sign in").await;
    browser
}

const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
    (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";

/// S37
#[actix_web::test]
async fn the_list_says_browser_system_and_address_and_marks_the_current_one() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    sign_in(&server, SAFARI).await;
    ann.open("/profile/sessions").await;
    let text = ann.page.text();
    for expected in ["Firefox", "Linux", "Mobile Safari", "iOS", "198.51.100.7", "this browser"] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[actix_web::test]
async fn an_ended_session_is_refused_at_its_next_request() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    let mut phone = sign_in(&server, SAFARI).await;
    phone.open("/profile").await;
    assert_eq!(phone.page.path, "/profile");

    ann.open("/profile/sessions").await;
    ann.press("End").await;
    phone.open("/profile").await;
    assert_eq!(phone.page.path, "/sign-in");
    ann.open("/profile").await;
    assert_eq!(ann.page.path, "/profile", "the one that ended it goes on");
}

#[actix_web::test]
async fn all_others_end_at_one_press() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    let mut others = [sign_in(&server, SAFARI).await, sign_in(&server, "Lynx/2.9").await];
    ann.open("/profile/sessions").await;
    ann.press("End all others").await;
    for other in &mut others {
        other.open("/profile").await;
        assert_eq!(other.page.path, "/sign-in");
    }
    ann.open("/profile").await;
    assert_eq!(ann.page.path, "/profile");
}

/// S61
#[actix_web::test]
async fn nobody_ends_a_session_of_somebody_else() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    let mut bob = server.signed_in_user("Bob", "bob@example.com").await;
    sign_in(&server, SAFARI).await;
    ann.open("/profile/sessions").await;
    let form = ann.page.form("End", &[]);
    let (name, handle) =
        form.fields.iter().find(|(name, _)| name != "csrf").expect("a handle").clone();

    bob.open("/profile/sessions").await;
    let csrf = bob
        .page
        .html()
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .expect("a token")
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("csrf", csrf.as_str()), (name.as_str(), handle.as_str())])
        .finish();
    bob.post(&form.action, "application/x-www-form-urlencoded", body.as_bytes()).await;
    ann.open("/profile/sessions").await;
    assert!(ann.page.text().contains("Mobile Safari"), "it is still there: {}", ann.page.text());
}
