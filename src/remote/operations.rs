//! The operations that are more than one call, or whose answer must be put together.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Remote, rejection, sessions, unreadable,
    wire::{Ask, Reply, unavailable},
};
use crate::{
    port::{
        Caller, Challenge, ChallengeToken, Channel, Code, Factors, Failure, FieldUpdate, Grant,
        OperationError, Outcome, Password, PhoneVerified, RecoveryCodes, SecondFactorOf,
        SecondFactors, SentCode, Session, SignInOutcome, SignedInUser, SignedUp, Update, User,
    },
    protocol::{
        objects::{GrantObject, ReadGrant, SessionObject, UserObject},
        paths,
        refusals::{Rejected, RequestContext},
    },
};

/// How long the code of a second factor lives in the original (altogic-protocol.md §4); not every
/// environment says it.
const CODE_TIME: SignedDuration = SignedDuration::from_mins(1);

/// The answer of `/user/verify-sign-in`: the user is under `found`.
#[derive(Deserialize)]
struct SecondFactorObject {
    found: UserObject,
    session: SessionObject,
}

pub(super) async fn verify_phone(
    remote: &Remote,
    caller: &Caller,
    ask: Ask,
) -> Outcome<PhoneVerified> {
    let (user, grant) = remote.granted(remote.ask(caller, ask).await?)?;
    Ok(PhoneVerified { user, grant })
}

pub(super) async fn sign_in_with_second_factor(
    remote: &Remote,
    caller: &Caller,
    of: &SecondFactorOf,
    code: &str,
) -> Outcome<Grant> {
    let phone = match of {
        SecondFactorOf::Phone(phone) => phone.clone(),
        SecondFactorOf::Challenge(token) => phone_of(token)?,
    };
    let body = json!({ "code": code, "phoneNumber": phone });
    let ask = Ask::post_at_root(paths::VERIFY_SIGN_IN, RequestContext::OneTimeCode).json(body);
    let SecondFactorObject { found, session } = remote.ask(caller, ask).await?;
    let user = remote.0.pictures.shown(found.read().map_err(unreadable)?);
    let session = sessions::granted(session.read().map_err(unreadable)?, remote.0.clock.now());
    Ok(Grant { user, session, device: None })
}

/// Second factors that the wire knows: the one by SMS.
pub(super) async fn second_factors(remote: &Remote, caller: &Caller) -> Outcome<SecondFactors> {
    let text = remote.current(caller).await?.user.two_factor;
    Ok(SecondFactors {
        text,
        authenticator_since: None,
        recovery_codes: 0,
        trusted_browsers: Vec::new(),
    })
}

pub(super) async fn switch_sms_factor(
    remote: &Remote,
    caller: &Caller,
    on: bool,
) -> Outcome<Option<RecoveryCodes>> {
    let user = remote.current(caller).await?.user;
    let update = FieldUpdate { field: "twoFactorAuth".to_owned(), update: Update::Set(on.into()) };
    remote.update(caller, &user.id, vec![update]).await?;
    Ok(None)
}

/// The answer of the wire is empty, so the session is looked up before: afterwards a failure would
/// hide that it worked.
pub(super) async fn change_password(
    remote: &Remote,
    caller: &Caller,
    old: &Password,
    new: &Password,
) -> Outcome<Session> {
    let session = remote.current(caller).await?.session;
    let body = json!({ "oldPassword": old.expose(), "newPassword": new.expose() });
    remote
        .call_without_result(
            caller,
            Ask::post(paths::CHANGE_PASSWORD, RequestContext::Confirmed).json(body),
        )
        .await?;
    Ok(session)
}

/// At our pages nobody is told that an address is taken (S04), where the environment emails a link
/// to prove it.
pub(super) async fn change_email(remote: &Remote, caller: &Caller, body: Value) -> Outcome<User> {
    let changed = remote
        .user(caller, Ask::post(paths::CHANGE_EMAIL, RequestContext::Confirmed).json(body))
        .await;
    match changed {
        Err(rejection)
            if remote.0.capabilities.confirm_email
                && is_told(caller, &rejection, Code::EmailNotUnique) =>
        {
            Ok(remote.current(caller).await?.user)
        }
        changed => changed,
    }
}

