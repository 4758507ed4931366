//! Signing in with a provider.

use std::{path::Path, time::Duration};

use serde_json::json;

use crate::support::{
    Browser, PASSWORD, TestServer,
    oidc::{CLIENT_ID, CLIENT_SECRET, Idp, Lie, ann},
};

/// A server where one can sign in with Google, which is a server of the test's.
pub async fn open() -> (TestServer, Idp) {
    open_with(&[]).await
}

pub async fn open_with(settings: &[(&str, &str)]) -> (TestServer, Idp) {
    open_at(None, settings).await
}

/// With a settings file besides.
pub async fn open_from(file: &Path, settings: &[(&str, &str)]) -> (TestServer, Idp) {
    open_at(Some(file), settings).await
}

async fn open_at(file: Option<&Path>, settings: &[(&str, &str)]) -> (TestServer, Idp) {
    let idp = Idp::start("2026-11-18T11:06:40Z".parse().expect("a time"));
    let url = idp.url();
    let mut all = vec![
        ("VESTIBULE_PROVIDERS__GOOGLE__CLIENT_ID", CLIENT_ID),
        ("VESTIBULE_PROVIDERS__GOOGLE__CLIENT_SECRET", CLIENT_SECRET),
        ("VESTIBULE_PROVIDERS__GOOGLE__ISSUER", url.as_str()),
    ];
    all.extend(settings);
    (TestServer::open_at(file, &all).await, idp)
}

/// Presses the button; answers where it leads.
pub async fn press_google(browser: &mut Browser) -> String {
    browser.open("/sign-in").await;
    browser.press("Continue with Google").await;
    assert_eq!(browser.page.status, 200, "{}", browser.page.text());
    browser.page.way_on()
}

async fn sign_in(browser: &mut Browser, idp: &Idp) {
    let authorize = press_google(browser).await;
    browser.open(&idp.allow(&authorize)).await;
}

#[actix_web::test]
async fn somebody_new_gets_an_account_with_name_and_proved_address() {
    let (server, idp) = open().await;
    let mut ann = server.browser();
    sign_in(&mut ann, &idp).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    let text = ann.page.text();
    assert!(text.contains("Hello, Ann") && text.contains("ann@example.com confirmed"), "{text}");
    assert!(
        server.email_to("ann@example.com").await.is_empty(),
        "nobody is told of their own first sign-in"
    );
}

#[actix_web::test]
async fn who_comes_again_comes_to_the_same_account_whatever_the_address_is_now() {
    let (server, idp) = open().await;
    sign_in(&mut server.browser(), &idp).await;
    idp.person(json!({
        "sub": "ann-1",
        "email": "moved@example.com",
        "email_verified": true,
        "name": "Ann",
    }));
    let mut ann = server.browser();
    sign_in(&mut ann, &idp).await;
    assert!(ann.page.text().contains("ann@example.com"), "{}", ann.page.text());
}

/// S25: the same address of another subject is another person.
#[actix_web::test]
async fn the_subject_counts_and_not_the_address() {
    let (server, idp) = open().await;
    sign_in(&mut server.browser(), &idp).await;
    idp.person(json!({
        "sub": "eve-1",
        "email": "ann@example.com",
        "email_verified": true,
        "name": "Eve",
    }));
    let mut eve = server.browser();
    sign_in(&mut eve, &idp).await;
    assert_eq!(eve.page.path, "/sign-in", "{}", eve.page.text());
    assert!(
        eve.page.text().contains("There is an account with that address already"),
        "{}",
        eve.page.text()
    );
}

