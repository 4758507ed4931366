//! Fixtures of the tests: a server in this process with a clock that can be moved, and people with
//! browsers.

mod browser;
mod mail;
pub mod oidc;
pub mod oidc_keys;
mod page;
mod served;
mod server;

pub use browser::{Browser, PROXY};
pub use mail::ReceivedEmail;
pub use page::ResultPage;
pub use served::Served;
pub use server::{CLIENT_KEY, TestServer};

/// A password that the rules accept, for people whose password is not the point.
pub const PASSWORD: &str = "a calm blue door";
