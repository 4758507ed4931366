//! Access to each page, and the headers of every answer.

use crate::support::TestServer;

const SIGNED_IN_ONLY: &[&str] = &[
    "/profile",
    "/profile/name",
    "/profile/picture",
    "/profile/password",
    "/profile/email",
    "/profile/sessions",
];

#[actix_web::test]
async fn a_visitor_is_sent_to_sign_in_from_every_private_page() {
    let server = TestServer::open().await;
    for path in SIGNED_IN_ONLY {
        let mut visitor = server.browser();
        visitor.open(path).await;
        assert_eq!(visitor.page.path, "/sign-in", "{path}");
    }
}

#[actix_web::test]
async fn a_signed_in_user_is_sent_past_the_pages_for_visitors() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    for path in ["/sign-in", "/sign-up", "/magic-link"] {
        ann.open(path).await;
        assert_eq!(ann.page.path, "/profile", "{path}");
    }
}

/// S53, S54: on pages, refusals and errors alike.
#[actix_web::test]
async fn every_answer_carries_the_closed_policy_and_no_script() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    let mut visitor = server.browser();
    let mut seen = Vec::new();
    for path in [
        "/",
        "/sign-in",
        "/sign-up",
        "/magic-link",
        "/reset-password",
        "/nowhere",
        "/auth-redirect?status=400&action=magic-link",
    ] {
        visitor.open(path).await;
        seen.push(visitor.page.clone());
    }
    for path in SIGNED_IN_ONLY {
        ann.open(path).await;
        seen.push(ann.page.clone());
    }
    for page in seen {
        let policy = page.header("content-security-policy").unwrap_or_default();
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{}: {policy}", page.path);
        }
        assert!(
            !policy.contains("script-src") && !policy.contains("unsafe"),
            "{}: {policy}",
            page.path
        );
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{}", page.path);
        assert_eq!(page.header("cache-control"), Some("no-store"), "{}", page.path);
        let html = page.html();
        assert!(
            !html.contains("<script")
                && !html.contains(" style=\"")
                && html.contains("<html lang=\"en\">"),
            "{}",
            page.path
        );
    }
}

#[actix_web::test]
async fn the_page_names_of_the_example_applications_lead_on() {
    let server = TestServer::open().await;
    for (old, new) in [
        ("/login", "/sign-in"),
        ("/register", "/sign-up"),
        ("/login-with-magic-link", "/magic-link"),
        ("/auth/sign-in", "/sign-in"),
        ("/auth/sign-up", "/sign-up"),
        ("/auth/forgot-password", "/reset-password"),
        ("/auth/send-magic-link", "/magic-link"),
    ] {
        let request = actix_web::test::TestRequest::with_uri(&format!("{old}?from=mail"));
        let (status, headers, _) = server.send(request).await;
        assert_eq!(status, 301, "{old}");
        assert!(
            headers
                .get("location")
                .unwrap()
                .to_str()
                .unwrap()
                .ends_with(&format!("{new}?from=mail")),
            "{old}"
        );
    }
}

/// S42: a valid token is not enough when another site sends it.
#[actix_web::test]
async fn another_site_cannot_press_our_buttons() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    let form = ann.page.form("Sign out", &[]);
    for (header, value) in
        [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null")]
    {
        let request = actix_web::test::TestRequest::with_uri(&form.action)
            .method(actix_web::http::Method::POST)
            .insert_header(("cookie", ann.cookie_header()))
            .insert_header((header, value))
            .set_form(form.fields.clone());
        let (status, ..) = server.send(request).await;
        assert_eq!(status, 403, "{header}: {value}");
    }
    ann.open("/profile").await;
    assert_eq!(ann.page.path, "/profile", "still signed in");
}

/// S51: only a path of ours.
#[actix_web::test]
async fn nobody_is_sent_where_a_visitor_chose() {
    let server = TestServer::open().await;
    for query in
        ["?return_to=https://evil.example", "?next=//evil.example", "?redirect=/\\evil.example"]
    {
        let mut ann = server.browser();
        ann.open(&format!("/sign-in{query}")).await;
        assert!(!ann.page.html().contains("evil.example"), "{query}");
    }
}
