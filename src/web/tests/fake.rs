//! A backend that answers as a test wants it to.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;

use crate::port::{
    AccessToken, AccountRecovery, Agent, Answer, AuthManager, AuthenticatorKey, Caller,
    Capabilities, Challenge, ChallengeToken, Code, ConnectedProvider, Connections, EmailedFor,
    Factors, Failure, Field, FieldUpdate, Grant, LinkAccount, LinkKey, LogoutByProvider,
    LogoutToken, Outcome, Password, Phone, PhoneVerified, Proof, ProofMethods, ProviderAnswer,
    ProviderFor, ProviderLogoutOffer, ProviderLogoutToken, ProviderReturn, Random, Reauthenticated,
    RecoveryCodes, Refusal, SecondFactorOf, SecondFactors, Session, SessionToken, SignInOutcome,
    SignUpWithEmail, SignUpWithPhone, SignedInUser, SignedUp, User, Version,
};

/// One account, `ann@example.com` with the password `open sesame`; the token `good` opens it,
/// `begun` where it was begun.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) ended: Mutex<bool>,
    pub(super) emailed: Mutex<Vec<String>>,
    /// Whether looking up a signed-in user panics.
    pub(super) panics: Mutex<bool>,
}

/// Never the same bytes twice.
#[derive(Default)]
pub(super) struct FakeRandom(AtomicU64);

impl Random for FakeRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        for (place, byte) in bytes.iter_mut().zip(count.into_iter().cycle()) {
            *place = byte;
        }
    }
}

fn now<T: Send + 'static>(outcome: Outcome<T>) -> Answer<T> {
    Box::pin(std::future::ready(outcome))
}

fn unused<T: Send + 'static>() -> Answer<T> {
    now(Err(Failure::broken("not part of this test").into()))
}

fn user() -> User {
    User {
        id: "0123456789abcdef01234567".into(),
        provider: "altogic".into(),
        provider_user_id: "0123456789abcdef01234567".into(),
        email: Some("ann@example.com".into()),
        email_verified: true,
        phone: None,
        phone_verified: false,
        two_factor: false,
        second_factor: false,
        name: Some("Ann <b>".into()),
        profile_picture: None,
        signed_up_at: Timestamp::UNIX_EPOCH,
        last_login_at: Timestamp::UNIX_EPOCH,
        fields: serde_json::Map::new(),
    }
}

fn session() -> Session {
    let other = || Version {
        family: "Other".into(),
        major: "0".into(),
        minor: "0".into(),
        patch: "0".into(),
    };
    Session {
        handle: "handle".into(),
        user_id: user().id,
        token: SessionToken::parse("session-token").ok(),
        started_at: Timestamp::UNIX_EPOCH,
        last_seen_at: Timestamp::UNIX_EPOCH,
        address: None,
        agent: Agent { browser: other(), device: other(), system: other() },
        second_factor: false,
        current: true,
    }
}

fn grant() -> Grant {
    Grant { user: user(), session: session(), device: None }
}

fn challenge() -> Challenge {
    let factors = Factors { text: false, authenticator: true, recovery_code: true };
    Challenge { token: ChallengeToken::parse("challenge-token").unwrap(), factors, sent: None }
}

impl Fake {
    fn mail(&self, email: String) -> Answer<()> {
        self.emailed.lock().unwrap().push(email);
        now(Ok(()))
    }
}

impl AuthManager for Fake {
    fn capabilities(&self) -> &Capabilities {
        static CAPABILITIES: Capabilities = Capabilities {
            confirm_email: true,
            confirm_phone: true,
            phone_sign_up: true,
            sign_in_codes: true,
            password_min: 8,
            authenticators: true,
            link_minutes: 60,
            code_minutes: 10,
            email_codes: true,
            providers: Vec::new(),
            sms_countries: None,
        };
        &CAPABILITIES
    }

    fn signed_in_user(&self, _: Caller) -> Answer<SignedInUser> {
        assert!(!*self.panics.lock().unwrap(), "as asked");
        if *self.ended.lock().unwrap() {
            return now(Err(Code::InvalidSessionToken.into()));
        }
        now(Ok(SignedInUser { user: user(), session: session() }))
    }

    fn read_phone(&self, _: Caller, entered: String, country: String) -> Answer<Phone> {
        now(Phone::parse_in(&entered, &country)
            .map_err(|code| Refusal::at(Field::Phone, code).into()))
    }

    fn sign_up_with_email(&self, _: Caller, sign_up: SignUpWithEmail) -> Answer<SignedUp> {
        if sign_up.email == "ann@example.com" {
            return now(Err(Refusal::at(Field::Email, Code::EmailNotUnique).into()));
        }
        if sign_up.password.expose().len() < 8 {
            return now(
                Err(Refusal::at(Field::Password, Code::PasswordTooShort { min: 8 }).into()),
            );
        }
        now(Ok(SignedUp { user: user(), grant: None }))
    }

