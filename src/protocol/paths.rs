//! The paths below `{envUrl}` (altogic-protocol.md §1.1, §3, §6, §7).

/// Path prefix of the client library.
pub const API: &str = "/_api";
/// Public files: `/_storage/{environment}/{bucketId}/{fileId}`.
pub const STORAGE: &str = "/_storage";
/// The environment in front of everything, as the shared clusters had it. Any name leads to the one
/// environment there is.
pub const ENVIRONMENT: &str = "/e:{environment}";

// Everything below stands after `/_api`.

/// Path prefix of the auth manager.
pub const AUTH: &str = "/rest/v1/auth/";
pub const SIGN_UP_EMAIL: &str = "/rest/v1/auth/signup-email";
pub const SIGN_IN_EMAIL: &str = "/rest/v1/auth/signin-email";
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
pub const SIGN_UP_PHONE: &str = "/rest/v1/auth/signup-phone";
pub const SIGN_IN_PHONE: &str = "/rest/v1/auth/signin-phone";
pub const SIGN_IN_CODE: &str = "/rest/v1/auth/signin-code";
pub const SEND_CODE: &str = "/rest/v1/auth/send-code";
pub const RESEND_CODE: &str = "/rest/v1/auth/resend-code";
pub const SEND_RESET_CODE: &str = "/rest/v1/auth/send-reset-code";
pub const RESET_PASSWORD_CODE: &str = "/rest/v1/auth/reset-pwd-code";
pub const CHANGE_PHONE: &str = "/rest/v1/auth/change-phone";
pub const VERIFY_PHONE: &str = "/rest/v1/auth/verify-phone";
/// The link in an email; opened by a browser, so it needs no client key (§10).
pub const VERIFY: &str = "/rest/v1/auth/verify";

/// Path prefix of the database.
pub const DATABASE: &str = "/rest/v1/db/";
pub const OBJECT_GET: &str = "/rest/v1/db/object/get";
pub const OBJECT_UPDATE: &str = "/rest/v1/db/object/update";
pub const OBJECT_UPDATE_FIELDS: &str = "/rest/v1/db/object/update-fields";

pub const CREATE_BUCKET: &str = "/rest/v1/storage/create-bucket";
pub const LIST_BUCKETS: &str = "/rest/v1/storage/list-buckets";
pub const STORAGE_STATS: &str = "/rest/v1/storage/stats";
pub const SEARCH_FILES: &str = "/rest/v1/storage/search-files";
pub const DELETE_FILE: &str = "/rest/v1/storage/delete-file";
pub const BUCKET_EXISTS: &str = "/rest/v1/storage/bucket/exists";
pub const BUCKET_GET: &str = "/rest/v1/storage/bucket/get";
pub const BUCKET_EMPTY: &str = "/rest/v1/storage/bucket/empty";
pub const BUCKET_DELETE: &str = "/rest/v1/storage/bucket/delete";
pub const BUCKET_RENAME: &str = "/rest/v1/storage/bucket/rename";
pub const BUCKET_MAKE_PUBLIC: &str = "/rest/v1/storage/bucket/make-public";
pub const BUCKET_MAKE_PRIVATE: &str = "/rest/v1/storage/bucket/make-private";
pub const BUCKET_ADD_TAGS: &str = "/rest/v1/storage/bucket/add-tags";
pub const BUCKET_REMOVE_TAGS: &str = "/rest/v1/storage/bucket/remove-tags";
pub const BUCKET_UPDATE: &str = "/rest/v1/storage/bucket/update";
pub const LIST_FILES: &str = "/rest/v1/storage/bucket/list-files";
pub const DELETE_FILES: &str = "/rest/v1/storage/bucket/delete-files";
pub const UPLOAD_FORM: &str = "/rest/v1/storage/bucket/upload-formdata";
pub const UPLOAD_OBJECT: &str = "/rest/v1/storage/bucket/upload-object";
pub const FILE_EXISTS: &str = "/rest/v1/storage/bucket/file/exists";
pub const FILE_GET: &str = "/rest/v1/storage/bucket/file/get";
pub const FILE_DOWNLOAD: &str = "/rest/v1/storage/bucket/file/download";
pub const FILE_RENAME: &str = "/rest/v1/storage/bucket/file/rename";
pub const FILE_MAKE_PUBLIC: &str = "/rest/v1/storage/bucket/file/make-public";
pub const FILE_MAKE_PRIVATE: &str = "/rest/v1/storage/bucket/file/make-private";
pub const FILE_ADD_TAGS: &str = "/rest/v1/storage/bucket/file/add-tags";
pub const FILE_REMOVE_TAGS: &str = "/rest/v1/storage/bucket/file/remove-tags";
pub const FILE_UPDATE: &str = "/rest/v1/storage/bucket/file/update";
pub const FILE_DUPLICATE: &str = "/rest/v1/storage/bucket/file/duplicate";
pub const FILE_COPY: &str = "/rest/v1/storage/bucket/file/copy";
pub const FILE_MOVE: &str = "/rest/v1/storage/bucket/file/move";
pub const FILE_DELETE: &str = "/rest/v1/storage/bucket/file/delete";
pub const FILE_REPLACE_FORM: &str = "/rest/v1/storage/bucket/file/replace-formdata";
pub const FILE_REPLACE_OBJECT: &str = "/rest/v1/storage/bucket/file/replace-object";

// The custom endpoints of the two-factor example (§8) stand without `/_api`.

/// Path prefixes of the custom endpoints.
pub const CUSTOM: [&str; 2] = ["/users", "/user"];

pub const SET_PHONE: &str = "/users/set-phone";
pub const VERIFY_OWN_PHONE: &str = "/users/verify-phone";
pub const CUSTOM_SIGN_IN: &str = "/users/sign-in";
pub const VERIFY_SIGN_IN: &str = "/user/verify-sign-in";
