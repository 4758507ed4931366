//! The time of an answer does not tell whether an account exists (S03, S04, S05).

use std::time::{Duration, Instant};

use super::fixture::{Fixture, PASSWORD, at};
use crate::port::{AuthManager, Caller, Channel, Outcome, Password, SignUpWithPhone, SignedUp};

/// Requests of each kind, by turns.
const ROUNDS: usize = 40;

async fn timed<T>(request: impl Future<Output = T>) -> Duration {
    let begun = Instant::now();
    request.await;
    begun.elapsed()
}

/// Lower quartile, median and upper quartile, in milliseconds.
fn quartiles(mut times: Vec<Duration>) -> [f64; 3] {
    times.sort();
    [times.len() / 4, times.len() / 2, times.len() * 3 / 4]
        .map(|place| times[place].as_secs_f64() * 1000.0)
}

/// S03: by turns and by medians, so that other work on the machine counts for both.
#[tokio::test]
async fn the_first_reset_takes_one_time_for_known_and_unknown_mailboxes() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 10_000.0).await {
        for number in 0..ROUNDS {
            fixture.signed_in_user(&format!("known-{number}@example.com")).await;
        }
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for number in 0..ROUNDS {
            let ask = |name| {
                fixture
                    .engine
                    .send_reset_password_email(at("b"), format!("{name}-{number}@example.com"))
            };
            known.push(timed(ask("known")).await);
            unknown.push(timed(ask("unknown")).await);
        }
        let [known, unknown] = [known, unknown].map(|times| quartiles(times)[1]);
        println!("first reset, known {known:.1} unknown {unknown:.1} ms");
        assert!(
            (0.67..1.5).contains(&(known / unknown)),
            "known {known:.1} unknown {unknown:.1} ms"
        );
    }
}

/// Measures; the stats stand in the output.
#[tokio::test]
#[ignore = "a measurement: cargo nextest run --run-ignored only --no-capture measures_"]
async fn measures_sign_ups_for_free_waiting_and_taken_addresses() {
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 10_000.0).await {
        for number in 0..ROUNDS {
            fixture.signed_in_user(&format!("taken-{number}@example.com")).await;
            fixture
                .sign_up(&at("first"), &format!("waiting-{number}@example.com"), PASSWORD)
                .await
                .unwrap();
        }
        let [mut free, mut waiting, mut taken] = [(); 3].map(|()| Vec::new());
        for number in 0..ROUNDS {
            let sign_up = async |name| {
                drop(
                    fixture
                        .sign_up(
                            &at("b"),
                            &format!("{name}-{number}@example.com"),
                            "eight quiet otters",
                        )
                        .await,
                );
            };
            free.push(timed(sign_up("free")).await);
            waiting.push(timed(sign_up("waiting")).await);
            taken.push(timed(sign_up("taken")).await);
        }
        let [free, waiting, taken] = [free, waiting, taken].map(quartiles);
        println!(
            "sign-up, free {free:.1?} beside a waiting one {waiting:.1?} taken {taken:.1?} ms"
        );
    }
}

/// S04: by email and by phone, on both channels, beside a sign-up that waits, and for a taken
/// address.
#[tokio::test]
async fn a_sign_up_costs_one_hash_whoever_else_has_the_address() {
    let channels = [Channel::Pages, Channel::Api];
    for fixture in Fixture::each_with(|settings| settings.limits_factor = 100.0).await {
        fixture.signed_in_user("taken@example.com").await;
        fixture.sign_up(&at("first"), "waiting@example.com", PASSWORD).await.unwrap();
        fixture.sign_up_by_phone(at("first"), "+4915112345678", PASSWORD).await.unwrap();
        let count = || fixture.engine.stats().hashes;
        let passwords = ["eight quiet otters", PASSWORD];
        let ways =
            channels.into_iter().flat_map(|channel| passwords.map(|password| (channel, password)));
        for (channel, password) in ways {
            let caller = Caller { channel, ..at("b") };
            for email in [
                "free@example.com",
                "waiting@example.com",
                "waiting@example.com",
                "taken@example.com",
            ] {
                let before = count();
                drop(fixture.sign_up(&caller, email, password).await);
                assert_eq!(count(), before + 1, "{email} {channel:?}");
            }
            for phone in ["+4915112345678", "+4915112345678", "+4915112345679"] {
                let before = count();
                drop(fixture.sign_up_by_phone(caller.clone(), phone, password).await);
                assert_eq!(count(), before + 1, "{phone} {channel:?}");
            }
        }
    }
}

impl Fixture {
    async fn sign_up_by_phone(
        &self,
        caller: Caller,
        phone: &str,
        password: &str,
    ) -> Outcome<SignedUp> {
        let sign_up = SignUpWithPhone {
            phone: phone.to_owned(),
            password: Password::entered(password),
            name: None,
            fields: serde_json::Map::new(),
        };
        self.engine.sign_up_with_phone(caller, sign_up).await
    }
}
