//! Authenticator apps and recovery codes when many come at once, on every database.

use std::process::Command;

use futures_util::future::join_all;

use super::fixture::{Fixture, PASSWORD, refused, somebody, with};
use crate::port::{
    AuthManager, Caller, Challenge, Channel, Code, Grant, Outcome, Password, Proof,
    Reauthenticated, RecoveryCodes, SecondFactorOf, SignInOutcome,
};

const EMAIL: &str = "ann@example.com";

/// Somebody with an authenticator app: its key and the recovery codes.
pub(super) async fn guarded(fixture: &Fixture) -> (Grant, String, RecoveryCodes) {
    let grant = fixture.signed_in_user(EMAIL).await;
    fixture.engine.begin_authenticator(with(&grant)).await.unwrap();
    let key = fixture
        .engine
        .waiting_authenticator(with(&grant))
        .await
        .unwrap()
        .expect("a key")
        .text()
        .to_owned();
    let codes =
        fixture.engine.confirm_authenticator(with(&grant), code_of(fixture, &key)).await.unwrap();
    fixture.pass(30);
    (grant, key, codes.expect("recovery codes"))
}

pub(super) fn code_of(fixture: &Fixture, key: &str) -> String {
    let now = format!("@{}", fixture.now().as_second());
    let output = Command::new("oathtool")
        .args(["--totp", "-b", key, "--now", &now])
        .output()
        .expect("oathtool");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(super) async fn challenged(fixture: &Fixture) -> Challenge {
    let outcome = fixture
        .engine
        .sign_in_with_email(somebody(), EMAIL.to_owned(), Password::entered(PASSWORD))
        .await;
    match outcome.unwrap() {
        SignInOutcome::SecondFactorRequired(challenge) => challenge,
        SignInOutcome::SignedIn(_) => panic!("let in without the second factor"),
    }
}

pub(super) async fn finish(fixture: &Fixture, challenge: &Challenge, code: &str) -> Outcome<Grant> {
    let of = SecondFactorOf::Challenge(challenge.token.clone());
    fixture.engine.sign_in_with_second_factor(somebody(), of, code.to_owned(), false).await
}

/// S18, S20: who has the password and a session from before must not put a factor of their own in
/// the owner's place.
#[tokio::test]
async fn a_session_from_before_the_second_factor_shows_it_before_it_changes_anything() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user(EMAIL).await;
        let before = with(&fixture.sign_in(EMAIL, PASSWORD).await.unwrap());
        let owner = with(&fixture.sign_in(EMAIL, PASSWORD).await.unwrap());
        fixture.engine.begin_authenticator(owner.clone()).await.unwrap();
        let key = fixture
            .engine
            .waiting_authenticator(owner.clone())
            .await
            .unwrap()
            .expect("a key")
            .text()
            .to_owned();
        fixture.engine.confirm_authenticator(owner.clone(), code_of(&fixture, &key)).await.unwrap();
        fixture.engine.begin_authenticator(owner.clone()).await.unwrap();

        refused(fixture.engine.begin_authenticator(before.clone()).await, Code::ProofNeeded);
        assert!(!fixture.engine.proof_methods(before.clone()).await.unwrap().password);
        let password = Proof::Password(Password::entered(PASSWORD));
        refused(fixture.engine.reauthenticate(before.clone(), password).await, Code::ProofNeeded);
        fixture.pass(30);
        let proved = fixture
            .engine
            .reauthenticate(before.clone(), Proof::Code(code_of(&fixture, &key)))
            .await
            .unwrap();
        let Reauthenticated::Session(session) = proved else { panic!("the engine judges proofs") };
        let before = Caller { session: session.token, ..before };
        fixture.engine.begin_authenticator(before.clone()).await.unwrap();

        fixture.engine.untrust_browsers(owner, None).await.unwrap();
        refused(fixture.engine.begin_authenticator(before).await, Code::ProofNeeded);
    }
}

/// S15, S45: also where two sign-ins wait for the same step.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_of_an_app_typed_fifty_times_at_once_gives_one_session() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let (_, key, _) = guarded(&fixture).await;
        let challenge = challenged(&fixture).await;
        let code = code_of(&fixture, &key);
        let granted = join_all((0..50).map(|_| finish(&fixture, &challenge, &code))).await;
        assert_eq!(granted.into_iter().filter_map(Result::ok).count(), 1);
        let again = challenged(&fixture).await;
        refused(finish(&fixture, &again, &code).await, Code::InvalidOneTimeCode);
    }
}

