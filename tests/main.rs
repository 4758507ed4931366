//! The tests of the whole: one binary, so that everything is linked once.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so")]

mod journeys;
mod layers;
mod support;
mod wire;
