//! The link in an email: the one call that a browser makes by itself (altogic-protocol.md §10).

use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap};

use crate::{
    engine::{Engine, keys::StoredClientKey},
    port::{Answer, AuthManager, Caller, FieldUpdate, Storage, User},
};

use super::{call::Call, reply::Reply};

/// Backend behind the channel: the operations, and those that only an embedded engine has: the
/// answer to an emailed link, and users by their ids, and keys.
pub trait RestBackend: AuthManager + Storage {
    /// The absolute URL that the browser goes on to. Changes nothing.
    /// `in_browser`: a browser opened the link, and not a program.
    fn open_email_link(&self, key: String, action: String, in_browser: bool) -> Answer<String>;

    /// The user of that id, if it is the caller's to see.
    fn user_object(&self, caller: Caller, id: String) -> Answer<User>;

    /// Changes the user of that id.
    fn update_user_object(
        &self,
        caller: Caller,
        id: String,
        updates: Vec<FieldUpdate>,
    ) -> Answer<User>;

    /// The applications that were added while the server runs. Asked at every call.
    fn client_keys(&self) -> Answer<Arc<[StoredClientKey]>>;

    /// Whether this is the API key of a program of the operator.
    fn is_api_key(&self, key: String) -> Answer<bool>;
}

impl RestBackend for Engine {
    fn open_email_link(&self, key: String, action: String, in_browser: bool) -> Answer<String> {
        let redirect_target = match in_browser {
            true => Self::open_email_link_in_browser(self, key, action),
            false => Self::open_email_link(self, key, action),
        };
        Box::pin(async move { Ok(redirect_target.await?.location) })
    }

    fn user_object(&self, caller: Caller, id: String) -> Answer<User> {
        Self::user_object(self, caller, id)
    }

    fn update_user_object(
        &self,
        caller: Caller,
        id: String,
        updates: Vec<FieldUpdate>,
    ) -> Answer<User> {
        Self::update_user_object(self, caller, id, updates)
    }

    fn client_keys(&self) -> Answer<Arc<[StoredClientKey]>> {
        Self::client_keys(self)
    }

    fn is_api_key(&self, key: String) -> Answer<bool> {
        Self::is_api_key(self, key)
    }
}

/// `GET /auth/verify?key=&action=`: goes on to the redirect URL. Opening it changes nothing, so it
/// may be opened by email scanners and by `HEAD` as often as they like.
pub(super) async fn open(call: Call) -> Reply {
    let in_browser = is_browser(call.request.headers());
    let location =
        call.backend.open_email_link(call.query("key"), call.query("action"), in_browser).await?;
    Ok(actix_web::HttpResponse::Found().insert_header((header::LOCATION, location)).finish())
}

/// Whether a browser asks for a page to show. Programs ask for anything.
fn is_browser(headers: &HeaderMap) -> bool {
    let has = |name: &str, word: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains(word))
    };
    has("accept", "text/html") || has("sec-fetch-mode", "navigate")
}
