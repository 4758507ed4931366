//! The secret keys come and go; what is stored stays good (S96, S112).

use futures_util::future::join_all;

use super::{
    fixture::{Fixture, PASSWORD, with},
    two_factor::{challenged, code_of, finish, guarded},
};
use crate::{
    engine::{
        Engine, EngineError, SecretKey,
        keys::{
            ApiKeys,
            data_keys::{self, KeyError, KeyState},
        },
        store::{Store, values},
    },
    port::AuthManager as _,
};

fn keys(numbers: &[u8]) -> Vec<SecretKey> {
    numbers.iter().map(|number| SecretKey::for_tests(*number)).collect()
}

async fn rotated(fixture: &Fixture, numbers: &[u8]) -> data_keys::Rotation {
    let random = &crate::engine::SystemRandom;
    data_keys::rotate(fixture.engine.store(), &keys(numbers), random, fixture.now()).await.unwrap()
}

async fn refusal(fixture: &Fixture, numbers: &[u8]) -> KeyError {
    let mut settings = fixture.engine.settings().clone();
    settings.secret_keys = keys(numbers);
    let store = fixture.engine.store().clone();
    match Engine::open(
        settings,
        store,
        fixture.engine.0.clock.clone(),
        fixture.engine.0.random.clone(),
    )
    .await
    {
        Err(EngineError::Keys(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("not refused"),
    }
}

/// S96, S112
#[tokio::test]
async fn a_retired_secret_key_locks_nobody_out() {
    for mut fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        let random = &crate::engine::SystemRandom;
        let data_keys = data_keys::open(fixture.engine.store(), &keys(&[7]), random, fixture.now())
            .await
            .unwrap();
        let api_keys = ApiKeys::new(&data_keys);
        let key = api_keys
            .add(fixture.engine.store(), "a robot", None, random, fixture.now())
            .await
            .unwrap();
        fixture.reopen_with(|settings| settings.secret_keys = keys(&[8, 7])).await;
        fixture.reopen_with(|settings| settings.secret_keys = keys(&[8])).await;
        assert_eq!(fixture.engine.signed_in_user(with(&ann)).await.unwrap().user.id, ann.user.id);
        assert!(fixture.engine.is_api_key(key).await.unwrap());
        fixture.sign_in("ann@example.com", PASSWORD).await.unwrap();
    }
}

/// S112
#[tokio::test]
async fn a_wrong_secret_key_is_refused_and_both_are_named() {
    for fixture in Fixture::each().await {
        let error = refusal(&fixture, &[9]).await.to_string();
        for number in [7, 9] {
            let fingerprint = SecretKey::for_tests(number).fingerprint();
            assert!(error.starts_with("secret_key") && error.contains(&fingerprint), "{error}");
        }
    }
}

#[tokio::test]
async fn rotating_says_which_key_may_go_and_retires_one_that_is_gone() {
    for fixture in Fixture::each().await {
        let seven = SecretKey::for_tests(7).fingerprint();
        let KeyState::Fits { older, .. } = rotated(&fixture, &[8, 7]).await.state else {
            panic!("they fit")
        };
        assert_eq!(older, std::slice::from_ref(&seven));
        assert_eq!(rotated(&fixture, &[8]).await.retired, [seven]);
        assert!(matches!(refusal(&fixture, &[7]).await, KeyError::Wrong { .. }));
    }
}

/// S112: of several servers that start at once on a new database, one makes the data key.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_that_start_at_once_make_one_data_key() {
    for fixture in Fixture::each().await {
        let (store, set) = (fixture.engine.store(), keys(&[7]));
        store.execute("delete from key_envelopes", values![]).await.unwrap();
        store.execute("delete from data_keys", values![]).await.unwrap();
        let open = || data_keys::open(store, &set, &crate::engine::SystemRandom, fixture.now());
        let opened = join_all((0..4).map(|_| open())).await;
        let derived: Vec<Vec<_>> = opened
            .into_iter()
            .map(|keys| keys.unwrap().iter().map(|key| key.derive("a")).collect())
            .collect();
        assert!(derived.iter().all(|keys| *keys == derived[0] && keys.len() == 1));
    }
}

/// S112: the authenticator app and the recovery codes go on without the key that they were made
/// under.
#[tokio::test]
async fn a_second_factor_outlives_the_key_that_it_was_made_under() {
    for mut fixture in Fixture::each().await {
        let (_, key, codes) = guarded(&fixture).await;
        fixture.reopen_with(|settings| settings.secret_keys = keys(&[8, 7])).await;
        rotated(&fixture, &[8, 7]).await;
        fixture.reopen_with(|settings| settings.secret_keys = keys(&[8])).await;
        let challenge = challenged(&fixture).await;
        finish(&fixture, &challenge, &code_of(&fixture, &key)).await.unwrap();
        let challenge = challenged(&fixture).await;
        finish(&fixture, &challenge, codes.shown().next().unwrap()).await.unwrap();
    }
}

/// A database that was used before there were data keys: its sessions were digested with the secret
/// key itself.
#[tokio::test]
async fn a_database_from_before_keeps_what_it_holds() {
    for mut fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        let token = ann.session.token.clone().unwrap();
        let older =
            crate::engine::keys::digests::Digests::new(&keys(&[7]), "vestibule session token");
        let store: Store = fixture.engine.store().clone();
        let sql = "update sessions set token_digest = $1";
        store.execute(sql, values![older.of(token.expose().as_bytes())]).await.unwrap();
        store.execute("delete from key_envelopes", values![]).await.unwrap();
        store.execute("delete from data_keys", values![]).await.unwrap();
        fixture.reopen_with(|settings| settings.secret_keys = keys(&[8, 7])).await;
        fixture.reopen_with(|settings| settings.secret_keys = keys(&[8])).await;
        assert_eq!(fixture.engine.signed_in_user(with(&ann)).await.unwrap().user.id, ann.user.id);
    }
}
