//! Remote mode: our pages in front of another environment, over HTTP.

use std::{net::TcpListener, time::Duration};

use image::{ImageFormat, Rgb, RgbImage};

use crate::support::{Browser, CLIENT_KEY, PASSWORD, Served, TestServer};

const FRONT: &str = "http://front.example";
const ADDRESS: &str = "ann@example.com";

/// An environment, and a server of pages in front of it.
struct Houses {
    back: TestServer,
    served: Served,
    front: TestServer,
}

impl Houses {
    async fn open() -> Self {
        let back = TestServer::open_with(&[
            ("VESTIBULE_ENGINE__REDIRECT_URL", "http://front.example/auth-redirect"),
            ("VESTIBULE_SERVER__TRUSTED_PROXIES", "127.0.0.1"),
        ])
        .await;
        let served = Served::of(&back).await;
        let front = before(&served.url()).await;
        Self { back, served, front }
    }

    /// Follows the newest link that was emailed, as an email program does: the environment sends
    /// the browser on to the pages.
    async fn follow(&self, browser: &mut Browser, address: &str) {
        let link = self.back.newest_email_to(address).await.link();
        let mut smtp_server = self.back.browser();
        smtp_server.open(&link).await;
        let onward = smtp_server.left_to.clone().unwrap_or_else(|| panic!("{link} leads nowhere"));
        assert!(onward.starts_with(FRONT), "{onward}");
        browser.open(&onward).await;
    }

    /// Somebody with a confirmed account, signed in at the pages.
    async fn signed_in_user(&self) -> Browser {
        let mut ann = self.front.browser();
        ann.open("/sign-up").await;
        ann.fill("Name", "Ann").fill("E-mail", ADDRESS).fill("Password", PASSWORD);
        ann.press("Create account").await;
        assert_eq!(ann.page.path, "/check-inbox", "{}", ann.page.text());
        self.follow(&mut ann, ADDRESS).await;
        ann.press("Confirm my address").await;
        assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
        ann
    }
}

/// The pages in front of whatever answers there.
async fn before(env_url: &str) -> TestServer {
    TestServer::open_with(&[
        ("VESTIBULE_ALTOGIC__ENV_URL", env_url),
        ("VESTIBULE_ALTOGIC__CLIENT_KEY", CLIENT_KEY),
        ("VESTIBULE_SERVER__PUBLIC_URL", FRONT),
    ])
    .await
}

async fn sign_in(browser: &mut Browser, password: &str) {
    browser.open("/sign-in").await;
    browser.fill("E-mail", ADDRESS).fill("Password", password);
    browser.press("Sign in").await;
}

