//! One file a page: its template, its fields, `show`, `submit`.

pub(super) mod account;
pub(super) mod auth_redirect;
pub(super) mod dev_inbox;
pub(super) mod home;
pub(super) mod link_failed;
pub(super) mod sign_in;
pub(super) mod sign_out;
pub(super) mod sign_up;
