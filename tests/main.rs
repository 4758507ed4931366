//! The tests of the whole: one binary, so that everything is linked once.

mod journeys;
mod support;
mod wire;
