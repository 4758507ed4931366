//! Phone input, read against the numbering plans.
//!
//! The plans are regular expressions, of which a hundred are kept compiled: a number of another
//! country costs up to 4 ms. So numbers are read on a thread of their own, after a limit (S108).

use super::{Engine, limits::LimitedAction};
use crate::port::{Caller, Code, Outcome, Phone};

impl Engine {
    /// Reads a number as [`Phone::parse`] does, after a limit.
    ///
    /// # Errors
    /// `RateLimitExceeded`; as [`parse_phone_in`](Self::parse_phone_in).
    pub(super) async fn parse_phone(
        &self,
        caller: &Caller,
        entered: &str,
    ) -> Outcome<Result<Phone, Code>> {
        self.limits().take_from_caller(LimitedAction::ReadPhone, caller, self.now())?;
        self.parse_phone_in(entered.to_owned(), String::new()).await
    }

    /// Reads a number as [`Phone::parse_in`] does.
    ///
    /// # Errors
    /// Unavailable when too many numbers wait. What is wrong with the number is in the answer.
    pub(super) async fn parse_phone_in(
        &self,
        entered: String,
        country: String,
    ) -> Outcome<Result<Phone, Code>> {
        Ok(self.0.phone_pool.run(move || Phone::parse_in(&entered, &country)).await?)
    }
}
