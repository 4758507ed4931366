//! Providers that are away or slow, and what works meanwhile (S30, R12).

use std::time::{Duration, Instant};

use actix_web::{http::header::HeaderMap, test::TestRequest};
use url::{Position, Url};

use super::providers::{open, press_google};
use crate::support::{
    Browser, PASSWORD, TestServer,
    oidc::{Idp, Lie},
};

const DISCOVERY: &str = "/.well-known/openid-configuration";

async fn sign_in(browser: &mut Browser, idp: &Idp) {
    let authorize = press_google(browser).await;
    browser.open(&idp.allow(&authorize)).await;
}

/// R12: nobody asks the provider before somebody wants it, and it need not be started anew once it
/// is back.
#[actix_web::test]
async fn a_provider_that_is_away_at_the_start_keeps_nobody_else_out() {
    let (server, idp) = open().await;
    idp.lies(Lie::Away);
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ann.press("Sign out").await;
    ann.open("/sign-in").await;
    ann.fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Sign in").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());

    let mut ben = server.browser();
    ben.open("/sign-in").await;
    ben.press("Continue with Google").await;
    let text = ben.page.text();
    assert!(
        text.contains("does not answer right now") && text.contains("Try Google again"),
        "{text}"
    );
    assert_eq!(ben.page.heading(), "That did not work with Google");
    ben.open("/_auth/google").await;
    assert_eq!(ben.page.status, 503, "{}", ben.page.text());
    assert!(ben.page.text().contains("Use another way to sign in"), "{}", ben.page.text());
    idp.lies(Lie::None);
    ben.press("Try Google again").await;
    ben.open(&idp.allow(&ben.page.way_on())).await;
    assert!(
        ben.page.text().contains("There is an account with that address already"),
        "{}",
        ben.page.text()
    );
}

/// R12: what is known of a provider serves on while it cannot be asked, which is tried once a
/// minute.
#[actix_web::test]
async fn what_was_discovered_is_kept_and_renewed() {
    let (server, idp) = open().await;
    for _ in 0..3 {
        sign_in(&mut server.browser(), &idp).await;
    }
    assert_eq!(idp.times_asked(DISCOVERY), 1);
    server.pass(Duration::from_secs(3601));
    idp.is_at(server.now());
    idp.lies(Lie::Away);
    for _ in 0..3 {
        let mut ann = server.browser();
        sign_in(&mut ann, &idp).await;
        assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    }
    assert_eq!(idp.times_asked(DISCOVERY), 2);
    server.pass(Duration::from_secs(61));
    idp.is_at(server.now());
    idp.lies(Lie::None);
    for _ in 0..3 {
        sign_in(&mut server.browser(), &idp).await;
    }
    assert_eq!(idp.times_asked(DISCOVERY), 3);
}

/// S30: a provider that lets one wait again and again is given up as one that does so once.
#[actix_web::test]
async fn all_answers_together_have_the_time_of_one() {
    let (server, idp) = open().await;
    let mut ann = server.browser();
    let authorize = press_google(&mut ann).await;
    idp.lies(Lie::Tardy);
    let began = Instant::now();
    ann.open(&idp.allow(&authorize)).await;
    assert_eq!(ann.page.status, 503, "{}", ann.page.text());
    assert!(began.elapsed() < Duration::from_secs(11), "{:?}", began.elapsed());
}

/// A sign-in that cannot be finished says so in words about sign-ins, and offers to begin again.
#[actix_web::test]
async fn a_sign_in_that_is_over_is_begun_again_and_speaks_of_no_email() {
    let (server, idp) = open().await;
    let mut ann = server.browser();
    for query in
        ["status=401&action=oauth-signin&error=x", "status=200&action=oauth-signin&access_token="]
    {
        ann.open(&format!("/auth-redirect?{query}")).await;
        let text = ann.page.text();
        assert_eq!(
            (ann.page.status, ann.page.heading().as_str()),
            (410, "This sign-in is over"),
            "{text}"
        );
        assert!(!text.contains("mail") && text.contains("Use another way to sign in"), "{text}");
    }
    let landed = land(&server, &idp).await;
    ann.open(&landed).await;
    assert_eq!(ann.page.path, "/auth-redirect/finish");
    let text = ann.page.text();
    assert!(text.contains("did not begin in this browser") && !text.contains("mail"), "{text}");
    ann.press("Sign in").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    ann.open("/auth-redirect?status=401&action=oauth-signin&error=x").await;
    assert!(ann.page.text().contains("You are signed in"), "{}", ann.page.text());

    let mut ben = server.browser();
    ben.open(&landed).await;
    assert_eq!(
        (ben.page.status, ben.page.heading().as_str()),
        (410, "This sign-in is over"),
        "spent"
    );
    ben.press("Sign in with Google again").await;
    ben.open(&idp.allow(&ben.page.way_on())).await;
    assert_eq!(ben.page.path, "/profile", "{}", ben.page.text());
}

/// The same for a signed-in user of another account.
#[actix_web::test]
async fn a_sign_in_of_another_browser_asks_a_signed_in_user_first() {
    let (server, idp) = open().await;
    let mut ben = server.signed_in_user("Ben", "ben@example.com").await;
    ben.open(&land(&server, &idp).await).await;
    let text = ben.page.text();
    assert!(
        text.contains("You are signed in here as ben@example.com") && !text.contains("mailed"),
        "{text}"
    );
}

/// Where somebody's sign-in lands, with its token: the browser that began it does not go there.
async fn land(server: &TestServer, idp: &Idp) -> String {
    let (_, headers, _) = server.send(TestRequest::get().uri("/_auth/google")).await;
    let header = |headers: &HeaderMap, name: &str| {
        headers.get(name).expect(name).to_str().expect("text").to_owned()
    };
    let cookie = header(&headers, "set-cookie");
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    let back = Url::parse(&idp.allow(&header(&headers, "location"))).expect("a URL");
    let request =
        TestRequest::get().uri(&back[Position::BeforePath..]).insert_header(("cookie", cookie));
    let (status, headers, _) = server.send(request).await;
    assert_eq!(status, 302);
    header(&headers, "location")
}
