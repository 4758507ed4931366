//! Limits as a person meets them: the wait grows, the page says how long, and there is always a way
//! in.

use std::time::Duration;

use actix_web::test::TestRequest;
use serde_json::json;

use crate::support::{Browser, CLIENT_KEY, PASSWORD, PROXY, ResultPage, TestServer};

const ANN: &str = "ann@example.com";
const NOBODY: &str = "nobody@example.com";

async fn sign_in(browser: &mut Browser, address: &str, password: &str) {
    browser.open("/sign-in").await;
    browser.fill("E-mail", address).fill("Password", password);
    browser.press("Sign in").await;
}

async fn ask_for_link(browser: &mut Browser, path: &str, address: &str) {
    browser.open(path).await;
    browser.fill("E-mail", address);
    browser.press("Send me a link").await;
}

async fn sign_up(browser: &mut Browser, address: &str) {
    browser.open("/sign-up").await;
    browser.fill("Name", "Ann").fill("E-mail", address).fill("Password", PASSWORD);
    browser.press("Create account").await;
}

/// The seconds of a refusal for asking too often, which says the same in words.
fn told_wait(page: &ResultPage) -> u64 {
    assert_eq!(page.status, 429, "{}", page.text());
    let seconds: u64 = page.header("retry-after").expect("Retry-After").parse().expect("seconds");
    let words = match seconds {
        ..60 => format!("{seconds} seconds"),
        60 => "1 minute".to_owned(),
        61..3600 => format!("{} minutes", seconds.div_ceil(60)),
        _ => "1 hour".to_owned(),
    };
    assert!(
        page.text().contains(&format!("Wait {words} and try again.")),
        "{seconds}: {}",
        page.text()
    );
    seconds
}

/// S12, S06: an address without an account is told the same, and waits as long.
#[actix_web::test]
async fn the_wait_grows_with_each_wrong_password_for_known_and_unknown_addresses_alike() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut told = Vec::new();
    for address in [ANN, NOBODY] {
        let mut eve = server.browser();
        for _ in 0..5 {
            sign_in(&mut eve, address, "a wrong password").await;
            assert_eq!(eve.page.status, 401, "{}", eve.page.text());
        }
        let mut waits = Vec::new();
        for _ in 0..10 {
            sign_in(&mut eve, address, PASSWORD).await;
            assert_eq!(eve.page.value("E-mail"), address);
            waits.push((told_wait(&eve.page), eve.page.text()));
            server.pass(Duration::from_secs(waits.last().expect("a wait").0));
            sign_in(&mut eve, address, "a wrong password").await;
            assert_eq!(eve.page.status, 401, "{}", eve.page.text());
        }
        told.push(waits);
    }
    assert_eq!(told[0], told[1]);
    let waits: Vec<u64> = told[0].iter().map(|(wait, _)| *wait).collect();
    assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 1920, 3600, 3600]);
}

/// S12
#[actix_web::test]
async fn after_the_longest_wait_the_right_password_gets_in_and_a_day_forgets_it_all() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut eve = server.browser();
    for _ in 0..20 {
        sign_in(&mut eve, ANN, "a wrong password").await;
        if eve.page.status == 429 {
            server.pass(Duration::from_secs(told_wait(&eve.page)));
        }
    }
    let mut ann = server.browser();
    server.pass(Duration::from_secs(3600));
    sign_in(&mut ann, ANN, PASSWORD).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    server.pass(Duration::from_secs(24 * 3600));
    for _ in 0..5 {
        sign_in(&mut eve, ANN, "a wrong password").await;
        assert_eq!(eve.page.status, 401);
    }
}

/// S12: whoever guesses at the password keeps nobody out who can open their email.
#[actix_web::test]
async fn an_emailed_link_gets_the_owner_in_whatever_the_password_limit_says() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let mut eve = server.browser();
    for _ in 0..10 {
        sign_in(&mut eve, ANN, "a wrong password").await;
    }
    let mut ann = server.browser();
    sign_in(&mut ann, ANN, PASSWORD).await;
    told_wait(&ann.page);
    assert!(ann.page.text().contains("Get a link by e-mail instead"), "{}", ann.page.text());

    ask_for_link(&mut ann, "/magic-link", ANN).await;
    ann.open(&server.newest_email_to(ANN).await.link()).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());

    let mut forgetful = server.browser();
    ask_for_link(&mut forgetful, "/reset-password", ANN).await;
    forgetful.open(&server.newest_email_to(ANN).await.link()).await;
    forgetful.fill("New password", "four grey geese there");
    forgetful.press("Save the new password").await;
    assert_eq!(forgetful.page.path, "/sign-in", "{}", forgetful.page.text());
}

