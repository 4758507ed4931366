//! Whose account a link opens, and whose password it has from then on, at both channels.

use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::support::{Browser, CLIENT_KEY, PASSWORD, TestServer};

const EMAIL: &str = "ann@example.com";
const VISITORS: &str = "a strangers long word";
const APP: &str = "https://app.example/back";

/// An application of somebody: what its calls look like from here.
struct App {
    server: TestServer,
    user_agent: &'static str,
    address: &'static str,
}

impl App {
    /// One that runs in a browser or on a machine of its own.
    fn at(server: &TestServer, address: &'static str, user_agent: &'static str) -> Self {
        Self { server: server.clone(), user_agent, address }
    }

    async fn call(&self, request: TestRequest) -> (u16, Value) {
        let request = request
            .insert_header(("x-client-key", CLIENT_KEY))
            .insert_header(("user-agent", self.user_agent));
        let (status, _, bytes) = self.server.send_from(self.address, request).await;
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn sign_up(&self, password: &str) {
        let body = json!({"email": EMAIL, "password": password, "nameOrUserData": "Mallory"});
        let (status, answer) = self
            .call(TestRequest::post().uri("/_api/rest/v1/auth/signup-email").set_json(body))
            .await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Whether a password opens the account.
    async fn signs_in(&self, password: &str) -> bool {
        let body = json!({"email": EMAIL, "password": password});
        let request = TestRequest::post().uri("/_api/rest/v1/auth/signin-email").set_json(body);
        self.call(request).await.0 == 200
    }

    /// The token that the redirect of an emailed link carries.
    async fn token_of(&self, link: &str, accept: &str) -> String {
        let location = self.location_of(link, accept).await;
        let url = url::Url::parse(&location).expect("an address");
        let token = url.query_pairs().find(|(name, _)| name == "access_token");
        token.unwrap_or_else(|| panic!("a token in {location}")).1.into_owned()
    }

    async fn location_of(&self, link: &str, accept: &str) -> String {
        let path = link.strip_prefix(&self.server.public_url).expect("a link of the hall");
        let request = TestRequest::get().uri(path).insert_header(("accept", accept));
        let (status, headers, _) = self.server.send(request).await;
        assert_eq!(status, 302);
        headers.get("location").expect("a location").to_str().expect("ASCII").to_owned()
    }

    async fn grant(&self, token: &str) {
        let uri = format!("/_api/rest/v1/auth/grant?key={token}");
        let (status, answer) = self.call(TestRequest::get().uri(&uri)).await;
        assert_eq!((status, answer["user"]["email"].as_str()), (200, Some(EMAIL)), "{answer}");
    }
}

async fn sign_up(browser: &mut Browser, password: &str) {
    browser.open("/sign-up").await;
    browser.fill("Name", "Mallory").fill("E-mail", EMAIL).fill("Password", password);
    browser.press("Create account").await;
}

async fn signs_in(server: &TestServer, password: &str) -> bool {
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    browser.fill("E-mail", EMAIL).fill("Password", password);
    browser.press("Sign in").await;
    browser.page.path == "/profile"
}

/// Somebody who signs up at the pages, or with an application.
async fn visitor_signs_up(server: &TestServer, is_wire: bool) -> Browser {
    let mut visitor = server.browser();
    if is_wire {
        App::at(server, "203.0.113.66", "").sign_up(VISITORS).await;
    } else {
        sign_up(&mut visitor, VISITORS).await;
    }
    visitor
}

async fn link_to(server: &TestServer) -> String {
    server.newest_email_to(EMAIL).await.link()
}

/// S23
#[actix_web::test]
async fn a_visitors_password_never_opens_the_account_of_whoever_confirms() {
    for is_wire in [false, true] {
        let server = TestServer::open().await;
        visitor_signs_up(&server, is_wire).await;
        let mut ann = server.browser();
        ann.open(&link_to(&server).await).await;
        ann.press("Confirm my address").await;
        assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
        assert!(!signs_in(&server, VISITORS).await);
    }
}

/// S23
#[actix_web::test]
async fn the_owner_chooses_the_password_where_the_link_is_opened() {
    for is_wire in [false, true] {
        let server = TestServer::open().await;
        visitor_signs_up(&server, is_wire).await;
        let mut ann = server.browser();
        ann.open(&link_to(&server).await).await;
        ann.fill("Password", "short").press("Confirm my address").await;
        assert_eq!(ann.page.status, 422);
        assert!(ann.page.problem("Password").is_some());
        assert!(ann.page.text().contains("Mallory"), "it still says whose account it is");
        ann.fill("Password", PASSWORD).press("Confirm my address").await;
        assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
        assert!(signs_in(&server, PASSWORD).await && !signs_in(&server, VISITORS).await);
    }
}

/// A person who signed up on the laptop and reads email on the phone types the password once.
#[actix_web::test]
async fn the_password_of_the_sign_up_stays_when_it_is_typed_elsewhere() {
    let server = TestServer::open().await;
    let (mut laptop, mut phone) = (server.browser(), server.browser());
    sign_up(&mut laptop, PASSWORD).await;
    phone.open(&link_to(&server).await).await;
    phone.fill("Password", PASSWORD).press("Confirm my address").await;
    assert!(signs_in(&server, PASSWORD).await);
}

/// S23: several sign-ups of visitors beside the owner's, and whichever link is opened.
#[actix_web::test]
async fn of_several_sign_ups_no_visitors_password_survives() {
    for of_owner in [false, true] {
        let server = TestServer::open().await;
        visitor_signs_up(&server, true).await;
        visitor_signs_up(&server, false).await;
        let foreign = link_to(&server).await;
        let mut ann = server.browser();
        sign_up(&mut ann, PASSWORD).await;
        let own = link_to(&server).await;
        ann.open(if of_owner { &own } else { &foreign }).await;
        if !of_owner {
            ann.press("Confirm my address").await;
        }
        assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
        assert!(!signs_in(&server, VISITORS).await);
        assert_eq!(
            signs_in(&server, PASSWORD).await,
            of_owner,
            "the owner's own, where the link was theirs"
        );
    }
}

/// S23: a page and an email say whose account it is, when it was made and from where.
#[actix_web::test]
async fn page_and_email_say_which_account_a_link_opens() {
    let server = TestServer::open().await;
    let mut visitor = server.browser();
    sign_up(&mut visitor, VISITORS).await;
    let mail = server.newest_email_to(EMAIL).await;
    assert!(
        mail.text.contains("Mallory") && mail.text.contains("Firefox on Linux"),
        "{}",
        mail.text
    );
    assert!(mail.text.contains("on 18 November 2026"), "{}", mail.text);
    let mut ann = server.browser();
    let page = ann.open(&mail.link()).await.text();
    for said in [EMAIL, "Mallory", "18 November 2026", "Firefox on Linux"] {
        assert!(page.contains(said), "{said} in {page}");
    }

    server.pass(Duration::from_secs(24 * 3600 - 60));
    let owner = App::at(&server, "198.51.100.9", "node");
    assert_eq!(
        owner
            .call(TestRequest::post().uri("/_api/rest/v1/auth/resend?email=ann@example.com"))
            .await
            .0,
        200
    );
    let mail = server.newest_email_to(EMAIL).await;
    assert!(mail.text.contains("The account was made on 18 November 2026"), "{}", mail.text);
}

/// Issue 12, point 14: a link that came by another's hand names the account before the press.
#[actix_web::test]
async fn a_signed_out_person_sees_whose_account_a_link_opens() {
    let server = TestServer::open().await;
    server.signed_in_user("Mallory", "mallory@example.com").await;
    for page in ["/magic-link", "/reset-password"] {
        let mut mallory = server.browser();
        mallory.open(page).await;
        mallory.fill("E-mail", "mallory@example.com").press("Send me a link").await;
        let mut ann = server.browser();
        let shown =
            ann.open(&server.newest_email_to("mallory@example.com").await.link()).await.text();
        assert!(
            shown.contains("mallory@example.com") && shown.contains("Mallory"),
            "{page}: {shown}"
        );
    }
}

/// The official flow: a program signs up, follows the link and redeems the token.
#[actix_web::test]
async fn an_application_that_confirms_where_it_signed_up_keeps_the_password() {
    let server = TestServer::open().await;
    let app = App::at(&server, "203.0.113.7", "node");
    app.sign_up(PASSWORD).await;
    let token = app.token_of(&link_to(&server).await, "*/*").await;
    app.grant(&token).await;
    assert!(app.signs_in(PASSWORD).await);
}

/// S23: the wire alone, from another address or another program.
#[actix_web::test]
async fn an_application_elsewhere_confirms_without_the_password() {
    for (address, user_agent) in [("203.0.113.8", "node"), ("203.0.113.7", "another")] {
        let server = TestServer::open().await;
        App::at(&server, "203.0.113.7", "node").sign_up(VISITORS).await;
        let owner = App::at(&server, address, user_agent);
        let token = owner.token_of(&link_to(&server).await, "*/*").await;
        owner.grant(&token).await;
        assert!(!owner.signs_in(VISITORS).await);
    }
}

/// S23: an application on a server looks like itself whoever its people are, so the browser is
/// asked before it goes there.
#[actix_web::test]
async fn a_browser_that_opens_the_link_of_an_application_is_asked_first() {
    for entered in [None, Some(PASSWORD)] {
        let server = TestServer::open_with(&[("VESTIBULE_ENGINE__REDIRECT_URL", APP)]).await;
        let app = App::at(&server, "203.0.113.7", "node");
        app.sign_up(VISITORS).await;
        let link = link_to(&server).await;
        assert!(app.location_of(&link, "*/*").await.starts_with(APP), "a program goes straight on");
        let asking = app.location_of(&link, "text/html,*/*;q=0.8").await;
        let mut ann = server.browser();
        ann.open(&asking).await;
        if let Some(password) = entered {
            ann.fill("Password", password);
        }
        ann.press("Confirm my address").await;
        let onward = ann.page.way_on();
        assert!(onward.starts_with(APP), "{onward}");
        let url = url::Url::parse(&onward).expect("an address");
        let token = url
            .query_pairs()
            .find(|(name, _)| name == "access_token")
            .expect("a token")
            .1
            .into_owned();
        app.grant(&token).await;
        assert!(!app.signs_in(VISITORS).await);
        assert_eq!(app.signs_in(PASSWORD).await, entered.is_some());
    }
}

async fn ask_for(browser: &mut Browser) {
    browser.open("/profile/email").await;
    browser.fill("New e-mail", EMAIL);
    browser.press("Change e-mail").await;
}

/// S23: a visitor moves their account to the mailbox of somebody who confirms it.
#[actix_web::test]
async fn a_change_of_address_that_a_visitor_began_gives_the_owner_the_account_alone() {
    let server = TestServer::open().await;
    let mut mallory = server.signed_in_user("Mallory", "mallory@example.com").await;
    ask_for(&mut mallory).await;
    let mut ann = server.browser();
    let shown = ann.open(&link_to(&server).await).await.text();
    assert!(shown.contains("Mallory") && shown.contains("Firefox on Linux"), "{shown}");
    ann.press("Confirm the new address").await;
    assert_eq!(ann.page.status, 422, "nothing happens by mistake");
    ann.press("Take the account without its password").await;
    assert!(!signs_in(&server, PASSWORD).await);
    mallory.open("/profile").await;
    assert_eq!(mallory.page.path, "/sign-in");
}

/// The same of a change that an application asked for.
#[actix_web::test]
async fn a_change_of_address_begun_on_the_wire_keeps_the_account_only_with_its_password() {
    for types_password in [false, true] {
        let server = TestServer::open().await;
        server.signed_in_user("Mallory", "mallory@example.com").await;
        let app = App::at(&server, "203.0.113.66", "node");
        let body = json!({"email": "mallory@example.com", "password": PASSWORD});
        let request = TestRequest::post().uri("/_api/rest/v1/auth/signin-email").set_json(body);
        let session =
            app.call(request).await.1["session"]["token"].as_str().expect("a session").to_owned();
        let body = json!({"currentPassword": PASSWORD, "newEmail": EMAIL});
        let request = TestRequest::post()
            .uri("/_api/rest/v1/auth/change-email")
            .insert_header(("session", session));
        assert_eq!(app.call(request.set_json(body)).await.0, 200);
        let mut ann = server.browser();
        ann.open(&link_to(&server).await).await;
        if types_password {
            ann.fill("Password of the account", PASSWORD).press("Confirm the new address").await;
        } else {
            ann.press("Take the account without its password").await;
        }
        assert_eq!(app.signs_in(PASSWORD).await, types_password);
    }
}

/// Where the change was asked for it finishes with one press.
#[actix_web::test]
async fn a_change_of_address_is_confirmed_with_one_press_where_it_was_asked_for() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@old.example").await;
    ask_for(&mut ann).await;
    ann.open(&link_to(&server).await).await;
    ann.press("Confirm the new address").await;
    assert!(signs_in(&server, PASSWORD).await);
}
