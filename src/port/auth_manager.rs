//! The operations of the auth manager: one method for each thing a person can do to an account.

use std::{future::Future, pin::Pin};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    AccessToken, AuthenticatorKey, Caller, ChallengeToken, ConnectedProvider, Connections,
    DeviceToken, Factors, FieldUpdate, LinkKey, LogoutByProvider, LogoutToken, Outcome, Password,
    Phone, ProviderAnswer, ProviderFor, ProviderLogoutOffer, ProviderLogoutToken, ProviderOffer,
    ProviderReturn, RecoveryCodes, SecondFactors, Session, User,
};

/// Return type of an operation: a future of its own, so that the backend can be a trait object.
pub type Answer<T> = Pin<Box<dyn Future<Output = Outcome<T>> + Send>>;

/// The backend behind the channels. Names follow the official client library where it has the
/// operation.
///
/// Operations marked *signed-in user* need `caller.session`; without one they are refused with
/// `MissingSessionToken`, with a dead one with `InvalidSessionToken`.
pub trait AuthManager: Send + Sync {
    /// Capabilities of this backend: pages show only what works.
    fn capabilities(&self) -> &Capabilities;

    /// *Signed-in user.* Who the caller is. The one look-up behind every private page; a session
    /// ended anywhere, by anybody, is refused here at the next call.
    fn signed_in_user(&self, caller: Caller) -> Answer<SignedInUser>;

    /// Makes an account that waits for its address to be proved, and emails the link. With
    /// `confirm_email` off the account is usable at once and the answer carries a grant.
    ///
    /// Refused with `EmailNotUnique` when somebody *proved* that address before; the owner is told
    /// by email. An account that never proved the address blocks nobody. The page must not pass
    /// this refusal on (S04).
    fn sign_up_with_email(&self, caller: Caller, sign_up: SignUpWithEmail) -> Answer<SignedUp>;

    /// Moves a sign-up that still waits for its proof from a mistyped address to the right one and
    /// emails the link there; the old link dies. Only for the browser that signed up
    /// (`caller.browser`). Answers the same for free and taken addresses. Refused with
    /// `NothingToCorrect` when this browser has no such sign-up.
    fn correct_sign_up_email(
        &self,
        caller: Caller,
        old_email: String,
        new_email: String,
    ) -> Answer<()>;

    /// Emails the confirmation link again. Answers the same whether or not anybody waits for it.
    fn resend_verification_email(&self, caller: Caller, email: String) -> Answer<()>;

    /// Refused with `InvalidSignInCredentials` for an unknown address and for a wrong password
    /// alike, in the same time; with `EmailNotVerified` only after the right password. Where the
    /// account has a second factor, a code is sent to its phone and the answer is a challenge.
    fn sign_in_with_email(
        &self,
        caller: Caller,
        email: String,
        password: Password,
    ) -> Answer<SignInOutcome>;

    /// Spends an access token (from an emailed link or a provider) for a session. The first
    /// redemption of any token made from one link spends the link and revokes the rest. Proves the
    /// address the link was emailed to.
    ///
    /// Refused with `InvalidAccessToken` when unknown, expired or spent, `InvalidTokenType` for a
    /// reset token.
    ///
    /// Where the account has a second factor, the token is spent and the answer is a challenge.
    fn get_auth_grant(&self, caller: Caller, token: AccessToken) -> Answer<SignInOutcome>;

    /// As [`get_auth_grant`](Self::get_auth_grant), but only if the link was asked for by this very
    /// browser (`caller.browser`); otherwise `Ok(None)` and nothing is spent. This is what lets a
    /// link finish without a press.
    fn finish_where_begun(
        &self,
        caller: Caller,
        token: AccessToken,
    ) -> Answer<Option<SignInOutcome>>;

    /// Describes the account that an emailed link opens, for the page that asks for the press.
    /// Changes nothing. `None` where this backend cannot tell, or the token is none of a live link.
    fn describe_link(&self, caller: Caller, token: AccessToken) -> Answer<Option<LinkAccount>>;

