//! A new password, for those who forgot theirs and for those who know it.

use vestibule::port::{AccessToken, Caller, Code, Field, Password};

use super::bench::{Bench, Way, refused};
use crate::support::PASSWORD;

const ANN: &str = "ann@example.com";
const NEW: &str = "a calm green gate";

/// S35, S46
#[actix_web::test]
async fn a_reset_ends_every_session_and_signs_nobody_in() {
    for bench in Bench::each().await {
        let grant = bench.member(ANN).await;
        for email in [ANN, "eve@example.com"] {
            bench.auth.send_reset_password_email(bench.somebody(), email.to_owned()).await.unwrap();
        }
        assert_eq!(bench.mails("eve@example.com").await, 0);
        let token = bench.token(ANN, "reset-pwd").await;
        let reset =
            |password| bench.auth.reset_password_with_token(bench.somebody(), token.clone(), Password::typed(password));
        let problem = (Code::PasswordTooShort { min: 8 }, Some(Field::Password));
        refused(&bench, reset("short").await, &[problem]);
        reset(NEW).await.unwrap();
        refused(&bench, reset("another calm gate").await, &[(Code::InvalidAccessToken, None)]);
        assert!(!bench.is_alive(&bench.with(&grant)).await);
        refused(&bench, bench.sign_in(ANN, PASSWORD).await, &[(Code::InvalidSignInCredentials, None)]);
        bench.sign_in(ANN, NEW).await.unwrap();
    }
}

#[actix_web::test]
async fn a_token_that_resets_nothing_is_refused() {
    for bench in Bench::each().await {
        bench.member(ANN).await;
        bench.auth.send_magic_link_email(bench.somebody(), ANN.to_owned()).await.unwrap();
        let magic = bench.token(ANN, "magic-link").await;
        for (token, code) in [
            (AccessToken::parse("a-token-of-nobody").unwrap(), Code::InvalidAccessToken),
            (magic, Code::InvalidTokenType),
        ] {
            let outcome = bench.auth.reset_password_with_token(bench.somebody(), token, Password::typed(NEW)).await;
            refused(&bench, outcome, &[(code, None)]);
        }
    }
}

/// S35: every other session ends. S32: at the pages of an engine this one gets a new token; elsewhere it keeps its own.
#[actix_web::test]
async fn a_changed_password_ends_the_other_sessions() {
    for bench in Bench::each().await {
        let other = bench.member(ANN).await;
        let grant = bench.sign_in(ANN, PASSWORD).await.unwrap();
        let before = bench.with(&grant);
        let session =
            bench.auth.change_password(before.clone(), Password::typed(PASSWORD), Password::typed(NEW)).await.unwrap();
        assert_eq!(session.user_id, grant.user.id);
        assert!(!bench.is_alive(&bench.with(&other)).await);
        assert!(bench.is_alive(&Caller { session: session.token, ..bench.somebody() }).await);
        assert_eq!(bench.is_alive(&before).await, bench.way != Way::Pages);
        bench.sign_in(ANN, NEW).await.unwrap();
    }
}

#[actix_web::test]
async fn a_change_wants_the_current_password_and_a_good_new_one() {
    for bench in Bench::each().await {
        let grant = bench.member(ANN).await;
        let current = Some(Field::CurrentPassword);
        for (old, new, problem) in [
            ("", NEW, (Code::MissingPassword, current)),
            ("a wrong password", NEW, (Code::InvalidCredentials, current)),
            (PASSWORD, "short", (Code::PasswordTooShort { min: 8 }, Some(Field::Password))),
            (PASSWORD, PASSWORD, (Code::PasswordUnchanged, Some(Field::Password))),
            (PASSWORD, ANN, (Code::PasswordTooPersonal, Some(Field::Password))),
        ] {
            let (old, new) = (Password::typed(old), Password::typed(new));
            refused(&bench, bench.auth.change_password(bench.with(&grant), old, new).await, &[problem]);
        }
        let nobody =
            bench.auth.change_password(bench.somebody(), Password::typed(PASSWORD), Password::typed(NEW)).await;
        refused(&bench, nobody, &[(Code::MissingSessionToken, None)]);
    }
}
