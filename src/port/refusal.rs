//! How an operation says no.

use std::{error::Error, fmt, time::Duration};

use super::FieldName;

/// Result of every operation.
pub type Outcome<T> = Result<T, OperationError>;

/// The two ways of not getting what one asked for.
#[derive(Debug)]
pub enum OperationError {
    /// The person can do something about it; nothing was changed.
    Rejected(Refusal),
    /// The person can do nothing about it.
    Internal(Failure),
}

/// Everything that is wrong with what was asked, at least one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    /// The field it belongs to; `None` for the request as a whole.
    pub field: Option<Field>,
}

/// The fields of the forms, so that a problem can stand beside what caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Name,
    Email,
    Phone,
    /// A code that came by SMS or email.
    OneTimeCode,
    Password,
    /// The current password, where a new one or a new address is asked for too.
    CurrentPassword,
    Picture,
    /// A field of the user object that no form has; its problem begins with its name.
    Named(FieldName),
}

/// Why something was refused. The sentences are in `wording.rs`, the wire words in
/// `protocol/errors.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    MissingEmail,
    InvalidEmail,
    /// A verified account holds the address.
    EmailNotUnique,
    /// Said only after the right password.
    EmailNotVerified,
    EmailVerificationDisabled,
    /// The new address is the one the account has.
    EmailUnchanged,
    NothingToCorrect,
    MissingPhone,
    InvalidPhone,
    /// A verified account holds the number.
    PhoneNotUnique,
    /// Said only after the right password.
    PhoneNotVerified,
    PhoneAlreadyVerified,
    PhoneVerificationDisabled,
    /// The new number is the one the account has.
    PhoneUnchanged,
    /// Messages are not sent to that country.
    CountryNotServed,
    /// Accounts with a phone number are switched off.
    PhoneSignUpDisabled,
    SignInCodesDisabled,
    MissingOneTimeCode,
    /// Wrong, expired, spent or guessed too often: the same for all.
    InvalidOneTimeCode,
    /// No message can be sent for now: the day's budget is spent.
    MessagesExhausted,
    /// The first factor was right, and the account asks for a second one.
    SecondFactorRequired,
    /// A code by SMS was right, and the same phone is the second factor: it cannot be the first one
    /// as well.
    SecondFactorFirst,
    /// The sign-in that waited for its second factor is over.
    ChallengeGone,
    /// The number cannot be changed like this while codes of the second factor go to it.
    SecondFactorIsOn,
    /// There is no verified phone that codes could be sent to.
    SecondFactorNeedsPhone,
    /// The account asks for a second factor that this channel cannot ask for.
    SecondFactorElsewhere,
    SecondFactorIsOff,
    /// No key waits for the first code of an authenticator app.
    AuthenticatorGone,
    /// No provider of that name is set up.
    ProviderUnknown,
    /// The provider does not answer, or too slowly.
    ProviderUnreachable,
    /// The provider's answer cannot be trusted.
    ProviderAnswerInvalid,
    /// The person, or the provider, said no.
    ProviderCancelled,
    /// The journey to the provider is over, was finished already, or began in another browser.
    ProviderJourneyGone,
    /// The account at the provider is connected to another account here.
    IdentityNotUnique,
    /// Without it nobody could sign in to the account any more.
    LastWayIn,
    /// The backend does not have it.
    NotOffered,
    MissingPassword,
    PasswordTooShort {
        min: usize,
    },
    PasswordTooLong,
    PasswordTooCommon,
    /// It is, or contains most of, the person's own name or address, or the product's name.
    PasswordTooPersonal,
    PasswordUnchanged,
    /// Unknown address or wrong password: the same for both.
    InvalidSignInCredentials,
    /// Unknown number or wrong password: the same for both.
    InvalidPhoneCredentials,
    /// The current password, typed to confirm a change, is wrong.
    InvalidCredentials,
    /// A sensitive change wants a proof of the owner that is younger than the last one.
    ProofNeeded,
    /// There is nowhere to send a code that proves the owner, or no need for one.
    ProofCodeNotOffered,
    NameTooLong,
    InvalidName,
    MissingSessionToken,
    InvalidSessionToken,
    /// The handle names no session of this account.
    SessionNotFound,
    MissingAccessToken,
    InvalidAccessToken,
    InvalidTokenType,
    InvalidActionType,
    FieldNotWritable,
    /// Neither built in nor declared.
    UnknownField,
    InvalidFieldValue,
    /// A field that every user must have.
    FieldRequired,
    /// More or larger fields than a user object may have.
    ObjectTooLarge,
    ObjectNotFound,
    BucketNotFound,
    BucketNotUnique,
    /// The root bucket, or one that holds other people's files.
    BucketNotYours,
    InvalidBucketName,
    InvalidTags,
    /// As many buckets as one account may make.
    TooManyBuckets,
    FileNotFound,
    /// Only pictures may be public.
    FileNotPublishable,
    InvalidExpression,
    MissingPicture,
    PictureTooLarge,
    PictureTooWide,
    NotAPicture,
    StorageFull,
    /// The mailbox has had several emails already; the newest works.
    SeveralEmails {
        retry_after: Duration,
    },
    /// So many emails wait to be sent that one more would come too late.
    EmailIsBusy {
        retry_after: Duration,
    },
    /// The number has had several messages already.
    SeveralMessages {
        retry_after: Duration,
    },
    /// Too many tries, or too many emails, for now.
    RateLimitExceeded {
        retry_after: Duration,
    },
}

