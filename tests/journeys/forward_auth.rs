//! Forward authentication, as a proxy and the browser behind it see it.

use actix_web::{http::header::HeaderMap, test::TestRequest};

use super::authenticator::{begin, code_of};
use crate::support::{Browser, PASSWORD, TestServer};

const RULES: &str = r#"[
    {"path": "/public", "who": "anyone"},
    {"host": "app.example.com", "path": "/money", "who": "second_factor"},
    {"host": "app.example.com", "path": "/admin", "groups": ["admins"]}
]"#;

const SETTINGS: &[(&str, &str)] = &[
    ("VESTIBULE_SERVER__PUBLIC_URL", "https://id.example.com"),
    ("VESTIBULE_SERVER__TRUSTED_PROXIES", "198.51.100.7"),
    ("VESTIBULE_ACCESS__HOSTS", "app.example.com"),
    ("VESTIBULE_ACCESS__COOKIE_DOMAIN", "example.com"),
    ("VESTIBULE_ACCESS__GROUPS_FIELD", "groups"),
    ("VESTIBULE_ACCESS__RULES", RULES),
    ("VESTIBULE_ENGINE__USER_FIELDS__GROUPS__TYPE", "list"),
    ("VESTIBULE_ENGINE__USER_FIELDS__GROUPS__WRITE", "operator"),
    ("VESTIBULE_ENGINE__USER_FIELDS__GROUPS__DEFAULT", r#"["staff", "läufer, alte"]"#),
];

const APP: &str = "https://app.example.com";

async fn server() -> TestServer {
    TestServer::open_with(SETTINGS).await
}

/// The cookies of a browser that another host of the domain gets: the access cookie alone.
fn access_cookie(browser: &Browser) -> String {
    let cookies = browser.cookie_header();
    let access_cookie =
        cookies.split("; ").find(|cookie| cookie.starts_with("__Secure-vestibule-access="));
    access_cookie.unwrap_or_default().to_owned()
}

/// Request as Caddy or Traefik sends it.
async fn ask(
    server: &TestServer,
    url: &str,
    cookie: &str,
    headers: &[(&str, &str)],
) -> (u16, HeaderMap) {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut request = TestRequest::with_uri("/forward-auth")
        .insert_header(("x-forwarded-proto", scheme))
        .insert_header(("x-forwarded-host", host))
        .insert_header(("x-forwarded-uri", path))
        .insert_header(("cookie", cookie));
    for header in headers {
        request = request.insert_header(*header);
    }
    let (status, headers, _) = server.send(request).await;
    (status, headers)
}

/// Request as nginx sends it.
async fn ask_nginx(
    server: &TestServer,
    url: &str,
    cookie: &str,
    headers: &[(&str, &str)],
) -> (u16, HeaderMap) {
    let mut request = TestRequest::with_uri("/forward-auth?mode=nginx")
        .insert_header(("x-original-url", url))
        .insert_header(("cookie", cookie));
    for header in headers {
        request = request.insert_header(*header);
    }
    let (status, headers, _) = server.send(request).await;
    (status, headers)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("(none)", |value| value.to_str().expect("ASCII"))
}

/// Signs in on the way to a page of the other site, as far as that page.
async fn signed_in_on_the_way(server: &TestServer, url: &str) -> Browser {
    let (status, headers) = ask(server, url, "", &[("accept", "text/html")]).await;
    assert_eq!(status, 303);
    let mut ann = server.browser();
    ann.open(header(&headers, "location")).await;
    assert_eq!(ann.page.path, "/sign-in", "{}", ann.page.text());
    ann.fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Sign in").await;
    ann
}

#[actix_web::test]
async fn a_visitor_signs_in_and_comes_back_to_the_page_of_the_other_site() {
    let server = server().await;
    server.signed_in_user("Ann", "ann@example.com").await;
    let wanted = format!("{APP}/reports?year=2026&of=a%20b");
    let ann = signed_in_on_the_way(&server, &wanted).await;
    assert_eq!(ann.left_to.as_deref(), Some(&*wanted));
    let (status, headers) = ask(&server, &wanted, &access_cookie(&ann), &[]).await;
    assert_eq!(status, 200);
    assert_eq!(header(&headers, "remote-email"), "ann@example.com");
    assert_eq!(header(&headers, "remote-name"), "Ann");
    assert_eq!(header(&headers, "remote-user").len(), 24);
    assert_eq!(header(&headers, "remote-groups"), "staff,l%C3%A4ufer%2C alte");
    assert_eq!(header(&headers, "cache-control"), "no-store");
    assert_eq!(header(&headers, "set-cookie"), "(none)");
    let (status, headers) = ask_nginx(&server, &wanted, &access_cookie(&ann), &[]).await;
    assert_eq!((status, header(&headers, "remote-name")), (200, "Ann"));
}

#[actix_web::test]
async fn who_is_signed_in_gets_an_access_cookie_without_a_form() {
    let server = server().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ann.open(&format!("/forward-auth/enter?to={APP}/")).await;
    assert_eq!(ann.left_to.as_deref(), Some("https://app.example.com/"));
    assert_eq!(ask(&server, &format!("{APP}/"), &access_cookie(&ann), &[]).await.0, 200);
}

#[actix_web::test]
async fn nginx_is_told_by_the_status_and_gets_the_way_in_beside_it() {
    let server = server().await;
    let (status, headers) =
        ask_nginx(&server, &format!("{APP}/x"), "", &[("accept", "text/html,*/*")]).await;
    assert_eq!(status, 401);
    let way = "https://id.example.com/forward-auth/enter?to=https%3A%2F%2Fapp.example.com%2Fx";
    assert_eq!(header(&headers, "location"), way);
}

#[actix_web::test]
async fn a_script_a_picture_and_a_form_are_refused_without_a_redirect() {
    let server = server().await;
    let url = format!("{APP}/x");
    for headers in [
        [("accept", "application/json"), ("x-forwarded-method", "GET")],
        [("accept", "text/html"), ("sec-fetch-mode", "cors")],
        [("accept", "text/html"), ("x-forwarded-method", "POST")],
    ] {
        let (status, answered) = ask(&server, &url, "", &headers).await;
        assert_eq!((status, header(&answered, "location")), (401, "(none)"), "{headers:?}");
    }
    let (status, answered) = ask_nginx(&server, &url, "", &[("x-original-method", "POST")]).await;
    assert_eq!((status, header(&answered, "location")), (401, "(none)"));
}

#[actix_web::test]
async fn signing_out_ends_the_access_cookie_at_once() {
    let server = server().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ann.open(&format!("/forward-auth/enter?to={APP}/")).await;
    let kept = access_cookie(&ann);
    ann.open("/profile").await;
    ann.press("Sign out").await;
    assert_eq!(ask(&server, &format!("{APP}/"), &kept, &[("accept", "*/json")]).await.0, 401);
    assert_eq!(access_cookie(&ann), "", "and the browser forgets it");
}

/// Ben opens an emailed link where Ann is signed in: neither the pages nor the other sites take the
/// browser for hers.
#[actix_web::test]
async fn a_browser_that_changes_hands_is_nobody_elses_at_other_sites() {
    let server = server().await;
    server.signed_in_user("Ben", "ben@example.com").await;
    let mut shared = server.signed_in_user("Ann", "ann@example.com").await;
    shared.open(&format!("/forward-auth/enter?to={APP}/")).await;
    let of_ann = access_cookie(&shared);
    let mut asking = server.browser();
    asking.open("/magic-link").await;
    asking.fill("E-mail", "ben@example.com");
    asking.press("Send me a link").await;
    shared.open(&server.newest_email_to("ben@example.com").await.link()).await;
    shared.press("Sign in").await;
    assert_eq!(access_cookie(&shared), "", "{}", shared.page.text());
    shared.open(&format!("/forward-auth/enter?to={APP}/")).await;
    let (_, headers) = ask(&server, &format!("{APP}/"), &access_cookie(&shared), &[]).await;
    assert_eq!(header(&headers, "remote-name"), "Ben");
    assert_eq!(
        ask(&server, &format!("{APP}/"), &of_ann, &[]).await.0,
        303,
        "her session here has ended"
    );
}

#[actix_web::test]
async fn an_access_cookie_ends_after_a_day_of_work_and_is_no_key_to_the_account() {
    let server = server().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ann.open(&format!("/forward-auth/enter?to={APP}/")).await;
    let kept = access_cookie(&ann);
    let value = kept.split_once('=').expect("a cookie").1;
    let planted = TestRequest::with_uri("/profile")
        .insert_header(("cookie", format!("__Host-vestibule={value}")));
    assert_eq!(server.send(planted).await.0, 303, "sealed under another name");
    assert_eq!(
        server.send(TestRequest::with_uri("/profile").insert_header(("cookie", &*kept))).await.0,
        303
    );
    server.pass(std::time::Duration::from_secs(10 * 3600));
    assert_eq!(ask(&server, &format!("{APP}/"), &kept, &[("accept", "*/json")]).await.0, 401);
    ann.open(&format!("/forward-auth/enter?to={APP}/")).await;
    assert_eq!(
        ask(&server, &format!("{APP}/"), &access_cookie(&ann), &[]).await.0,
        200,
        "the session lives longer"
    );
}

/// S49: the words of nobody but our proxies are believed, and of those only the ones that the mode
/// names.
#[actix_web::test]
async fn only_a_trusted_proxy_is_answered_and_only_its_own_headers_are_read() {
    let server = server().await;
    let public = format!("{APP}/public");
    let forged = [("x-original-url", &*public)];
    assert_eq!(ask(&server, &format!("{APP}/x"), "", &forged).await.0, 303);
    let forged = [
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "app.example.com"),
        ("x-forwarded-uri", "/public"),
    ];
    assert_eq!(ask_nginx(&server, &format!("{APP}/x"), "", &forged).await.0, 401);
    let twice = TestRequest::with_uri("/forward-auth?mode=nginx")
        .append_header(("x-original-url", public.clone()))
        .append_header(("x-original-url", public.clone()));
    assert_eq!(server.send(twice).await.0, 403);
    assert_eq!(server.send(TestRequest::with_uri("/forward-auth?mode=other")).await.0, 403);

    let others: Vec<_> =
        SETTINGS.iter().copied().filter(|(key, _)| !key.ends_with("PROXIES")).collect();
    let server = TestServer::open_with(&others).await;
    assert_eq!(ask(&server, &public, "", &[]).await.0, 403);
}

