//! The embedded backend.

pub mod credentials;
pub mod files;
pub mod passwords;
pub mod store;
pub mod user_agent;
