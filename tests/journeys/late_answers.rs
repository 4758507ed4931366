//! Two requests at once: whatever answer arrives last, nobody is signed out by it (S110).

use std::collections::BTreeMap;

use actix_web::{http::Method, test::TestRequest};

use crate::support::{Browser, PASSWORD, TestServer};

const ANN: &str = "ann@example.com";
const FORM: &str = "application/x-www-form-urlencoded";

/// Answer to one request.
struct Answer {
    status: u16,
    location: String,
    cookies: Vec<(String, String)>,
}

type Jar = BTreeMap<String, String>;

fn jar_of(browser: &Browser) -> Jar {
    let header = browser.cookie_header();
    let pairs = header.split("; ").filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn take(jar: &mut Jar, answer: &Answer) {
    for (name, value) in &answer.cookies {
        if value.is_empty() {
            jar.remove(name);
        } else {
            jar.insert(name.clone(), value.clone());
        }
    }
}

async fn send(
    server: &TestServer,
    jar: &Jar,
    method: Method,
    path: &str,
    body: Option<String>,
) -> Answer {
    let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut request =
        TestRequest::with_uri(path).method(method).insert_header(("cookie", cookies.join("; ")));
    if let Some(body) = body {
        request = request.insert_header(("content-type", FORM)).set_payload(body);
    }
    let (status, headers, _) = server.send(request).await;
    let text = |name: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let cookie = |value: &str| {
        let (name, rest) = value.split_once('=').expect("a cookie");
        (name.to_owned(), rest.split(';').next().unwrap_or_default().to_owned())
    };
    let cookies =
        headers.get_all("set-cookie").map(|value| cookie(value.to_str().expect("ASCII"))).collect();
    Answer { status, location: text("location"), cookies }
}

async fn get(server: &TestServer, jar: &Jar, path: &str) -> Answer {
    send(server, jar, Method::GET, path, None).await
}

async fn is_signed_in(server: &TestServer, jar: &Jar) -> bool {
    get(server, jar, "/profile").await.status == 200
}

/// Somebody whose link, asked for in this browser, was moved into the cookie and not redeemed yet.
async fn with_a_link_open(server: &TestServer) -> Jar {
    server.signed_in_user("Ann", ANN).await;
    let mut ann = server.browser();
    ann.open("/magic-link").await;
    ann.fill("E-mail", ANN);
    ann.press("Send me a link").await;
    let link = server.newest_email_to(ANN).await.link();
    let mut jar = jar_of(&ann);
    let path = link.strip_prefix(&server.public_url).expect("a link of ours").to_owned();
    let opened = get(server, &jar, &path).await;
    let next =
        opened.location.strip_prefix(&server.public_url).unwrap_or(&opened.location).to_owned();
    let moved = get(server, &jar, &next).await;
    take(&mut jar, &moved);
    jar
}

/// Pages that any tab may ask for meanwhile.
const PAGES: &[&str] = &[
    "/",
    "/sign-in",
    "/sign-up",
    "/magic-link",
    "/profile",
    "/profile/sessions",
    "/profile/email",
    "/check-inbox",
    "/auth-redirect/finish",
    "/auth-redirect?status=400&action=magic-link",
    "/reset-password",
    "/sign-in/two-factor",
    "/sign-out",
    "/not-me/confirm",
    "/no-such-page",
    "/verify-phone",
    "/auth-redirect?access_token=other&action=reset-pwd",
];

/// S110
#[actix_web::test]
async fn no_page_that_is_answered_late_undoes_a_sign_in_by_link() {
    for page in PAGES {
        for before in [true, false] {
            let server = TestServer::open().await;
            let jar = with_a_link_open(&server).await;
            let mut late = None;
            if before {
                late = Some(get(&server, &jar, page).await);
            }
            let other = get(&server, &jar, "/auth-redirect/finish").await;
            let late = match late {
                Some(late) => late,
                None => get(&server, &jar, page).await,
            };
            for order in [[&late, &other], [&other, &late]] {
                let mut after = jar.clone();
                order.into_iter().for_each(|answer| take(&mut after, answer));
                assert!(is_signed_in(&server, &after).await, "{page}, asked before: {before}");
            }
        }
    }
}

/// S110: of two tabs with one link, the second lands where the first did, with the same session.
#[actix_web::test]
async fn the_second_of_two_tabs_lands_where_the_first_did() {
    let server = TestServer::open().await;
    let jar = with_a_link_open(&server).await;
    let (first, second) = futures_util::join!(
        get(&server, &jar, "/auth-redirect/finish"),
        get(&server, &jar, "/auth-redirect/finish")
    );
    assert_eq!((first.status, second.status), (303, 303));
    assert_eq!((first.location.as_str(), second.location.as_str()), ("/profile", "/profile"));
    for order in [vec![&first, &second], vec![&second, &first], vec![&first], vec![&second]] {
        let mut after = jar.clone();
        order.into_iter().for_each(|answer| take(&mut after, answer));
        assert!(is_signed_in(&server, &after).await);
    }
}

/// S110
#[actix_web::test]
async fn no_page_that_is_answered_late_undoes_a_proof() {
    for page in PAGES {
        let server = TestServer::open().await;
        let mut ann = server.signed_in_user("Ann", ANN).await;
        server.pass(std::time::Duration::from_secs(601));
        ann.open("/profile/email").await;
        let jar = jar_of(&ann);
        let body = format!(
            "csrf={}&email=new@example.com&proof_password={}",
            ann.page.csrf(),
            PASSWORD.replace(' ', "+")
        );
        let before = get(&server, &jar, page).await;
        let proved = send(&server, &jar, Method::POST, "/profile/email", Some(body.clone())).await;
        assert_eq!(proved.status, 303, "{page}");
        let again = send(&server, &jar, Method::POST, "/profile/email", Some(body)).await;
        assert_eq!((again.status, &again.location), (303, &proved.location), "a second press");
        let after = get(&server, &jar, page).await;
        for order in [
            [&before, &proved, &after, &again],
            [&proved, &again, &after, &before],
            [&after, &before, &again, &proved],
        ] {
            let mut now = jar.clone();
            order.into_iter().for_each(|answer| take(&mut now, answer));
            assert!(is_signed_in(&server, &now).await, "{page}");
        }
    }
}

/// S34, S110
#[actix_web::test]
async fn no_page_that_is_answered_late_undoes_a_sign_out() {
    for page in PAGES {
        let server = TestServer::open().await;
        let mut ann = server.signed_in_user("Ann", ANN).await;
        ann.open("/sign-out").await;
        let jar = jar_of(&ann);
        let before = get(&server, &jar, page).await;
        let out = send(
            &server,
            &jar,
            Method::POST,
            "/sign-out",
            Some(format!("csrf={}", ann.page.csrf())),
        )
        .await;
        assert_eq!(out.status, 303);
        for order in [[&before, &out], [&out, &before]] {
            let mut now = jar.clone();
            order.into_iter().for_each(|answer| take(&mut now, answer));
            assert!(!is_signed_in(&server, &now).await, "{page}");
        }
    }
}

/// S110: who signs out while a proof renews the session is signed out, whichever answer comes last.
#[actix_web::test]
async fn a_proof_that_is_answered_late_does_not_undo_a_sign_out() {
    for is_proof_first in [true, false] {
        let server = TestServer::open().await;
        let mut ann = server.signed_in_user("Ann", ANN).await;
        server.pass(std::time::Duration::from_secs(601));
        ann.open("/profile/email").await;
        let (jar, csrf) = (jar_of(&ann), ann.page.csrf());
        let password = PASSWORD.replace(' ', "+");
        let proof = format!("csrf={csrf}&email=new@example.com&proof_password={password}");
        let out = format!("csrf={csrf}");
        let mut forms = [("/profile/email", proof), ("/sign-out", out)];
        if !is_proof_first {
            forms.reverse();
        }
        let [(one, first), (two, second)] = forms;
        let first = send(&server, &jar, Method::POST, one, Some(first)).await;
        let second = send(&server, &jar, Method::POST, two, Some(second)).await;
        for order in [[&first, &second], [&second, &first]] {
            let mut now = jar.clone();
            order.into_iter().for_each(|answer| take(&mut now, answer));
            assert!(!is_signed_in(&server, &now).await, "proof first: {is_proof_first}");
        }
    }
}

/// A page with everything typed, one press away from what it is for.
struct Ready {
    server: TestServer,
    browser: Browser,
    button: &'static str,
    entered: Vec<(String, String)>,
    ends: Ends,
}

/// Whether one is signed in after the press.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    SignedIn,
    SignedOut,
}