    /// Gives the account that a link confirms the password that was typed where the link was
    /// opened, or none: the one of the sign-up may be a visitor's (S23). It counts once the token
    /// is redeemed. Answers the absolute URL to go on to, if an application redeems it. Changes
    /// nothing where no password is asked for. Refused with `InvalidAccessToken`, and with what is
    /// wrong with the password.
    fn choose_link_password(
        &self,
        caller: Caller,
        token: AccessToken,
        password: Option<Password>,
    ) -> Answer<Option<String>>;
    /// Reads a phone number as a person typed it who also chose a country, which may be empty
    /// ([`Phone::parse_in`]). A backend reads numbers off the threads that answer.
    ///
    /// Refused with `MissingPhone` or `InvalidPhone`.
    fn read_phone(&self, caller: Caller, entered: String, country: String) -> Answer<Phone>;

    /// Makes an account that waits for its phone number to be proved, and sends the code. With
    /// `confirm_phone` off the account is usable at once and the answer carries a grant.
    ///
    /// Refused with `PhoneNotUnique` when somebody *proved* that number before, with
    /// `PhoneSignUpDisabled` where such accounts are switched off.
    fn sign_up_with_phone(&self, caller: Caller, sign_up: SignUpWithPhone) -> Answer<SignedUp>;

    /// Proves a number with the code that was sent to it. After a sign-up the answer carries a
    /// grant; after a change of the number it does not. Needs no session: the code is the proof,
    /// and knows its account.
    ///
    /// Refused with `InvalidOneTimeCode` when wrong, expired, spent or guessed too often.
    fn verify_phone(&self, caller: Caller, phone: String, code: String) -> Answer<PhoneVerified>;

    /// Sends the code of a sign-up again. Answers the same whether or not anybody waits for it.
    fn resend_verification_code(&self, caller: Caller, phone: String) -> Answer<()>;

    /// As [`sign_in_with_email`](Self::sign_in_with_email), with `PhoneNotVerified` after the right
    /// password.
    fn sign_in_with_phone(
        &self,
        caller: Caller,
        phone: String,
        password: Password,
    ) -> Answer<SignInOutcome>;

    /// Sends a sign-in code. Answers the same whether or not the account exists. Refused with
    /// `SignInCodesDisabled` where codes are switched off.
    fn send_sign_in_code(&self, caller: Caller, phone: String) -> Answer<()>;

    /// Spends a sign-in code for a session. The phone is then the first factor, and cannot be the
    /// second one as well: an account that has no other is refused with `SecondFactorFirst` and
    /// needs the password first.
    fn sign_in_with_code(
        &self,
        caller: Caller,
        phone: String,
        code: String,
    ) -> Answer<SignInOutcome>;

    /// Sends a code that resets the password. Answers the same whether or not the account exists.
    fn send_reset_password_code(&self, caller: Caller, phone: String) -> Answer<()>;

    /// Sets a new password with such a code. Ends every session, every link and every code; signs
    /// nobody in.
    fn reset_password_with_code(
        &self,
        caller: Caller,
        phone: String,
        code: String,
        new_password: Password,
    ) -> Answer<()>;

    /// *Signed-in user.* Asks to change or add the account's number. The new number gets a code
    /// that proves it; the user comes back unchanged, unless `confirm_phone` is off. Without the
    /// current password, `ProofNeeded` unless the session was proved just now.
    fn change_phone(
        &self,
        caller: Caller,
        current_password: Option<Password>,
        new_phone: String,
    ) -> Answer<User>;

    /// *Signed-in user.* Sends a code that makes a number the account's, for its second factor
    /// (altogic-protocol.md §8). The second factor must be off (`SecondFactorIsOn`). `ProofNeeded`
    /// unless the session was proved just now.
    fn set_phone(&self, caller: Caller, phone: String) -> Answer<()>;

    /// *Signed-in user.* Makes the number the account's with the code that
    /// [`set_phone`](Self::set_phone) sent.
    fn verify_own_phone(&self, caller: Caller, phone: String, code: String) -> Answer<User>;

    /// Finishes a sign-in with its second factor: the code that was sent for it, the one that the
    /// authenticator app shows, or a recovery code. Each is good once. Where `trust` is asked for,
    /// this browser is not asked again for 30 days.
    ///
    /// Refused with `InvalidOneTimeCode`; with `ChallengeGone` when the sign-in is over or was
    /// guessed at too often.
    fn sign_in_with_second_factor(
        &self,
        caller: Caller,
        of: SecondFactorOf,
        code: String,
        trust: bool,
    ) -> Answer<Grant>;

    /// Sends a code by SMS for a sign-in that waits, for the first time or again; a former one
    /// dies. Refused with `ChallengeGone`, or `SecondFactorNeedsPhone` where no code by SMS may
    /// finish it.
    fn resend_second_factor(&self, caller: Caller, challenge: ChallengeToken) -> Answer<Challenge>;

