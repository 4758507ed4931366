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
    /// In E.164 form.
    pub phone: Option<String>,
    pub phone_verified: bool,
    /// Whether every sign-in is followed by a code to the verified phone.
    pub two_factor: bool,
    /// Whether anything at all is asked for after the first factor. Not on the wire.
    pub second_factor: bool,
    pub name: Option<String>,
    /// An absolute URL. Only one of our own files is shown on our pages.
    pub profile_picture: Option<String>,
    pub signed_up_at: Timestamp,
    pub last_login_at: Timestamp,
    /// The fields that the operator declared in the settings, by their names.
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// One change to one field of the user object.
#[derive(Debug, Clone)]
pub struct FieldUpdate {
    pub field: String,
    pub update: Update,
}

/// How a field changes (altogic-protocol.md §6). What a type of update means for a field that has
/// no value yet, or one of another type, is written where it is done:
/// `engine/users/fields/change.rs`.
#[derive(Debug, Clone)]
pub enum Update {
    Set(serde_json::Value),
    Unset,
    Increment(serde_json::Value),
    Decrement(serde_json::Value),
    Multiply(serde_json::Value),
    /// The smaller of the two stays.
    Min(serde_json::Value),
    /// The larger of the two stays.
    Max(serde_json::Value),
    /// Appends to a list.
    Push(serde_json::Value),
    /// Removes every equal element of a list.
    Pull(serde_json::Value),
    /// Removes the last element of a list.
    Pop,
    /// Removes the first element of a list.
    Shift,
}
