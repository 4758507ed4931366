//! Wrong guesses, many at once.

use futures_util::future::join_all;

use super::{
    bench::{Bench, PASSWORD, refused, somebody, with},
    phones::{ANN, BEN, Hall},
    pocket::other_than,
};
use crate::port::{AuthManager, Code, Outcome, Password, Trouble};

const EMAIL: &str = "ann@example.com";

/// How many were looked at and found wrong, and how many were told to wait.
fn looked_at_and_put_off<T>(outcomes: Vec<Outcome<T>>) -> (usize, usize) {
    let all = outcomes.len();
    let is_put_off = |outcome: &Outcome<T>| match outcome {
        Err(Trouble::Refused(refusal)) => refusal.retry_after().is_some(),
        Err(Trouble::Failed(failure)) => panic!("{failure}"),
        Ok(_) => panic!("a wrong guess was right"),
    };
    let put_off = outcomes.iter().filter(|outcome| is_put_off(outcome)).count();
    (all - put_off, put_off)
}

/// S12, S06
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_wrong_passwords_at_once_five_are_looked_at_whether_or_not_there_is_an_account() {
    for bench in Bench::each().await {
        bench.member(EMAIL).await;
        for email in [EMAIL, "nobody@example.com"] {
            let guess =
                || bench.engine.sign_in_with_email(somebody(), email.to_owned(), Password::typed("a wrong password"));
            let outcomes = join_all((0..10).map(|_| guess())).await;
            assert_eq!(looked_at_and_put_off(outcomes), (5, 5), "{email}");
        }
    }
}

/// S12
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_wrong_current_passwords_at_once_five_are_looked_at() {
    for bench in Bench::each().await {
        let grant = bench.member(EMAIL).await;
        let guess = || {
            let (wrong, new) = (Password::typed("a wrong password"), Password::typed("four grey geese there"));
            bench.engine.change_password(with(&grant), wrong, new)
        };
        let outcomes = join_all((0..10).map(|_| guess())).await;
        assert_eq!(looked_at_and_put_off(outcomes), (5, 5));
    }
}

/// S17
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_wrong_codes_at_once_ten_are_looked_at_whether_or_not_there_is_an_account() {
    for hall in Hall::each().await {
        hall.member(ANN).await;
        hall.bench.engine.send_sign_in_code(somebody(), ANN.to_owned()).await.unwrap();
        let wrong = other_than(&hall.pocket.code(ANN).await);
        for phone in [ANN, BEN] {
            let outcomes = join_all((0..20).map(|_| hall.sign_in_with_code(phone, &wrong))).await;
            assert_eq!(looked_at_and_put_off(outcomes), (10, 10), "{phone}");
        }
    }
}

/// S13: right passwords give back what they took, and not what others guessed wrong between them.
#[tokio::test]
async fn right_sign_ins_do_not_bring_the_guesses_of_others_back() {
    for bench in Bench::each().await {
        bench.member(EMAIL).await;
        for _ in 0..4 {
            refused(bench.sign_in(EMAIL, "a wrong password").await, Code::InvalidSignInCredentials);
            bench.sign_in(EMAIL, PASSWORD).await.unwrap();
        }
        refused(bench.sign_in(EMAIL, "a wrong password").await, Code::InvalidSignInCredentials);
        let outcome = bench.sign_in(EMAIL, PASSWORD).await;
        assert_eq!(looked_at_and_put_off(vec![outcome]), (0, 1));
    }
}
