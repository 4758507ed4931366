//! One file a page: its template, its fields, `show`, `submit`.

pub(super) mod auth_redirect;
pub(super) mod change_password;
pub(super) mod check_inbox;
pub(super) mod choose_password;
pub(super) mod dev_inbox;
pub(super) mod home;
pub(super) mod link_failed;
pub(super) mod magic_link;
pub(super) mod mail_code;
pub(super) mod not_me;
pub(super) mod profile;
pub(super) mod profile_email;
pub(super) mod profile_email_confirm;
pub(super) mod profile_name;
pub(super) mod profile_password;
pub(super) mod profile_picture;
pub(super) mod profile_sessions;
pub(super) mod reset_password;
pub(super) mod sign_in;
pub(super) mod sign_out;
pub(super) mod sign_up;
pub(super) mod two_factor;
