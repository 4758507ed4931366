//! Where mailed links and providers send the browser (ALTOGIC_WIRE.md §10).
//!
//! The first GET carries the access token in its URL. It is moved into the cookie and the browser sent on to the clean path, so
//! that no history, log or `Referer` keeps it (SECURITY.md S47). There the link finishes at once if this very browser asked for
//! it; elsewhere the page names the account and one press finishes it (S44), and somebody who is signed in is told first what that
//! would do (S91). A password that may be a stranger's is typed or chosen there (S23).

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::{
        Method, StatusCode,
        header::{HeaderValue, REFERRER_POLICY},
    },
};
use askama::Template;
use tokio::sync::OwnedMutexGuard;
use url::form_urlencoded;

use super::link_failed;
use crate::{
    port::{AccessToken, Code, Entrance, LinkAccount, Outcome, Password, Trouble},
    web::{
        error::PageError,
        form::{Fields, Form},
        notice::Notice,
        page::{Page, PageResult},
        page_link::{self, LINK},
        session::{Action, Arrival},
        twin,
        typed::{Input, Typed},
        visit::{Visit, see_other},
        winners,
    },
};

/// The clean path. Not the one that the link came to: w3m compares redirects without their query and would see a loop.
const FINISH: &str = "/auth-redirect/finish";

#[derive(Template)]
#[template(path = "pages/auth_redirect.html")]
struct AuthRedirect {
    visit: Visit,
    action: Action,
    account: Option<LinkAccount>,
    form: Form<Opened>,
}

/// Leads on to the application that the link belongs to: see `pages/provider.rs` for why this is a page.
#[derive(Template)]
#[template(path = "pages/auth_redirect_leave.html")]
struct Leave {
    visit: Visit,
    location: String,
}

/// The password for the account, where one is asked for. Empty: the account has none from now on.
pub(crate) struct Opened(Password);

impl Fields for Opened {
    const INPUTS: &'static [Input] = &[Input::Line(LINK), Input::Secret("password")];

    fn read(typed: &mut Typed) -> Self {
        Self(typed.secret("password"))
    }
}

/// End of a link that was opened where it was not asked for.
enum Finished {
    Entered(Box<Entrance>),
    /// An application redeems the token: the URL to go on to.
    GoesOn(String),
}

/// What the redirect says. Unknown parameters mean nothing; of one that comes twice the first counts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Query {
    status: Option<String>,
    action: Option<String>,
    access_token: Option<String>,
    error: bool,
}

/// What a redirect amounts to.
#[derive(Debug, PartialEq, Eq)]
enum Landing {
    /// Nothing was said: the clean path.
    Clean,
    Arrived(Action, String),
    EmailChanged,
    Failed(Action),
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match Query::read(visit.request().query_string()).landing() {
        Landing::Clean => finish(visit).await,
        Landing::Arrived(action, token) => Ok(clean(&visit, &Arrival::opened(action, token))),
        Landing::EmailChanged => Ok(visit.go_saying("/profile", Notice::EmailChanged)),
        Landing::Failed(action) => failed_or_won(visit, action),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<Opened>) -> PageResult {
    let Some(arrival) = page_link::sent(&visit, form.value(LINK), is_finished_here) else { return Ok(gone(&visit)) };
    let _turn = turn(&visit).await;
    match form.submit(|Opened(password)| finish_here(&visit, &arrival, password)).await? {
        Ok(Finished::Entered(entrance)) => arrive(&visit, &arrival, &entrance),
        Ok(Finished::GoesOn(location)) => leave(visit, location),
        Err(form) if is_dead_link(|code| form.is(code)) => failed(visit, &arrival),
        Err(form) => {
            let account = described(&visit, &arrival.token).await?;
            form.again(|form| AuthRedirect { visit, action: arrival.action, account, form })
        }
    }
}

impl Query {
    fn read(query: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "status" => &mut read.status,
                "action" => &mut read.action,
                "access_token" => &mut read.access_token,
                "error" => {
                    read.error = true;
                    continue;
                }
                _ => continue,
            };
            place.get_or_insert_with(|| value.into_owned());
        }
        read
    }

    /// The text of `error` is not looked at: anybody can write a link with any text, and our pages speak with their own words.
    fn landing(self) -> Landing {
        if self == Self::default() {
            return Landing::Clean;
        }
        let action = action_named(self.action.as_deref().unwrap_or_default());
        let succeeded = self.status.is_none_or(|status| status == "200") && !self.error;
        match self.access_token.filter(|token| AccessToken::parse(token).is_ok()) {
            _ if !succeeded => Landing::Failed(action),
            _ if action == Action::ChangeEmail => Landing::EmailChanged,
            Some(token) => Landing::Arrived(action, token),
            None => Landing::Failed(action),
        }
    }
}

