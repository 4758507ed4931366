//! The sessions of an account, and their end.

use vestibule::port::{Code, Grant};

use super::bench::{Bench, refused};
use crate::support::PASSWORD;

const ANN: &str = "ann@example.com";

async fn two_sessions(bench: &Bench) -> (Grant, Grant) {
    (bench.member(ANN).await, bench.sign_in(ANN, PASSWORD).await.unwrap())
}

/// S33: a token of another session is nowhere to be had.
#[actix_web::test]
async fn the_list_marks_the_current_one_and_gives_no_other_token() {
    for bench in Bench::each().await {
        let (first, second) = two_sessions(&bench).await;
        let sessions = bench.auth.get_all_sessions(bench.with(&second)).await.unwrap();
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
    for bench in Bench::each().await {
        let (first, second) = two_sessions(&bench).await;
        let caller = bench.with(&second);
        let sessions = bench.auth.get_all_sessions(caller.clone()).await.unwrap();
        let other = sessions.into_iter().find(|session| !session.current).expect("another session");
        bench.auth.sign_out(caller.clone(), Some(other.handle.clone())).await.unwrap();
        assert!(!bench.is_alive(&bench.with(&first)).await);
        assert!(bench.is_alive(&caller).await);
        bench.auth.sign_out(caller.clone(), Some(other.handle)).await.expect("what has ended already has ended");

        bench.auth.sign_out(caller.clone(), None).await.unwrap();
        assert!(!bench.is_alive(&caller).await);
        refused(&bench, bench.auth.sign_out(caller, None).await, &[(Code::InvalidSessionToken, None)]);
    }
}

#[actix_web::test]
async fn a_session_is_ended_by_its_real_token_too() {
    for bench in Bench::each().await {
        let (first, second) = two_sessions(&bench).await;
        let token = first.session.token.as_ref().expect("a token").expose().to_owned();
        bench.auth.sign_out(bench.with(&second), Some(token)).await.unwrap();
        assert!(!bench.is_alive(&bench.with(&first)).await);
    }
}

/// S61
#[actix_web::test]
async fn a_session_of_somebody_else_is_like_one_that_never_was() {
    for bench in Bench::each().await {
        let ann = bench.member(ANN).await;
        let bob = bench.member("bob@example.com").await;
        let sessions = bench.auth.get_all_sessions(bench.with(&ann)).await.unwrap();
        for handle in [sessions[0].handle.clone(), "nothing".to_owned()] {
            let outcome = bench.auth.sign_out(bench.with(&bob), Some(handle)).await;
            refused(&bench, outcome, &[(Code::SessionNotFound, None)]);
        }
        assert!(bench.is_alive(&bench.with(&ann)).await);
    }
}

#[actix_web::test]
async fn all_sessions_end_or_all_but_this_one() {
    for bench in Bench::each().await {
        let (first, second) = two_sessions(&bench).await;
        bench.auth.sign_out_all_except_current(bench.with(&second)).await.unwrap();
        assert!(!bench.is_alive(&bench.with(&first)).await);
        assert!(bench.is_alive(&bench.with(&second)).await);
        let third = bench.sign_in(ANN, PASSWORD).await.unwrap();
        bench.auth.sign_out_all(bench.with(&second)).await.unwrap();
        for ended in [&second, &third] {
            assert!(!bench.is_alive(&bench.with(ended)).await);
        }
        let nobody = bench.auth.sign_out_all(bench.somebody()).await;
        refused(&bench, nobody, &[(Code::MissingSessionToken, None)]);
    }
}
