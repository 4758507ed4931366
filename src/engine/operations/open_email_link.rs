//! Following an emailed link: where the browser goes.

use url::Url;

use crate::{
    engine::{
        Engine,
        links::{Link, Purpose},
        users::accounts::{self, Account},
    },
    port::{Failure, LinkKey, Outcome},
};

/// Where the browser goes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectTarget {
    /// An absolute URL: the redirect URL with what became of the link, or the page of ours that the
    /// link belongs to.
    pub location: String,
}

/// Looks at a link and mints an access token for it. Writes nothing (S43, S44).
///
/// What a link is for is what its row says; the action in its address only names the failure of a
/// link that is not there. An action that is none of ours becomes `email-confirm`, the one for
/// which every application shows the error.
///
/// `in_browser`: a browser follows it, and not a program.
pub(in crate::engine) async fn open_email_link(
    engine: &Engine,
    key: &str,
    action: &str,
    in_browser: bool,
) -> Outcome<RedirectTarget> {
    let now = engine.now();
    let action = Purpose::of(action).unwrap_or(Purpose::EmailConfirm);
    let Ok(key) = LinkKey::parse(key) else { return Ok(failure(&engine.0.redirect_url, action)) };
    match engine.links().by_key(engine.store(), &key).await? {
        Some(link) if !link.is_live(now) => Ok(failure(&home_of(engine, &link), link.purpose)),
        Some(link) if matches!(link.purpose, Purpose::ChangeEmail | Purpose::AccountRecovery) => {
            Ok(RedirectTarget { location: engine.address_of_link(link.purpose, key.expose()) })
        }
        Some(link) => {
            let token = engine.links().mint(&link, engine.random(), now);
            let home = match stops_here(engine, &link, in_browser).await? {
                true => Url::parse(&own_home(engine)).map_err(Failure::broken)?,
                false => home_of(engine, &link),
            };
            Ok(RedirectTarget { location: pending_link(&home, &link, &token) })
        }
        None => Ok(failure(&engine.0.redirect_url, action)),
    }
}

/// Whether a browser stops at our page on its way to an application, which asks for the password of
/// the account: it may be a visitor's (`operations/address_verification.rs`). A program that
/// follows the link goes straight on.
async fn stops_here(engine: &Engine, link: &Link, in_browser: bool) -> Outcome<bool> {
    if !in_browser || onward_of(engine, link).is_none() {
        return Ok(false);
    }
    let account = accounts::by_id(engine.store(), &link.user_id).await?;
    Ok(account.is_some_and(|account| may_ask_password(link, &account)))
}

/// Where the browser goes with a fresh token once our page has asked; `None` where that page is its
/// destination.
pub(super) fn onward_of(engine: &Engine, link: &Link) -> Option<String> {
    let home = home_of(engine, link);
    let token = engine.links().mint(link, engine.random(), engine.now());
    (home.as_str() != own_home(engine)).then(|| pending_link(&home, link, &token))
}

fn pending_link(home: &Url, link: &Link, token: &str) -> String {
    let action = link.purpose.action();
    redirect_target(home, &[("status", "200"), ("access_token", token), ("action", action)])
        .location
}

/// Where the application that caused the link wants the browser. An operator wrote it, at the
/// client key or in the settings: nothing of a request ever names the target, so this cannot be
/// made an open redirect.
fn home_of(engine: &Engine, link: &Link) -> Url {
    let own = link.redirect_url.as_deref().and_then(|url| Url::parse(url).ok());
    own.unwrap_or_else(|| engine.0.redirect_url.clone())
}

/// 400 for every failure: some applications take any other status for a success
/// (altogic-protocol.md §10).
fn failure(home: &Url, purpose: Purpose) -> RedirectTarget {
    let error = "Invalid or expired access token";
    redirect_target(home, &[("status", "400"), ("action", purpose.action()), ("error", error)])
}

/// Where our own pages take the outcome of a journey.
pub(super) fn own_home(engine: &Engine) -> String {
    format!("{}/auth-redirect", engine.settings().public_url)
}

/// A redirect URL with what became of a journey; a query of its own is kept.
pub(super) fn redirect_target(home: &Url, parameters: &[(&str, &str)]) -> RedirectTarget {
    let mut location = home.clone();
    location.query_pairs_mut().extend_pairs(parameters);
    RedirectTarget { location: location.into() }
}

/// Whether a link confirms an address whose account has a password that may be a visitor's.
pub(super) fn may_ask_password(link: &Link, account: &Account) -> bool {
    matches!(link.purpose, Purpose::EmailConfirm | Purpose::MagicLink)
        && !account.user.email_verified
        && account.password_hash.is_some()
        && !(link.password_chosen || link.password_known)
}
