//! Signing out of what began with a provider: here first, and there too for whoever wants to.

use std::time::Duration;

use serde_json::json;

use super::{
    authenticator::{begin, code_of},
    providers::{open_with, press_google},
};
use crate::support::{Browser, PASSWORD, TestServer, oidc::Idp};

const PUBLIC: &str = "http://localhost:3000";
const BUTTON: &str = "Sign out of Google too";

/// A server, and a provider that ends sessions.
async fn open() -> (TestServer, Idp) {
    let (server, idp) = open_with(&[]).await;
    idp.ends_sessions();
    (server, idp)
}

async fn sign_in(server: &TestServer, idp: &Idp) -> Browser {
    let mut browser = server.browser();
    let authorize = press_google(&mut browser).await;
    browser.open(&idp.allow(&authorize)).await;
    assert_eq!(browser.page.path, "/profile", "{}", browser.page.text());
    browser
}

/// Presses the button and follows it out of the server; answers where to.
async fn leave(browser: &mut Browser) -> String {
    browser.press(BUTTON).await;
    let way_on = browser.page.way_on();
    browser.open(&way_on).await;
    browser.left_to.clone().unwrap_or_else(|| panic!("still here: {}", browser.page.text()))
}

fn back(server: &TestServer) -> String {
    format!("{}/_auth/google/signed-out", server.public_url)
}

#[actix_web::test]
async fn whoever_came_with_a_provider_may_sign_out_there_too() {
    let (server, idp) = open().await;
    let mut ann = sign_in(&server, &idp).await;
    let replayed = ann.clone();
    ann.press("Sign out").await;
    assert_eq!(ann.page.path, "/signed-out", "{}", ann.page.text());
    let mut before = replayed;
    before.open("/profile").await;
    assert_eq!(
        before.page.path, "/sign-in",
        "the session here is over before anybody goes anywhere"
    );
    let end = leave(&mut ann).await;
    ann.open("/signed-out").await;
    assert!(ann.page.text().contains("did not come back from there yet"), "{}", ann.page.text());
    ann.open(&idp.signs_out(&end, &back(&server))).await;
    assert_eq!(ann.page.path, "/signed-out");
    assert!(ann.page.text().contains("Here, and at Google as well"), "{}", ann.page.text());
    ann.open("/signed-out").await;
    assert!(
        ann.page.text().contains("Here, and at Google as well"),
        "also when it is loaded again"
    );
}

/// The id_token is personal data, and who has it can do more than its owner wants.
#[actix_web::test]
async fn the_id_token_stands_in_the_redirect_and_in_no_page() {
    let (server, idp) = open().await;
    let mut ann = sign_in(&server, &idp).await;
    ann.press("Sign out").await;
    for _ in 0..2 {
        assert!(
            !ann.page.html().contains("id_token") && !ann.page.html().contains(&idp.url()),
            "{}",
            ann.page.html()
        );
        let policy = ann.page.header("content-security-policy").expect("a policy");
        assert!(
            policy.contains("form-action 'self';"),
            "no form needs to lead to the provider: {policy}"
        );
        if ann.page.path == "/signed-out" && ann.page.text().contains(BUTTON) {
            ann.press(BUTTON).await;
        }
    }
    let way_on = ann.page.way_on();
    ann.open(&way_on).await;
    assert_eq!((ann.page.status, ann.page.header("referrer-policy")), (302, Some("no-referrer")));
    assert!(
        ann.left_to.as_ref().is_some_and(|to| to.contains("id_token_hint=")),
        "{:?}",
        ann.left_to
    );
}

#[actix_web::test]
async fn nobody_goes_to_the_provider_twice_or_without_a_press() {
    let (server, idp) = open().await;
    let mut ann = sign_in(&server, &idp).await;
    ann.press("Sign out").await;
    ann.open("/signed-out/provider").await;
    assert_eq!(
        (ann.page.path.as_str(), &ann.left_to),
        ("/signed-out", &None),
        "a link that somebody else made"
    );
    ann.press(BUTTON).await;
    let mut twice = ann.clone();
    ann.open("/signed-out/provider").await;
    assert!(ann.left_to.is_some());
    ann.open("/signed-out/provider").await;
    assert_eq!(ann.left_to, None, "the cookie knows");
    twice.open("/signed-out/provider").await;
    assert_eq!(
        (twice.page.path.as_str(), &twice.left_to),
        ("/", &None),
        "and so does the database"
    );
    ann.open("/signed-out").await;
    ann.post("/signed-out", "application/x-www-form-urlencoded", b"csrf=wrong").await;
    assert_eq!(ann.page.status, 403, "S41: {}", ann.page.text());
}

#[actix_web::test]
async fn the_way_back_is_this_browsers_and_good_once() {
    let (server, idp) = open().await;
    let mut ann = sign_in(&server, &idp).await;
    ann.press("Sign out").await;
    let end = leave(&mut ann).await;
    let home = idp.signs_out(&end, &back(&server));
    let mut eve = sign_in(&server, &idp).await;
    eve.press("Sign out").await;
    leave(&mut eve).await;
    eve.open(&home).await;
    assert!(eve.page.text().contains("did not come back"), "another browser: {}", eve.page.text());
    for wrong in
        [back(&server), home.replace("state=", "state=x"), home.replace("/google/", "/github/")]
    {
        ann.open(&wrong).await;
        assert!(!ann.page.text().contains("Here, and at"), "{wrong}: {}", ann.page.text());
    }
    let mut late = ann.clone();
    ann.open(&home).await;
    assert!(ann.page.text().contains("Here, and at Google"), "{}", ann.page.text());
    server.pass(Duration::from_secs(601));
    late.open(&home).await;
    assert_eq!(
        late.page.path,
        "/",
        "after ten minutes there is nothing to say: {}",
        late.page.text()
    );
}