/// S12: a browser that signed in before is counted by itself, and guesses no more than others.
#[actix_web::test]
async fn a_browser_that_signed_in_before_gets_in_while_visitors_guess() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", ANN).await;
    ann.press("Sign out").await;
    let mut eve = server.browser();
    for _ in 0..10 {
        sign_in(&mut eve, ANN, "a wrong password").await;
    }
    told_wait(&eve.page);
    sign_in(&mut ann, ANN, PASSWORD).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    ann.press("Sign out").await;
    for _ in 0..6 {
        sign_in(&mut ann, ANN, "a wrong password").await;
    }
    assert_eq!(told_wait(&ann.page), 30);
}

/// S13: another browser, another spelling and a right password in between bring no guess back.
#[actix_web::test]
async fn dropping_the_cookie_or_another_spelling_of_the_address_resets_nothing() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    for address in [
        "ann@example.com",
        "ANN@example.com",
        " ann@EXAMPLE.com ",
        "Ann@Example.com",
        "aNN@example.com",
    ] {
        sign_in(&mut server.browser(), address, "a wrong password").await;
        sign_in(&mut server.browser(), "ben@example.com", PASSWORD).await;
    }
    let mut eve = server.browser();
    sign_in(&mut eve, "ann@Example.com", PASSWORD).await;
    assert_eq!(told_wait(&eve.page), 30);
}

/// S12: many accounts, one machine.
#[actix_web::test]
async fn one_address_that_tries_many_accounts_is_told_to_wait() {
    let server = TestServer::open().await;
    let mut eve = server.browser();
    for number in 0..61 {
        sign_in(&mut eve, &format!("person-{number}@example.com"), "a stolen password").await;
    }
    assert_eq!(told_wait(&eve.page), 6);
}

#[actix_web::test]
async fn asking_for_email_too_often_is_told_with_the_wait_and_keeps_the_form() {
    for path in ["/magic-link", "/reset-password"] {
        let server = TestServer::open().await;
        let mut eve = server.browser();
        for number in 0..21 {
            ask_for_link(&mut eve, path, &format!("person-{number}@example.com")).await;
        }
        assert_eq!(told_wait(&eve.page), 180, "{path}");
        assert_eq!(eve.page.value("E-mail"), "person-20@example.com");
        server.pass(Duration::from_secs(180));
        ask_for_link(&mut eve, path, NOBODY).await;
        assert_eq!(eve.page.path, "/check-inbox", "{path}");
    }
}

#[actix_web::test]
async fn signing_up_and_asking_again_too_often_are_told_with_the_wait() {
    let server = TestServer::open().await;
    let mut eve = server.browser();
    for number in 0..21 {
        sign_up(&mut eve, &format!("person-{number}@example.com")).await;
    }
    assert_eq!(told_wait(&eve.page), 180);
    assert_eq!(eve.page.value("E-mail"), "person-20@example.com");

    let mut ben = server.browser();
    server.pass(Duration::from_secs(180));
    sign_up(&mut ben, "ben@example.com").await;
    for _ in 0..21 {
        ben.press("Send it again").await;
        if ben.page.status == 429 {
            break;
        }
    }
    assert_eq!(ben.page.header("retry-after"), Some("720"));
    assert!(
        ben.page.text().contains("Use the newest one, or wait 12 minutes"),
        "{}",
        ben.page.text()
    );
}

