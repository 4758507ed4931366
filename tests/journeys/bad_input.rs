//! Every request gets a page with a sentence and the right status, and nothing is lost or written.

use actix_web::{http::Method, test::TestRequest};

use crate::support::{PASSWORD, TestServer};

const FORM: &str = "application/x-www-form-urlencoded";

#[actix_web::test]
async fn every_odd_body_gets_a_page_with_a_sentence() {
    let server = TestServer::open().await;
    let huge = format!("email={}", "a".repeat(200_000));
    let many = "x=1&".repeat(20_000);
    for (kind, content_type, body, statuses) in [
        ("empty", FORM, b"".as_slice(), 400..=422),
        ("huge", FORM, huge.as_bytes(), 413..=413),
        ("not UTF-8", FORM, b"email=%ff%fe&password=x", 400..=422),
        ("raw bytes", FORM, b"\xff\xfe\x00", 400..=422),
        ("NUL", FORM, b"email=a%00b%40example.com&password=x", 400..=422),
        (
            "duplicate fields",
            FORM,
            b"email=a%40example.com&email=b%40example.com&password=x",
            400..=422,
        ),
        ("many fields", FORM, many.as_bytes(), 400..=422),
        ("JSON", "application/json", b"{\"email\":\"a@example.com\"}", 415..=415),
        ("no type", "", b"email=a", 415..=415),
    ] {
        let mut ann = server.browser();
        ann.open("/sign-in").await;
        ann.post("/sign-in", content_type, body).await;
        assert!(statuses.contains(&ann.page.status), "{kind}: {}", ann.page.status);
        assert!(
            !ann.page.heading().is_empty(),
            "{kind}: a page with a heading: {}",
            ann.page.html()
        );
        assert!(ann.page.header("content-security-policy").is_some(), "{kind}");
    }
}

#[actix_web::test]
async fn an_odd_cookie_is_no_more_than_no_cookie() {
    let server = TestServer::open().await;
    for cookie in [
        "vestibule=garbage",
        "vestibule=",
        "vestibule=a; vestibule=b",
        &format!("vestibule={}", "x".repeat(8000)),
        "\u{fffd}=1",
        ";;;=",
    ] {
        let request = TestRequest::with_uri("/sign-in").insert_header(("cookie", cookie));
        let (status, ..) = server.send(request).await;
        assert_eq!(status, 200, "{cookie}");
        let request = TestRequest::with_uri("/profile").insert_header(("cookie", cookie));
        let (status, ..) = server.send(request).await;
        assert_eq!(status, 303, "{cookie}");
    }
}

/// S77
#[actix_web::test]
async fn an_unknown_page_and_an_unknown_method_have_pages_too() {
    let server = TestServer::open().await;
    let (status, _, body) = server.send(TestRequest::with_uri("/nowhere")).await;
    assert_eq!(status, 404);
    assert!(String::from_utf8(body).unwrap().contains("<h1>"));
    let (status, headers, body) =
        server.send(TestRequest::with_uri("/sign-in").method(Method::PUT)).await;
    assert_eq!(status, 405);
    assert!(headers.get("allow").unwrap().to_str().unwrap().contains("POST"));
    assert!(String::from_utf8(body).unwrap().contains("<h1>"));
    let (status, ..) = server.send(TestRequest::with_uri("/sign-in").method(Method::HEAD)).await;
    assert_eq!(status, 200, "the server leaves out the body");
}

/// S59: a form cannot say more than it asks.
#[actix_web::test]
async fn extra_fields_give_nobody_anything() {
    let server = TestServer::open().await;
    let mut eve = server.browser();
    eve.open("/sign-up").await;
    let mut form = eve.page.form("Create account", &[]);
    for (name, value) in &mut form.fields {
        match name.as_str() {
            "email" => *value = "eve@example.com".into(),
            "password" => *value = PASSWORD.into(),
            "name" => *value = "Eve".into(),
            _ => {}
        }
    }
    form.fields.extend([
        ("emailVerified".to_owned(), "true".to_owned()),
        ("role".to_owned(), "admin".to_owned()),
    ]);
    let body =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
    eve.post("/sign-up", FORM, body.as_bytes()).await;
    eve.open("/profile").await;
    assert_eq!(eve.page.path, "/sign-in", "still to be confirmed");
}