/// S19, S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_recovery_code_typed_at_once_gives_one_session() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let (grant, _, codes) = guarded(&fixture).await;
        let code = codes.shown().next().unwrap().to_owned();
        let challenge = challenged(&fixture).await;
        let granted = join_all((0..20).map(|_| finish(&fixture, &challenge, &code))).await;
        assert_eq!(granted.into_iter().filter_map(Result::ok).count(), 1);
        assert_eq!(fixture.engine.second_factors(with(&grant)).await.unwrap().recovery_codes, 9);
    }
}

/// S17
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_wrong_guesses_at_once_are_five_and_end_the_sign_in() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let (_, key, _) = guarded(&fixture).await;
        let challenge = challenged(&fixture).await;
        let outcomes = join_all((0..10).map(|_| finish(&fixture, &challenge, "000000"))).await;
        let wrong = outcomes.iter().filter(|outcome| is(outcome, Code::InvalidOneTimeCode)).count();
        let over = outcomes.iter().filter(|outcome| is(outcome, Code::ChallengeGone)).count();
        assert_eq!((wrong, over), (5, 5));
        refused(finish(&fixture, &challenge, &code_of(&fixture, &key)).await, Code::ChallengeGone);
    }
}

/// S18: the wire has no word for an app, so it lets nobody in, and a link that was tried there is
/// still good at the pages.
#[tokio::test]
async fn the_wire_cannot_get_round_an_app_and_spends_no_link_for_trying() {
    for fixture in Fixture::each().await {
        guarded(&fixture).await;
        let wire = Caller { channel: Channel::Api, ..somebody() };
        let sign_in = fixture.engine.sign_in_with_email(
            wire.clone(),
            EMAIL.to_owned(),
            Password::entered(PASSWORD),
        );
        refused(sign_in.await, Code::SecondFactorElsewhere);
        fixture.engine.send_magic_link_email(wire.clone(), EMAIL.to_owned()).await.unwrap();
        let token = fixture.token("magic-link").await;
        refused(
            fixture.engine.get_auth_grant(wire, token.clone()).await,
            Code::SecondFactorElsewhere,
        );
        let sign_in_outcome = fixture.engine.get_auth_grant(somebody(), token).await.unwrap();
        assert!(matches!(sign_in_outcome, SignInOutcome::SecondFactorRequired(_)));
    }
}

/// S35: what was remembered of an account is not older than its factors.
#[tokio::test]
async fn a_factor_that_was_switched_is_seen_at_the_next_look() {
    for fixture in Fixture::each().await {
        let (grant, ..) = guarded(&fixture).await;
        assert!(fixture.engine.signed_in_user(with(&grant)).await.unwrap().user.second_factor);
        fixture.engine.remove_authenticator(with(&grant)).await.unwrap();
        assert!(!fixture.engine.signed_in_user(with(&grant)).await.unwrap().user.second_factor);
    }
}

/// S33: neither the key nor a recovery code can be read from the database.
#[tokio::test]
async fn the_key_is_sealed_and_recovery_codes_are_digests() {
    for fixture in Fixture::each().await {
        let (_, key, codes) = guarded(&fixture).await;
        let stored = fixture
            .engine
            .store()
            .fetch_all("select secret from authenticators", vec![])
            .await
            .unwrap();
        let sealed = stored[0].bytes("secret").unwrap();
        assert!(sealed.len() > 20 && !String::from_utf8_lossy(&sealed).contains(&key));
        let stored = fixture
            .engine
            .store()
            .fetch_all("select digest from recovery_codes", vec![])
            .await
            .unwrap();
        let code = codes.shown().next().unwrap().replace('-', "");
        assert!(stored.iter().all(|row| row.bytes("digest").unwrap().len() == 32));
        assert!(!format!("{codes:?}").contains(&code));
    }
}

fn is<T>(outcome: &Outcome<T>, code: Code) -> bool {
    matches!(outcome, Err(crate::port::OperationError::Rejected(refusal)) if refusal.is(code))
}
