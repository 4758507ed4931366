//! JSON objects of responses, after altogic-protocol.md §12, made from the port's types.

mod reading;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::reading::{ReadGrant, ReadSession, Unreadable};
use crate::port::{Agent, Grant, PhoneVerified, Session, SignedUp, User, Version};

/// A user. Absent fields are absent, not `null`; a password is never part of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserObject {
    #[serde(rename = "_id", default)]
    id: String,
    #[serde(default)]
    provider: String,
    #[serde(default)]
    provider_user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_verified: Option<bool>,
    #[serde(default)]
    two_factor_auth: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_picture: Option<String>,
    #[serde(default)]
    sign_up_at: String,
    #[serde(default)]
    last_login_at: String,
    /// The fields that the operator declared; the settings keep their names apart from those above.
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// A session. Its user agent is always complete: applications read `session.userAgent.os.family`
/// unguarded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionObject {
    #[serde(default)]
    user_id: String,
    token: String,
    #[serde(default)]
    creation_dtm: String,
    #[serde(skip_deserializing)]
    access_group_keys: [String; 0],
    #[serde(default)]
    user_agent: UserAgentObject,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct UserAgentObject {
    #[serde(flatten)]
    browser: VersionObject,
    #[serde(default)]
    device: VersionObject,
    #[serde(default)]
    os: VersionObject,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct VersionObject {
    family: String,
    major: String,
    minor: String,
    patch: String,
}

/// `{user, session}`; `session` is `null` while the sign-up waits for its proof.
#[derive(Debug, Serialize, Deserialize)]
pub struct GrantObject {
    user: UserObject,
    session: Option<SessionObject>,
}

/// `{user, session}` after a number was proved; `session` is `null` when that finished a change and
/// not a sign-up.
#[derive(Debug, Serialize)]
pub struct PhoneVerifiedObject {
    user: UserObject,
    session: Option<SessionObject>,
}

/// `{session, found}`: a grant as the two-factor example reads it (§8).
#[derive(Debug, Serialize)]
pub struct FoundObject {
    session: SessionObject,
    found: UserObject,
}

impl From<User> for UserObject {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            provider: user.provider,
            provider_user_id: user.provider_user_id,
            email_verified: user.email.is_some().then_some(user.email_verified),
            email: user.email,
            phone_verified: user.phone.is_some().then_some(user.phone_verified),
            phone: user.phone,
            two_factor_auth: user.two_factor,
            name: user.name,
            profile_picture: user.profile_picture,
            sign_up_at: date(user.signed_up_at),
            last_login_at: date(user.last_login_at),
            fields: user.fields,
        }
    }
}

impl From<Session> for SessionObject {
    /// The token is the real one for the caller's own session, elsewhere the handle that `signout`
    /// takes.
    fn from(session: Session) -> Self {
        Self {
            user_id: session.user_id,
            token: session.token.map_or(session.handle, |token| token.expose().to_owned()),
            creation_dtm: date(session.started_at),
            access_group_keys: [],
            user_agent: session.agent.into(),
        }
    }
}

impl From<Agent> for UserAgentObject {
    fn from(agent: Agent) -> Self {
        Self { browser: agent.browser.into(), device: agent.device.into(), os: agent.system.into() }
    }
}

impl From<Version> for VersionObject {
    fn from(Version { family, major, minor, patch }: Version) -> Self {
        Self { family, major, minor, patch }
    }
}

impl From<Grant> for GrantObject {
    fn from(grant: Grant) -> Self {
        Self { user: grant.user.into(), session: Some(grant.session.into()) }
    }
}

impl From<SignedUp> for GrantObject {
    fn from(signed_up: SignedUp) -> Self {
        match signed_up.grant {
            Some(grant) => grant.into(),
            None => Self { user: signed_up.user.into(), session: None },
        }
    }
}

impl From<PhoneVerified> for PhoneVerifiedObject {
    fn from(verified: PhoneVerified) -> Self {
        Self {
            user: verified.user.into(),
            session: verified.grant.map(|grant| grant.session.into()),
        }
    }
}

impl From<Grant> for FoundObject {
    fn from(grant: Grant) -> Self {
        Self { session: grant.session.into(), found: grant.user.into() }
    }
}

/// ISO 8601 in UTC with milliseconds, as JavaScript writes dates (§4).
pub(super) fn date(timestamp: Timestamp) -> String {
    timestamp.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_always_has_its_milliseconds() {
        assert_eq!(
            date(Timestamp::from_millisecond(1_647_617_855_835).unwrap()),
            "2022-03-18T15:37:35.835Z"
        );
        assert_eq!(date(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }
}
