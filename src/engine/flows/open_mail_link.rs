//! Following a mailed link: where the browser goes.

use crate::{
    engine::{Engine, tokens::Purpose},
    port::{LinkKey, Outcome},
};

/// Where the browser goes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// An absolute URL: the redirect URL with what became of the link, or our page that changes an address.
    pub location: String,
}

/// Looks at a link and mints an access token for it. Writes nothing (SECURITY.md S43, S44).
///
/// What a link is for is what its row says; the action in its address only names the failure of a link that is not there. An
/// action that is none of ours becomes `email-confirm`, the one for which every application shows the error.
pub(in crate::engine) async fn open_mail_link(engine: &Engine, key: &str, action: &str) -> Outcome<Landing> {
    let now = engine.now();
    let action = Purpose::of(action).unwrap_or(Purpose::EmailConfirm);
    let Ok(key) = LinkKey::parse(key) else { return Ok(failure(engine, action)) };
    match engine.links().by_key(engine.store(), &key).await? {
        Some(link) if !link.is_live(now) => Ok(failure(engine, link.purpose)),
        Some(link) if link.purpose == Purpose::ChangeEmail => {
            Ok(Landing { location: engine.address_of_link(Purpose::ChangeEmail, key.expose()) })
        }
        Some(link) => {
            let token = engine.links().mint(&link, engine.random(), now);
            let action = link.purpose.action();
            Ok(landing(engine, &[("status", "200"), ("access_token", &token), ("action", action)]))
        }
        None => Ok(failure(engine, action)),
    }
}

/// 400 for every failure: some applications take any other status for a success (ALTOGIC_WIRE.md §10).
fn failure(engine: &Engine, purpose: Purpose) -> Landing {
    let error = "Invalid or expired access token";
    landing(engine, &[("status", "400"), ("action", purpose.action()), ("error", error)])
}

fn landing(engine: &Engine, parameters: &[(&str, &str)]) -> Landing {
    let mut location = engine.0.redirect_url.clone();
    location.query_pairs_mut().extend_pairs(parameters);
    Landing { location: location.into() }
}
