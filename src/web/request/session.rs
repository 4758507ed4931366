//! Browser state: encrypted cookies, and the one place that spells what is in them.
//!
//! # The cookie that any answer may write
//!
//! | key | what | lives |
//! |---|---|---|
//! | `b` | a random secret that marks this browser; the form tokens of visitors are derived from it | until sign-in or sign-out |
//! | `r` | the page to come back to after signing in | until then |
//! | `n` | a notice for the next page | until shown |
//! | `j` | the running journey: where email went, and for what | until it ends |
//! | `w` | the newest code by SMS of the sign-in that waits for its second factor | until it ends |
//! | `p` | which numbers wait for which codes, one for each journey | until it ends |
//! | `o` | the identity at a provider that waits for the proof of an account | until connected, or sign-out |
//! | `e` | the provider that one may sign out at as well (`provider_logout.rs`) | ten minutes, or until sign-in |
//! | `a` | what an emailed link brought, moved out of the URL (S47) | until used |
//! | `g` | the name of the newest answer that a second press would get too (`twin.rs`) | until the next one |
//! | `x` | fingerprints of tokens that are over, which stand in the cookies below | until sign-in |
//! | `s`, `k`, `d`, `f` | what older releases kept here, and copies under the newest key | until sign-in |
//!
//! # The cookies of the session
//!
//! The session token, its form secret, the device tokens of this browser's people, and the sign-in
//! that waits for its second factor stand in cookies that only a sign-in or a renewal writes: see
//! `session_cookie.rs` for why.
//!
//! A browser drops a cookie above 4096 bytes without a word (S40), and sealing makes the text half
//! as long again. Every value here is capped so that the whole stays far below.

use std::collections::HashMap;

use actix_session::SessionExt;
use actix_web::{HttpRequest, dev::ServiceRequest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    super::view::notice::Notice,
    latest_results,
    provider_logout::ProviderLogout,
    sent_sms::{SentSms, SmsPurpose},
    session_cookie::{SessionCookies, SignedIn, Written, derived, fingerprint},
};
use crate::port::{BrowserId, Challenge, DeviceToken, Email, Factors, Phone, Random, SessionToken};

/// Longest page address that is kept to come back to, in bytes.
const RETURN_TO_MAX: usize = 1024;

const BROWSER: &str = "b";
const TOKEN: &str = "s";
const RETURN_TO: &str = "r";
const NOTICE: &str = "n";
const JOURNEY: &str = "j";
const PENDING_LINK: &str = "a";
const WAITING: &str = "f";
const DEVICES: &str = "d";
const SENT_SMS: &str = "p";
const OFFER: &str = "o";
const PROVIDER_LOGOUT: &str = "e";
const FORM_SECRET: &str = "k";
const SENT: &str = "w";
const OVER: &str = "x";
const ANSWER: &str = "g";

/// Tokens that are known to be over, at most: that of the session and that of a waiting sign-in,
/// and one more of each.
const OVER_MAX: usize = 4;

/// People whose browser this is, at most: a household. One device token has 43 letters.
const DEVICES_MAX: usize = 3;

/// The contents of the cookies.
#[derive(Clone)]
pub(crate) struct CookieSession(actix_session::Session, SessionCookies);

/// Copy of the cookies of an answer, to be repeated.
pub(crate) struct Contents {
    entries: HashMap<String, String>,
    written: Written,
    form_secret: Option<String>,
    site: u64,
}

impl Contents {
    /// Whether the session that was written was renewed or ended meanwhile.
    pub(crate) fn is_superseded(&self) -> bool {
        self.written.token().is_some_and(|token| {
            latest_results::is_expired(&name_at(self.site, &fingerprint(token)))
        })
    }

    /// Whether the session that was written is the one of this browser.
    pub(crate) fn brings(&self, session: &CookieSession) -> bool {
        let token = session.token();
        token.is_some_and(|token| self.written.token() == Some(token.expose()))
    }
}

/// Pending journey: which message went to which address, so that the page after a form can say so
/// and send it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Journey {
    #[serde(rename = "k")]
    pub(crate) kind: JourneyKind,
    #[serde(rename = "e")]
    pub(crate) email: String,
}

