//! What the cookie keeps of somebody who signed out here and may want to at the provider too.
//!
//! It goes four steps: offered; asked for, by a press; on the way, with a state that brings it back to this browser alone and
//! once; done. It is worth something for ten minutes, and whoever signs in again has no more need of it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::port::{Clock, FarewellTicket, ProviderFarewell};

/// How long all of it may take.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// As the cookie has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Farewell {
    /// The provider's name in paths.
    #[serde(rename = "p")]
    pub(crate) provider: String,
    #[serde(rename = "s")]
    pub(crate) step: Step,
    /// When it ends, in seconds since 1970.
    #[serde(rename = "e")]
    ends: i64,
}

/// How far it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    #[serde(rename = "o")]
    Offered { ticket: String },
    #[serde(rename = "a")]
    Asked { ticket: String, state: String },
    #[serde(rename = "w")]
    OnTheWay { state: String },
    #[serde(rename = "d")]
    Done,
}

impl Farewell {
    /// The first step.
    pub(crate) fn offered(farewell: &ProviderFarewell, clock: &dyn Clock) -> Self {
        let ticket = farewell.ticket.expose().to_owned();
        let ends = clock.now().as_second().saturating_add(LIFE.as_secs());
        Self { provider: farewell.provider.clone(), step: Step::Offered { ticket }, ends }
    }

    /// The same farewell, a step further.
    pub(crate) fn at(&self, step: Step) -> Self {
        Self { step, ..self.clone() }
    }

    /// As many letters as there can be.
    #[cfg(test)]
    pub(crate) fn longest() -> Self {
        let step = Step::Asked { ticket: "t".repeat(43), state: "s".repeat(43) };
        Self { provider: "p".repeat(32), step, ends: 1_900_000_000 }
    }

    /// Whether it still counts.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        now.as_second() < self.ends
    }

    /// What it can be asked for with, as long as nobody has gone.
    pub(crate) fn ticket(&self) -> Option<FarewellTicket> {
        match &self.step {
            Step::Offered { ticket } | Step::Asked { ticket, .. } => FarewellTicket::parse(ticket).ok(),
            Step::OnTheWay { .. } | Step::Done => None,
        }
    }

    /// Whether that is the way back of this very one.
    pub(crate) fn is_back(&self, provider: &str, sent: &str) -> bool {
        let Step::OnTheWay { state } = &self.step else { return false };
        self.provider == provider && bool::from(state.as_bytes().ct_eq(sent.as_bytes()))
    }
}
