//! Signing in with a provider at an application: `signInWithProvider` of the official client
//! (altogic-protocol.md §11).

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::providers::{open_from, open_with};
use crate::support::{
    TestServer,
    oidc::{Idp, ann},
};

const APPLICATION: &str = "https://app.example/auth-redirect?from=hall";

async fn open() -> (TestServer, Idp) {
    open_with(&[("VESTIBULE_ENGINE__REDIRECT_URL", APPLICATION)]).await
}

/// Opens `path`, says yes at the provider, and answers with what the application's page gets.
async fn land(server: &TestServer, idp: &Idp, path: &str) -> url::Url {
    let mut browser = server.browser();
    browser.open(path).await;
    let authorize =
        browser.left_to.clone().unwrap_or_else(|| panic!("{path}: {}", browser.page.text()));
    browser.open(&idp.allow(&authorize)).await;
    let landed = browser.left_to.clone().unwrap_or_else(|| panic!("{}", browser.page.text()));
    url::Url::parse(&landed).expect("a URL")
}

fn given(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

async fn grant(server: &TestServer, token: &str) -> (u16, Value) {
    let request = TestRequest::get().uri(&format!("/_api/rest/v1/auth/grant?key={token}"));
    let (status, _, bytes) =
        server.send(request.insert_header(("x-client-key", crate::support::CLIENT_KEY))).await;
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[actix_web::test]
async fn the_browser_lands_at_the_application_with_a_token_that_is_good_once() {
    for path in [
        "/_auth/google",
        "/e:61fcfc7e65cb9e001f9c7e4d/_auth/google",
        "/_auth/61fcfc7e65cb9e001f9c7e4d/google",
    ] {
        let (server, idp) = open().await;
        let landed = land(&server, &idp, path).await;
        assert!(landed.as_str().starts_with(APPLICATION), "{landed}");
        assert_eq!(given(&landed, "status").as_deref(), Some("200"));
        assert_eq!(given(&landed, "action").as_deref(), Some("oauth-signin"));
        let token = given(&landed, "access_token").expect("a token");
        let (status, answer) = grant(&server, &token).await;
        assert_eq!(status, 200, "{answer}");
        let user = &answer["user"];
        assert_eq!(
            (&user["provider"], &user["providerUserId"]),
            (&json!("google"), &json!("ann-1")),
            "{user}"
        );
        assert_eq!(
            (&user["email"], &user["name"]),
            (&json!("ann@example.com"), &json!("Ann Lee")),
            "{user}"
        );
        assert!(answer["session"]["token"].is_string(), "{answer}");
        assert_eq!(grant(&server, &token).await.0, 403, "spent");
    }
}

/// §11: an address that an account has is no way into it.
#[actix_web::test]
async fn a_taken_address_comes_back_as_a_failure() {
    let (server, idp) = open().await;
    land(&server, &idp, "/_auth/google").await;
    let mut other = ann();
    other["sub"] = json!("somebody-else");
    idp.person(other);
    let landed = land(&server, &idp, "/_auth/google").await;
    assert_eq!(given(&landed, "status").as_deref(), Some("401"));
    assert_eq!(given(&landed, "action").as_deref(), Some("oauth-signin"));
    assert_eq!(
        given(&landed, "error").as_deref(),
        Some("A user with the provided email already exists.")
    );
    assert_eq!(given(&landed, "access_token"), None);
}

#[actix_web::test]
async fn a_no_at_the_provider_comes_back_as_a_failure() {
    let (server, idp) = open().await;
    let mut ann = server.browser();
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
    let (server, idp) = open().await;
    let request = TestRequest::get()
        .uri("/_auth/google?redirect=https://evil.example")
        .insert_header(("referer", "https://evil.example/"));
    let (status, headers, _) = server.send(request).await;
    assert_eq!(status, 302);
    assert!(!headers.get("location").unwrap().to_str().unwrap().contains("evil"));
    let landed = land(&server, &idp, "/_auth/google?redirect=https://evil.example").await;
    assert_eq!(landed.host_str(), Some("app.example"));
}

/// A client key's own redirect URL, for the page that the browser comes from; what looks like it is
/// not it.
#[actix_web::test]
async fn the_page_that_led_here_chooses_among_the_applications() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("vestibule.toml");
    let shop = "[[engine.client_keys]]\nkey = 'the-shop-key'\nredirect_url = \
        'https://shop.example/back'\n";
    std::fs::write(&file, shop).expect("a file");
    let (server, idp) = open_from(&file, &[("VESTIBULE_ENGINE__REDIRECT_URL", APPLICATION)]).await;
    for (header, value, host) in [
        ("referer", "https://shop.example/", "shop.example"),
        ("referer", "https://shop.example/cart?a=b#c", "shop.example"),
        ("origin", "https://shop.example", "shop.example"),
        ("referer", "https://app.example/", "app.example"),
        ("referer", "https://shop.example@evil.example/", "app.example"),
        ("referer", "https://evil.example/https://shop.example/", "app.example"),
        ("referer", "https://shop.example.evil.example/", "app.example"),
        ("referer", "http://shop.example/", "app.example"),
        ("referer", "https://shop.example:444/", "app.example"),
        ("referer", "javascript:alert(1)", "app.example"),
        ("referer", "no URL", "app.example"),
        ("origin", "null", "app.example"),
    ] {
        let request = TestRequest::get().uri("/_auth/google").insert_header((header, value));
        let (status, headers, _) = server.send(request).await;
        assert_eq!(status, 302, "{value}");
        let cookie = headers.get("set-cookie").expect("a cookie").to_str().expect("text");
        let cookie = cookie.split(';').next().expect("a cookie").to_owned();
        let back = idp.allow(headers.get("location").expect("a provider").to_str().expect("text"));
        let back = url::Url::parse(&back).expect("a URL");
        let request = TestRequest::get()
            .uri(&back[url::Position::BeforePath..])
            .insert_header(("cookie", cookie));
        let (status, headers, _) = server.send(request).await;
        assert_eq!(status, 302, "{value}");
        let landed =
            url::Url::parse(headers.get("location").unwrap().to_str().unwrap()).expect("a URL");
        assert_eq!(landed.host_str(), Some(host), "{value}");
    }
}

/// Nobody can type a required field at a provider: the account is made without, and the application
/// asks for it.
#[actix_web::test]
async fn a_required_field_stays_to_be_asked_for_by_the_application() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("vestibule.toml");
    let fields =
        "[engine.user_fields.city]\nrequired = true\n[engine.user_fields.plan]\ndefault = 'free'\n";
    std::fs::write(&file, fields).expect("a file");
    let settings = [
        ("VESTIBULE_ENGINE__REDIRECT_URL", APPLICATION),
        ("VESTIBULE_ENGINE__CLIENT_KEYS", crate::support::CLIENT_KEY),
    ];
    let (server, idp) = open_from(&file, &settings).await;
    let landed = land(&server, &idp, "/_auth/google").await;
    let (status, answer) = grant(&server, &given(&landed, "access_token").expect("a token")).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        (&answer["user"]["city"], &answer["user"]["plan"]),
        (&Value::Null, &json!("free")),
        "{answer}"
    );
}
