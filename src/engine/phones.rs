//! Phone input, read against the numbering plans.
//!
//! The plans are regular expressions, of which a hundred are kept compiled: a number of another
//! country costs up to 4 ms. So numbers are read on a thread of their own, after a limit (S108).

use super::{Engine, limits::LimitedAction};
use crate::port::{Caller, Code, Field, OneTimeCode, Outcome, Phone, Problem, Refusal};

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

/// Reads a number and a code; all that is wrong is told at once.
///
/// # Errors
/// The problems, each at its field; as [`Engine::parse_phone`].
pub(super) async fn parse_phone_and_code(
    engine: &Engine,
    caller: &Caller,
    phone: &str,
    code: &str,
) -> Outcome<(Phone, OneTimeCode)> {
    let (phone, code) = (engine.parse_phone(caller, phone).await?, OneTimeCode::parse(code));
    let problem = |code: Option<Code>, field| code.map(|code| Problem { code, field: Some(field) });
    let problems = [
        problem(phone.as_ref().err().copied(), Field::Phone),
        problem(code.as_ref().err().copied(), Field::OneTimeCode),
    ];
    Refusal::of_all(problems.into_iter().flatten().collect())?;
    let phone = phone.map_err(|code| Refusal::at(Field::Phone, code))?;
    Ok((phone, code.map_err(|code| Refusal::at(Field::OneTimeCode, code))?))
}
