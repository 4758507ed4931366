//! Requirements of every route: the tables are walked, so that a new line cannot be left out.

use actix_web::{http::Method, test::TestRequest};
use vestibule::engine::store::Store;

use super::two_factor;
use crate::support::{Browser, CLIENT_KEY, PASSWORD, ResultPage, TestServer};

const TABLE: &str = include_str!("../../src/web/routes.rs");
const ENDPOINTS: &str = include_str!("../../src/protocol/paths.rs");

const FORM: &str = "application/x-www-form-urlencoded";
const BOUNDARY: &str = "an-edge";

/// Values that forms of the table take, in one body.
const EVERYTHING: &str = "name=Eve&email=eve%40example.com&new_email=eve%40example.com&password=a+calm+green+gate\
    &current_password=a+calm+blue+door&proof_password=a+calm+blue+door&code=123456\
    &provider=mock&handle=1&without=1";

const PHONE: &str = "&phone=%2B4915112345679&country=DE";

/// Posts that need no token of the browser: a provider's answer is bound by its state, its notice
/// of a logout is signed.
const OF_PROVIDERS: &[&str] =
    &["/_auth/{provider}/callback", "/_auth/{provider}/back-channel-logout"];

/// Forms that only somebody who comes from a provider is shown: `providers.rs` and
/// `provider_endings.rs` press them.
const NOT_SHOWN: &[&str] = &["/signed-out", "/profile/connections/offer"];

/// Addresses of another site, as somebody might smuggle them in.
const FOREIGN: &[&str] = &[
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "https:evil.example",
    "https://evil.example/",
];

/// Names under which applications of all kinds take an address to go on to.
const NAMES: &[&str] = &[
    "to",
    "next",
    "return_to",
    "returnTo",
    "redirect",
    "redirect_uri",
    "redirectUrl",
    "url",
    "rd",
    "continue",
    "link",
    "r",
    "post_logout_redirect_uri",
];

/// One line of the table of pages.
struct Route {
    path: String,
    guard: String,
    takes_posts: bool,
}

fn table() -> Vec<Route> {
    let table = TABLE
        .split("fn table()")
        .nth(1)
        .and_then(|rest| rest.split("pub(super) const MOVED").next());
    let routes: Vec<Route> = table.expect("the table").split(" at(").skip(1).map(route).collect();
    assert!(routes.len() > 65, "only {} routes are read", routes.len());
    routes
}

fn route(line: &str) -> Route {
    let (path, rest) = line.split_once(',').expect("a path");
    let path = match path {
        "forward_auth::ENTER" => "/forward-auth/enter",
        "second_factor::PATH" => "/forward-auth/second-step",
        path => path.trim_matches('"'),
    };
    let path = path.replace("{page:/.*}", "/page").replace("{environment}", "hall");
    let guard = rest.split(')').next().expect("a guard").trim().to_owned();
    let takes_posts = rest.contains(".post(") || rest.contains(".only_post(");
    Route { path, guard, takes_posts }
}

/// The path with a provider's name in it.
fn path_of(route: &Route) -> String {
    route.path.replace("{provider}", "mock")
}

/// Browsers in every state that a form is shown in.
async fn browsers(server: &TestServer) -> Vec<(&'static str, Browser)> {
    let mut visitor = server.browser();
    visitor.open("/sign-in").await;
    let mut signing_up = server.browser();
    signing_up.open("/sign-up").await;
    signing_up.fill("Name", "Bo").fill("E-mail", "bo@example.com").fill("Password", PASSWORD);
    signing_up.press("Create account").await;
    let mut second = server.browser();
    two_factor::sign_in(&mut second).await;
    assert_eq!(second.page.path, "/sign-in/two-factor");
    let mut cleo = server.signed_in_user("Cleo", "cleo@example.com").await;
    cleo.open("/profile").await;
    let mut with_phone = server.browser();
    for (path, button) in
        [("/sign-up/phone", "Create account"), ("/sign-in/code", "Send me a code")]
    {
        with_phone.open(path).await;
        with_phone.fill("Phone number", "+4915112345670");
        if button == "Create account" {
            with_phone.fill("Name", "Dee").fill("Password", PASSWORD);
        }
        with_phone.press(button).await;
    }
    with_phone.open("/reset-password/phone").await;
    with_phone.fill("Phone number", "+4915112345670");
    with_phone.press("Send me a code").await;
    let mut all = vec![
        ("a guest", visitor),
        ("one who signs up", signing_up),
        ("one before the second step", second),
        ("a member", cleo),
        ("one who waits for texts", with_phone),
    ];
    all.extend(with_links_open(server).await);
    all
}

