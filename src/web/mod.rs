//! The pages: plain HTML, no script, every journey of an account in a browser.
//!
//! # How to write a page
//!
//! A page is one file in `pages/` and one template of the same name; a line in the table of
//! [`routes`] says at which path it is and who may come. Its handlers take a
//! [`Visit`](visit::Visit) and, for a POST, a [`Form`](form::Form):
//!
//! ```text
//! show(visit)         → SignInPage { visit, form: Form::blank() }.ok()
//! submit(visit, form) → match form.submit(|fields| visit.auth().sign_in_with_email(…)).await? {
//!     Ok(grant) → visit.begin(&grant, None)                      success: 303
//!     Err(form) → form.again(|form| SignInPage { visit, form })  rejected: the same page, 4xx
//! }                                                              failed: `?`, the error page, 5xx
//! ```
//!
//! An operation that answers `ProofNeeded` needs nothing of its page: the form asks for the proof
//! and goes on ([`forms::step_up`]).
//!
//! # The layers around a page, from outside
//!
//! 1. `headers::secure`: what every answer carries;
//! 2. `cookies::tidy`: one cookie of ours in the header, sealed with today's key, and the session's
//!    cookies beside it;
//! 3. actix-session: opens it, and seals what has changed;
//! 4. `cookies::send_anew`: has a cookie of an older key replaced;
//! 5. `error::dress`: every bare 4xx and 5xx becomes a page;
//! 6. `headers::same_origin`: a form must come from a page of this origin;
//! 7. `guard::stand`, one a page: who may come, who is here, and what if the page panics.

mod error;
mod forms;
mod forward_auth;
mod page_link;
mod pages;
mod query;
mod request;
mod routes;
mod view;

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

use self::view::{headers::Security, paths::Paths};
use crate::{
    access_rules::AccessRules,
    port::{AuthManager, Clock, DevInbox, Random},
};

/// How long a browser keeps the cookie. As long as a session can last; when it ends is the
/// backend's to say.
const COOKIE_DAYS: i64 = 30;

/// Settings of the pages.
#[derive(Clone)]
pub struct PageSettings {
    /// The URL that people see, without a trailing slash; may end in a path.
    pub public_url: String,
    /// Where emailed links send the browser, by default our own `/auth-redirect`.
    pub redirect_url: String,
    /// The first one seals the cookie, all open it. At least one.
    pub cookie_keys: Vec<[u8; 64]>,
    /// The name that the server goes by.
    pub product_name: String,
    /// Which pages of other sites people may open, and where those are.
    pub access: AccessRules,
    /// The development inbox, where it is to be shown.
    pub dev_inbox: Option<Arc<dyn DevInbox>>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

/// State that all pages share.
pub(crate) struct PageState {
    /// Follows from the key of the cookies, and is the same for every worker. What is remembered of
    /// a browser at one site is nothing to another one in this process.
    number: u64,
    paths: Paths,
    security: Security,
    keys: Vec<Key>,
    product_name: String,
    access: AccessRules,
    redirect_url: String,
    dev_inbox: Option<Arc<dyn DevInbox>>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    auth: Arc<dyn AuthManager>,
}

/// Mounts every page under the path of the public URL, with its layers, as one scope.
///
/// At the root the scope answers whatever arrives, with a page that says "no such page" in the end:
/// mount other channels first.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use vestibule::{port::AuthManager, web::PageSettings};
/// # fn mount(settings: PageSettings, auth: Arc<dyn AuthManager>) {
/// let app = actix_web::App::new().configure(vestibule::web::routes(settings, auth));
/// # }
/// ```
pub fn routes(
    settings: PageSettings,
    auth: Arc<dyn AuthManager>,
) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let site = Data::new(PageState::of(settings, auth));
        let scope = routes::mount(web::scope(site.paths.prefix()), &site)
            .wrap(from_fn(query::bound))
            .wrap(from_fn(view::headers::same_origin))
            .wrap(from_fn(error::dress))
            .wrap(from_fn(request::cookies::send_anew))
            .wrap(cookie_session(&site))
            .wrap(from_fn(request::cookies::tidy))
            .wrap(from_fn(view::headers::secure));
        config.app_data(site).service(scope);
    }
}

impl PageState {
    fn of(settings: PageSettings, auth: Arc<dyn AuthManager>) -> Self {
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
    let digest = Sha256::new()
        .chain_update("site")
        .chain_update(keys.first().unwrap_or(&[0; 64]))
        .finalize();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn cookie_session(site: &PageState) -> SessionMiddleware<CookieSessionStore> {
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
