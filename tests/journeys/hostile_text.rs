//! Text of a visitor in every field: it comes out as text, in pages and in emails, and adds neither
//! markup nor a receiver.

use std::fs;

use actix_web::test::TestRequest;
use mail_parser::{HeaderName, MessageParser};
use scraper::{Html, Selector};
use serde_json::json;

use crate::support::{Browser, CLIENT_KEY, PASSWORD, TestServer};

const EMAIL: &str = "ann@example.com";

/// Breaks out of text, of attributes in either quotes, of a title and of a comment.
const MARKUP: [&str; 5] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onfocus='alert(1)' autofocus='",
    "</title><svg onload=alert(1)>",
    "--><a href=\"javascript:alert(1)\">x</a>{{ 7*7 }}{% raw %}",
];

/// Pages that show something of the account or of the address in the request.
const PAGES: [&str; 14] = [
    "/",
    "/profile",
    "/profile/name",
    "/profile/picture",
    "/profile/password",
    "/profile/email",
    "/profile/phone",
    "/profile/connections",
    "/profile/sessions",
    "/profile/two-factor",
    "/not-a-page",
    "/sign-out",
    "/auth-redirect",
    "/not-me",
];

/// Nothing that runs: no script, no handler of an event, no address that is a script.
fn assert_inert(html: &str, at: &str) {
    let page = Html::parse_document(html);
    for element in page.select(&Selector::parse("*").expect("a selector")) {
        let element = element.value();
        assert!(
            !["script", "iframe", "object", "embed"].contains(&element.name()),
            "{at}: {}",
            element.name()
        );
        assert!(
            element.name() != "img" || element.attr("src") != Some("x"),
            "{at}: a stranger's picture"
        );
        for (name, value) in element.attrs() {
            assert!(
                !name.starts_with("on") && name != "autofocus" || !value.contains("alert"),
                "{at}: {name}"
            );
            let address = value.trim_start().to_ascii_lowercase();
            assert!(!address.starts_with("javascript:"), "{at}: {name}={value}");
        }
    }
    assert!(!html.contains("49{% raw"), "{at}: a template in a text");
}

async fn fill_all(browser: &mut Browser, path: &str, text: &str) {
    browser.open(path).await;
    let html = Html::parse_document(&browser.page.html());
    let fields = Selector::parse("form[method=post] input:not([type=hidden]):not([type=file])");
    let names: Vec<String> = html
        .select(&fields.expect("a selector"))
        .filter_map(|field| field.value().attr("name").map(str::to_owned))
        .collect();
    let body = names.iter().map(|name| (name.clone(), text.to_owned()));
    let body = body.chain([("csrf".to_owned(), browser.page.csrf())]);
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(body).finish();
    browser.post(path, "application/x-www-form-urlencoded", body.as_bytes()).await;
}

/// S55: what was typed comes back in the form, whatever it is.
#[actix_web::test]
async fn no_form_gives_markup_back_that_was_typed_into_it() {
    let server = TestServer::open().await;
    let paths = [
        "/sign-up",
        "/sign-up/phone",
        "/sign-in",
        "/sign-in/phone",
        "/sign-in/code",
        "/magic-link",
        "/reset-password",
        "/reset-password/phone",
    ];
    for (number, text) in MARKUP.into_iter().enumerate() {
        let mut visitor = server.browser_at(&format!("192.0.2.{number}"));
        for path in paths {
            fill_all(&mut visitor, path, text).await;
            assert_inert(&visitor.page.html(), &format!("{path} {text}"));
        }
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for name in ["next", "email", "error", "key", "access_token", "action", "status", "errors"]
        {
            for path in ["/sign-in", "/auth-redirect", "/not-me", "/check-inbox", "/not-a-page"] {
                visitor.open(&format!("{path}?{name}={query}")).await;
                assert_inert(&visitor.page.html(), &format!("{path} {name} {text}"));
            }
        }
    }
}

