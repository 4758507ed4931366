//! The error envelope `{"errors":[{"origin","code","message"}]}` and the wire's words for every
//! refusal (altogic-protocol.md §1.4, §5).
//!
//! The client library reads nothing else of an answer that is not 2xx, and never settles its
//! promise when the body is not JSON. Applications show `errors.items[0].message` to people, so
//! there is always one entry, and it is a sentence.

use std::{borrow::Cow, time::Duration};

use serde::Serialize;
use serde_json::Value;

use crate::port::{Code, Problem, Refusal};

/// An answer that says no: status, entries, and when to come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError {
    pub status: u16,
    /// For the header `Retry-After`.
    pub retry_after: Option<Duration>,
    pub envelope: Envelope,
}

/// The body of every answer that is not 2xx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Envelope {
    pub errors: Vec<ErrorEntry>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorEntry {
    pub origin: ErrorOrigin,
    pub code: &'static str,
    pub message: Cow<'static, str>,
    /// Details that an application needs to go on; mostly none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorOrigin {
    ClientError,
    ServerError,
}

/// Faults of a request before any operation runs: the transport's own errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    UnknownPath,
    MethodNotAllowed,
    MissingClientKey,
    InvalidClientKey,
    /// The page's origin is not one that the client key is for.
    DomainNotAuthorized,
    BodyTooLarge,
    BodyTooSlow,
    /// The body stopped half way.
    BodyBroken,
    /// Not JSON, or not UTF-8.
    BodySyntax,
    /// JSON, but a field is there twice or has another type than the call takes.
    BodyShape,
    /// JSON that nests deeper, or has more parts, than any call takes.
    BodyTooComplex,
    UnsupportedMediaType,
    /// A multipart body without the part `file`.
    MissingFile,
    UnknownUpdateType,
    /// A call of the database that is not about one's own user object.
    NotOffered,
}

impl WireError {
    /// Something broke here. Says nothing about what ("tell the user little, the log all").
    pub fn failed(retry_after: Option<Duration>) -> Self {
        let (status, message) = match retry_after {
            Some(_) => (503, "The service is busy or being restarted. Try again in a moment."),
            None => (
                500,
                "Something went wrong on our side. Try again; if it stays, tell the people who run \
                    this service.",
            ),
        };
        let entry = ErrorEntry {
            origin: ErrorOrigin::ServerError,
            code: "internal_server_error",
            message: message.into(),
            details: None,
        };
        Self { status, retry_after, envelope: Envelope { errors: vec![entry] } }
    }
}

impl WireError {
    /// The same with details in its first entry.
    pub fn with_details(mut self, details: Value) -> Self {
        if let Some(entry) = self.envelope.errors.first_mut() {
            entry.details = Some(details);
        }
        self
    }
}

impl From<Fault> for WireError {
    fn from(fault: Fault) -> Self {
        let (status, code, message) = fault.words();
        let entry = ErrorEntry {
            origin: ErrorOrigin::ClientError,
            code,
            message: message.into(),
            details: None,
        };
        Self { status, retry_after: None, envelope: Envelope { errors: vec![entry] } }
    }
}

impl From<Refusal> for WireError {
    /// The first problem gives the status; each gives an entry.
    fn from(refusal: Refusal) -> Self {
        let status = refusal.problems().first().map_or(400, |problem| words(problem.code).0);
        let errors = refusal.problems().iter().map(ErrorEntry::from).collect();
        Self { status, retry_after: refusal.retry_after(), envelope: Envelope { errors } }
    }
}

impl From<Code> for WireError {
    fn from(code: Code) -> Self {
        Refusal::of(code).into()
    }
}

impl From<&Problem> for ErrorEntry {
    fn from(problem: &Problem) -> Self {
        Self {
            origin: ErrorOrigin::ClientError,
            code: words(problem.code).1,
            message: problem.to_string().into(),
            details: None,
        }
    }
}

