//! The port: what an account system can ask of the backend behind it.
//!
//! Pages and the REST channel speak to an [`AuthManager`] and never learn whether it is the
//! embedded engine or a remote environment. Everything here is plain data and one trait; nothing
//! here knows HTTP, SQL or HTML.
//!
//! # The contract
//!
//! An operation takes what a person typed, as it was typed. The backend parses and judges it, so
//! that a rule holds at every channel. It answers in one of three ways ([`Outcome`]):
//!
//! * `Ok`: it happened, durably. Whatever email it promised is queued in the same transaction.
//! * [`OperationError::Refused`]: the person can do something about it. Nothing was changed. One
//!   [`Problem`] for each thing that is wrong, with the field it belongs to. Expected, quiet, never
//!   logged as an error.
//! * [`OperationError::Failed`]: the person can do nothing about it. Logged once, at the boundary,
//!   with its whole chain.
//!
//! An operation that was started is finished even when the one who asked has hung up.

mod ambient;
mod auth_manager;
mod caller;
mod email;
mod field_name;
mod files;
mod inbox;
mod phone;
mod providers;
mod refusal;
mod second_factors;
mod secret;
mod session;
mod storage;
mod user;
mod wording;

pub use ambient::{Clock, Random};
pub use auth_manager::{
    AccountRecovery, Answer, AuthManager, Capabilities, Challenge, CodeDestination, EmailedFor,
    Grant, LinkAccount, PhoneVerified, Proof, ProofMethods, Reauthenticated, SecondFactorOf,
    SentCode, SignInOutcome, SignUpWithEmail, SignUpWithPhone, SignedInUser, SignedUp,
};
pub use caller::{Caller, Channel, UnlistedProxy};
pub use email::Email;
pub use field_name::FieldName;
pub use files::{
    Bucket, BucketChange, Content, Download, FileChange, FileName, FileQuery, FileStats, NewBucket,
    Picture, PublicFile, ResultPage, Sort, StorageStats, StoredFile, TagChange, Upload,
};
pub use inbox::{DevInbox, Message};
pub use phone::Phone;
pub use providers::{
    ConnectedProvider, Connections, LogoutByProvider, ProviderAnswer, ProviderFor,
    ProviderLogoutOffer, ProviderOffer, ProviderReturn,
};
pub use refusal::{Code, Failure, Field, OperationError, Outcome, Problem, Refusal};
pub use second_factors::{AuthenticatorKey, Factors, RecoveryCodes, SecondFactors, TrustedBrowser};
pub use secret::{
    AccessToken, BrowserId, ChallengeToken, DeviceToken, LinkKey, LogoutToken, OneTimeCode,
    Password, ProviderCode, ProviderLogoutToken, RecoveryCode, SessionToken,
};
pub use session::{Agent, Session, Version};
pub use storage::Storage;
pub use user::{FieldUpdate, Update, User};
