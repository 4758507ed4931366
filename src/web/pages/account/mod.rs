//! Pages of a signed-in user.

pub(in crate::web) mod account_recovery;
pub(in crate::web) mod change_password;
pub(in crate::web) mod profile;
pub(in crate::web) mod profile_connections;
pub(in crate::web) mod profile_email;
pub(in crate::web) mod profile_email_confirm;
pub(in crate::web) mod profile_name;
pub(in crate::web) mod profile_password;
pub(in crate::web) mod profile_phone;
pub(in crate::web) mod profile_phone_confirm;
pub(in crate::web) mod profile_picture;
pub(in crate::web) mod profile_sessions;
pub(in crate::web) mod profile_two_factor;
pub(super) mod recovery_codes;
