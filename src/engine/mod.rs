//! The embedded backend.

pub mod credentials;
pub mod passwords;
pub mod user_agent;