fn ready(
    server: TestServer,
    browser: Browser,
    button: &'static str,
    entered: &[(&str, &str)],
    ends: Ends,
) -> Ready {
    let entered =
        entered.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ready { server, browser, button, entered, ends }
}

async fn sign_in_form() -> Ready {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut ann = server.browser();
    ann.open("/sign-in").await;
    ready(server, ann, "Sign in", &[("email", ANN), ("password", PASSWORD)], Ends::SignedIn)
}

async fn sign_up_form() -> Ready {
    let server = TestServer::open().await;
    let mut ann = server.browser();
    ann.open("/sign-up").await;
    let entered = [("name", "Ann"), ("email", ANN), ("password", PASSWORD)];
    ready(server, ann, "Create account", &entered, Ends::SignedOut)
}

/// Somebody who asked for a link in their browser.
async fn asked_for_a_link() -> (TestServer, Browser) {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut ann = server.browser();
    ann.open("/magic-link").await;
    ann.fill("E-mail", ANN);
    ann.press("Send me a link").await;
    (server, ann)
}

/// The link is pressed elsewhere, where it asks for one press.
async fn link_press() -> Ready {
    let (server, _) = asked_for_a_link().await;
    let mut phone = server.browser();
    phone.open(&server.newest_email_to(ANN).await.link()).await;
    assert_eq!(phone.page.path, "/auth-redirect/finish");
    ready(server, phone, "Sign in", &[], Ends::SignedIn)
}

