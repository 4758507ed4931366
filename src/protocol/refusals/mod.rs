//! The error envelope read: from the wire's words back to the port's refusals. `errors` writes
//! them; here is the other end.
//!
//! # The table needs to know what was asked
//!
//! The wire has fewer words than the port has codes: `invalid_access_token` is a dead link after
//! one call and a wrong code after another, and `validation_error` is whatever its sentence says.
//! So the words are read beside [`RequestContext`]. A sentence that is literally one of ours names
//! its code; one of somebody else's is searched for what it is about. The sentence itself is never
//! shown: our pages speak with their own words.
//!
//! What no person can mend (our client key is refused, a word nobody knows with a status that tells
//! nothing) is no refusal: the caller makes a failure of it, and nobody is signed out for it.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::errors::SENTENCES;
use crate::port::{Code, Field, FieldName, Problem, Refusal};

/// Entries of an envelope that are looked at; no call of ours can go wrong in more ways.
const ENTRIES_MAX: usize = 10;
/// How long to wait where a limit does not say it.
const SOME_TIME: Duration = Duration::from_secs(60);
/// The shortest password where a sentence does not say it: the original's rule (altogic-protocol.md
/// §4).
const PASSWORD_MIN: usize = 6;

/// Request details that the wording of an answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestContext {
    /// To make an account.
    SignUp,
    /// To be let in with an address and a password.
    SignIn,
    /// To be let in with a number and a password.
    PhoneSignIn,
    /// To send an email or a message, without a session.
    Send,
    /// To take a code as a proof.
    OneTimeCode,
    /// To take an access token as a proof.
    AccessToken,
    /// To change something, with the current password as a proof.
    Confirmed,
    /// About the caller's session and the others of the account.
    Session,
    /// To change fields of the user.
    Update,
    /// About a file.
    File,
}

/// An answer that says no, as it arrived.
#[derive(Debug)]
pub struct Rejected {
    pub status: u16,
    /// Of the header `Retry-After`.
    pub retry_after: Option<Duration>,
    pub entries: Vec<ForeignEntry>,
}

/// One entry of a foreign envelope.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ForeignEntry {
    pub code: String,
    pub message: String,
    pub details: Option<Value>,
}

