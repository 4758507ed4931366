//! The table of endpoints: method, path, who may call, action.

use std::{future::Future, pin::Pin};

use actix_web::http::Method;

use crate::protocol::paths;

use super::{
    call::Call, change_email, change_password, grant, links, magic_link, objects, phone,
    reply::Reply, reset_password, second_factor, sessions, sign_in, sign_up, storage, user,
};

/// One line of the table.
pub(super) struct Endpoint {
    method: Method,
    pub(super) path: &'static str,
    pub(super) access: EndpointAccess,
    pub(super) action: fn(Call) -> Pin<Box<dyn Future<Output = Reply>>>,
}

impl Endpoint {
    /// Whether it is about getting or using a session, so that no key can ask for one first: the
    /// auth manager, and those two custom endpoints that sign somebody in (altogic-protocol.md §8,
    /// §13.2).
    pub(super) fn is_auth(&self) -> bool {
        self.path.starts_with(paths::AUTH)
            || [paths::CUSTOM_SIGN_IN, paths::VERIFY_SIGN_IN].contains(&self.path)
    }
}

/// Callers that an endpoint admits.
#[derive(Clone, Copy)]
pub(super) enum EndpointAccess {
    /// Any holder of a client key; from a web page, a page of that key.
    Applications,
    /// Any browser: it comes from an email, without our headers.
    Anybody,
}

macro_rules! table {
    ($($access:ident $method:ident $path:ident => $action:path;)*) => {
        &[$(Endpoint {
            method: Method::$method,
            path: paths::$path,
            access: EndpointAccess::$access,
            action: |call| Box::pin($action(call)),
        }),*]
    };
}

const ENDPOINTS: &[Endpoint] = table! {
    Applications POST SIGN_UP_EMAIL => sign_up::with_email;
    Applications POST RESEND => sign_up::resend;
    Applications POST SIGN_IN_EMAIL => sign_in::with_email;
    Applications POST SEND_MAGIC => magic_link::send;
    Anybody GET VERIFY => links::open;
    Applications GET GRANT => grant::redeem;
    Applications POST SEND_RESET => reset_password::send;
    Applications POST RESET_PASSWORD => reset_password::finish;
    Applications POST CHANGE_PASSWORD => change_password::change;
    Applications POST CHANGE_EMAIL => change_email::change;
    Applications POST SIGN_UP_PHONE => sign_up::with_phone;
    Applications POST RESEND_CODE => sign_up::resend_code;
    Applications POST VERIFY_PHONE => phone::verify;
    Applications POST SIGN_IN_PHONE => sign_in::with_phone;
    Applications POST SEND_CODE => sign_in::send_code;
    Applications POST SIGN_IN_CODE => sign_in::with_code;
    Applications POST SEND_RESET_CODE => reset_password::send_code;
    Applications POST RESET_PASSWORD_CODE => reset_password::finish_with_code;
    Applications POST CHANGE_PHONE => phone::change;
    Applications POST SET_PHONE => second_factor::set_phone;
    Applications POST VERIFY_OWN_PHONE => second_factor::verify_phone;
    Applications POST CUSTOM_SIGN_IN => second_factor::sign_in;
    Applications POST VERIFY_SIGN_IN => second_factor::verify_sign_in;
    Applications GET USER => user::show;
    Applications GET SESSIONS => sessions::list;
    Applications POST SIGN_OUT => sessions::sign_out;
    Applications POST SIGN_OUT_ALL => sessions::sign_out_all;
    Applications POST SIGN_OUT_ALL_EXCEPT => sessions::sign_out_all_except_current;
    Applications POST OBJECT_GET => objects::get;
    Applications POST OBJECT_UPDATE => objects::update;
    Applications POST OBJECT_UPDATE_FIELDS => objects::update_fields;
    Applications POST CREATE_BUCKET => storage::buckets::create;
    Applications POST LIST_BUCKETS => storage::lists::buckets;
    Applications GET STORAGE_STATS => storage::buckets::stats;
    Applications POST STORAGE_STATS => storage::buckets::stats;
    Applications POST SEARCH_FILES => storage::lists::search_files;
    Applications POST DELETE_FILE => storage::files::delete_by_path;
    Applications POST BUCKET_EXISTS => storage::buckets::exists;
    Applications POST BUCKET_GET => storage::buckets::get;
    Applications POST BUCKET_EMPTY => storage::buckets::empty;
    Applications POST BUCKET_DELETE => storage::buckets::delete;
    Applications POST BUCKET_RENAME => storage::buckets::rename;
    Applications POST BUCKET_MAKE_PUBLIC => storage::buckets::make_public;
    Applications POST BUCKET_MAKE_PRIVATE => storage::buckets::make_private;
    Applications POST BUCKET_ADD_TAGS => storage::buckets::add_tags;
    Applications POST BUCKET_REMOVE_TAGS => storage::buckets::remove_tags;
    Applications POST BUCKET_UPDATE => storage::buckets::update;
    Applications POST LIST_FILES => storage::lists::files;
    Applications POST DELETE_FILES => storage::files::delete_many;
    Applications POST UPLOAD_FORM => storage::uploads::upload_form;
    Applications POST UPLOAD_OBJECT => storage::uploads::upload_object;
    Applications POST FILE_EXISTS => storage::files::exists;
    Applications POST FILE_GET => storage::files::get;
    Applications POST FILE_DOWNLOAD => storage::files::download;
    Applications POST FILE_RENAME => storage::files::rename;
    Applications POST FILE_MAKE_PUBLIC => storage::files::make_public;
    Applications POST FILE_MAKE_PRIVATE => storage::files::make_private;
    Applications POST FILE_ADD_TAGS => storage::files::add_tags;
    Applications POST FILE_REMOVE_TAGS => storage::files::remove_tags;
    Applications POST FILE_UPDATE => storage::files::update;
    Applications POST FILE_DUPLICATE => storage::files::duplicate;
    Applications POST FILE_COPY => storage::files::copy;
    Applications POST FILE_MOVE => storage::files::move_to;
    Applications POST FILE_DELETE => storage::files::delete;
    Applications POST FILE_REPLACE_FORM => storage::uploads::replace_form;
    Applications POST FILE_REPLACE_OBJECT => storage::uploads::replace_object;
};

/// The other calls of the database, whatever their method: applications that make one are told why
/// not.
const REST_OF_DATABASE: &Endpoint = &Endpoint {
    method: Method::POST,
    path: paths::DATABASE,
    access: EndpointAccess::Applications,
    action: |call| Box::pin(objects::refuse(call)),
};

/// The endpoint of a request. `HEAD` is a `GET` without its body, and spends no access token (S43).
///
/// # Errors
/// For a path that is there with another method, what belongs into `Allow`; `None` for a path that
/// is not there.
pub(super) fn find(method: &Method, path: &str) -> Result<&'static Endpoint, Option<&'static str>> {
    let is_head = *method == Method::HEAD && path != paths::GRANT;
    let method = if is_head { &Method::GET } else { method };
    let mut there = None;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.path == path) {
        if endpoint.method == *method {
            return Ok(endpoint);
        }
        there = Some(match (there, &endpoint.method) {
            (Some(_), _) => "GET, HEAD, POST, OPTIONS",
            (None, &Method::GET) if path == paths::GRANT => "GET, OPTIONS",
            (None, &Method::GET) => "GET, HEAD, OPTIONS",
            (None, _) => "POST, OPTIONS",
        });
    }
    if there.is_none() && path.starts_with(paths::DATABASE) {
        Ok(REST_OF_DATABASE)
    } else {
        Err(there)
    }
}
