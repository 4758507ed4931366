//! The account at a glance.

use askama::Template;

use crate::web::{
    error::PageError,
    page::{Page, PageResult},
    portrait::Portrait,
    times::Moment,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "pages/profile.html")]
struct Profile {
    visit: Visit,
    name: Option<String>,
    first_name: Option<String>,
    email: Option<String>,
    email_verified: bool,
    portrait: Portrait,
    member_since: Moment,
    /// How many there are.
    sessions: usize,
}

/// Shows it.
pub(crate) async fn show(visit: Visit) -> PageResult {
    let sessions = visit.auth().get_all_sessions(visit.caller()).await.map_err(PageError::from)?;
    let user = visit.signed_in()?.user.clone();
    Profile {
        first_name: user.name.as_deref().and_then(|name| name.split_whitespace().next()).map(str::to_owned),
        portrait: Portrait::of(&user, visit.site()),
        name: user.name,
        email: user.email,
        email_verified: user.email_verified,
        member_since: Moment::of(user.signed_up_at),
        sessions: sessions.len(),
        visit,
    }
    .ok()
}
