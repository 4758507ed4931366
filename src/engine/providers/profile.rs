//! Profile from a provider, in one form for all providers.

use url::Url;

use super::{ExchangeError, provider_sessions::ReportedSession};
use crate::{
    engine::users::accounts::parse_name,
    port::{Code, Email},
};

/// Longest subject that is kept, in bytes (OpenID Connect Core 1.0 §2 allows 255 letters of ASCII).
const SUBJECT_MAX: usize = 255;

/// Somebody as their provider knows them.
#[derive(Debug, Clone)]
pub(in crate::engine) struct ProviderProfile {
    /// Never used for anything but itself: neither an address nor a name is looked at to find an
    /// account (S25).
    pub(in crate::engine) subject: String,
    /// Only an address of which the provider says that it was proved there: `email_verified` is
    /// `true`. Nothing, or anything else, is no (S24).
    pub(in crate::engine) email: Option<Email>,
    pub(in crate::engine) name: Option<String>,
    pub(in crate::engine) picture: Option<Url>,
    /// By which its owner knows it again.
    pub(in crate::engine) shown_as: Option<String>,
    /// The sign-in itself.
    pub(in crate::engine) session: ReportedSession,
}

/// As it was told, unchecked.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) email: Option<String>,
    pub(super) email_verified: bool,
    pub(super) name: Option<String>,
    pub(super) picture: Option<String>,
}

impl Told {
    /// Whether there is nothing more to ask for.
    pub(super) fn is_complete(&self) -> bool {
        self.email.is_some() && self.name.is_some() && self.picture.is_some()
    }

    /// Fills missing values from the other profile. An address and whether it is proved stay
    /// together.
    pub(super) fn or(self, other: Option<Self>) -> Self {
        let Some(other) = other else { return self };
        let (email, email_verified) = match self.email {
            Some(email) => (Some(email), self.email_verified),
            None => (other.email, other.email_verified),
        };
        Self {
            email,
            email_verified,
            name: self.name.or(other.name),
            picture: self.picture.or(other.picture),
        }
    }
}

impl ProviderProfile {
    /// Keeps what can be used. A name or address that we would not take from a form is none.
    pub(super) fn of(subject: String, told: Told) -> Result<Self, ExchangeError> {
        if subject.is_empty()
            || subject.len() > SUBJECT_MAX
            || subject.chars().any(char::is_control)
        {
            return Err(ExchangeError::Wrong("it named no subject"));
        }
        let email = told.email.as_deref().and_then(|email| Email::parse(email).ok());
        let name = told.name.as_deref().and_then(name);
        let shown_as = email.as_ref().map(ToString::to_string).or_else(|| name.clone());
        let picture = told.picture.and_then(|picture| Url::parse(&picture).ok());
        let email = email.filter(|_| told.email_verified);
        Ok(Self { subject, email, name, picture, shown_as, session: ReportedSession::default() })
    }

    /// With a name that the provider tells in another place, where it told none before.
    pub(super) fn named(self, told: Option<&str>) -> Self {
        let name = self.name.or_else(|| told.and_then(name));
        Self { shown_as: self.shown_as.or_else(|| name.clone()), name, ..self }
    }
}

/// A name as our own form takes it; a longer one is cut.
fn name(told: &str) -> Option<String> {
    match parse_name(told) {
        Ok(name) => name,
        Err(Code::NameTooLong) => {
            parse_name(&told.chars().take(60).collect::<String>()).ok().flatten()
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(email: &str, email_verified: bool, name: &str) -> Told {
        Told { email: Some(email.into()), email_verified, name: Some(name.into()), picture: None }
    }

    /// S24
    #[test]
    fn only_a_proved_address_is_an_address() {
        let of = |verified| {
            ProviderProfile::of("1".into(), told("Ann@Example.com", verified, "Ann")).unwrap()
        };
        assert_eq!(of(true).email.unwrap().as_str(), "ann@example.com");
        assert!(of(false).email.is_none());
        assert!(
            ProviderProfile::of("1".into(), told("ann at example", true, "Ann"))
                .unwrap()
                .email
                .is_none()
        );
    }

    #[test]
    fn an_address_and_its_proof_stay_together() {
        let own = Told { email: Some("eve@example.com".into()), ..Told::default() };
        assert!(!own.or(Some(told("ann@example.com", true, "Ann"))).email_verified);
    }

    #[test]
    fn without_a_subject_there_is_nobody() {
        for subject in ["", "a\0b", &"a".repeat(256)] {
            assert!(
                ProviderProfile::of(subject.to_owned(), Told::default()).is_err(),
                "{subject:?}"
            );
        }
        assert_eq!(
            ProviderProfile::of("1".into(), told("x", true, &"n".repeat(200)))
                .unwrap()
                .name
                .unwrap()
                .len(),
            60
        );
    }
}