impl Fault {
    /// Status, code and sentence.
    fn words(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::UnknownPath => (404, "resource_not_found", "There is nothing at this path."),
            Self::MethodNotAllowed => {
                (405, "method_not_allowed", "This path does not take that method.")
            }
            Self::MissingClientKey => (401, "missing_client_key", "The request has no client key."),
            Self::InvalidClientKey => {
                (401, "invalid_client_key", "The client key is not one of this environment.")
            }
            Self::DomainNotAuthorized => (
                401,
                "domain_not_authorized",
                "The client key may not be used by pages of this origin.",
            ),
            Self::BodyTooLarge => (413, "request_body_size_too_large", "The request is too large."),
            Self::BodyTooSlow => {
                (408, "request_timeout", "The request took too long to arrive. Try again.")
            }
            Self::BodyBroken => {
                (400, "invalid_request_body_syntax", "The request did not arrive whole. Try again.")
            }
            Self::BodySyntax => {
                (400, "invalid_request_body_syntax", "The request body is not valid JSON in UTF-8.")
            }
            Self::BodyShape => {
                (400, "validation_error", "The request body is not what this call takes.")
            }
            Self::BodyTooComplex => {
                (400, "validation_error", "The request body nests too deep or has too many parts.")
            }
            Self::UnsupportedMediaType => (
                415,
                "unsupported_media_type",
                "This call does not take a body of that content type.",
            ),
            Self::MissingFile => (
                400,
                "file_upload_error",
                "There is no file in the request: its part is named \"file\".",
            ),
            Self::NotOffered => (
                403,
                "permission_denied",
                "Of the database, only one's own user object is there: get it, update it, or \
                    update its fields.",
            ),
            Self::UnknownUpdateType => (400, "validation_error", "There is no such update type."),
        }
    }
}

/// The status and the wire's word for a refusal (altogic-protocol.md §3 and §5.2; where the
/// original is unknown, chosen here).
fn words(code: Code) -> (u16, &'static str) {
    match code {
        Code::EmailNotUnique => (400, "email_not_unique"),
        Code::EmailNotVerified => (401, "email_not_verified"),
        Code::EmailVerificationDisabled => (401, "email_verification_disabled"),
        Code::InvalidSignInCredentials => (401, "invalid_sign_in_credentials"),
        Code::InvalidCredentials => (401, "invalid_credentials"),
        // Never said at the REST channel.
        Code::ProofNeeded | Code::ProofCodeNotOffered => (401, "proof_needed"),
        Code::PhoneNotUnique => (400, "phone_not_unique"),
        Code::PhoneNotVerified => (401, "phone_not_verified"),
        Code::PhoneAlreadyVerified => (400, "phone_already_verified"),
        Code::PhoneVerificationDisabled => (401, "phone_verification_disabled"),
        Code::PhoneSignUpDisabled => (401, "not_allowed"),
        Code::SignInCodesDisabled => (401, "sms_auth_codes_disabled"),
        Code::MissingPhone => (400, "missing_phone_number"),
        Code::MissingOneTimeCode => (400, "missing_sms_code"),
        Code::InvalidOneTimeCode => (403, "invalid_access_token"),
        Code::CountryNotServed => (400, "cannot_send_sms_code"),
        Code::MessagesExhausted => (429, "cannot_send_sms_code"),
        Code::SecondFactorRequired | Code::SecondFactorFirst | Code::SecondFactorElsewhere => {
            (401, "second_factor_required")
        }
        Code::InvalidPhoneCredentials => (401, "invalid_credentials"),
        Code::ChallengeGone | Code::AuthenticatorGone => (403, "invalid_access_token"),
        Code::SecondFactorIsOn => (400, "second_factor_is_on"),
        Code::SecondFactorNeedsPhone => (400, "second_factor_needs_phone"),
        // Said at pages and in redirects, never in an envelope.
        Code::ProviderUnknown
        | Code::ProviderUnreachable
        | Code::ProviderAnswerInvalid
        | Code::ProviderCancelled
        | Code::ProviderJourneyGone
        | Code::IdentityNotUnique
        | Code::LastWayIn => (403, "permission_denied"),
        Code::BucketNotUnique => (400, "bucket_not_unique"),
        Code::BucketNotYours | Code::NotOffered | Code::SecondFactorIsOff => {
            (403, "permission_denied")
        }
        Code::FileNotFound => (404, "file_not_found"),
        Code::FileNotPublishable => (400, "file_upload_error"),
        Code::MissingSessionToken => (401, "missing_session_token"),
        Code::InvalidSessionToken => (401, "invalid_session_token"),
        Code::SessionNotFound => (404, "session_not_found"),
        Code::MissingAccessToken => (400, "missing_access_token"),
        Code::InvalidAccessToken => (403, "invalid_access_token"),
        Code::InvalidTokenType => (401, "invalid_token_type"),
        Code::InvalidActionType => (400, "invalid_action_type"),
        Code::FieldNotWritable => (403, "permission_denied"),
        Code::ObjectNotFound => (404, "object_not_found"),
        Code::BucketNotFound => (404, "bucket_not_found"),
        Code::PictureTooLarge => (413, "file_upload_error"),
        Code::MissingPicture | Code::PictureTooWide | Code::NotAPicture | Code::StorageFull => {
            (400, "file_upload_error")
        }
        Code::RateLimitExceeded { .. }
        | Code::SeveralEmails { .. }
        | Code::EmailIsBusy { .. }
        | Code::SeveralMessages { .. } => (429, "rate_limit_exceeded"),
        Code::MissingEmail
        | Code::InvalidEmail
        | Code::EmailUnchanged
        | Code::NothingToCorrect
        | Code::MissingPassword
        | Code::PasswordTooShort { .. }
        | Code::PasswordTooLong
        | Code::PasswordTooCommon
        | Code::PasswordTooPersonal
        | Code::PasswordUnchanged
        | Code::NameTooLong
        | Code::InvalidName
        | Code::UnknownField
        | Code::InvalidFieldValue
        | Code::FieldRequired
        | Code::ObjectTooLarge
        | Code::InvalidExpression
        | Code::InvalidPhone
        | Code::PhoneUnchanged
        | Code::InvalidTags
        | Code::TooManyBuckets
        | Code::InvalidBucketName => (400, "validation_error"),
    }
}