async fn emailed_code_form() -> Ready {
    let (server, ann) = asked_for_a_link().await;
    let code = server.newest_email_to(ANN).await.code().expect("a code");
    ready(server, ann, "Sign in", &[("code", &code)], Ends::SignedIn)
}

async fn sign_up_code_form() -> Ready {
    let Ready { server, mut browser, .. } = sign_up_form().await;
    browser.fill("Name", "Ann").fill("E-mail", ANN).fill("Password", PASSWORD);
    browser.press("Create account").await;
    let code = server.newest_email_to(ANN).await.code().expect("a code");
    ready(server, browser, "Confirm my address", &[("code", &code)], Ends::SignedIn)
}

async fn reset_request() -> Ready {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut ann = server.browser();
    ann.open("/reset-password").await;
    let button = "Send me a link";
    ready(server, ann, button, &[("email", ANN)], Ends::SignedOut)
}

async fn choose_password_form() -> Ready {
    let Ready { server, mut browser, button, .. } = reset_request().await;
    browser.fill("E-mail", ANN);
    browser.press(button).await;
    browser.open(&server.newest_email_to(ANN).await.link()).await;
    ready(
        server,
        browser,
        "Save the new password",
        &[("password", "a calm green gate")],
        Ends::SignedOut,
    )
}

async fn change_password_form() -> Ready {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", ANN).await;
    ann.open("/profile/password").await;
    let entered = [("current_password", PASSWORD), ("password", "a calm green gate")];
    ready(server, ann, "Change password", &entered, Ends::SignedIn)
}

/// The step-up page before a change of the address.
async fn step_up_form() -> Ready {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", ANN).await;
    server.pass(std::time::Duration::from_secs(601));
    ann.open("/profile/email").await;
    ann.fill("New e-mail", "ann@new.example");
    ann.press("Change e-mail").await;
    assert_eq!(ann.page.status, 403, "{}", ann.page.text());
    ready(server, ann, "Confirm", &[("proof_password", PASSWORD)], Ends::SignedIn)
}

async fn sign_out_form() -> Ready {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", ANN).await;
    ann.open("/sign-out").await;
    ready(server, ann, "Sign out", &[], Ends::SignedOut)
}

