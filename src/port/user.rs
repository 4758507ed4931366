//! The user object.

use jiff::Timestamp;

/// An account as its owner sees it. The password is never part of it.
#[derive(Debug, Clone)]
pub struct User {
    /// 24 hexadecimal digits.
    pub id: String,
    /// `altogic` for accounts made here, else the provider's lower-case name.
    pub provider: String,
    pub provider_user_id: String,
    pub email: Option<String>,
    pub email_verified: bool,
    pub name: Option<String>,
    /// An absolute URL. Only one of our own files is shown on our pages.
    pub profile_picture: Option<String>,
    pub signed_up_at: Timestamp,
    pub last_login_at: Timestamp,
}

/// One change to one field of the user object.
#[derive(Debug, Clone)]
pub struct FieldUpdate {
    pub field: String,
    pub update: Update,
}

/// How a field changes.
#[derive(Debug, Clone)]
pub enum Update {
    Set(serde_json::Value),
    Unset,
}
