//! Getting in: with a password, with a link; and who is in.

use vestibule::port::{AccessToken, BrowserTicket, Caller, Code, Field, SessionToken, Trouble};

use super::bench::{Bench, Way, granted, refused};
use crate::support::PASSWORD;

const ANN: &str = "ann@example.com";

#[actix_web::test]
async fn the_right_password_signs_in_and_the_session_is_a_new_one() {
    for bench in Bench::each().await {
        let first = bench.member(ANN).await;
        let second = bench.sign_in(" ANN@example.com", PASSWORD).await.unwrap();
        assert_eq!(first.user.id, second.user.id);
        assert_ne!(first.session.handle, second.session.handle);
        let member = bench.auth.member(bench.with(&second)).await.unwrap();
        assert_eq!((member.user.email.as_deref(), member.user.email_verified), (Some(ANN), true));
        assert_eq!((member.session.handle, member.session.current), (second.session.handle, true));
    }
}

/// S01
#[actix_web::test]
async fn an_unknown_address_and_a_wrong_password_are_the_same() {
    for bench in Bench::each().await {
        bench.member(ANN).await;
        for (email, password) in [(ANN, "a wrong password"), ("eve@example.com", PASSWORD)] {
            let outcome = bench.sign_in(email, password).await;
            refused(&bench, outcome, &[(Code::InvalidSignInCredentials, None)]);
        }
        let nothing = bench.sign_in("", "").await;
        let problems = [(Code::MissingEmail, Some(Field::Email)), (Code::MissingPassword, Some(Field::Password))];
        refused(&bench, nothing, &problems);
    }
}

#[actix_web::test]
async fn guessing_is_slowed_down_and_says_for_how_long() {
    for bench in Bench::each().await {
        bench.member(ANN).await;
        let mut wait = None;
        for _ in 0..40 {
            if let Err(Trouble::Refused(refusal)) = bench.sign_in(ANN, "a wrong password").await {
                wait = wait.or(refusal.retry_after());
            }
        }
        assert!(wait.is_some_and(|wait| !wait.is_zero()), "{:?}", bench.way);
    }
}

#[actix_web::test]
async fn without_a_living_session_nobody_is_a_member() {
    for bench in Bench::each().await {
        refused(&bench, bench.auth.member(bench.somebody()).await, &[(Code::MissingSessionToken, None)]);
        let dead = Caller { session: Some(SessionToken::parse("a-token-of-nobody").unwrap()), ..bench.somebody() };
        refused(&bench, bench.auth.member(dead.clone()).await, &[(Code::InvalidSessionToken, None)]);
        refused(&bench, bench.auth.get_all_sessions(dead).await, &[(Code::InvalidSessionToken, None)]);
    }
}

/// S04
#[actix_web::test]
async fn a_magic_link_signs_in_once_and_is_sent_only_to_those_who_have_an_account() {
    for bench in Bench::each().await {
        bench.member(ANN).await;
        for email in [ANN, "eve@example.com"] {
            bench.auth.send_magic_link_email(bench.somebody(), email.to_owned()).await.unwrap();
        }
        assert_eq!(bench.mails("eve@example.com").await, 0);
        let token = bench.token(ANN, "magic-link").await;
        let grant = granted(bench.auth.get_auth_grant(bench.somebody(), token.clone()).await.unwrap());
        assert!(bench.is_alive(&bench.with(&grant)).await);
        let again = bench.auth.get_auth_grant(bench.somebody(), token).await;
        refused(&bench, again, &[(Code::InvalidAccessToken, None)]);
        let nonsense = bench.auth.send_magic_link_email(bench.somebody(), "nonsense".to_owned()).await;
        refused(&bench, nonsense, &[(Code::InvalidEmail, Some(Field::Email))]);
    }
}

#[actix_web::test]
async fn a_token_that_is_none_and_one_for_something_else_sign_nobody_in() {
    for bench in Bench::each().await {
        bench.member(ANN).await;
        let none = AccessToken::parse("a-token-of-nobody").unwrap();
        let outcome = bench.auth.get_auth_grant(bench.somebody(), none).await;
        refused(&bench, outcome, &[(Code::InvalidAccessToken, None)]);
        bench.auth.send_reset_password_email(bench.somebody(), ANN.to_owned()).await.unwrap();
        let reset = bench.token(ANN, "reset-pwd").await;
        let outcome = bench.auth.get_auth_grant(bench.somebody(), reset).await;
        refused(&bench, outcome, &[(Code::InvalidTokenType, None)]);
    }
}

/// The wire does not know browsers: before another environment every link wants its press, and nothing is spent.
#[actix_web::test]
async fn a_link_finishes_without_a_press_only_where_it_was_begun() {
    for bench in Bench::each().await {
        bench.member(ANN).await;
        let at = |browser| Caller { browser: Some(BrowserTicket::parse(browser).unwrap()), ..bench.somebody() };
        bench.auth.send_magic_link_email(at("here"), ANN.to_owned()).await.unwrap();
        let token = bench.token(ANN, "magic-link").await;
        assert!(bench.auth.finish_where_begun(at("there"), token.clone()).await.unwrap().is_none());
        let finished = bench.auth.finish_where_begun(at("here"), token.clone()).await.unwrap();
        assert_eq!(finished.is_some(), bench.way != Way::Remote);
        if finished.is_none() {
            granted(bench.auth.get_auth_grant(at("here"), token).await.unwrap());
        }
    }
}
