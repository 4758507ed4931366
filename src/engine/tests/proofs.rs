//! Step up, through the port: what is sensitive asks for a fresh proof, and what a proof is.

use futures_util::future::join_all;
use serde_json::json;

use super::bench::{Bench, PASSWORD, refused, somebody, with};
use crate::port::{
    AuthManager, Caller, Code, CodePlace, Door, FieldUpdate, Grant, Outcome, Password, Proof, Proved, Session, Update,
};

const EMAIL: &str = "ann@example.com";
const PHONE: &str = "+4915112345678";
const TEN_MINUTES: i64 = 600;

async fn change(bench: &Bench, caller: Caller) -> Outcome<()> {
    bench.engine.change_email(caller, None, "ann@new.example".to_owned()).await.map(drop)
}

async fn prove(bench: &Bench, caller: Caller, proof: Proof) -> Outcome<Session> {
    bench.engine.prove(caller, proof).await.map(|proved| match proved {
        Proved::Session(session) => session,
        Proved::WithTheChange(_) => panic!("the engine judges proofs"),
    })
}

fn password(text: &str) -> Proof {
    Proof::Password(Password::typed(text))
}

fn on(caller: &Caller, session: &Session) -> Caller {
    Caller { session: session.token.clone(), ..caller.clone() }
}

async fn with_second_factor(bench: &Bench) -> Grant {
    let grant = bench.member(EMAIL).await;
    bench.engine.set_phone(with(&grant), PHONE.to_owned()).await.unwrap();
    bench.engine.verify_own_phone(with(&grant), PHONE.to_owned(), bench.newest_code()).await.unwrap();
    let update = FieldUpdate { field: "twoFactorAuth".to_owned(), update: Update::Set(json!(true)) };
    bench.engine.update_user(with(&grant), vec![update]).await.unwrap();
    grant
}

/// S20, S103: on both channels. On the wire the current password in the call is a proof too.
#[tokio::test]
async fn what_is_sensitive_asks_for_a_proof_that_is_younger_than_ten_minutes() {
    for bench in Bench::each().await {
        let grant = bench.member(EMAIL).await;
        let caller = with(&grant);
        let wire = Caller { door: Door::Rest, ..caller.clone() };
        bench.pass(TEN_MINUTES - 1);
        change(&bench, caller.clone()).await.unwrap();
        bench.pass(1);
        refused(change(&bench, caller.clone()).await, Code::ProofNeeded);
        refused(bench.engine.change_phone(caller.clone(), None, PHONE.to_owned()).await, Code::ProofNeeded);
        refused(bench.engine.set_phone(caller.clone(), PHONE.to_owned()).await, Code::ProofNeeded);

        refused(bench.engine.set_phone(wire.clone(), PHONE.to_owned()).await, Code::ProofNeeded);
        refused(change(&bench, wire).await, Code::MissingPassword);
        let typed = Some(Password::typed(PASSWORD));
        bench.engine.change_phone(caller.clone(), typed, PHONE.to_owned()).await.unwrap();
        refused(change(&bench, caller).await, Code::ProofNeeded);
    }
}

/// S32
#[tokio::test]
async fn a_proof_renews_the_token_of_its_session_alone() {
    for bench in Bench::each().await {
        let grant = bench.member(EMAIL).await;
        let other = bench.sign_in(EMAIL, PASSWORD).await.unwrap();
        bench.pass(TEN_MINUTES);
        let caller = with(&grant);
        // Looked up before, so that it is remembered.
        bench.engine.member(caller.clone()).await.unwrap();
        refused(prove(&bench, caller.clone(), password("a wrong password")).await, Code::InvalidCredentials);
        refused(prove(&bench, caller.clone(), password("")).await, Code::MissingPassword);
        let session = prove(&bench, caller.clone(), password(PASSWORD)).await.unwrap();
        assert_eq!(session.handle, grant.session.handle);
        refused(bench.engine.member(caller.clone()).await, Code::InvalidSessionToken);
        change(&bench, on(&caller, &session)).await.unwrap();
        bench.engine.member(with(&other)).await.unwrap();
        refused(change(&bench, with(&other)).await, Code::ProofNeeded);
        refused(prove(&bench, somebody(), password(PASSWORD)).await, Code::MissingSessionToken);
    }
}

