//! Signing in with a provider at an application: `signInWithProvider` of the official client (ALTOGIC_WIRE.md §11).

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::providers::open_with;
use crate::support::{
    Hall,
    oidc::{Idp, ann},
};

const APPLICATION: &str = "https://app.example/auth-redirect?from=hall";

async fn open() -> (Hall, Idp) {
    open_with(&[("VESTIBULE_ENGINE__REDIRECT_URL", APPLICATION)]).await
}

/// Opens `path`, says yes at the provider, and answers with what the application's page gets.
async fn land(hall: &Hall, idp: &Idp, path: &str) -> url::Url {
    let mut browser = hall.browser();
    browser.open(path).await;
    let authorize = browser.left_to.clone().unwrap_or_else(|| panic!("{path}: {}", browser.page.text()));
    browser.open(&idp.allow(&authorize)).await;
    let landed = browser.left_to.clone().unwrap_or_else(|| panic!("{}", browser.page.text()));
    url::Url::parse(&landed).expect("a URL")
}

fn given(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

async fn grant(hall: &Hall, token: &str) -> (u16, Value) {
    let request = TestRequest::get().uri(&format!("/_api/rest/v1/auth/grant?key={token}"));
    let (status, _, bytes) = hall.send(request.insert_header(("x-client-key", crate::support::CLIENT_KEY))).await;
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[actix_web::test]
async fn the_browser_lands_at_the_application_with_a_token_that_is_good_once() {
    for path in ["/_auth/google", "/e:61fcfc7e65cb9e001f9c7e4d/_auth/google", "/_auth/61fcfc7e65cb9e001f9c7e4d/google"]
    {
        let (hall, idp) = open().await;
        let landed = land(&hall, &idp, path).await;
        assert!(landed.as_str().starts_with(APPLICATION), "{landed}");
        assert_eq!(given(&landed, "status").as_deref(), Some("200"));
        assert_eq!(given(&landed, "action").as_deref(), Some("oauth-signin"));
        let token = given(&landed, "access_token").expect("a token");
        let (status, answer) = grant(&hall, &token).await;
        assert_eq!(status, 200, "{answer}");
        let user = &answer["user"];
        assert_eq!((&user["provider"], &user["providerUserId"]), (&json!("google"), &json!("ann-1")), "{user}");
        assert_eq!((&user["email"], &user["name"]), (&json!("ann@example.com"), &json!("Ann Lee")), "{user}");
        assert!(answer["session"]["token"].is_string(), "{answer}");
        assert_eq!(grant(&hall, &token).await.0, 403, "spent");
    }
}

/// §11: an address that an account has is no way into it.
#[actix_web::test]
async fn a_taken_address_comes_back_as_a_failure() {
    let (hall, idp) = open().await;
    land(&hall, &idp, "/_auth/google").await;
    let mut other = ann();
    other["sub"] = json!("somebody-else");
    idp.person(other);
    let landed = land(&hall, &idp, "/_auth/google").await;
    assert_eq!(given(&landed, "status").as_deref(), Some("401"));
    assert_eq!(given(&landed, "action").as_deref(), Some("oauth-signin"));
    assert_eq!(given(&landed, "error").as_deref(), Some("A user with the provided email already exists."));
    assert_eq!(given(&landed, "access_token"), None);
}

#[actix_web::test]
async fn a_no_at_the_provider_comes_back_as_a_failure() {
    let (hall, idp) = open().await;
    let mut ann = hall.browser();
    ann.open("/_auth/google").await;
    let authorize = ann.left_to.clone().expect("a provider");
    ann.open(&idp.deny(&authorize)).await;
    let landed = url::Url::parse(&ann.left_to.clone().expect("the application")).expect("a URL");
    assert_eq!(given(&landed, "status").as_deref(), Some("401"));
    assert!(given(&landed, "error").is_some_and(|error| error.contains("cancelled")), "{landed}");
}

/// Nothing of a request names where the browser goes: it chooses among what an operator wrote.
#[actix_web::test]
async fn a_page_elsewhere_cannot_have_the_token_sent_to_itself() {
    let (hall, idp) = open().await;
    let request = TestRequest::get()
        .uri("/_auth/google?redirect=https://evil.example")
        .insert_header(("referer", "https://evil.example/"));
    let (status, headers, _) = hall.send(request).await;
    assert_eq!(status, 302);
    assert!(!headers.get("location").unwrap().to_str().unwrap().contains("evil"));
    let landed = land(&hall, &idp, "/_auth/google?redirect=https://evil.example").await;
    assert_eq!(landed.host_str(), Some("app.example"));
}
