//! Wrong guesses, many at once.

use futures_util::future::join_all;

use super::{
    fixture::{Fixture, PASSWORD, at, refused, somebody, with},
    phones::{ANN, BEN, Fixtures},
    second_factor_sign_in::{PHONE, guarded},
    sent_messages::other_than,
};
use crate::port::{
    AuthManager, Caller, Channel, Code, OperationError, Outcome, Password, SecondFactorOf,
};

const EMAIL: &str = "ann@example.com";

/// How many were looked at and found wrong, and how many were told to wait.
fn looked_at_and_put_off<T>(outcomes: Vec<Outcome<T>>) -> (usize, usize) {
    let all = outcomes.len();
    let is_put_off = |outcome: &Outcome<T>| match outcome {
        Err(OperationError::Rejected(refusal)) => refusal.retry_after().is_some(),
        Err(OperationError::Internal(failure)) => panic!("{failure}"),
        Ok(_) => panic!("a wrong guess was right"),
    };
    let put_off = outcomes.iter().filter(|outcome| is_put_off(outcome)).count();
    (all - put_off, put_off)
}

/// S12, S06
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_wrong_passwords_at_once_five_are_looked_at_whether_or_not_there_is_an_account() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user(EMAIL).await;
        for email in [EMAIL, "nobody@example.com"] {
            let guess = || {
                fixture.engine.sign_in_with_email(
                    somebody(),
                    email.to_owned(),
                    Password::entered("a wrong password"),
                )
            };
            let outcomes = join_all((0..10).map(|_| guess())).await;
            assert_eq!(looked_at_and_put_off(outcomes), (5, 5), "{email}");
        }
    }
}

/// S12
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_wrong_current_passwords_at_once_five_are_looked_at() {
    for fixture in Fixture::each().await {
        let grant = fixture.signed_in_user(EMAIL).await;
        let guess = || {
            let (wrong, new) =
                (Password::entered("a wrong password"), Password::entered("four grey geese there"));
            fixture.engine.change_password(with(&grant), wrong, new)
        };
        let outcomes = join_all((0..10).map(|_| guess())).await;
        assert_eq!(looked_at_and_put_off(outcomes), (5, 5));
    }
}

/// S17
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_wrong_codes_at_once_ten_are_looked_at_whether_or_not_there_is_an_account() {
    for fixtures in Fixtures::each().await {
        fixtures.signed_in_user(ANN).await;
        fixtures.fixture.engine.send_sign_in_code(somebody(), ANN.to_owned()).await.unwrap();
        let wrong = other_than(&fixtures.sent_messages.code(ANN).await);
        for phone in [ANN, BEN] {
            let outcomes =
                join_all((0..20).map(|_| fixtures.sign_in_with_code(phone, &wrong))).await;
            assert_eq!(looked_at_and_put_off(outcomes), (10, 10), "{phone}");
        }
    }
}

/// S13: right passwords give back what they took, and not what others guessed wrong between them.
#[tokio::test]
async fn right_sign_ins_do_not_bring_the_guesses_of_others_back() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user(EMAIL).await;
        for _ in 0..4 {
            refused(
                fixture.sign_in(EMAIL, "a wrong password").await,
                Code::InvalidSignInCredentials,
            );
            fixture.sign_in(EMAIL, PASSWORD).await.unwrap();
        }
        refused(fixture.sign_in(EMAIL, "a wrong password").await, Code::InvalidSignInCredentials);
        let outcome = fixture.sign_in(EMAIL, PASSWORD).await;
        assert_eq!(looked_at_and_put_off(vec![outcome]), (0, 1));
    }
}

/// The owner and a visitor, each at an address and with a browser of their own.
fn owner_and_visitor(channel: Channel) -> [Caller; 2] {
    [("anns-browser", 7), ("eves-browser", 99)].map(|(browser, network)| Caller {
        channel,
        address: Some([198, 51, network, 1].into()),
        browser: (channel == Channel::Pages).then(|| at(browser).browser).flatten(),
        ..somebody()
    })
}

/// S12, S16: on both channels.
#[tokio::test]
async fn a_visitor_who_asks_for_a_code_and_guesses_leaves_the_owners_alone() {
    for channel in [Channel::Pages, Channel::Api] {
        for fixtures in Fixtures::each().await {
            let engine = &fixtures.fixture.engine;
            fixtures.signed_in_user(ANN).await;
            let [owner, visitor] = owner_and_visitor(channel);
            engine.send_sign_in_code(owner.clone(), ANN.to_owned()).await.unwrap();
            let code = fixtures.sent_messages.code(ANN).await;
            engine.send_sign_in_code(visitor.clone(), ANN.to_owned()).await.unwrap();
            for _ in 0..12 {
                let wrong = other_than(&code);
                assert!(
                    engine.sign_in_with_code(visitor.clone(), ANN.to_owned(), wrong).await.is_err()
                );
            }
            engine.sign_in_with_code(owner, ANN.to_owned(), code).await.unwrap();
        }
    }
}

/// S16, S17: whoever reads a code on another device types it there, and all who did not ask have
/// five guesses together.
#[tokio::test]
async fn a_code_has_five_guesses_of_its_asker_and_five_of_all_others() {
    for fixtures in Fixtures::each().await {
        let engine = &fixtures.fixture.engine;
        fixtures.signed_in_user(ANN).await;
        let [owner, visitor] = owner_and_visitor(Channel::Api);
        let enter = |caller: &Caller, code: &str| {
            engine.sign_in_with_code(caller.clone(), ANN.to_owned(), code.to_owned())
        };
        engine.send_sign_in_code(owner.clone(), ANN.to_owned()).await.unwrap();
        let code = fixtures.sent_messages.code(ANN).await;
        for _ in 0..4 {
            refused(enter(&visitor, &other_than(&code)).await, Code::InvalidOneTimeCode);
        }
        enter(&visitor, &code).await.unwrap();

        engine.send_sign_in_code(owner.clone(), ANN.to_owned()).await.unwrap();
        let code = fixtures.sent_messages.code(ANN).await;
        for caller in [&visitor, &owner] {
            for _ in 0..5 {
                refused(enter(caller, &other_than(&code)).await, Code::InvalidOneTimeCode);
            }
            refused(enter(caller, &code).await, Code::InvalidOneTimeCode);
        }
    }
}

/// S12: a visitor who knows the password begins a sign-in on the wire, and uses up the guesses of
/// their own.
#[tokio::test]
async fn a_visitor_at_the_second_factor_leaves_the_owners_sign_in_alone() {
    for fixture in Fixture::each().await {
        guarded(&fixture).await;
        let [owner, visitor] = owner_and_visitor(Channel::Api);
        let begin = |caller: &Caller| {
            fixture.engine.sign_in_with_email(
                caller.clone(),
                EMAIL.to_owned(),
                Password::entered(PASSWORD),
            )
        };
        let enter = |caller: &Caller, code: String| {
            let of = SecondFactorOf::Phone(PHONE.to_owned());
            fixture.engine.sign_in_with_second_factor(caller.clone(), of, code, false)
        };
        begin(&owner).await.unwrap();
        let code = fixture.newest_code();
        begin(&visitor).await.unwrap();
        for _ in 0..12 {
            assert!(enter(&visitor, other_than(&code)).await.is_err());
        }
        enter(&owner, code).await.unwrap();
    }
}
