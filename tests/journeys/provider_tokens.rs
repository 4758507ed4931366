//! Claims of id_tokens and user infos, and which of them count (S24, S29).

use std::time::Duration;

use serde_json::{Value, json};

use super::providers::{open, press_google};
use crate::support::{
    Browser, TestServer,
    oidc::{CLIENT_ID, Idp, Lie, ann},
    oidc_keys::Signer,
};

async fn sign_in(server: &TestServer, idp: &Idp) -> Browser {
    let mut browser = server.browser();
    let authorize = press_google(&mut browser).await;
    browser.open(&idp.allow(&authorize)).await;
    browser
}

/// One sign-in with these claims in place of those that belong into the id_token.
async fn told(claims: Value) -> Browser {
    let (server, idp) = open().await;
    idp.says(claims);
    sign_in(&server, &idp).await
}

/// One sign-in of a person with these claims.
async fn told_of(person: Value) -> (TestServer, Browser) {
    let (server, idp) = open().await;
    idp.person(person);
    let browser = sign_in(&server, &idp).await;
    (server, browser)
}

#[actix_web::test]
async fn a_provider_that_signs_with_rsa_signs_in() {
    let (server, idp) = open().await;
    idp.signs_with(Signer::rs256("rsa"));
    assert_eq!(sign_in(&server, &idp).await.page.path, "/profile");
    for lie in [Lie::PublicKeyAsSecret, Lie::SharedSecret, Lie::Unsigned, Lie::ForeignKey] {
        idp.lies(lie);
        let eve = sign_in(&server, &idp).await;
        assert_eq!(eve.page.status, 502, "{lie:?}: {}", eve.page.text());
    }
}

/// Of an elliptic curve too the published key is no secret.
#[actix_web::test]
async fn the_published_key_is_no_shared_secret() {
    let (server, idp) = open().await;
    idp.lies(Lie::PublicKeyAsSecret);
    assert_eq!(sign_in(&server, &idp).await.page.status, 502);
}

#[actix_web::test]
async fn a_provider_that_changes_its_key_signs_in_at_once() {
    let (server, idp) = open().await;
    assert_eq!(sign_in(&server, &idp).await.page.path, "/profile");
    idp.signs_with(Signer::es256("two"));
    assert_eq!(
        sign_in(&server, &idp).await.page.path,
        "/profile",
        "a moment after the former keys were read"
    );
    server.pass(Duration::from_secs(61));
    idp.is_at(server.now());
    idp.signs_with(Signer::es256("two"));
    assert_eq!(
        sign_in(&server, &idp).await.page.path,
        "/profile",
        "another key under the same name"
    );
}

/// Unknown keys do not make us ask for keys without end.
#[actix_web::test]
async fn keys_that_are_missed_are_looked_for_once_a_minute() {
    let (server, idp) = open().await;
    sign_in(&server, &idp).await;
    for lie in [Lie::UnknownKey, Lie::ForeignKey, Lie::UnknownKey, Lie::ForeignKey] {
        idp.lies(lie);
        assert_eq!(sign_in(&server, &idp).await.page.status, 502);
    }
    assert_eq!(idp.times_asked("/keys"), 2, "at the beginning, and once for all of them");
    server.pass(Duration::from_secs(61));
    idp.is_at(server.now());
    sign_in(&server, &idp).await;
    assert_eq!(idp.times_asked("/keys"), 3);
}

/// OpenID Connect Core 1.0 §3.1.3.7, points 3 to 5.
#[actix_web::test]
async fn a_token_is_for_this_application_alone() {
    for claims in [
        json!({ "aud": [] }),
        json!({ "aud": null }),
        json!({ "aud": ["another-client"] }),
        json!({ "aud": [CLIENT_ID, "another-client"] }),
        json!({ "aud": [CLIENT_ID, "another-client"], "azp": CLIENT_ID }),
        json!({ "azp": "another-client" }),
        json!({ "aud": [CLIENT_ID], "azp": "another-client" }),
    ] {
        let eve = told(claims.clone()).await;
        assert_eq!(eve.page.status, 502, "{claims}: {}", eve.page.text());
    }
    for claims in [json!({ "aud": [CLIENT_ID] }), json!({ "azp": CLIENT_ID })] {
        let ann = told(claims.clone()).await;
        assert_eq!(ann.page.path, "/profile", "{claims}: {}", ann.page.text());
    }
}

/// Points 9 to 11. The clocks of both sides may be five minutes apart.
#[actix_web::test]
async fn a_token_is_of_now() {
    let now = "2026-11-18T11:06:40Z".parse::<jiff::Timestamp>().expect("a time").as_second();
    for claims in [
        json!({ "exp": null }),
        json!({ "iat": null }),
        json!({ "exp": now - 301 }),
        json!({ "exp": now }),
        json!({ "iat": now - 301 }),
        json!({ "iat": now + 301, "exp": now + 900 }),
        json!({ "exp": "soon" }),
        json!({ "nonce": null }),
        json!({ "nonce": "" }),
    ] {
        let eve = told(claims.clone()).await;
        assert_eq!(eve.page.status, 502, "{claims}: {}", eve.page.text());
    }
    for claims in [json!({ "iat": now - 290 }), json!({ "iat": now + 290, "exp": now + 900 })] {
        let ann = told(claims.clone()).await;
        assert_eq!(ann.page.path, "/profile", "{claims}: {}", ann.page.text());
    }
}

