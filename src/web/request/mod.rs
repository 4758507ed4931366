//! Request state: cookies, session, guard, browser.

pub(super) mod access_cookie;
pub(super) mod cookies;
pub(super) mod guard;
pub(super) mod latest_results;
pub(super) mod provider_logout;
pub(super) mod sent_sms;
pub(super) mod session;
pub(super) mod session_cookie;
pub(super) mod visit;
