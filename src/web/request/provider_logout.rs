//! Cookie state of a pending sign-out at a provider.
//!
//! It goes four steps: offered; asked for, by a press; on the way, with a state that brings it back
//! to this browser alone and once; done. It is worth something for ten minutes, and whoever signs
//! in again has no more need of it.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::port::{Clock, Code, ProviderLogoutOffer, ProviderLogoutToken};

/// How long all of it may take.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// As the cookie has it: one short text, for a cookie has an end.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct ProviderLogout {
    pub(crate) step: ProviderLogoutStep,
    /// When it ends, in seconds since 1970.
    ends: i64,
    /// The provider's name in paths.
    pub(crate) provider: String,
    provider_logout_token: ProviderLogoutToken,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProviderLogoutStep {
    Offered,
    Asked,
    OnTheWay,
    Done,
}

const STEPS: [(&str, ProviderLogoutStep); 4] = [
    ("o", ProviderLogoutStep::Offered),
    ("a", ProviderLogoutStep::Asked),
    ("w", ProviderLogoutStep::OnTheWay),
    ("d", ProviderLogoutStep::Done),
];

impl ProviderLogout {
    /// The first step.
    pub(crate) fn offered(provider_logout: ProviderLogoutOffer, clock: &dyn Clock) -> Self {
        let ends = clock.now().as_second().saturating_add(LIFE.as_secs());
        Self {
            step: ProviderLogoutStep::Offered,
            ends,
            provider: provider_logout.provider,
            provider_logout_token: provider_logout.provider_logout_token,
        }
    }

    /// The same provider logout at another step.
    pub(crate) fn at(&self, step: ProviderLogoutStep) -> Self {
        Self { step, ..self.clone() }
    }

    /// Whether it still counts.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        now.as_second() < self.ends
    }

    /// Token that starts the provider logout, once.
    pub(crate) fn provider_logout_token(&self) -> ProviderLogoutToken {
        self.provider_logout_token.clone()
    }

    /// OAuth state of the provider logout. Derived from the token, which nobody else has, and tells
    /// nothing of it.
    pub(crate) fn state(&self) -> String {
        let digest = Sha256::new()
            .chain_update(b"farewell")
            .chain_update(self.provider_logout_token.expose())
            .finalize();
        BASE64_URL_SAFE_NO_PAD.encode(digest)
    }

    /// Whether that is the way back of this very one.
    pub(crate) fn is_back(&self, provider: &str, state: &str) -> bool {
        let is_its_own = bool::from(self.state().as_bytes().ct_eq(state.as_bytes()));
        self.step == ProviderLogoutStep::OnTheWay && self.provider == provider && is_its_own
    }

    /// As many letters as there can be.
    #[cfg(test)]
    pub(crate) fn longest() -> Self {
        Self::try_from(format!("o 1900000000 {} {}", "p".repeat(32), "t".repeat(43))).unwrap()
    }
}

impl From<ProviderLogout> for String {
    fn from(provider_logout: ProviderLogout) -> Self {
        let step = STEPS
            .iter()
            .find(|(_, step)| *step == provider_logout.step)
            .map_or("", |(letter, _)| letter);
        format!(
            "{step} {} {} {}",
            provider_logout.ends,
            provider_logout.provider,
            provider_logout.provider_logout_token.expose()
        )
    }
}

impl TryFrom<String> for ProviderLogout {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "no provider logout";
        let parts: Vec<&str> = text.split(' ').collect();
        let [letter, ends, provider, provider_logout_token] = parts[..] else { return Err(WRONG) };
        let (_, step) = *STEPS.iter().find(|(own, _)| *own == letter).ok_or(WRONG)?;
        let provider_logout_token =
            ProviderLogoutToken::parse(provider_logout_token).map_err(|_: Code| WRONG)?;
        Ok(Self {
            step,
            ends: ends.parse().map_err(|_| WRONG)?,
            provider: provider.to_owned(),
            provider_logout_token,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_logout_comes_out_of_the_cookie_as_it_went_in() {
        for (_, step) in STEPS {
            let text = String::from(ProviderLogout::longest().at(step));
            let read = ProviderLogout::try_from(text.clone()).unwrap();
            assert_eq!((read.step, String::from(read)), (step, text));
        }
        for text in ["", "o", "x 1 p t", "o never p t", "o 1 p", "o 1 p "] {
            assert!(ProviderLogout::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_its_own_state_brings_it_back_and_only_while_it_is_away() {
        let away = ProviderLogout::longest().at(ProviderLogoutStep::OnTheWay);
        let (provider, state) = (away.provider.clone(), away.state());
        assert!(away.is_back(&provider, &state));
        assert!(!away.is_back(&provider, "") && !away.is_back("other", &state));
        assert!(
            !away.is_back(&provider, away.provider_logout_token.expose()),
            "the token itself is nothing to come back with"
        );
        assert!(
            !away.at(ProviderLogoutStep::Asked).is_back(&provider, &state)
                && !away.at(ProviderLogoutStep::Done).is_back(&provider, &state)
        );
    }
}