    /// *Signed-in user.* The second factors of the caller's account.
    fn second_factors(&self, caller: Caller) -> Answer<SecondFactors>;

    /// *Signed-in user.* Switches the codes by SMS on or off. Refused with `SecondFactorNeedsPhone`
    /// without a verified phone. Whatever switches a factor asks for a fresh proof and tells the
    /// owner; with the first factor come recovery codes, with the last one they go, and so does the
    /// trust in browsers.
    fn switch_sms_factor(&self, caller: Caller, on: bool) -> Answer<Option<RecoveryCodes>>;

    /// *Signed-in user.* Makes a key for an authenticator app. It counts from
    /// [`confirm_authenticator`](Self::confirm_authenticator) on; until then a former one goes on.
    fn begin_authenticator(&self, caller: Caller) -> Answer<()>;

    /// *Signed-in user.* The key that waits for its first code, for 30 minutes after it was made.
    fn waiting_authenticator(&self, caller: Caller) -> Answer<Option<AuthenticatorKey>>;

    /// *Signed-in user.* Switches the authenticator app on with its first code, which is then used
    /// up (S15). Refused with `InvalidOneTimeCode`, or `AuthenticatorGone` when no key waits.
    fn confirm_authenticator(&self, caller: Caller, code: String) -> Answer<Option<RecoveryCodes>>;

    /// *Signed-in user.* Forgets the authenticator app.
    fn remove_authenticator(&self, caller: Caller) -> Answer<()>;

    /// *Signed-in user.* Makes new recovery codes; the old ones are worth nothing. Refused with
    /// `SecondFactorIsOff`.
    fn make_recovery_codes(&self, caller: Caller) -> Answer<RecoveryCodes>;

    /// *Signed-in user.* Asks one browser, or all of them, for the second factor again.
    fn untrust_browsers(&self, caller: Caller, handle: Option<String>) -> Answer<()>;

    /// Emails a sign-in link. Answers the same whether or not the account exists.
    fn send_magic_link_email(&self, caller: Caller, email: String) -> Answer<()>;

    /// Emails a password reset link. Answers the same whether or not the account exists.
    fn send_reset_password_email(&self, caller: Caller, email: String) -> Answer<()>;

    /// Sets a new password with the access token of a reset link. Ends every session and every
    /// older link; signs nobody in.
    fn reset_password_with_token(
        &self,
        caller: Caller,
        token: AccessToken,
        new_password: Password,
    ) -> Answer<()>;

    /// *Signed-in user.* How the caller can prove to be the owner again, for the page that asks for
    /// it.
    fn proof_methods(&self, caller: Caller) -> Answer<ProofMethods>;

    /// *Signed-in user.* Sends a code to where [`ProofMethods::code`] says; the former one dies.
    /// Refused with `ProofCodeNotOffered` where it says nothing.
    fn send_proof_code(&self, caller: Caller) -> Answer<()>;

    /// *Signed-in user.* Proves that the caller is the owner. From then on, for ten minutes, the
    /// session may make sensitive changes (S20). Refused with `InvalidCredentials` or
    /// `InvalidOneTimeCode` when wrong.
    fn reauthenticate(&self, caller: Caller, proof: Proof) -> Answer<Reauthenticated>;

    /// *Signed-in user.* Changes the password. Every other session and every older link ends, the
    /// owner is told. Answers the session to go on with: at the pages it has a new token (S32), on
    /// the wire the old one stays good, as clients expect.
    ///
    /// An account that has no password gets its first one at the pages: the old one is not looked
    /// at, and it is `ProofNeeded` unless the session was proved just now.
    fn change_password(
        &self,
        caller: Caller,
        old_password: Password,
        new_password: Password,
    ) -> Answer<Session>;

    /// *Signed-in user.* Asks to move the account to a new address. The new address gets a link
    /// that proves it, the old one is told. The user comes back unchanged, unless `confirm_email`
    /// is off. Without the current password, `ProofNeeded` unless the session was proved just now.
    fn change_email(
        &self,
        caller: Caller,
        current_password: Option<Password>,
        new_email: String,
    ) -> Answer<User>;

    /// Finishes a change of address with the key of the link that was emailed to the new one. Needs
    /// no session: the key is the proof. Refused with `InvalidAccessToken`, or `EmailNotUnique`
    /// when the address was taken meanwhile.
    fn confirm_email_change(&self, caller: Caller, key: LinkKey) -> Answer<User>;