/// S51.
#[actix_web::test]
async fn one_returns_to_listed_hosts_and_nowhere_else() {
    let server = server().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    for evil in [
        "https://evil.example/",
        "https://example.com/",
        "http://app.example.com/",
        "https://app.example.com.evil.example/",
        "https://app.example.com%40evil.example/",
        "//app.example.com/",
        "/profile",
        "javascript:alert(1)",
        "",
    ] {
        ann.open(&format!("/forward-auth/enter?to={evil}")).await;
        assert_eq!((ann.page.status, ann.left_to.as_deref()), (400, None), "{evil}");
        assert!(access_cookie(&ann).is_empty());
    }
    for (host, uri) in [
        ("evil.example", "/"),
        ("app.example.com", "@evil.example/"),
        ("app.example.com:8443", "/"),
        // A `Host` that goes on as a URL does: the page is not the public one that it names.
        ("app.example.com/public?", "/private"),
        ("app.example.com?", "/private"),
        ("app.example.com#", "/private"),
        ("ann@app.example.com", "/public"),
    ] {
        let request =
            TestRequest::with_uri("/forward-auth").insert_header(("x-forwarded-proto", "https"));
        let request = request
            .insert_header(("x-forwarded-host", host))
            .insert_header(("x-forwarded-uri", uri));
        assert_eq!(server.send(request).await.0, 403, "{host}{uri}");
    }
}

