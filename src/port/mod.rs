//! The port: what an entrance hall can ask of the backend behind it.
//!
//! Pages and the REST door speak to an [`AuthManager`] and never learn whether it is the embedded engine or a remote
//! environment. Everything here is plain data and one trait; nothing here knows HTTP, SQL or HTML.
//!
//! # The contract
//!
//! An operation takes what a person typed, as it was typed. The backend parses and judges it, so that a rule holds at
//! every door. It answers in one of three ways ([`Outcome`]):
//!
//! * `Ok`: it happened, durably. Whatever mail it promised is queued in the same transaction.
//! * [`Trouble::Refused`]: the person can do something about it. Nothing was changed. One [`Problem`] for each thing that
//!   is wrong, with the field it belongs to. Expected, quiet, never logged as an error.
//! * [`Trouble::Failed`]: the person can do nothing about it. Logged once, at the boundary, with its whole chain.
//!
//! An operation that was started is finished even when the one who asked has hung up.

mod auth_manager;
mod caller;
mod chance;
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

pub use auth_manager::{
    Answer, AuthManager, Challenge, CodePlace, Entrance, Grant, LinkAccount, MailedFor, Member, NotMe, Offers,
    PhoneVerified, Proof, ProofMethods, Proved, SecondFactorOf, SentCode, SignUpWithEmail, SignUpWithPhone, SignedUp,
};
pub use caller::{Caller, Door, UnlistedProxy};
pub use chance::{Clock, Random};
pub use email::Email;
pub use field_name::FieldName;
pub use files::{
    Bucket, BucketChange, Content, Download, FileChange, FileName, FileStats, NewBucket, Page, Picture, PublicFile,
    Query, Sort, StorageStats, StoredFile, TagChange, Upload,
};
pub use inbox::{DevInbox, Message};
pub use phone::Phone;
pub use providers::{
    Connection, Connections, EndedByProvider, ProviderAnswer, ProviderFarewell, ProviderFor, ProviderOffer,
    ProviderReturn,
};
pub use refusal::{Code, Failure, Field, Outcome, Problem, Refusal, Trouble};
pub use second_factors::{AuthenticatorKey, Factors, RecoveryCodes, SecondFactors, TrustedBrowser};
pub use secret::{
    AccessToken, BrowserTicket, ChallengeToken, DeviceTicket, FarewellTicket, LinkKey, LogoutToken, OneTimeCode,
    Password, ProviderCode, RecoveryCode, SessionToken,
};
pub use session::{Agent, Session, Version};
pub use storage::Storage;
pub use user::{FieldUpdate, Update, User};
