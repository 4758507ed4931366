//! The layers and the visitors' pages, driven through the whole scope with a backend that answers
//! as told.

mod fake;
mod step_up;

use std::{rc::Rc, sync::Arc};

use actix_web::{
    App,
    body::to_bytes,
    cookie::Cookie,
    dev::ServiceResponse,
    http::{Method, StatusCode, header},
    middleware::from_fn,
    test::{TestRequest, call_service, init_service},
    web,
};
use futures_util::{FutureExt, future::LocalBoxFuture};
use jiff::Timestamp;

use self::fake::{Fake, FakeRandom};
use super::{
    PageSettings, PageState, cookie_session,
    request::{
        cookies,
        guard::{self, Guard},
        visit::Visit,
    },
    routes,
};
use crate::{http::request_log, port::Clock};

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

fn settings(public_url: &str) -> PageSettings {
    PageSettings {
        public_url: public_url.into(),
        redirect_url: format!("{public_url}/auth-redirect"),
        cookie_keys: vec![[7; 64]],
        product_name: "Hall & Co".into(),
        access: crate::access_rules::AccessRules::none(public_url),
        dev_inbox: None,
        clock: Arc::new(Still),
        random: Arc::new(FakeRandom::default()),
    }
}

/// A browser: it keeps its cookies, sends forms with the token of the page it saw last, and follows
/// nothing by itself.
struct TestBrowser {
    app: Ask,
    fake: Arc<Fake>,
    cookies: Vec<Cookie<'static>>,
    token: String,
}

struct Answered {
    status: StatusCode,
    location: String,
    headers: header::HeaderMap,
    text: String,
}

type Ask = Rc<dyn Fn(TestRequest) -> LocalBoxFuture<'static, ServiceResponse>>;

/// A browser in front of an application; a macro, since the type of its service cannot be written
/// down.
macro_rules! opened {
    ($app:expr, $fake:expr) => {{
        let app = Rc::new(init_service($app).await);
        let ask = move |request: TestRequest| {
            let app = app.clone();
            async move { call_service(&*app, request.to_request()).await }.boxed_local()
        };
        TestBrowser { app: Rc::new(ask), fake: $fake, cookies: Vec::new(), token: String::new() }
    }};
}

async fn browser(settings: PageSettings) -> TestBrowser {
    let fake = Arc::new(Fake::default());
    opened!(App::new().configure(routes(settings, fake.clone())), fake)
}

/// A server with one page for signed-in users, outside the table.
async fn with_a_private_page() -> TestBrowser {
    let (settings, fake) = (settings("http://localhost:3000"), Arc::new(Fake::default()));
    let private = web::resource("/private")
        .to(|visit: Visit| async move {
            visit.signed_in().map(|signed_in_user| signed_in_user.user.id.clone())
        })
        .wrap(from_fn(|request, next| guard::stand(Guard::SignedIn, request, next)))
        .wrap(cookie_session(&PageState::of(settings.clone(), fake.clone())))
        .wrap(from_fn(cookies::tidy));
    let app = App::new().service(private).configure(routes(settings, fake.clone()));
    opened!(app, fake)
}

async fn at_home() -> TestBrowser {
    browser(settings("http://localhost:3000")).await
}

impl TestBrowser {
    async fn get(&mut self, path: &str) -> Answered {
        self.send(TestRequest::get().uri(path)).await
    }

    /// Asks with junk in front of one's own cookies, in the same header and in one of its own.
    async fn get_beside(&mut self, path: &str, junk: &header::HeaderValue) -> Answered {
        let own: Vec<String> =
            self.cookies.iter().map(|cookie| cookie.stripped().encoded().to_string()).collect();
        let joined =
            [junk.as_bytes(), b"; ", own.join("; ").as_bytes(), b"; ", junk.as_bytes()].concat();
        let joined = header::HeaderValue::from_bytes(&joined).unwrap();
        let request = TestRequest::get().uri(path).append_header((header::COOKIE, junk.clone()));
        let cookies = std::mem::take(&mut self.cookies);
        let answered = self.send(request.append_header((header::COOKIE, joined))).await;
        self.cookies = cookies;
        answered
    }

    async fn post(&mut self, path: &str, fields: &str) -> Answered {
        let body = format!("csrf={}&{fields}", self.token);
        self.send(form(path).set_payload(body)).await
    }