/// The refusals that the wire tells apart by nothing but their sentence: all those that share a
/// word above.
pub(super) const SENTENCES: &[Code] = &[
    Code::MissingEmail,
    Code::InvalidEmail,
    Code::EmailUnchanged,
    Code::NothingToCorrect,
    Code::MissingPassword,
    Code::PasswordTooLong,
    Code::PasswordTooCommon,
    Code::PasswordTooPersonal,
    Code::PasswordUnchanged,
    Code::NameTooLong,
    Code::InvalidName,
    Code::InvalidFieldValue,
    Code::FieldRequired,
    Code::UnknownField,
    Code::ObjectTooLarge,
    Code::InvalidExpression,
    Code::InvalidPhone,
    Code::PhoneUnchanged,
    Code::InvalidBucketName,
    Code::MissingPicture,
    Code::PictureTooLarge,
    Code::PictureTooWide,
    Code::NotAPicture,
    Code::StorageFull,
    Code::FileNotPublishable,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Field;

    #[test]
    fn two_bad_fields_are_two_entries() {
        let problems = vec![
            Problem { code: Code::InvalidEmail, field: Some(Field::Email) },
            Problem { code: Code::PasswordTooShort { min: 8 }, field: Some(Field::Password) },
        ];
        let error = WireError::from(Refusal::of_all(problems).unwrap_err());
        assert_eq!((error.status, error.envelope.errors.len()), (400, 2));
        assert!(
            error
                .envelope
                .errors
                .iter()
                .all(|entry| entry.code == "validation_error" && entry.message.ends_with('.'))
        );
    }

    #[test]
    fn a_limit_says_when_to_come_back() {
        let error =
            WireError::from(Code::RateLimitExceeded { retry_after: Duration::from_secs(90) });
        assert_eq!((error.status, error.retry_after), (429, Some(Duration::from_secs(90))));
    }

    #[test]
    fn the_envelope_looks_as_the_client_reads_it() {
        let json = serde_json::to_string(&WireError::from(Code::EmailNotUnique).envelope).unwrap();
        let entry = r#"{"origin":"client_error","code":"email_not_unique","message":"A user with the provided email already exists."}"#;
        assert_eq!(json, format!(r#"{{"errors":[{entry}]}}"#));
    }
}
