//! The link that proves a new address: one button, and only its press changes anything.
//!
//! Open to anyone, since the mail may be read where nobody is signed in: the key in the link is the proof.

use std::collections::HashMap;

use actix_web::{HttpResponse, http::StatusCode, web::Query};
use askama::Template;
use url::Url;

use crate::{
    port::{Caller, Code, LinkKey},
    web::{
        form::{Form, Press},
        notice::Notice,
        page::{self, Page, PageResult},
        session::{Action, Arrival},
        visit::{Visit, see_other},
    },
};

#[derive(Template)]
#[template(path = "pages/profile_email_confirm.html")]
struct ProfileEmailConfirm {
    visit: Visit,
    form: Form<Press>,
}

#[derive(Template)]
#[template(path = "pages/profile_email_gone.html")]
struct ProfileEmailGone {
    visit: Visit,
}

/// Moves the key out of the URL (SECURITY.md S47), then shows the button.
pub(crate) async fn show(visit: Visit, query: Query<HashMap<String, String>>) -> PageResult {
    if let Some(key) = query.get("key") {
        if LinkKey::parse(key).is_ok() {
            visit.session().keep_arrival(&Arrival { action: Action::ChangeEmail, token: key.clone() });
        }
        // Another path than the link's: w3m compares redirects without their query and would see a loop.
        return Ok(visit.go("/profile/email/confirm/finish"));
    }
    match key(&visit) {
        Some(_) => ProfileEmailConfirm { visit, form: Form::blank() }.ok(),
        None => gone(visit),
    }
}

/// Changes the address and goes where links in mails go, so that somebody else's application hears of it too.
pub(crate) async fn submit(visit: Visit, form: Form<Press>) -> PageResult {
    let Some(key) = key(&visit) else { return gone(visit) };
    let caller = Caller { session: None, ..visit.caller() };
    match form.submit(|Press| visit.auth().confirm_email_change(caller, key)).await? {
        Ok(_) => {
            visit.session().forget_arrival();
            Ok(onward(&visit))
        }
        Err(form) if form.is(Code::InvalidAccessToken) || form.is(Code::EmailNotUnique) => {
            visit.session().forget_arrival();
            gone(visit)
        }
        Err(form) => form.again(|form| ProfileEmailConfirm { visit, form }),
    }
}

fn key(visit: &Visit) -> Option<LinkKey> {
    let arrival = visit.session().arrival().filter(|arrival| arrival.action == Action::ChangeEmail)?;
    LinkKey::parse(&arrival.token).ok()
}

fn gone(visit: Visit) -> PageResult {
    page::show(&ProfileEmailGone { visit }, StatusCode::GONE)
}

/// The redirect URL with `status=200&action=change-email`; what query it has is kept (ALTOGIC_WIRE.md §10).
fn onward(visit: &Visit) -> HttpResponse {
    match Url::parse(&visit.site().redirect_url) {
        Ok(mut url) => {
            url.query_pairs_mut().append_pair("status", "200").append_pair("action", "change-email");
            see_other(url.as_str())
        }
        Err(_) => visit.go_saying("/", Notice::EmailChanged),
    }
}