    /// As [`confirm_email_change`](Self::confirm_email_change), with the password of the account,
    /// typed where the link was opened. Without it, and neither where the change was asked for nor
    /// signed in to the account, whoever confirms takes the account over: password, sessions,
    /// connected accounts and number end. Refused at the current password where it is wrong, or
    /// needed.
    fn confirm_email_change_with_password(
        &self,
        caller: Caller,
        key: LinkKey,
        password: Password,
    ) -> Answer<User>;

    /// Describes the change that such a key finishes. Changes nothing. `None` where this backend
    /// cannot tell.
    fn describe_email_change(&self, caller: Caller, key: LinkKey) -> Answer<Option<LinkAccount>>;

    /// As [`confirm_email_change`](Self::confirm_email_change), *signed-in user*, with the code of
    /// that email and the address it went to. Only in the browser that asked for the change.
    /// Refused with `InvalidOneTimeCode` as well.
    fn confirm_email_change_with_code(
        &self,
        caller: Caller,
        new_email: String,
        code: String,
    ) -> Answer<User>;

    /// Takes the six digits that stand beside the link in an email, for whoever reads it on another
    /// device. Only in the browser that asked for the email (`caller.browser`). The answer is what
    /// opening the link brings: an access token for
    /// [`finish_where_begun`](Self::finish_where_begun) or
    /// [`reset_password_with_token`](Self::reset_password_with_token).
    ///
    /// Refused with `InvalidOneTimeCode` when wrong, over, guessed too often, or when no such email
    /// was asked for here. The link goes on working.
    fn open_email_code(
        &self,
        caller: Caller,
        emailed_for: EmailedFor,
        email: String,
        code: String,
    ) -> Answer<AccessToken>;

    /// Describes what an account recovery link would do. Changes nothing. Refused with
    /// `InvalidAccessToken` when unknown, over or used.
    fn describe_account_recovery(&self, caller: Caller, key: LinkKey) -> Answer<AccountRecovery>;

    /// Does it, once: ends every session, revokes every link and code, removes the password and
    /// takes the change back. Answers a token for
    /// [`reset_password_with_token`](Self::reset_password_with_token). Refused as
    /// [`describe_account_recovery`](Self::describe_account_recovery), and with `EmailNotUnique`
    /// when the account would move back to an address that another one has by now: then nothing is
    /// changed.
    fn recover_account(&self, caller: Caller, key: LinkKey) -> Answer<AccessToken>;

    /// Begins a journey to a provider: answers the absolute URL that the browser goes on to. Only
    /// this browser (`caller.browser`) can finish it, once and within ten minutes (S26).
    ///
    /// Refused with `ProviderUnknown`, or `ProviderUnreachable`.
    fn begin_provider(
        &self,
        caller: Caller,
        provider: String,
        purpose: ProviderFor,
    ) -> Answer<String>;

    /// Finishes it with what came back. A new identity gets an account, unless an account holds its
    /// address: then the answer is an offer. An identity is never found by its address (S24, S25).
    ///
    /// Refused with `ProviderJourneyGone`, `ProviderCancelled`, `ProviderUnreachable`,
    /// `ProviderAnswerInvalid`; with `IdentityNotUnique` where it shall be connected and another
    /// account has it.
    fn finish_provider(
        &self,
        caller: Caller,
        provider: String,
        answer: ProviderAnswer,
    ) -> Answer<ProviderReturn>;

    /// *Signed-in user.* What waits to be connected to the caller's account; `None` when nothing
    /// does, or it waits for another one.
    fn offered_connection(
        &self,
        caller: Caller,
        offer: String,
    ) -> Answer<Option<ConnectedProvider>>;

    /// *Signed-in user.* Connects it, and tells the owner. Wants a fresh proof. Refused with
    /// `ProviderJourneyGone` or `IdentityNotUnique`.
    fn accept_connection(&self, caller: Caller, offer: String) -> Answer<()>;

    /// *Signed-in user.* The connected accounts.
    fn connections(&self, caller: Caller) -> Answer<Connections>;

    /// *Signed-in user.* Disconnects a provider, and tells the owner. Wants a fresh proof. Refused
    /// with `LastWayIn`.
    fn disconnect(&self, caller: Caller, provider: String) -> Answer<()>;

    /// *Signed-in user.* The sessions of the caller's account, newest first, the current one
    /// marked.
    fn get_all_sessions(&self, caller: Caller) -> Answer<Vec<Session>>;

