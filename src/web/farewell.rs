//! What the cookie keeps of somebody who signed out here and may want to at the provider too.
//!
//! It goes four steps: offered; asked for, by a press; on the way, with a state that brings it back to this browser alone and
//! once; done. It is worth something for ten minutes, and whoever signs in again has no more need of it.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::port::{Clock, Code, FarewellTicket, ProviderFarewell};

/// How long all of it may take.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// As the cookie has it: one short text, for a cookie has an end.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Farewell {
    pub(crate) step: Step,
    /// When it ends, in seconds since 1970.
    ends: i64,
    /// The provider's name in paths.
    pub(crate) provider: String,
    ticket: FarewellTicket,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Offered,
    Asked,
    OnTheWay,
    Done,
}

const STEPS: [(&str, Step); 4] = [("o", Step::Offered), ("a", Step::Asked), ("w", Step::OnTheWay), ("d", Step::Done)];

impl Farewell {
    /// The first step.
    pub(crate) fn offered(farewell: ProviderFarewell, clock: &dyn Clock) -> Self {
        let ends = clock.now().as_second().saturating_add(LIFE.as_secs());
        Self { step: Step::Offered, ends, provider: farewell.provider, ticket: farewell.ticket }
    }

    /// The same farewell at another step.
    pub(crate) fn at(&self, step: Step) -> Self {
        Self { step, ..self.clone() }
    }

    /// Whether it still counts.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        now.as_second() < self.ends
    }

    /// What the provider is gone to with, once.
    pub(crate) fn ticket(&self) -> FarewellTicket {
        self.ticket.clone()
    }

    /// What goes there and comes back. Made of the ticket, which nobody else has, and tells nothing of it.
    pub(crate) fn state(&self) -> String {
        let digest = Sha256::new().chain_update(b"farewell").chain_update(self.ticket.expose()).finalize();
        BASE64_URL_SAFE_NO_PAD.encode(digest)
    }

    /// Whether that is the way back of this very one.
    pub(crate) fn is_back(&self, provider: &str, state: &str) -> bool {
        let is_its_own = bool::from(self.state().as_bytes().ct_eq(state.as_bytes()));
        self.step == Step::OnTheWay && self.provider == provider && is_its_own
    }

    /// As many letters as there can be.
    #[cfg(test)]
    pub(crate) fn longest() -> Self {
        Self::try_from(format!("o 1900000000 {} {}", "p".repeat(32), "t".repeat(43))).unwrap()
    }
}

impl From<Farewell> for String {
    fn from(farewell: Farewell) -> Self {
        let step = STEPS.iter().find(|(_, step)| *step == farewell.step).map_or("", |(letter, _)| letter);
        format!("{step} {} {} {}", farewell.ends, farewell.provider, farewell.ticket.expose())
    }
}

impl TryFrom<String> for Farewell {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "no farewell";
        let parts: Vec<&str> = text.split(' ').collect();
        let [letter, ends, provider, ticket] = parts[..] else { return Err(WRONG) };
        let (_, step) = *STEPS.iter().find(|(own, _)| *own == letter).ok_or(WRONG)?;
        let ticket = FarewellTicket::parse(ticket).map_err(|_: Code| WRONG)?;
        Ok(Self { step, ends: ends.parse().map_err(|_| WRONG)?, provider: provider.to_owned(), ticket })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_farewell_comes_out_of_the_cookie_as_it_went_in() {
        for (_, step) in STEPS {
            let text = String::from(Farewell::longest().at(step));
            let read = Farewell::try_from(text.clone()).unwrap();
            assert_eq!((read.step, String::from(read)), (step, text));
        }
        for text in ["", "o", "x 1 p t", "o never p t", "o 1 p", "o 1 p "] {
            assert!(Farewell::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_its_own_state_brings_it_back_and_only_while_it_is_away() {
        let away = Farewell::longest().at(Step::OnTheWay);
        let (provider, state) = (away.provider.clone(), away.state());
        assert!(away.is_back(&provider, &state));
        assert!(!away.is_back(&provider, "") && !away.is_back("other", &state));
        assert!(!away.is_back(&provider, away.ticket.expose()), "the ticket itself is nothing to come back with");
        assert!(!away.at(Step::Asked).is_back(&provider, &state) && !away.at(Step::Done).is_back(&provider, &state));
    }
}