/// Browsers that opened a link which was asked for elsewhere.
async fn with_links_open(server: &TestServer) -> Vec<(&'static str, Browser)> {
    let mut fay = server.signed_in_user("Fay", "fay@example.com").await;
    fay.open("/profile/password").await;
    fay.fill("Current password", PASSWORD).fill("New password", "a calm green gate");
    fay.press("Change password").await;
    let account_recovery =
        server.newest_email_to("fay@example.com").await.account_recovery().expect("a link");
    fay.open("/profile/email").await;
    fay.fill("New e-mail", "fay@new.example");
    fay.press("Change e-mail").await;
    let new_address = server.newest_email_to("fay@new.example").await.link();
    let mut links = vec![("not me", account_recovery), ("a new address", new_address)];
    for (name, path) in [("a link", "/magic-link"), ("a reset", "/reset-password")] {
        let mut browser = server.browser();
        browser.open(path).await;
        browser.fill("E-mail", "cleo@example.com");
        browser.press("Send me a link").await;
        links.push((name, server.newest_email_to("cleo@example.com").await.link()));
    }
    fay.open("/profile/phone").await;
    fay.fill("Phone number", "+4915112345671");
    fay.press("Send me a code").await;
    fay.open("/profile/two-factor").await;
    fay.press("Set up an app").await;
    let mut opened = vec![("a member who waits for codes", fay)];
    for (name, link) in links {
        let mut browser = server.browser();
        browser.open(&link).await;
        assert_eq!(browser.page.status, 200, "{name}: {}", browser.page.text());
        opened.push((name, browser));
    }
    opened
}

/// Sends a request with a browser's cookies and follows nothing.
async fn ask(
    server: &TestServer,
    browser: &Browser,
    method: Method,
    path: &str,
    body: Option<String>,
) -> ResultPage {
    let request = TestRequest::with_uri(path).method(method);
    let mut request =
        request.insert_header(("cookie", browser.cookie_header())).insert_header(("host", "hall"));
    if let Some(body) = body {
        let is_picture = path == "/profile/picture";
        let kind = if is_picture {
            format!("multipart/form-data; boundary={BOUNDARY}")
        } else {
            FORM.to_owned()
        };
        request = request.insert_header(("content-type", kind));
        request = request.set_payload(if is_picture { in_parts(&body) } else { body });
    }
    let (status, headers, bytes) = server.send(request).await;
    ResultPage { path: path.to_owned(), status, headers, bytes }
}

fn in_parts(body: &str) -> String {
    let token = body.split('&').find_map(|pair| pair.strip_prefix("csrf=")).unwrap_or_default();
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; \
            name=\"csrf\"\r\n\r\n{token}\r\n--{BOUNDARY}--\r\n"
    )
}

/// A second look at the database of a server.
struct Database {
    store: Store,
    sql: &'static str,
}

impl Database {
    async fn of(server: &TestServer) -> Self {
        let store = Store::open(&format!("sqlite:{}/vestibule.db", server.folder().display()))
            .await
            .expect("a store");
        let tables = "select m.name as name, group_concat('quote(\"' || c.name || '\")', '||'' \
            ''||') as columns \
            from sqlite_master m, pragma_table_info(m.name) c \
            where m.type = 'table' and m.name not like 'sqlite%' group by m.name";
        let tables = store.fetch_all(tables, vec![]).await.expect("tables");
        let selects = tables.iter().map(|table| {
            let (name, columns) =
                (table.text("name").expect("a name"), table.text("columns").expect("columns"));
            format!(
                "select '{name} ' || coalesce(group_concat({columns}, ';'), '') as rows from {name}"
            )
        });
        let sql = selects.collect::<Vec<_>>().join(" union all ").leak();
        Self { store, sql }
    }

    /// Every value of every row.
    async fn dump(&self) -> Vec<String> {
        let rows = self.store.fetch_all(self.sql, vec![]).await.expect("rows");
        rows.iter().map(|row| row.text("rows").expect("a text")).collect()
    }
}

