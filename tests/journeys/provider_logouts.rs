//! A provider tells that somebody signed out there (OpenID Connect Back-Channel Logout 1.0).

use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{
    authenticator::{begin, code_of},
    providers::{open, open_with, press_google},
};
use crate::support::{
    Browser, TestServer,
    oidc::{
        Idp, ann,
        endings::{EVENT, Signer},
    },
};

const HERE: &str = "/_auth/google/back-channel-logout";

/// Answer to the provider; no answer is kept or sets a cookie.
async fn tell(server: &TestServer, path: &str, token: &str) -> (u16, Value) {
    let request = TestRequest::post().uri(path).set_form([("logout_token", token)]);
    let (status, headers, bytes) = server.send(request).await;
    assert_eq!(headers.get("cache-control").map(|value| value.to_str().unwrap()), Some("no-store"));
    assert!(!headers.contains_key("set-cookie"), "a server has no use for it");
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn sign_in_with(server: &TestServer, idp: &Idp, sid: Option<&str>) -> Browser {
    let mut person = ann();
    if let Some(sid) = sid {
        person["sid"] = sid.into();
    }
    idp.person(person);
    let mut browser = server.browser();
    let authorize = press_google(&mut browser).await;
    browser.open(&idp.allow(&authorize)).await;
    browser
}

async fn is_in(browser: &mut Browser) -> bool {
    browser.open("/profile").await;
    browser.page.path == "/profile"
}

#[actix_web::test]
async fn the_session_that_it_names_ends_and_no_other() {
    let (server, idp) = open().await;
    let mut phone = sign_in_with(&server, &idp, Some("on the phone")).await;
    let mut desk = sign_in_with(&server, &idp, Some("at the desk")).await;
    let mut emailed = server.browser();
    emailed.open("/magic-link").await;
    emailed.fill("E-mail", "ann@example.com");
    emailed.press("Send me a link").await;
    emailed.open(&server.newest_email_to("ann@example.com").await.link()).await;
    assert!(is_in(&mut phone).await && is_in(&mut desk).await && is_in(&mut emailed).await);
    assert_eq!(
        tell(&server, HERE, &idp.logout_token(Some("ann-1"), Some("on the phone"))).await,
        (200, Value::Null)
    );
    assert!(!is_in(&mut phone).await);
    assert!(phone.page.text().contains("Your session has ended"), "{}", phone.page.text());
    assert!(is_in(&mut desk).await);
    assert_eq!(
        tell(&server, HERE, &idp.logout_token(None, Some("at the desk"))).await.0,
        200,
        "the sid alone names it"
    );
    assert!(!is_in(&mut desk).await);
    assert!(is_in(&mut emailed).await, "what began here is not the provider's to end");
}

#[actix_web::test]
async fn without_a_sid_all_of_the_subject_ends() {
    let (server, idp) = open().await;
    let mut phone = sign_in_with(&server, &idp, Some("on the phone")).await;
    let mut desk = sign_in_with(&server, &idp, None).await;
    assert_eq!(tell(&server, HERE, &idp.logout_token(Some("ann-1"), None)).await.0, 200);
    assert!(!is_in(&mut phone).await && !is_in(&mut desk).await);
}

/// Of a session that no name is known of, nobody can say that it was another one.
#[actix_web::test]
async fn a_session_without_a_name_ends_with_any_of_its_subject() {
    let (server, idp) = open().await;
    let mut ann = sign_in_with(&server, &idp, None).await;
    assert_eq!(tell(&server, HERE, &idp.logout_token(None, Some("somewhere"))).await.0, 200);
    assert!(is_in(&mut ann).await, "the sid alone does not name her");
    assert_eq!(
        tell(&server, HERE, &idp.logout_token(Some("ann-1"), Some("somewhere"))).await.0,
        200
    );
    assert!(!is_in(&mut ann).await);
}

#[actix_web::test]
async fn that_nobody_is_signed_in_is_no_mistake() {
    let (server, idp) = open().await;
    let mut ann = sign_in_with(&server, &idp, Some("here")).await;
    assert_eq!(
        tell(&server, HERE, &idp.logout_token(Some("eve-1"), Some("there"))).await,
        (200, Value::Null)
    );
    assert!(is_in(&mut ann).await);
}

/// The same `sid` and subject of another issuer are other people.
#[actix_web::test]
async fn another_issuer_ends_nothing_here() {
    let other = Idp::start("2026-11-18T11:06:40Z".parse().expect("a time"));
    let url = other.url();
    let (server, idp) = open_with(&[
        ("VESTIBULE_PROVIDERS__OTHER__CLIENT_ID", "the-client"),
        ("VESTIBULE_PROVIDERS__OTHER__ISSUER", url.as_str()),
    ])
    .await;
    let mut ann = sign_in_with(&server, &idp, Some("here")).await;
    let theirs = other.logout_token(Some("ann-1"), Some("here"));
    assert_eq!(
        tell(&server, "/_auth/other/back-channel-logout", &theirs).await.0,
        200,
        "it is a true one, of them"
    );
    assert!(is_in(&mut ann).await);
    assert_eq!(tell(&server, HERE, &other.logout_token(Some("ann-1"), Some("here"))).await.0, 400);
    let ours = idp.logout_token(Some("ann-1"), Some("here"));
    assert_eq!(tell(&server, "/_auth/other/back-channel-logout", &ours).await.0, 400);
    assert!(is_in(&mut ann).await);
}

/// Each of these alone makes a good token worthless.
#[actix_web::test]
async fn nothing_unbelievable_ends_anything() {
    let (server, idp) = open_with(&[("VESTIBULE_LIMITS__FACTOR", "100")]).await;
    let mut ann = sign_in_with(&server, &idp, Some("here")).await;
    let now = server.now().as_second();
    let claim = |name: &'static str, value: Value| (name, Some(value));
    let changes = [
        claim("iss", json!("https://other.example")),
        claim("iss", json!(format!("{}/", idp.url()))),
        ("iss", None),
        claim("aud", json!("another-client")),
        claim("aud", json!([])),
        claim("aud", json!(["the-client", "another-client"])),
        ("aud", None),
        claim("iat", json!(now - 301)),
        claim("iat", json!(now + 301)),
        claim("iat", json!("now")),
        claim("iat", json!(1e300)),
        ("iat", None),
        claim("exp", json!(now)),
        claim("exp", json!(now - 1)),
        claim("exp", json!(null)),
        claim("exp", json!("later")),
        ("jti", None),
        claim("jti", json!("")),
        claim("jti", json!(7)),
        claim("jti", json!("j".repeat(256))),
        ("events", None),
        claim("events", json!({})),
        claim("events", json!([EVENT])),
        claim("events", json!({ EVENT: "yes" })),
        claim("events", json!({ "http://schemas.openid.net/event/other": {} })),
        claim("nonce", json!("n")),
        claim("nonce", json!(null)),
        claim("sub", json!(7)),
        claim("sub", json!("")),
        claim("sid", json!(["here"])),
        claim("sid", json!(null)),
    ];
    for (name, value) in changes {
        let mut claims = idp.logout_claims();
        (claims["sub"], claims["sid"]) = (json!("ann-1"), json!("here"));
        match &value {
            Some(value) => claims[name] = value.clone(),
            None => drop(claims.as_object_mut().expect("claims").remove(name)),
        }
        refused(
            &server,
            &idp,
            json!({ "alg": "ES256", "kid": "one" }),
            claims,
            Signer::Own,
            &format!("{name} {value:?}"),
        )
        .await;
    }
    let nobody = idp.logout_claims();
    refused(
        &server,
        &idp,
        json!({ "alg": "ES256", "kid": "one" }),
        nobody,
        Signer::Own,
        "neither sub nor sid",
    )
    .await;
    for (header, signer) in [
        (json!({ "alg": "none", "kid": "one" }), Signer::Nobody),
        (json!({ "alg": "ES256", "kid": "one" }), Signer::Nobody),
        (json!({ "alg": "HS256", "kid": "one" }), Signer::SharedSecret),
        (json!({ "alg": "ES256", "kid": "one" }), Signer::SharedSecret),
        (json!({ "alg": "ES256", "kid": "one" }), Signer::Foreign),
        (json!({ "alg": "ES256" }), Signer::Foreign),
        (json!({ "alg": "ES256", "kid": "two" }), Signer::Own),
        (json!({ "alg": "ES384", "kid": "one" }), Signer::Own),
        (json!({ "alg": "RS256", "kid": "one" }), Signer::Own),
        (json!({ "kid": "one" }), Signer::Own),
        (json!({ "alg": "ES256", "kid": "one", "typ": "at+jwt" }), Signer::Own),
        (json!({ "alg": "ES256", "kid": "one", "typ": "secevent+jwt" }), Signer::Own),
        (json!({ "alg": "ES256", "kid": "one", "cty": "JWT" }), Signer::Own),
        (json!({ "alg": "ES256", "kid": "one", "crit": ["exp"] }), Signer::Own),
        (json!("ES256"), Signer::Own),
    ] {
        let mut claims = idp.logout_claims();
        claims["sid"] = json!("here");
        refused(&server, &idp, header.clone(), claims, signer, &format!("{header} {signer:?}"))
            .await;
    }
    let good = idp.logout_token(None, Some("here"));
    let changed = good.replacen('.', ".e30", 1);
    for wrong in [
        "",
        "a",
        "a.b.c",
        ".",
        "..",
        "…",
        &format!("{good}."),
        &format!("{good}A"),
        &changed,
        &good[1..],
    ] {
        let (status, answer) = tell(&server, HERE, wrong).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")), "{wrong:?}");
    }
    assert!(is_in(&mut ann).await, "none of them ended anything");
    assert_eq!(
        tell(&server, HERE, &good).await.0,
        200,
        "and the token that was changed is still good"
    );
    assert!(!is_in(&mut ann).await);
}

async fn refused(
    server: &TestServer,
    idp: &Idp,
    header: Value,
    claims: Value,
    signer: Signer,
    what: &str,
) {
    let (status, answer) = tell(server, HERE, &idp.sign(&header, &claims, signer)).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")), "{what}: {answer}");
    assert!(answer["error_description"].is_string(), "{answer}");
}

/// Differences between providers, all of them valid.
#[actix_web::test]
async fn what_may_differ_is_taken() {
    let (server, idp) = open().await;
    for (header, change) in [
        (json!({ "alg": "ES256" }), json!({})),
        (json!({ "alg": "ES256", "kid": "one", "typ": "JWT" }), json!({ "aud": ["the-client"] })),
        (
            json!({ "alg": "ES256", "kid": "one", "typ": "application/logout+jwt" }),
            json!({ "extra": [1] }),
        ),
        (
            json!({ "alg": "ES256", "kid": "one", "typ": "Logout+JWT" }),
            json!({ "iat": server.now().as_second() - 200 }),
        ),
        (
            json!({ "alg": "ES256", "kid": "one" }),
            json!({ "iat": server.now().as_second() as f64 + 0.5 }),
        ),
        (
            json!({ "alg": "ES256", "kid": "one" }),
            json!({ "events": { EVENT: {}, "urn:another": {} } }),
        ),
    ] {
        let mut claims = idp.logout_claims();
        claims.as_object_mut().expect("claims").remove("exp");
        claims["sub"] = json!("ann-1");
        claims.as_object_mut().expect("claims").extend(change.as_object().expect("claims").clone());
        let mut ann = sign_in_with(&server, &idp, None).await;
        assert_eq!(ann.page.path, "/profile", "{header} {change}: {}", ann.page.text());
        assert_eq!(
            tell(&server, HERE, &idp.sign(&header, &claims, Signer::Own)).await.0,
            200,
            "{header} {change}"
        );
        assert!(!is_in(&mut ann).await, "{header} {change}");
        idp.wait(1);
        server.pass(Duration::from_secs(1));
    }
}

#[actix_web::test]
async fn a_token_is_taken_once() {
    let (server, idp) = open().await;
    sign_in_with(&server, &idp, Some("here")).await;
    let token = idp.logout_token(Some("ann-1"), None);
    assert_eq!(tell(&server, HERE, &token).await.0, 200);
    idp.wait(10);
    server.pass(Duration::from_secs(10));
    let mut again = sign_in_with(&server, &idp, Some("there")).await;
    assert!(is_in(&mut again).await, "a logout is about what was before it");
    assert_eq!(tell(&server, HERE, &token).await.0, 400, "replayed");
    server.vestibule.sweep().await;
    assert_eq!(tell(&server, HERE, &token).await.0, 400, "replayed, after a sweep");
    assert!(is_in(&mut again).await);
}

/// Between the provider's yes and the session there is an access token, and perhaps a second
/// factor.
#[actix_web::test]
async fn what_is_on_its_way_to_a_session_ends_too() {
    let (server, idp) =
        open_with(&[("VESTIBULE_ENGINE__REDIRECT_URL", "https://app.example/auth-redirect")]).await;
    let mut person = ann();
    person["sid"] = "here".into();
    idp.person(person);
    let mut browser = server.browser();
    browser.open("/_auth/google").await;
    let authorize = browser.left_to.clone().expect("a way to the provider");
    browser.open(&idp.allow(&authorize)).await;
    let landed = url::Url::parse(&browser.left_to.clone().expect("a way back")).expect("a URL");
    let token = landed
        .query_pairs()
        .find(|(key, _)| key == "access_token")
        .expect("a token")
        .1
        .into_owned();
    assert_eq!(tell(&server, HERE, &idp.logout_token(None, Some("here"))).await.0, 200);
    let request = TestRequest::get().uri(&format!("/_api/rest/v1/auth/grant?key={token}"));
    let (status, ..) =
        server.send(request.insert_header(("x-client-key", crate::support::CLIENT_KEY))).await;
    assert_eq!(status, 403, "the access token is worth nothing any more");
}

/// The answer of the provider is older than its logout, whenever it comes to us.
#[actix_web::test]
async fn a_sign_in_from_before_the_logout_comes_to_nothing() {
    let (server, idp) = open().await;
    sign_in_with(&server, &idp, Some("before")).await;
    idp.person(json!({
        "sub": "ann-1",
        "sid": "here",
        "email": "ann@example.com",
        "email_verified": true,
    }));
    for logout in [idp.logout_token(None, Some("here")), idp.logout_token(Some("ann-1"), None)] {
        let mut late = server.browser();
        let authorize = press_google(&mut late).await;
        let home = idp.allow(&authorize);
        assert_eq!(tell(&server, HERE, &logout).await.0, 200);
        late.open(&home).await;
        assert!(!is_in(&mut late).await, "{}", late.page.text());
    }
    idp.wait(1);
    let mut fresh = server.browser();
    let authorize = press_google(&mut fresh).await;
    fresh.open(&idp.allow(&authorize)).await;
    assert!(is_in(&mut fresh).await, "a new one is a new one: {}", fresh.page.text());
}

#[actix_web::test]
async fn a_sign_in_that_waits_for_its_second_factor_ends_too() {
    let (server, idp) = open().await;
    let mut ann = sign_in_with(&server, &idp, None).await;
    let key = begin(&mut ann).await;
    ann.fill("Code", &code_of(&server, &key));
    ann.press("Switch it on").await;
    server.pass(Duration::from_secs(60));
    idp.wait(60);
    for ended in [true, false] {
        let sid = format!("second {ended}");
        let mut late = sign_in_with(&server, &idp, Some(&sid)).await;
        assert_eq!(late.page.path, "/sign-in/two-factor", "{}", late.page.text());
        if ended {
            assert_eq!(tell(&server, HERE, &idp.logout_token(None, Some(&sid))).await.0, 200);
        }
        late.fill("Code", &code_of(&server, &key));
        late.press("Sign in").await;
        assert_eq!(is_in(&mut late).await, !ended, "{}", late.page.text());
        if !ended {
            assert_eq!(tell(&server, HERE, &idp.logout_token(None, Some(&sid))).await.0, 200);
            assert!(!is_in(&mut late).await, "the session knows what it began with");
        }
        server.pass(Duration::from_secs(60));
        idp.wait(60);
    }
}