#[actix_web::test]
async fn after_ten_minutes_nothing_is_offered_any_more() {
    let (server, idp) = open().await;
    let mut ann = sign_in(&server, &idp).await;
    ann.press("Sign out").await;
    assert!(ann.page.text().contains(BUTTON), "{}", ann.page.text());
    server.pass(Duration::from_secs(601));
    ann.open("/signed-out").await;
    assert_eq!(ann.page.path, "/", "{}", ann.page.text());
}

#[actix_web::test]
async fn without_the_providers_support_nothing_is_offered() {
    let unfit = [json!(null), json!(""), json!(7), json!("javascript:alert(1)"), json!("/end")];
    for says in std::iter::once(None).chain(unfit.into_iter().map(Some)) {
        let (server, idp) = open_with(&[]).await;
        if let Some(says) = says.clone() {
            idp.says_of_endings(says);
        }
        let mut ann = sign_in(&server, &idp).await;
        ann.press("Sign out").await;
        assert_eq!(ann.page.path, "/", "{says:?}: {}", ann.page.text());
        assert!(ann.page.text().contains("You are signed out."), "{says:?}");
    }
}

#[actix_web::test]
async fn whoever_came_with_a_password_is_asked_about_no_provider() {
    let (server, idp) = open().await;
    sign_in(&server, &idp).await;
    let mut ben = server.signed_in_user("Ben", "ben@example.com").await;
    ben.press("Sign out").await;
    assert_eq!(ben.page.path, "/", "{}", ben.page.text());
}

/// Signing out asks nobody but ourselves.
#[actix_web::test]
async fn a_provider_that_is_away_holds_nobody_up() {
    let (server, idp) = open().await;
    let mut ann = sign_in(&server, &idp).await;
    let asked = idp.asked().len();
    server.pass(Duration::from_secs(2 * 3600));
    ann.press("Sign out").await;
    assert_eq!((ann.page.path.as_str(), idp.asked().len()), ("/signed-out", asked));
}

/// The session goes on under another token after a fresh proof (S32); it is the same session.
#[actix_web::test]
async fn it_outlives_a_fresh_proof_and_a_second_factor() {
    let (server, idp) = open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut ann = server.browser();
    let authorize = press_google(&mut ann).await;
    ann.open(&idp.allow(&authorize)).await;
    ann.fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Sign in").await;
    ann.press("Connect Google").await;
    let key = begin(&mut ann).await;
    ann.fill("Code", &code_of(&server, &key));
    ann.press("Switch it on").await;
    ann.press("Sign out").await;
    assert_eq!(ann.page.path, "/", "this session began with a password: {}", ann.page.text());

    server.pass(Duration::from_secs(60));
    let mut ann = server.browser();
    let authorize = press_google(&mut ann).await;
    ann.open(&idp.allow(&authorize)).await;
    assert_eq!(ann.page.path, "/sign-in/two-factor", "{}", ann.page.text());
    ann.fill("Code", &code_of(&server, &key));
    ann.press("Sign in").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());

    server.pass(Duration::from_secs(3600));
    ann.open("/profile/connections").await;
    ann.press("Disconnect").await;
    ann.fill("Your password", PASSWORD);
    ann.press("Confirm").await;
    assert!(ann.page.text().contains("None is connected"), "{}", ann.page.text());
    ann.press("Sign out").await;
    assert_eq!(ann.page.path, "/signed-out", "{}", ann.page.text());
    let end = leave(&mut ann).await;
    idp.signs_out(&end, &back(&server));
}

#[actix_web::test]
async fn whoever_signs_in_again_has_no_more_need_of_it() {
    let (server, idp) = open().await;
    let mut ann = sign_in(&server, &idp).await;
    ann.press("Sign out").await;
    let authorize = press_google(&mut ann).await;
    ann.open(&idp.allow(&authorize)).await;
    ann.open("/signed-out").await;
    assert_eq!(ann.page.path, "/profile", "members have nothing to do there");
    ann.open(&back(&server)).await;
    assert_eq!(ann.page.path, "/profile");
}

/// Under a path of somebody's site all of it is below that path.
#[actix_web::test]
async fn it_works_under_a_path() {
    let (server, idp) =
        open_with(&[("VESTIBULE_SERVER__PUBLIC_URL", "http://localhost:3000/hall")]).await;
    idp.ends_sessions();
    let mut ann = server.browser();
    ann.open("/hall/sign-in").await;
    ann.press("Continue with Google").await;
    let authorize = ann.page.way_on();
    ann.open(&idp.allow(&authorize)).await;
    ann.press("Sign out").await;
    assert_eq!(ann.page.path, "/hall/signed-out", "{}", ann.page.text());
    let end = leave(&mut ann).await;
    assert_eq!(server.public_url, format!("{PUBLIC}/hall"));
    ann.open(&idp.signs_out(&end, &back(&server))).await;
    assert!(ann.page.text().contains("Here, and at Google as well"), "{}", ann.page.text());
}