/// As [`change_email`].
pub(super) async fn change_phone(remote: &Remote, caller: &Caller, body: Value) -> Outcome<User> {
    let changed = remote
        .user(caller, Ask::post(paths::CHANGE_PHONE, RequestContext::Confirmed).json(body))
        .await;
    match changed {
        Err(rejection)
            if remote.0.capabilities.confirm_phone
                && is_told(caller, &rejection, Code::PhoneNotUnique) =>
        {
            Ok(remote.current(caller).await?.user)
        }
        changed => changed,
    }
}

/// Whether that would be told to a person at our pages.
fn is_told(caller: &Caller, rejection: &OperationError, code: Code) -> bool {
    caller.channel == Channel::Pages
        && matches!(rejection, OperationError::Rejected(refusal) if refusal.is(code))
}

pub(super) async fn sign_out(
    remote: &Remote,
    caller: &Caller,
    handle: Option<String>,
) -> Outcome<()> {
    let body = match handle {
        None => json!({}),
        Some(handle) => match remote.token_of(caller, handle).await? {
            Some(token) => json!({ "token": token }),
            None => return Ok(()),
        },
    };
    remote
        .call_without_result(caller, Ask::post(paths::SIGN_OUT, RequestContext::Session).json(body))
        .await
}

/// The wire wants to know whose object it is, so the user is asked for first.
pub(super) async fn update_user(
    remote: &Remote,
    caller: &Caller,
    updates: Vec<FieldUpdate>,
) -> Outcome<User> {
    let user = remote.current(caller).await?.user;
    remote.update(caller, &user.id, updates).await
}

impl Remote {
    /// Signed-in user of the call.
    pub(super) async fn current(&self, caller: &Caller) -> Outcome<SignedInUser> {
        let token = caller.session.clone().ok_or(Code::MissingSessionToken)?;
        let user = self.user(caller, Ask::get(paths::USER, RequestContext::Session)).await?;
        Ok(SignedInUser { session: sessions::own(&user, token, self.0.clock.now()), user })
    }

    pub(super) async fn user(&self, caller: &Caller, ask: Ask) -> Outcome<User> {
        let user: UserObject = self.ask(caller, ask).await?;
        Ok(self.0.pictures.shown(user.read().map_err(unreadable)?))
    }

    /// Where there is nothing but a name, it goes as a text: every version of the protocol takes
    /// that.
    pub(super) fn add_user_data(
        body: &mut Value,
        name: Option<String>,
        mut fields: Map<String, Value>,
    ) {
        let data = match name {
            None if fields.is_empty() => return,
            Some(name) if fields.is_empty() => Value::String(name),
            Some(name) => {
                fields.insert("name".to_owned(), Value::String(name));
                Value::Object(fields)
            }
            None => Value::Object(fields),
        };
        body["nameOrUserData"] = data;
    }

    pub(super) async fn sign_up(&self, caller: &Caller, ask: Ask) -> Outcome<SignedUp> {
        let (user, grant) = self.granted(self.ask(caller, ask).await?)?;
        Ok(SignedUp { user, grant })
    }

    /// A first factor: in, or a challenge.
    pub(super) async fn first_factor(&self, caller: &Caller, ask: Ask) -> Outcome<SignInOutcome> {
        let asked = ask.asked;
        let body = match self.0.wire.call(ask, caller).await? {
            Reply::Done(body) => body,
            Reply::Rejected(rejected) => {
                let challenge = self.challenge(&rejected).map(SignInOutcome::SecondFactorRequired);
                return challenge.ok_or_else(|| rejection(&rejected, asked));
            }
        };
        let (_, grant) = self.granted(super::read(&body)?)?;
        Ok(SignInOutcome::SignedIn(with_session(grant)?))
    }

