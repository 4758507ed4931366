//! "That was not me": where the link leads that stands in every mail about a change.
//!
//! Open to anyone, since the mail may be read where nobody is signed in: the key in the link is the proof. Opening it changes
//! nothing (SECURITY.md S43, S44); the page says what the button would do, and the button does it. Then a new password is chosen.

use std::collections::HashMap;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderValue, REFERRER_POLICY},
    },
    web::Query,
};
use askama::Template;

use super::link_failed;
use crate::{
    port::{Code, LinkKey, NotMe, Trouble},
    web::{
        error::PageError,
        form::Form,
        notice::Notice,
        page::{self, Page, PageResult},
        page_link::{self, LINK, LinkPress},
        session::{Action, Arrival},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/not_me.html")]
struct NotMePage {
    visit: Visit,
    would: NotMe,
    form: Form<LinkPress>,
}

#[derive(Template)]
#[template(path = "pages/not_me_taken.html")]
struct AddressTaken {
    visit: Visit,
}

/// Moves the key out of the URL (S47), then says what the button would do.
pub(crate) async fn show(visit: Visit, query: Query<HashMap<String, String>>) -> PageResult {
    if let Some(key) = query.get("key") {
        return Ok(clean(&visit, key));
    }
    let Some(key) = key(&visit, "") else { return gone(visit) };
    match visit.auth().describe_not_me(visit.caller(), key).await {
        Ok(would) => NotMePage { visit, would, form: Form::blank() }.ok(),
        Err(Trouble::Refused(_)) => gone(visit),
        Err(Trouble::Failed(failure)) => Err(PageError::Failed(failure)),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<LinkPress>) -> PageResult {
    let Some(key) = key(&visit, form.value(LINK)) else { return gone(visit) };
    match form.submit(|LinkPress| visit.auth().report_not_me(visit.caller(), key.clone())).await? {
        Ok(token) => {
            // What a stranger may have left in this browser goes too.
            visit.session().end();
            let arrival = Arrival::opened(Action::ResetPassword, token.expose());
            visit.session().keep_arrival(&arrival);
            Ok(visit.go_saying("/reset-password/choose", Notice::TakenBack))
        }
        Err(form) if form.is(Code::InvalidAccessToken) => gone(visit),
        Err(form) if form.is(Code::EmailNotUnique) => page::show(&AddressTaken { visit }, StatusCode::CONFLICT),
        Err(form) => match visit.auth().describe_not_me(visit.caller(), key).await {
            Ok(would) => form.again(|form| NotMePage { visit, would, form }),
            Err(Trouble::Refused(_)) => gone(visit),
            Err(Trouble::Failed(failure)) => Err(PageError::Failed(failure)),
        },
    }
}

/// Another path than the links': w3m compares redirects without their query and would see a loop.
fn clean(visit: &Visit, key: &str) -> HttpResponse {
    if LinkKey::parse(key).is_ok() {
        visit.session().keep_arrival(&Arrival::opened(Action::NotMe, key));
    }
    let mut response = visit.go("/not-me/confirm");
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn key(visit: &Visit, field: &str) -> Option<LinkKey> {
    let arrival = page_link::sent(visit, field, |action| action == Action::NotMe)?;
    LinkKey::parse(&arrival.token).ok()
}

fn gone(visit: Visit) -> PageResult {
    link_failed::show(visit, Action::NotMe, StatusCode::GONE)
}