    /// *Signed-in user.* Ends the caller's session, or the one that `handle` names (a session's
    /// `handle`, or a real token). A handle of somebody else's session is refused like one that
    /// never was.
    fn sign_out(&self, caller: Caller, handle: Option<String>) -> Answer<()>;

    /// *Signed-in user.* Ends the caller's session, as [`sign_out`](Self::sign_out) does, without
    /// asking anybody else. Where it began with a provider at which one can sign out too, the
    /// answer says how to.
    fn sign_out_with_provider(&self, caller: Caller) -> Answer<Option<ProviderLogoutOffer>>;

    /// Where the browser goes to sign out at the provider as well (OpenID Connect RP-Initiated
    /// Logout 1.0): an absolute URL, which is for a redirect and for no page, since it holds the
    /// id_token. It comes back to `/_auth/{provider}/signed-out` with `state`. Spends the provider
    /// logout token.
    ///
    /// Refused with `ProviderJourneyGone` when that is over, `ProviderUnreachable` or
    /// `ProviderAnswerInvalid`: then the provider logout token is still good.
    fn end_provider_session(
        &self,
        caller: Caller,
        provider_logout_token: ProviderLogoutToken,
        state: String,
    ) -> Answer<String>;

    /// A provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0): the
    /// sessions that began with it end. A token is taken once; that nobody is signed in with it
    /// here is no refusal.
    ///
    /// Refused with `ProviderUnknown`, `ProviderAnswerInvalid` for a token that cannot be believed,
    /// `ProviderUnreachable` when the keys to check it cannot be had.
    fn back_channel_logout(
        &self,
        caller: Caller,
        provider: String,
        token: LogoutToken,
    ) -> Answer<LogoutByProvider>;

    /// *Signed-in user.* Ends every session of the account.
    fn sign_out_all(&self, caller: Caller) -> Answer<()>;

    /// *Signed-in user.* Ends every session of the account but this one.
    fn sign_out_all_except_current(&self, caller: Caller) -> Answer<()>;

    /// *Signed-in user.* Changes fields of one's own user object, in the order given; all or
    /// nothing. Refused, with a problem for each update that is wrong, with `FieldNotWritable`
    /// (only other operations, or the operator, write it), `UnknownField`, `InvalidFieldValue`,
    /// `FieldRequired` or `ObjectTooLarge`.
    fn update_user(&self, caller: Caller, updates: Vec<FieldUpdate>) -> Answer<User>;

    /// *Signed-in user.* Makes the picture the account's: decoded, cropped square, re-encoded, the
    /// former one deleted.
    fn change_picture(&self, caller: Caller, picture: Vec<u8>) -> Answer<User>;

    /// *Signed-in user.* Goes back to initials and deletes the picture.
    fn remove_picture(&self, caller: Caller) -> Answer<User>;
}

/// Capabilities of a backend.
#[derive(Debug, Clone)]
pub struct Capabilities {
    /// Whether an address must be proved before its account can be used.
    pub confirm_email: bool,
    /// Whether a phone number must be proved before its account can be used.
    pub confirm_phone: bool,
    /// Whether accounts with a phone number instead of an address are made.
    pub phone_sign_up: bool,
    /// Whether a code by SMS signs in.
    pub sign_in_codes: bool,
    /// Shortest password accepted, in characters.
    pub password_min: usize,
    /// Whether authenticator apps, recovery codes and trusted browsers are there beside the codes
    /// by SMS.
    pub authenticators: bool,
    /// How long an emailed link lives, in minutes, for the sentence that says so.
    pub link_minutes: u32,
    /// How long a code by SMS lives, in minutes; that of a second factor says its own end
    /// ([`Challenge`]).
    pub code_minutes: u32,
    /// The only countries that codes are sent to, as ISO 3166-1 names them (`DE`); `None` for all.
    pub sms_countries: Option<Vec<String>>,
    /// Whether emails that were asked for at our pages carry a code to type there, beside their
    /// link.
    pub email_codes: bool,
    /// The providers to sign in with, in the order in which they are shown.
    pub providers: Vec<ProviderOffer>,
}

/// Purpose of an email with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailedFor {
    /// To confirm the address of a sign-up, or to sign in without a password.
    SignIn,
    ResetPassword,
}