async fn new_address_press() -> Ready {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", ANN).await;
    ann.open("/profile/email").await;
    ann.fill("New e-mail", "ann@new.example");
    ann.press("Change e-mail").await;
    ann.open(&server.newest_email_to("ann@new.example").await.link()).await;
    ready(server, ann, "Confirm the new address", &[], Ends::SignedIn)
}

/// The button of the email that told of a change: everybody is signed out.
async fn not_me_press() -> Ready {
    let Ready { server, mut browser, button, .. } = change_password_form().await;
    browser.fill("Current password", PASSWORD).fill("New password", "a calm green gate");
    browser.press(button).await;
    let link = server.newest_email_to(ANN).await.account_recovery().expect("a link");
    let mut owner = server.browser();
    owner.open(&link).await;
    ready(server, owner, "It was not me: take it back", &[], Ends::SignedOut)
}

/// Every form that begins, renews or ends a session, spends a link or a code, or sends a message.
const FORMS: &[&str] = &[
    "sign-in",
    "sign-up",
    "link",
    "mailed code",
    "sign-up code",
    "reset request",
    "choose password",
    "change password",
    "step-up",
    "sign-out",
    "new address",
    "not me",
];

async fn prepared(form: &str) -> Ready {
    match form {
        "sign-in" => sign_in_form().await,
        "sign-up" => sign_up_form().await,
        "link" => link_press().await,
        "mailed code" => emailed_code_form().await,
        "sign-up code" => sign_up_code_form().await,
        "reset request" => reset_request().await,
        "choose password" => choose_password_form().await,
        "change password" => change_password_form().await,
        "step-up" => step_up_form().await,
        "sign-out" => sign_out_form().await,
        "new address" => new_address_press().await,
        "not me" => not_me_press().await,
        other => panic!("{other}"),
    }
}

impl Ready {
    /// Request that pressing the button sends.
    fn body(&self) -> (String, String) {
        let form = self.browser.page.form(self.button, &self.entered);
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&form.fields)
            .finish();
        (form.action, body)
    }

    async fn press(&self, jar: &Jar) -> Answer {
        let (action, body) = self.body();
        send(&self.server, jar, Method::POST, &action, Some(body)).await
    }

    /// Whichever answers arrive, in any order, the browser is where the first press led.
    async fn holds(&self, form: &str, jar: &Jar, orders: &[&[&Answer]]) {
        let mut jars = Vec::new();
        for order in orders {
            let mut after = jar.clone();
            for answer in *order {
                take(&mut after, answer);
                // A browser follows at once.
                if answer.location == "/auth-redirect/finish" {
                    let finished = get(&self.server, &after, "/auth-redirect/finish").await;
                    take(&mut after, &finished);
                }
            }
            jars.push(after);
        }
        // A browser that shows its new cookies says that the answer arrived: so all answers are
        // there before.
        for (number, after) in jars.iter().enumerate() {
            let signed_in = is_signed_in(&self.server, after).await;
            assert_eq!(signed_in, self.ends == Ends::SignedIn, "{form}, order {number}");
        }
    }
}

/// S110: the second press comes before the answer of the first one, which a browser may even throw
/// away.
#[actix_web::test]
async fn a_form_pressed_twice_does_once_what_it_is_for_and_lands_there_twice() {
    for form in FORMS {
        let ready = prepared(form).await;
        let jar = jar_of(&ready.browser);
        let first = ready.press(&jar).await;
        let second = ready.press(&jar).await;
        assert_eq!((first.status, second.status), (303, 303), "{form}");
        assert_eq!(first.location, second.location, "{form}");
        ready
            .holds(form, &jar, &[&[&first, &second], &[&second, &first], &[&second], &[&first]])
            .await;
    }
}

/// S110
#[actix_web::test]
async fn a_form_pressed_twice_at_once_lands_at_one_place() {
    for form in FORMS {
        let ready = prepared(form).await;
        let jar = jar_of(&ready.browser);
        let (first, second) = futures_util::join!(ready.press(&jar), ready.press(&jar));
        assert_eq!((first.status, second.status), (303, 303), "{form}");
        assert_eq!(first.location, second.location, "{form}");
        ready
            .holds(form, &jar, &[&[&first, &second], &[&second, &first], &[&second], &[&first]])
            .await;
    }
}

