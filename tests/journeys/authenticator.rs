//! The authenticator app, recovery codes and trusted browsers, as a person sees them. The codes
//! come from `oathtool`.

use std::{process::Command, time::Duration};

use crate::support::{Browser, PASSWORD, TestServer};

const EMAIL: &str = "ann@example.com";
const STEP: Duration = Duration::from_secs(30);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// Somebody with an authenticator app: the browser that set it up, the app's key, and the recovery
/// codes.
struct Guarded {
    server: TestServer,
    ann: Browser,
    key: String,
    recovery_codes: Vec<String>,
}

impl Guarded {
    async fn new() -> Self {
        let server = TestServer::open().await;
        let mut ann = server.signed_in_user("Ann", EMAIL).await;
        let key = begin(&mut ann).await;
        ann.fill("Code", &code_of(&server, &key));
        ann.press("Switch it on").await;
        assert_eq!(ann.page.heading(), "Your recovery codes", "{}", ann.page.text());
        let recovery_codes = ann.page.all("ol.codes code");
        server.pass(STEP);
        Self { server, ann, key, recovery_codes }
    }

    /// A browser that was never here, after the right password.
    async fn at_second_step(&self) -> Browser {
        let mut browser = self.server.browser();
        self.to_second_step(&mut browser).await;
        browser
    }

    async fn to_second_step(&self, browser: &mut Browser) {
        sign_in(browser, PASSWORD).await;
        assert_eq!(browser.page.path, "/sign-in/two-factor", "{}", browser.page.text());
    }

    fn code(&self) -> String {
        code_of(&self.server, &self.key)
    }
}

/// Shows the key of a new app.
pub(super) async fn begin(browser: &mut Browser) -> String {
    browser.open("/profile/two-factor").await;
    let button = if browser.page.text().contains("Set up another app") {
        "Set up another app"
    } else {
        "Set up an app"
    };
    browser.press(button).await;
    assert_eq!(browser.page.path, "/profile/two-factor/authenticator", "{}", browser.page.text());
    browser.page.all("code.key").pop().expect("a key").replace(' ', "")
}

/// Current code of an app.
pub(super) fn code_of(server: &TestServer, key: &str) -> String {
    let now = format!("@{}", server.now().as_second());
    let output = Command::new("oathtool")
        .args(["--totp", "-b", key, "--now", &now])
        .output()
        .expect("oathtool");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn sign_in(browser: &mut Browser, password: &str) {
    browser.open("/sign-in").await;
    browser.fill("E-mail", EMAIL).fill("Password", password);
    browser.press("Sign in").await;
}

async fn type_code(browser: &mut Browser, code: &str) {
    browser.fill("Code", code);
    browser.press("Sign in").await;
}

/// Nobody sends these codes, so there is none to ask for.
fn advises_the_app(browser: &Browser) {
    let problem = browser.page.problem("Code").expect("a problem");
    assert!(problem.contains("your app shows now") && !problem.contains("ask for"), "{problem}");
}

async fn type_recovery_code(browser: &mut Browser, code: &str) {
    browser.open("/sign-in/two-factor/recovery").await;
    browser.fill("Recovery code", code);
    browser.press("Sign in").await;
}

#[actix_web::test]
async fn an_app_is_set_up_with_its_key_and_its_first_code_and_asked_for_from_then_on() {
    let Guarded { server, mut ann, key, recovery_codes } = Guarded::new().await;
    assert_eq!(recovery_codes.len(), 10);
    ann.open("/profile/two-factor").await;
    assert!(ann.page.text().contains("Authenticator app on"), "{}", ann.page.text());
    assert!(!ann.page.html().contains(&recovery_codes[0]), "shown once (S19)");
    assert!(!ann.page.html().contains(&key));
    ann.open("/profile/two-factor/authenticator").await;
    assert_eq!(ann.page.path, "/profile/two-factor", "the key is not shown again");

    let mut elsewhere = server.browser();
    sign_in(&mut elsewhere, PASSWORD).await;
    assert!(elsewhere.page.text().contains("authenticator app"), "{}", elsewhere.page.text());
    type_code(&mut elsewhere, &code_of(&server, &key)).await;
    assert_eq!(elsewhere.page.path, "/profile", "{}", elsewhere.page.text());
}

/// S15: RFC 6238 §5.2.
#[actix_web::test]
async fn a_code_of_the_app_counts_once_and_the_first_one_only_to_switch_it_on() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", EMAIL).await;
    let key = begin(&mut ann).await;
    let first = code_of(&server, &key);
    ann.fill("Code", &first);
    ann.press("Switch it on").await;
    let mut elsewhere = server.browser();
    sign_in(&mut elsewhere, PASSWORD).await;
    type_code(&mut elsewhere, &first).await;
    assert_eq!(elsewhere.page.status, 401, "{}", elsewhere.page.text());
    advises_the_app(&elsewhere);

    server.pass(STEP);
    let code = code_of(&server, &key);
    type_code(&mut elsewhere, &code).await;
    assert_eq!(elsewhere.page.path, "/profile", "{}", elsewhere.page.text());
    let mut thief = server.browser();
    sign_in(&mut thief, PASSWORD).await;
    type_code(&mut thief, &code).await;
    assert_eq!(thief.page.status, 401, "{}", thief.page.text());
}

