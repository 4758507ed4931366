//! Password hash costs, and rehashing when the operator raises them.

use super::fixture::{Fixture, PASSWORD, refused, somebody};
use crate::{
    engine::{passwords::hashing::HashCost, store::values},
    port::{AuthManager, Code, Password},
};

const EMAIL: &str = "ann@example.com";

impl Fixture {
    async fn stored_hash(&self) -> String {
        let sql = "select password_hash from users where email = $1";
        let row = self
            .engine
            .store()
            .fetch_optional(sql, values![EMAIL])
            .await
            .unwrap()
            .expect("an account");
        row.text("password_hash").unwrap()
    }
}

/// S11
#[tokio::test]
async fn a_password_is_hashed_anew_at_the_next_sign_in_after_the_cost_grew() {
    let floor = |settings: &mut crate::engine::EngineSettings| {
        settings.password_cost = HashCost { memory: 7_168, passes: 5 }
    };
    for mut fixture in Fixture::each_with(floor).await {
        fixture.signed_in_user(EMAIL).await;
        let before = fixture.stored_hash().await;
        assert!(before.contains("$m=7168,t=5,p=1$"), "{before}");

        fixture
            .reopen_with(|settings| settings.password_cost = HashCost { memory: 20_480, passes: 6 })
            .await;
        refused(fixture.sign_in(EMAIL, "a wrong password").await, Code::InvalidSignInCredentials);
        assert_eq!(
            fixture.stored_hash().await,
            before,
            "only the right password is at hand to be hashed"
        );
        fixture.sign_in(EMAIL, PASSWORD).await.unwrap();
        let after = fixture.stored_hash().await;
        assert!(after.contains("$m=20480,t=6,p=1$"), "{after}");

        fixture.sign_in(EMAIL, PASSWORD).await.unwrap();
        refused(fixture.sign_in(EMAIL, "a wrong password").await, Code::InvalidSignInCredentials);
        assert_eq!(fixture.stored_hash().await, after, "once is enough");
    }
}

/// A setting that is taken back weakens no hash that is there.
#[tokio::test]
async fn a_hash_that_cost_more_than_is_asked_for_now_stays() {
    for mut fixture in Fixture::each_with(|settings| settings.password_cost.passes = 3).await {
        fixture.signed_in_user(EMAIL).await;
        let before = fixture.stored_hash().await;
        fixture.reopen_with(|settings| settings.password_cost = HashCost::default()).await;
        fixture.sign_in(EMAIL, PASSWORD).await.unwrap();
        assert_eq!(fixture.stored_hash().await, before);
    }
}

/// S11, S45: of many sign-ins at once each gets in, and the hash is one of theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sign_ins_at_once_after_the_cost_grew_lose_no_password() {
    for mut fixture in Fixture::each().await {
        fixture.signed_in_user(EMAIL).await;
        fixture.reopen_with(|settings| settings.password_cost.passes = 3).await;
        let tries = (0..4).map(|_| {
            fixture.engine.sign_in_with_email(
                somebody(),
                EMAIL.to_owned(),
                Password::entered(PASSWORD),
            )
        });
        for outcome in futures_util::future::join_all(tries).await {
            outcome.unwrap();
        }
        fixture.sign_in(EMAIL, PASSWORD).await.unwrap();
        assert!(fixture.stored_hash().await.contains(",t=3,"));
    }
}
