//! Authenticator apps and recovery codes when many come at once, on every database.

use std::process::Command;

use futures_util::future::join_all;

use super::bench::{Bench, PASSWORD, refused, somebody, with};
use crate::port::{
    AuthManager, Caller, Challenge, Code, Door, Entrance, Grant, Outcome, Password, Proof, Proved, RecoveryCodes,
    SecondFactorOf,
};

const EMAIL: &str = "ann@example.com";

/// Somebody with an authenticator app: its key and the recovery codes.
pub(super) async fn guarded(bench: &Bench) -> (Grant, String, RecoveryCodes) {
    let grant = bench.member(EMAIL).await;
    bench.engine.begin_authenticator(with(&grant)).await.unwrap();
    let key = bench.engine.waiting_authenticator(with(&grant)).await.unwrap().expect("a key").text().to_owned();
    let codes = bench.engine.confirm_authenticator(with(&grant), code_of(bench, &key)).await.unwrap();
    bench.pass(30);
    (grant, key, codes.expect("recovery codes"))
}

pub(super) fn code_of(bench: &Bench, key: &str) -> String {
    let now = format!("@{}", bench.now().as_second());
    let output = Command::new("oathtool").args(["--totp", "-b", key, "--now", &now]).output().expect("oathtool");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(super) async fn challenged(bench: &Bench) -> Challenge {
    let outcome = bench.engine.sign_in_with_email(somebody(), EMAIL.to_owned(), Password::typed(PASSWORD)).await;
    match outcome.unwrap() {
        Entrance::Challenged(challenge) => challenge,
        Entrance::Granted(_) => panic!("let in without the second factor"),
    }
}

pub(super) async fn finish(bench: &Bench, challenge: &Challenge, code: &str) -> Outcome<Grant> {
    let of = SecondFactorOf::Challenge(challenge.token.clone());
    bench.engine.sign_in_with_second_factor(somebody(), of, code.to_owned(), false).await
}

/// S18, S20: who has the password and a session from before must not put a factor of their own in the owner's place.
#[tokio::test]
async fn a_session_from_before_the_second_factor_shows_it_before_it_changes_anything() {
    for bench in Bench::each().await {
        bench.member(EMAIL).await;
        let before = with(&bench.sign_in(EMAIL, PASSWORD).await.unwrap());
        let owner = with(&bench.sign_in(EMAIL, PASSWORD).await.unwrap());
        bench.engine.begin_authenticator(owner.clone()).await.unwrap();
        let key = bench.engine.waiting_authenticator(owner.clone()).await.unwrap().expect("a key").text().to_owned();
        bench.engine.confirm_authenticator(owner.clone(), code_of(&bench, &key)).await.unwrap();
        bench.engine.begin_authenticator(owner.clone()).await.unwrap();

        refused(bench.engine.begin_authenticator(before.clone()).await, Code::ProofNeeded);
        assert!(!bench.engine.proof_methods(before.clone()).await.unwrap().password);
        let password = Proof::Password(Password::typed(PASSWORD));
        refused(bench.engine.prove(before.clone(), password).await, Code::ProofNeeded);
        bench.pass(30);
        let proved = bench.engine.prove(before.clone(), Proof::Code(code_of(&bench, &key))).await.unwrap();
        let Proved::Session(session) = proved else { panic!("the engine judges proofs") };
        let before = Caller { session: session.token, ..before };
        bench.engine.begin_authenticator(before.clone()).await.unwrap();

        bench.engine.untrust_browsers(owner, None).await.unwrap();
        refused(bench.engine.begin_authenticator(before).await, Code::ProofNeeded);
    }
}

/// S15, S45: also where two sign-ins wait for the same step.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_of_an_app_typed_fifty_times_at_once_gives_one_session() {
    for bench in Bench::each_with(|settings| settings.limits_factor = 100.0).await {
        let (_, key, _) = guarded(&bench).await;
        let challenge = challenged(&bench).await;
        let code = code_of(&bench, &key);
        let granted = join_all((0..50).map(|_| finish(&bench, &challenge, &code))).await;
        assert_eq!(granted.into_iter().filter_map(Result::ok).count(), 1);
        let again = challenged(&bench).await;
        refused(finish(&bench, &again, &code).await, Code::InvalidOneTimeCode);
    }
}

