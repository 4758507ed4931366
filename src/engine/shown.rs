//! What a user shows when an answer leaves the engine: the fields that are declared now, with their defaults. Inside, a user
//! has the fields that are stored.

use super::fields::Fields;
use crate::port::{
    AccessToken, AuthenticatorKey, Bucket, Challenge, EndedByProvider, Entrance, Grant, Member, PhoneVerified,
    ProviderFarewell, ProviderReturn, RecoveryCodes, Session, SignedUp, StoredFile, User,
};

/// An answer, which may hold users.
pub(super) trait Shown: Sized {
    /// The answer as it leaves.
    fn shown(self, _: &Fields) -> Self {
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
impl Shown for () {}
impl Shown for String {}
impl Shown for ProviderReturn {}
impl Shown for ProviderFarewell {}
impl Shown for AuthenticatorKey {}
impl Shown for AccessToken {}
impl Shown for Bucket {}
impl Shown for Challenge {}
impl Shown for RecoveryCodes {}
impl Shown for Session {}
impl Shown for StoredFile {}
impl<T> Shown for Vec<T> {}

impl<T: Shown> Shown for Option<T> {
    fn shown(self, fields: &Fields) -> Self {
        self.map(|answer| answer.shown(fields))
    }

    fn user_id(&self) -> Option<&str> {
        self.as_ref().and_then(Shown::user_id)
    }

    fn is_challenge(&self) -> bool {
        self.as_ref().is_some_and(Shown::is_challenge)
    }
}

impl Shown for EndedByProvider {
    fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }
}

impl Shown for User {
    fn shown(mut self, fields: &Fields) -> Self {
        self.fields = fields.shown(self.fields);
        self
    }

    fn user_id(&self) -> Option<&str> {
        Some(&self.id)
    }
}

impl Shown for Member {
    fn shown(self, fields: &Fields) -> Self {
        Self { user: self.user.shown(fields), ..self }
    }

    fn user_id(&self) -> Option<&str> {
        Some(&self.user.id)
    }
}

impl Shown for Grant {
    fn shown(self, fields: &Fields) -> Self {
        Self { user: self.user.shown(fields), ..self }
    }

    fn user_id(&self) -> Option<&str> {
        Some(&self.user.id)
    }
}

impl Shown for Entrance {
    fn shown(self, fields: &Fields) -> Self {
        match self {
            Self::Granted(grant) => Self::Granted(grant.shown(fields)),
            Self::Challenged(challenge) => Self::Challenged(challenge),
        }
    }

    fn user_id(&self) -> Option<&str> {
        match self {
            Self::Granted(grant) => grant.user_id(),
            Self::Challenged(_) => None,
        }
    }

    fn is_challenge(&self) -> bool {
        matches!(self, Self::Challenged(_))
    }
}

impl Shown for SignedUp {
    fn shown(self, fields: &Fields) -> Self {
        Self { user: self.user.shown(fields), grant: self.grant.shown(fields) }
    }

    fn user_id(&self) -> Option<&str> {
        Some(&self.user.id)
    }
}

impl Shown for PhoneVerified {
    fn shown(self, fields: &Fields) -> Self {
        Self { user: self.user.shown(fields), grant: self.grant.shown(fields) }
    }

    fn user_id(&self) -> Option<&str> {
        Some(&self.user.id)
    }
}