#[actix_web::test]
async fn a_wrong_first_code_switches_nothing_on_and_the_key_is_shown_again() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", EMAIL).await;
    let key = begin(&mut ann).await;
    ann.fill("Code", "000000");
    ann.press("Switch it on").await;
    assert_eq!(ann.page.status, 401);
    advises_the_app(&ann);
    assert_eq!(ann.page.all("code.key").pop().expect("the key").replace(' ', ""), key);
    sign_in(&mut server.browser(), PASSWORD).await;
    server.pass(Duration::from_secs(31 * 60));
    ann.fill("Code", &code_of(&server, &key));
    ann.press("Switch it on").await;
    let mut elsewhere = server.browser();
    sign_in(&mut elsewhere, PASSWORD).await;
    assert_eq!(elsewhere.page.path, "/profile", "a key waits for half an hour only");
}

#[actix_web::test]
async fn another_app_replaces_the_first_one_once_its_code_was_typed() {
    let mut guarded = Guarded::new().await;
    let new_key = begin(&mut guarded.ann).await;
    let mut elsewhere = guarded.at_second_step().await;
    type_code(&mut elsewhere, &guarded.code()).await;
    assert_eq!(elsewhere.page.path, "/profile", "the first one goes on meanwhile");

    guarded.ann.fill("Code", &code_of(&guarded.server, &new_key));
    guarded.ann.press("Switch it on").await;
    assert_eq!(
        guarded.ann.page.path,
        "/profile/two-factor",
        "the recovery codes stay: {}",
        guarded.ann.page.text()
    );
    guarded.server.pass(STEP);
    let mut elsewhere = guarded.at_second_step().await;
    type_code(&mut elsewhere, &guarded.code()).await;
    assert_eq!(elsewhere.page.status, 401);
    type_code(&mut elsewhere, &code_of(&guarded.server, &new_key)).await;
    assert_eq!(elsewhere.page.path, "/profile", "{}", elsewhere.page.text());
}

/// S17
#[actix_web::test]
async fn five_wrong_codes_end_the_sign_in_that_waits() {
    let guarded = Guarded::new().await;
    let mut eve = guarded.at_second_step().await;
    for _ in 0..5 {
        type_code(&mut eve, "000000").await;
        assert_eq!(eve.page.status, 401, "{}", eve.page.text());
    }
    type_code(&mut eve, &guarded.code()).await;
    assert_eq!(eve.page.path, "/sign-in", "{}", eve.page.text());
}

/// S19
#[actix_web::test]
async fn a_recovery_code_lets_in_once_and_a_warning_comes_when_few_are_left() {
    let guarded = Guarded::new().await;
    let mut last = guarded.server.browser();
    for (used, code) in guarded.recovery_codes.iter().take(7).enumerate() {
        last = guarded.at_second_step().await;
        type_recovery_code(&mut last, &code.to_uppercase().replace('-', " ")).await;
        assert_eq!(last.page.path, "/profile", "{used}: {}", last.page.text());
        assert!(last.page.text().contains("recovery code"), "{}", last.page.text());
        guarded.server.pass(Duration::from_secs(3600));
    }
    last.open("/profile/two-factor").await;
    assert!(last.page.text().contains("Only 3 recovery codes are left"), "{}", last.page.text());

    let mut thief = guarded.at_second_step().await;
    type_recovery_code(&mut thief, &guarded.recovery_codes[0]).await;
    assert_eq!(
        (thief.page.status, thief.page.path.as_str()),
        (401, "/sign-in/two-factor/recovery")
    );
    type_recovery_code(&mut thief, "no such code").await;
    assert!(
        thief
            .page
            .problem("Recovery code")
            .is_some_and(|problem| problem.contains("Compare it with your list"))
    );
}

