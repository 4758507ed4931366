//! The same objects read: what another environment answers, as the port's types.
//!
//! An environment that is not ours leaves fields out and adds its own, so what a person can do
//! without is not insisted on. What nothing can stand in for (an id, a token) makes the whole
//! answer unreadable.

use jiff::Timestamp;

use super::{GrantObject, SessionObject, UserAgentObject, UserObject, VersionObject};
use crate::port::{Agent, SessionToken, User, Version};

/// A session as the wire tells of one: it knows no handle and no last visit.
#[derive(Debug)]
pub struct ReadSession {
    pub user_id: String,
    pub token: SessionToken,
    pub started_at: Timestamp,
    pub agent: Agent,
}

/// A grant as the wire tells of one.
#[derive(Debug)]
pub struct ReadGrant {
    pub user: User,
    pub session: Option<ReadSession>,
}

/// Why an answer is no object of the protocol.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("the user has no id")]
    NoId,
    #[error("the session has no token that can be one")]
    NoToken,
}

impl UserObject {
    /// The user. A date that is missing or no date is the beginning of time; an account whose
    /// `signUpAt` alone is known was last seen then.
    ///
    /// # Errors
    /// When there is no id.
    pub fn read(self) -> Result<User, Unreadable> {
        if self.id.is_empty() {
            return Err(Unreadable::NoId);
        }
        let signed_up_at = read_date(&self.sign_up_at);
        let last_login_at =
            Some(read_date(&self.last_login_at)).filter(|date| *date != Timestamp::UNIX_EPOCH);
        let provider = if self.provider.is_empty() { "altogic".to_owned() } else { self.provider };
        let provider_user_id =
            if self.provider_user_id.is_empty() { self.id.clone() } else { self.provider_user_id };
        Ok(User {
            id: self.id,
            provider,
            provider_user_id,
            email: self.email,
            email_verified: self.email_verified.unwrap_or_default(),
            phone: self.phone,
            phone_verified: self.phone_verified.unwrap_or_default(),
            two_factor: self.two_factor_auth,
            second_factor: self.two_factor_auth,
            name: self.name,
            profile_picture: self.profile_picture,
            last_login_at: last_login_at.unwrap_or(signed_up_at),
            signed_up_at,
            fields: self.fields,
        })
    }
}

impl SessionObject {
    /// The session.
    ///
    /// # Errors
    /// When the token cannot be one.
    pub fn read(self) -> Result<ReadSession, Unreadable> {
        Ok(ReadSession {
            token: SessionToken::parse(&self.token).map_err(|_| Unreadable::NoToken)?,
            started_at: read_date(&self.creation_dtm),
            agent: self.user_agent.into(),
            user_id: self.user_id,
        })
    }
}

impl GrantObject {
    /// The user, and the session where there is one.
    ///
    /// # Errors
    /// When either is unreadable.
    pub fn read(self) -> Result<ReadGrant, Unreadable> {
        let session = self.session.map(SessionObject::read).transpose()?;
        Ok(ReadGrant { user: self.user.read()?, session })
    }
}

impl From<UserAgentObject> for Agent {
    fn from(agent: UserAgentObject) -> Self {
        Self { browser: agent.browser.into(), device: agent.device.into(), system: agent.os.into() }
    }
}

impl From<VersionObject> for Version {
    fn from(VersionObject { family, major, minor, patch }: VersionObject) -> Self {
        Self { family, major, minor, patch }
    }
}

/// User agent when nothing is known of it (altogic-protocol.md §12).
impl Default for VersionObject {
    fn default() -> Self {
        let zero = || "0".to_owned();
        Self { family: "Other".to_owned(), major: zero(), minor: zero(), patch: zero() }
    }
}

fn read_date(text: &str) -> Timestamp {
    text.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer in the protocol's own documentation (altogic-protocol.md §12).
    #[test]
    fn a_user_of_the_original_is_read() {
        let json = r#"{"_id":"6234a7210b72592107523c6c","provider":"altogic","providerUserId":"6234a7210b72592107523c6c",
            "email":"r@example.com","signUpAt":"2022-03-18T15:37:05.835Z","lastLoginAt":"2022-03-18T16:35:13.693Z",
            "emailVerified":true,"name":"Rooby","surname":null}"#;
        let user = serde_json::from_str::<UserObject>(json).unwrap().read().unwrap();
        assert_eq!(
            (user.name.as_deref(), user.email_verified, user.two_factor),
            (Some("Rooby"), true, false)
        );
        assert_eq!(user.last_login_at.as_millisecond(), 1_647_621_313_693);
        assert!(user.fields.contains_key("surname"));
    }

    #[test]
    fn what_one_can_do_without_is_not_insisted_on() {
        let user = serde_json::from_str::<UserObject>(r#"{"_id":"1","email":null}"#)
            .unwrap()
            .read()
            .unwrap();
        assert_eq!(
            (user.provider.as_str(), user.provider_user_id.as_str(), user.email),
            ("altogic", "1", None)
        );
        let session =
            serde_json::from_str::<SessionObject>(r#"{"token":"a","accessGroupKeys":["x"]}"#)
                .unwrap();
        assert_eq!(session.read().unwrap().agent.system.family, "Other");
    }

    #[test]
    fn what_nothing_can_stand_in_for_makes_it_unreadable() {
        assert!(serde_json::from_str::<UserObject>("{}").is_ok_and(|user| user.read().is_err()));
        assert!(
            serde_json::from_str::<SessionObject>(r#"{"token":"a b"}"#)
                .is_ok_and(|session| session.read().is_err())
        );
        assert!(serde_json::from_str::<GrantObject>(r#"{"session":null}"#).is_err());
    }
}