/// S110: any page, asked for beside any form, before or after it.
#[actix_web::test]
async fn no_page_that_is_answered_late_undoes_a_form() {
    for form in FORMS {
        let ready = prepared(form).await;
        let jar = jar_of(&ready.browser);
        let pages = || PAGES.iter().filter(|page| !page.starts_with("/auth-redirect"));
        let mut late = Vec::new();
        for page in pages() {
            late.push(get(&ready.server, &jar, page).await);
        }
        let pressed = ready.press(&jar).await;
        assert_eq!(pressed.status, 303, "{form}");
        for page in pages() {
            late.push(get(&ready.server, &jar, page).await);
        }
        let orders: Vec<[&Answer; 2]> =
            late.iter().flat_map(|late| [[late, &pressed], [&pressed, late]]).collect();
        let orders: Vec<&[&Answer]> = orders.iter().map(<[_; 2]>::as_slice).collect();
        ready.holds(form, &jar, &orders).await;
    }
}

/// S110: two tabs, each with a token of its own for the same link. The second one is led to where
/// the first went, and gets the session too: a second tap in one tab cancels the first.
#[actix_web::test]
async fn a_link_opened_in_two_tabs_lands_at_one_place() {
    for opened_late in [false, true] {
        let (server, ann) = asked_for_a_link().await;
        let link = server.newest_email_to(ANN).await.link();
        let jar = jar_of(&ann);
        let path = |url: &str| url.strip_prefix(&server.public_url).unwrap_or(url).to_owned();
        let mut tabs = Vec::new();
        for _ in 0..2 {
            let opened = get(&server, &jar, &path(&link)).await;
            let moved = get(&server, &jar, &path(&opened.location)).await;
            let mut tab = jar.clone();
            take(&mut tab, &moved);
            tabs.push(tab);
        }
        let first = get(&server, &tabs[0], "/auth-redirect/finish").await;
        let second = if opened_late {
            let opened = get(&server, &jar, &path(&link)).await;
            get(&server, &jar, &path(&opened.location)).await
        } else {
            get(&server, &tabs[1], "/auth-redirect/finish").await
        };
        assert_eq!((first.status, first.location.as_str()), (303, "/profile"));
        assert_eq!(
            (second.status, second.location.as_str()),
            (303, "/profile"),
            "opened late: {opened_late}"
        );
        for order in [vec![&first, &second], vec![&second, &first], vec![&second]] {
            let mut after = jar.clone();
            order.into_iter().for_each(|answer| take(&mut after, answer));
            assert!(is_signed_in(&server, &after).await);
        }
        // The second tab, whose own answer came back after the session: it goes where the first
        // went.
        let mut mixed = tabs[1].clone();
        let session =
            first.cookies.iter().find(|(name, _)| name.ends_with("-session")).expect("a session");
        mixed.insert(session.0.clone(), session.1.clone());
        let finished = get(&server, &mixed, "/auth-redirect/finish").await;
        assert_eq!(
            (finished.status, finished.location.as_str(), finished.cookies.len()),
            (303, "/profile", 0)
        );
    }
}

/// S34, S110: a session that was ended meanwhile is not brought back by the second press.
#[actix_web::test]
async fn a_second_press_after_the_sign_out_brings_no_ended_session() {
    let ready = sign_in_form().await;
    let jar = jar_of(&ready.browser);
    let first = ready.press(&jar).await;
    let mut signed_in = jar.clone();
    take(&mut signed_in, &first);
    let mut ann = ready.browser.clone();
    ann.fill("E-mail", ANN).fill("Password", PASSWORD);
    ann.press("Sign in").await;
    ann.open("/sign-out").await;
    ann.press("Sign out").await;
    assert!(
        !is_signed_in(&ready.server, &signed_in).await,
        "the same bytes began the same session"
    );
    let second = ready.press(&jar).await;
    let session = |answer: &Answer| {
        answer.cookies.iter().find(|(name, _)| name.ends_with("-session")).cloned()
    };
    assert_ne!(session(&second), session(&first));
}