/// S24: `true`, or the text `"true"` that Apple sends. Nothing else is a proof, and without an
/// address there is an account all the same.
#[actix_web::test]
async fn an_address_is_proved_where_the_provider_says_true() {
    for verified in [json!(true), json!("true")] {
        let mut person = ann();
        person["email_verified"] = verified.clone();
        let (_server, ann) = told_of(person).await;
        assert!(
            ann.page.text().contains("ann@example.com confirmed"),
            "{verified}: {}",
            ann.page.text()
        );
    }
    for verified in [json!(false), json!("false"), Value::Null] {
        let mut person = ann();
        person["email_verified"] = verified.clone();
        let (_server, ann) = told_of(person).await;
        assert_eq!(ann.page.path, "/profile", "{verified}: {}", ann.page.text());
        assert!(!ann.page.text().contains("ann@example.com"), "{verified}: {}", ann.page.text());
    }
    for person in [
        json!({ "sub": "ann-1", "name": "Ann Lee", "email_verified": true }),
        json!({ "sub": "ann-1", "name": "Ann Lee", "email": "", "email_verified": true }),
        json!({
            "sub": "ann-1",
            "name": "Ann Lee",
            "email": "ann at example",
            "email_verified": true,
        }),
        json!({ "sub": "ann-1", "name": "Ann Lee", "email": "ann@example.com\r\nBcc: \
            eve@example.com", "email_verified": true }),
    ] {
        let (_server, ann) = told_of(person.clone()).await;
        assert_eq!(ann.page.path, "/profile", "{person}: {}", ann.page.text());
        assert!(ann.page.text().contains("Hello, Ann"), "{person}: {}", ann.page.text());
    }
}

/// Anything but a truth value is an unreadable answer, never a yes.
#[actix_web::test]
async fn a_proof_in_other_words_is_none() {
    for verified in [json!(1), json!("yes"), json!(["true"])] {
        let mut person = ann();
        person["email_verified"] = verified.clone();
        let (_server, eve) = told_of(person).await;
        assert!(!eve.page.text().contains("ann@example.com"), "{verified}: {}", eve.page.text());
        assert!([200, 502].contains(&eve.page.status), "{verified}: {}", eve.page.status);
    }
}

/// A name comes from a visitor, like one that is typed: it is as long as ours may be, shows what it
/// is, and is text.
#[actix_web::test]
async fn a_name_is_taken_as_our_own_form_takes_it() {
    for (told, shown) in [
        ("n".repeat(10 * 1024), Some("n".repeat(60))),
        ("Ann\u{0}Lee".to_owned(), None),
        ("Ann\r\nLee".to_owned(), None),
        ("Ann \u{202e}eeL".to_owned(), None),
        ("\u{200b}".to_owned(), None),
        ("   ".to_owned(), None),
        (
            "<script>alert(1)</script>".to_owned(),
            Some("&lt;script&gt;alert(1)&lt;/script&gt;".to_owned()),
        ),
        (
            "\"><img src=x onerror=alert(1)>".to_owned(),
            Some("&lt;img src=x onerror=alert(1)&gt;".to_owned()),
        ),
    ] {
        let mut person = ann();
        person["name"] = json!(told);
        let (_server, mut ann) = told_of(person).await;
        assert_eq!(ann.page.path, "/profile", "{told}: {}", ann.page.text());
        assert!(
            !ann.page.html().contains("<script>alert") && !ann.page.html().contains("<img src=x"),
            "{told}"
        );
        assert!(
            !ann.page.html().contains('\u{202e}') && !ann.page.html().contains('\u{0}'),
            "{told}"
        );
        ann.open("/profile/name").await;
        let plain = |shown: String| shown.replace("&lt;", "<").replace("&gt;", ">");
        let kept = ann.page.value("Name");
        assert!(
            shown.map_or(kept.is_empty(), |shown| kept.contains(&plain(shown))),
            "{told}: {kept}"
        );
    }
}

/// S29: a subject is a name of up to 255 letters; what is none is nobody's.
#[actix_web::test]
async fn a_subject_that_is_none_is_nobody() {
    for subject in [json!(""), json!("a".repeat(256)), json!("a\nb"), json!(7), Value::Null] {
        let mut person = ann();
        person["sub"] = subject.clone();
        let (_server, eve) = told_of(person).await;
        assert_eq!(eve.page.status, 502, "{subject}: {}", eve.page.text());
    }
}
