//! Sign-in with a provider: Google, Apple and any OpenID Connect server, Facebook, X, GitHub and
//! Discord.
//!
//! # The contract
//!
//! * A journey begins with a row (`starts.rs`): a state of 256 random bits of which a digest is
//!   stored, a nonce and a PKCE verifier, sealed. It is bound to the provider, the browser that
//!   begins, and what it is for: a sign-in, or connecting the account of a signed-in user. It lives
//!   ten minutes and is one answer's: one conditional delete takes it (S26, S27).
//! * An answer is believed only as far as `oidc.rs` and `plain.rs` check it. Each provider has a
//!   callback URL of its own (S28).
//! * An account is found by issuer and subject, and by nothing else (S25). An address that some
//!   account holds already is not taken for the same person: that account's own proof comes first,
//!   then it is connected (S24, `tickets.rs`).
//! * What a journey is worth in the end is an access token, as of an emailed link: it is spent
//!   once, and [`complete_first_factor`](super::operations) asks for second factors after it (S18).
//! * A session knows the sign-in at the provider that it began with (`logins.rs`). Whoever signs
//!   out here is offered to do so there; whoever signs out there is signed out here, as a logout
//!   token tells (`logout_token.rs`, `logouts.rs`).
//! * What goes wrong at a provider is a refusal with a sentence, never a 500: it is down, slow, or
//!   says what cannot be believed (S30). The cause goes into the log, without a word of the
//!   person's.

mod apple;
pub(super) mod authorization_requests;
pub(super) mod grants;
mod http;
pub(super) mod identities;
pub(super) mod logout_events;
mod logout_token;
mod oauth2;
mod oidc;
pub(super) mod picture;
mod probe;
mod profile;
pub(super) mod provider_sessions;
mod registry;

use std::{error::Error, future::Future};

use jiff::Timestamp;
use url::Url;

pub use self::{
    apple::AppleKey,
    probe::probe,
    registry::{ProviderKind, ProviderSettings, is_loopback},
};
use self::{
    authorization_requests::AuthorizationRequests,
    grants::Grants,
    http::{BUDGET, Http, HttpError},
    logout_events::Logout,
    oauth2::OAuth2,
    oidc::{Discovery, Oidc},
    picture::PictureClient,
    provider_sessions::ProviderSessions,
};
pub(super) use profile::ProviderProfile;

use super::keys::secret_key::SecretKey;
use crate::port::{Code, LogoutToken, ProviderOffer};

/// Letters of a cause that the log gets.
const CAUSE_MAX: usize = 400;

/// Secrets of one journey.
pub(super) struct Secrets {
    pub(super) nonce: String,
    pub(super) verifier: String,
}

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    #[error("the provider does not answer")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    #[error("the provider refused the exchange: {0}")]
    Refused(String),
    #[error("what the provider says cannot be believed: {0}")]
    Wrong(&'static str),
    #[error("what the provider says cannot be believed")]
    Unbelievable(#[source] Box<dyn Error + Send + Sync>),
    #[error("the id_token is signed by a key that the provider does not publish")]
    UnknownKey,
}

impl ExchangeError {
    fn wrong(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Unbelievable(Box::new(error))
    }

    /// Error with its causes for the log, without what a parser quotes of the answer, which may be
    /// a token or a person's, and of a length that a log can bear (S80).
    pub(super) fn with_causes(&self) -> String {
        let mut words = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            words.push_str(": ");
            words.push_str(&error.to_string());
            cause = error.source();
        }
        let told = match (words.find('"'), words.rfind('"')) {
            (Some(first), Some(last)) => format!("{}…{}", &words[..first], &words[last + 1..]),
            _ => words,
        };
        told.chars().take(CAUSE_MAX).collect()
    }

    /// Error code for the person.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::Unreachable(_) => Code::ProviderUnreachable,
            _ => Code::ProviderAnswerInvalid,
        }
    }
}

/// The providers that the operator set.
pub(super) struct Providers {
    all: Vec<Provider>,
    public_url: String,
    pub(super) authorization_requests: AuthorizationRequests,
    pub(super) grants: Grants,
    pub(super) provider_sessions: ProviderSessions,
    pub(super) pictures: PictureClient,
}

/// One of them.
pub(super) struct Provider {
    pub(super) settings: ProviderSettings,
    http: Http,
    discovery: Discovery,
}

impl Providers {
    pub(super) fn new(
        settings: &[ProviderSettings],
        public_url: &str,
        keys: &[SecretKey],
    ) -> reqwest::Result<Self> {
        let all = settings.iter().map(|settings| {
            let http = Http::new(settings.is_loopback())?;
            Ok(Provider { settings: settings.clone(), http, discovery: Discovery::default() })
        });
        Ok(Self {
            all: all.collect::<reqwest::Result<_>>()?,
            public_url: public_url.to_owned(),
            authorization_requests: AuthorizationRequests::new(keys),
            grants: Grants::new(keys),
            provider_sessions: ProviderSessions::new(keys),
            pictures: PictureClient,
        })
    }