#[actix_web::test]
async fn somebody_signs_up_confirms_signs_out_and_in_again() {
    let houses = Houses::open().await;
    let mut ann = houses.signed_in_user().await;
    ann.press("Sign out").await;
    sign_in(&mut ann, "a wrong password").await;
    assert_eq!(ann.page.status, 401);
    assert_eq!(ann.page.value("E-mail"), ADDRESS);
    sign_in(&mut ann, PASSWORD).await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

/// S04: that the number is taken by now, the page does not tell.
#[actix_web::test]
async fn somebody_signs_up_with_a_number_and_in_again_with_a_code_and_moves_to_another_number() {
    const PHONE: &str = "+4915112345678";
    const OTHER_PHONE: &str = "+4915187654321";
    let houses = Houses::open().await;
    let mut ann = houses.front.browser();
    for button in ["Confirm", "Send another code"] {
        ann.open("/sign-up/phone").await;
        ann.fill("Name", "Ann").fill("Phone number", PHONE).fill("Password", PASSWORD);
        ann.press("Create account").await;
        assert_eq!(
            (ann.page.path.as_str(), ann.page.status),
            ("/verify-phone", 200),
            "{}",
            ann.page.text()
        );
        if button == "Confirm" {
            ann.fill("Code", &houses.back.newest_code_to(PHONE).await);
        }
        ann.press(button).await;
        if ann.page.path == "/profile" {
            ann.press("Sign out").await;
        }
    }
    ann.open("/sign-in/code").await;
    ann.fill("Country", "DE").fill("Phone number", "01511 2345678");
    ann.press("Send me a code").await;
    ann.fill("Code", &houses.back.newest_code_to(PHONE).await);
    ann.press("Sign in").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    ann.open("/profile/phone").await;
    ann.fill("Phone number", OTHER_PHONE);
    ann.press("Send me a code").await;
    ann.fill("Your password", PASSWORD);
    ann.press("Confirm").await;
    ann.fill("Code", &houses.back.newest_code_to(OTHER_PHONE).await);
    ann.press("Confirm").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    assert!(ann.page.text().contains("+49 1518 7654321 confirmed"), "{}", ann.page.text());
}

#[actix_web::test]
async fn what_is_wrong_with_a_sign_up_is_told_beside_its_fields_in_our_words() {
    let houses = Houses::open().await;
    let mut ann = houses.front.browser();
    ann.open("/sign-up").await;
    ann.fill("Name", "Ann").fill("E-mail", "nonsense").fill("Password", "short");
    ann.press("Create account").await;
    assert_eq!(ann.page.status, 422);
    assert!(ann.page.problem("E-mail").is_some(), "{}", ann.page.text());
    assert!(ann.page.problem("Password").unwrap().contains("at least 8"));
}

/// S04: whoever has an account learns it by email, and nobody else learns it.
#[actix_web::test]
async fn a_taken_address_looks_like_a_free_one() {
    let houses = Houses::open().await;
    houses.signed_in_user().await;
    let mut eve = houses.front.browser();
    eve.open("/sign-up").await;
    eve.fill("Name", "Eve").fill("E-mail", ADDRESS).fill("Password", PASSWORD);
    eve.press("Create account").await;
    assert_eq!(eve.page.path, "/check-inbox");
}

#[actix_web::test]
async fn a_name_an_address_and_a_password_are_changed() {
    let houses = Houses::open().await;
    let mut ann = houses.signed_in_user().await;
    ann.open("/profile/name").await;
    ann.fill("Name", "Ann Example");
    ann.press("Save").await;
    assert!(ann.page.text().contains("Ann Example"), "{}", ann.page.text());

    ann.open("/profile/email").await;
    ann.fill("New e-mail", "ann@new.example");
    ann.press("Change e-mail").await;
    // The environment keeps no proofs, so the password is asked for each time and goes along with
    // the change.
    ann.fill("Your password", "a wrong password");
    ann.press("Confirm").await;
    assert_eq!((ann.page.status, ann.page.path.as_str()), (401, "/profile/email"));
    assert!(ann.page.problem("Your password").is_some(), "{}", ann.page.text());
    ann.fill("Your password", PASSWORD);
    ann.press("Confirm").await;
    assert_eq!(ann.page.path, "/profile/email", "{}", ann.page.text());
    let mut smtp_server = houses.back.browser();
    smtp_server.open(&houses.back.newest_email_to("ann@new.example").await.link()).await;
    smtp_server.fill("Password of the account", PASSWORD);
    smtp_server.press("Confirm the new address").await;
    ann.open(&smtp_server.left_to.clone().expect("back to the pages")).await;
    assert!(ann.page.text().contains("ann@new.example"), "{}", ann.page.text());

    ann.open("/profile/password").await;
    ann.fill("Current password", "a wrong password").fill("New password", "a calm green gate");
    ann.press("Change password").await;
    assert!(ann.page.problem("Current password").is_some(), "{}", ann.page.text());
    ann.fill("Current password", PASSWORD).fill("New password", "a calm green gate");
    ann.press("Change password").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
}

#[actix_web::test]
async fn a_forgotten_password_is_replaced() {
    let houses = Houses::open().await;
    let mut old_session = houses.signed_in_user().await;
    let mut ann = houses.front.browser();
    ann.open("/reset-password").await;
    ann.fill("E-mail", ADDRESS);
    ann.press("Send me a link").await;
    houses.follow(&mut ann, ADDRESS).await;
    ann.fill("New password", "a calm green gate");
    ann.press("Save the new password").await;
    assert_eq!(ann.page.path, "/sign-in", "{}", ann.page.text());
    sign_in(&mut ann, "a calm green gate").await;
    assert_eq!(ann.page.path, "/profile");
    old_session.open("/profile").await;
    assert_eq!(old_session.page.path, "/sign-in");
}

/// The environment knows each person's own browser, and no page ever holds the token of another
/// session.
#[actix_web::test]
async fn sessions_are_listed_and_ended() {
    let houses = Houses::open().await;
    let mut ann = houses.signed_in_user().await;
    let mut phone = houses.front.browser();
    phone.user_agent = "Lynx/2.9".to_owned();
    sign_in(&mut phone, PASSWORD).await;
    ann.open("/profile/sessions").await;
    for expected in ["Firefox", "Lynx", "this browser"] {
        assert!(ann.page.text().contains(expected), "{expected} in {}", ann.page.text());
    }
    ann.press("End").await;
    phone.open("/profile").await;
    assert_eq!(phone.page.path, "/sign-in");
    ann.open("/profile").await;
    assert_eq!(ann.page.path, "/profile");
}

/// S31: the browser asks our origin for the picture, and our origin asks the environment.
#[actix_web::test]
async fn a_picture_is_stored_over_there_and_shown_from_here() {
    let houses = Houses::open().await;
    let mut ann = houses.signed_in_user().await;
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_pixel(60, 40, Rgb([29, 91, 76])).write_to(&mut bytes, ImageFormat::Png).unwrap();
    ann.open("/profile/picture").await;
    ann.attach("Picture", "me.png", bytes.get_ref());
    ann.press("Upload").await;
    assert_eq!(ann.page.path, "/profile", "{}", ann.page.text());
    let html = ann.page.html();
    let source =
        html.split("src=\"").nth(1).expect("a picture").split('"').next().unwrap().to_owned();
    assert!(source.starts_with("/_storage/"), "{source}");

    let mut anybody = houses.front.browser();
    anybody.open(&source).await;
    assert_eq!(
        (anybody.page.status, anybody.page.header("content-type")),
        (200, Some("image/jpeg"))
    );
    assert!(image::load_from_memory(&anybody.page.bytes).is_ok());
    assert_eq!(anybody.page.header("x-content-type-options"), Some("nosniff"));
    anybody.open("/_storage/vestibule/000000000000000000000001/nothing").await;
    assert_eq!(anybody.page.status, 404);

    ann.open("/profile/picture").await;
    ann.press("Remove the picture").await;
    anybody.open(&source).await;
    assert_eq!(anybody.page.status, 404, "the file over there is gone, too");
    ann.open("/profile/picture").await;
    ann.attach("Picture", "me.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>");
    ann.press("Upload").await;
    assert!(ann.page.problem("Picture").is_some(), "{}", ann.page.text());
}

/// R27: nobody is signed out because the environment is away.
#[actix_web::test]
async fn an_environment_that_is_down_is_told_and_when_it_is_back_all_goes_on() {
    let mut houses = Houses::open().await;
    let mut ann = houses.signed_in_user().await;
    houses.served.stop().await;
    for path in ["/profile", "/sign-in", "/profile/password"] {
        ann.open(path).await;
        assert_eq!(ann.page.status, 503, "{path}");
        assert!(ann.page.header("retry-after").is_some());
        assert!(ann.page.text().contains("again"), "{}", ann.page.text());
    }
    assert!(ann.page.header("set-cookie").is_none(), "the cookie is left alone");
    let mut visitor = houses.front.browser();
    visitor.open("/sign-in").await;
    assert_eq!(visitor.page.status, 200, "a form needs nobody else");
    houses.front.browser().open("/health/ready").await;

    houses.served.start();
    houses.front.pass(Duration::from_secs(3));
    ann.open("/profile").await;
    assert_eq!((ann.page.status, ann.page.path.as_str()), (200, "/profile"), "{}", ann.page.text());
}

/// R27, R28: a page does not wait longer than the budget of a call.
#[actix_web::test]
async fn an_environment_that_never_answers_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let front = before(&format!("http://{}", silent.local_addr().unwrap())).await;
    let mut ann = front.browser();
    ann.open("/sign-in").await;
    ann.fill("E-mail", ADDRESS).fill("Password", PASSWORD);
    let pressed = tokio::time::timeout(Duration::from_secs(8), ann.press("Sign in")).await;
    assert!(pressed.is_ok(), "a page waited longer than the budget");
    assert_eq!(ann.page.status, 503);
    assert!(ann.page.header("retry-after").is_some());
}

