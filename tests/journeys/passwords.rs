//! Which passwords may be chosen, and what a person is told.

use crate::support::{Browser, PASSWORD, TestServer};

const ANN: &str = "ann.example@mail.example";

async fn sign_up(browser: &mut Browser, address: &str, password: &str) {
    browser.open("/sign-up").await;
    browser.fill("Name", "Ann Marguerite").fill("E-mail", address).fill("Password", password);
    browser.press("Create account").await;
}

async fn sign_in(browser: &mut Browser, address: &str, password: &str) {
    browser.open("/sign-in").await;
    browser.fill("E-mail", address).fill("Password", password);
    browser.press("Sign in").await;
}

/// Somebody who signed up with that password, proved the address, and signed out.
async fn signed_in_user(server: &TestServer, address: &str, password: &str) {
    let mut browser = server.browser();
    sign_up(&mut browser, address, password).await;
    assert_eq!(browser.page.path, "/check-inbox", "{password}: {}", browser.page.text());
    browser.open(&server.newest_email_to(address).await.link()).await;
    browser.press("Sign out").await;
}

/// Refused passwords, each with a word of the reason.
fn refused() -> Vec<(String, &'static str)> {
    [
        ("", "Type your password"),
        ("käsebrö", "at least 8 characters"),
        ("password", "lists that attackers try first"),
        ("Qwertyuiop", "lists that attackers try first"),
        ("aaaaaaaaaaaaaaaa", "lists that attackers try first"),
        // On the lists of breached ones, and nothing that zxcvbn finds wrong.
        ("borboleta", "lists that attackers try first"),
        ("Marguerite", "too close to your name,"),
        ("ann.example", "too close to your name, address"),
        ("ann.example@mail.example", "too close to your name, address"),
        ("Vestibule!", "or to our name"),
    ]
    .into_iter()
    .map(|(password, reason)| (password.to_owned(), reason))
    .chain([("x1".repeat(513), "at most 1,024 bytes"), ("é".repeat(513), "at most 1,024 bytes")])
    .collect()
}

/// S07, S08
#[actix_web::test]
async fn a_weak_password_is_refused_at_the_sign_up_with_its_reason_and_the_rest_stays_typed() {
    let server = TestServer::open_with(&[("VESTIBULE_LIMITS__FACTOR", "10")]).await;
    let mut ann = server.browser();
    for (weak, reason) in refused() {
        sign_up(&mut ann, ANN, &weak).await;
        assert_eq!(ann.page.status, 422, "{weak}");
        let told =
            ann.page.problem("Password").unwrap_or_else(|| panic!("{weak}: {}", ann.page.text()));
        assert!(told.contains(reason), "{weak}: {told}");
        assert_eq!(
            (ann.page.value("E-mail"), ann.page.value("Password")),
            (ANN.to_owned(), String::new())
        );
    }
}

/// S08: whichever way a new one is chosen.
#[actix_web::test]
async fn the_same_are_refused_at_a_change_and_at_a_reset() {
    let server = TestServer::open_with(&[("VESTIBULE_LIMITS__FACTOR", "10")]).await;
    signed_in_user(&server, ANN, PASSWORD).await;
    let mut ann = server.browser();
    sign_in(&mut ann, ANN, PASSWORD).await;
    let mut forgetful = server.browser();
    forgetful.open("/reset-password").await;
    forgetful.fill("E-mail", ANN);
    forgetful.press("Send me a link").await;
    forgetful.open(&server.newest_email_to(ANN).await.link()).await;
    for (weak, reason) in refused() {
        ann.open("/profile/password").await;
        ann.fill("Current password", PASSWORD).fill("New password", &weak);
        ann.press("Change password").await;
        forgetful.fill("New password", &weak);
        forgetful.press("Save the new password").await;
        for browser in [&ann, &forgetful] {
            let told = browser
                .page
                .problem("New password")
                .unwrap_or_else(|| panic!("{weak}: {}", browser.page.text()));
            assert!(told.contains(reason), "{weak}: {told}");
        }
    }
    forgetful.fill("New password", "four grey geese there");
    forgetful.press("Save the new password").await;
    assert_eq!(
        forgetful.page.path,
        "/sign-in",
        "a refused password spends no link: {}",
        forgetful.page.text()
    );
}