/// The journeys that wait for an email.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum JourneyKind {
    #[serde(rename = "s")]
    SignUp,
    #[serde(rename = "m")]
    MagicLink,
    #[serde(rename = "r")]
    ResetPassword,
    /// Of somebody who is signed in; the address is the new one.
    #[serde(rename = "c")]
    ChangeEmail,
}

/// A sign-in that waits for its second factor.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct WaitingSignIn {
    /// Names the sign-in; worth nothing without the code.
    #[serde(rename = "t")]
    pub(crate) token: String,
    /// The code by SMS that was sent, if one was.
    #[serde(rename = "s")]
    pub(crate) sent: Option<Sent>,
    /// Whether a code by SMS, one of the authenticator app, and a recovery code may finish it.
    #[serde(rename = "f")]
    factors: (bool, bool, bool),
    /// Notice to show after sign-in.
    #[serde(rename = "n")]
    pub(crate) notice: Option<Notice>,
}

/// A code by SMS that is on its way.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// Where it went, masked: enough to know one's own phone by.
    #[serde(rename = "p")]
    pub(crate) phone: String,
    /// When it ends.
    #[serde(rename = "e")]
    pub(crate) expires_at: Timestamp,
}

impl WaitingSignIn {
    /// With what it can be finished.
    pub(crate) fn factors(&self) -> Factors {
        let (text, authenticator, recovery_code) = self.factors;
        Factors { text, authenticator, recovery_code }
    }
}

/// Pending link: which kind it was, and its access token or key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingLink {
    #[serde(rename = "k")]
    pub(crate) action: LinkAction,
    #[serde(rename = "t")]
    pub(crate) token: String,
    /// Whether a link was opened; else its code was typed.
    #[serde(rename = "l", default)]
    pub(crate) is_opened: bool,
}

impl PendingLink {
    /// Outcome of opening a link.
    pub(crate) fn opened(action: LinkAction, token: impl Into<String>) -> Self {
        Self { action, token: token.into(), is_opened: true }
    }

    /// Outcome of typing a code.
    pub(crate) fn entered(action: LinkAction, token: impl Into<String>) -> Self {
        Self { action, token: token.into(), is_opened: false }
    }
}

/// Purpose of a link (altogic-protocol.md §10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LinkAction {
    #[serde(rename = "e")]
    EmailConfirm,
    #[serde(rename = "m")]
    MagicLink,
    #[serde(rename = "r")]
    ResetPassword,
    #[serde(rename = "c")]
    ChangeEmail,
    /// The owner says that something was not them.
    #[serde(rename = "x")]
    AccountRecovery,
    /// A provider's sign-in, and whatever else brings an access token.
    #[serde(rename = "o")]
    SignIn,
}

