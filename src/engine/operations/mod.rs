//! The verbs: one file for each thing that can be done, one transaction a function.
//!
//! A verb takes what was typed, judges it, asks the limits, hashes what has to be hashed, and only
//! then begins its transaction, so that nothing slow happens while rows are locked. Email is queued
//! within the transaction that causes it (R03). What a verb learns by reading first is decided
//! again by the statement that writes.

mod account_recovery;
mod address_verification;
mod change_email;
mod change_password;
mod change_phone;
mod change_picture;
mod choose_link_password;
mod complete_first_factor;
mod connections;
mod correct_sign_up;
mod email_code;
mod grant;
mod guesser;
mod notify;
mod open_email_link;
mod provider_logout;
mod providers;
mod reauthentication;
mod reset_password;
mod second_factor_sign_in;
mod send_code;
mod send_email;
mod send_link;
mod send_sms;
mod sessions;
mod sign_in;
mod sign_in_code;
mod sign_up;
mod sign_up_phone;
pub(super) mod storage;
mod store_file;
mod sweep;
mod two_factor;
mod update_user;
mod verify_phone;

pub(super) use account_recovery::{describe_account_recovery, recover_account};
pub(super) use change_email::{
    change_email, confirm_email_change, confirm_email_change_with_code, describe_email_change,
};
pub(super) use change_password::change_password;
pub(super) use change_phone::change_phone;
pub(super) use change_picture::{change_picture, remove_picture};
pub(super) use choose_link_password::{choose_link_password, describe_link};
#[cfg(test)]
pub(super) use connections::connect;
pub(super) use connections::{accept_connection, connections, disconnect, offered_connection};
pub(super) use correct_sign_up::correct_sign_up_email;
pub(super) use email_code::open_email_code;
pub(super) use grant::{finish_where_begun, get_auth_grant};
pub(super) use notify::asked_by;
pub use open_email_link::RedirectTarget;
pub(super) use open_email_link::open_email_link;
#[cfg(test)]
pub(super) use provider_logout::take as take_logout;
pub(super) use provider_logout::{
    back_channel_logout, end_provider_session, sign_out_with_provider,
};
pub(super) use providers::{begin_provider, finish_provider};
pub(super) use reauthentication::{
    proof_methods, reauthenticate, require_fresh_proof, send_proof_code, wants_factor,
};
pub(super) use reset_password::{reset_password_with_code, reset_password_with_token};
pub(super) use second_factor_sign_in::{
    resend_second_factor, set_phone, sign_in_with_second_factor, verify_own_phone,
};
pub(super) use send_code::{resend_verification_code, send_reset_password_code, send_sign_in_code};
pub(super) use send_link::{
    resend_verification_email, send_magic_link_email, send_reset_password_email,
};
pub(super) use sessions::{get_all_sessions, sign_out, sign_out_all, sign_out_all_except_current};
pub(super) use sign_in::{sign_in_with_email, sign_in_with_phone};
pub(super) use sign_in_code::sign_in_with_code;
pub(super) use sign_up::sign_up_with_email;
pub(super) use sign_up_phone::sign_up_with_phone;
pub(super) use sweep::sweep;
pub(super) use two_factor::{
    begin_authenticator, confirm_authenticator, make_recovery_codes, remove_authenticator,
    second_factors, switch_sms_factor, untrust_browsers, waiting_authenticator,
};
pub(super) use update_user::{operation_of_update, update_object, update_user};
pub(super) use verify_phone::verify_phone;
