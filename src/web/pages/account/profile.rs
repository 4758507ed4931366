//! The account at a glance.

use askama::Template;

use crate::{
    port::SignedInUser,
    web::{
        forms::phone_input,
        request::visit::Visit,
        view::{
            avatar::Avatar,
            page::{Page, PageResult},
            times::Moment,
        },
    },
};

#[derive(Template)]
#[template(path = "pages/profile.html")]
struct ProfilePage {
    visit: Visit,
    name: Option<String>,
    first_name: Option<String>,
    email: Option<String>,
    email_verified: bool,
    second_step: bool,
    phone: Option<String>,
    phone_verified: bool,
    /// Whether a number that is not confirmed lacks something.
    confirms_phone: bool,
    avatar: Avatar,
    user_since: Moment,
    /// Since when they are here.
    here_since: Moment,
}

/// Shows it. The guard has looked up everything that is on it: nothing more is read.
pub(crate) async fn show(visit: Visit) -> PageResult {
    let SignedInUser { user, session } = visit.signed_in()?.clone();
    ProfilePage {
        first_name: user
            .name
            .as_deref()
            .and_then(|name| name.split_whitespace().next())
            .map(str::to_owned),
        avatar: Avatar::of(&user, visit.site()),
        name: user.name,
        email: user.email,
        email_verified: user.email_verified,
        second_step: user.second_factor,
        phone: user.phone.as_deref().map(phone_input::shown),
        phone_verified: user.phone_verified,
        confirms_phone: visit.auth().capabilities().confirm_phone,
        user_since: Moment::of(user.signed_up_at),
        here_since: Moment::of(session.started_at),
        visit,
    }
    .ok()
}
