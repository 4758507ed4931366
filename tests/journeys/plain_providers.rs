//! The providers that are not like the others: those without OpenID Connect, against fakes of their
//! documented endpoints, and Apple, which answers by a form and wants a secret that is signed anew.

use std::{fs, os::unix::fs::PermissionsExt as _};

use actix_web::test::TestRequest;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_string_contains, header, method, path},
};

use crate::support::{
    Browser, TestServer,
    oidc::{CLIENT_ID, Idp, Lie},
};

/// A provider: its name, and where it tells what.
struct Fake {
    name: &'static str,
    token: &'static str,
    told: Vec<(&'static str, Value)>,
}

fn github(verified: bool) -> Fake {
    let profile = json!({ "id": 583231, "login": "ann", "name": "Ann Lee" });
    let emails = json!([{ "email": "ann@example.com", "primary": true, "verified": verified }]);
    Fake {
        name: "github",
        token: "/login/oauth/access_token",
        told: vec![("/user", profile), ("/user/emails", emails)],
    }
}

fn discord() -> Fake {
    let profile = json!({
        "id": "8035",
        "username": "ann",
        "global_name": "Ann Lee",
        "email": "ann@example.com",
        "verified": true,
    });
    Fake { name: "discord", token: "/api/oauth2/token", told: vec![("/api/users/@me", profile)] }
}

fn facebook() -> Fake {
    let profile = json!({ "id": "10", "name": "Ann Lee" });
    Fake {
        name: "facebook",
        token: "/v23.0/oauth/access_token",
        told: vec![("/v23.0/me", profile)],
    }
}

fn x() -> Fake {
    let profile = json!({ "data": { "id": "7", "name": "Ann Lee", "username": "ann" } });
    Fake { name: "x", token: "/2/oauth2/token", told: vec![("/2/users/me", profile)] }
}

/// The provider as it is documented: the token for code, verifier and client, the profile for the
/// token.
async fn start(fake: &Fake) -> MockServer {
    let mock_server = MockServer::start().await;
    let token = ResponseTemplate::new(200)
        .set_body_json(json!({ "access_token": "t", "token_type": "bearer" }));
    Mock::given(method("POST"))
        .and(path(fake.token))
        .and(body_string_contains("code=right"))
        .and(body_string_contains("code_verifier="))
        .and(body_string_contains(format!("client_id={CLIENT_ID}")))
        .respond_with(token)
        .mount(&mock_server)
        .await;
    let refusal = ResponseTemplate::new(if fake.name == "github" { 200 } else { 400 });
    let refusal = refusal.set_body_json(json!({ "error": "bad_verification_code" }));
    Mock::given(method("POST"))
        .and(path(fake.token))
        .respond_with(refusal)
        .with_priority(9)
        .mount(&mock_server)
        .await;
    for (place, told) in &fake.told {
        let told = ResponseTemplate::new(200).set_body_json(told);
        let asked =
            Mock::given(method("GET")).and(path(*place)).and(header("authorization", "Bearer t"));
        asked.respond_with(told).mount(&mock_server).await;
    }
    mock_server
}

async fn server(fake: &Fake, mock_server: &MockServer) -> TestServer {
    let name = fake.name.to_uppercase();
    let setting = |key: &str| format!("VESTIBULE_PROVIDERS__{name}__{key}");
    let (id, secret, issuer) = (setting("CLIENT_ID"), setting("CLIENT_SECRET"), setting("ISSUER"));
    TestServer::open_with(&[
        (id.as_str(), CLIENT_ID),
        (secret.as_str(), "secret"),
        (issuer.as_str(), &mock_server.uri()),
    ])
    .await
}

/// Goes there and comes back with a code.
async fn sign_in(
    server: &TestServer,
    fake: &Fake,
    mock_server: &MockServer,
    code: &str,
) -> Browser {
    let mut ann = server.browser();
    ann.open(&format!("/_auth/{}", fake.name)).await;
    let authorize =
        url::Url::parse(&ann.left_to.clone().unwrap_or_else(|| panic!("{}", ann.page.text())))
            .expect("a URL");
    assert!(authorize.as_str().starts_with(&mock_server.uri()), "{authorize}");
    let given = |name: &str| {
        authorize.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    assert_eq!(given("code_challenge_method").as_deref(), Some("S256"), "S27");
    let back = given("redirect_uri").expect("a callback");
    assert!(back.ends_with(&format!("/_auth/{}/callback", fake.name)), "{back}");
    ann.open(&format!("{back}?code={code}&state={}", given("state").expect("a state"))).await;
    ann
}

#[actix_web::test]
async fn each_of_them_signs_in() {
    for (fake, has_address) in
        [(github(true), true), (discord(), true), (facebook(), false), (x(), false)]
    {
        let mock_server = start(&fake).await;
        let server = server(&fake, &mock_server).await;
        let ann = sign_in(&server, &fake, &mock_server, "right").await;
        let text = ann.page.text();
        assert_eq!(ann.page.path, "/profile", "{}: {text}", fake.name);
        assert!(text.contains("Hello, Ann"), "{}: {text}", fake.name);
        assert_eq!(
            text.contains("ann@example.com confirmed"),
            has_address,
            "{}: {text}",
            fake.name
        );
    }
}

/// S24
#[actix_web::test]
async fn an_address_that_github_has_not_verified_is_nobodys() {
    let fake = github(false);
    let mock_server = start(&fake).await;
    let server = server(&fake, &mock_server).await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let eve = sign_in(&server, &fake, &mock_server, "right").await;
    assert_eq!(eve.page.path, "/profile", "{}", eve.page.text());
    assert!(!eve.page.text().contains("ann@example.com"), "{}", eve.page.text());
}

/// S30: GitHub says 200 with an error inside, the others 400.
#[actix_web::test]
async fn a_code_that_is_refused_ends_in_a_page_with_ways_on() {
    for fake in [github(true), discord(), facebook(), x()] {
        let mock_server = start(&fake).await;
        let server = server(&fake, &mock_server).await;
        let ann = sign_in(&server, &fake, &mock_server, "wrong").await;
        assert_eq!(ann.page.status, 502, "{}: {}", fake.name, ann.page.text());
        assert!(ann.page.text().contains("Use another way"), "{}", ann.page.text());
    }
}

#[actix_web::test]
async fn the_wires_name_of_x_works_too() {
    let fake = x();
    let mock_server = start(&fake).await;
    let server = server(&fake, &mock_server).await;
    let mut ann = server.browser();
    ann.open("/_auth/twitter").await;
    assert!(
        ann.left_to.as_deref().is_some_and(|url| url.contains("%2F_auth%2Fx%2Fcallback")),
        "{:?}",
        ann.left_to
    );
}

/// A server where one signs in with Apple, which is a server of the test's.
async fn apple() -> (TestServer, Idp, tempfile::TempDir) {
    let idp = Idp::start("2026-11-18T11:06:40Z".parse().expect("a time"));
    idp.lies(Lie::Apple);
    idp.person(
        json!({ "sub": "000123.ann", "email": "ann@example.com", "email_verified": "true" }),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key.p8");
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .expect("a key");
    let der = BASE64_STANDARD.encode(der);
    fs::write(&key, format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n"))
        .expect("a file");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a file");
    let server = TestServer::open_with(&[
        ("VESTIBULE_PROVIDERS__APPLE__CLIENT_ID", CLIENT_ID),
        ("VESTIBULE_PROVIDERS__APPLE__TEAM_ID", "TEAM"),
        ("VESTIBULE_PROVIDERS__APPLE__KEY_ID", "KEY"),
        ("VESTIBULE_PROVIDERS__APPLE__PRIVATE_KEY_FILE", &key.display().to_string()),
        ("VESTIBULE_PROVIDERS__APPLE__ISSUER", &idp.url()),
    ])
    .await;
    (server, idp, folder)
}

/// Goes to Apple and comes back with its form, in which `user` stands.
async fn sign_in_with_apple(server: &TestServer, idp: &Idp, user: &str) -> Browser {
    let mut ann = server.browser();
    ann.open("/_auth/apple").await;
    let authorize = ann.left_to.clone().unwrap_or_else(|| panic!("{}", ann.page.text()));
    assert!(authorize.contains("response_mode=form_post"), "{authorize}");
    let back = url::Url::parse(&idp.allow(&authorize)).expect("a URL");
    let mut answer: Vec<(String, String)> =
        back.query_pairs().into_owned().filter(|(key, _)| key != "iss").collect();
    answer.push(("user".into(), user.into()));
    let posted =
        TestRequest::post().uri(back.path()).insert_header(("origin", "https://appleid.apple.com"));
    let posted = posted.insert_header(("sec-fetch-site", "cross-site")).set_form(answer);
    let (status, headers, _) = server.send(posted).await;
    assert_eq!(status, 303);
    ann.open(headers.get("location").unwrap().to_str().unwrap()).await;
    ann
}

/// Apple posts its answer from its own page, without our cookie, and tells the name only there.
#[actix_web::test]
async fn apples_answer_comes_as_a_form() {
    let (server, idp, _folder) = apple().await;
    let user = r#"{"name":{"firstName":"Ann","lastName":"Lee"},"email":"ann@example.com"}"#;
    let ann = sign_in_with_apple(&server, &idp, user).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    assert!(
        ann.page.text().contains("Hello, Ann")
            && ann.page.text().contains("ann@example.com confirmed")
    );
}

/// It passes through the browser, so anybody can write it: a name is taken as from our own form,
/// and nothing else is. The address in it is no address.
#[actix_web::test]
async fn what_apple_tells_through_the_browser_is_a_name_at_most() {
    let name = |first: &str| {
        json!({ "name": { "firstName": first }, "email": "eve@example.com" }).to_string()
    };
    for (user, shown) in [
        ("no JSON".to_owned(), ""),
        ("[]".to_owned(), ""),
        (r#"{"name":"Ann"}"#.to_owned(), ""),
        (r#"{"name":{"firstName":7}}"#.to_owned(), ""),
        ("[".repeat(4000), ""),
        (name("Ann\u{0}Lee"), ""),
        (name("Ann\u{202e}eeL"), ""),
        (name("Ann\r\nSet-Cookie: a=b"), ""),
        (name(&"n".repeat(5000)), ""),
        (name(&"n".repeat(900)), &"n".repeat(60)),
        (name("<b>Ann</b>"), "<b>Ann</b>"),
    ] {
        let (server, idp, _folder) = apple().await;
        let mut ann = sign_in_with_apple(&server, &idp, &user).await;
        let begins: String = user.chars().take(60).collect();
        assert_eq!(ann.page.path, "/profile", "{begins}: {}", ann.page.text());
        assert!(!ann.page.text().contains("eve@example.com"), "{begins}");
        ann.open("/profile/name").await;
        assert_eq!(ann.page.value("Name"), shown, "{begins}");
    }
}

/// A body that is no form ends in a page.
#[actix_web::test]
async fn a_form_of_apples_that_cannot_be_read_is_a_page() {
    let (server, _idp, _folder) = apple().await;
    let huge = format!("state=s&user={}", "a".repeat(100_000));
    for (kind, body) in [
        ("application/json", "{}"),
        ("application/x-www-form-urlencoded", "state=a&state=b"),
        ("application/x-www-form-urlencoded", huge.as_str()),
        ("text/plain", "state=a"),
    ] {
        let posted =
            TestRequest::post().uri("/_auth/apple/callback").insert_header(("content-type", kind));
        let (status, _, bytes) = server.send(posted.set_payload(body.to_owned())).await;
        assert!((400..500).contains(&status), "{kind}: {status}");
        assert!(String::from_utf8_lossy(&bytes).contains("<h1>"), "{kind}: a page");
    }
}
