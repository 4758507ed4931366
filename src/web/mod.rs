//! The pages: plain HTML, no script, every journey of an account in a browser.
//!
//! # How to write a page
//!
//! A page is one file in `pages/` and one template of the same name; a line in the table of [`routes`] says at which path it
//! is and who may come. Its handlers take a [`Visit`](visit::Visit) and, for a POST, a [`Form`](form::Form):
//!
//! ```text
//! show(visit)         → SignIn { visit, form: Form::blank() }.ok()
//! submit(visit, form) → match form.submit(|fields| visit.auth().sign_in_with_email(visit.caller(), …)).await? {
//!                           Ok(grant) → visit.begin(&grant, None)                    granted: 303
//!                           Err(form) → form.again(|form| SignIn { visit, form })    refused: the same page, 4xx
//!                       }                                                            failed: `?`, the error page, 5xx
//! ```
//!
//! An operation that answers `ProofNeeded` needs nothing of its page: the form asks for the proof and goes on ([`step_up`]).
//!
//! # The layers around a page, from outside
//!
//! 1. `headers::secure`: what every answer carries;
//! 2. `cookies::tidy`: one cookie of ours in the header, sealed with today's key, and the session's cookies beside it;
//! 3. actix-session: opens it, and seals what has changed;
//! 4. `cookies::send_anew`: has a cookie of an older key replaced;
//! 5. `error::dress`: every bare 4xx and 5xx becomes a page;
//! 6. `headers::same_origin`: a form must come from a page of this origin;
//! 7. `guard::stand`, one a page: who may come, who is here, and what if the page panics.

mod assets;
mod code_life;
mod cookies;
mod countries;
mod error;
mod farewell;
mod form;
mod forward_auth;
mod guard;
mod headers;
mod notice;
mod number;
mod page;
mod page_link;
mod pages;
mod paths;
mod portrait;
mod qr;
mod query;
mod routes;
mod session;
mod session_cookie;
mod step_up;
mod texted;
mod ticket;
mod times;
mod twin;
mod typed;
mod upload;
mod visit;
mod winners;

use std::sync::Arc;

use actix_session::{
    SessionMiddleware,
    config::{CookieContentSecurity, PersistentSession},
    storage::CookieSessionStore,
};
use actix_web::{
    cookie::{Key, SameSite, time::Duration},
    middleware::from_fn,
    web::{self, Data, ServiceConfig},
};
use sha2::{Digest as _, Sha256};

use self::{headers::Security, paths::Paths};
use crate::{
    access::Access,
    port::{AuthManager, Clock, DevInbox, Random},
};

/// How long a browser keeps the cookie. As long as a session can last; when it ends is the backend's to say.
const COOKIE_DAYS: i64 = 30;

/// What the pages are set to.
#[derive(Clone)]
pub struct Settings {
    /// The URL that people see, without a trailing slash; may end in a path.
    pub public_url: String,
    /// Where mailed links send the browser, by default our own `/auth-redirect`.
    pub redirect_url: String,
    /// The first one seals the cookie, all open it. At least one.
    pub cookie_keys: Vec<[u8; 64]>,
    /// The name that the hall goes by.
    pub product_name: String,
    /// Which pages of other sites people may open, and where those are.
    pub access: Access,
    /// The development inbox, where it is to be shown.
    pub dev_inbox: Option<Arc<dyn DevInbox>>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

/// What all pages share.
pub(crate) struct Site {
    /// Follows from the key of the cookies, and is the same for every worker. What is remembered of a browser at one site is
    /// nothing to another one in this process.
    number: u64,
    paths: Paths,
    security: Security,
    keys: Vec<Key>,
    product_name: String,
    access: Access,
    redirect_url: String,
    dev_inbox: Option<Arc<dyn DevInbox>>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    auth: Arc<dyn AuthManager>,
}

/// Mounts every page under the path of the public URL, with its layers, as one scope.
///
/// At the root the scope answers whatever arrives, with a page that says "no such page" in the end: mount other doors first.
///
/// ```no_run
/// # fn mount(settings: vestibule::web::Settings, auth: std::sync::Arc<dyn vestibule::port::AuthManager>) {
/// let app = actix_web::App::new().configure(vestibule::web::routes(settings, auth));
/// # }
/// ```
pub fn routes(settings: Settings, auth: Arc<dyn AuthManager>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let site = Data::new(Site::of(settings, auth));
        let scope = routes::mount(web::scope(site.paths.prefix()), &site)
            .wrap(from_fn(query::bound))
            .wrap(from_fn(headers::same_origin))
            .wrap(from_fn(error::dress))
            .wrap(from_fn(cookies::send_anew))
            .wrap(cookie_session(&site))
            .wrap(from_fn(cookies::tidy))
            .wrap(from_fn(headers::secure));
        config.app_data(site).service(scope);
    }
}

impl Site {
    fn of(settings: Settings, auth: Arc<dyn AuthManager>) -> Self {
        let paths = Paths::of(&settings.public_url);
        Self {
            number: number(&settings.cookie_keys),
            security: Security::of(&paths, &settings.redirect_url, &settings.access),
            keys: settings.cookie_keys.iter().map(|key| Key::from(key)).collect(),
            product_name: settings.product_name,
            access: settings.access,
            redirect_url: settings.redirect_url,
            dev_inbox: settings.dev_inbox,
            random: settings.random,
            clock: settings.clock,
            paths,
            auth,
        }
    }
}

fn number(keys: &[[u8; 64]]) -> u64 {
    let digest = Sha256::new().chain_update("site").chain_update(keys.first().unwrap_or(&[0; 64])).finalize();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn cookie_session(site: &Site) -> SessionMiddleware<CookieSessionStore> {
    let lifetime = PersistentSession::default().session_ttl(Duration::days(COOKIE_DAYS));
    let key = site.keys.first().cloned().unwrap_or_else(Key::generate);
    SessionMiddleware::builder(CookieSessionStore::default(), key)
        .cookie_name(site.paths.cookie_name().to_owned())
        .cookie_path(site.paths.cookie_path().to_owned())
        .cookie_secure(site.paths.secure())
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_content_security(CookieContentSecurity::Private)
        .session_lifecycle(lifetime)
        .build()
}

#[cfg(test)]
mod tests;