/// Something broke that no person can mend by typing something else.
#[derive(Debug)]
pub struct Failure {
    /// Whether trying again soon may work: the database is away, the disk is full, too much is
    /// waiting.
    pub retry_after: Option<Duration>,
    source: Box<dyn Error + Send + Sync>,
}

impl Refusal {
    /// A refusal of the request as a whole.
    pub fn of(code: Code) -> Self {
        Self { problems: vec![Problem { code, field: None }] }
    }

    /// A refusal that belongs to one field.
    pub fn at(field: Field, code: Code) -> Self {
        Self { problems: vec![Problem { code, field: Some(field) }] }
    }

    /// All problems as one refusal; `Ok` where there are none.
    ///
    /// # Errors
    /// The refusal, when there is at least one problem.
    pub fn of_all(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }

    /// Problems; never empty.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether one of the problems is this one.
    pub fn is(&self, code: Code) -> bool {
        self.problems.iter().any(|problem| problem.code == code)
    }

    /// How long to wait before another try, when that is the problem.
    pub fn retry_after(&self) -> Option<Duration> {
        self.problems.iter().find_map(|problem| match problem.code {
            Code::RateLimitExceeded { retry_after }
            | Code::SeveralEmails { retry_after }
            | Code::EmailIsBusy { retry_after }
            | Code::SeveralMessages { retry_after } => Some(retry_after),
            _ => None,
        })
    }
}

impl Failure {
    /// A failure that will not go away by itself.
    pub fn broken(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { retry_after: None, source: source.into() }
    }

    /// A failure that may be gone after the time given.
    pub fn unavailable(
        retry_after: Duration,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { retry_after: Some(retry_after), source: source.into() }
    }
}

impl From<Refusal> for OperationError {
    fn from(refusal: Refusal) -> Self {
        Self::Rejected(refusal)
    }
}

impl From<Code> for OperationError {
    fn from(code: Code) -> Self {
        Self::Rejected(Refusal::of(code))
    }
}

impl From<Failure> for OperationError {
    fn from(failure: Failure) -> Self {
        Self::Internal(failure)
    }
}

/// The whole chain of causes on one line, for the log. Some errors say their cause themselves; it
/// is not said twice.
impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.source.to_string();
        formatter.write_str(&said)?;
        let mut cause = self.source.source();
        while let Some(error) = cause {
            let words = error.to_string();
            if !said.ends_with(&words) {
                write!(formatter, ": {words}")?;
                said = words;
            }
            cause = error.source();
        }
        Ok(())
    }
}