/// S24: an account that has the address is asked for its own proof first.
#[actix_web::test]
async fn an_account_that_has_the_address_is_connected_after_its_own_proof() {
    let (server, idp) = open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut ann = server.browser();
    sign_in(&mut ann, &idp).await;
    ann.fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Sign in").await;
    assert_eq!(ann.page.path, "/profile/connections/offer", "{}", ann.page.text());
    ann.press("Connect Google").await;
    assert_eq!(ann.page.path, "/profile/connections", "{}", ann.page.text());
    assert!(
        server.newest_email_to("ann@example.com").await.subject.contains("Google"),
        "the owner is told"
    );
    let mut again = server.browser();
    sign_in(&mut again, &idp).await;
    assert_eq!(again.page.path, "/profile", "{}", again.page.text());
}

/// S24: the offer is for that account alone.
#[actix_web::test]
async fn somebody_elses_sign_in_connects_nothing() {
    let (server, idp) = open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    server.signed_in_user("Eve", "eve@example.com").await;
    let mut eve = server.browser();
    sign_in(&mut eve, &idp).await;
    eve.fill("E-mail", "eve@example.com").fill("Password", PASSWORD);
    eve.press("Sign in").await;
    assert_eq!(eve.page.path, "/profile/connections", "{}", eve.page.text());
    assert!(eve.page.text().contains("None is connected"), "{}", eve.page.text());
}

/// S24: what is not said to be proved is not.
#[actix_web::test]
async fn an_unproved_address_is_nobodys() {
    for verified in [json!(false), json!(null), json!("false")] {
        let (server, idp) = open().await;
        server.signed_in_user("Ann", "ann@example.com").await;
        let mut person = ann();
        person["email_verified"] = verified.clone();
        idp.person(person);
        let mut eve = server.browser();
        sign_in(&mut eve, &idp).await;
        assert_eq!(eve.page.path, "/profile", "{verified}: {}", eve.page.text());
        assert!(!eve.page.text().contains("ann@example.com"), "{}", eve.page.text());
    }
}

/// S23: what visitors put into an account that waits for the address is gone with it.
#[actix_web::test]
async fn an_account_that_waited_for_the_address_is_gone() {
    let (server, idp) = open().await;
    let mut eve = server.browser();
    eve.open("/sign-up").await;
    eve.fill("Name", "Eve").fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    eve.press("Create account").await;
    sign_in(&mut server.browser(), &idp).await;
    eve.open("/sign-in").await;
    eve.fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    eve.press("Sign in").await;
    assert_eq!(eve.page.status, 401, "{}", eve.page.text());
}

/// S26
#[actix_web::test]
async fn an_answer_is_taken_once_and_from_the_browser_that_began() {
    let (server, idp) = open().await;
    let (mut ann, mut eve) = (server.browser(), server.browser());
    let authorize = press_google(&mut ann).await;
    let back = idp.allow(&authorize);
    eve.open(&back).await;
    assert_eq!(eve.page.status, 410, "{}", eve.page.text());
    eve.open("/sign-in").await;
    eve.open(&back).await;
    assert_eq!(eve.page.status, 410, "with a cookie of her own");
    ann.open(&back.replace("state=", "state=x")).await;
    assert_eq!(ann.page.status, 410, "changed state");
    ann.open(&back).await;
    assert_eq!(ann.page.path, "/profile", "nobody else spent it: {}", ann.page.text());
    let mut again = ann.clone();
    again.open(&back).await;
    assert_eq!(again.page.status, 410, "replayed");
}

/// S26
#[actix_web::test]
async fn an_answer_after_ten_minutes_is_too_late() {
    let (server, idp) = open().await;
    let mut ann = server.browser();
    let authorize = press_google(&mut ann).await;
    server.pass(Duration::from_secs(601));
    ann.open(&idp.allow(&authorize)).await;
    assert_eq!(ann.page.status, 410, "{}", ann.page.text());
}