/// The tables in which two dumps differ.
fn difference<'a>(before: &'a [String], after: &'a [String]) -> Vec<(&'a str, &'a str)> {
    let pairs = before.iter().zip(after).filter(|(before, after)| before != after);
    pairs.map(|(before, after)| (before.as_str(), after.as_str())).collect()
}

/// S41: whatever state a browser is in, a form without its token does nothing.
#[actix_web::test]
async fn every_form_of_the_table_needs_the_token_of_its_browser() {
    let server = two_factor::guarded().await;
    let (browsers, eve) =
        (browsers(&server).await, server.signed_in_user("Eve", "eve@mail.example").await);
    let database = Database::of(&server).await;
    let before = database.dump().await;
    let mut open = Vec::new();
    for route in table() {
        if !route.takes_posts || OF_PROVIDERS.contains(&route.path.as_str()) {
            continue;
        }
        let mut is_refused = false;
        for (who, browser) in &browsers {
            let foreign = format!("csrf={}&", eve.page.csrf());
            for (token, phone) in [("", PHONE), ("csrf=forged&", ""), (foreign.as_str(), PHONE)] {
                let body = format!("{token}{EVERYTHING}{phone}");
                let answer =
                    ask(&server, browser, Method::POST, &path_of(&route), Some(body)).await;
                let case = format!("{} by {who}: {}", route.path, answer.status);
                assert!([303, 403, 404, 410].contains(&answer.status), "{case}");
                let mut cookies = answer
                    .headers
                    .get_all("set-cookie")
                    .map(|cookie| cookie.to_str().expect("ASCII"));
                let is_of_session =
                    |cookie: &str| cookie.contains("-session=") || cookie.contains("-waiting=");
                assert!(!cookies.any(is_of_session), "{case}");
                let after = database.dump().await;
                assert!(before == after, "{case} {:?}", difference(&before, &after));
                is_refused |= answer.status == 403;
            }
        }
        if !is_refused {
            open.push(route.path);
        }
    }
    assert_eq!(open, NOT_SHOWN, "a browser that is shown the form is missing above");
}

/// S43, S44: pages, and the calls of the API with a session.
#[actix_web::test]
async fn no_get_head_or_options_of_any_route_changes_anything() {
    let server = two_factor::guarded().await;
    let browsers = browsers(&server).await;
    let session = wire_session(&server).await;
    let emails = ["cleo@example.com", "fay@example.com", "fay@new.example", "bo@example.com"];
    let mut paths: Vec<String> = table().iter().map(path_of).collect();
    for address in emails {
        let texts = server.email_to(address).await.into_iter().map(|mail| mail.text);
        let words =
            texts.flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        paths.extend(
            words.filter_map(|word| word.strip_prefix(&server.public_url).map(str::to_owned)),
        );
    }
    let endpoints =
        ENDPOINTS.lines().filter_map(|line| line.split('"').nth(1)?.strip_prefix("/rest"));
    let endpoints: Vec<String> = endpoints.map(|path| format!("/_api/rest{path}")).collect();
    assert!(endpoints.len() > 50 && paths.len() > 75, "{} {}", endpoints.len(), paths.len());
    let database = Database::of(&server).await;
    let before = database.dump().await;
    for method in [Method::OPTIONS, Method::HEAD, Method::GET] {
        for path in &paths {
            for (who, browser) in &browsers {
                let answer = ask(&server, browser, method.clone(), path, None).await;
                let after = database.dump().await;
                assert!(answer.status < 500, "{method} {path} by {who}: {}", answer.status);
                assert!(
                    before == after,
                    "{method} {path} by {who}: {:?}",
                    difference(&before, &after)
                );
            }
        }
        for path in &endpoints {
            let path = format!("{path}?key=x&email=cleo@example.com&bucket=root");
            let request = TestRequest::with_uri(&path)
                .method(method.clone())
                .insert_header(("session", &*session));
            let answer = server.send(request.insert_header(("x-client-key", CLIENT_KEY))).await;
            let after = database.dump().await;
            assert!(answer.0 < 500, "{method} {path}: {}", answer.0);
            assert!(before == after, "{method} {path}: {:?}", difference(&before, &after));
        }
    }
}