#[actix_web::test]
async fn whether_the_server_is_ready_is_the_environments_to_say() {
    let mut houses = Houses::open().await;
    let mut monitor = houses.front.browser();
    monitor.open("/health/ready").await;
    assert_eq!(monitor.page.status, 200);
    houses.served.stop().await;
    monitor.open("/health/ready").await;
    assert_eq!(monitor.page.status, 503);
    monitor.open("/health/live").await;
    assert_eq!(monitor.page.status, 200);
}

/// Nothing of the embedded backend is there: no database, no outbox, no REST channel, no inbox.
#[actix_web::test]
async fn in_remote_mode_there_is_nothing_but_pages() {
    let houses = Houses::open().await;
    let mut eve = houses.front.browser();
    for path in ["/dev/inbox", "/_api/rest/v1/auth/user", "/_storage/a/b"] {
        eve.open(path).await;
        assert_eq!(eve.page.status, 404, "{path}");
    }
    assert_eq!(houses.front.files(), ["secret_key"]);
}

/// Providers are set up at the environment, which the pages cannot ask for: no button, and a
/// sentence for whoever comes by address.
#[actix_web::test]
async fn providers_are_the_environments_own() {
    let houses = Houses::open().await;
    let mut ann = houses.front.browser();
    ann.open("/sign-in").await;
    assert!(!ann.page.text().contains("Continue with"), "{}", ann.page.text());
    for path in ["/_auth/google", "/_auth/google/callback?code=c&state=s"] {
        ann.open(path).await;
        assert_eq!(ann.page.status, 404, "{path}: {}", ann.page.text());
        assert!(
            ann.page.text().contains("Use another way to sign in"),
            "{path}: {}",
            ann.page.text()
        );
    }
    let mut ann = houses.signed_in_user().await;
    assert!(!ann.page.html().contains("/profile/connections"), "{}", ann.page.text());
    ann.open("/profile/connections").await;
    assert_eq!(ann.page.status, 404, "{}", ann.page.text());
}