/// Account that a link opens, or moves: enough for whoever reads the email to tell whether it is
/// theirs.
#[derive(Debug, Clone)]
pub struct LinkAccount {
    /// Address that the link was emailed to. Of a sign-in with a provider, the address or number of
    /// the account.
    pub email: Option<String>,
    pub name: Option<String>,
    /// Time of the sign-up, or of the request to move the account.
    pub began_at: Timestamp,
    /// Where that came from, as "Firefox on Linux, 203.0.113.7".
    pub began_from: Option<String>,
    /// Whether a password is asked for, as this may not be who chose the one of the account.
    pub asks_password: bool,
}

/// Effects of an account recovery, besides ending every session and removing the password.
#[derive(Debug, Clone)]
pub struct AccountRecovery {
    /// Where the email went.
    pub email: String,
    /// Whether the account moves back to that address.
    pub moves_back: bool,
    /// Whether the second factor is switched off.
    pub second_factor_off: bool,
    /// Whether the phone number goes back to the one before, or to none.
    pub phone_back: bool,
}

/// A signed-in person and the session they are here with.
#[derive(Debug, Clone)]
pub struct SignedInUser {
    pub user: User,
    pub session: Session,
}

/// A fresh session and whose it is. `session.token` is the real one.
#[derive(Debug, Clone)]
pub struct Grant {
    pub user: User,
    pub session: Session,
    /// For the browser to keep, when it was not known before.
    pub device: Option<DeviceToken>,
}

/// How far a first factor got somebody.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is taken apart at once"
)]
pub enum SignInOutcome {
    /// In: the account asks for nothing more.
    SignedIn(Grant),
    /// A second factor is asked for.
    SecondFactorRequired(Challenge),
}

/// A sign-in that waits for its second factor.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// Names the sign-in; worth nothing without the code.
    pub token: ChallengeToken,
    pub factors: Factors,
    /// The code that was sent by SMS, if one was.
    pub sent: Option<SentCode>,
}

/// A code by SMS that is on its way.
#[derive(Debug, Clone)]
pub struct SentCode {
    /// The number it went to, in E.164 form. Whoever gets a challenge has proved the first factor.
    pub phone: String,
    /// When the code ends.
    pub expires_at: Timestamp,
}

/// How an owner can be proved again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProofMethods {
    /// Whether the password is a proof here. A session that owes the second factor shows that
    /// instead.
    pub password: bool,
    /// Whether the account has a password.
    pub has_password: bool,
    /// Whether an authenticator app shows codes.
    pub authenticator: bool,
    /// Where a code can be sent.
    pub code: Option<CodeDestination>,
}

/// Where a code goes, written so that its owner knows the place and nobody else learns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeDestination {
    Phone(String),
    Mailbox(String),
}

/// Proof of ownership, as entered.
#[derive(Debug)]
pub enum Proof {
    Password(Password),
    /// The code of [`AuthManager::send_proof_code`], as typed.
    Code(String),
}

/// Result of a reauthentication.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is taken apart at once"
)]
pub enum Reauthenticated {
    /// It was right. The session goes on under a new token; the old one is dead (S32).
    Session(Session),
    /// Not judged: this backend keeps no proofs. The password goes along with the change, which
    /// judges it.
    WithTheChange(Password),
}

/// Which sign-in a code of a second factor belongs to.
#[derive(Debug, Clone)]
pub enum SecondFactorOf {
    Challenge(ChallengeToken),
    /// The newest one of the account with that number: the wire has no other name for it
    /// (altogic-protocol.md §8).
    Phone(String),
}

/// Input of a sign-up, as typed.
#[derive(Debug)]
pub struct SignUpWithEmail {
    pub email: String,
    pub password: Password,
    pub name: Option<String>,
    /// Declared fields, and `emailVerified` where the caller is the operator's program.
    pub fields: Map<String, Value>,
}

/// Input of a sign-up with a phone number, as typed.
#[derive(Debug)]
pub struct SignUpWithPhone {
    pub phone: String,
    pub password: Password,
    pub name: Option<String>,
    /// Declared fields, and `phoneVerified` where the caller is the operator's program.
    pub fields: Map<String, Value>,
}

/// A number that was proved, and a grant when that finished a sign-up.
#[derive(Debug, Clone)]
pub struct PhoneVerified {
    pub user: User,
    pub grant: Option<Grant>,
}

/// The answer to a sign-up: the new account, and a grant when no confirmation is asked for.
#[derive(Debug)]
pub struct SignedUp {
    pub user: User,
    pub grant: Option<Grant>,
}
