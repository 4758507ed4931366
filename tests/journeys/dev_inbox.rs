//! The development inbox.

use actix_web::test::TestRequest;

use crate::support::{PASSWORD, TestServer};

#[actix_web::test]
async fn a_new_visitor_finishes_the_sign_up_from_the_inbox_page() {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    ann.open("/sign-up").await;
    ann.fill("Name", "Ann").fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Create account").await;
    server.vestibule.deliver().await;
    ann.open("/dev/inbox").await;
    assert!(ann.page.text().contains("ann@example.com"), "{}", ann.page.text());
    let html = ann.page.html();
    let link = html
        .split("href=\"")
        .find(|part| part.contains("key="))
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    ann.open(&link.replace("&#38;", "&").replace("&amp;", "&")).await;
    assert_eq!(ann.page.path, "/profile");
}

/// It shows every email: behind a proxy, or on an address that others reach, it is not there.
#[actix_web::test]
async fn the_inbox_is_not_there_where_visitors_could_open_it() {
    for setting in [
        ("VESTIBULE_SERVER__PUBLIC_URL", "https://accounts.example.com"),
        ("VESTIBULE_SERVER__LISTEN", "0.0.0.0:3000"),
        ("VESTIBULE_SERVER__TRUSTED_PROXIES", "127.0.0.1"),
    ] {
        let server = TestServer::open_with(&[setting]).await;
        let mut visitor = server.browser();
        visitor.open("/dev/inbox").await;
        assert_eq!(visitor.page.status, 404, "{setting:?}");
        visitor.open("/").await;
        assert!(!visitor.page.html().contains("/dev/inbox"), "{setting:?}");
    }
}

/// A request that came through a proxy, or that names another host, is not answered.
#[actix_web::test]
async fn the_inbox_answers_the_host_of_the_public_url_alone() {
    let server = TestServer::open().await;
    for (name, value, status) in [
        ("host", "localhost:3000", 200),
        ("host", "LOCALHOST:3000", 200),
        ("host", "evil.example:3000", 404),
        ("host", "localhost:3001", 404),
        ("host", "localhost", 404),
        ("host", "", 404),
        ("host", "ann@localhost:3000", 404),
        ("host", "localhost:3000/", 404),
        ("host", "localhost:3000?", 404),
        ("x-forwarded", "for=203.0.113.9", 404),
        ("x-client-ip", "203.0.113.9", 404),
        ("x-forwarded-for", "203.0.113.9", 404),
        ("x-forwarded-proto", "https", 404),
        ("forwarded", "for=203.0.113.9", 404),
        ("x-real-ip", "203.0.113.9", 404),
        ("via", "1.1 proxy", 404),
        ("cf-connecting-ip", "203.0.113.9", 404),
        ("true-client-ip", "203.0.113.9", 404),
        ("x-cluster-client-ip", "203.0.113.9", 404),
        ("x-envoy-external-address", "203.0.113.9", 404),
        ("x-original-for", "203.0.113.9", 404),
    ] {
        let request =
            TestRequest::get().uri("/dev/inbox").insert_header(("host", "localhost:3000"));
        let request = request.insert_header((name, value));
        assert_eq!(server.send(request).await.0, status, "{name}: {value}");
    }
    let nameless = TestRequest::get().uri("/dev/inbox");
    assert_eq!(server.send(nameless).await.0, 404, "no Host");
    let twice = TestRequest::get().uri("/dev/inbox").append_header(("host", "localhost:3000"));
    let twice = twice.append_header(("host", "localhost:3000"));
    assert_eq!(server.send(twice).await.0, 404, "two of them");
}
