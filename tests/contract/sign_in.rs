//! Getting in: with a password, with a link; and who is in.

use vestibule::port::{AccessToken, BrowserId, Caller, Code, Field, OperationError, SessionToken};

use super::fixture::{Fixture, Surface, granted, refused};
use crate::support::PASSWORD;

const ANN: &str = "ann@example.com";

#[actix_web::test]
async fn the_right_password_signs_in_and_the_session_is_a_new_one() {
    for fixture in Fixture::each().await {
        let first = fixture.signed_in_user(ANN).await;
        let second = fixture.sign_in(" ANN@example.com", PASSWORD).await.unwrap();
        assert_eq!(first.user.id, second.user.id);
        assert_ne!(first.session.handle, second.session.handle);
        let signed_in_user = fixture.auth.signed_in_user(fixture.with(&second)).await.unwrap();
        assert_eq!(
            (signed_in_user.user.email.as_deref(), signed_in_user.user.email_verified),
            (Some(ANN), true)
        );
        assert_eq!(
            (signed_in_user.session.handle, signed_in_user.session.current),
            (second.session.handle, true)
        );
    }
}

/// S01
#[actix_web::test]
async fn an_unknown_address_and_a_wrong_password_are_the_same() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user(ANN).await;
        for (email, password) in [(ANN, "a wrong password"), ("eve@example.com", PASSWORD)] {
            let outcome = fixture.sign_in(email, password).await;
            refused(&fixture, outcome, &[(Code::InvalidSignInCredentials, None)]);
        }
        let nothing = fixture.sign_in("", "").await;
        let problems = [
            (Code::MissingEmail, Some(Field::Email)),
            (Code::MissingPassword, Some(Field::Password)),
        ];
        refused(&fixture, nothing, &problems);
    }
}

#[actix_web::test]
async fn guessing_is_slowed_down_and_says_for_how_long() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user(ANN).await;
        let mut wait = None;
        for _ in 0..40 {
            if let Err(OperationError::Rejected(refusal)) =
                fixture.sign_in(ANN, "a wrong password").await
            {
                wait = wait.or(refusal.retry_after());
            }
        }
        assert!(wait.is_some_and(|wait| !wait.is_zero()), "{:?}", fixture.way);
    }
}

#[actix_web::test]
async fn without_a_living_session_nobody_is_signed_in() {
    for fixture in Fixture::each().await {
        refused(
            &fixture,
            fixture.auth.signed_in_user(fixture.somebody()).await,
            &[(Code::MissingSessionToken, None)],
        );
        let dead = Caller {
            session: Some(SessionToken::parse("a-token-of-nobody").unwrap()),
            ..fixture.somebody()
        };
        refused(
            &fixture,
            fixture.auth.signed_in_user(dead.clone()).await,
            &[(Code::InvalidSessionToken, None)],
        );
        refused(
            &fixture,
            fixture.auth.get_all_sessions(dead).await,
            &[(Code::InvalidSessionToken, None)],
        );
    }
}

/// S04
#[actix_web::test]
async fn a_magic_link_signs_in_once_and_is_sent_only_to_those_who_have_an_account() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user(ANN).await;
        for email in [ANN, "eve@example.com"] {
            fixture.auth.send_magic_link_email(fixture.somebody(), email.to_owned()).await.unwrap();
        }
        assert_eq!(fixture.emails("eve@example.com").await, 0);
        let token = fixture.token(ANN, "magic-link").await;
        let grant =
            granted(fixture.auth.get_auth_grant(fixture.somebody(), token.clone()).await.unwrap());
        assert!(fixture.is_alive(&fixture.with(&grant)).await);
        let again = fixture.auth.get_auth_grant(fixture.somebody(), token).await;
        refused(&fixture, again, &[(Code::InvalidAccessToken, None)]);
        let nonsense =
            fixture.auth.send_magic_link_email(fixture.somebody(), "nonsense".to_owned()).await;
        refused(&fixture, nonsense, &[(Code::InvalidEmail, Some(Field::Email))]);
    }
}

#[actix_web::test]
async fn a_token_that_is_none_and_one_for_something_else_sign_nobody_in() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user(ANN).await;
        let none = AccessToken::parse("a-token-of-nobody").unwrap();
        let outcome = fixture.auth.get_auth_grant(fixture.somebody(), none).await;
        refused(&fixture, outcome, &[(Code::InvalidAccessToken, None)]);
        fixture.auth.send_reset_password_email(fixture.somebody(), ANN.to_owned()).await.unwrap();
        let reset = fixture.token(ANN, "reset-pwd").await;
        let outcome = fixture.auth.get_auth_grant(fixture.somebody(), reset).await;
        refused(&fixture, outcome, &[(Code::InvalidTokenType, None)]);
    }
}

/// The wire does not know browsers: before another environment every link wants its press, and
/// nothing is spent.
#[actix_web::test]
async fn a_link_finishes_without_a_press_only_where_it_was_begun() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user(ANN).await;
        let at = |browser| Caller {
            browser: Some(BrowserId::parse(browser).unwrap()),
            ..fixture.somebody()
        };
        fixture.auth.send_magic_link_email(at("here"), ANN.to_owned()).await.unwrap();
        let token = fixture.token(ANN, "magic-link").await;
        assert!(
            fixture.auth.finish_where_begun(at("there"), token.clone()).await.unwrap().is_none()
        );
        let finished = fixture.auth.finish_where_begun(at("here"), token.clone()).await.unwrap();
        assert_eq!(finished.is_some(), fixture.way != Surface::Remote);
        if finished.is_none() {
            granted(fixture.auth.get_auth_grant(at("here"), token).await.unwrap());
        }
    }
}