/// S110: a page of another tab, asked for while a proof renews the session, comes up once the new
/// token is there.
#[actix_web::test]
async fn a_page_asked_for_while_a_proof_renewed_the_session_is_shown() {
    let ready = step_up_form().await;
    let jar = jar_of(&ready.browser);
    let pressed = ready.press(&jar).await;
    let late = get(&ready.server, &jar, "/profile/sessions?page=1").await;
    assert_eq!((late.status, late.location.as_str()), (303, "/profile/sessions?page=1"));
    let mut after = jar.clone();
    take(&mut after, &late);
    let still_late = get(&ready.server, &after, "/profile/sessions?page=1").await;
    assert_eq!(
        (still_late.status, still_late.location.as_str()),
        (303, "/sign-in"),
        "asked again once"
    );
    take(&mut after, &pressed);
    assert_eq!(get(&ready.server, &after, "/profile/sessions?page=1").await.status, 200);
}

/// S38, S39: the cookies of the session are closed, and junk beside them does no harm.
#[actix_web::test]
async fn the_cookies_of_the_session_are_closed_and_found_among_junk() {
    let server =
        TestServer::open_with(&[("VESTIBULE_SERVER__PUBLIC_URL", "https://hall.example")]).await;
    server.signed_in_user("Ann", ANN).await;
    let mut ann = server.browser();
    ann.open("/sign-in").await;
    let ready =
        ready(server, ann, "Sign in", &[("email", ANN), ("password", PASSWORD)], Ends::SignedIn);
    let (action, body) = ready.body();
    let request =
        TestRequest::with_uri(&action).method(Method::POST).insert_header(("content-type", FORM));
    let request =
        request.insert_header(("cookie", ready.browser.cookie_header())).set_payload(body);
    let (_, headers, _) = ready.server.send(request).await;
    let cookies: Vec<&str> =
        headers.get_all("set-cookie").map(|cookie| cookie.to_str().expect("ASCII")).collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    for cookie in &cookies {
        for attribute in ["; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(attribute), "{attribute} in {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    let session = cookies
        .iter()
        .find(|cookie| cookie.starts_with("__Host-vestibule-session="))
        .expect("a session");
    let value = session.split(';').next().expect("a pair");
    for junk in [
        "__Host-vestibule-session=",
        "__Host-vestibule-session=%ff%00",
        "__Host-vestibule=junk",
        "a=b",
    ] {
        let request = TestRequest::with_uri("/profile")
            .insert_header(("cookie", format!("{junk}; {value}; {junk}")));
        assert_eq!(ready.server.send(request).await.0, 200, "{junk}");
    }
}

/// S16, S110: once the answer arrived, the same code from the cookies before it is spent like
/// everybody else's.
#[actix_web::test]
async fn an_answer_that_arrived_is_not_given_again() {
    for form in ["link", "not me", "choose password"] {
        let ready = prepared(form).await;
        let jar = jar_of(&ready.browser);
        let first = ready.press(&jar).await;
        let mut arrived = jar.clone();
        take(&mut arrived, &first);
        get(&ready.server, &arrived, "/").await;
        let second = ready.press(&jar).await;
        assert_ne!((second.status, &second.location), (first.status, &first.location), "{form}");
    }
}

/// S110: the page that asks for the press stands in two tabs, each with the link sealed in its own
/// way.
#[actix_web::test]
async fn a_link_pressed_in_two_tabs_lands_at_one_place() {
    let first = link_press().await;
    let mut tab = first.browser.clone();
    tab.open("/auth-redirect/finish").await;
    let jar = jar_of(&first.browser);
    assert_eq!(jar_of(&tab), jar);
    let second = ready(first.server.clone(), tab, "Sign in", &[], Ends::SignedIn);
    assert_ne!(first.body(), second.body());
    let (one, two) = (first.press(&jar).await, second.press(&jar).await);
    assert_eq!((one.status, one.location.as_str()), (303, "/profile"));
    assert_eq!((two.status, two.location.as_str()), (303, "/profile"));
    first.holds("two tabs", &jar, &[&[&one, &two], &[&two, &one], &[&two], &[&one]]).await;
}