#[actix_web::test]
async fn rules_let_visitors_in_and_keep_signed_in_users_out_with_a_reason() {
    let server = server().await;
    let (status, headers) =
        ask(&server, &format!("{APP}/public/x"), "", &[("remote-user", "root")]).await;
    assert_eq!(status, 200);
    for name in ["remote-user", "remote-email", "remote-name", "remote-groups"] {
        assert_eq!(header(&headers, name), "", "{name}");
    }
    let mut ann = server.signed_in_user("Jörg 100%", "ann@example.com").await;
    ann.open(&format!("/forward-auth/enter?to={APP}/")).await;
    let kept = access_cookie(&ann);
    let (_, headers) = ask(&server, &format!("{APP}/"), &kept, &[]).await;
    assert_eq!(header(&headers, "remote-name"), "J%C3%B6rg 100%25");
    for (page, reason) in [
        ("/money", "two steps"),
        ("/admin/x", "other members"),
        ("/public/..%2Fadmin", "more than one way"),
    ] {
        let url = format!("{APP}{page}");
        assert_eq!(ask_nginx(&server, &url, &kept, &[("accept", "*/json")]).await.0, 403);
        let (status, headers) = ask(&server, &url, &kept, &[]).await;
        assert_eq!(status, 303);
        ann.open(header(&headers, "location")).await;
        assert_eq!(ann.page.status, 403);
        assert!(ann.page.text().contains(reason), "{}", ann.page.text());
    }
}

