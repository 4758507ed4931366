//! What the tests stand on: a hall in this process with a clock that can be moved, and people with browsers.

mod browser;
mod hall;
mod mail;
pub mod oidc;
pub mod oidc_keys;
mod page;
mod served;

pub use browser::{Browser, PROXY};
pub use hall::{CLIENT_KEY, Hall};
pub use mail::Mail;
pub use page::Page;
pub use served::Served;

/// A password that the rules accept, for people whose password is not the point.
pub const PASSWORD: &str = "a calm blue door";