/// S09: no letter, digit or sign is asked for, nothing is trimmed, and all of Unicode is kept.
#[actix_web::test]
async fn words_alone_any_script_and_spaces_at_the_ends_are_a_password() {
    let server = TestServer::open_with(&[("VESTIBULE_LIMITS__FACTOR", "10")]).await;
    let passwords = [
        "a calm blue door",
        "пароль на каждый день",
        "静かな青い扉を開けて",
        " spaces at both ends ",
        "🐘🦒🦓🦛🦏🐪🐫🦙",
    ];
    for (number, password) in passwords.into_iter().enumerate() {
        let address = format!("person-{number}@example.com");
        signed_in_user(&server, &address, password).await;
        if password != password.trim() {
            let mut other = server.browser();
            sign_in(&mut other, &address, password.trim()).await;
            assert_eq!(other.page.status, 401, "{password}: {}", other.page.text());
        }
        let mut person = server.browser();
        sign_in(&mut person, &address, password).await;
        assert_eq!(person.page.path, "/profile", "{password}: {}", person.page.text());
    }
}

/// S09: two keyboards write an é in two ways, and both are the one.
#[actix_web::test]
async fn one_password_typed_on_two_keyboards_is_one_password() {
    let server = TestServer::open().await;
    signed_in_user(&server, ANN, "cafe\u{301} on the corner").await;
    let mut phone = server.browser();
    sign_in(&mut phone, ANN, "caf\u{e9} on the corner").await;
    assert_eq!(phone.page.path, "/profile", "{}", phone.page.text());
}

/// S07, S75: a kilobyte is taken whole; a longer one is no password, and costs no more than
/// another.
#[actix_web::test]
async fn a_kilobyte_counts_to_its_last_letter() {
    let server = TestServer::open().await;
    let long = "long words make long passwords, ".repeat(32);
    assert_eq!(long.len(), 1024);
    signed_in_user(&server, ANN, &long).await;
    let mut ann = server.browser();
    for wrong in [format!("{}x", &long[..1023]), format!("{long} ")] {
        sign_in(&mut ann, ANN, &wrong).await;
        assert_eq!(ann.page.status, 401, "{}", ann.page.text());
    }
    sign_in(&mut ann, ANN, &long).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

#[actix_web::test]
async fn the_operators_least_length_and_name_are_the_ones_that_count() {
    let settings =
        [("VESTIBULE_ENGINE__PASSWORD_MIN", "15"), ("VESTIBULE_BRANDING__NAME", "Gartenlaube")];
    let server = TestServer::open_with(&settings).await;
    let mut ann = server.browser();
    for (weak, reason) in
        [("a calm blue do", "at least 15 characters"), ("GartenlaubeGartenlaube", "too close to")]
    {
        sign_up(&mut ann, ANN, weak).await;
        assert!(
            ann.page.problem("Password").expect("a reason").contains(reason),
            "{weak}: {}",
            ann.page.text()
        );
    }
    sign_up(&mut ann, ANN, "a calm blue doo").await;
    assert_eq!(ann.page.path, "/check-inbox", "{}", ann.page.text());
}

/// S11
#[actix_web::test]
async fn a_server_with_costlier_hashes_signs_people_in() {
    let server = TestServer::open_with(&[("VESTIBULE_ENGINE__PASSWORD_HASH_PASSES", "3")]).await;
    signed_in_user(&server, ANN, PASSWORD).await;
    let mut ann = server.browser();
    sign_in(&mut ann, ANN, PASSWORD).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}