/// S64, S05: the sixth email of a kind within the hour is refused, with the wait, whoever has an
/// account. What a page called sent was sent.
#[actix_web::test]
async fn a_mailbox_that_has_had_enough_is_told_alike_whoever_it_is() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    let confirmed = server.email_to(ANN).await.len();
    let mut told = Vec::new();
    for address in [ANN, NOBODY] {
        let mut eve = server.browser();
        let mut pages = Vec::new();
        for _ in 0..8 {
            ask_for_link(&mut eve, "/magic-link", address).await;
            let wait = eve.page.header("retry-after").map(str::to_owned);
            pages.push((
                eve.page.status,
                eve.page.path.clone(),
                wait,
                eve.page.text().replace(address, ""),
            ));
        }
        assert_eq!(pages.iter().filter(|page| page.1 == "/check-inbox").count(), 5);
        assert_eq!(pages[7].0, 429);
        assert!(pages[7].3.contains("Use the newest one, or wait 12 minutes"), "{}", pages[7].3);
        told.push(pages);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(server.email_to(ANN).await.len(), confirmed + 5);
    assert!(server.email_to(NOBODY).await.is_empty());
}

/// Somebody at an unlocked screen guesses the current password: each form that asks for it says how
/// long to wait.
#[actix_web::test]
async fn guessing_the_current_password_is_told_with_the_wait_at_every_form_that_asks_for_it() {
    let server = TestServer::open().await;
    let mut eve = server.signed_in_user("Ann", ANN).await;
    // The sign-in is no fresh proof any more.
    server.pass(Duration::from_secs(601));
    for _ in 0..5 {
        eve.open("/profile/password").await;
        eve.fill("Current password", "a wrong password")
            .fill("New password", "four grey geese there");
        eve.press("Change password").await;
        assert!(eve.page.problem("Current password").is_some(), "{}", eve.page.text());
    }
    eve.open("/profile/password").await;
    eve.fill("Current password", PASSWORD).fill("New password", "four grey geese there");
    eve.press("Change password").await;
    assert_eq!(told_wait(&eve.page), 30);
    eve.open("/profile/email").await;
    eve.fill("New e-mail", "eve@example.com");
    eve.press("Change e-mail").await;
    eve.fill("Your password", PASSWORD);
    eve.press("Confirm").await;
    assert_eq!(told_wait(&eve.page), 30);
    assert!(eve.page.html().contains("eve@example.com"), "{}", eve.page.text());
    server.pass(Duration::from_secs(30));
    eve.fill("Your password", PASSWORD);
    eve.press("Confirm").await;
    assert!(eve.page.status != 429, "{}", eve.page.text());
}

#[actix_web::test]
async fn asking_to_move_to_many_addresses_is_told_with_the_wait() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", ANN).await;
    for number in 0..11 {
        ann.open("/profile/email").await;
        ann.fill("New e-mail", &format!("ann-{number}@example.com"));
        ann.press("Change e-mail").await;
    }
    assert_eq!(told_wait(&ann.page), 600);
}

#[actix_web::test]
async fn uploading_too_often_is_told_with_the_wait() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", ANN).await;
    for _ in 0..31 {
        ann.open("/profile/picture").await;
        ann.attach("Picture", "me.png", b"not a picture");
        ann.press("Upload").await;
    }
    assert_eq!(told_wait(&ann.page), 60);
}

/// The requests that get through before the limit by address, with a client of each number.
async fn links_until_limited(server: &TestServer, client: fn(u32) -> String) -> Option<u32> {
    for number in 0..300 {
        let request = TestRequest::post()
            .uri(&format!("/_api/rest/v1/auth/send-magic?email=a{number}@example.com"));
        let request = request.insert_header(("x-client-key", CLIENT_KEY));
        let request = request.insert_header(("x-forwarded-for", client(number)));
        if server.send_from(PROXY, request).await.0 == 429 {
            return Some(number);
        }
    }
    None
}

/// S13: whoever reaches us from a private address can write any forwarding header.
#[actix_web::test]
async fn an_unlisted_proxy_switches_no_limit_off_at_the_pages() {
    let server = TestServer::open().await;
    let mut eve = server.browser();
    eve.behind_proxy = Some("203.0.113.9".to_owned());
    let mut asked = 0;
    while asked < 60 && eve.page.status != 429 {
        ask_for_link(&mut eve, "/magic-link", &format!("a{asked}@example.com")).await;
        asked += 1;
    }
    // The first ten times count for the address.
    assert!((20..=31).contains(&asked), "{asked}");
    let mut ann = server.browser();
    ann.behind_proxy = Some("198.51.100.2".to_owned());
    ask_for_link(&mut ann, "/magic-link", ANN).await;
    assert_eq!(ann.page.status, 200, "others behind it are counted apart: {}", ann.page.text());
}