    /// Something that is sent, if there is somebody to send it to: an environment that says there
    /// is nobody is not passed on.
    pub(super) async fn answer_alike(&self, caller: &Caller, ask: Ask) -> Outcome<()> {
        let asked = ask.asked;
        match self.0.wire.call(ask, caller).await? {
            Reply::Rejected(rejected) if !rejected.tells_of_an_account() => {
                Err(rejection(&rejected, asked))
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn all_sessions(&self, caller: &Caller) -> Outcome<Vec<Session>> {
        let now = self.0.clock.now();
        let mut listed = Vec::new();
        for session in self.listed(caller).await? {
            listed.push(sessions::listed(
                session.read().map_err(unreadable)?,
                caller.session.as_ref(),
                now,
            ));
        }
        listed.sort_by_key(|session| std::cmp::Reverse(session.started_at));
        Ok(listed)
    }

    pub(super) async fn update(
        &self,
        caller: &Caller,
        user_id: &str,
        updates: Vec<FieldUpdate>,
    ) -> Outcome<User> {
        let updates: Vec<Value> = updates.into_iter().map(wire_update).collect();
        let body = json!({
            "model": "users", "id": user_id, "updates": updates,
            "options": { "cache": "nocache", "returnTop": false },
        });
        self.user(caller, Ask::post(paths::OBJECT_UPDATE_FIELDS, RequestContext::Update).json(body))
            .await
    }

    /// The token that a handle stands for; `None` where its session has ended already, which is
    /// what was asked for. What is no handle of this account goes as it is, for it may be a real
    /// token.
    async fn token_of(&self, caller: &Caller, handle: String) -> Outcome<Option<String>> {
        let mut has_ended = false;
        for session in self.listed(caller).await? {
            let session = session.read().map_err(unreadable)?;
            if sessions::handle(&session.user_id, &session.token) == handle {
                return Ok(Some(session.token.expose().to_owned()));
            }
            has_ended |= sessions::is_of(&session.user_id, &handle);
        }
        Ok((!has_ended).then_some(handle))
    }

    async fn listed(&self, caller: &Caller) -> Outcome<Vec<SessionObject>> {
        self.ask(caller, Ask::get(paths::SESSIONS, RequestContext::Session)).await
    }

    fn granted(&self, object: GrantObject) -> Outcome<(User, Option<Grant>)> {
        let ReadGrant { user, session } = object.read().map_err(unreadable)?;
        let user = self.0.pictures.shown(user);
        let session = session.map(|session| sessions::granted(session, self.0.clock.now()));
        let grant = session.map(|session| Grant { user: user.clone(), session, device: None });
        Ok((user, grant))
    }

    fn challenge(&self, rejected: &Rejected) -> Option<Challenge> {
        let phone = rejected.second_factor_phone()?.to_owned();
        let token = ChallengeToken::parse(&BASE64_URL_SAFE_NO_PAD.encode(&phone)).ok()?;
        let expires_at =
            rejected.second_factor_expires_at().unwrap_or_else(|| self.0.clock.now() + CODE_TIME);
        let factors = Factors { text: true, ..Factors::default() };
        Some(Challenge { token, factors, sent: Some(SentCode { phone, expires_at }) })
    }
}

fn with_session(grant: Option<Grant>) -> Result<Grant, Failure> {
    grant.ok_or_else(|| unavailable(None, "the environment granted no session"))
}

/// The number that our own challenge names.
fn phone_of(token: &ChallengeToken) -> Result<String, Code> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token.expose()).map_err(|_| Code::ChallengeGone)?;
    String::from_utf8(bytes).map_err(|_| Code::ChallengeGone)
}

fn wire_update(FieldUpdate { field, update }: FieldUpdate) -> Value {
    let (kind, value) = match update {
        Update::Set(value) => ("set", Some(value)),
        Update::Unset => ("unset", None),
        Update::Increment(value) => ("increment", Some(value)),
        Update::Decrement(value) => ("decrement", Some(value)),
        Update::Multiply(value) => ("multiply", Some(value)),
        Update::Min(value) => ("min", Some(value)),
        Update::Max(value) => ("max", Some(value)),
        Update::Push(value) => ("push", Some(value)),
        Update::Pull(value) => ("pull", Some(value)),
        Update::Pop => ("pop", None),
        Update::Shift => ("shift", None),
    };
    match value {
        Some(value) => json!({ "field": field, "updateType": kind, "value": value }),
        None => json!({ "field": field, "updateType": kind }),
    }
}
