//! The second factor, through the port.

use futures_util::future::join_all;
use serde_json::json;

use super::fixture::{Fixture, PASSWORD, refused, somebody, with};
use crate::{
    engine::store::values,
    port::{
        AuthManager, Caller, Challenge, Code, FieldUpdate, Outcome, Password, SecondFactorOf,
        SignInOutcome, Update,
    },
};

const EMAIL: &str = "ann@example.com";
pub(super) const PHONE: &str = "+4915112345678";

/// Somebody whose account asks for a second factor.
pub(super) async fn guarded(fixture: &Fixture) {
    let grant = fixture.signed_in_user(EMAIL).await;
    fixture.engine.set_phone(with(&grant), PHONE.to_owned()).await.unwrap();
    let code = fixture.newest_code();
    fixture.engine.verify_own_phone(with(&grant), PHONE.to_owned(), code).await.unwrap();
    let update =
        FieldUpdate { field: "twoFactorAuth".to_owned(), update: Update::Set(json!(true)) };
    assert!(fixture.engine.update_user(with(&grant), vec![update]).await.unwrap().two_factor);
}

/// Somebody else with a second factor, ready to sign in.
async fn guarded_with(fixture: &Fixture, email: &str, phone: &str) {
    let grant = fixture.signed_in_user(email).await;
    fixture.engine.set_phone(with(&grant), phone.to_owned()).await.unwrap();
    let code = fixture.newest_code();
    fixture.engine.verify_own_phone(with(&grant), phone.to_owned(), code).await.unwrap();
    let update =
        FieldUpdate { field: "twoFactorAuth".to_owned(), update: Update::Set(json!(true)) };
    assert!(fixture.engine.update_user(with(&grant), vec![update]).await.unwrap().two_factor);
}

/// Texts that were queued.
async fn texts(fixture: &Fixture) -> usize {
    fixture
        .engine
        .store()
        .fetch_all("select id from outbox where channel = 'sms'", values![])
        .await
        .unwrap()
        .len()
}

async fn challenged(fixture: &Fixture) -> Challenge {
    let outcome = fixture
        .engine
        .sign_in_with_email(somebody(), EMAIL.to_owned(), Password::entered(PASSWORD))
        .await;
    of(outcome)
}

fn of(outcome: Outcome<SignInOutcome>) -> Challenge {
    match outcome.unwrap() {
        SignInOutcome::SecondFactorRequired(challenge) => challenge,
        SignInOutcome::SignedIn(_) => panic!("let in without the second factor"),
    }
}

/// S16, S18, S45
#[tokio::test]
async fn every_first_factor_leads_to_a_challenge_and_the_newest_code_alone_is_good() {
    for fixture in Fixture::each().await {
        guarded(&fixture).await;
        let first = challenged(&fixture).await;
        let old_code = fixture.newest_code();
        fixture.engine.send_magic_link_email(somebody(), EMAIL.to_owned()).await.unwrap();
        let token = fixture.token("magic-link").await;
        let second = of(fixture.engine.get_auth_grant(somebody(), token.clone()).await);
        refused(fixture.engine.get_auth_grant(somebody(), token).await, Code::InvalidAccessToken);
        let enter = |challenge: &Challenge, code: String| {
            let of = SecondFactorOf::Challenge(challenge.token.clone());
            fixture.engine.sign_in_with_second_factor(somebody(), of, code, false)
        };
        refused(enter(&first, fixture.newest_code()).await, Code::InvalidOneTimeCode);
        if old_code != fixture.newest_code() {
            refused(enter(&second, old_code).await, Code::InvalidOneTimeCode);
        }
        let grant = enter(&second, fixture.newest_code()).await.unwrap();
        fixture.engine.signed_in_user(with(&grant)).await.unwrap();
        refused(enter(&second, fixture.newest_code()).await, Code::ChallengeGone);
    }
}

/// S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_typed_fifty_times_at_once_gives_one_session() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        guarded(&fixture).await;
        let challenge = challenged(&fixture).await;
        let tries = (0..50).map(|_| {
            let of = SecondFactorOf::Challenge(challenge.token.clone());
            fixture.engine.sign_in_with_second_factor(somebody(), of, fixture.newest_code(), false)
        });
        let granted = join_all(tries).await.into_iter().filter_map(Result::ok).count();
        assert_eq!(granted, 1);
    }
}

