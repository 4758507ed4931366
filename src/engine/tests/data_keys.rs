//! The secret keys come and go; what is stored stays good (SECURITY.md S96, S112).

use futures_util::future::join_all;

use super::{
    bench::{Bench, PASSWORD, with},
    factors::{challenged, code_of, finish, guarded},
};
use crate::{
    engine::{
        Engine, EngineError, SecretKey,
        data_keys::{self, KeyError, KeyState},
        keys::ApiKeys,
        store::{Store, values},
    },
    port::AuthManager as _,
};

fn keys(numbers: &[u8]) -> Vec<SecretKey> {
    numbers.iter().map(|number| SecretKey::for_tests(*number)).collect()
}

async fn rotated(bench: &Bench, numbers: &[u8]) -> data_keys::Rotation {
    let random = &crate::engine::SystemRandom;
    data_keys::rotate(bench.engine.store(), &keys(numbers), random, bench.now()).await.unwrap()
}

async fn refusal(bench: &Bench, numbers: &[u8]) -> KeyError {
    let mut settings = bench.engine.settings().clone();
    settings.secret_keys = keys(numbers);
    let store = bench.engine.store().clone();
    match Engine::open(settings, store, bench.engine.0.clock.clone(), bench.engine.0.random.clone()).await {
        Err(EngineError::Keys(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("not refused"),
    }
}

/// S96, S112
#[tokio::test]
async fn a_retired_secret_key_locks_nobody_out() {
    for mut bench in Bench::each().await {
        let ann = bench.member("ann@example.com").await;
        let random = &crate::engine::SystemRandom;
        let data_keys = data_keys::open(bench.engine.store(), &keys(&[7]), random, bench.now()).await.unwrap();
        let api_keys = ApiKeys::new(&data_keys);
        let key = api_keys.add(bench.engine.store(), "a robot", None, random, bench.now()).await.unwrap();
        bench.reopen_with(|settings| settings.secret_keys = keys(&[8, 7])).await;
        bench.reopen_with(|settings| settings.secret_keys = keys(&[8])).await;
        assert_eq!(bench.engine.member(with(&ann)).await.unwrap().user.id, ann.user.id);
        assert!(bench.engine.is_api_key(key).await.unwrap());
        bench.sign_in("ann@example.com", PASSWORD).await.unwrap();
    }
}

/// S112
#[tokio::test]
async fn a_wrong_secret_key_is_refused_and_both_are_named() {
    for bench in Bench::each().await {
        let error = refusal(&bench, &[9]).await.to_string();
        for number in [7, 9] {
            let fingerprint = SecretKey::for_tests(number).fingerprint();
            assert!(error.starts_with("secret_key") && error.contains(&fingerprint), "{error}");
        }
    }
}

#[tokio::test]
async fn rotating_says_which_key_may_go_and_retires_one_that_is_gone() {
    for bench in Bench::each().await {
        let seven = SecretKey::for_tests(7).fingerprint();
        let KeyState::Fits { older, .. } = rotated(&bench, &[8, 7]).await.state else { panic!("they fit") };
        assert_eq!(older, std::slice::from_ref(&seven));
        assert_eq!(rotated(&bench, &[8]).await.retired, [seven]);
        assert!(matches!(refusal(&bench, &[7]).await, KeyError::Wrong { .. }));
    }
}

/// S112: of several servers that start at once on a new database, one makes the data key.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_that_start_at_once_make_one_data_key() {
    for bench in Bench::each().await {
        let (store, set) = (bench.engine.store(), keys(&[7]));
        store.execute("delete from key_envelopes", values![]).await.unwrap();
        store.execute("delete from data_keys", values![]).await.unwrap();
        let open = || data_keys::open(store, &set, &crate::engine::SystemRandom, bench.now());
        let opened = join_all((0..4).map(|_| open())).await;
        let derived: Vec<Vec<_>> =
            opened.into_iter().map(|keys| keys.unwrap().iter().map(|key| key.derive("a")).collect()).collect();
        assert!(derived.iter().all(|keys| *keys == derived[0] && keys.len() == 1));
    }
}

/// S112: the authenticator app and the recovery codes go on without the key that they were made under.
#[tokio::test]
async fn a_second_factor_outlives_the_key_that_it_was_made_under() {
    for mut bench in Bench::each().await {
        let (_, key, codes) = guarded(&bench).await;
        bench.reopen_with(|settings| settings.secret_keys = keys(&[8, 7])).await;
        rotated(&bench, &[8, 7]).await;
        bench.reopen_with(|settings| settings.secret_keys = keys(&[8])).await;
        let challenge = challenged(&bench).await;
        finish(&bench, &challenge, &code_of(&bench, &key)).await.unwrap();
        let challenge = challenged(&bench).await;
        finish(&bench, &challenge, codes.shown().next().unwrap()).await.unwrap();
    }
}

/// A database that was used before there were data keys: its sessions were digested with the secret key itself.
#[tokio::test]
async fn a_database_from_before_keeps_what_it_holds() {
    for mut bench in Bench::each().await {
        let ann = bench.member("ann@example.com").await;
        let token = ann.session.token.clone().unwrap();
        let older = crate::engine::settings::Digests::new(&keys(&[7]), "vestibule session token");
        let store: Store = bench.engine.store().clone();
        let sql = "update sessions set token_digest = $1";
        store.execute(sql, values![older.of(token.expose().as_bytes())]).await.unwrap();
        store.execute("delete from key_envelopes", values![]).await.unwrap();
        store.execute("delete from data_keys", values![]).await.unwrap();
        bench.reopen_with(|settings| settings.secret_keys = keys(&[8, 7])).await;
        bench.reopen_with(|settings| settings.secret_keys = keys(&[8])).await;
        assert_eq!(bench.engine.member(with(&ann)).await.unwrap().user.id, ann.user.id);
    }
}
