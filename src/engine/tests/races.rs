//! Races on sessions.

use futures_util::future::join_all;

use super::fixture::{Fixture, PASSWORD, refused, somebody, with};
use crate::port::{AuthManager, Caller, Channel, Code, Password};

/// S45
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_link_redeemed_fifty_times_at_once_gives_one_session() {
    for fixture in Fixture::each().await {
        fixture.signed_in_user("ann@example.com").await;
        fixture
            .engine
            .send_magic_link_email(somebody(), "ann@example.com".to_owned())
            .await
            .unwrap();
        let token = fixture.token("magic-link").await;
        let tries = (0..50).map(|_| fixture.engine.get_auth_grant(somebody(), token.clone()));
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
    for fixture in Fixture::each().await {
        for _ in 0..2 {
            fixture.sign_up(&somebody(), "ann@example.com", PASSWORD).await.unwrap();
        }
        let tokens = fixture.tokens("email-confirm").await;
        let proofs =
            tokens.into_iter().map(|token| fixture.engine.get_auth_grant(somebody(), token));
        let granted = join_all(proofs).await.into_iter().filter_map(Result::ok).count();
        assert_eq!(granted, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_sign_ups_of_one_address_at_once_one_holds_it() {
    for fixture in Fixture::each_with(|settings| settings.confirm_email = false).await {
        let caller = somebody();
        let sign_ups =
            join_all((0..8).map(|_| fixture.sign_up(&caller, "ann@example.com", PASSWORD))).await;
        let (made, taken): (Vec<_>, Vec<_>) = sign_ups.into_iter().partition(Result::is_ok);
        assert_eq!(made.len(), 1);
        taken.into_iter().for_each(|outcome| refused(outcome, Code::EmailNotUnique));
    }
}

/// S111: a double click, or a request that is sent twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_sign_up_sent_eight_times_at_once_is_one_account_whose_password_works() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let caller = Caller { channel: Channel::Api, ..somebody() };
        let sign_ups =
            join_all((0..8).map(|_| fixture.sign_up(&caller, "ann@example.com", PASSWORD))).await;
        assert!(sign_ups.iter().all(Result::is_ok));
        let tokens = fixture.tokens("email-confirm").await;
        fixture.engine.get_auth_grant(caller, tokens[0].clone()).await.unwrap();
        fixture.sign_in("ann@example.com", PASSWORD).await.unwrap();
        let users =
            fixture.engine.store().fetch_all("select id from users", Vec::new()).await.unwrap();
        assert_eq!(users.len(), 1);
    }
}

/// S23: of two that are not the same, whoever proves the address cannot tell which is theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_sign_ups_at_once_with_two_passwords_are_contested() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        let (caller, passwords) = (somebody(), [PASSWORD, "four grey geese there"]);
        let sign_ups =
            join_all(passwords.iter().map(|one| fixture.sign_up(&caller, "ann@example.com", one)))
                .await;
        assert!(sign_ups.iter().all(Result::is_ok));
        let token = fixture.token("email-confirm").await;
        fixture.engine.get_auth_grant(somebody(), token).await.unwrap();
        for password in passwords {
            refused(
                fixture.sign_in("ann@example.com", password).await,
                Code::InvalidSignInCredentials,
            );
        }
    }
}

/// S22
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_changes_to_one_address_at_once_one_wins() {
    for fixture in Fixture::each().await {
        for email in ["ann@example.com", "ben@example.com"] {
            let grant = fixture.signed_in_user(email).await;
            let change = fixture.engine.change_email(
                with(&grant),
                Some(Password::entered(PASSWORD)),
                "new@example.com".to_owned(),
            );
            change.await.unwrap();
        }
        let keys = fixture.change_keys().await;
        assert_eq!(keys.len(), 2);
        let changes =
            keys.into_iter().map(|key| fixture.engine.confirm_email_change(somebody(), key));
        let (won, lost): (Vec<_>, Vec<_>) =
            join_all(changes).await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        lost.into_iter().for_each(|outcome| refused(outcome, Code::EmailNotUnique));
    }
}

/// S34, S35
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_ended_session_is_refused_at_the_next_call_while_others_hammer_on_it() {
    for fixture in Fixture::each().await {
        let keeper = fixture.signed_in_user("ann@example.com").await;
        for _ in 0..20 {
            let grant = fixture.sign_in("ann@example.com", PASSWORD).await.unwrap();
            let hammers: Vec<_> = (0..4)
                .map(|_| {
                    let (engine, caller) = (fixture.engine.clone(), with(&grant));
                    // A remembered session is answered without a wait, so the hammer itself must
                    // let others have a turn.
                    tokio::spawn(async move {
                        while engine.signed_in_user(caller.clone()).await.is_ok() {
                            tokio::task::yield_now().await;
                        }
                    })
                })
                .collect();
            fixture.engine.signed_in_user(with(&grant)).await.unwrap();
            fixture.engine.sign_out_all_except_current(with(&keeper)).await.unwrap();
            for _ in 0..50 {
                refused(
                    fixture.engine.signed_in_user(with(&grant)).await,
                    Code::InvalidSessionToken,
                );
            }
            for hammer in hammers {
                hammer.await.unwrap();
            }
        }
    }
}
