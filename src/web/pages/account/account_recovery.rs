//! "That was not me": where the link leads that stands in every email about a change.
//!
//! Open to anyone, since the email may be read where nobody is signed in: the key in the link is
//! the proof. Opening it changes nothing (S43, S44); the page says what the button would do, and
//! the button does it. Then a new password is chosen.

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

use super::super::link_failed;
use crate::{
    port::{AccountRecovery, Code, LinkKey, OperationError},
    web::{
        error::PageError,
        forms::form::Form,
        page_link::{self, LINK, LinkPress},
        request::{
            session::{LinkAction, PendingLink},
            visit::Visit,
        },
        view::{
            notice::Notice,
            page::{self, Page, PageResult},
        },
    },
};

#[derive(Template)]
#[template(path = "pages/not_me.html")]
struct AccountRecoveryPage {
    visit: Visit,
    would: AccountRecovery,
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
    match visit.auth().describe_account_recovery(visit.caller(), key).await {
        Ok(would) => AccountRecoveryPage { visit, would, form: Form::blank() }.ok(),
        Err(OperationError::Rejected(_)) => gone(visit),
        Err(OperationError::Internal(failure)) => Err(PageError::Failed(failure)),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<LinkPress>) -> PageResult {
    let Some(key) = key(&visit, form.value(LINK)) else { return gone(visit) };
    match form.submit(|LinkPress| visit.auth().recover_account(visit.caller(), key.clone())).await?
    {
        Ok(token) => {
            // What a visitor may have left in this browser goes too.
            visit.session().end();
            let pending_link = PendingLink::opened(LinkAction::ResetPassword, token.expose());
            visit.session().keep_pending_link(&pending_link);
            Ok(visit.go_saying("/reset-password/choose", Notice::TakenBack))
        }
        Err(form) if form.is(Code::InvalidAccessToken) => gone(visit),
        Err(form) if form.is(Code::EmailNotUnique) => {
            page::show(&AddressTaken { visit }, StatusCode::CONFLICT)
        }
        Err(form) => match visit.auth().describe_account_recovery(visit.caller(), key).await {
            Ok(would) => form.again(|form| AccountRecoveryPage { visit, would, form }),
            Err(OperationError::Rejected(_)) => gone(visit),
            Err(OperationError::Internal(failure)) => Err(PageError::Failed(failure)),
        },
    }
}

/// Another path than the links': w3m compares redirects without their query and would see a loop.
fn clean(visit: &Visit, key: &str) -> HttpResponse {
    if LinkKey::parse(key).is_ok() {
        visit.session().keep_pending_link(&PendingLink::opened(LinkAction::AccountRecovery, key));
    }
    let mut response = visit.go("/not-me/confirm");
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn key(visit: &Visit, field: &str) -> Option<LinkKey> {
    let pending_link =
        page_link::sent(visit, field, |action| action == LinkAction::AccountRecovery)?;
    LinkKey::parse(&pending_link.token).ok()
}

fn gone(visit: Visit) -> PageResult {
    link_failed::show(visit, LinkAction::AccountRecovery, StatusCode::GONE)
}
