//! Attacks by visitors, foreign pages and former friends on the way over a provider.

use actix_web::{http::Method, test::TestRequest};
use serde_json::json;

use super::providers::{open, open_with, press_google};
use crate::support::{Browser, PASSWORD, TestServer, oidc::Idp};

/// One request with a browser's cookies, answered with status and `Location`.
async fn ask(
    server: &TestServer,
    browser: &Browser,
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
) -> (u16, String) {
    let path = url.strip_prefix(&server.public_url).unwrap_or(url);
    let mut request = TestRequest::with_uri(path)
        .method(method)
        .insert_header(("cookie", browser.cookie_header()));
    for header in headers {
        request = request.insert_header(*header);
    }
    let (status, headers, _) = server.send(request).await;
    let location =
        headers.get("location").map(|location| location.to_str().expect("ASCII").to_owned());
    (status, location.unwrap_or_default())
}

async fn came_back(browser: &mut Browser, idp: &Idp) -> String {
    let authorize = press_google(browser).await;
    idp.allow(&authorize)
}

/// S43, S77: a HEAD, as programs send it that look at links, and a page fetched in advance.
#[actix_web::test]
async fn looking_at_an_answer_does_not_spend_it() {
    let (server, idp) = open().await;
    let mut ann = server.browser();
    let back = came_back(&mut ann, &idp).await;
    for (method, headers) in
        [(Method::HEAD, &[][..]), (Method::GET, &[("sec-purpose", "prefetch")][..])]
    {
        let (status, location) = ask(&server, &ann, method, &back, headers).await;
        assert_eq!((status, location.as_str()), (303, "/sign-in"));
    }
    ann.open(&back).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S12: a page with a hundred pictures of ours keeps nobody behind the same address from signing
/// in.
#[actix_web::test]
async fn a_foreign_page_does_not_use_up_the_sign_ins_of_its_visitors() {
    let (server, _idp) = open().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let mut ann = server.browser();
    for destination in ["image", "iframe", "empty"].repeat(30) {
        let (status, location) =
            ask(&server, &ann, Method::GET, "/_auth/google", &[("sec-fetch-dest", destination)])
                .await;
        assert_eq!((status, location.as_str()), (303, "/sign-in"), "{destination}");
    }
    assert_eq!(
        ask(&server, &ann, Method::GET, "/_auth/google", &[("sec-fetch-dest", "document")]).await.0,
        302
    );
    // A browser that does not say what it asks for.
    let mut last = 0;
    for _ in 0..90 {
        last = ask(&server, &ann, Method::GET, "/_auth/google", &[]).await.0;
    }
    assert_eq!(last, 429);
    ann.open("/sign-in").await;
    ann.fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Sign in").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S35: disconnecting ends what came in by the provider and was not spent yet.
#[actix_web::test]
async fn a_token_that_was_kept_is_worth_nothing_once_the_provider_is_disconnected() {
    let (server, idp) = open().await;
    let mut ann = server.browser();
    let back = came_back(&mut ann, &idp).await;
    ann.open(&back).await;
    let mut thief = server.browser();
    let back = came_back(&mut thief, &idp).await;
    let (status, kept) = ask(&server, &thief, Method::GET, &back, &[]).await;
    assert!(status == 302 && kept.contains("access_token="), "{status} {kept}");
    ann.open("/profile/connections").await;
    ann.press("Disconnect").await;
    assert!(ann.page.text().contains("None is connected"), "{}", ann.page.text());
    thief.open(&kept).await;
    assert_eq!(thief.page.status, 410, "{}", thief.page.text());
}

/// S23: whoever had an account with an address that is not theirs is thrown out when its owner
/// chooses a password, also where the email with the link was asked for by them, and also out of
/// what they connected.
#[actix_web::test]
async fn what_was_connected_before_the_address_was_proved_is_gone_after_a_reset() {
    let (server, idp) = open_with(&[("VESTIBULE_ENGINE__CONFIRM_EMAIL", "false")]).await;
    idp.person(json!({ "sub": "eve-1", "name": "Eve" }));
    let mut eve = server.browser();
    eve.open("/sign-up").await;
    eve.fill("Name", "Eve").fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    eve.press("Create account").await;
    eve.open("/profile/connections").await;
    eve.press("Connect").await;
    eve.open(&idp.allow(&eve.page.way_on())).await;
    assert!(eve.page.text().contains("Eve"), "{}", eve.page.text());
    eve.open("/reset-password").await;
    eve.fill("E-mail", "ann@example.com");
    eve.press("Send me a link").await;
    let mut ann = server.browser();
    ann.open(&server.newest_email_to("ann@example.com").await.link()).await;
    ann.fill("New password", "the owner's own words");
    ann.press("Save the new password").await;
    let mut eve = server.browser();
    let back = came_back(&mut eve, &idp).await;
    eve.open(&back).await;
    assert!(!eve.page.text().contains("ann@example.com"), "{}", eve.page.text());
}