async fn wire_session(server: &TestServer) -> String {
    let body = serde_json::json!({"email": "cleo@example.com", "password": PASSWORD});
    let request = TestRequest::post()
        .uri("/_api/rest/v1/auth/signin-email")
        .insert_header(("x-client-key", CLIENT_KEY));
    let (status, _, bytes) = server.send(request.set_json(body)).await;
    let answer: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(status, 200, "{answer}");
    answer["session"]["token"].as_str().expect("a session").to_owned()
}

/// S51: neither a query, nor a field of a form that is right, nor a header.
#[actix_web::test]
async fn no_route_leads_to_another_site() {
    let server = two_factor::guarded().await;
    let browsers = browsers(&server).await;
    let mut routes = table();
    // What ends the session comes last.
    routes
        .sort_by_key(|route| route.path.contains("sign-out") || route.path.ends_with("end-others"));
    for foreign in FOREIGN {
        let foreign: String = url::form_urlencoded::byte_serialize(foreign.as_bytes()).collect();
        let query: String = NAMES.iter().map(|name| format!("{name}={foreign}&")).collect();
        for route in &routes {
            let path = format!("{}?{query}", path_of(route));
            for (who, browser) in &browsers {
                let answer = ask(&server, browser, Method::GET, &path, None).await;
                stays(&server, &answer, &format!("GET {} by {who} with {foreign}", route.path));
                // The forms do what they are for, so they come last.
                if route.takes_posts && foreign.starts_with("https%3A%2F%2F") {
                    let mut browser = browser.clone();
                    browser.open("/sign-in").await;
                    let body = format!("csrf={}&{query}", browser.page.csrf());
                    let answer = ask(&server, &browser, Method::POST, &path, Some(body)).await;
                    stays(
                        &server,
                        &answer,
                        &format!("POST {} by {who} with {foreign}", route.path),
                    );
                }
            }
        }
    }
}

/// S51: the page that a sign-in leads back to is one of ours, with what it was asked for.
#[actix_web::test]
async fn a_sign_in_leads_back_to_the_page_that_was_asked_for_and_to_no_other_site() {
    let server = TestServer::open_with(&[("VESTIBULE_LIMITS__FACTOR", "100")]).await;
    server.signed_in_user("Cleo", "cleo@example.com").await;
    let private =
        table().into_iter().filter(|route| route.guard == "SignedIn").map(|route| route.path);
    let private: Vec<String> =
        private.map(|path| format!("{path}?next=https://evil.example")).collect();
    let odd = [
        "//evil.example/profile",
        "/\\evil.example/profile",
        "/%5Cevil.example",
        "/%2F%2Fevil.example/profile",
    ];
    for (path, is_kept) in
        private.iter().map(|path| (path.as_str(), true)).chain(odd.map(|path| (path, false)))
    {
        let mut browser = server.browser();
        let asked = ask(&server, &browser, Method::GET, path, None).await;
        stays(&server, &asked, path);
        browser.open(path).await;
        browser.open("/sign-in").await;
        browser.fill("E-mail", "cleo@example.com").fill("Password", PASSWORD);
        let form = browser.page.form("Sign in", &[]);
        let body = format!(
            "csrf={}&email=cleo%40example.com&password=a+calm+blue+door",
            browser.page.csrf()
        );
        let entered = ask(&server, &browser, Method::POST, &form.action, Some(body)).await;
        let expected = if is_kept { path } else { "/profile" };
        assert_eq!((entered.status, entered.header("location")), (303, Some(expected)), "{path}");
    }
}

/// Whether an answer leads nowhere else: neither by a redirect nor by a link, a form or a refresh.
fn stays(server: &TestServer, answer: &ResultPage, case: &str) {
    if let Some(location) = answer.header("location") {
        let is_path = location.starts_with('/') && !location[1..].starts_with(['/', '\\']);
        assert!(
            is_path || location.starts_with(&format!("{}/", server.public_url)),
            "{case}: {location}"
        );
    }
    let html = answer.html();
    for before in ["href=", "action=", "url=", "src="] {
        let mut values = html.split(before).skip(1).map(|rest| rest.trim_start_matches('"'));
        let leads_away = |value: &str| {
            value.split(['"', '>', ' ']).next().unwrap_or_default().contains("evil.example")
        };
        let is_foreign = |value: &str| {
            leads_away(value) && !value.starts_with("/sign") && !value.starts_with("/_auth")
        };
        assert!(!values.any(is_foreign), "{case}: {before} in {html}");
    }
}