/// The shapes that the client library takes for an envelope (altogic-protocol.md §2).
#[derive(Deserialize)]
#[serde(untagged)]
enum ForeignBody {
    Envelope { errors: EntryOrEntries },
    Bare(EntryOrEntries),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum EntryOrEntries {
    Many(Vec<ForeignEntry>),
    One(ForeignEntry),
}

impl Rejected {
    /// Reads the body of an answer that is not 2xx; `None` where that is no envelope.
    pub fn read(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Option<Self> {
        let (ForeignBody::Envelope { errors } | ForeignBody::Bare(errors)) =
            serde_json::from_slice(body).ok()?;
        let mut entries = match errors {
            EntryOrEntries::Many(entries) => entries,
            EntryOrEntries::One(entry) => vec![entry],
        };
        entries.truncate(ENTRIES_MAX);
        let told = entries.iter().all(|entry| !entry.code.is_empty() || !entry.message.is_empty());
        (told && !entries.is_empty()).then_some(Self { status, retry_after, entries })
    }

    /// Whether one of the entries has this code.
    pub fn says(&self, word: &str) -> bool {
        self.entries.iter().any(|entry| entry.code == word)
    }

    /// Whether it tells who has an account and who has not. Original environments do where
    /// something is sent (§3, rows 13 to 18); the port answers the same for all (S04).
    pub fn tells_of_an_account(&self) -> bool {
        const TELLING: [&str; 6] = [
            "invalid_credentials",
            "user_not_found",
            "email_not_verified",
            "email_already_verified",
            "phone_not_verified",
            "phone_already_verified",
        ];
        TELLING.iter().any(|word| self.says(word))
    }

    /// The number that a sign-in's second factor goes to (an extension: `details.phone` beside
    /// `second_factor_required`).
    pub fn second_factor_phone(&self) -> Option<&str> {
        let entry = self.entries.iter().find(|entry| entry.code == "second_factor_required")?;
        entry.details.as_ref()?.get("phone")?.as_str()
    }

    /// When the code of a second factor ends, where the environment says so beside the number.
    pub fn second_factor_expires_at(&self) -> Option<Timestamp> {
        let entry = self.entries.iter().find(|entry| entry.code == "second_factor_required")?;
        entry.details.as_ref()?.get("expiresAt")?.as_str()?.parse().ok()
    }

    /// The refusal; `None` where it is none that a person could mend.
    pub fn refusal(&self, asked: RequestContext) -> Option<Refusal> {
        if self.status >= 500 {
            return None;
        }
        let mut problems: Vec<Problem> = Vec::new();
        for entry in &self.entries {
            let code = self.code(entry, asked)?;
            let field = entry
                .named()
                .map_or_else(|| field(code, asked), |(name, _)| Some(Field::Named(name)));
            let problem = Problem { code, field };
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        Refusal::of_all(problems).err()
    }

    /// Word by word. A code that is not told in this table is one that the wire tells by its
    /// sentence.
    fn code(&self, entry: &ForeignEntry, asked: RequestContext) -> Option<Code> {
        Some(match (entry.code.as_str(), asked) {
            ("email_not_unique", _) => Code::EmailNotUnique,
            ("email_not_verified", _) => Code::EmailNotVerified,
            ("email_verification_disabled", _) => Code::EmailVerificationDisabled,
            ("phone_not_unique", _) => Code::PhoneNotUnique,
            ("phone_not_verified", _) => Code::PhoneNotVerified,
            ("phone_already_verified", _) => Code::PhoneAlreadyVerified,
            ("phone_verification_disabled", _) => Code::PhoneVerificationDisabled,
            ("sms_auth_codes_disabled", _) => Code::SignInCodesDisabled,
            ("not_allowed", RequestContext::SignUp) => Code::PhoneSignUpDisabled,
            ("missing_phone_number", _) => Code::MissingPhone,
            ("missing_sms_code", _) => Code::MissingOneTimeCode,
            ("cannot_send_sms_code", _) if self.status == 429 => Code::MessagesExhausted,
            ("cannot_send_sms_code", _) => Code::CountryNotServed,
            ("second_factor_required", RequestContext::OneTimeCode) => Code::SecondFactorFirst,
            ("second_factor_required", _) => Code::SecondFactorRequired,
            ("second_factor_needs_phone", _) => Code::SecondFactorNeedsPhone,
            ("second_factor_is_on", _) => Code::SecondFactorIsOn,
            ("rate_limit_exceeded", _) => self.limit(),
            ("missing_session_token", _) => Code::MissingSessionToken,
            // Said of another session than the caller's by servers that lack a word of its own
            // (altogic-protocol.md §3, row 6).
            ("invalid_session_token", _) if self.status != 401 => Code::SessionNotFound,
            ("invalid_session_token", _) => Code::InvalidSessionToken,
            ("session_not_found", _) => Code::SessionNotFound,
            ("missing_access_token", _) => Code::MissingAccessToken,
            ("invalid_token_type", _) => Code::InvalidTokenType,
            ("invalid_action_type", _) => Code::InvalidActionType,
            ("invalid_access_token", RequestContext::AccessToken) => Code::InvalidAccessToken,
            ("permission_denied", RequestContext::Update) => Code::FieldNotWritable,
            ("permission_denied", RequestContext::File) => Code::BucketNotYours,
            ("object_not_found", _) => Code::ObjectNotFound,
            ("bucket_not_found", _) => Code::BucketNotFound,
            ("bucket_not_unique", _) => Code::BucketNotUnique,
            ("file_not_found", _) => Code::FileNotFound,
            (
                "user_not_found",
                RequestContext::Session | RequestContext::Update | RequestContext::File,
            ) => Code::InvalidSessionToken,
            ("validation_error" | "file_upload_error" | "request_body_size_too_large", _) => {
                self.told(entry, asked)?
            }
            (
                "missing_client_key"
                | "invalid_client_key"
                | "domain_not_authorized"
                | "missing_request_origin",
                _,
            ) => {
                return None;
            }
            (
                "missing_api_key" | "invalid_api_key" | "expired_api_key" | "resource_not_found",
                _,
            ) => return None,
            _ => self.by_status(asked)?,
        })
    }

    fn limit(&self) -> Code {
        Code::RateLimitExceeded { retry_after: self.retry_after.unwrap_or(SOME_TIME) }
    }

    /// By the sentence: ours literally, another's by what it is about.
    fn told(&self, entry: &ForeignEntry, asked: RequestContext) -> Option<Code> {
        let said = entry.named().map_or(&*entry.message, |(_, sentence)| sentence);
        if let Some(code) = SENTENCES.iter().find(|code| code.to_string() == said) {
            return Some(*code);
        }
        let sentence = entry.message.to_lowercase();
        let about = |word: &str| sentence.contains(word);
        Some(match asked {
            RequestContext::File if self.status == 413 || about("large") || about("size") => {
                Code::PictureTooLarge
            }
            RequestContext::File => Code::NotAPicture,
            RequestContext::SignIn => Code::InvalidSignInCredentials,
            RequestContext::PhoneSignIn => Code::InvalidPhoneCredentials,
            RequestContext::Update => Code::InvalidFieldValue,
            _ if about("password") => {
                Code::PasswordTooShort { min: number_in(&sentence).unwrap_or(PASSWORD_MIN) }
            }
            _ if about("phone") => Code::InvalidPhone,
            _ if about("mail") => Code::InvalidEmail,
            _ if about("name") => Code::InvalidName,
            _ if about("code") => Code::InvalidOneTimeCode,
            _ => self.by_status(asked)?,
        })
    }

    /// For a word that nobody here knows.
    fn by_status(&self, asked: RequestContext) -> Option<Code> {
        Some(match (self.status, asked) {
            (429, _) => self.limit(),
            (413, RequestContext::File) => Code::PictureTooLarge,
            (400, RequestContext::File) => Code::NotAPicture,
            (400, RequestContext::Update) => Code::InvalidFieldValue,
            (400 | 401 | 403 | 404, RequestContext::SignIn) => Code::InvalidSignInCredentials,
            (400 | 401 | 403 | 404, RequestContext::PhoneSignIn) => Code::InvalidPhoneCredentials,
            (400 | 401 | 403 | 404, RequestContext::AccessToken) => Code::InvalidAccessToken,
            (400 | 401 | 403 | 404, RequestContext::OneTimeCode) => Code::InvalidOneTimeCode,
            (401 | 403, RequestContext::Confirmed) => Code::InvalidCredentials,
            (403, RequestContext::Update) => Code::FieldNotWritable,
            (404, RequestContext::File) => Code::FileNotFound,
            _ => return None,
        })
    }
}

impl ForeignEntry {
    /// The declared field that an entry of ours begins with, and the rest of its sentence.
    fn named(&self) -> Option<(FieldName, &str)> {
        let (name, sentence) = self.message.split_once(": ")?;
        Some((FieldName::parse(name)?, sentence))
    }
}

/// Beside which field of a form a problem stands, as the engine places it.
fn field(code: Code, asked: RequestContext) -> Option<Field> {
    match code {
        Code::MissingPassword | Code::InvalidCredentials if asked == RequestContext::Confirmed => {
            Some(Field::CurrentPassword)
        }
        Code::MissingEmail | Code::InvalidEmail | Code::EmailNotUnique | Code::EmailUnchanged => {
            Some(Field::Email)
        }
        Code::MissingPhone
        | Code::InvalidPhone
        | Code::PhoneNotUnique
        | Code::PhoneUnchanged
        | Code::CountryNotServed => Some(Field::Phone),
        Code::MissingOneTimeCode | Code::InvalidOneTimeCode => Some(Field::OneTimeCode),
        Code::MissingPassword
        | Code::PasswordTooShort { .. }
        | Code::PasswordTooLong
        | Code::PasswordTooCommon
        | Code::PasswordTooPersonal
        | Code::PasswordUnchanged => Some(Field::Password),
        Code::NameTooLong | Code::InvalidName => Some(Field::Name),
        _ => None,
    }
}

fn number_in(sentence: &str) -> Option<usize> {
    let digits = sentence
        .split(|letter: char| !letter.is_ascii_digit())
        .find(|digits| !digits.is_empty())?;
    digits.parse().ok().filter(|number| *number <= 1024)
}

#[cfg(test)]
mod tests;