/// S55: the name and the browser of an account, and the fields that its application keeps.
#[actix_web::test]
async fn no_page_and_no_email_runs_what_is_in_a_name() {
    for text in MARKUP {
        let server = TestServer::open().await;
        let mut ann = server.signed_in_user("Ann", EMAIL).await;
        ann.user_agent = format!("Mozilla/5.0 {text}");
        ann.open("/profile/name").await;
        ann.fill("Name", text);
        ann.press("Save").await;
        assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
        assert!(
            ann.page.text().contains(text.split_whitespace().next().expect("a word")),
            "{}",
            ann.page.text()
        );
        for path in PAGES {
            ann.open(path).await;
            assert_inert(&ann.page.html(), &format!("{path} {text}"));
        }
        let mut elsewhere = server.browser_at("192.0.2.9");
        elsewhere.user_agent = ann.user_agent.clone();
        elsewhere.open("/sign-in").await;
        elsewhere.fill("E-mail", EMAIL).fill("Password", PASSWORD);
        elsewhere.press("Sign in").await;
        elsewhere.open("/profile/sessions").await;
        assert_inert(&elsewhere.page.html(), text);
        server.email_to(EMAIL).await;
        for message in messages(&server) {
            let message = MessageParser::default().parse(&message).expect("a message").into_owned();
            assert_inert(&message.body_html(0).expect("HTML"), &format!("an email {text}"));
        }
    }
}

fn messages(server: &TestServer) -> Vec<Vec<u8>> {
    let files = fs::read_dir(server.folder().join("outbox")).expect("an outbox");
    let files = files.map(|entry| entry.expect("an entry").path());
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "eml"));
    files.map(|file| fs::read(file).expect("an email")).collect()
}

/// S62: names and addresses with line ends, lists and comments, at both channels.
#[actix_web::test]
async fn no_address_and_no_name_adds_a_receiver_or_a_header() {
    let server = TestServer::open().await;
    let breaks = ["\r\n", "\n", "\r", "%0d%0a", "\u{2028}", "\u{85}", "\0", ",", ";", " "];
    let mut addresses: Vec<String> =
        breaks.iter().map(|text| format!("ann@example.com{text}Bcc: eve@evil.example")).collect();
    addresses.extend(breaks.iter().map(|text| format!("ann@example.com{text}eve@evil.example")));
    addresses.push("\"Ann\" <ann@example.com>, <eve@evil.example>".to_owned());
    addresses.push("ann@example.com (eve@evil.example)".to_owned());
    for (number, address) in addresses.iter().enumerate() {
        let mut browser = server.browser_at(&format!("192.0.2.{number}"));
        for path in ["/sign-up", "/magic-link", "/reset-password"] {
            browser.open(path).await;
            if path == "/sign-up" {
                browser.fill("Password", PASSWORD);
            }
            browser.fill("E-mail", address);
            let button = if path == "/sign-up" { "Create account" } else { "Send me a link" };
            browser.press(button).await;
            assert!(matches!(browser.page.status, 400 | 422), "{path} {address:?}");
        }
        let body = json!({"email": address, "password": PASSWORD});
        let request = TestRequest::post().uri("/_api/rest/v1/auth/signup-email");
        let request = request.insert_header(("x-client-key", CLIENT_KEY)).set_json(body);
        let (status, ..) = server.send_from(&format!("198.51.100.{number}"), request).await;
        assert_eq!(status, 400, "{address:?}");
    }
    for (number, text) in breaks.iter().enumerate() {
        let name = format!("Ann{text}Bcc: eve@evil.example{text}X-Extra: 1");
        let body = json!({
            "email": format!("ann{number}@example.com"),
            "password": PASSWORD,
            "name": name,
        });
        let request = TestRequest::post().uri("/_api/rest/v1/auth/signup-email");
        let request = request.insert_header(("x-client-key", CLIENT_KEY)).set_json(body);
        server.send_from(&format!("203.0.113.{number}"), request).await;
    }
    server.email_to(EMAIL).await;
    let messages = messages(&server);
    assert!(!messages.is_empty(), "some names are good ones");
    for bytes in messages {
        let message = MessageParser::default().parse(&bytes).expect("a message");
        let names: Vec<_> = message.headers().iter().map(|header| header.name()).collect();
        assert!(message.bcc().is_none() && message.cc().is_none(), "{names:?}");
        assert_eq!(
            message.headers().iter().filter(|header| header.name == HeaderName::To).count(),
            1
        );
        assert_eq!(message.to().map(|to| to.clone().into_list().len()), Some(1), "{names:?}");
        assert!(!names.contains(&"X-Extra"), "{names:?}");
    }
}
