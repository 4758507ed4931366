//! User objects in answers of the engine: the fields that are declared now, with their defaults.
//! Inside, a user has the fields that are stored.

use super::fields::UserFields;
use crate::port::{
    AccessToken, AuthenticatorKey, Bucket, Challenge, Grant, LogoutByProvider, PhoneVerified,
    ProviderLogoutOffer, ProviderReturn, RecoveryCodes, Session, SignInOutcome, SignedInUser,
    SignedUp, StoredFile, User,
};

/// An answer, which may hold users.
pub(in crate::engine) trait EngineAnswer: Sized {
    /// The answer as it leaves.
    fn shown(self, _: &UserFields) -> Self {
        self
    }

    /// Whose it is, where it says so.
    fn user_id(&self) -> Option<&str> {
        None
    }

    /// Whether a second factor is asked for.
    fn is_challenge(&self) -> bool {
        false
    }
}

/// Answers without a user.
impl EngineAnswer for () {}
impl EngineAnswer for String {}
impl EngineAnswer for ProviderReturn {}
impl EngineAnswer for ProviderLogoutOffer {}
impl EngineAnswer for AuthenticatorKey {}
impl EngineAnswer for AccessToken {}
impl EngineAnswer for Bucket {}
impl EngineAnswer for Challenge {}
impl EngineAnswer for RecoveryCodes {}
impl EngineAnswer for Session {}
impl EngineAnswer for StoredFile {}
impl<T> EngineAnswer for Vec<T> {}

impl<T: EngineAnswer> EngineAnswer for Option<T> {
    fn shown(self, fields: &UserFields) -> Self {
        self.map(|answer| answer.shown(fields))
    }

    fn user_id(&self) -> Option<&str> {
        self.as_ref().and_then(EngineAnswer::user_id)
    }

    fn is_challenge(&self) -> bool {
        self.as_ref().is_some_and(EngineAnswer::is_challenge)
    }
}

impl EngineAnswer for LogoutByProvider {
    fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }
}

impl EngineAnswer for User {
    fn shown(mut self, fields: &UserFields) -> Self {
        self.fields = fields.shown(self.fields);
        self
    }

    fn user_id(&self) -> Option<&str> {
        Some(&self.id)
    }
}

impl EngineAnswer for SignedInUser {
    fn shown(self, fields: &UserFields) -> Self {
        Self { user: self.user.shown(fields), ..self }
    }

    fn user_id(&self) -> Option<&str> {
        Some(&self.user.id)
    }
}

impl EngineAnswer for Grant {
    fn shown(self, fields: &UserFields) -> Self {
        Self { user: self.user.shown(fields), ..self }
    }

    fn user_id(&self) -> Option<&str> {
        Some(&self.user.id)
    }
}

impl EngineAnswer for SignInOutcome {
    fn shown(self, fields: &UserFields) -> Self {
        match self {
            Self::SignedIn(grant) => Self::SignedIn(grant.shown(fields)),
            Self::SecondFactorRequired(challenge) => Self::SecondFactorRequired(challenge),
        }
    }

    fn user_id(&self) -> Option<&str> {
        match self {
            Self::SignedIn(grant) => grant.user_id(),
            Self::SecondFactorRequired(_) => None,
        }
    }

    fn is_challenge(&self) -> bool {
        matches!(self, Self::SecondFactorRequired(_))
    }
}

impl EngineAnswer for SignedUp {
    fn shown(self, fields: &UserFields) -> Self {
        Self { user: self.user.shown(fields), grant: self.grant.shown(fields) }
    }

    fn user_id(&self) -> Option<&str> {
        Some(&self.user.id)
    }
}

impl EngineAnswer for PhoneVerified {
    fn shown(self, fields: &UserFields) -> Self {
        Self { user: self.user.shown(fields), grant: self.grant.shown(fields) }
    }

    fn user_id(&self) -> Option<&str> {
        Some(&self.user.id)
    }
}
