//! The paths below `{envUrl}` (ALTOGIC_WIRE.md §1.1, §3, §6, §7).

/// What every call of the client library starts with.
pub const API: &str = "/_api";
/// Public files: `/_storage/{environment}/{bucketId}/{fileId}`.
pub const STORAGE: &str = "/_storage";
/// The environment in front of everything, as the shared clusters had it. Any name leads to the one environment there is.
pub const ENVIRONMENT: &str = "/e:{environment}";

// Everything below stands after `/_api`.

pub const SIGN_UP_EMAIL: &str = "/rest/v1/auth/signup-email";
pub const SIGN_IN_EMAIL: &str = "/rest/v1/auth/signin-email";
pub const SIGN_UP_PHONE: &str = "/rest/v1/auth/signup-phone";
pub const SIGN_IN_PHONE: &str = "/rest/v1/auth/signin-phone";
pub const SIGN_IN_CODE: &str = "/rest/v1/auth/signin-code";
pub const VERIFY_PHONE: &str = "/rest/v1/auth/verify-phone";
pub const RESEND_CODE: &str = "/rest/v1/auth/resend-code";
pub const SEND_CODE: &str = "/rest/v1/auth/send-code";
pub const SEND_RESET_CODE: &str = "/rest/v1/auth/send-reset-code";
pub const RESET_PASSWORD_CODE: &str = "/rest/v1/auth/reset-pwd-code";
pub const CHANGE_PHONE: &str = "/rest/v1/auth/change-phone";
pub const GRANT: &str = "/rest/v1/auth/grant";
pub const RESEND: &str = "/rest/v1/auth/resend";
pub const SEND_MAGIC: &str = "/rest/v1/auth/send-magic";
pub const SEND_RESET: &str = "/rest/v1/auth/send-reset";
pub const RESET_PASSWORD: &str = "/rest/v1/auth/reset-pwd";
pub const CHANGE_PASSWORD: &str = "/rest/v1/auth/change-pwd";
pub const CHANGE_EMAIL: &str = "/rest/v1/auth/change-email";
pub const USER: &str = "/rest/v1/auth/user";
pub const SESSIONS: &str = "/rest/v1/auth/sessions";
pub const SIGN_OUT: &str = "/rest/v1/auth/signout";
pub const SIGN_OUT_ALL: &str = "/rest/v1/auth/signout-all";
pub const SIGN_OUT_ALL_EXCEPT: &str = "/rest/v1/auth/signout-all-except";
/// The link in a mail; opened by a browser, so it needs no client key (§10).
pub const VERIFY: &str = "/rest/v1/auth/verify";

/// What every call of the database starts with.
pub const DATABASE: &str = "/rest/v1/db/";
pub const OBJECT_GET: &str = "/rest/v1/db/object/get";
pub const OBJECT_UPDATE: &str = "/rest/v1/db/object/update";
pub const OBJECT_UPDATE_FIELDS: &str = "/rest/v1/db/object/update-fields";

pub const UPLOAD_FORM: &str = "/rest/v1/storage/bucket/upload-formdata";
pub const UPLOAD_OBJECT: &str = "/rest/v1/storage/bucket/upload-object";
pub const DELETE_FILE: &str = "/rest/v1/storage/delete-file";

// The endpoints of the second factor stand outside `/_api` (§8).

pub const SET_PHONE: &str = "/users/set-phone";
pub const VERIFY_OWN_PHONE: &str = "/users/verify-phone";
pub const VERIFY_SIGN_IN: &str = "/user/verify-sign-in";
