//! Two requests at once: whatever answer arrives last, nobody is signed out by it (S110).

use std::collections::BTreeMap;

use actix_web::{http::Method, test::TestRequest};

use crate::support::{Browser, Hall, PASSWORD};

const ANN: &str = "ann@example.com";
const FORM: &str = "application/x-www-form-urlencoded";

/// What one request answered.
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

async fn send(hall: &Hall, jar: &Jar, method: Method, path: &str, body: Option<String>) -> Answer {
    let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut request = TestRequest::with_uri(path).method(method).insert_header(("cookie", cookies.join("; ")));
    if let Some(body) = body {
        request = request.insert_header(("content-type", FORM)).set_payload(body);
    }
    let (status, headers, _) = hall.send(request).await;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let cookie = |value: &str| {
        let (name, rest) = value.split_once('=').expect("a cookie");
        (name.to_owned(), rest.split(';').next().unwrap_or_default().to_owned())
    };
    let cookies = headers.get_all("set-cookie").map(|value| cookie(value.to_str().expect("ASCII"))).collect();
    Answer { status, location: text("location"), cookies }
}

async fn get(hall: &Hall, jar: &Jar, path: &str) -> Answer {
    send(hall, jar, Method::GET, path, None).await
}

async fn is_signed_in(hall: &Hall, jar: &Jar) -> bool {
    get(hall, jar, "/profile").await.status == 200
}

/// Somebody whose link, asked for in this browser, was moved into the cookie and not redeemed yet.
async fn with_a_link_open(hall: &Hall) -> Jar {
    hall.member("Ann", ANN).await;
    let mut ann = hall.browser();
    ann.open("/magic-link").await;
    ann.fill("E-mail", ANN);
    ann.press("Send me a link").await;
    let link = hall.newest_mail_to(ANN).await.link();
    let mut jar = jar_of(&ann);
    let path = link.strip_prefix(&hall.public_url).expect("a link of ours").to_owned();
    let opened = get(hall, &jar, &path).await;
    let next = opened.location.strip_prefix(&hall.public_url).unwrap_or(&opened.location).to_owned();
    let moved = get(hall, &jar, &next).await;
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
            let hall = Hall::open().await;
            let jar = with_a_link_open(&hall).await;
            let mut late = None;
            if before {
                late = Some(get(&hall, &jar, page).await);
            }
            let other = get(&hall, &jar, "/auth-redirect/finish").await;
            let late = match late {
                Some(late) => late,
                None => get(&hall, &jar, page).await,
            };
            for order in [[&late, &other], [&other, &late]] {
                let mut after = jar.clone();
                order.into_iter().for_each(|answer| take(&mut after, answer));
                assert!(is_signed_in(&hall, &after).await, "{page}, asked before: {before}");
            }
        }
    }
}

/// S110: of two tabs with one link, the second lands where the first did, and sets no cookie.
#[actix_web::test]
async fn the_second_of_two_tabs_lands_where_the_first_did() {
    let hall = Hall::open().await;
    let jar = with_a_link_open(&hall).await;
    let (first, second) =
        futures_util::join!(get(&hall, &jar, "/auth-redirect/finish"), get(&hall, &jar, "/auth-redirect/finish"));
    assert_eq!((first.status, second.status), (303, 303));
    assert_eq!((first.location.as_str(), second.location.as_str()), ("/profile", "/profile"));
    let written = [&first, &second].map(|answer| !answer.cookies.is_empty());
    assert_eq!(written.iter().filter(|written| **written).count(), 1, "one session, and one answer that brings it");
    for order in [[&first, &second], [&second, &first]] {
        let mut after = jar.clone();
        order.into_iter().for_each(|answer| take(&mut after, answer));
        assert!(is_signed_in(&hall, &after).await);
    }
}

/// S110
#[actix_web::test]
async fn no_page_that_is_answered_late_undoes_a_proof() {
    for page in PAGES {
        let hall = Hall::open().await;
        let mut ann = hall.member("Ann", ANN).await;
        hall.pass(std::time::Duration::from_secs(601));
        ann.open("/profile/email").await;
        let jar = jar_of(&ann);
        let body =
            format!("csrf={}&email=new@example.com&proof_password={}", ann.page.csrf(), PASSWORD.replace(' ', "+"));
        let before = get(&hall, &jar, page).await;
        let proved = send(&hall, &jar, Method::POST, "/profile/email", Some(body.clone())).await;
        assert_eq!(proved.status, 303, "{page}");
        let again = send(&hall, &jar, Method::POST, "/profile/email", Some(body)).await;
        assert_eq!((again.status, &again.location), (303, &proved.location), "a second press");
        let after = get(&hall, &jar, page).await;
        for order in
            [[&before, &proved, &after, &again], [&proved, &again, &after, &before], [&after, &before, &again, &proved]]
        {
            let mut now = jar.clone();
            order.into_iter().for_each(|answer| take(&mut now, answer));
            assert!(is_signed_in(&hall, &now).await, "{page}");
        }
    }
}

/// S34, S110
#[actix_web::test]
async fn no_page_that_is_answered_late_undoes_a_sign_out() {
    for page in PAGES {
        let hall = Hall::open().await;
        let mut ann = hall.member("Ann", ANN).await;
        ann.open("/sign-out").await;
        let jar = jar_of(&ann);
        let before = get(&hall, &jar, page).await;
        let out = send(&hall, &jar, Method::POST, "/sign-out", Some(format!("csrf={}", ann.page.csrf()))).await;
        assert_eq!(out.status, 303);
        for order in [[&before, &out], [&out, &before]] {
            let mut now = jar.clone();
            order.into_iter().for_each(|answer| take(&mut now, answer));
            assert!(!is_signed_in(&hall, &now).await, "{page}");
        }
    }
}

/// S110: who signs out while a proof renews the session is signed out, whichever answer comes last.
#[actix_web::test]
async fn a_proof_that_is_answered_late_does_not_undo_a_sign_out() {
    for is_proof_first in [true, false] {
        let hall = Hall::open().await;
        let mut ann = hall.member("Ann", ANN).await;
        hall.pass(std::time::Duration::from_secs(601));
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
        let first = send(&hall, &jar, Method::POST, one, Some(first)).await;
        let second = send(&hall, &jar, Method::POST, two, Some(second)).await;
        for order in [[&first, &second], [&second, &first]] {
            let mut now = jar.clone();
            order.into_iter().for_each(|answer| take(&mut now, answer));
            assert!(!is_signed_in(&hall, &now).await, "proof first: {is_proof_first}");
        }
    }
}
