//! What many do at the same moment.

use futures_util::future::join_all;

use super::bench::{Bench, PASSWORD, refused, somebody, with};
use crate::port::{AuthManager, Caller, Code, Door, Password};

/// S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_link_redeemed_fifty_times_at_once_gives_one_session() {
    for bench in Bench::each().await {
        bench.member("ann@example.com").await;
        bench.engine.send_magic_link_email(somebody(), "ann@example.com".to_owned()).await.unwrap();
        let token = bench.token("magic-link").await;
        let tries = (0..50).map(|_| bench.engine.get_auth_grant(somebody(), token.clone()));
        let mut granted = 0;
        for outcome in join_all(tries).await {
            match outcome {
                Ok(_) => granted += 1,
                outcome => refused(outcome, Code::InvalidAccessToken),
            }
        }
        assert_eq!(granted, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_proofs_of_one_address_at_once_one_holds_it() {
    for bench in Bench::each().await {
        for _ in 0..2 {
            bench.sign_up(&somebody(), "ann@example.com", PASSWORD).await.unwrap();
        }
        let tokens = bench.tokens("email-confirm").await;
        let proofs = tokens.into_iter().map(|token| bench.engine.get_auth_grant(somebody(), token));
        let granted = join_all(proofs).await.into_iter().filter_map(Result::ok).count();
        assert_eq!(granted, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_sign_ups_of_one_address_at_once_one_holds_it() {
    for bench in Bench::each_with(|settings| settings.confirm_email = false).await {
        let caller = somebody();
        let sign_ups = join_all((0..8).map(|_| bench.sign_up(&caller, "ann@example.com", PASSWORD))).await;
        let (made, taken): (Vec<_>, Vec<_>) = sign_ups.into_iter().partition(Result::is_ok);
        assert_eq!(made.len(), 1);
        taken.into_iter().for_each(|outcome| refused(outcome, Code::EmailNotUnique));
    }
}

/// S111: a double click, or a request that is sent twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_sign_up_sent_eight_times_at_once_is_one_account_whose_password_works() {
    for bench in Bench::each_with(|settings| settings.limits_factor = 100.0).await {
        let caller = Caller { door: Door::Rest, ..somebody() };
        let sign_ups = join_all((0..8).map(|_| bench.sign_up(&caller, "ann@example.com", PASSWORD))).await;
        assert!(sign_ups.iter().all(Result::is_ok));
        let tokens = bench.tokens("email-confirm").await;
        bench.engine.get_auth_grant(caller, tokens[0].clone()).await.unwrap();
        bench.sign_in("ann@example.com", PASSWORD).await.unwrap();
        let users = bench.engine.store().fetch_all("select id from users", Vec::new()).await.unwrap();
        assert_eq!(users.len(), 1);
    }
}

/// S23: of two that are not the same, whoever proves the address cannot tell which is theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_sign_ups_at_once_with_two_passwords_are_contested() {
    for bench in Bench::each_with(|settings| settings.limits_factor = 100.0).await {
        let (caller, passwords) = (somebody(), [PASSWORD, "four grey geese there"]);
        let sign_ups = join_all(passwords.iter().map(|one| bench.sign_up(&caller, "ann@example.com", one))).await;
        assert!(sign_ups.iter().all(Result::is_ok));
        let token = bench.token("email-confirm").await;
        bench.engine.get_auth_grant(somebody(), token).await.unwrap();
        for password in passwords {
            refused(bench.sign_in("ann@example.com", password).await, Code::InvalidSignInCredentials);
        }
    }
}

/// S22
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_changes_to_one_address_at_once_one_wins() {
    for bench in Bench::each().await {
        for email in ["ann@example.com", "ben@example.com"] {
            let grant = bench.member(email).await;
            let change =
                bench.engine.change_email(with(&grant), Some(Password::typed(PASSWORD)), "new@example.com".to_owned());
            change.await.unwrap();
        }
        let keys = bench.change_keys().await;
        assert_eq!(keys.len(), 2);
        let changes = keys.into_iter().map(|key| bench.engine.confirm_email_change(somebody(), key));
        let (won, lost): (Vec<_>, Vec<_>) = join_all(changes).await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        lost.into_iter().for_each(|outcome| refused(outcome, Code::EmailNotUnique));
    }
}

/// S34, S35
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_ended_session_is_refused_at_the_next_call_while_others_hammer_on_it() {
    for bench in Bench::each().await {
        let keeper = bench.member("ann@example.com").await;
        for _ in 0..20 {
            let grant = bench.sign_in("ann@example.com", PASSWORD).await.unwrap();
            let hammers: Vec<_> = (0..4)
                .map(|_| {
                    let (engine, caller) = (bench.engine.clone(), with(&grant));
                    // A remembered session is answered without a wait, so the hammer itself must let others have a turn.
                    tokio::spawn(async move {
                        while engine.member(caller.clone()).await.is_ok() {
                            tokio::task::yield_now().await;
                        }
                    })
                })
                .collect();
            bench.engine.member(with(&grant)).await.unwrap();
            bench.engine.sign_out_all_except_current(with(&keeper)).await.unwrap();
            for _ in 0..50 {
                refused(bench.engine.member(with(&grant)).await, Code::InvalidSessionToken);
            }
            for hammer in hammers {
                hammer.await.unwrap();
            }
        }
    }
}