    async fn send(&mut self, mut request: TestRequest) -> Answered {
        if !self.cookies.is_empty() {
            let sent: Vec<String> =
                self.cookies.iter().map(|cookie| cookie.stripped().encoded().to_string()).collect();
            request = request.insert_header((header::COOKIE, sent.join("; ")));
        }
        let response = (self.app)(request).await;
        for cookie in response.response().cookies() {
            self.cookies.retain(|known| known.name() != cookie.name());
            self.cookies.push(cookie.into_owned());
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let location =
            headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap()).to_owned();
        let text =
            String::from_utf8(to_bytes(response.into_body()).await.unwrap().to_vec()).unwrap();
        if let Some((_, rest)) = text.split_once("name=\"csrf\" value=\"") {
            self.token = rest.split('"').next().unwrap().to_owned();
        }
        Answered { status, location, headers, text }
    }

    async fn sign_in(&mut self) -> Answered {
        self.get("/sign-in").await;
        self.post("/sign-in", "email=ann@example.com&password=open+sesame").await
    }
}

fn form(path: &str) -> TestRequest {
    TestRequest::post()
        .uri(path)
        .insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded"))
}

#[actix_web::test]
async fn the_three_ways_in_stand_on_the_first_page() {
    let home = at_home().await.get("/").await;
    assert_eq!(home.status, 200);
    for way in ["href=\"/sign-up\"", "href=\"/sign-in\"", "href=\"/magic-link\""] {
        assert!(home.text.contains(way), "{way}");
    }
    assert!(home.text.contains("Hall &#38; Co"), "the name is escaped (S55)");
    assert!(!home.text.contains("<script") && !home.text.contains("style="));
}

#[actix_web::test]
async fn signing_in_renews_the_cookie_and_leads_to_the_profile() {
    let mut browser = at_home().await;
    browser.get("/sign-in").await;
    let before = browser.token.clone();
    let granted = browser.sign_in().await;
    assert_eq!((granted.status, granted.location.as_str()), (StatusCode::SEE_OTHER, "/profile"));
    let names: Vec<&str> = browser.cookies.iter().map(Cookie::name).collect();
    assert_eq!(names, ["vestibule", "vestibule-session"]);
    for cookie in &browser.cookies {
        assert!(cookie.http_only().unwrap() && cookie.path() == Some("/"));
        assert!(!cookie.value().contains("session-token"), "sealed");
    }
    assert_eq!(
        browser.get("/sign-in").await.location,
        "/profile",
        "signed-in users are no visitors"
    );
    assert!(!browser.get("/sign-out").await.text.contains(&before), "a fresh form token (S32)");
}

#[actix_web::test]
async fn a_wrong_password_shows_the_page_again_with_the_address_and_without_the_password() {
    let mut browser = at_home().await;
    browser.get("/sign-in").await;
    let refused =
        browser.post("/sign-in", "email=ann%22%3E%40example.com&password=hunter2hunter2").await;
    assert_eq!(refused.status, 401);
    assert!(
        refused.text.contains("value=\"ann&#34;&#62;@example.com\"")
            && refused.text.contains("role=\"alert\"")
    );
    assert!(!refused.text.contains("hunter2hunter2"));
}

#[actix_web::test]
async fn a_form_without_this_browsers_token_is_shown_again_with_a_fresh_one_s41() {
    let mut browser = at_home().await;
    let refused = browser.post("/sign-in", "email=ann@example.com&password=open+sesame").await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.text.contains("value=\"ann@example.com\"")
            && refused.text.contains("press the button again")
    );
    let granted = browser.post("/sign-in", "email=ann@example.com&password=open+sesame").await;
    assert_eq!(granted.status, 303, "pressing again helps");
}

#[actix_web::test]
async fn a_form_from_elsewhere_is_refused_even_with_a_token_s42() {
    let mut browser = at_home().await;
    browser.get("/sign-in").await;
    let body = format!("csrf={}&email=ann@example.com&password=open+sesame", browser.token);
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let refused = browser
            .send(form("/sign-in").insert_header((name, value)).set_payload(body.clone()))
            .await;
        assert_eq!(refused.status, 403, "{name}: {value}");
        assert!(refused.text.contains("<h1>"));
    }
    let own = form("/sign-in").insert_header(("origin", "http://localhost:3000")).set_payload(body);
    assert_eq!(browser.send(own).await.status, 303);
}

