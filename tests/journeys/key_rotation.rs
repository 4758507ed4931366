//! The secret key is replaced and the old one taken out: at the pages nobody is kept out by it.

use super::authenticator::{begin, code_of};
use crate::support::{Browser, PASSWORD, TestServer};

const EMAIL: &str = "ann@example.com";
const OLD: (&str, &str) =
    ("VESTIBULE_SECRET_KEY", "9f1c2ad07be84356c1d5f0a8b3e7946d20c8fa51e6b7d349");
const BOTH: (&str, &str) = (
    "VESTIBULE_SECRET_KEY",
    "7Qm3vYw0xK9sZ2bTfJ6nLrPcHd8aGeUi4oXk1MyVtRs,9f1c2ad07be84356c1d5f0a8b3e7946d20c8fa51e6b7d349",
);
const NEW: (&str, &str) = ("VESTIBULE_SECRET_KEY", "7Qm3vYw0xK9sZ2bTfJ6nLrPcHd8aGeUi4oXk1MyVtRs");

/// A browser that was never here, after the right password.
async fn at_second_step(server: &TestServer) -> Browser {
    let mut browser = server.browser();
    browser.open("/sign-in").await;
    browser.fill("E-mail", EMAIL).fill("Password", PASSWORD);
    browser.press("Sign in").await;
    assert_eq!(browser.page.path, "/sign-in/two-factor", "{}", browser.page.text());
    browser
}

/// S96, S112
#[actix_web::test]
async fn an_authenticator_and_recovery_codes_outlive_the_key_that_they_were_made_under() {
    let server = TestServer::open_with(&[OLD]).await;
    let (key, codes) = {
        let mut ann = server.signed_in_user("Ann", EMAIL).await;
        let key = begin(&mut ann).await;
        ann.fill("Code", &code_of(&server, &key));
        ann.press("Switch it on").await;
        (key, ann.page.all("ol.codes code"))
    };
    server.pass(std::time::Duration::from_secs(60));
    let server = server.restarted(&[BOTH]).await;
    let server = server.restarted(&[NEW]).await;

    let mut ann = at_second_step(&server).await;
    ann.fill("Code", &code_of(&server, &key));
    ann.press("Sign in").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());

    let mut elsewhere = at_second_step(&server).await;
    elsewhere.open("/sign-in/two-factor/recovery").await;
    elsewhere.fill("Recovery code", &codes[0]);
    elsewhere.press("Sign in").await;
    assert!(elsewhere.page.path.starts_with("/profile"), "{}", elsewhere.page.text());
}
