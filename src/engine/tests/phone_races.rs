//! Races on numbers and codes.

use futures_util::future::join_all;

use super::{
    fixture::{PASSWORD, refused},
    phones::{ANN, Fixtures, on_the_wire},
    sent_messages::other_than,
};
use crate::port::{AuthManager, Code};

/// S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_used_fifty_times_at_once_gives_one_session() {
    for fixtures in Fixtures::each_without_limits().await {
        fixtures.signed_in_user(ANN).await;
        fixtures.fixture.engine.send_sign_in_code(on_the_wire(), ANN.to_owned()).await.unwrap();
        let code = fixtures.sent_messages.code(ANN).await;
        let mut granted = 0;
        for outcome in join_all((0..50).map(|_| fixtures.sign_in_with_code(ANN, &code))).await {
            match outcome {
                Ok(_) => granted += 1,
                outcome => refused(outcome, Code::InvalidOneTimeCode),
            }
        }
        assert_eq!(granted, 1);
    }
}

/// S17
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_wrong_guesses_at_once_leave_nothing_of_a_code() {
    for fixtures in Fixtures::each_without_limits().await {
        fixtures.sign_up(ANN, PASSWORD).await.unwrap();
        let code = fixtures.sent_messages.code(ANN).await;
        let wrong = other_than(&code);
        for outcome in join_all((0..10).map(|_| fixtures.verify(ANN, &wrong))).await {
            refused(outcome, Code::InvalidOneTimeCode);
        }
        refused(fixtures.verify(ANN, &code).await, Code::InvalidOneTimeCode);
        let left = fixtures
            .fixture
            .engine
            .store()
            .fetch_optional("select guesses from codes", Vec::new())
            .await
            .unwrap();
        assert_eq!(
            left.unwrap().integer("guesses").unwrap(),
            0,
            "five were looked at and not one more"
        );
    }
}

/// S66
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_proofs_of_one_number_at_once_one_holds_it() {
    for fixtures in Fixtures::each_without_limits().await {
        for _ in 0..2 {
            fixtures.sign_up(ANN, PASSWORD).await.unwrap();
        }
        let codes = fixtures.sent_messages.codes(ANN).await;
        let proofs = join_all(codes.iter().map(|code| fixtures.verify(ANN, code))).await;
        assert_eq!((codes.len(), proofs.into_iter().filter_map(Result::ok).count()), (2, 1));
        let sql = "select count(*) as accounts from users";
        let left = fixtures.fixture.engine.store().fetch_optional(sql, Vec::new()).await.unwrap();
        assert_eq!(left.unwrap().integer("accounts").unwrap(), 1, "nobody else waits for it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_changes_to_one_number_at_once_one_wins() {
    const NEW: &str = "+905302223355";
    for fixtures in Fixtures::each_without_limits().await {
        for phone in [ANN, super::phones::BEN] {
            let grant = fixtures.signed_in_user(phone).await;
            fixtures.change(&grant, PASSWORD, NEW).await.unwrap();
        }
        let codes = fixtures.sent_messages.codes(NEW).await;
        let changes = join_all(codes.iter().map(|code| fixtures.verify(NEW, code))).await;
        assert_eq!((codes.len(), changes.into_iter().filter_map(Result::ok).count()), (2, 1));
    }
}

/// S111: one account, one code on its way, and a password that works.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_sign_up_sent_eight_times_at_once_is_one_account_whose_password_works() {
    for fixtures in Fixtures::each_without_limits().await {
        let sign_ups = join_all((0..8).map(|_| fixtures.sign_up(ANN, PASSWORD))).await;
        assert!(sign_ups.iter().all(Result::is_ok));
        let users = fixtures
            .fixture
            .engine
            .store()
            .fetch_all("select id from users", Vec::new())
            .await
            .unwrap();
        assert_eq!(users.len(), 1);
        let code = fixtures.fixture.newest_code();
        fixtures.verify(ANN, &code).await.unwrap();
        fixtures.sign_in(ANN, PASSWORD).await.unwrap();
    }
}
