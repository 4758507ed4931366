//! A new password, for those who forgot theirs and for those who know it.

use vestibule::port::{AccessToken, Caller, Code, Field, Password};

use super::fixture::{Fixture, Surface, refused};
use crate::support::PASSWORD;

const ANN: &str = "ann@example.com";
const NEW: &str = "a calm green gate";

/// S35, S46
#[actix_web::test]
async fn a_reset_ends_every_session_and_signs_nobody_in() {
    for fixture in Fixture::each().await {
        let grant = fixture.signed_in_user(ANN).await;
        for email in [ANN, "eve@example.com"] {
            fixture
                .auth
                .send_reset_password_email(fixture.somebody(), email.to_owned())
                .await
                .unwrap();
        }
        assert_eq!(fixture.emails("eve@example.com").await, 0);
        let token = fixture.token(ANN, "reset-pwd").await;
        let reset = |password| {
            fixture.auth.reset_password_with_token(
                fixture.somebody(),
                token.clone(),
                Password::entered(password),
            )
        };
        let problem = (Code::PasswordTooShort { min: 8 }, Some(Field::Password));
        refused(&fixture, reset("short").await, &[problem]);
        reset(NEW).await.unwrap();
        refused(&fixture, reset("another calm gate").await, &[(Code::InvalidAccessToken, None)]);
        assert!(!fixture.is_alive(&fixture.with(&grant)).await);
        refused(
            &fixture,
            fixture.sign_in(ANN, PASSWORD).await,
            &[(Code::InvalidSignInCredentials, None)],
        );
        fixture.sign_in(ANN, NEW).await.unwrap();
    }
}

#[actix_web::test]
async fn a_token_that_resets_nothing_is_refused() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user(ANN).await;
        fixture.auth.send_magic_link_email(fixture.somebody(), ANN.to_owned()).await.unwrap();
        let magic = fixture.token(ANN, "magic-link").await;
        for (token, code) in [
            (AccessToken::parse("a-token-of-nobody").unwrap(), Code::InvalidAccessToken),
            (magic, Code::InvalidTokenType),
        ] {
            let outcome = fixture
                .auth
                .reset_password_with_token(fixture.somebody(), token, Password::entered(NEW))
                .await;
            refused(&fixture, outcome, &[(code, None)]);
        }
    }
}

/// S35: every other session ends. S32: at the pages of an engine this one gets a new token;
/// elsewhere it keeps its own.
#[actix_web::test]
async fn a_changed_password_ends_the_other_sessions() {
    for fixture in Fixture::each().await {
        let other = fixture.signed_in_user(ANN).await;
        let grant = fixture.sign_in(ANN, PASSWORD).await.unwrap();
        let before = fixture.with(&grant);
        let session = fixture
            .auth
            .change_password(before.clone(), Password::entered(PASSWORD), Password::entered(NEW))
            .await
            .unwrap();
        assert_eq!(session.user_id, grant.user.id);
        assert!(!fixture.is_alive(&fixture.with(&other)).await);
        assert!(fixture.is_alive(&Caller { session: session.token, ..fixture.somebody() }).await);
        assert_eq!(fixture.is_alive(&before).await, fixture.way != Surface::Pages);
        fixture.sign_in(ANN, NEW).await.unwrap();
    }
}

#[actix_web::test]
async fn a_change_wants_the_current_password_and_a_good_new_one() {
    for fixture in Fixture::each().await {
        let grant = fixture.signed_in_user(ANN).await;
        let current = Some(Field::CurrentPassword);
        for (old, new, problem) in [
            ("", NEW, (Code::MissingPassword, current)),
            ("a wrong password", NEW, (Code::InvalidCredentials, current)),
            (PASSWORD, "short", (Code::PasswordTooShort { min: 8 }, Some(Field::Password))),
            (PASSWORD, PASSWORD, (Code::PasswordUnchanged, Some(Field::Password))),
            (PASSWORD, ANN, (Code::PasswordTooPersonal, Some(Field::Password))),
        ] {
            let (old, new) = (Password::entered(old), Password::entered(new));
            refused(
                &fixture,
                fixture.auth.change_password(fixture.with(&grant), old, new).await,
                &[problem],
            );
        }
        let nobody = fixture
            .auth
            .change_password(
                fixture.somebody(),
                Password::entered(PASSWORD),
                Password::entered(NEW),
            )
            .await;
        refused(&fixture, nobody, &[(Code::MissingSessionToken, None)]);
    }
}