/// S13: eight times what one address has, however many clients the header invents.
#[actix_web::test]
async fn an_unlisted_proxy_switches_no_limit_off_on_the_wire() {
    let one = links_until_limited(&TestServer::open().await, |_| "203.0.113.9".to_owned()).await;
    assert!(one.is_some_and(|taken| (20..=32).contains(&taken)), "{one:?}");
    let invented = |number: u32| format!("203.0.{}.{}", number / 250, number % 250);
    let many = links_until_limited(&TestServer::open().await, invented).await;
    assert!(many.is_some_and(|taken| (160..=180).contains(&taken)), "{many:?}");
}

/// A sign-up over the wire, from an address that the proxy names.
async fn sign_up_from(server: &TestServer, address: &str, email: &str) -> u16 {
    let body = json!({"email": email, "password": PASSWORD});
    let request = TestRequest::post()
        .uri("/_api/rest/v1/auth/signup-email")
        .insert_header(("x-client-key", CLIENT_KEY))
        .insert_header(("x-forwarded-for", address))
        .set_json(body);
    server.send(request).await.0
}

/// S107: one network can use up the email of nobody else. It has an end, and what it asked for is
/// sent.
#[actix_web::test]
async fn five_hundred_sign_ups_of_one_network_delay_nobody_else() {
    for network in
        [|n: usize| format!("2001:db8:0:{:x}::{n:x}", n % 256), |n| format!("192.0.2.{}", n % 256)]
    {
        let proxies = [("VESTIBULE_SERVER__TRUSTED_PROXIES", "198.51.100.7")];
        let server = TestServer::open_with(&proxies).await;
        server.signed_in_user("Ann", ANN).await;
        let mut sent = Vec::new();
        for number in 0..560 {
            let email = format!("stranger-{number}@example.com");
            if sign_up_from(&server, &network(number), &email).await < 300 {
                sent.push(email);
            }
        }
        println!("{} of 560 sign-ups of one network went through", sent.len());
        assert!((1..=200).contains(&sent.len()), "{}", sent.len());
        assert_eq!(
            server.email_to(sent.last().expect("one")).await.len(),
            1,
            "what was accepted is sent"
        );

        let before = server.email_to(ANN).await.len();
        let mut ann = server.browser();
        ann.forwarded_for = Some("203.0.113.9".to_owned());
        ask_for_link(&mut ann, "/reset-password", ANN).await;
        assert_eq!(ann.page.path, "/check-inbox", "{}", ann.page.text());
        assert_eq!(server.email_to(ANN).await.len(), before + 1, "at once");
        assert!(sign_up_from(&server, "203.0.113.9", "ben@example.com").await < 300);
        assert_eq!(server.email_to("ben@example.com").await.len(), 1, "at once");
    }
}

/// S05, S107: a page says "on its way" of what is, and the same for known and unknown addresses of
/// what is not.
#[actix_web::test]
async fn no_page_calls_sent_what_will_not_be_sent() {
    let server = TestServer::open().await;
    server.signed_in_user("Ann", ANN).await;
    for address in [ANN, NOBODY] {
        let mut eve = server.browser();
        ask_for_link(&mut eve, "/reset-password", address).await;
        let mut told = Vec::new();
        for _ in 0..5 {
            eve.press("Send it again").await;
            let is_wait =
                eve.page.text().contains("Use the newest one, or wait 12 minutes and try again.");
            told.push((
                eve.page.status,
                eve.page.text().contains("another email is on its way"),
                is_wait,
            ));
        }
        let sent = (200, true, false);
        assert_eq!(told, [sent, sent, sent, sent, (429, false, true)], "{address}");
    }
    let resets =
        server.email_to(ANN).await.iter().filter(|mail| mail.text.contains("new password")).count();
    assert_eq!(resets, 5);
}