    fn correct_sign_up_email(&self, _: Caller, _: String, new_email: String) -> Answer<()> {
        self.mail(new_email)
    }

    fn resend_verification_email(&self, _: Caller, email: String) -> Answer<()> {
        self.mail(email)
    }

    fn sign_in_with_email(
        &self,
        _: Caller,
        email: String,
        password: Password,
    ) -> Answer<SignInOutcome> {
        now(match (email.as_str(), password.expose()) {
            ("panic", _) => panic!("as asked"),
            ("broken", _) => Err(Failure::broken("as asked").into()),
            ("guarded", _) => Ok(SignInOutcome::SecondFactorRequired(challenge())),
            ("away", _) => {
                Err(Failure::unavailable(Duration::from_millis(1500), "the database is away")
                    .into())
            }
            ("often", _) => {
                Err(Code::RateLimitExceeded { retry_after: Duration::from_secs(61) }.into())
            }
            ("ann@example.com", "open sesame") => Ok(SignInOutcome::SignedIn(grant())),
            _ => Err(Code::InvalidSignInCredentials.into()),
        })
    }

    fn get_auth_grant(&self, _: Caller, token: AccessToken) -> Answer<SignInOutcome> {
        now(if token.expose() == "good" {
            Ok(SignInOutcome::SignedIn(grant()))
        } else {
            Err(Code::InvalidAccessToken.into())
        })
    }

    fn finish_where_begun(
        &self,
        caller: Caller,
        token: AccessToken,
    ) -> Answer<Option<SignInOutcome>> {
        assert!(caller.browser.is_some());
        now(match token.expose() {
            "begun" => Ok(Some(SignInOutcome::SignedIn(grant()))),
            "good" => Ok(None),
            _ => Err(Code::InvalidAccessToken.into()),
        })
    }

    fn sign_up_with_phone(&self, _: Caller, _: SignUpWithPhone) -> Answer<SignedUp> {
        unused()
    }

    fn verify_phone(&self, _: Caller, _: String, _: String) -> Answer<PhoneVerified> {
        unused()
    }

    fn resend_verification_code(&self, _: Caller, _: String) -> Answer<()> {
        unused()
    }

    fn sign_in_with_phone(&self, _: Caller, _: String, _: Password) -> Answer<SignInOutcome> {
        unused()
    }

    fn send_sign_in_code(&self, _: Caller, _: String) -> Answer<()> {
        unused()
    }

    fn sign_in_with_code(&self, _: Caller, _: String, _: String) -> Answer<SignInOutcome> {
        unused()
    }

    fn send_reset_password_code(&self, _: Caller, _: String) -> Answer<()> {
        unused()
    }

    fn reset_password_with_code(&self, _: Caller, _: String, _: String, _: Password) -> Answer<()> {
        unused()
    }

    fn change_phone(&self, _: Caller, _: Option<Password>, _: String) -> Answer<User> {
        unused()
    }

    fn set_phone(&self, _: Caller, _: String) -> Answer<()> {
        unused()
    }

    fn verify_own_phone(&self, _: Caller, _: String, _: String) -> Answer<User> {
        unused()
    }

    fn sign_in_with_second_factor(
        &self,
        _: Caller,
        _: SecondFactorOf,
        _: String,
        _: bool,
    ) -> Answer<Grant> {
        unused()
    }

    fn second_factors(&self, _: Caller) -> Answer<SecondFactors> {
        unused()
    }

    fn switch_sms_factor(&self, _: Caller, _: bool) -> Answer<Option<RecoveryCodes>> {
        unused()
    }

    fn begin_authenticator(&self, _: Caller) -> Answer<()> {
        unused()
    }

    fn waiting_authenticator(&self, _: Caller) -> Answer<Option<AuthenticatorKey>> {
        unused()
    }

    fn confirm_authenticator(&self, _: Caller, _: String) -> Answer<Option<RecoveryCodes>> {
        unused()
    }

    fn remove_authenticator(&self, _: Caller) -> Answer<()> {
        unused()
    }

    fn make_recovery_codes(&self, _: Caller) -> Answer<RecoveryCodes> {
        unused()
    }

    fn untrust_browsers(&self, _: Caller, _: Option<String>) -> Answer<()> {
        unused()
    }

    fn resend_second_factor(&self, _: Caller, _: ChallengeToken) -> Answer<Challenge> {
        unused()
    }

    fn send_magic_link_email(&self, _: Caller, email: String) -> Answer<()> {
        self.mail(email)
    }

    fn send_reset_password_email(&self, _: Caller, email: String) -> Answer<()> {
        self.mail(email)
    }

