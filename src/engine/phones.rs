//! Phone input, read against the numbering plans.
//!
//! The plans are regular expressions, of which a hundred are kept compiled: a number of another country costs up to 4 ms. So
//! numbers are read on a thread of their own, after a limit (SECURITY.md S108).

use super::{Engine, limits::Action};
use crate::port::{Caller, Code, Outcome, Phone};

impl Engine {
    /// Reads a number as [`Phone::parse`] does, after a limit.
    ///
    /// # Errors
    /// `RateLimitExceeded`; as [`parse_phone_in`](Self::parse_phone_in).
    pub(super) async fn parse_phone(&self, caller: &Caller, typed: &str) -> Outcome<Result<Phone, Code>> {
        self.limits().take_from_caller(Action::ReadPhone, caller, self.now())?;
        self.parse_phone_in(typed.to_owned(), String::new()).await
    }

    /// Reads a number as [`Phone::parse_in`] does.
    ///
    /// # Errors
    /// Unavailable when too many numbers wait. What is wrong with the number is in the answer.
    pub(super) async fn parse_phone_in(&self, typed: String, country: String) -> Outcome<Result<Phone, Code>> {
        Ok(self.0.phone_pool.run(move || Phone::parse_in(&typed, &country)).await?)
    }
}