/// S19, S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_recovery_code_typed_at_once_gives_one_session() {
    for bench in Bench::each_with(|settings| settings.limits_factor = 100.0).await {
        let (grant, _, codes) = guarded(&bench).await;
        let code = codes.shown().next().unwrap().to_owned();
        let challenge = challenged(&bench).await;
        let granted = join_all((0..20).map(|_| finish(&bench, &challenge, &code))).await;
        assert_eq!(granted.into_iter().filter_map(Result::ok).count(), 1);
        assert_eq!(bench.engine.second_factors(with(&grant)).await.unwrap().recovery_codes, 9);
    }
}

/// S17
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_wrong_guesses_at_once_are_five_and_end_the_sign_in() {
    for bench in Bench::each_with(|settings| settings.limits_factor = 100.0).await {
        let (_, key, _) = guarded(&bench).await;
        let challenge = challenged(&bench).await;
        let outcomes = join_all((0..10).map(|_| finish(&bench, &challenge, "000000"))).await;
        let wrong = outcomes.iter().filter(|outcome| is(outcome, Code::InvalidOneTimeCode)).count();
        let over = outcomes.iter().filter(|outcome| is(outcome, Code::ChallengeGone)).count();
        assert_eq!((wrong, over), (5, 5));
        refused(finish(&bench, &challenge, &code_of(&bench, &key)).await, Code::ChallengeGone);
    }
}

/// S18: the wire has no word for an app, so it lets nobody in, and a link that was tried there is still good at the pages.
#[tokio::test]
async fn the_wire_cannot_get_round_an_app_and_spends_no_link_for_trying() {
    for bench in Bench::each().await {
        guarded(&bench).await;
        let wire = Caller { door: Door::Rest, ..somebody() };
        let sign_in = bench.engine.sign_in_with_email(wire.clone(), EMAIL.to_owned(), Password::typed(PASSWORD));
        refused(sign_in.await, Code::SecondFactorElsewhere);
        bench.engine.send_magic_link_email(wire.clone(), EMAIL.to_owned()).await.unwrap();
        let token = bench.token("magic-link").await;
        refused(bench.engine.get_auth_grant(wire, token.clone()).await, Code::SecondFactorElsewhere);
        let entrance = bench.engine.get_auth_grant(somebody(), token).await.unwrap();
        assert!(matches!(entrance, Entrance::Challenged(_)));
    }
}

/// S35: what was remembered of an account is not older than its factors.
#[tokio::test]
async fn a_factor_that_was_switched_is_seen_at_the_next_look() {
    for bench in Bench::each().await {
        let (grant, ..) = guarded(&bench).await;
        assert!(bench.engine.member(with(&grant)).await.unwrap().user.second_factor);
        bench.engine.remove_authenticator(with(&grant)).await.unwrap();
        assert!(!bench.engine.member(with(&grant)).await.unwrap().user.second_factor);
    }
}

/// S33: neither the key nor a recovery code can be read from the database.
#[tokio::test]
async fn the_key_is_sealed_and_recovery_codes_are_digests() {
    for bench in Bench::each().await {
        let (_, key, codes) = guarded(&bench).await;
        let stored = bench.engine.store().fetch_all("select secret from authenticators", vec![]).await.unwrap();
        let sealed = stored[0].bytes("secret").unwrap();
        assert!(sealed.len() > 20 && !String::from_utf8_lossy(&sealed).contains(&key));
        let stored = bench.engine.store().fetch_all("select digest from recovery_codes", vec![]).await.unwrap();
        let code = codes.shown().next().unwrap().replace('-', "");
        assert!(stored.iter().all(|row| row.bytes("digest").unwrap().len() == 32));
        assert!(!format!("{codes:?}").contains(&code));
    }
}

fn is<T>(outcome: &Outcome<T>, code: Code) -> bool {
    matches!(outcome, Err(crate::port::Trouble::Refused(refusal)) if refusal.is(code))
}