/// S19, S35
#[actix_web::test]
async fn new_recovery_codes_revoke_the_old_ones_and_the_last_factor_takes_them_along() {
    let mut guarded = Guarded::new().await;
    guarded.ann.open("/profile/two-factor").await;
    guarded.ann.press("Make new recovery codes").await;
    let new = guarded.ann.page.all("ol.codes code");
    assert_eq!(new.len(), 10);
    let mut browser = guarded.at_second_step().await;
    type_recovery_code(&mut browser, &guarded.recovery_codes[0]).await;
    assert_eq!(browser.page.status, 401);
    type_recovery_code(&mut browser, &new[0]).await;
    assert_eq!(browser.page.path, "/profile", "{}", browser.page.text());

    guarded.ann.open("/profile/two-factor").await;
    guarded.ann.press("Remove").await;
    assert!(!guarded.ann.page.text().contains("Recovery codes"), "{}", guarded.ann.page.text());
    let mut elsewhere = guarded.server.browser();
    sign_in(&mut elsewhere, PASSWORD).await;
    assert_eq!(elsewhere.page.path, "/profile");
}

#[actix_web::test]
async fn a_trusted_browser_is_not_asked_for_thirty_days_and_no_other_is_spared() {
    let guarded = Guarded::new().await;
    let mut ann = guarded.at_second_step().await;
    ann.fill("Do not ask in this browser for 30 days", "yes");
    type_code(&mut ann, &guarded.code()).await;
    ann.press("Sign out").await;
    sign_in(&mut ann, PASSWORD).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    guarded.at_second_step().await;

    ann.open("/profile/two-factor").await;
    assert!(ann.page.text().contains("this browser"), "{}", ann.page.text());
    ann.press("Sign out").await;
    guarded.server.pass(MONTH);
    guarded.to_second_step(&mut ann).await;
}

/// S35
#[actix_web::test]
async fn trust_ends_with_a_press_and_with_a_new_password() {
    let guarded = Guarded::new().await;
    let mut ann = guarded.at_second_step().await;
    ann.fill("Do not ask in this browser for 30 days", "yes");
    type_code(&mut ann, &guarded.code()).await;
    ann.open("/profile/two-factor").await;
    ann.press("Ask again").await;
    assert!(ann.page.text().contains("Every browser is asked"), "{}", ann.page.text());
    ann.press("Sign out").await;
    guarded.to_second_step(&mut ann).await;

    guarded.server.pass(STEP);
    ann.fill("Do not ask in this browser for 30 days", "yes");
    type_code(&mut ann, &guarded.code()).await;
    ann.open("/profile/password").await;
    ann.fill("Current password", PASSWORD).fill("New password", "another lamp in the hall");
    ann.press("Change password").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    ann.press("Sign out").await;
    sign_in(&mut ann, "another lamp in the hall").await;
    assert_eq!(ann.page.path, "/sign-in/two-factor", "{}", ann.page.text());
}

/// S103: ending the trust asks for a proof, and goes on after it.
#[actix_web::test]
async fn after_ten_minutes_ending_the_trust_asks_for_a_proof() {
    let guarded = Guarded::new().await;
    let mut ann = guarded.at_second_step().await;
    ann.fill("Do not ask in this browser for 30 days", "yes");
    type_code(&mut ann, &guarded.code()).await;
    guarded.server.pass(Duration::from_secs(600));
    ann.open("/profile/two-factor").await;
    ann.press("Ask again").await;
    assert_eq!(ann.page.status, 403, "{}", ann.page.text());
    ann.fill("Code", &guarded.code());
    ann.press("Confirm").await;
    assert!(ann.page.text().contains("Every browser is asked"), "{}", ann.page.text());
}

/// S104: a browser that signed in before the app was there shows the app first.
#[actix_web::test]
async fn a_browser_from_before_the_app_changes_no_password_without_it() {
    let server = TestServer::open().await;
    let mut before = server.signed_in_user("Ann", EMAIL).await;
    let mut ann = server.browser();
    sign_in(&mut ann, PASSWORD).await;
    let key = begin(&mut ann).await;
    ann.fill("Code", &code_of(&server, &key));
    ann.press("Switch it on").await;
    server.pass(STEP);

    before.open("/profile/password").await;
    before.fill("Current password", PASSWORD).fill("New password", "another lamp in the hall");
    before.press("Change password").await;
    assert_eq!(before.page.status, 403, "{}", before.page.text());
    before.fill("Code", &code_of(&server, &key));
    before.press("Confirm").await;
    // The form comes back for its passwords, which are never carried on.
    before.fill("Current password", PASSWORD).fill("New password", "another lamp in the hall");
    before.press("Change password").await;
    assert_eq!(before.page.path, "/profile", "{}", before.page.text());
}