/// A password that was right a moment ago is a proof too.
#[tokio::test]
async fn a_change_of_the_password_is_a_proof() {
    for bench in Bench::each().await {
        let caller = with(&bench.member(EMAIL).await);
        bench.pass(TEN_MINUTES);
        let (old, new) = (Password::typed(PASSWORD), Password::typed("a calm green gate"));
        let session = bench.engine.change_password(caller.clone(), old, new).await.unwrap();
        change(&bench, on(&caller, &session)).await.unwrap();
    }
}

/// R15
#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_proof_fresh() {
    for bench in Bench::each().await {
        let caller = with(&bench.member(EMAIL).await);
        bench.pass(-TEN_MINUTES);
        refused(change(&bench, caller).await, Code::ProofNeeded);
    }
}

/// S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_typed_fifty_times_at_once_is_one_proof() {
    for bench in Bench::each_with(|settings| settings.limits_factor = 100.0).await {
        let caller = with(&with_second_factor(&bench).await);
        bench.engine.send_proof_code(caller.clone()).await.unwrap();
        let code = bench.newest_code();
        let tries = (0..50).map(|_| prove(&bench, caller.clone(), Proof::Code(code.clone())));
        let proved: Vec<_> = join_all(tries).await.into_iter().filter_map(Result::ok).collect();
        assert_eq!(proved.len(), 1);
        bench.engine.member(on(&caller, &proved[0])).await.unwrap();
    }
}

/// S16: a proof's code is good for nothing else, and no other code is a proof.
#[tokio::test]
async fn codes_are_not_taken_for_one_another() {
    for bench in Bench::each().await {
        let caller = with(&with_second_factor(&bench).await);
        let methods = bench.engine.proof_methods(caller.clone()).await.unwrap();
        assert!(methods.password && methods.code == Some(CodePlace::Phone("+49 … 78".to_owned())), "{methods:?}");
        bench.engine.send_sign_in_code(somebody(), PHONE.to_owned()).await.unwrap();
        let of_sign_in = bench.newest_code();
        refused(prove(&bench, caller.clone(), Proof::Code(of_sign_in)).await, Code::InvalidOneTimeCode);
        bench.engine.send_proof_code(caller.clone()).await.unwrap();
        let code = bench.newest_code();
        let sign_in = bench.engine.sign_in_with_code(somebody(), PHONE.to_owned(), code.clone()).await;
        refused(sign_in, Code::InvalidOneTimeCode);
        prove(&bench, caller, Proof::Code(code)).await.unwrap();
    }
}

/// S17
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_wrong_codes_at_once_are_five_guesses() {
    for bench in Bench::each_with(|settings| settings.limits_factor = 100.0).await {
        let caller = with(&with_second_factor(&bench).await);
        bench.engine.send_proof_code(caller.clone()).await.unwrap();
        let code = bench.newest_code();
        let wrong = if code == "123456" { "654321" } else { "123456" };
        join_all((0..50).map(|_| prove(&bench, caller.clone(), Proof::Code(wrong.to_owned())))).await;
        refused(prove(&bench, caller.clone(), Proof::Code(code)).await, Code::InvalidOneTimeCode);
        prove(&bench, caller, password(PASSWORD)).await.unwrap();
    }
}

#[tokio::test]
async fn an_account_with_a_password_and_no_second_factor_gets_no_code() {
    for bench in Bench::each().await {
        let caller = with(&bench.member(EMAIL).await);
        let methods = bench.engine.proof_methods(caller.clone()).await.unwrap();
        assert!(methods.password && methods.code.is_none());
        refused(bench.engine.send_proof_code(caller.clone()).await, Code::ProofCodeNotOffered);
        refused(prove(&bench, caller, Proof::Code("123456".to_owned())).await, Code::InvalidOneTimeCode);
    }
}
