//! The link that proves a new address: one button, and only its press changes anything.
//!
//! Open to anyone, since the mail may be read where nobody is signed in: the key in the link is the proof.

use std::collections::HashMap;

use actix_web::{HttpResponse, http::StatusCode, web::Query};
use askama::Template;
use url::Url;

use crate::{
    port::{Code, Field, LinkAccount, LinkKey, Outcome, Password, Refusal, Trouble, User},
    web::{
        error::PageError,
        form::{Fields, Form},
        notice::Notice,
        page::{self, Page, PageResult},
        page_link::{self, LINK},
        session::{Action, Arrival},
        typed::{Input, Typed},
        visit::{Visit, see_other},
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

impl Fields for Confirmed {
    const INPUTS: &'static [Input] = &[Input::Line(LINK), Input::Secret("current_password"), Input::Line("without")];

    fn read(typed: &mut Typed) -> Self {
        Self { password: typed.secret("current_password"), is_without: !typed.line("without").is_empty() }
    }
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
            visit.session().keep_arrival(&Arrival::opened(Action::ChangeEmail, key));
        }
        // Another path than the link's: w3m compares redirects without their query and would see a loop.
        return Ok(visit.go("/profile/email/confirm/finish"));
    }
    let Some(key) = key(&visit, "") else { return gone(visit) };
    match visit.auth().describe_email_change(visit.caller(), key).await {
        Ok(account) => ProfileEmailConfirm { visit, account, form: Form::blank() }.ok(),
        // The press says what is wrong with the link.
        Err(Trouble::Refused(_)) => ProfileEmailConfirm { visit, account: None, form: Form::blank() }.ok(),
        Err(Trouble::Failed(failure)) => Err(PageError::Failed(failure)),
    }
}

/// Changes the address and goes where links in mails go, so that somebody else's application hears of it too.
pub(crate) async fn submit(visit: Visit, form: Form<Confirmed>) -> PageResult {
    let Some(key) = key(&visit, form.value(LINK)) else { return gone(visit) };
    match form.submit(|typed| confirm(&visit, key.clone(), typed)).await? {
        Ok(_) => {
            visit.session().forget_arrival();
            Ok(onward(&visit))
        }
        Err(form) if form.is(Code::InvalidAccessToken) || form.is(Code::EmailNotUnique) => {
            visit.session().forget_arrival();
            gone(visit)
        }
        Err(form) => {
            let account = visit.auth().describe_email_change(visit.caller(), key).await.unwrap_or_default();
            form.again(|form| ProfileEmailConfirm { visit, account, form })
        }
    }
}

/// Elsewhere than where the change was asked for, the account goes on as it was only with its password.
async fn confirm(visit: &Visit, key: LinkKey, typed: Confirmed) -> Outcome<User> {
    let (auth, caller) = (visit.auth(), visit.caller());
    if !typed.password.expose().is_empty() && !typed.is_without {
        return auth.confirm_email_change_with_password(caller, key, typed.password).await;
    }
    let account = auth.describe_email_change(caller.clone(), key.clone()).await?;
    if !typed.is_without && account.is_some_and(|account| account.asks_password) {
        return Err(Refusal::at(Field::CurrentPassword, Code::MissingPassword).into());
    }
    auth.confirm_email_change(caller, key).await
}

fn key(visit: &Visit, field: &str) -> Option<LinkKey> {
    let arrival = page_link::sent(visit, field, |action| action == Action::ChangeEmail)?;
    LinkKey::parse(&arrival.token).ok()
}

fn gone(visit: Visit) -> PageResult {
    page::show(&ProfileEmailGone { visit }, StatusCode::GONE)
}

impl ProfileEmailConfirm {
    fn asks_password(&self) -> bool {
        self.account.as_ref().is_some_and(|account| account.asks_password)
    }
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
