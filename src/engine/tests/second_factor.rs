//! The second factor, through the port.

use futures_util::future::join_all;
use serde_json::json;

use super::bench::{Bench, PASSWORD, refused, somebody, with};
use crate::port::{AuthManager, Challenge, Code, Entrance, FieldUpdate, Outcome, Password, SecondFactorOf, Update};

const EMAIL: &str = "ann@example.com";
pub(super) const PHONE: &str = "+4915112345678";

/// Somebody whose account asks for a second factor.
pub(super) async fn guarded(bench: &Bench) {
    let grant = bench.member(EMAIL).await;
    bench.engine.set_phone(with(&grant), PHONE.to_owned()).await.unwrap();
    let code = bench.newest_code();
    bench.engine.verify_own_phone(with(&grant), PHONE.to_owned(), code).await.unwrap();
    let update = FieldUpdate { field: "twoFactorAuth".to_owned(), update: Update::Set(json!(true)) };
    assert!(bench.engine.update_user(with(&grant), vec![update]).await.unwrap().two_factor);
}

async fn challenged(bench: &Bench) -> Challenge {
    let outcome = bench.engine.sign_in_with_email(somebody(), EMAIL.to_owned(), Password::typed(PASSWORD)).await;
    of(outcome)
}

fn of(outcome: Outcome<Entrance>) -> Challenge {
    match outcome.unwrap() {
        Entrance::Challenged(challenge) => challenge,
        Entrance::Granted(_) => panic!("let in without the second factor"),
    }
}

/// S16, S18, S45
#[tokio::test]
async fn every_first_factor_leads_to_a_challenge_and_the_newest_code_alone_is_good() {
    for bench in Bench::each().await {
        guarded(&bench).await;
        let first = challenged(&bench).await;
        let old_code = bench.newest_code();
        bench.engine.send_magic_link_email(somebody(), EMAIL.to_owned()).await.unwrap();
        let token = bench.token("magic-link").await;
        let second = of(bench.engine.get_auth_grant(somebody(), token.clone()).await);
        refused(bench.engine.get_auth_grant(somebody(), token).await, Code::InvalidAccessToken);
        let enter = |challenge: &Challenge, code: String| {
            let of = SecondFactorOf::Challenge(challenge.token.clone());
            bench.engine.sign_in_with_second_factor(somebody(), of, code, false)
        };
        refused(enter(&first, bench.newest_code()).await, Code::InvalidOneTimeCode);
        if old_code != bench.newest_code() {
            refused(enter(&second, old_code).await, Code::InvalidOneTimeCode);
        }
        let grant = enter(&second, bench.newest_code()).await.unwrap();
        bench.engine.member(with(&grant)).await.unwrap();
        refused(enter(&second, bench.newest_code()).await, Code::ChallengeGone);
    }
}

/// S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_typed_fifty_times_at_once_gives_one_session() {
    for bench in Bench::each_with(|settings| settings.limits_factor = 100.0).await {
        guarded(&bench).await;
        let challenge = challenged(&bench).await;
        let tries = (0..50).map(|_| {
            let of = SecondFactorOf::Challenge(challenge.token.clone());
            bench.engine.sign_in_with_second_factor(somebody(), of, bench.newest_code(), false)
        });
        let granted = join_all(tries).await.into_iter().filter_map(Result::ok).count();
        assert_eq!(granted, 1);
    }
}

/// S35: a new password kills the sign-in that waits.
#[tokio::test]
async fn a_challenge_dies_with_the_password() {
    for bench in Bench::each().await {
        guarded(&bench).await;
        let challenge = challenged(&bench).await;
        bench.engine.send_reset_password_email(somebody(), EMAIL.to_owned()).await.unwrap();
        let token = bench.token("reset-pwd").await;
        bench.engine.reset_password_with_token(somebody(), token, Password::typed("a new lamp here")).await.unwrap();
        let of = SecondFactorOf::Challenge(challenge.token);
        let entered = bench.engine.sign_in_with_second_factor(somebody(), of, bench.newest_code(), false).await;
        refused(entered, Code::ChallengeGone);
    }
}

/// S65: nobody is let in when no code can be sent, and the owner is told why at once.
#[tokio::test]
async fn a_spent_budget_lets_nobody_in_and_is_told_at_once() {
    for bench in Bench::each_with(|settings| settings.messages.sms_daily_budget = 1).await {
        guarded(&bench).await;
        let sign_in = bench.engine.sign_in_with_email(somebody(), EMAIL.to_owned(), Password::typed(PASSWORD));
        let outcome = tokio::time::timeout(std::time::Duration::from_secs(20), sign_in).await;
        refused(outcome.expect("an answer in time"), Code::MessagesExhausted);
    }
}

/// S12: somebody who knows the number, and not the password, cannot use up the guesses of a sign-in at the pages.
#[tokio::test]
async fn a_sign_in_at_the_pages_answers_to_its_token_and_not_to_the_number() {
    for bench in Bench::each().await {
        guarded(&bench).await;
        let challenge = challenged(&bench).await;
        let code = bench.newest_code();
        for _ in 0..20 {
            let of = SecondFactorOf::Phone(PHONE.to_owned());
            assert!(bench.engine.sign_in_with_second_factor(somebody(), of, "000000".to_owned(), false).await.is_err());
        }
        let of = SecondFactorOf::Challenge(challenge.token);
        bench.engine.sign_in_with_second_factor(somebody(), of, code, false).await.unwrap();
    }
}