#[actix_web::test]
async fn a_limit_says_how_long_to_wait_and_a_failure_is_a_page_with_a_number() {
    let mut browser = at_home().await;
    browser.get("/sign-in").await;
    let often = browser.post("/sign-in", "email=often&password=x").await;
    assert_eq!(
        (often.status, often.headers.get("retry-after").unwrap().to_str().unwrap()),
        (StatusCode::TOO_MANY_REQUESTS, "61")
    );
    let away = browser.post("/sign-in", "email=away&password=x").await;
    assert_eq!(
        (away.status, away.headers.get("retry-after").unwrap().to_str().unwrap()),
        (StatusCode::SERVICE_UNAVAILABLE, "2")
    );
    assert!(!away.text.contains("database"), "the log is told, the person is not");
    let panicked = browser.post("/sign-in", "email=panic&password=x").await;
    assert_eq!(panicked.status, 500, "S79");
    assert!(
        panicked.text.contains("<code>")
            && panicked.headers.contains_key("content-security-policy")
    );
}

#[actix_web::test]
async fn every_error_is_a_page_with_the_headers_of_a_page() {
    let mut browser = at_home().await;
    let plain = |path: &str, content: &str, body: Vec<u8>| {
        TestRequest::post()
            .uri(path)
            .insert_header((header::CONTENT_TYPE, content.to_owned()))
            .set_payload(body)
    };
    let urlencoded = "application/x-www-form-urlencoded";
    for (request, status) in [
        (TestRequest::get().uri("/nowhere"), 404),
        (TestRequest::get().uri("/sign-in/x.css"), 404),
        (TestRequest::get().uri("/%ff%00"), 404),
        (TestRequest::post().uri("/"), 405),
        (TestRequest::default().method(Method::TRACE).uri("/sign-in"), 405),
        (TestRequest::default().method(Method::from_bytes(b"BREW").unwrap()).uri("/sign-in"), 405),
        (TestRequest::delete().uri("/sign-in"), 405),
        (plain("/sign-in", "application/json", b"{}".to_vec()), 415),
        (TestRequest::post().uri("/sign-in"), 415),
        (plain("/sign-in", urlencoded, vec![b'a'; 64 * 1024 + 1]), 413),
        (plain("/sign-in", urlencoded, b"email=%ff".to_vec()), 400),
        (plain("/sign-in", urlencoded, b"email=a&email=b".to_vec()), 400),
        (TestRequest::get().uri("/dev/inbox"), 404),
    ] {
        let answered = browser.send(request).await;
        assert_eq!(answered.status, status);
        assert!(answered.text.contains("<h1>") && answered.text.contains("</html>"), "{status}");
        assert_eq!(answered.headers.get("cache-control").unwrap(), "no-store");
        assert!(answered.headers.contains_key("content-security-policy"), "{status}");
        assert_eq!(answered.headers.contains_key("allow"), status == 405);
    }
}

#[actix_web::test]
async fn a_head_is_answered_like_a_get() {
    let mut browser = at_home().await;
    let head = browser.send(TestRequest::default().method(Method::HEAD).uri("/sign-in")).await;
    assert_eq!(head.status, 200);
}

#[actix_web::test]
async fn every_page_has_the_headers_that_close_it_s53_s54_s84() {
    let page = browser(settings("https://id.example.com")).await.get("/sign-in").await;
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri \
                'none'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("strict-transport-security", "max-age=31536000"),
        ("cache-control", "no-store"),
        ("vary", "cookie"),
    ] {
        assert_eq!(page.headers.get(name).unwrap(), value, "{name}");
    }
    let cookie = page.headers.get("set-cookie").unwrap().to_str().unwrap();
    assert!(cookie.starts_with("__Host-vestibule="), "{cookie}");
    for flag in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/;"] {
        assert!(cookie.contains(flag), "{flag}: {cookie}");
    }
}

#[actix_web::test]
async fn a_visitor_gets_the_cookie_once() {
    let mut browser = at_home().await;
    assert!(browser.get("/sign-in").await.headers.contains_key("set-cookie"));
    assert!(!browser.get("/sign-up").await.headers.contains_key("set-cookie"));
}