impl CookieSession {
    /// The cookie that came with a request; an empty one where none, or none of ours, came.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        Self(request.get_session(), SessionCookies::of(request))
    }

    /// As [`of`](Self::of), for a middleware.
    pub(crate) fn of_service(request: &ServiceRequest) -> Self {
        Self(request.get_session(), SessionCookies::of(request.request()))
    }

    /// Marks this browser; made at first use.
    pub(crate) fn browser(&self, random: &dyn Random) -> Option<BrowserId> {
        BrowserId::parse(&self.browser_secret(random)).ok()
    }

    /// The token that every form of this browser carries. Derived, so that a form does not show
    /// what marks the browser.
    pub(crate) fn csrf(&self, random: &dyn Random) -> String {
        form_token(&self.form_secret().unwrap_or_else(|| self.browser_secret(random)))
    }

    /// Whether a form's token is this browser's, compared in constant time.
    pub(crate) fn knows_csrf(&self, token: &str) -> bool {
        let Some(secret) = self.form_secret().or_else(|| self.read::<String>(BROWSER)) else {
            return false;
        };
        form_token(&secret).as_bytes().ct_eq(token.as_bytes()).into()
    }

    /// The session token, when somebody is signed in here.
    pub(crate) fn token(&self) -> Option<SessionToken> {
        let session = self.signed_in().filter(|session| !self.is_expired(&session.token))?;
        SessionToken::parse(&session.token).ok()
    }

    /// Whether the token was replaced or ended a moment ago, which an answer on its way tells this
    /// browser.
    pub(crate) fn is_superseded(&self) -> bool {
        self.token().is_some_and(|token| latest_results::is_expired(&self.name_of(token.expose())))
    }

    /// The token that replaced this browser's a moment ago: for signing out, which ends that one
    /// too.
    pub(crate) fn successor(&self) -> Option<SessionToken> {
        let token = latest_results::successor(&self.name_of(self.token()?.expose()))?;
        SessionToken::parse(&token).ok()
    }

    /// Names this browser at this site, without making a mark.
    pub(crate) fn known_browser(&self) -> Option<String> {
        self.read::<String>(BROWSER).map(|browser| name_at(self.1.site(), &browser))
    }

    /// Keeps the name of the answer that this is, so that its arrival is noticed.
    pub(crate) fn name_answer(&self, name: &str) {
        self.write(ANSWER, &name);
    }

    /// Whether the answer was given a name since.
    pub(crate) fn is_answer_named_since(&self, former: &Contents) -> bool {
        self.0.entries().get(ANSWER) != former.entries.get(ANSWER)
    }

    /// The name of the newest answer that arrived in this browser.
    pub(crate) fn answer(&self) -> Option<String> {
        self.read(ANSWER)
    }

    /// Begins a session: everything else in the cookies is dropped and the browser gets new
    /// secrets, so that nothing planted or seen before the sign-in is worth anything after it
    /// (S32). The page to come back to is handed out.
    pub(crate) fn begin(&self, token: &SessionToken) -> Option<String> {
        let (return_to, offer, devices) = (self.return_to(), self.offer(), self.device_tokens());
        self.clear();
        self.write(BROWSER, &derived("browser", token.expose()));
        if let Some(offer) = offer {
            self.keep_offer(&offer);
        }
        self.1.write_session(SignedIn::begun(token.expose(), devices));
        return_to
    }

    /// Device tokens from earlier sign-ins.
    pub(crate) fn devices(&self) -> Vec<DeviceToken> {
        self.device_tokens()
            .iter()
            .filter_map(|access_cookie| DeviceToken::parse(access_cookie).ok())
            .collect()
    }

    /// Keeps the device token of one more person, before those of the others. Beside
    /// [`begin`](Self::begin) alone.
    pub(crate) fn keep_device(&self, access_cookie: &DeviceToken) {
        let Some(mut session) = self.1.session() else { return };
        session.devices.insert(0, access_cookie.expose().to_owned());
        session.devices.truncate(DEVICES_MAX);
        self.1.write_session(session);
    }

    /// Goes on with a new token for the same person, after a proof or a change of password. Forms
    /// in other tabs go on working.
    pub(crate) fn continue_with(&self, token: &SessionToken) {
        let before = self.signed_in();
        if let Some(before) = &before {
            latest_results::note_renewed(self.name_of(&before.token), token.expose());
        }
        let session = match before {
            Some(before) => SignedIn { token: token.expose().to_string(), ..before },
            None => SignedIn::begun(token.expose(), self.device_tokens()),
        };
        self.drop_copies();
        self.1.write_session(session);
    }

    /// Forgets everything but whose browser it is; the next page makes a new browser secret. The
    /// session was ended: its cookie stays, and is known to be over.
    pub(crate) fn end(&self) {
        let (over, devices) = (self.expired_now(), self.device_tokens());
        if let Some(session) = self.signed_in() {
            latest_results::note_ended(self.name_of(&session.token));
        }
        self.clear();
        if self.1.session().is_none() && !devices.is_empty() {
            self.write(DEVICES, &devices);
        }
        if !over.is_empty() {
            self.write(OVER, &over);
        }
    }

    /// Forgets a session that turned out to be dead and keeps the rest.
    pub(crate) fn drop_token(&self) {
        if let Some(session) = self.signed_in() {
            self.mark_expired(&session.token);
        }
    }

    /// Keeps a copy of a session whose cookie was sealed with an older key: it counts once that key
    /// is gone.
    pub(crate) fn copy_session(&self) {
        let Some(session) = self.1.session() else { return };
        if self.copied().as_ref() != Some(&session) {
            self.write(TOKEN, &session.token);
            self.write(FORM_SECRET, &session.form_secret);
            self.write(DEVICES, &session.devices);
        }
    }

    /// Everything in the cookies, as it is written.
    pub(crate) fn contents(&self) -> Contents {
        Contents {
            entries: self.0.entries().clone(),
            written: self.1.written(),
            form_secret: self.form_secret(),
            site: self.1.site(),
        }
    }

    /// Names the cookies of the session, so that two requests can be compared.
    pub(crate) fn identity(&self) -> String {
        let session = self.1.session().map(|session| session.token).unwrap_or_default();
        let waiting = self.1.waiting().map(|waiting| waiting.token).unwrap_or_default();
        format!("{} {session} {waiting}", self.1.site())
    }

    /// Names a session of this site without telling its token.
    fn name_of(&self, token: &str) -> String {
        name_at(self.1.site(), &fingerprint(token))
    }

    /// Whether the difference to former contents is a message that went out, or a renewed session,
    /// and nobody came or left.
    pub(crate) fn may_be_told_again(&self, former: &Contents) -> bool {
        let (now, former_entries) = (self.0.entries(), &former.entries);
        let waits = [JOURNEY, SENT_SMS].iter().any(|key| now.contains_key(*key));
        let is_same = |key: &str| now.get(key) == former_entries.get(key);
        let sent = waits
            && *now != *former_entries
            && [PENDING_LINK, OVER].into_iter().all(is_same)
            && !self.1.is_changed();
        let renewed = former.form_secret.is_some()
            && former.form_secret == self.form_secret()
            && self.1.is_changed();
        sent || renewed
    }

    /// Whether this answer changes a cookie that the request came with.
    pub(crate) fn is_changed_since(&self, former: &Contents) -> bool {
        *self.0.entries() != former.entries || self.1.is_changed()
    }

    /// Puts something else into the cookies, in place of everything in them.
    pub(crate) fn replace(&self, contents: &Contents) {
        self.0.clear();
        self.0.renew();
        for (key, value) in &contents.entries {
            if let Ok(value) = serde_json::from_str::<serde_json::Value>(value) {
                self.write(key, &value);
            }
        }
        contents.written.repeat(&self.1);
    }

    /// Has the cookie sealed and sent again as it is.
    pub(crate) fn renew(&self) {
        self.0.renew();
    }

    /// Keeps the page to come back to, if it is one of ours.
    pub(crate) fn come_back_to(&self, path: &str) {
        if is_own_path(path) {
            self.write(RETURN_TO, &path);
        }
    }

    /// Keeps the page to come back to; says whether it is another one than before.
    pub(crate) fn comes_back_to_another(&self, path: &str) -> bool {
        let is_another = self.return_to().as_deref() != Some(path);
        self.come_back_to(path);
        is_another && is_own_path(path)
    }

    /// Leaves a notice for the next page that is shown.
    pub(crate) fn leave_notice(&self, notice: Notice) {
        self.write(NOTICE, &notice);
    }

    /// Forgets a notice that asks to sign in, where somebody is signed in meanwhile.
    pub(crate) fn forget_call_to_sign_in(&self) {
        if matches!(
            self.read(NOTICE),
            Some(Notice::SessionEnded | Notice::SignInFirst | Notice::LinkGone)
        ) {
            self.remove(NOTICE);
        }
    }

    /// Whether a notice waits already.
    pub(crate) fn has_notice(&self) -> bool {
        self.0.contains_key(NOTICE)
    }

    /// Takes the notice: it is shown once.
    pub(crate) fn take_notice(&self) -> Option<Notice> {
        let notice = self.read(NOTICE)?;
        self.0.remove(NOTICE);
        Some(notice)
    }

    /// The running journey.
    pub(crate) fn journey(&self) -> Option<Journey> {
        self.read(JOURNEY)
    }

    /// Remembers where email went. What is no address is not kept.
    pub(crate) fn begin_journey(&self, kind: JourneyKind, email: &str) {
        if let Ok(email) = Email::parse(email) {
            self.write(JOURNEY, &Journey { kind, email: email.as_str().to_owned() });
        }
    }

    /// Forgets where email went, once its link or code did what it was for.
    pub(crate) fn end_journey(&self) {
        self.remove(JOURNEY);
    }

    /// Pending link of this browser.
    pub(crate) fn pending_link(&self) -> Option<PendingLink> {
        self.read(PENDING_LINK)
    }

    /// Keeps what an emailed link brought, in place of the URL.
    pub(crate) fn keep_pending_link(&self, pending_link: &PendingLink) {
        self.write(PENDING_LINK, pending_link);
    }

    /// Forgets what an emailed link brought, once it was used or refused.
    pub(crate) fn forget_pending_link(&self) {
        self.remove(PENDING_LINK);
    }

    /// The identity that waits for the proof of an account. It goes through the sign-in.
    pub(crate) fn offer(&self) -> Option<String> {
        self.read(OFFER)
    }

    /// Keeps what a provider's sign-in found an account for.
    pub(crate) fn keep_offer(&self, offer: &str) {
        self.write(OFFER, &offer);
    }

    /// Forgets it, once it was connected, declined or over.
    pub(crate) fn forget_offer(&self) {
        self.remove(OFFER);
    }

    /// The provider that somebody who signed out here may sign out at as well.
    pub(crate) fn provider_logout(&self, now: Timestamp) -> Option<ProviderLogout> {
        self.read::<ProviderLogout>(PROVIDER_LOGOUT)
            .filter(|provider_logout| provider_logout.is_live(now))
    }

    /// Keeps how far that is.
    pub(crate) fn keep_provider_logout(&self, provider_logout: &ProviderLogout) {
        self.write(PROVIDER_LOGOUT, provider_logout);
    }

    /// Forgets it, once it is over.
    pub(crate) fn forget_provider_logout(&self) {
        self.remove(PROVIDER_LOGOUT);
    }

    /// The sign-in that waits for its second factor, with the newest code that was sent for it.
    pub(crate) fn waiting(&self) -> Option<WaitingSignIn> {
        let waiting = self.1.waiting().or_else(|| self.read(WAITING))?;
        if self.is_expired(&waiting.token) {
            return None;
        }
        match self.read::<(String, Option<Sent>)>(SENT) {
            Some((of, sent)) if of == fingerprint(&waiting.token) => {
                Some(WaitingSignIn { sent, ..waiting })
            }
            _ => Some(waiting),
        }
    }

    /// Keeps a sign-in whose first factor was right. A session that was here before is not this
    /// one's: it is forgotten, and so is the link that was spent. Of a sign-in that waits already
    /// only what was sent is new.
    pub(crate) fn wait_for_code(&self, challenge: &Challenge, notice: Option<Notice>) {
        let Factors { text, authenticator, recovery_code } = challenge.factors;
        let sent = challenge.sent.as_ref().map(|sent| Sent {
            phone: Phone::parse(&sent.phone).map(|phone| phone.masked()).unwrap_or_default(),
            expires_at: sent.expires_at,
        });
        let (token, factors) =
            (challenge.token.expose().to_owned(), (text, authenticator, recovery_code));
        self.drop_token();
        self.forget_pending_link();
        let is_known = self.1.waiting().is_some_and(|known| known.token == token);
        if is_known {
            self.write(SENT, &(fingerprint(&token), sent));
        } else {
            self.remove(WAITING);
            self.1.write_waiting(WaitingSignIn { token, sent, factors, notice });
        }
    }

    /// Forgets the sign-in that waited.
    pub(crate) fn stop_waiting(&self) {
        self.remove(SENT);
        if let Some(waiting) = self.1.waiting().or_else(|| self.read(WAITING)) {
            self.mark_expired(&waiting.token);
        }
    }

    /// Signed-in user by the session cookie, or the copy where there is none that opens.
    fn signed_in(&self) -> Option<SignedIn> {
        self.1.session().or_else(|| self.copied())
    }

    fn copied(&self) -> Option<SignedIn> {
        let form_secret = self.read(FORM_SECRET).or_else(|| self.read(BROWSER)).unwrap_or_default();
        Some(SignedIn {
            token: self.read(TOKEN)?,
            form_secret,
            devices: self.read(DEVICES).unwrap_or_default(),
        })
    }

    fn drop_copies(&self) {
        for key in [TOKEN, FORM_SECRET, DEVICES] {
            self.remove(key);
        }
    }

    fn device_tokens(&self) -> Vec<String> {
        let of_session = self.1.session().map(|session| session.devices);
        of_session.or_else(|| self.read(DEVICES)).unwrap_or_default()
    }

    /// Secret for the form tokens of a signed-in user.
    fn form_secret(&self) -> Option<String> {
        let session = self.signed_in().filter(|session| !self.is_expired(&session.token))?;
        Some(session.form_secret).filter(|secret| !secret.is_empty())
    }

    fn is_expired(&self, token: &str) -> bool {
        self.read::<Vec<String>>(OVER).is_some_and(|over| over.contains(&fingerprint(token)))
    }

    fn mark_expired(&self, token: &str) {
        if self.is_expired(token) {
            return;
        }
        let mut over: Vec<String> = self.read(OVER).unwrap_or_default();
        over.insert(0, fingerprint(token));
        over.truncate(OVER_MAX);
        self.write(OVER, &over);
    }

    /// The fingerprints of everything that the session's cookies hold.
    fn expired_now(&self) -> Vec<String> {
        let session = self.signed_in().map(|session| session.token);
        let waiting = self.1.waiting().map(|waiting| waiting.token);
        session.iter().chain(&waiting).map(|token| fingerprint(token)).collect()
    }

    /// Drops everything, and has the cookie sealed anew.
    fn clear(&self) {
        self.0.clear();
        self.0.renew();
    }

    /// The number that waits for the code of a journey.
    pub(crate) fn sent_sms(&self, purpose: SmsPurpose) -> Option<SentSms> {
        self.all_sent_sms().into_iter().find(|sent_sms| sent_sms.purpose == purpose)
    }

    /// Keeps which number waits for a code; of each journey the newest.
    pub(crate) fn keep_sent_sms(&self, sent_sms: SentSms) {
        let mut all = self.all_sent_sms();
        all.retain(|other| other.purpose != sent_sms.purpose);
        all.push(sent_sms);
        self.write(SENT_SMS, &all);
    }

    /// Forgets the number of a journey that has ended.
    pub(crate) fn forget_sent_sms(&self, purpose: SmsPurpose) {
        let mut all = self.all_sent_sms();
        all.retain(|sent_sms| sent_sms.purpose != purpose);
        if all.is_empty() {
            self.remove(SENT_SMS);
        } else {
            self.write(SENT_SMS, &all);
        }
    }

    fn all_sent_sms(&self) -> Vec<SentSms> {
        self.read(SENT_SMS).unwrap_or_default()
    }

    fn return_to(&self) -> Option<String> {
        self.read::<String>(RETURN_TO).filter(|path| is_own_path(path))
    }

    fn browser_secret(&self, random: &dyn Random) -> String {
        self.read(BROWSER).unwrap_or_else(|| {
            let mut bytes = [0; 16];
            random.fill(&mut bytes);
            let secret = URL_SAFE_NO_PAD.encode(bytes);
            self.write(BROWSER, &secret);
            secret
        })
    }

    /// Reads a value. Unreadable ones are treated as missing: a cookie of an older release must not
    /// break a page.
    fn read<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.0.get(key).ok().flatten()
    }

    /// Removes a value. An answer that changes nothing sets no cookie.
    fn remove(&self, key: &str) {
        if self.0.contains_key(key) {
            self.0.remove(key);
        }
    }

    /// Writes a value, if it is another one.
    fn write<T: Serialize>(&self, key: &str, value: &T) {
        let is_same =
            serde_json::to_string(value).is_ok_and(|text| self.0.entries().get(key) == Some(&text));
        if is_same {
            return;
        }
        if let Err(error) = self.0.insert(key, value) {
            tracing::error!(%error, key, "a value could not be written into the cookie");
        }
    }
}

