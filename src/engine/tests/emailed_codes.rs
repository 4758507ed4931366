//! The codes beside emailed links, and the change of address that they finish, through the port.

use futures_util::future::join_all;

use super::{
    fixture::{Fixture, PASSWORD, at, granted, refused, somebody, with},
    sent_messages::other_than,
};
use crate::port::{
    AuthManager, Caller, Code, EmailedFor, Grant, OperationError, Outcome, Password, SignInOutcome,
};

pub(super) const ANN: &str = "ann@example.com";
const BROWSER: &str = "the-browser-that-asked";

pub(super) async fn benches() -> Vec<Fixture> {
    Fixture::each_with(|settings| settings.limits_factor = 100.0).await
}

/// Types a code and goes on as the pages do.
async fn enter(fixture: &Fixture, caller: Caller, code: &str) -> Outcome<Option<SignInOutcome>> {
    let (email, code) = (ANN.to_owned(), code.to_owned());
    let token =
        fixture.engine.open_email_code(caller.clone(), EmailedFor::SignIn, email, code).await?;
    fixture.engine.finish_where_begun(caller, token).await
}

pub(super) async fn ask_to_move(fixture: &Fixture, grant: &Grant, new: &str) {
    let asked = fixture
        .engine
        .change_email(with(grant), Some(Password::entered(PASSWORD)), new.to_owned())
        .await;
    asked.unwrap();
}

/// S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_used_fifty_times_at_once_gives_one_session() {
    for fixture in benches().await {
        fixture.signed_in_user(ANN).await;
        fixture.engine.send_magic_link_email(at(BROWSER), ANN.to_owned()).await.unwrap();
        let code = fixture.newest_code();
        let mut sessions = 0;
        for outcome in join_all((0..50).map(|_| enter(&fixture, at(BROWSER), &code))).await {
            match outcome {
                Ok(Some(sign_in_outcome)) => {
                    granted(sign_in_outcome);
                    sessions += 1;
                }
                Ok(None) => panic!("this browser asked for it"),
                Err(OperationError::Rejected(refusal)) => {
                    assert!(
                        refusal.is(Code::InvalidOneTimeCode)
                            || refusal.is(Code::InvalidAccessToken),
                        "{refusal:?}"
                    );
                }
                Err(OperationError::Internal(failure)) => panic!("{failure}"),
            }
        }
        assert_eq!(sessions, 1);
    }
}

/// S17
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_wrong_guesses_at_once_leave_nothing_of_an_emailed_code() {
    for fixture in benches().await {
        fixture.signed_in_user(ANN).await;
        fixture.engine.send_magic_link_email(at(BROWSER), ANN.to_owned()).await.unwrap();
        let code = fixture.newest_code();
        let wrong = other_than(&code);
        for outcome in join_all((0..10).map(|_| enter(&fixture, at(BROWSER), &wrong))).await {
            refused(outcome, Code::InvalidOneTimeCode);
        }
        refused(enter(&fixture, at(BROWSER), &code).await, Code::InvalidOneTimeCode);
        let sql = "select code_guesses from links where purpose = 'magic-link'";
        let left = fixture.engine.store().fetch_optional(sql, Vec::new()).await.unwrap();
        assert_eq!(
            left.unwrap().integer("code_guesses").unwrap(),
            0,
            "five were looked at and not one more"
        );
    }
}

/// S16: nothing but the browser that asked gets to guess, and what the email was for is what the
/// code is for.
#[tokio::test]
async fn an_emailed_code_is_bound_to_its_browser_its_address_and_its_purpose() {
    for fixture in benches().await {
        fixture.signed_in_user(ANN).await;
        fixture.engine.send_magic_link_email(at(BROWSER), ANN.to_owned()).await.unwrap();
        let code = fixture.newest_code();
        for caller in [at("another-browser"), somebody()] {
            refused(enter(&fixture, caller, &code).await, Code::InvalidOneTimeCode);
        }
        let open = |emailed_for, email: &str| {
            fixture.engine.open_email_code(at(BROWSER), emailed_for, email.to_owned(), code.clone())
        };
        refused(open(EmailedFor::ResetPassword, ANN).await, Code::InvalidOneTimeCode);
        refused(open(EmailedFor::SignIn, "ben@example.com").await, Code::InvalidOneTimeCode);
        refused(open(EmailedFor::SignIn, "no address").await, Code::InvalidOneTimeCode);
        granted(enter(&fixture, at(BROWSER), &code).await.unwrap().unwrap());
    }
}

/// S22: whichever wins, the account ends at an address that was proved, and holds that one and no
/// other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_changes_of_one_account_at_once_one_wins_and_its_address_is_proved() {
    for fixture in benches().await {
        let grant = fixture.signed_in_user(ANN).await;
        for new in ["one@example.com", "two@example.com"] {
            ask_to_move(&fixture, &grant, new).await;
        }
        let keys = fixture.change_keys().await;
        assert_eq!(keys.len(), 2);
        let changes =
            keys.into_iter().map(|key| fixture.engine.confirm_email_change(somebody(), key));
        let (won, lost): (Vec<_>, Vec<_>) =
            join_all(changes).await.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 1));
        for outcome in lost {
            let Err(OperationError::Rejected(refusal)) = outcome else {
                panic!("failed, not refused")
            };
            assert!(
                refusal.is(Code::InvalidAccessToken) || refusal.is(Code::EmailNotUnique),
                "{refusal:?}"
            );
        }
        let user = fixture.engine.signed_in_user(with(&grant)).await.unwrap().user;
        let email = user.email.unwrap();
        assert!(
            user.email_verified && ["one@example.com", "two@example.com"].contains(&email.as_str())
        );
        let held = fixture
            .engine
            .store()
            .fetch_all("select email from held_emails", Vec::new())
            .await
            .unwrap();
        assert_eq!(held.iter().map(|row| row.text("email").unwrap()).collect::<Vec<_>>(), [email]);
    }
}