#[actix_web::test]
async fn whatever_cookie_arrives_the_page_is_answered_s39() {
    let long = format!("vestibule={}", "a".repeat(8192));
    let many = (0..200).map(|number| format!("c{number}=x; ")).collect::<String>();
    for cookie in [
        "vestibule=",
        "vestibule=%%%",
        "vestibule=\"; vestibule=b",
        "=;;==; ",
        "Vestibule=x",
        &long,
        &many,
    ] {
        let request = TestRequest::get().uri("/sign-in").insert_header((header::COOKIE, cookie));
        let answered = at_home().await.send(request).await;
        assert_eq!(answered.status, 200, "{cookie:.40}");
        assert!(answered.headers.contains_key("set-cookie"), "replaced");
    }
    let bytes = header::HeaderValue::from_bytes(b"vestibule=\xff\xfe").unwrap();
    let request = TestRequest::get().uri("/sign-in").insert_header((header::COOKIE, bytes));
    assert_eq!(at_home().await.send(request).await.status, 200);
}

#[actix_web::test]
async fn a_key_is_changed_without_signing_anybody_out_s96() {
    let mut old = at_home().await;
    old.sign_in().await;
    let mut rotated = settings("http://localhost:3000");
    rotated.cookie_keys = vec![[8; 64], [7; 64]];
    let mut new = browser(rotated).await;
    new.cookies = old.cookies;
    let page = new.get("/sign-out").await;
    assert!(page.status == 200 && page.headers.contains_key("set-cookie"), "sent anew");
    let mut after = settings("http://localhost:3000");
    after.cookie_keys = vec![[8; 64]];
    let mut newest = browser(after).await;
    newest.cookies = new.cookies;
    let page = newest.get("/sign-out").await;
    assert!(page.status == 200 && !page.headers.contains_key("set-cookie"));
}

#[actix_web::test]
async fn a_session_that_was_ended_elsewhere_is_over_at_the_next_page() {
    let mut browser = at_home().await;
    browser.sign_in().await;
    assert_eq!(browser.get("/").await.location, "/profile");
    *browser.fake.ended.lock().unwrap() = true;
    let page = browser.get("/sign-in").await;
    assert!(page.status == 200 && page.text.contains("Your session has ended"));
    assert!(!browser.get("/sign-in").await.text.contains("Your session has ended"), "said once");
}

#[actix_web::test]
async fn signing_out_takes_a_press() {
    let mut browser = at_home().await;
    browser.sign_in().await;
    browser.get("/sign-out").await;
    assert!(!*browser.fake.ended.lock().unwrap(), "S43");
    let out = browser.post("/sign-out", "").await;
    assert_eq!((out.status, out.location.as_str()), (StatusCode::SEE_OTHER, "/"));
    assert!(out.headers.contains_key("clear-site-data"));
    assert!(browser.get("/").await.text.contains("You are signed out."));
}

#[actix_web::test]
async fn a_sign_up_never_tells_that_an_address_is_taken_s04() {
    let mut answers = Vec::new();
    for email in ["ann@example.com", "new@example.com"] {
        let mut browser = at_home().await;
        browser.get("/sign-up").await;
        let done =
            browser.post("/sign-up", &format!("name=&email={email}&password=long+enough")).await;
        assert_eq!((done.status, done.location.as_str()), (StatusCode::SEE_OTHER, "/check-inbox"));
        let page = browser.get("/check-inbox").await.text;
        assert!(page.contains(email));
        answers.push(page.replace(email, "E").replace(&browser.token, "T"));
    }
    assert_eq!(answers[0], answers[1]);
}

#[actix_web::test]
async fn a_refused_field_is_marked_and_led_to() {
    let mut browser = at_home().await;
    browser.get("/sign-up").await;
    let refused = browser.post("/sign-up", "name=Bo&email=bo@example.com&password=short").await;
    assert_eq!(refused.status, 422);
    for part in
        ["href=\"#password\"", "aria-invalid=\"true\"", "id=\"password-wrong\"", "value=\"Bo\""]
    {
        assert!(refused.text.contains(part), "{part}");
    }
}

#[actix_web::test]
async fn a_mistyped_address_is_corrected_and_the_email_sent_again() {
    let mut browser = at_home().await;
    browser.get("/sign-up").await;
    browser.post("/sign-up", "email=bo@exmaple.com&password=long+enough").await;
    browser.get("/check-inbox").await;
    assert_eq!(browser.post("/check-inbox/resend", "").await.location, "/check-inbox");
    assert_eq!(
        browser.post("/check-inbox/correct", "email=bo@example.com").await.location,
        "/check-inbox"
    );
    assert!(browser.get("/check-inbox").await.text.contains("<strong>bo@example.com</strong>"));
    assert_eq!(*browser.fake.emailed.lock().unwrap(), ["bo@exmaple.com", "bo@example.com"]);
}

