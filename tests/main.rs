//! The tests of the whole: one binary, so that everything is linked once.

mod journeys;
mod layers;
mod support;
mod wire;
