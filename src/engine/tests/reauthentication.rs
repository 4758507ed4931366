//! Step up, through the port: what is sensitive asks for a fresh proof, and what a proof is.

use futures_util::future::join_all;
use serde_json::json;

use super::fixture::{Fixture, PASSWORD, refused, somebody, with};
use crate::port::{
    AuthManager, Caller, Channel, Code, CodeDestination, FieldUpdate, Grant, Outcome, Password,
    Proof, Reauthenticated, Session, Update,
};

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";
const TEN_MINUTES: i64 = 600;

async fn change(fixture: &Fixture, caller: Caller) -> Outcome<()> {
    fixture.engine.change_email(caller, None, "ann@new.example".to_owned()).await.map(drop)
}

async fn reauthenticate(fixture: &Fixture, caller: Caller, proof: Proof) -> Outcome<Session> {
    fixture.engine.reauthenticate(caller, proof).await.map(
        |reauthenticated| match reauthenticated {
            Reauthenticated::Session(session) => session,
            Reauthenticated::WithTheChange(_) => panic!("the engine judges proofs"),
        },
    )
}

fn password(text: &str) -> Proof {
    Proof::Password(Password::entered(text))
}

fn on(caller: &Caller, session: &Session) -> Caller {
    Caller { session: session.token.clone(), ..caller.clone() }
}

async fn with_second_factor(fixture: &Fixture) -> Grant {
    let grant = fixture.signed_in_user(EMAIL).await;
    fixture.engine.set_phone(with(&grant), PHONE.to_owned()).await.unwrap();
    fixture
        .engine
        .verify_own_phone(with(&grant), PHONE.to_owned(), fixture.newest_code())
        .await
        .unwrap();
    let update =
        FieldUpdate { field: "twoFactorAuth".to_owned(), update: Update::Set(json!(true)) };
    fixture.engine.update_user(with(&grant), vec![update]).await.unwrap();
    grant
}

/// S20, S103: on both channels. On the wire the current password in the call is a proof too.
#[tokio::test]
async fn what_is_sensitive_asks_for_a_proof_that_is_younger_than_ten_minutes() {
    for fixture in Fixture::each().await {
        let grant = fixture.signed_in_user(EMAIL).await;
        let caller = with(&grant);
        let wire = Caller { channel: Channel::Api, ..caller.clone() };
        fixture.pass(TEN_MINUTES - 1);
        change(&fixture, caller.clone()).await.unwrap();
        fixture.pass(1);
        refused(change(&fixture, caller.clone()).await, Code::ProofNeeded);
        refused(
            fixture.engine.change_phone(caller.clone(), None, PHONE.to_owned()).await,
            Code::ProofNeeded,
        );
        refused(
            fixture.engine.set_phone(caller.clone(), PHONE.to_owned()).await,
            Code::ProofNeeded,
        );

        refused(fixture.engine.set_phone(wire.clone(), PHONE.to_owned()).await, Code::ProofNeeded);
        refused(change(&fixture, wire).await, Code::MissingPassword);
        let entered = Some(Password::entered(PASSWORD));
        fixture.engine.change_phone(caller.clone(), entered, PHONE.to_owned()).await.unwrap();
        refused(change(&fixture, caller).await, Code::ProofNeeded);
    }
}

/// S32
#[tokio::test]
async fn a_proof_renews_the_token_of_its_session_alone() {
    for fixture in Fixture::each().await {
        let grant = fixture.signed_in_user(EMAIL).await;
        let other = fixture.sign_in(EMAIL, PASSWORD).await.unwrap();
        fixture.pass(TEN_MINUTES);
        let caller = with(&grant);
        // Looked up before, so that it is remembered.
        fixture.engine.signed_in_user(caller.clone()).await.unwrap();
        refused(
            reauthenticate(&fixture, caller.clone(), password("a wrong password")).await,
            Code::InvalidCredentials,
        );
        refused(
            reauthenticate(&fixture, caller.clone(), password("")).await,
            Code::MissingPassword,
        );
        let session = reauthenticate(&fixture, caller.clone(), password(PASSWORD)).await.unwrap();
        assert_eq!(session.handle, grant.session.handle);
        refused(fixture.engine.signed_in_user(caller.clone()).await, Code::InvalidSessionToken);
        change(&fixture, on(&caller, &session)).await.unwrap();
        fixture.engine.signed_in_user(with(&other)).await.unwrap();
        refused(change(&fixture, with(&other)).await, Code::ProofNeeded);
        refused(
            reauthenticate(&fixture, somebody(), password(PASSWORD)).await,
            Code::MissingSessionToken,
        );
    }
}