/// S35: a new password revokes the sign-in that waits.
#[tokio::test]
async fn a_challenge_dies_with_the_password() {
    for fixture in Fixture::each().await {
        guarded(&fixture).await;
        let challenge = challenged(&fixture).await;
        fixture.engine.send_reset_password_email(somebody(), EMAIL.to_owned()).await.unwrap();
        let token = fixture.token("reset-pwd").await;
        fixture
            .engine
            .reset_password_with_token(somebody(), token, Password::entered("a new lamp here"))
            .await
            .unwrap();
        let of = SecondFactorOf::Challenge(challenge.token);
        let entered = fixture
            .engine
            .sign_in_with_second_factor(somebody(), of, fixture.newest_code(), false)
            .await;
        refused(entered, Code::ChallengeGone);
    }
}

/// S65, S106: with the right password of an own account, from many browsers, all day long, with the
/// codes of its sessions as well.
#[tokio::test]
async fn an_account_of_ones_own_cannot_spend_the_texts_of_everybody_by_asking_for_second_factors() {
    for fixture in Fixture::each_with(|settings| settings.messages.sms_daily_budget = 200).await {
        guarded_with(&fixture, EMAIL, PHONE).await;
        guarded_with(&fixture, "ben@example.com", "+4915212345678").await;
        let mut browsers = vec![Vec::new()];
        for _ in 0..4 {
            let challenge = challenged(&fixture).await;
            let of = SecondFactorOf::Challenge(challenge.token);
            let grant = fixture
                .engine
                .sign_in_with_second_factor(somebody(), of, fixture.newest_code(), false)
                .await;
            browsers.push(vec![grant.unwrap().device.expect("a ticket")]);
        }
        for _ in 0..22 {
            for devices in &browsers {
                let eve = Caller { devices: devices.clone(), ..somebody() };
                let password = Password::entered(PASSWORD);
                let begun = fixture
                    .engine
                    .sign_in_with_email(eve.clone(), EMAIL.to_owned(), password)
                    .await;
                let Ok(SignInOutcome::SecondFactorRequired(challenge)) = begun else { continue };
                for _ in 0..30 {
                    drop(
                        fixture
                            .engine
                            .resend_second_factor(eve.clone(), challenge.token.clone())
                            .await,
                    );
                }
            }
            // Until the end of the day, which began at eight.
            fixture.pass(2400);
        }
        assert!(
            texts(&fixture).await <= 100,
            "half of the budget at most: {}",
            texts(&fixture).await
        );
        let spent = "update text_days set queued = 141";
        fixture.engine.store().execute(spent, values![]).await.unwrap();
        let before = texts(&fixture).await;
        for devices in &browsers {
            let eve = Caller { devices: devices.clone(), ..somebody() };
            for _ in 0..20 {
                let password = Password::entered(PASSWORD);
                drop(
                    fixture
                        .engine
                        .sign_in_with_email(eve.clone(), EMAIL.to_owned(), password)
                        .await,
                );
                drop(fixture.engine.send_reset_password_code(eve.clone(), PHONE.to_owned()).await);
            }
        }
        assert!(
            texts(&fixture).await - before <= 9,
            "of the reserve of sixty: {}",
            texts(&fixture).await - before
        );
        let ben = ("ben@example.com".to_owned(), Password::entered(PASSWORD));
        let ben = of(fixture.engine.sign_in_with_email(somebody(), ben.0, ben.1).await);
        assert!(ben.sent.is_some());
        fixture
            .engine
            .send_reset_password_code(somebody(), "+4915212345678".to_owned())
            .await
            .unwrap();
    }
}

/// S65: nobody is let in when no code can be sent, and the owner is told why at once.
#[tokio::test]
async fn a_spent_budget_lets_nobody_in_and_is_told_at_once() {
    for fixture in Fixture::each_with(|settings| settings.messages.sms_daily_budget = 1).await {
        guarded(&fixture).await;
        let sign_in = fixture.engine.sign_in_with_email(
            somebody(),
            EMAIL.to_owned(),
            Password::entered(PASSWORD),
        );
        let outcome = tokio::time::timeout(std::time::Duration::from_secs(20), sign_in).await;
        refused(outcome.expect("an answer in time"), Code::MessagesExhausted);
    }
}

/// S12: somebody who knows the number, and not the password, cannot use up the guesses of a sign-in
/// at the pages.
#[tokio::test]
async fn a_sign_in_at_the_pages_answers_to_its_token_and_not_to_the_number() {
    for fixture in Fixture::each().await {
        guarded(&fixture).await;
        let challenge = challenged(&fixture).await;
        let code = fixture.newest_code();
        for _ in 0..20 {
            let of = SecondFactorOf::Phone(PHONE.to_owned());
            assert!(
                fixture
                    .engine
                    .sign_in_with_second_factor(somebody(), of, "000000".to_owned(), false)
                    .await
                    .is_err()
            );
        }
        let of = SecondFactorOf::Challenge(challenge.token);
        fixture.engine.sign_in_with_second_factor(somebody(), of, code, false).await.unwrap();
    }
}
