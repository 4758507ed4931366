//! The sessions of an account, and their end.

use vestibule::port::{Code, Grant};

use super::fixture::{Fixture, refused};
use crate::support::PASSWORD;

const ANN: &str = "ann@example.com";

async fn two_sessions(fixture: &Fixture) -> (Grant, Grant) {
    (fixture.signed_in_user(ANN).await, fixture.sign_in(ANN, PASSWORD).await.unwrap())
}

/// S33: a token of another session is nowhere to be had.
#[actix_web::test]
async fn the_list_marks_the_current_one_and_gives_no_other_token() {
    for fixture in Fixture::each().await {
        let (first, second) = two_sessions(&fixture).await;
        let sessions = fixture.auth.get_all_sessions(fixture.with(&second)).await.unwrap();
        assert_eq!(sessions.len(), 2);
        for session in &sessions {
            assert_eq!(session.user_id, first.user.id);
            assert_eq!(session.current, session.handle == second.session.handle);
            assert_eq!(session.token.is_some(), session.current);
            assert_eq!(session.agent.browser.family, "Firefox");
            assert_eq!(session.agent.system.family, "Linux");
        }
        assert!(sessions[0].started_at >= sessions[1].started_at, "newest first");
    }
}

/// S34
#[actix_web::test]
async fn one_session_is_ended_by_its_handle_and_ones_own_without() {
    for fixture in Fixture::each().await {
        let (first, second) = two_sessions(&fixture).await;
        let caller = fixture.with(&second);
        let sessions = fixture.auth.get_all_sessions(caller.clone()).await.unwrap();
        let other = sessions.into_iter().find(|session| !session.current).expect("another session");
        fixture.auth.sign_out(caller.clone(), Some(other.handle.clone())).await.unwrap();
        assert!(!fixture.is_alive(&fixture.with(&first)).await);
        assert!(fixture.is_alive(&caller).await);
        fixture
            .auth
            .sign_out(caller.clone(), Some(other.handle))
            .await
            .expect("what has ended already has ended");

        fixture.auth.sign_out(caller.clone(), None).await.unwrap();
        assert!(!fixture.is_alive(&caller).await);
        refused(
            &fixture,
            fixture.auth.sign_out(caller, None).await,
            &[(Code::InvalidSessionToken, None)],
        );
    }
}

#[actix_web::test]
async fn a_session_is_ended_by_its_real_token_too() {
    for fixture in Fixture::each().await {
        let (first, second) = two_sessions(&fixture).await;
        let token = first.session.token.as_ref().expect("a token").expose().to_owned();
        fixture.auth.sign_out(fixture.with(&second), Some(token)).await.unwrap();
        assert!(!fixture.is_alive(&fixture.with(&first)).await);
    }
}

/// S61
#[actix_web::test]
async fn a_session_of_somebody_else_is_like_one_that_never_was() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user(ANN).await;
        let bob = fixture.signed_in_user("bob@example.com").await;
        let sessions = fixture.auth.get_all_sessions(fixture.with(&ann)).await.unwrap();
        for handle in [sessions[0].handle.clone(), "nothing".to_owned()] {
            let outcome = fixture.auth.sign_out(fixture.with(&bob), Some(handle)).await;
            refused(&fixture, outcome, &[(Code::SessionNotFound, None)]);
        }
        assert!(fixture.is_alive(&fixture.with(&ann)).await);
    }
}

#[actix_web::test]
async fn all_sessions_end_or_all_but_this_one() {
    for fixture in Fixture::each().await {
        let (first, second) = two_sessions(&fixture).await;
        fixture.auth.sign_out_all_except_current(fixture.with(&second)).await.unwrap();
        assert!(!fixture.is_alive(&fixture.with(&first)).await);
        assert!(fixture.is_alive(&fixture.with(&second)).await);
        let third = fixture.sign_in(ANN, PASSWORD).await.unwrap();
        fixture.auth.sign_out_all(fixture.with(&second)).await.unwrap();
        for ended in [&second, &third] {
            assert!(!fixture.is_alive(&fixture.with(ended)).await);
        }
        let nobody = fixture.auth.sign_out_all(fixture.somebody()).await;
        refused(&fixture, nobody, &[(Code::MissingSessionToken, None)]);
    }
}