/// S12: somebody who knows the password cannot use up the owner's guesses in a browser that is
/// known.
#[actix_web::test]
async fn wrong_codes_elsewhere_do_not_keep_the_owner_out_of_a_known_browser() {
    let guarded = Guarded::new().await;
    let mut ann = guarded.ann.clone();
    ann.press("Sign out").await;
    for _ in 0..6 {
        let mut eve = guarded.server.browser();
        sign_in(&mut eve, PASSWORD).await;
        for _ in 0..5 {
            if eve.page.path == "/sign-in/two-factor" {
                type_code(&mut eve, "000000").await;
            }
        }
    }
    guarded.to_second_step(&mut ann).await;
    type_code(&mut ann, &guarded.code()).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S18
#[actix_web::test]
async fn a_link_and_a_reset_ask_for_the_app_too() {
    let guarded = Guarded::new().await;
    let mut ann = guarded.server.browser();
    ann.open("/magic-link").await;
    ann.fill("E-mail", EMAIL);
    ann.press("Send me a link").await;
    let link = guarded.server.newest_email_to(EMAIL).await.link();
    ann.open(&link).await;
    assert_eq!(ann.page.path, "/sign-in/two-factor", "{}", ann.page.text());
    type_code(&mut ann, &guarded.code()).await;
    assert_eq!(ann.page.path, "/profile");

    let mut late = guarded.server.browser();
    late.open("/reset-password").await;
    late.fill("E-mail", EMAIL);
    late.press("Send me a link").await;
    let link = guarded.server.newest_email_to(EMAIL).await.link();
    late.open(&link).await;
    late.fill("New password", "another lamp in the hall");
    late.press("Save the new password").await;
    sign_in(&mut late, "another lamp in the hall").await;
    assert_eq!(late.page.path, "/sign-in/two-factor", "{}", late.page.text());
}

/// S20: the code of the app is as good as the password.
#[actix_web::test]
async fn a_sensitive_change_takes_the_code_of_the_app_as_a_proof_once() {
    let mut guarded = Guarded::new().await;
    guarded.server.pass(Duration::from_secs(601));
    guarded.ann.open("/profile/two-factor").await;
    guarded.ann.press("Make new recovery codes").await;
    assert_eq!(
        (guarded.ann.page.status, guarded.ann.page.heading().as_str()),
        (403, "Confirm it is you")
    );
    let code = guarded.code();
    guarded.ann.fill("Code", "000000");
    guarded.ann.press("Confirm").await;
    assert_eq!(guarded.ann.page.status, 401, "{}", guarded.ann.page.text());
    guarded.ann.fill("Code", &code);
    guarded.ann.press("Confirm").await;
    assert_eq!(guarded.ann.page.heading(), "Your recovery codes", "{}", guarded.ann.page.text());
    let mut thief = guarded.at_second_step().await;
    type_code(&mut thief, &code).await;
    assert_eq!(thief.page.status, 401, "it is used up (S15)");
}

/// S18, S21: the email that told of the app takes it back; an email about something else does not.
#[actix_web::test]
async fn the_owner_takes_an_app_back_that_a_visitor_set_up_and_no_email_gets_round_an_older_one() {
    let guarded = Guarded::new().await;
    let told = guarded.server.email_to(EMAIL).await;
    let app = told
        .iter()
        .rfind(|mail| mail.subject.contains("authenticator"))
        .expect("the owner is told");
    let mut owner = guarded.server.browser();
    owner.open(&app.account_recovery().expect("a link")).await;
    owner.press("It was not me: take it back").await;
    owner.fill("New password", "another lamp in the hall");
    owner.press("Save the new password").await;
    sign_in(&mut owner, "another lamp in the hall").await;
    assert_eq!(owner.page.path, "/profile", "the stranger's app is gone: {}", owner.page.text());

    let guarded = Guarded::new().await;
    let mut ann = guarded.ann.clone();
    ann.open("/profile/password").await;
    ann.fill("Current password", PASSWORD).fill("New password", "another lamp in the hall");
    ann.press("Change password").await;
    let told = guarded.server.newest_email_to(EMAIL).await;
    let mut thief = guarded.server.browser();
    thief.open(&told.account_recovery().expect("a link")).await;
    thief.press("It was not me: take it back").await;
    thief.fill("New password", "the lamp of a thief here");
    thief.press("Save the new password").await;
    sign_in(&mut thief, "the lamp of a thief here").await;
    assert_eq!(thief.page.path, "/sign-in/two-factor", "{}", thief.page.text());
}

/// S18: an app that took the place of another one is taken back, and the other one is asked for
/// again.
#[actix_web::test]
async fn a_mailbox_alone_does_not_get_round_an_app_by_taking_back_its_replacement() {
    let mut guarded = Guarded::new().await;
    let new_key = begin(&mut guarded.ann).await;
    guarded.ann.fill("Code", &code_of(&guarded.server, &new_key));
    guarded.ann.press("Switch it on").await;
    guarded.server.pass(STEP);
    let told = guarded.server.newest_email_to(EMAIL).await;
    let mut reader = guarded.server.browser();
    reader.open(&told.account_recovery().expect("a link")).await;
    reader.press("It was not me: take it back").await;
    reader.fill("New password", "another lamp in the hall");
    reader.press("Save the new password").await;
    sign_in(&mut reader, "another lamp in the hall").await;
    assert_eq!(reader.page.path, "/sign-in/two-factor", "{}", reader.page.text());
    type_code(&mut reader, &code_of(&guarded.server, &new_key)).await;
    assert_eq!(reader.page.status, 401, "the replacement is gone");
    type_code(&mut reader, &guarded.code()).await;
    assert_eq!(reader.page.path, "/profile", "the former app counts again: {}", reader.page.text());
}

/// S35
#[actix_web::test]
async fn the_last_factor_that_is_removed_ends_the_other_sessions_and_links() {
    let mut guarded = Guarded::new().await;
    let mut phone = guarded.at_second_step().await;
    type_code(&mut phone, &guarded.code()).await;
    let mut late = guarded.server.browser();
    late.open("/magic-link").await;
    late.fill("E-mail", EMAIL);
    late.press("Send me a link").await;
    let link = guarded.server.newest_email_to(EMAIL).await.link();
    guarded.ann.open("/profile/two-factor").await;
    guarded.ann.press("Remove").await;
    phone.open("/profile").await;
    assert_eq!(phone.page.path, "/sign-in", "{}", phone.page.text());
    late.open(&link).await;
    assert_eq!(late.page.status, 410, "{}", late.page.text());
    guarded.ann.open("/profile").await;
    assert_eq!(guarded.ann.page.path, "/profile", "the one that did it goes on");
}

/// S20
#[actix_web::test]
async fn a_session_without_a_fresh_proof_does_not_see_the_key_that_waits() {
    let server = TestServer::open().await;
    let mut thief = server.signed_in_user("Ann", EMAIL).await;
    server.pass(Duration::from_secs(601));
    let mut ann = server.browser();
    sign_in(&mut ann, PASSWORD).await;
    let key = begin(&mut ann).await;
    thief.open("/profile/two-factor/authenticator").await;
    assert_eq!(thief.page.path, "/profile/two-factor");
    assert!(!thief.page.html().contains(&key));
}

/// S12: who knows the password and begins one sign-in after the other does not end the owner's.
#[actix_web::test]
async fn two_sign_ins_wait_side_by_side() {
    let guarded = Guarded::new().await;
    let mut ann = guarded.at_second_step().await;
    for _ in 0..3 {
        guarded.at_second_step().await;
    }
    type_code(&mut ann, &guarded.code()).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S18, S20: the password and a session from before are not enough to put another app in the place
/// of the owner's.
#[actix_web::test]
async fn a_session_from_before_the_app_is_asked_for_its_code_and_not_for_the_password() {
    let server = TestServer::open().await;
    let mut ann = server.signed_in_user("Ann", EMAIL).await;
    let mut before = server.browser();
    sign_in(&mut before, PASSWORD).await;
    let key = begin(&mut ann).await;
    ann.fill("Code", &code_of(&server, &key));
    ann.press("Switch it on").await;

    before.open("/profile/two-factor").await;
    before.press("Set up another app").await;
    let said = before.page.text().to_owned();
    assert_eq!(
        (before.page.status, before.page.heading().as_str()),
        (403, "Confirm it is you"),
        "{said}"
    );
    assert!(said.contains("Phone lost?") && !said.contains("Your password"), "{said}");
    server.pass(STEP);
    before.fill("Code", &code_of(&server, &key));
    before.press("Confirm").await;
    assert_eq!(before.page.path, "/profile/two-factor/authenticator", "{}", before.page.text());
}