#[actix_web::test]
async fn a_link_leaves_the_url_and_finishes_at_once_where_it_was_begun_s47() {
    let mut browser = at_home().await;
    let moved =
        browser.get("/auth-redirect?status=200&access_token=begun&action=email-confirm").await;
    assert_eq!(
        (moved.status, moved.location.as_str()),
        (StatusCode::SEE_OTHER, "/auth-redirect/finish")
    );
    assert_eq!(moved.headers.get("referrer-policy").unwrap(), "no-referrer");
    let head = browser
        .send(TestRequest::default().method(Method::HEAD).uri("/auth-redirect/finish"))
        .await;
    assert_eq!(head.status, 200, "a HEAD finishes nothing (S43)");
    assert_eq!(browser.get("/auth-redirect/finish").await.location, "/profile");
}

#[actix_web::test]
async fn elsewhere_a_link_takes_a_press_s44() {
    let mut browser = at_home().await;
    browser.get("/auth-redirect?status=200&access_token=good&action=magic-link").await;
    assert!(browser.get("/auth-redirect/finish").await.text.contains("<button"));
    assert_eq!(browser.post("/auth-redirect/finish", "").await.location, "/profile");
}

#[actix_web::test]
async fn somebody_signed_in_is_asked_before_a_link_signs_in_another_s91() {
    let mut browser = at_home().await;
    browser.sign_in().await;
    browser.get("/auth-redirect?status=200&access_token=begun&action=magic-link").await;
    let page = browser.get("/auth-redirect/finish").await;
    assert!(page.status == 200 && page.text.contains("You are signed in here as"));
}

#[actix_web::test]
async fn a_dead_link_offers_a_new_one_and_repeats_no_visitors_words() {
    let mut browser = at_home().await;
    for query in [
        "status=400&action=magic-link&error=Call+0800+EVIL",
        "status=400&action=email-confirm&error=EVIL",
    ] {
        let page = browser.get(&format!("/auth-redirect?{query}")).await;
        assert!(page.status == 410 && !page.text.contains("EVIL"));
        assert!(page.text.contains("Send a new link") && page.text.contains("name=\"email\""));
    }
    browser.get("/auth-redirect?access_token=spent&action=magic-link").await;
    assert_eq!(browser.get("/auth-redirect/finish").await.status, 410);
    let sent = browser.post("/magic-link", "email=ann@example.com").await;
    assert_eq!(sent.location, "/check-inbox", "the form on the page works");
}

#[actix_web::test]
async fn a_reset_link_leads_to_a_new_password_and_signs_nobody_in() {
    let mut browser = at_home().await;
    let moved = browser.get("/auth-redirect?status=200&access_token=good&action=reset-pwd").await;
    assert_eq!(moved.location, "/reset-password/choose");
    browser.get("/reset-password/choose").await;
    assert_eq!(
        browser.post("/reset-password/choose", "password=long+enough").await.location,
        "/sign-in"
    );
    assert!(browser.get("/sign-in").await.text.contains("Sign in with the new one"));
    assert_eq!(browser.get("/reset-password/choose").await.location, "/reset-password", "used up");
}

#[actix_web::test]
async fn the_names_of_the_example_applications_lead_on_and_keep_the_query() {
    let mut browser = at_home().await;
    for (old, new) in super::routes::MOVED {
        let moved = browser.get(&format!("{old}?a=b&c")).await;
        assert_eq!(
            (moved.status, moved.location),
            (StatusCode::MOVED_PERMANENTLY, format!("{new}?a=b&c"))
        );
    }
    assert_eq!(browser.get("/.well-known/change-password").await.location, "/reset-password");
}

#[actix_web::test]
async fn under_a_path_every_page_form_and_redirect_carries_it() {
    let mut browser = browser(settings("https://example.com/hall")).await;
    assert_eq!(browser.get("/hall").await.location, "/hall/");
    let page = browser.get("/hall/sign-in").await;
    assert!(page.text.contains("action=\"/hall/sign-in\"") && !page.text.contains("href=\"/sign"));
    assert!(page.headers.get("set-cookie").unwrap().to_str().unwrap().contains("Path=/hall;"));
    let granted = browser.post("/hall/sign-in", "email=ann@example.com&password=open+sesame").await;
    assert_eq!(granted.location, "/hall/profile");
    assert_eq!(browser.get("/hall/login").await.location, "/hall/sign-in");
}