/// S29, S28, S30: whatever cannot be believed ends in a page with a sentence and a way on, and in
/// no account.
#[actix_web::test]
async fn nothing_unbelievable_is_believed() {
    for lie in [
        Lie::Nonce,
        Lie::Audience,
        Lie::Issuer,
        Lie::AnswerIssuer,
        Lie::Expired,
        Lie::MadeLongAgo,
        Lie::Unsigned,
        Lie::SharedSecret,
        Lie::ForeignKey,
        Lie::AccessTokenHash,
        Lie::NoSubject,
        Lie::NoIdToken,
        Lie::OtherSubject,
        Lie::Broken,
        Lie::Redirects,
        Lie::Huge,
    ] {
        let (server, idp) = open().await;
        let mut ann = server.browser();
        let authorize = press_google(&mut ann).await;
        idp.lies(lie);
        ann.open(&idp.allow(&authorize)).await;
        let text = ann.page.text();
        assert!([502, 503].contains(&ann.page.status), "{lie:?}: {} {text}", ann.page.status);
        assert!(
            text.contains("Try Google again") && text.contains("Use another way"),
            "{lie:?}: {text}"
        );
        assert!(!idp.asked().contains(&"/elsewhere".to_owned()), "redirects are not followed");
        ann.open("/profile").await;
        assert_eq!(ann.page.path, "/sign-in", "{lie:?}");
    }
}

/// S30
#[actix_web::test]
async fn a_slow_provider_is_given_up_after_ten_seconds() {
    let (server, idp) = open().await;
    let mut ann = server.browser();
    let authorize = press_google(&mut ann).await;
    idp.lies(Lie::Slow);
    let began = std::time::Instant::now();
    ann.open(&idp.allow(&authorize)).await;
    assert_eq!(ann.page.status, 503, "{}", ann.page.text());
    assert!(began.elapsed() < Duration::from_secs(12));
}

/// S28
#[actix_web::test]
async fn a_provider_that_is_another_or_away_is_not_gone_to() {
    let (server, idp) = open().await;
    idp.lies(Lie::DiscoveryIssuer);
    let mut ann = server.browser();
    ann.open("/sign-in").await;
    ann.press("Continue with Google").await;
    assert_eq!(ann.page.status, 422, "{}", ann.page.text());
    let server = TestServer::open_with(&[
        ("VESTIBULE_PROVIDERS__OWN__CLIENT_ID", "id"),
        ("VESTIBULE_PROVIDERS__OWN__ISSUER", "http://127.0.0.1:9"),
    ])
    .await;
    let mut ann = server.browser();
    ann.open("/_auth/own").await;
    assert_eq!(ann.page.status, 503, "{}", ann.page.text());
    ann.open("/_auth/google").await;
    assert_eq!(ann.page.status, 404, "{}", ann.page.text());
}

#[actix_web::test]
async fn who_says_no_at_the_provider_is_back_with_ways_on() {
    let (server, idp) = open().await;
    let mut ann = server.browser();
    let authorize = press_google(&mut ann).await;
    ann.open(&idp.deny(&authorize)).await;
    assert_eq!(ann.page.status, 200, "{}", ann.page.text());
    assert!(
        ann.page.text().contains("was cancelled") && ann.page.text().contains("Use another way")
    );
    ann.press("Try Google again").await;
    ann.open(&idp.allow(&ann.page.way_on())).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

#[actix_web::test]
async fn only_providers_that_are_set_up_are_offered() {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    for page in ["/sign-in", "/sign-up"] {
        ann.open(page).await;
        assert!(!ann.page.text().contains("Continue with"), "{}", ann.page.text());
    }
    let (server, _idp) = open().await;
    let mut ann = server.browser();
    for page in ["/sign-in", "/sign-up"] {
        ann.open(page).await;
        assert!(ann.page.text().contains("Continue with Google"), "{}", ann.page.text());
    }
}

/// S41
#[actix_web::test]
async fn our_button_needs_its_token() {
    let (server, _idp) = open().await;
    let mut ann = server.browser();
    ann.open("/sign-in").await;
    ann.post("/_auth/google", "application/x-www-form-urlencoded", b"csrf=wrong").await;
    assert_eq!(ann.page.status, 403, "{}", ann.page.text());
}
