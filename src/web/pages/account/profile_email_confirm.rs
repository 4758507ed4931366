//! The link that proves a new address: one button, and only its press changes anything.
//!
//! Open to anyone, since the email may be read where nobody is signed in: the key in the link is
//! the proof.

use std::collections::HashMap;

use actix_web::{HttpResponse, http::StatusCode, web::Query};
use askama::Template;
use url::Url;

use crate::{
    port::{Code, Field, LinkAccount, LinkKey, OperationError, Outcome, Password, Refusal, User},
    web::{
        error::PageError,
        forms::{
            form::{Form, FormFields},
            form_data::{FormData, Input},
        },
        page_link::{self, LINK},
        request::{
            session::{LinkAction, PendingLink},
            visit::{Visit, see_other},
        },
        view::{
            notice::Notice,
            page::{self, Page, PageResult},
        },
    },
};

#[derive(Template)]
#[template(path = "pages/profile_email_confirm.html")]
struct ProfileEmailConfirm {
    visit: Visit,
    account: Option<LinkAccount>,
    form: Form<Confirmed>,
}

/// The password of the account, where it is asked for.
pub(crate) struct Confirmed {
    password: Password,
    is_without: bool,
}

impl FormFields for Confirmed {
    const INPUTS: &'static [Input] =
        &[Input::Line(LINK), Input::Secret("current_password"), Input::Line("without")];

    fn read(form_data: &mut FormData) -> Self {
        Self {
            password: form_data.secret("current_password"),
            is_without: !form_data.line("without").is_empty(),
        }
    }
}

#[derive(Template)]
#[template(path = "pages/profile_email_gone.html")]
struct ProfileEmailGone {
    visit: Visit,
}

/// Moves the key out of the URL (S47), then shows the button.
pub(crate) async fn show(visit: Visit, query: Query<HashMap<String, String>>) -> PageResult {
    if let Some(key) = query.get("key") {
        if LinkKey::parse(key).is_ok() {
            visit.session().keep_pending_link(&PendingLink::opened(LinkAction::ChangeEmail, key));
        }
        // Another path than the link's: w3m compares redirects without their query and would see a
        // loop.
        return Ok(visit.go("/profile/email/confirm/finish"));
    }
    let Some(key) = key(&visit, "") else { return gone(visit) };
    match visit.auth().describe_email_change(visit.caller(), key).await {
        Ok(account) => ProfileEmailConfirm { visit, account, form: Form::blank() }.ok(),
        // The press says what is wrong with the link.
        Err(OperationError::Rejected(_)) => {
            ProfileEmailConfirm { visit, account: None, form: Form::blank() }.ok()
        }
        Err(OperationError::Internal(failure)) => Err(PageError::Failed(failure)),
    }
}

/// Changes the address and goes where links in emails go, so that somebody else's application hears
/// of it too.
pub(crate) async fn submit(visit: Visit, form: Form<Confirmed>) -> PageResult {
    let Some(key) = key(&visit, form.value(LINK)) else { return gone(visit) };
    match form.submit(|form_data| confirm(&visit, key.clone(), form_data)).await? {
        Ok(_) => {
            visit.session().forget_pending_link();
            Ok(onward(&visit))
        }
        Err(form) if form.is(Code::InvalidAccessToken) || form.is(Code::EmailNotUnique) => {
            visit.session().forget_pending_link();
            gone(visit)
        }
        Err(form) => {
            let account =
                visit.auth().describe_email_change(visit.caller(), key).await.unwrap_or_default();
            form.again(|form| ProfileEmailConfirm { visit, account, form })
        }
    }
}

/// Elsewhere than where the change was asked for, the account goes on as it was only with its
/// password.
async fn confirm(visit: &Visit, key: LinkKey, form_data: Confirmed) -> Outcome<User> {
    let (auth, caller) = (visit.auth(), visit.caller());
    if !form_data.password.expose().is_empty() && !form_data.is_without {
        return auth.confirm_email_change_with_password(caller, key, form_data.password).await;
    }
    let account = auth.describe_email_change(caller.clone(), key.clone()).await?;
    if !form_data.is_without && account.is_some_and(|account| account.asks_password) {
        return Err(Refusal::at(Field::CurrentPassword, Code::MissingPassword).into());
    }
    auth.confirm_email_change(caller, key).await
}

fn key(visit: &Visit, field: &str) -> Option<LinkKey> {
    let pending_link = page_link::sent(visit, field, |action| action == LinkAction::ChangeEmail)?;
    LinkKey::parse(&pending_link.token).ok()
}

fn gone(visit: Visit) -> PageResult {
    page::show(&ProfileEmailGone { visit }, StatusCode::GONE)
}

impl ProfileEmailConfirm {
    fn asks_password(&self) -> bool {
        self.account.as_ref().is_some_and(|account| account.asks_password)
    }
}

/// The redirect URL with `status=200&action=change-email`; what query it has is kept
/// (altogic-protocol.md §10).
fn onward(visit: &Visit) -> HttpResponse {
    match Url::parse(&visit.site().redirect_url) {
        Ok(mut url) => {
            url.query_pairs_mut()
                .append_pair("status", "200")
                .append_pair("action", "change-email");
            see_other(url.as_str())
        }
        Err(_) => visit.go_saying("/", Notice::EmailChanged),
    }
}