#[actix_web::test]
async fn one_signs_in_and_comes_to_the_page_that_was_asked_for_s51() {
    let mut browser = with_a_private_page().await;
    assert_eq!(browser.get("/private?page=2").await.location, "/sign-in");
    assert!(browser.get("/sign-in").await.text.contains("Please sign in first."));
    let granted = browser.post("/sign-in", "email=ann@example.com&password=open+sesame").await;
    assert_eq!(granted.location, "/private?page=2");
    assert_eq!(browser.get("/private").await.status, 200);
}

#[actix_web::test]
async fn what_a_form_would_have_sent_is_not_come_back_to() {
    let mut browser = with_a_private_page().await;
    assert_eq!(browser.post("/private", "").await.location, "/sign-in");
    assert_eq!(browser.sign_in().await.location, "/profile");
}

/// S79: and the worker, which is one thread here, goes on.
#[actix_web::test]
async fn a_panic_or_a_failure_is_a_page_with_the_id_of_its_request() {
    let (settings, fake) = (settings("http://localhost:3000"), Arc::new(Fake::default()));
    let observer = request_log::RequestLog { random: settings.random.clone(), metrics: None };
    let app = App::new()
        .app_data(observer)
        .wrap(from_fn(request_log::log_requests))
        .configure(routes(settings, fake.clone()));
    let mut browser = opened!(app, fake);
    browser.get("/sign-in").await;
    for email in ["panic", "broken", "panic"] {
        let failed = browser.post("/sign-in", &format!("email={email}&password=x")).await;
        is_styled_500(&failed, email);
        assert_eq!(browser.get("/sign-in").await.status, 200, "after {email}");
    }
    assert_eq!(browser.sign_in().await.location, "/profile");
    for path in ["/", "/sign-in", "/profile", "/sign-out"] {
        *browser.fake.panics.lock().unwrap() = true;
        is_styled_500(&browser.get(path).await, path);
        assert_eq!(browser.get("/nowhere").await.status, 404);
        *browser.fake.panics.lock().unwrap() = false;
        assert_eq!(browser.get("/sign-out").await.status, 200, "after {path}");
    }
}

fn is_styled_500(answered: &Answered, case: &str) {
    assert_eq!(answered.status, 500, "{case}");
    let id = answered.headers.get("x-request-id").unwrap().to_str().unwrap();
    for part in
        ["<link rel=\"stylesheet\"", "<h1>That is our fault</h1>", &format!("<code>{id}</code>")]
    {
        assert!(answered.text.contains(part), "{case}: no {part} in {}", answered.text);
    }
    assert!(!answered.text.contains("as asked"), "{case}");
    assert_eq!(answered.headers.get("cache-control").unwrap(), "no-store", "{case}");
    assert!(answered.headers.contains_key("content-security-policy"), "{case}");
}

