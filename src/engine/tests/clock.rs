//! A clock that is set forward and back (SECURITY.md R15), on every database.

use std::time::Duration;

use super::{
    bench::{Bench, PASSWORD, refused, somebody, with},
    factors::{challenged, code_of, finish, guarded},
};
use crate::port::{AuthManager, Code, Password};

const DAY: i64 = 24 * 3600;

#[tokio::test]
async fn small_steps_of_the_clock_sign_nobody_out() {
    for bench in Bench::each().await {
        let member = bench.member("ann@example.com").await;
        for step in [3600, -7200, 3600, -DAY, DAY] {
            bench.pass(step);
            bench.engine.sweep().await;
            assert!(bench.engine.member(with(&member)).await.is_ok(), "after a step of {step} s");
        }
    }
}

#[tokio::test]
async fn a_session_that_began_while_the_clock_ran_ahead_lives_no_longer_than_others() {
    for bench in Bench::each().await {
        bench.member("ann@example.com").await;
        bench.pass(400 * DAY);
        let ahead = bench.sign_in("ann@example.com", PASSWORD).await.unwrap();
        bench.pass(-400 * DAY);
        bench.engine.sweep().await;
        for _ in 0..3 {
            assert!(bench.engine.member(with(&ahead)).await.is_ok(), "nobody is signed out by it");
            noted(&bench).await;
            bench.pass(10 * DAY - 60);
        }
        assert!(bench.engine.member(with(&ahead)).await.is_ok());
        bench.pass(DAY);
        refused(bench.engine.member(with(&ahead)).await, Code::InvalidSessionToken);
    }
}

/// Waits until it is written down that a session was seen, which nobody else waits for.
async fn noted(bench: &Bench) {
    loop {
        let sql = "select max(last_seen_at) as seen from sessions";
        let row = bench.engine.store().fetch_optional(sql, vec![]).await.unwrap().unwrap();
        if row.integer("seen").unwrap() + 60_000 >= bench.now().as_millisecond() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_link_that_was_mailed_while_the_clock_ran_ahead_is_dead_once_it_is_right() {
    for bench in Bench::each().await {
        bench.member("ann@example.com").await;
        bench.pass(400 * DAY);
        bench.engine.send_magic_link_email(somebody(), "ann@example.com".to_owned()).await.unwrap();
        let token = bench.token("magic-link").await;
        bench.pass(-400 * DAY);
        bench.engine.sweep().await;
        refused(bench.engine.get_auth_grant(somebody(), token).await, Code::InvalidAccessToken);
    }
}

/// S15: and a code still counts once.
#[tokio::test]
async fn a_code_of_an_app_is_of_the_time_that_is_also_after_the_clock_was_set_back() {
    for bench in Bench::each_with(|settings| settings.limits_factor = 100.0).await {
        let (_, key, _) = guarded(&bench).await;
        for step in [400 * DAY, -400 * DAY, 3600, -3600] {
            bench.pass(step);
            let code = code_of(&bench, &key);
            let challenge = challenged(&bench).await;
            assert!(finish(&bench, &challenge, &code).await.is_ok(), "after a step of {step} s");
            let again = challenged(&bench).await;
            refused(finish(&bench, &again, &code).await, Code::InvalidOneTimeCode);
        }
    }
}

#[tokio::test]
async fn wrong_guesses_of_a_wrong_time_lock_nobody_out_for_longer_than_an_hour() {
    for bench in Bench::each().await {
        bench.member("ann@example.com").await;
        bench.pass(400 * DAY);
        for _ in 0..20 {
            let guess = Password::typed("wrong");
            assert!(bench.engine.sign_in_with_email(somebody(), "ann@example.com".to_owned(), guess).await.is_err());
        }
        bench.pass(-400 * DAY);
        let guess = Password::typed(PASSWORD);
        assert!(bench.engine.sign_in_with_email(somebody(), "ann@example.com".to_owned(), guess).await.is_err());
        bench.pass(3600);
        assert!(bench.sign_in("ann@example.com", PASSWORD).await.is_ok());
    }
}