/// A session that a thief of the password began does not pass for two steps because the owner took
/// the second one elsewhere.
#[actix_web::test]
async fn a_session_from_before_the_second_factor_is_asked_for_it() {
    let server = server().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    let money = format!("{APP}/money/x");
    let enter = format!("/forward-auth/enter?to={APP}/money/x");
    let mut before = server.browser();
    before.open("/sign-in").await;
    before.fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    before.press("Sign in").await;
    before.open(&format!("/forward-auth/enter?to={APP}/")).await;
    let key = begin(&mut ann).await;
    ann.fill("Code", &code_of(&server, &key));
    ann.press("Switch it on").await;
    ann.open(&enter).await;
    assert_eq!(ann.left_to.as_deref(), Some(&*money), "it was shown just now, in this session");
    assert_eq!(ask(&server, &money, &access_cookie(&ann), &[]).await.0, 200);

    assert_eq!(
        ask_nginx(&server, &money, &access_cookie(&before), &[("accept", "*/json")]).await.0,
        403
    );
    let (status, headers) = ask(&server, &money, &access_cookie(&before), &[]).await;
    assert_eq!(status, 303);
    server.pass(std::time::Duration::from_secs(30));
    before.open(header(&headers, "location")).await;
    assert_eq!(before.page.heading(), "Your second step", "{}", before.page.text());
    before.fill("Code", "000000");
    before.press("Go on").await;
    assert!(
        before.page.problem("Code").is_some_and(|problem| problem.contains("your app shows now"))
    );
    assert_eq!(ask(&server, &money, &access_cookie(&before), &[]).await.0, 303);
    before.fill("Code", &code_of(&server, &key));
    before.press("Go on").await;
    assert_eq!(before.left_to.as_deref(), Some(&*money), "{}", before.page.text());
    assert_eq!(ask(&server, &money, &access_cookie(&before), &[]).await.0, 200);
}

/// The password is no second factor, wherever it is typed.
#[actix_web::test]
async fn a_proof_by_password_does_not_pass_for_the_second_factor() {
    let server = server().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    let mut before = server.browser();
    before.open("/sign-in").await;
    before.fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    before.press("Sign in").await;
    let key = begin(&mut ann).await;
    ann.fill("Code", &code_of(&server, &key));
    ann.press("Switch it on").await;
    let path = format!("/forward-auth/second-step?to={APP}/money/x");
    before.open(&path).await;
    let body = format!("csrf={}&to={APP}/money/x&proof_password={PASSWORD}", before.page.csrf())
        .replace(' ', "+");
    before
        .post("/forward-auth/second-step", "application/x-www-form-urlencoded", body.as_bytes())
        .await;
    before.open(&path).await;
    assert_eq!(
        (before.left_to.as_deref(), before.page.heading().as_str()),
        (None, "Your second step")
    );
}