/// S38: all three, at a root and under a path. That of forward authentication is read in
/// `tests/journeys/forward_auth.rs`.
#[actix_web::test]
async fn every_cookie_is_closed_and_sealed() {
    for (public_url, prefix, path) in
        [("https://id.example", "__Host-", "/"), ("https://example.com/hall", "__Secure-", "/hall")]
    {
        let mut browser = browser(settings(public_url)).await;
        let base = path.trim_end_matches('/');
        let mut set = Vec::new();
        let mut note = |answered: &Answered| {
            let cookies = answered
                .headers
                .get_all("set-cookie")
                .map(|cookie| cookie.to_str().unwrap().to_owned());
            set.extend(cookies);
        };
        note(&browser.get(&format!("{base}/sign-in")).await);
        note(&browser.post(&format!("{base}/sign-in"), "email=guarded&password=x").await);
        let page = browser.get(&format!("{base}/sign-in/two-factor")).await;
        assert_eq!(page.status, 200);
        note(&page);
        browser.get(&format!("{base}/sign-in")).await;
        note(
            &browser
                .post(&format!("{base}/sign-in"), "email=ann@example.com&password=open+sesame")
                .await,
        );
        let mut names: Vec<&str> =
            set.iter().map(|cookie| cookie.split('=').next().unwrap()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(
            names,
            ["vestibule", "vestibule-session", "vestibule-waiting"]
                .map(|name| format!("{prefix}{name}"))
        );
        for cookie in &set {
            for part in ["HttpOnly", "Secure", "SameSite=Lax", &format!("Path={path}")] {
                assert!(cookie.split("; ").any(|attribute| attribute == part), "{part}: {cookie}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
            assert!(
                ["token", "ann", "guarded", "{"].iter().all(|open| !cookie.contains(open)),
                "sealed: {cookie}"
            );
        }
    }
}

/// S39: a visitor's browser, one before the second factor, and a signed-in user's.
#[actix_web::test]
async fn junk_in_any_cookie_breaks_no_page_and_moves_nobody() {
    let own = ["vestibule", "vestibule-session", "vestibule-waiting"];
    for name in own.into_iter().chain(["vestibule-access", "Vestibule-Session"]) {
        let hundreds = format!("{name}=x; ").repeat(300);
        let request = TestRequest::get().uri("/sign-in").insert_header((header::COOKIE, hundreds));
        assert_eq!(at_home().await.send(request).await.status, 200, "{name}");
        for junk in junk(name) {
            let mut visitor = at_home().await;
            let page = visitor
                .send(
                    TestRequest::get()
                        .uri("/sign-in")
                        .insert_header((header::COOKIE, junk.clone())),
                )
                .await;
            assert_eq!(page.status, 200, "{name}: {junk:?}");
            for (email, path) in
                [("guarded", "/sign-in/two-factor"), ("ann@example.com", "/sign-out")]
            {
                let mut browser = at_home().await;
                browser.get("/sign-in").await;
                browser.post("/sign-in", &format!("email={email}&password=open+sesame")).await;
                let page = browser.get_beside(path, &junk).await;
                assert_eq!(page.status, 200, "{name} of {email}: {junk:?}");
                let form = page.text.contains("name=\"csrf\"");
                assert!(form, "{name} of {email}: {junk:?}");
            }
        }
    }
}

/// S39: what was sealed for one of the cookies opens under no other name.
#[actix_web::test]
async fn a_cookie_counts_under_its_own_name_only() {
    let mut browser = at_home().await;
    browser.sign_in().await;
    let values: Vec<String> =
        browser.cookies.iter().map(|cookie| cookie.encoded().to_string()).collect();
    let values =
        values.iter().map(|pair| pair.split(';').next().unwrap().split_once('=').unwrap().1);
    for value in values {
        for name in ["vestibule", "vestibule-session", "vestibule-waiting"] {
            let mut thief = at_home().await;
            let request = TestRequest::get()
                .uri("/")
                .insert_header((header::COOKIE, format!("{name}={value}")));
            let is_in = thief.send(request).await.location == "/profile";
            let is_own = browser.cookies.iter().any(|cookie| {
                cookie.name() == "vestibule-session"
                    && name == cookie.name()
                    && cookie.encoded().to_string().contains(value)
            });
            assert_eq!(is_in, is_own, "{name}");
        }
    }
}

/// Headers with cookies that nobody of ours made.
fn junk(name: &str) -> Vec<header::HeaderValue> {
    let texts = [
        format!("{name}="),
        name.to_owned(),
        format!("{name}=%%%"),
        format!("{name}=%ff%00"),
        format!("{name}=\"; {name}=b"),
        format!("{name}={}", "a".repeat(8192)),
        format!("{name}=x; ").repeat(3),
        (0..300).map(|number| format!("{name}{number}=x; ")).collect(),
        format!("={name}; ;;={name}=; {name}=eyJzIjoiYSJ9"),
    ];
    let values = texts.iter().map(|text| header::HeaderValue::from_str(text).unwrap());
    let bytes = [name.as_bytes(), b"=\xff\xfe"].concat();
    values.chain([header::HeaderValue::from_bytes(&bytes).unwrap()]).collect()
}

/// S108
#[actix_web::test]
async fn an_address_of_thousands_of_parts_is_refused_unread() {
    let mut browser = at_home().await;
    for path in ["/sign-in", "/auth-redirect", "/signed-out"] {
        let answered = browser.get(&format!("{path}?a{}", "&a".repeat(1000))).await;
        assert_eq!(answered.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(answered.text.contains("too many parts"), "{path}: {}", answered.text);
    }
    assert_eq!(browser.get(&format!("/sign-in?a{}", "&a".repeat(20))).await.status, StatusCode::OK);
}
