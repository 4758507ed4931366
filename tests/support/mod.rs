//! What the tests stand on: a hall in this process with a clock that can be moved, and people with browsers.

mod browser;
mod hall;
mod mail;
mod page;

pub use browser::Browser;
pub use hall::Hall;
pub use mail::Mail;
pub use page::Page;

/// A password that the rules accept, for people whose password is not the point.
pub const PASSWORD: &str = "a calm blue door";