#[actix_web::test]
async fn under_a_path_of_the_same_host_no_other_host_is_needed() {
    let settings = [
        ("VESTIBULE_SERVER__PUBLIC_URL", "https://example.com/hall"),
        ("VESTIBULE_SERVER__TRUSTED_PROXIES", "198.51.100.7"),
    ];
    let server = TestServer::open_with(&settings).await;
    let mut ann = server.browser();
    ann.open("/hall/sign-up").await;
    ann.fill("Name", "Ann").fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Create account").await;
    let link = server.newest_email_to("ann@example.com").await.link();
    ann.open(&link).await;
    let request = TestRequest::with_uri("/hall/forward-auth/enter?to=https://example.com/wiki");
    let (status, headers, _) =
        server.send(request.insert_header(("cookie", ann.cookie_header()))).await;
    assert_eq!((status, header(&headers, "location")), (303, "https://example.com/wiki"));
    let cookie = header(&headers, "set-cookie").to_owned();
    assert!(
        cookie.starts_with("__Host-vestibule-access=") && cookie.contains("; Path=/;"),
        "{cookie}"
    );
    for part in ["HttpOnly", "Secure", "SameSite=Lax"] {
        assert!(cookie.contains(part), "{part}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let request = TestRequest::with_uri("/hall/forward-auth?mode=nginx")
        .insert_header(("x-original-url", "https://example.com/wiki"))
        .insert_header(("cookie", cookie.split(';').next().expect("a cookie")));
    assert_eq!(server.send(request).await.0, 200);
}

/// Envoy puts the page's path behind a prefix, and asks with its method.
#[actix_web::test]
async fn envoy_asks_with_the_path_and_the_method_of_the_page() {
    let server = server().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ann.open(&format!("/forward-auth/enter?to={APP}/")).await;
    for (method, page, cookie, accept, status, way) in [
        ("GET", "/x?a=b", &*access_cookie(&ann), "text/html", 200, "(none)"),
        ("POST", "/x", &*access_cookie(&ann), "*/*", 200, "(none)"),
        ("GET", "/public/x", "", "*/*", 200, "(none)"),
        (
            "GET",
            "/x?a=b",
            "",
            "text/html",
            303,
            "https://id.example.com/forward-auth/enter?to=https%3A%2F%2Fapp.example.com%2Fx%3Fa%3Db",
        ),
        ("POST", "/x", "", "text/html", 401, "(none)"),
        ("PUT", "/public/../x", &*access_cookie(&ann), "*/*", 403, "(none)"),
        ("DELETE", "/public/%2e%2e/x", "", "*/*", 403, "(none)"),
    ] {
        let request = TestRequest::with_uri(&format!("/forward-auth/envoy{page}"))
            .method(method.parse().expect("a method"))
            .insert_header(("x-forwarded-proto", "https"))
            .insert_header(("x-forwarded-host", "app.example.com"))
            .insert_header(("x-forwarded-uri", "/public"))
            .insert_header(("accept", accept))
            .insert_header(("cookie", cookie));
        let (answered, headers, _) = server.send(request).await;
        assert_eq!((answered, header(&headers, "location")), (status, way), "{method} {page}");
    }
}

/// S51: as each kind of proxy passes them on.
#[actix_web::test]
async fn another_spelling_of_a_guarded_page_is_that_page_or_refused() {
    let server = server().await;
    let mut ann = server.signed_in_user("Ann", "ann@example.com").await;
    ann.open(&format!("/forward-auth/enter?to={APP}/")).await;
    let (access_cookie, script) = (access_cookie(&ann), [("accept", "application/json")]);
    for page in [
        "/admin",
        "/%2561dmin",
        "/%252561dmin",
        "/admin%20",
        "/admin.",
        "/ADMIN",
        "/Admin;jsessionid=1/users",
        "/admin%00",
        "/%EF%BD%81dmin",
        "/public/%c0%ae%c0%ae/admin",
        "/public/%EF%BC%8E%EF%BC%8E/admin",
        "/public/%255c../admin",
    ] {
        let url = format!("{APP}{page}");
        assert_eq!(ask(&server, &url, &access_cookie, &script).await.0, 403, "{page}");
        assert_eq!(ask_nginx(&server, &url, &access_cookie, &script).await.0, 403, "{page}");
    }
    for query in [r"path=C:\Users\ann", r"\", "q=%5c%00..%2f", "a=/../admin"] {
        let url = format!("{APP}/public?{query}");
        assert_eq!(ask(&server, &url, "", &[]).await.0, 200, "{query}");
        assert_eq!(ask_nginx(&server, &url, "", &[]).await.0, 200, "{query}");
    }
}
