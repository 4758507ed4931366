//! Somebody who is paid for texts asks for many (S65).

use super::{
    fixture::{PASSWORD, somebody, with},
    phones::{ANN, Fixtures},
};
use crate::port::{AuthManager, OperationError, Outcome, SignedUp};

/// Numbers of one country, over many ranges.
fn rented(number: usize) -> String {
    format!("+4915{:02}{:06}1", 10 + number % 20, number)
}

fn wait_of<T>(outcome: Outcome<T>) -> u64 {
    match outcome {
        Err(OperationError::Rejected(refusal)) => refusal.retry_after().expect("a wait").as_secs(),
        _ => panic!("not refused"),
    }
}

/// Signs up with one number after the other and types no code; answers how many were taken, and
/// what the next was told.
async fn pump(fixtures: &Fixtures) -> (usize, Outcome<SignedUp>) {
    for number in 0..100 {
        let outcome = fixtures.sign_up(&rented(number), PASSWORD).await;
        if outcome.is_err() {
            return (number, outcome);
        }
    }
    panic!("nothing stops it")
}

#[tokio::test]
async fn texts_to_new_numbers_of_a_country_stop_when_nobody_types_their_codes() {
    for fixtures in Fixtures::each().await {
        let (taken, refused) = pump(&fixtures).await;
        assert_eq!(taken, 30);
        assert_eq!(wait_of(refused), 600);
        assert_eq!(wait_of(fixtures.sign_up(&rented(200), PASSWORD).await), 600);
        fixtures.sign_up("+905302223344", PASSWORD).await.unwrap();
        fixtures.fixture.pass(600);
        fixtures.sign_up(&rented(201), PASSWORD).await.unwrap();
        assert_eq!(wait_of(fixtures.sign_up(&rented(202), PASSWORD).await), 600);
    }
}

/// S107: what is refused is not sent, and nobody could answer it.
#[tokio::test]
async fn a_refused_text_counts_for_no_country() {
    for fixtures in Fixtures::each().await {
        let mut sent = 0;
        for _ in 0..40 {
            sent += usize::from(fixtures.sign_up(&rented(0), PASSWORD).await.is_ok());
        }
        assert_eq!(sent, 5);
        fixtures.sign_up(&rented(1), PASSWORD).await.unwrap();
    }
}

#[tokio::test]
async fn owners_of_proved_numbers_get_their_codes_while_a_country_is_stopped() {
    for fixtures in Fixtures::each().await {
        let owner = fixtures.signed_in_user(ANN).await;
        let (_, refused) = pump(&fixtures).await;
        assert!(refused.is_err());
        let engine = &fixtures.fixture.engine;
        engine.send_sign_in_code(with(&owner), ANN.to_owned()).await.unwrap();
        let code = fixtures.sent_messages.code(ANN).await;
        fixtures.sign_in_with_code(ANN, &code).await.unwrap();
        engine.send_reset_password_code(with(&owner), ANN.to_owned()).await.unwrap();
        assert_eq!(fixtures.sent_messages.codes(ANN).await.len(), 1);
        engine.set_phone(with(&owner), ANN.to_owned()).await.unwrap();
        assert_eq!(fixtures.sent_messages.codes(ANN).await.len(), 1);
        assert_eq!(wait_of(engine.set_phone(with(&owner), rented(300)).await), 600);
    }
}

/// S05, S06: what a pump is told depends on the country, not on who has an account.
#[tokio::test]
async fn a_stopped_country_tells_nothing_of_an_account() {
    for fixtures in Fixtures::each().await {
        fixtures.signed_in_user(ANN).await;
        pump(&fixtures).await.1.map(drop).unwrap_err();
        assert_eq!(
            wait_of(fixtures.sign_up(ANN, PASSWORD).await),
            wait_of(fixtures.sign_up(&rented(300), PASSWORD).await)
        );
        let waits = [ANN.to_owned(), rented(0), rented(300)].map(async |phone| {
            wait_of(fixtures.fixture.engine.resend_verification_code(somebody(), phone).await)
        });
        let waits = futures_util::future::join_all(waits).await;
        assert!(waits[0] == waits[1] && waits[1] == waits[2], "{waits:?}");
    }
}

/// People type their codes: however many sign up, nobody waits.
#[tokio::test]
async fn sign_ups_that_type_their_codes_go_on() {
    for fixtures in Fixtures::each().await {
        for number in 0..40 {
            let phone = rented(number);
            fixtures.sign_up(&phone, PASSWORD).await.unwrap();
            if number % 5 == 0 {
                let code = fixtures.sent_messages.code(&phone).await;
                fixtures.verify(&phone, &code).await.unwrap();
            }
        }
        fixtures.sign_up(&rented(40), PASSWORD).await.unwrap();
    }
}