/// Whether a text is the path of a page on this origin: what a browser can only read as such (S51).
fn is_own_path(path: &str) -> bool {
    let mut bytes = path.bytes();
    bytes.next() == Some(b'/')
        && !matches!(bytes.next(), Some(b'/' | b'\\'))
        && path.len() <= RETURN_TO_MAX
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// A name that means something at one site of this process only.
fn name_at(site: u64, name: &str) -> String {
    format!("{site} {name}")
}

fn form_token(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(b"form").chain_update(secret).finalize())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    struct CountingRandom(std::sync::atomic::AtomicU8);

    impl Random for CountingRandom {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    fn empty() -> (CookieSession, CountingRandom) {
        (
            CookieSession::of(&TestRequest::get().to_http_request()),
            CountingRandom(std::sync::atomic::AtomicU8::new(1)),
        )
    }

    #[test]
    fn one_comes_back_only_to_a_page_of_this_origin_s51() {
        for path in ["/profile", "/profile/sessions?page=2", "/"] {
            assert!(is_own_path(path), "{path}");
        }
        for path in [
            "",
            "profile",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "/a\\b",
            "/a\r\nSet-Cookie: x",
            "/\t/evil.example",
            " /profile",
            &format!("/{}", "a".repeat(RETURN_TO_MAX)),
        ] {
            assert!(!is_own_path(path), "{path:?}");
        }
    }

    #[test]
    fn a_form_token_is_good_for_one_browser_and_until_sign_in() {
        let (session, random) = empty();
        assert!(!session.knows_csrf(""), "a browser without a secret knows no token");
        let token = session.csrf(&random);
        assert!(session.knows_csrf(&token));
        assert!(!session.knows_csrf(&format!("{token}x")));
        assert!(!empty().0.knows_csrf(&token));
        session.begin(&SessionToken::parse("token").unwrap());
        assert!(!session.knows_csrf(&token), "renewed at sign-in (S32)");
    }

    #[test]
    fn beginning_a_session_hands_out_the_way_back_and_drops_the_rest() {
        let (session, random) = empty();
        session.csrf(&random);
        session.come_back_to("/profile/sessions");
        session.begin_journey(JourneyKind::MagicLink, "ann@example.com");
        session.keep_pending_link(&PendingLink::opened(LinkAction::MagicLink, "t"));
        assert_eq!(
            session.begin(&SessionToken::parse("token").unwrap()).as_deref(),
            Some("/profile/sessions")
        );
        assert_eq!(session.token().unwrap().expose(), "token");
        assert!(
            session.journey().is_none()
                && session.pending_link().is_none()
                && session.return_to().is_none()
        );
    }

    #[test]
    fn a_browser_keeps_whose_it_is_through_sign_in_and_sign_out() {
        let (session, _) = empty();
        for access_cookie in ["a", "b", "c", "d"] {
            session.begin(&SessionToken::parse(&format!("token-{access_cookie}")).unwrap());
            session.keep_device(&DeviceToken::parse(access_cookie).unwrap());
        }
        session.begin(&SessionToken::parse("token").unwrap());
        session.end();
        assert!(session.token().is_none());
        let kept: Vec<String> = session
            .devices()
            .iter()
            .map(|access_cookie| access_cookie.expose().to_owned())
            .collect();
        assert_eq!(kept, ["d", "c", "b"]);
    }

    #[test]
    fn a_notice_is_shown_once() {
        let (session, _) = empty();
        session.leave_notice(Notice::SignedOut);
        assert_eq!(session.take_notice(), Some(Notice::SignedOut));
        assert_eq!(session.take_notice(), None);
    }

    #[test]
    fn a_full_cookie_stays_far_below_what_browsers_accept_s40() {
        let (session, random) = empty();
        session.csrf(&random);
        session.come_back_to(&format!("/{}", "a".repeat(RETURN_TO_MAX - 1)));
        session.begin_journey(JourneyKind::SignUp, &format!("{}@example.com", "a".repeat(60)));
        session.keep_pending_link(&PendingLink::opened(LinkAction::MagicLink, "t".repeat(512)));
        session.keep_offer(&"o".repeat(43));
        session.write(PROVIDER_LOGOUT, &ProviderLogout::longest());
        session.leave_notice(Notice::EmailSentToNewAddress);
        let sent = Some(Sent { phone: "+49 … 78".to_owned(), expires_at: Timestamp::UNIX_EPOCH });
        session.write(SENT, &("x".repeat(11), sent));
        session.write(TOKEN, &"s".repeat(43));
        session.write(FORM_SECRET, &"k".repeat(22));
        session.write(DEVICES, &vec!["d".repeat(43); DEVICES_MAX]);
        session.write(ANSWER, &"g".repeat(22));
        session.write(OVER, &vec!["x".repeat(11); OVER_MAX]);
        let phone = crate::port::Phone::parse("+491511234567890").unwrap();
        for purpose in [
            SmsPurpose::SignUp,
            SmsPurpose::SignIn,
            SmsPurpose::ResetPassword,
            SmsPurpose::ChangePhone,
        ] {
            session.keep_sent_sms(SentSms::now(purpose, &phone, jiff::Timestamp::UNIX_EPOCH));
        }
        let text = serde_json::to_string(&*session.0.entries()).unwrap();
        // nonce and tag add 28 bytes, base64 a third, percent-encoding its signs a little
        assert!((text.len() + 28) * 4 / 3 * 106 / 100 < 3700, "{} bytes", text.len());
    }
}