    /// For the pages: only what is set is offered.
    pub(super) fn capabilities(&self) -> Vec<ProviderOffer> {
        let offer = |provider: &Provider| ProviderOffer {
            name: provider.settings.name.clone(),
            label: provider.settings.label.clone(),
        };
        self.all.iter().map(offer).collect()
    }

    /// The provider of that name, as the settings or the wire call it.
    pub(super) fn named(&self, name: &str) -> Option<&Provider> {
        self.all.iter().find(|provider| provider.settings.is_named(name))
    }

    /// Where the browser goes. At most [`BUDGET`], however much there is to ask.
    pub(super) async fn authorize_url(
        &self,
        provider: &Provider,
        state: &str,
        secrets: &Secrets,
        now: Timestamp,
    ) -> Result<String, ExchangeError> {
        match self.oauth2(provider) {
            Some(oauth2) => oauth2.authorize_url(state, secrets),
            None => in_time(self.oidc(provider, now).authorize_url(state, secrets)).await,
        }
    }

    /// Fetches the profile for a code; at most [`BUDGET`] too. `name` is what Apple tells beside
    /// it, once and never again.
    pub(super) async fn profile(
        &self,
        provider: &Provider,
        code: &str,
        name: Option<&str>,
        secrets: &Secrets,
        now: Timestamp,
    ) -> Result<ProviderProfile, ExchangeError> {
        let profile = match self.oauth2(provider) {
            Some(oauth2) => in_time(oauth2.profile(code, secrets)).await?,
            None => in_time(self.oidc(provider, now).profile(code.to_owned(), secrets)).await?,
        };
        Ok(profile.named(name.filter(|_| provider.settings.kind == ProviderKind::Apple)))
    }

    /// Where the browser goes to sign out there too, and comes back from with `state`. `None` where
    /// the provider has no such place, or no longer.
    pub(super) async fn end_session_url(
        &self,
        provider: &Provider,
        session: &provider_sessions::ReportedSession,
        state: &str,
        now: Timestamp,
    ) -> Result<Option<Url>, ExchangeError> {
        let Provider { settings, .. } = provider;
        if settings.kind.oauth2().is_some() {
            return Ok(None);
        }
        let back = settings.signed_out_url(&self.public_url);
        in_time(self.oidc(provider, now).end_session_url(session, &back, state)).await
    }

    /// Verifies a logout token.
    pub(super) async fn logout(
        &self,
        provider: &Provider,
        token: &LogoutToken,
        now: Timestamp,
    ) -> Result<Logout, ExchangeError> {
        if provider.settings.kind.oauth2().is_some() {
            return Err(ExchangeError::Wrong("it does not speak OpenID Connect"));
        }
        in_time(self.oidc(provider, now).logout(token)).await
    }

    fn oauth2<'a>(&self, provider: &'a Provider) -> Option<OAuth2<'a>> {
        let Provider { settings, http, .. } = provider;
        let endpoints = settings.kind.oauth2()?;
        Some(OAuth2 {
            settings,
            endpoints,
            http,
            callback_url: settings.callback_url(&self.public_url),
        })
    }

    fn oidc<'a>(&self, provider: &'a Provider, now: Timestamp) -> Oidc<'a> {
        let Provider { settings, http, discovery } = provider;
        Oidc {
            settings,
            http,
            discovery,
            callback_url: settings.callback_url(&self.public_url),
            now,
        }
    }
}

/// Somebody waits: what takes several answers has no more time than one (S30).
async fn in_time<T>(
    asked: impl Future<Output = Result<T, ExchangeError>>,
) -> Result<T, ExchangeError> {
    tokio::time::timeout(BUDGET, asked)
        .await
        .map_err(|_| ExchangeError::Unreachable(Box::new(HttpError::Late)))?
}

impl Provider {
    /// Issuer under which identities are stored.
    pub(super) fn issuer(&self) -> &str {
        self.settings.issuer()
    }

    /// Its address, where it is a developer's on this machine.
    pub(super) fn home(&self) -> Option<Url> {
        Url::parse(self.settings.issuer()).ok().filter(is_loopback)
    }

    /// Name on the wire.
    pub(super) fn wire_name(&self) -> &str {
        self.settings.wire_name()
    }

    /// Whether the `iss` of an answer, where there is one, is its own (RFC 9207 §2.4). Of a
    /// provider that sends none, its callback URL says which one answers (S28).
    pub(super) fn is_issuer(&self, issuer: Option<&str>) -> bool {
        issuer.is_none_or(|issuer| issuer == self.settings.issuer())
            || self.settings.kind.oauth2().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S80
    #[test]
    fn what_a_provider_sent_is_not_in_the_log() {
        let answer = r#""eyJhbGciOi \" token""#;
        let parser = serde_json::from_str::<u64>(answer).expect_err("no number");
        let cause = ExchangeError::Unbelievable(Box::new(parser)).with_causes();
        assert!(cause.contains("invalid type: string …, expected u64"), "{cause}");
        assert!(ExchangeError::Refused("x".repeat(9000)).with_causes().len() < 9000);
    }
}
