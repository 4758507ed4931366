//! The time of an answer does not tell whether an account exists (SECURITY.md S03, S04, S05).

use std::time::{Duration, Instant};

use super::bench::{Bench, PASSWORD, at};
use crate::port::AuthManager;

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
    [times.len() / 4, times.len() / 2, times.len() * 3 / 4].map(|place| times[place].as_secs_f64() * 1000.0)
}

/// Measures; the figures stand in the output.
#[tokio::test]
#[ignore = "a measurement: cargo nextest run --run-ignored only --no-capture measures_"]
async fn measures_the_first_reset_of_known_and_unknown_mailboxes() {
    for bench in Bench::each_with(|settings| settings.limits_factor = 10_000.0).await {
        for number in 0..ROUNDS {
            bench.member(&format!("known-{number}@example.com")).await;
        }
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for number in 0..ROUNDS {
            let ask = |name| bench.engine.send_reset_password_email(at("b"), format!("{name}-{number}@example.com"));
            known.push(timed(ask("known")).await);
            unknown.push(timed(ask("unknown")).await);
        }
        println!("first reset, known {:.1?} unknown {:.1?} ms", quartiles(known), quartiles(unknown));
    }
}

/// Measures; the figures stand in the output.
#[tokio::test]
#[ignore = "a measurement: cargo nextest run --run-ignored only --no-capture measures_"]
async fn measures_sign_ups_for_free_waiting_and_taken_addresses() {
    for bench in Bench::each_with(|settings| settings.limits_factor = 10_000.0).await {
        for number in 0..ROUNDS {
            bench.member(&format!("taken-{number}@example.com")).await;
            bench.sign_up(&at("first"), &format!("waiting-{number}@example.com"), PASSWORD).await.unwrap();
        }
        let [mut free, mut waiting, mut taken] = [(); 3].map(|()| Vec::new());
        for number in 0..ROUNDS {
            let sign_up = async |name| {
                drop(bench.sign_up(&at("b"), &format!("{name}-{number}@example.com"), "eight quiet otters").await);
            };
            free.push(timed(sign_up("free")).await);
            waiting.push(timed(sign_up("waiting")).await);
            taken.push(timed(sign_up("taken")).await);
        }
        let [free, waiting, taken] = [free, waiting, taken].map(quartiles);
        println!("sign-up, free {free:.1?} beside a waiting one {waiting:.1?} taken {taken:.1?} ms");
    }
}
