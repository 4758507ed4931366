//! A clock that is set forward and back (R15), on every database.

use std::time::Duration;

use super::{
    fixture::{Fixture, PASSWORD, refused, somebody, with},
    two_factor::{challenged, code_of, finish, guarded},
};
use crate::port::{AuthManager, Code, Password};

const DAY: i64 = 24 * 3600;

#[tokio::test]
async fn small_steps_of_the_clock_sign_nobody_out() {
    for fixture in Fixture::each().await {
        let signed_in_user = fixture.signed_in_user("ann@example.com").await;
        for step in [3600, -7200, 3600, -DAY, DAY] {
            fixture.pass(step);
            fixture.engine.sweep().await;
            assert!(
                fixture.engine.signed_in_user(with(&signed_in_user)).await.is_ok(),
                "after a step of {step} s"
            );
        }
    }
}

#[tokio::test]
async fn a_session_that_began_while_the_clock_ran_ahead_lives_no_longer_than_others() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user("ann@example.com").await;
        fixture.pass(400 * DAY);
        let ahead = fixture.sign_in("ann@example.com", PASSWORD).await.unwrap();
        fixture.pass(-400 * DAY);
        fixture.engine.sweep().await;
        for _ in 0..3 {
            assert!(
                fixture.engine.signed_in_user(with(&ahead)).await.is_ok(),
                "nobody is signed out by it"
            );
            noted(&fixture).await;
            fixture.pass(10 * DAY - 60);
        }
        assert!(fixture.engine.signed_in_user(with(&ahead)).await.is_ok());
        fixture.pass(DAY);
        refused(fixture.engine.signed_in_user(with(&ahead)).await, Code::InvalidSessionToken);
    }
}

/// Waits until it is written down that a session was seen, which nobody else waits for.
async fn noted(fixture: &Fixture) {
    loop {
        let sql = "select max(last_seen_at) as seen from sessions";
        let row = fixture.engine.store().fetch_optional(sql, vec![]).await.unwrap().unwrap();
        if row.integer("seen").unwrap() + 60_000 >= fixture.now().as_millisecond() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_link_that_was_emailed_while_the_clock_ran_ahead_is_dead_once_it_is_right() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user("ann@example.com").await;
        fixture.pass(400 * DAY);
        fixture
            .engine
            .send_magic_link_email(somebody(), "ann@example.com".to_owned())
            .await
            .unwrap();
        let token = fixture.token("magic-link").await;
        fixture.pass(-400 * DAY);
        fixture.engine.sweep().await;
        refused(fixture.engine.get_auth_grant(somebody(), token).await, Code::InvalidAccessToken);
    }
}

/// S15: and a code still counts once.
#[tokio::test]
async fn a_code_of_an_app_is_of_the_time_that_is_also_after_the_clock_was_set_back() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let (_, key, _) = guarded(&fixture).await;
        for step in [400 * DAY, -400 * DAY, 3600, -3600] {
            fixture.pass(step);
            let code = code_of(&fixture, &key);
            let challenge = challenged(&fixture).await;
            assert!(finish(&fixture, &challenge, &code).await.is_ok(), "after a step of {step} s");
            let again = challenged(&fixture).await;
            refused(finish(&fixture, &again, &code).await, Code::InvalidOneTimeCode);
        }
    }
}

#[tokio::test]
async fn wrong_guesses_of_a_wrong_time_lock_nobody_out_for_longer_than_an_hour() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user("ann@example.com").await;
        fixture.pass(400 * DAY);
        for _ in 0..20 {
            let guess = Password::entered("wrong");
            assert!(
                fixture
                    .engine
                    .sign_in_with_email(somebody(), "ann@example.com".to_owned(), guess)
                    .await
                    .is_err()
            );
        }
        fixture.pass(-400 * DAY);
        let guess = Password::entered(PASSWORD);
        assert!(
            fixture
                .engine
                .sign_in_with_email(somebody(), "ann@example.com".to_owned(), guess)
                .await
                .is_err()
        );
        fixture.pass(3600);
        assert!(fixture.sign_in("ann@example.com", PASSWORD).await.is_ok());
    }
}