fn action_named(name: &str) -> Action {
    match name {
        "email-confirm" => Action::EmailConfirm,
        "magic-link" => Action::MagicLink,
        "reset-pwd" => Action::ResetPassword,
        "change-email" => Action::ChangeEmail,
        _ => Action::SignIn,
    }
}

/// Takes the token out of the URL.
pub(super) fn clean(visit: &Visit, arrival: &Arrival) -> HttpResponse {
    visit.session().keep_arrival(arrival);
    let mut response =
        visit.go(if arrival.action == Action::ResetPassword { "/reset-password/choose" } else { FINISH });
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Whether a link of that kind is finished on this page.
fn is_finished_here(action: Action) -> bool {
    !matches!(action, Action::ResetPassword | Action::ChangeEmail | Action::NotMe)
}

/// No link is open in this browser, or no longer.
fn gone(visit: &Visit) -> HttpResponse {
    if visit.member().is_some() { visit.go("/profile") } else { visit.go_saying("/sign-in", Notice::LinkGone) }
}

/// A link that came without a token. It may be spent because it was opened twice.
fn failed_or_won(visit: Visit, action: Action) -> PageResult {
    let is_of_sign_in = matches!(action, Action::EmailConfirm | Action::MagicLink);
    match won(&visit).filter(|won| is_of_sign_in && won.is_on_its_way()) {
        Some(won) => Ok(won.repeat(visit.session())),
        None => link_failed::show(visit, action, StatusCode::GONE),
    }
}

/// The clean path: finishes what this browser began, or asks for a press.
async fn finish(visit: Visit) -> PageResult {
    let Some(arrival) = visit.session().arrival() else { return Ok(gone(&visit)) };
    let action = arrival.action;
    if action == Action::ResetPassword {
        return Ok(visit.go("/reset-password/choose"));
    }
    if let Some(won) = won(&visit).filter(|won| won.is_of(visit.session())) {
        return Ok(see_other(won.location().unwrap_or_default()));
    }
    if visit.member().is_none() && is_opened_by_a_person(&visit) {
        let _turn = turn(&visit).await;
        match finish_where_begun(&visit, &arrival.token).await {
            Ok(Some(entrance)) => return arrive(&visit, &arrival, &entrance),
            Ok(None) => {}
            Err(Trouble::Refused(refusal)) if is_dead_link(|code| refusal.is(code)) => return failed(visit, &arrival),
            Err(Trouble::Refused(refusal)) => {
                let account = described(&visit, &arrival.token).await?;
                return Form::blank().refuse(&refusal).again(|form| AuthRedirect { visit, action, account, form });
            }
            Err(Trouble::Failed(failure)) => return Err(PageError::Failed(failure)),
        }
    }
    let account = described(&visit, &arrival.token).await?;
    AuthRedirect { visit, action, account, form: Form::blank() }.ok()
}

/// The account that a link opens. `None` where it cannot be told, and where too many asked: the press says that.
pub(super) async fn described(visit: &Visit, token: &str) -> Result<Option<LinkAccount>, PageError> {
    let Ok(token) = AccessToken::parse(token) else { return Ok(None) };
    match visit.auth().describe_link(visit.caller(), token).await {
        Ok(account) => Ok(account),
        Err(Trouble::Refused(_)) => Ok(None),
        Err(Trouble::Failed(failure)) => Err(PageError::Failed(failure)),
    }
}

/// Gives the account its password, where one is asked for, and spends the token here or at its application.
async fn finish_here(visit: &Visit, arrival: &Arrival, password: Password) -> Outcome<Finished> {
    if arrival.action != Action::SignIn {
        let token = AccessToken::parse(&arrival.token)?;
        let password = Some(password).filter(|password| !password.expose().is_empty());
        if let Some(location) = visit.auth().choose_link_password(visit.caller(), token, password).await? {
            return Ok(Finished::GoesOn(location));
        }
    }
    redeem(visit, &arrival.token).await.map(|entrance| Finished::Entered(Box::new(entrance)))
}

fn leave(visit: Visit, location: String) -> PageResult {
    visit.session().forget_arrival();
    let mut response = Leave { visit, location }.ok()?;
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// Neither a HEAD nor a page fetched in advance finishes anything.
pub(super) fn is_opened_by_a_person(visit: &Visit) -> bool {
    let request = visit.request();
    request.method() == Method::GET
        && !["sec-purpose", "purpose"].iter().any(|name| request.headers().contains_key(*name))
}

async fn finish_where_begun(visit: &Visit, token: &str) -> Outcome<Option<Entrance>> {
    visit.auth().finish_where_begun(visit.caller(), AccessToken::parse(token)?).await
}

/// Spends the token. Somebody else who was signed in here is signed out: two accounts never share a browser session.
async fn redeem(visit: &Visit, token: &str) -> Outcome<Entrance> {
    let caller = visit.caller();
    let entrance = visit.auth().get_auth_grant(caller.clone(), AccessToken::parse(token)?).await?;
    if caller.session.is_some()
        && let Err(Trouble::Failed(failure)) = visit.auth().sign_out(caller, None).await
    {
        tracing::error!(%failure, "the former session of a browser could not be ended");
    }
    Ok(entrance)
}

/// One link at a time in one browser, so that a second press finds out what became of the first.
async fn turn(visit: &Visit) -> Option<OwnedMutexGuard<()>> {
    match visit.session().known_browser() {
        Some(browser) => Some(winners::turn(&browser).await),
        None => None,
    }
}

fn arrive(visit: &Visit, arrival: &Arrival, entrance: &Entrance) -> PageResult {
    let notice = if arrival.action == Action::EmailConfirm { Notice::EmailConfirmed } else { Notice::SignedIn };
    let browser = visit.session().known_browser();
    let response = visit.enter(entrance, Some(notice))?;
    if let Some(browser) = browser {
        twin::note_landing((browser, arrival.is_opened), &response, visit.session());
    }
    Ok(response)
}

/// What a link that this browser opened and redeemed a moment ago was answered.
fn won(visit: &Visit) -> Option<Arc<twin::Outcome>> {
    twin::landing(visit.session().known_browser()?, true)
}

fn is_dead_link(is: impl Fn(Code) -> bool) -> bool {
    is(Code::InvalidAccessToken) || is(Code::InvalidTokenType)
}

/// A token that is spent. Where this very browser spent it a moment ago, the answer is that of the request that did: a second
/// press may have cancelled the first, and then nobody else brings the session.
fn failed(visit: Visit, arrival: &Arrival) -> PageResult {
    let browser = visit.session().known_browser();
    let won = browser.and_then(|browser| twin::landing(browser, arrival.is_opened));
    if let Some(won) = won.filter(|won| won.is_on_its_way()) {
        return Ok(won.repeat(visit.session()));
    }
    let action = arrival.action;
    visit.session().forget_arrival();
    link_failed::show(visit, action, StatusCode::GONE)
}

impl AuthRedirect {
    fn heading(&self) -> &'static str {
        match self.action {
            Action::EmailConfirm => "Confirm your address",
            _ => "Sign in",
        }
    }

    /// Whether a mail brought it, and not a provider's sign-in.
    fn is_mailed(&self) -> bool {
        self.action != Action::SignIn
    }

    fn button(&self) -> &'static str {
        match self.action {
            Action::EmailConfirm => "Confirm my address",
            _ => "Sign in",
        }
    }

    fn asks_password(&self) -> bool {
        self.account.as_ref().is_some_and(|account| account.asks_password)
    }

    fn password_hint(&self) -> String {
        let least = self.visit.password_hint();
        format!("The one you signed up with, or a new one. {least} Leave it empty to go on without a password.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn landing(query: &str) -> Landing {
        Query::read(query).landing()
    }

    #[test]
    fn every_action_of_the_wire_arrives_with_its_token() {
        for (name, action) in [
            ("email-confirm", Action::EmailConfirm),
            ("magic-link", Action::MagicLink),
            ("reset-pwd", Action::ResetPassword),
            ("oauth-signin", Action::SignIn),
            ("oauth-signup", Action::SignIn),
            ("unheard-of", Action::SignIn),
        ] {
            let arrived = Landing::Arrived(action, "t".into());
            assert_eq!(landing(&format!("status=200&access_token=t&action={name}")), arrived);
            assert_eq!(landing(&format!("access_token=t&action={name}")), arrived);
            assert_eq!(landing(&format!("status=400&action={name}&error=Invalid+or+expired")), Landing::Failed(action));
            assert_eq!(landing(&format!("status=401&access_token=t&action={name}")), Landing::Failed(action));
            assert_eq!(landing(&format!("status=200&action={name}")), Landing::Failed(action));
        }
        assert_eq!(landing("access_token=t"), Landing::Arrived(Action::SignIn, "t".into()));
    }

    #[test]
    fn a_changed_address_arrives_without_a_token() {
        assert_eq!(landing("status=200&action=change-email"), Landing::EmailChanged);
        assert_eq!(landing("status=400&action=change-email&error=x"), Landing::Failed(Action::ChangeEmail));
    }

    #[test]
    fn whatever_else_arrives_is_a_link_that_failed() {
        for query in
            ["access_token=", "access_token=a%20b", "access_token=%00", "status=", "error", "action=%ff&status=x"]
        {
            assert!(matches!(landing(query), Landing::Failed(_)), "{query}");
        }
        assert_eq!(landing(&format!("access_token={}", "a".repeat(513))), Landing::Failed(Action::SignIn));
        assert_eq!(landing(""), Landing::Clean);
        assert_eq!(landing("utm_source=mail"), Landing::Clean);
        assert_eq!(landing("access_token=a&access_token=b"), Landing::Arrived(Action::SignIn, "a".into()));
    }
}
