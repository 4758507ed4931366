//! The tests of the whole: one binary, so that everything is linked once.

#![expect(
    unreachable_pub,
    reason = "one binary: `pub` says what the tests may use of the support code"
)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so")]

mod contract;
mod documents;
mod journeys;
mod layers;
mod process;
mod support;
mod vocabulary;
mod wire;
