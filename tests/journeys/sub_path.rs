//! A server under a path of somebody's site: every link, form, redirect and cookie stays below it.

use std::collections::BTreeSet;

use actix_web::test::TestRequest;

use crate::support::{Browser, PASSWORD, TestServer};

#[actix_web::test]
async fn the_whole_way_in_works_under_a_path() {
    let server =
        TestServer::open_with(&[("VESTIBULE_SERVER__PUBLIC_URL", "https://example.com/hall")])
            .await;
    let mut ann = server.browser();
    ann.open("/hall/sign-up").await;
    ann.fill("Name", "Ann").fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Create account").await;
    let link = server.newest_email_to("ann@example.com").await.link();
    assert!(link.starts_with("https://example.com/hall/_api/"), "{link}");
    ann.open(&link).await;
    assert_eq!(ann.page.path, "/hall/profile", "{}", ann.page.text());
    for part in ["href=\"/profile", "action=\"/sign-out", "href=\"/static"] {
        assert!(!ann.page.html().contains(part), "{part}");
    }
    assert!(
        ann.cookie_header().starts_with("__Secure-vestibule="),
        "the cookie is kept to https and to the path"
    );
    ann.press("Sign out").await;
    ann.open("/hall/profile").await;
    assert_eq!(ann.page.path, "/hall/sign-in");
}

/// Every page that a signed-in user or a visitor can reach by a link, and every form on it, stays
/// below the path.
#[actix_web::test]
async fn no_link_form_or_redirect_of_any_page_leaves_the_path() {
    let server = TestServer::open_with(SETTINGS).await;
    let visitor = crawl(&mut server.browser()).await;
    let mut ann = signed_in_user(&server).await;
    let signed_in_user = crawl(&mut ann).await;
    for path in
        ["/account/sign-in", "/account/sign-up", "/account/reset-password", "/account/magic-link"]
    {
        assert!(visitor.contains(path), "{path} of {visitor:?}");
    }
    for path in
        ["/account/profile/sessions", "/account/profile/two-factor", "/account/profile/connections"]
    {
        assert!(signed_in_user.contains(path), "{path} of {signed_in_user:?}");
    }
    assert!(visitor.len() > 8 && signed_in_user.len() > 10, "{visitor:?} {signed_in_user:?}");
}

/// Errors, old names, the channels for programs and for proxies: whatever an answer names is below
/// the path.
#[actix_web::test]
async fn what_is_no_page_stays_below_the_path_too() {
    let server = TestServer::open_with(SETTINGS).await;
    for (path, status) in [
        ("/account", 301),
        ("/account/", 200),
        ("/account/login", 301),
        ("/account/profile", 303),
        ("/account/.well-known/change-password", 302),
        ("/account/no/such/page", 404),
        ("/account/e:5f6d3c/_auth/google", 404),
        ("/account/health/live", 200),
    ] {
        let (answered, headers, body) = server.send(TestRequest::with_uri(path)).await;
        let location = headers.get("location").map_or("", |location| location.to_str().unwrap());
        assert!(location.is_empty() || is_below(location), "{path} leads to {location}");
        let body = String::from_utf8(body).unwrap();
        for link in links(&body) {
            assert!(is_below(&link), "{path} names {link}");
        }
        assert_eq!(answered, status, "{path}");
    }
    for path in [
        "/",
        "/sign-in",
        "/profile",
        "/api/v1/auth/user",
        "/_api/rest/v1/auth/user",
        "/forward-auth",
        "/static/x.css",
    ] {
        let (answered, headers, _) = server.send(TestRequest::with_uri(path)).await;
        assert_eq!((answered, headers.get("set-cookie")), (404, None), "{path} is not ours");
    }
}

const SETTINGS: &[(&str, &str)] = &[
    ("VESTIBULE_SERVER__PUBLIC_URL", "https://example.com/account"),
    ("VESTIBULE_SERVER__TRUSTED_PROXIES", "198.51.100.7"),
    ("VESTIBULE_PROVIDERS__GITHUB__CLIENT_ID", "id"),
    ("VESTIBULE_PROVIDERS__GITHUB__CLIENT_SECRET", "secret"),
];

async fn signed_in_user(server: &TestServer) -> Browser {
    let mut ann = server.browser();
    ann.open("/account/sign-up").await;
    ann.fill("Name", "Ann").fill("E-mail", "ann@example.com").fill("Password", PASSWORD);
    ann.press("Create account").await;
    let mail = server.newest_email_to("ann@example.com").await;
    for link in [Some(mail.link()), mail.account_recovery()].into_iter().flatten() {
        assert!(link.starts_with("https://example.com/account/"), "{link}");
    }
    ann.open(&mail.link()).await;
    ann
}

/// Follows every link and opens the path of every form, and answers the paths of all pages that
/// were shown.
async fn crawl(browser: &mut Browser) -> BTreeSet<String> {
    let mut to_see = vec!["/account/".to_owned(), "/account/sign-in".to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(path) = to_see.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let page = browser.open(&path).await;
        assert!(page.status < 400 || page.status == 404, "{path}: {}", page.status);
        assert!(is_below(&page.path), "{path} led to {}", page.path);
        for link in links(&page.html()) {
            assert!(is_below(&link), "{path} names {link}");
            let is_page =
                link.starts_with('/') && !link.contains("/static/") && !link.contains("/_auth/");
            if is_page && !link.contains('#') {
                to_see.push(link);
            }
        }
        assert!(browser.left_to.is_none(), "{path} leads to {:?}", browser.left_to);
        assert!(
            browser
                .cookie_header()
                .split("; ")
                .all(|cookie| cookie.is_empty() || cookie.starts_with("__Secure-"))
        );
    }
    seen
}

/// URLs on a page: links, stylesheets, pictures and where forms go.
fn links(html: &str) -> Vec<String> {
    let named = |attribute: &str| {
        let begin = format!(" {attribute}=\"");
        html.split(&begin)
            .skip(1)
            .filter_map(|part| part.split('"').next())
            .map(|link| link.replace("&amp;", "&"))
            .collect::<Vec<_>>()
    };
    ["href", "src", "action", "formaction"].iter().flat_map(|attribute| named(attribute)).collect()
}

fn is_below(link: &str) -> bool {
    let local = link.strip_prefix("https://example.com").unwrap_or(link);
    let path = local.split(['?', '#']).next().unwrap_or_default();
    link.starts_with('#')
        || link.starts_with("data:")
        || path == "/account"
        || path.starts_with("/account/")
}
