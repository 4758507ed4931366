//! Users: accounts, their fields, and how they leave the engine.

pub(super) mod accounts;
pub(super) mod answers;
pub mod fields;
pub mod inspect;
pub(super) mod objects;