    fn reset_password_with_token(&self, _: Caller, token: AccessToken, _: Password) -> Answer<()> {
        now(if token.expose() == "good" { Ok(()) } else { Err(Code::InvalidAccessToken.into()) })
    }

    fn proof_methods(&self, _: Caller) -> Answer<ProofMethods> {
        now(Ok(ProofMethods {
            password: true,
            has_password: true,
            authenticator: false,
            code: None,
        }))
    }

    fn send_proof_code(&self, _: Caller) -> Answer<()> {
        unused()
    }

    fn reauthenticate(&self, _: Caller, proof: Proof) -> Answer<Reauthenticated> {
        now(match proof {
            Proof::Password(password) if password.expose() == "open sesame" => {
                Ok(Reauthenticated::Session(Session {
                    token: SessionToken::parse("proved-token").ok(),
                    ..session()
                }))
            }
            _ => Err(Refusal::at(Field::CurrentPassword, Code::InvalidCredentials).into()),
        })
    }

    fn change_password(&self, _: Caller, _: Password, _: Password) -> Answer<Session> {
        unused()
    }

    fn change_email(&self, caller: Caller, _: Option<Password>, email: String) -> Answer<User> {
        if caller.session.is_none_or(|token| token.expose() != "proved-token") {
            return now(Err(Code::ProofNeeded.into()));
        }
        self.emailed.lock().unwrap().push(email);
        now(Ok(user()))
    }

    fn confirm_email_change(&self, _: Caller, _: LinkKey) -> Answer<User> {
        unused()
    }

    fn confirm_email_change_with_code(&self, _: Caller, _: String, _: String) -> Answer<User> {
        unused()
    }

    fn open_email_code(
        &self,
        _: Caller,
        _: EmailedFor,
        _: String,
        code: String,
    ) -> Answer<AccessToken> {
        now(match code.as_str() {
            "314159" => AccessToken::parse("begun").map_err(Into::into),
            _ => Err(Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode).into()),
        })
    }

    fn begin_provider(&self, _: Caller, _: String, _: ProviderFor) -> Answer<String> {
        unused()
    }

    fn finish_provider(&self, _: Caller, _: String, _: ProviderAnswer) -> Answer<ProviderReturn> {
        unused()
    }

    fn offered_connection(&self, _: Caller, _: String) -> Answer<Option<ConnectedProvider>> {
        unused()
    }

    fn accept_connection(&self, _: Caller, _: String) -> Answer<()> {
        unused()
    }

    fn connections(&self, _: Caller) -> Answer<Connections> {
        unused()
    }

    fn disconnect(&self, _: Caller, _: String) -> Answer<()> {
        unused()
    }

    fn describe_link(&self, _: Caller, _: AccessToken) -> Answer<Option<LinkAccount>> {
        now(Ok(None))
    }

    fn choose_link_password(
        &self,
        _: Caller,
        _: AccessToken,
        _: Option<Password>,
    ) -> Answer<Option<String>> {
        now(Ok(None))
    }

    fn confirm_email_change_with_password(
        &self,
        _: Caller,
        _: LinkKey,
        _: Password,
    ) -> Answer<User> {
        unused()
    }

    fn describe_email_change(&self, _: Caller, _: LinkKey) -> Answer<Option<LinkAccount>> {
        now(Ok(None))
    }

    fn describe_account_recovery(&self, _: Caller, _: LinkKey) -> Answer<AccountRecovery> {
        unused()
    }

    fn recover_account(&self, _: Caller, _: LinkKey) -> Answer<AccessToken> {
        unused()
    }

    fn get_all_sessions(&self, _: Caller) -> Answer<Vec<Session>> {
        now(Ok(vec![session()]))
    }

    fn sign_out(&self, _: Caller, _: Option<String>) -> Answer<()> {
        *self.ended.lock().unwrap() = true;
        now(Ok(()))
    }

    fn sign_out_with_provider(&self, _: Caller) -> Answer<Option<ProviderLogoutOffer>> {
        *self.ended.lock().unwrap() = true;
        now(Ok(None))
    }

    fn end_provider_session(&self, _: Caller, _: ProviderLogoutToken, _: String) -> Answer<String> {
        unused()
    }

    fn back_channel_logout(
        &self,
        _: Caller,
        _: String,
        _: LogoutToken,
    ) -> Answer<LogoutByProvider> {
        unused()
    }

    fn sign_out_all(&self, _: Caller) -> Answer<()> {
        unused()
    }

    fn sign_out_all_except_current(&self, _: Caller) -> Answer<()> {
        unused()
    }

    fn update_user(&self, _: Caller, _: Vec<FieldUpdate>) -> Answer<User> {
        unused()
    }

    fn change_picture(&self, _: Caller, _: Vec<u8>) -> Answer<User> {
        unused()
    }

    fn remove_picture(&self, _: Caller) -> Answer<User> {
        unused()
    }
}
