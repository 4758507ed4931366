//! A damaged row at the pages: its owner signs in once more, and no page fails.

use vestibule::engine::store::Store;

use crate::support::{Browser, PASSWORD, TestServer};

const EMAIL: &str = "ann@example.com";

const DAMAGE: [&str; 10] = [
    "update users set fields = '{'",
    "update users set name = cast(x'fffe80' as text), profile_picture = x'ff'",
    "update users set email = 'no address'",
    "update users set password_hash = 'garbage'",
    "update users set signed_up_at = 'yesterday', last_login_at = 9223372036854775807",
    "update users set two_factor = 'on'",
    "update sessions set started_at = 9223372036854775807",
    "update sessions set user_agent = x'ff', factor_shown = 'yes'",
    "update devices set id = x'ff', user_agent = x'ff', last_seen_at = 'now'",
    "update held_emails set held_since = 'yesterday'",
];

async fn sign_in(browser: &mut Browser) {
    browser.open("/sign-in").await;
    if browser.page.path == "/sign-in" {
        browser.fill("E-mail", EMAIL).fill("Password", PASSWORD);
        browser.press("Sign in").await;
    }
}

/// S112, R24
#[actix_web::test]
async fn no_page_fails_for_a_damaged_row_and_its_owner_signs_out() {
    for sql in DAMAGE {
        let server = TestServer::open_with(&[("VESTIBULE_LIMITS__FACTOR", "100")]).await;
        let mut ann = server.signed_in_user("Ann", EMAIL).await;
        let store = Store::open(&format!("sqlite:{}/vestibule.db", server.folder().display()))
            .await
            .expect("a store");
        store.execute(sql, vec![]).await.expect("damage");
        let mut elsewhere = server.browser();
        sign_in(&mut elsewhere).await;
        assert_ne!(elsewhere.page.status, 500, "{sql}");
        // What this process remembers of Ann is no more since the sign-in; make it so where that
        // was refused.
        for path in [
            "/profile",
            "/profile/sessions",
            "/profile/two-factor",
            "/profile/connections",
            "/sign-in",
            "/",
        ] {
            ann.open(path).await;
            assert!(ann.page.status < 500, "{sql}: {path} {}", ann.page.status);
        }
        ann.open("/profile").await;
        if ann.page.path == "/profile" {
            ann.press("Sign out").await;
            assert!(ann.page.status < 400, "{sql}: {}", ann.page.text());
        }
        sign_in(&mut ann).await;
        assert!(ann.page.status < 500, "{sql}: {}", ann.page.text());
        let mut ben = server.signed_in_user("Ben", "ben@example.com").await;
        ben.open("/profile").await;
        assert_eq!((ben.page.status, &*ben.page.path), (200, "/profile"), "{sql}: others go on");
    }
}
