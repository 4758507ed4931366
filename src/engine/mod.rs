//! The embedded backend.

pub mod store;