/// A password that was right a moment ago is a proof too.
#[tokio::test]
async fn a_change_of_the_password_is_a_proof() {
    for fixture in Fixture::each().await {
        let caller = with(&fixture.signed_in_user(EMAIL).await);
        fixture.pass(TEN_MINUTES);
        let (old, new) = (Password::entered(PASSWORD), Password::entered("a calm green gate"));
        let session = fixture.engine.change_password(caller.clone(), old, new).await.unwrap();
        change(&fixture, on(&caller, &session)).await.unwrap();
    }
}

/// R15
#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_proof_fresh() {
    for fixture in Fixture::each().await {
        let caller = with(&fixture.signed_in_user(EMAIL).await);
        fixture.pass(-TEN_MINUTES);
        refused(change(&fixture, caller).await, Code::ProofNeeded);
    }
}

/// S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_typed_fifty_times_at_once_is_one_proof() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let caller = with(&with_second_factor(&fixture).await);
        fixture.engine.send_proof_code(caller.clone()).await.unwrap();
        let code = fixture.newest_code();
        let tries =
            (0..50).map(|_| reauthenticate(&fixture, caller.clone(), Proof::Code(code.clone())));
        let reauthenticated: Vec<_> =
            join_all(tries).await.into_iter().filter_map(Result::ok).collect();
        assert_eq!(reauthenticated.len(), 1);
        fixture.engine.signed_in_user(on(&caller, &reauthenticated[0])).await.unwrap();
    }
}

/// S16: a proof's code is good for nothing else, and no other code is a proof.
#[tokio::test]
async fn codes_are_not_taken_for_one_another() {
    for fixture in Fixture::each().await {
        let caller = with(&with_second_factor(&fixture).await);
        let methods = fixture.engine.proof_methods(caller.clone()).await.unwrap();
        assert!(
            methods.password && methods.code == Some(CodeDestination::Phone("+49 … 78".to_owned())),
            "{methods:?}"
        );
        fixture.engine.send_sign_in_code(somebody(), PHONE.to_owned()).await.unwrap();
        let of_sign_in = fixture.newest_code();
        refused(
            reauthenticate(&fixture, caller.clone(), Proof::Code(of_sign_in)).await,
            Code::InvalidOneTimeCode,
        );
        fixture.engine.send_proof_code(caller.clone()).await.unwrap();
        let code = fixture.newest_code();
        let sign_in =
            fixture.engine.sign_in_with_code(somebody(), PHONE.to_owned(), code.clone()).await;
        refused(sign_in, Code::InvalidOneTimeCode);
        reauthenticate(&fixture, caller, Proof::Code(code)).await.unwrap();
    }
}

/// S17
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_wrong_codes_at_once_are_five_guesses() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let caller = with(&with_second_factor(&fixture).await);
        fixture.engine.send_proof_code(caller.clone()).await.unwrap();
        let code = fixture.newest_code();
        let wrong = if code == "123456" { "654321" } else { "123456" };
        join_all(
            (0..50)
                .map(|_| reauthenticate(&fixture, caller.clone(), Proof::Code(wrong.to_owned()))),
        )
        .await;
        refused(
            reauthenticate(&fixture, caller.clone(), Proof::Code(code)).await,
            Code::InvalidOneTimeCode,
        );
        reauthenticate(&fixture, caller, password(PASSWORD)).await.unwrap();
    }
}

#[tokio::test]
async fn an_account_with_a_password_and_no_second_factor_gets_no_code() {
    for fixture in Fixture::each().await {
        let caller = with(&fixture.signed_in_user(EMAIL).await);
        let methods = fixture.engine.proof_methods(caller.clone()).await.unwrap();
        assert!(methods.password && methods.code.is_none());
        refused(fixture.engine.send_proof_code(caller.clone()).await, Code::ProofCodeNotOffered);
        refused(
            reauthenticate(&fixture, caller, Proof::Code("123456".to_owned())).await,
            Code::InvalidOneTimeCode,
        );
    }
}
