//! The REST channel: what the official client library of Altogic calls, over the same engine as our
//! pages.
//!
//! The channel holds no rules of accounts. It reads a call, asks one operation, and writes the
//! answer in the wire's words:
//!
//! * `rest_channel` is the way in: cross-origin rules, client key, the table of endpoints, and the
//!   promise that **whatever happens, the answer is one the client library can read**
//!   (altogic-protocol.md §2: anything else leaves the application hanging).
//! * `endpoints` is the table: method, path, action. A journey is one file, an action one short
//!   function.
//! * `call` reads a request, `reply` writes the answer.
//! * `applications` knows the client keys, those of the settings and those of the database; `cors`
//!   which origins may ask.
//!
//! Everything is served below the path of `public_url`, there and once more under
//! `/e:{environment}`.

mod applications;
mod call;
mod change_email;
mod change_password;
mod channel;
mod cors;
mod endpoints;
mod grant;
mod links;
mod magic_link;
mod objects;
mod origins;
mod phone;
mod public_files;
mod reply;
mod reset_password;
mod second_factor;
mod sessions;
mod sign_in;
mod sign_up;
mod storage;
mod user;

use std::sync::Arc;

use actix_web::{
    guard,
    web::{self, ServiceConfig},
};
use url::Url;

use crate::protocol::paths;

pub use links::RestBackend;
pub use origins::{NotAnOrigin, OriginRule};

/// Settings of the REST channel.
#[derive(Debug, Clone)]
pub struct RestSettings {
    /// The applications that may call, beside those that the backend knows of.
    pub client_keys: Vec<ClientKey>,
    /// The URL people see, without a slash at its end; it may have a path.
    pub public_url: String,
    /// Where emailed links send the browser.
    pub redirect_url: String,
}

/// The name of an application, and the web pages it may be used from.
#[derive(Debug, Clone)]
pub struct ClientKey {
    pub key: String,
    /// The origins of its pages, beside those of `public_url` and of both redirect URLs, which are
    /// always allowed.
    pub origins: Vec<OriginRule>,
    /// Where links in emails that this application causes send the browser; `None` means where the
    /// settings say.
    pub redirect_url: Option<String>,
    /// Whether its calls need a session, but those that are about getting one (altogic-protocol.md
    /// §13.2).
    pub enforce_session: bool,
}

/// Mounts `/_api`, `/_storage` and the custom endpoints, there and under `/e:{environment}`, below
/// the path of `public_url`.
pub fn routes<B: RestBackend + 'static>(
    settings: Arc<RestSettings>,
    backend: B,
) -> impl FnOnce(&mut ServiceConfig) {
    let base = base_path(&settings.public_url);
    let rest_channel = Arc::new(channel::RestChannel::new(&settings, Arc::new(backend)));
    move |app| {
        for base in [base.clone(), format!("{base}{}", paths::ENVIRONMENT)] {
            let api = Arc::clone(&rest_channel);
            let files = Arc::clone(&rest_channel);
            app.service(web::scope(&format!("{base}{}", paths::API)).default_service(web::to(
                move |request, payload| Arc::clone(&api).enter("", request, payload),
            )));
            for custom in paths::CUSTOM {
                let rest_channel = Arc::clone(&rest_channel);
                let enter = move |request, payload| {
                    Arc::clone(&rest_channel).enter(custom, request, payload)
                };
                app.service(web::scope(&format!("{base}{custom}")).default_service(web::to(enter)));
            }
            app.service(
                web::scope(&format!("{base}{}", paths::STORAGE))
                    .default_service(web::to(move |request| Arc::clone(&files).show_file(request))),
            );
        }
        // What an application calls outside of these, its own endpoints above all, is answered so
        // that it can read it.
        let nowhere = web::scope(&base)
            .guard(guard::fn_guard(|asked| channel::is_of_application(asked.head())));
        app.service(
            nowhere.default_service(web::to(move |request| {
                Arc::clone(&rest_channel).nowhere(request)
            })),
        );
    }
}

/// The path of the public URL, without a slash at its end; empty at the root.
fn base_path(public_url: &str) -> String {
    Url::parse(public_url)
        .map(|url| url.path().trim_end_matches('/').to_owned())
        .unwrap_or_default()
}
