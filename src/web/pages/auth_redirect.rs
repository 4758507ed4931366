//! Where emailed links and providers send the browser (altogic-protocol.md §10).
//!
//! The first GET carries the access token in its URL. It is moved into the cookie and the browser
//! sent on to the clean path, so that no history, log or `Referer` keeps it (S47). There the link
//! finishes at once if this very browser asked for it; elsewhere the page names the account and one
//! press finishes it (S44), and somebody who is signed in is told first what that would do (S91). A
//! password that may be a visitor's is typed or chosen there (S23).

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
    port::{AccessToken, Code, LinkAccount, OperationError, Outcome, Password, SignInOutcome},
    web::{
        error::PageError,
        forms::{
            duplicate_submission,
            form::{Form, FormFields},
            form_data::{FormData, Input},
        },
        page_link::{self, LINK},
        request::{
            latest_results,
            session::{LinkAction, PendingLink},
            visit::{Visit, see_other},
        },
        view::{
            notice::Notice,
            page::{Page, PageResult},
        },
    },
};

/// The clean path. Not the one that the link came to: w3m compares redirects without their query
/// and would see a loop.
const FINISH: &str = "/auth-redirect/finish";

#[derive(Template)]
#[template(path = "pages/auth_redirect.html")]
struct AuthRedirect {
    visit: Visit,
    action: LinkAction,
    account: Option<LinkAccount>,
    form: Form<OpenedForm>,
}

/// Leads on to the application that the link belongs to: see `pages/sign_in/provider.rs` for why
/// this is a page.
#[derive(Template)]
#[template(path = "pages/auth_redirect_leave.html")]
struct ApplicationRedirectPage {
    visit: Visit,
    location: String,
}

/// The password for the account, where one is asked for. Empty: the account has none from now on.
pub(crate) struct OpenedForm(Password);

impl FormFields for OpenedForm {
    const INPUTS: &'static [Input] = &[Input::Line(LINK), Input::Secret("password")];

    fn read(form_data: &mut FormData) -> Self {
        Self(form_data.secret("password"))
    }
}

/// End of a link that was opened where it was not asked for.
enum Finished {
    Entered(Box<SignInOutcome>),
    /// An application redeems the token: the URL to go on to.
    GoesOn(String),
}

/// Query of the redirect. Unknown parameters are ignored; on duplicates the first wins.
#[derive(Debug, Default, PartialEq, Eq)]
struct RedirectQuery {
    status: Option<String>,
    action: Option<String>,
    access_token: Option<String>,
    error: bool,
}

/// Meaning of a redirect.
#[derive(Debug, PartialEq, Eq)]
enum RedirectOutcome {
    /// Nothing was said: the clean path.
    Clean,
    Arrived(LinkAction, String),
    EmailChanged,
    Failed(LinkAction),
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match RedirectQuery::read(visit.request().query_string()).redirect_target() {
        RedirectOutcome::Clean => finish(visit).await,
        RedirectOutcome::Arrived(action, token) => {
            Ok(clean(&visit, &PendingLink::opened(action, token)))
        }
        RedirectOutcome::EmailChanged => Ok(visit.go_saying("/profile", Notice::EmailChanged)),
        RedirectOutcome::Failed(action) => failed_or_won(visit, action),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<OpenedForm>) -> PageResult {
    let Some(pending_link) = page_link::sent(&visit, form.value(LINK), is_finished_here) else {
        return Ok(gone(&visit));
    };
    let _turn = turn(&visit).await;
    match form.submit(|OpenedForm(password)| finish_here(&visit, &pending_link, password)).await? {
        Ok(Finished::Entered(sign_in_outcome)) => arrive(&visit, &pending_link, &sign_in_outcome),
        Ok(Finished::GoesOn(location)) => leave(visit, location),
        Err(form) if is_expired_link(|code| form.is(code)) => failed(visit, &pending_link),
        Err(form) => {
            let account = described(&visit, &pending_link.token).await?;
            form.again(|form| AuthRedirect { visit, action: pending_link.action, account, form })
        }
    }
}

impl RedirectQuery {
    fn read(query: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let destination = match &*name {
                "status" => &mut read.status,
                "action" => &mut read.action,
                "access_token" => &mut read.access_token,
                "error" => {
                    read.error = true;
                    continue;
                }
                _ => continue,
            };
            destination.get_or_insert_with(|| value.into_owned());
        }
        read
    }

    /// The text of `error` is not looked at: anybody can write a link with any text, and our pages
    /// speak with their own words.
    fn redirect_target(self) -> RedirectOutcome {
        if self == Self::default() {
            return RedirectOutcome::Clean;
        }
        let action = action_named(self.action.as_deref().unwrap_or_default());
        let succeeded = self.status.is_none_or(|status| status == "200") && !self.error;
        match self.access_token.filter(|token| AccessToken::parse(token).is_ok()) {
            _ if !succeeded => RedirectOutcome::Failed(action),
            _ if action == LinkAction::ChangeEmail => RedirectOutcome::EmailChanged,
            Some(token) => RedirectOutcome::Arrived(action, token),
            None => RedirectOutcome::Failed(action),
        }
    }
}

fn action_named(name: &str) -> LinkAction {
    match name {
        "email-confirm" => LinkAction::EmailConfirm,
        "magic-link" => LinkAction::MagicLink,
        "reset-pwd" => LinkAction::ResetPassword,
        "change-email" => LinkAction::ChangeEmail,
        _ => LinkAction::SignIn,
    }
}

/// Takes the token out of the URL.
pub(super) fn clean(visit: &Visit, pending_link: &PendingLink) -> HttpResponse {
    visit.session().keep_pending_link(pending_link);
    let mut response = visit.go(if pending_link.action == LinkAction::ResetPassword {
        "/reset-password/choose"
    } else {
        FINISH
    });
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Whether a link of that kind is finished on this page.
fn is_finished_here(action: LinkAction) -> bool {
    !matches!(
        action,
        LinkAction::ResetPassword | LinkAction::ChangeEmail | LinkAction::AccountRecovery
    )
}

/// No link is open in this browser, or no longer.
fn gone(visit: &Visit) -> HttpResponse {
    if visit.signed_in_user().is_some() {
        visit.go("/profile")
    } else {
        visit.go_saying("/sign-in", Notice::LinkGone)
    }
}

/// A link that came without a token. It may be spent because it was opened twice.
fn failed_or_won(visit: Visit, action: LinkAction) -> PageResult {
    let is_of_sign_in = matches!(action, LinkAction::EmailConfirm | LinkAction::MagicLink);
    match won(&visit).filter(|won| is_of_sign_in && won.is_on_its_way()) {
        Some(won) => Ok(won.repeat(visit.session())),
        None => link_failed::show(visit, action, StatusCode::GONE),
    }
}

/// The clean path: finishes what this browser began, or asks for a press.
async fn finish(visit: Visit) -> PageResult {
    let Some(pending_link) = visit.session().pending_link() else { return Ok(gone(&visit)) };
    let action = pending_link.action;
    if action == LinkAction::ResetPassword {
        return Ok(visit.go("/reset-password/choose"));
    }
    if let Some(won) = won(&visit).filter(|won| won.is_of(visit.session())) {
        return Ok(see_other(won.location().unwrap_or_default()));
    }
    if visit.signed_in_user().is_none() && is_opened_by_a_person(&visit) {
        let _turn = turn(&visit).await;
        match finish_where_begun(&visit, &pending_link.token).await {
            Ok(Some(sign_in_outcome)) => return arrive(&visit, &pending_link, &sign_in_outcome),
            Ok(None) => {}
            Err(OperationError::Rejected(refusal)) if is_expired_link(|code| refusal.is(code)) => {
                return failed(visit, &pending_link);
            }
            Err(OperationError::Rejected(refusal)) => {
                let account = described(&visit, &pending_link.token).await?;
                return Form::blank().refuse(&refusal).again(|form| AuthRedirect {
                    visit,
                    action,
                    account,
                    form,
                });
            }
            Err(OperationError::Internal(failure)) => return Err(PageError::Failed(failure)),
        }
    }
    let account = described(&visit, &pending_link.token).await?;
    AuthRedirect { visit, action, account, form: Form::blank() }.ok()
}

/// The account that a link opens. `None` where it cannot be told, and where too many asked: the
/// press says that.
pub(super) async fn described(
    visit: &Visit,
    token: &str,
) -> Result<Option<LinkAccount>, PageError> {
    let Ok(token) = AccessToken::parse(token) else { return Ok(None) };
    match visit.auth().describe_link(visit.caller(), token).await {
        Ok(account) => Ok(account),
        Err(OperationError::Rejected(_)) => Ok(None),
        Err(OperationError::Internal(failure)) => Err(PageError::Failed(failure)),
    }
}

/// Gives the account its password, where one is asked for, and spends the token here or at its
/// application.
async fn finish_here(
    visit: &Visit,
    pending_link: &PendingLink,
    password: Password,
) -> Outcome<Finished> {
    if pending_link.action != LinkAction::SignIn {
        let token = AccessToken::parse(&pending_link.token)?;
        let password = Some(password).filter(|password| !password.expose().is_empty());
        if let Some(location) =
            visit.auth().choose_link_password(visit.caller(), token, password).await?
        {
            return Ok(Finished::GoesOn(location));
        }
    }
    redeem(visit, &pending_link.token)
        .await
        .map(|sign_in_outcome| Finished::Entered(Box::new(sign_in_outcome)))
}

fn leave(visit: Visit, location: String) -> PageResult {
    visit.session().forget_pending_link();
    let mut response = ApplicationRedirectPage { visit, location }.ok()?;
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// Neither a HEAD nor a page fetched in advance finishes anything.
pub(super) fn is_opened_by_a_person(visit: &Visit) -> bool {
    let request = visit.request();
    request.method() == Method::GET
        && !["sec-purpose", "purpose"].iter().any(|name| request.headers().contains_key(*name))
}

async fn finish_where_begun(visit: &Visit, token: &str) -> Outcome<Option<SignInOutcome>> {
    visit.auth().finish_where_begun(visit.caller(), AccessToken::parse(token)?).await
}

/// Spends the token. Somebody else who was signed in here is signed out: two accounts never share a
/// browser session.
async fn redeem(visit: &Visit, token: &str) -> Outcome<SignInOutcome> {
    let caller = visit.caller();
    let sign_in_outcome =
        visit.auth().get_auth_grant(caller.clone(), AccessToken::parse(token)?).await?;
    if caller.session.is_some()
        && let Err(OperationError::Internal(failure)) = visit.auth().sign_out(caller, None).await
    {
        tracing::error!(%failure, "the former session of a browser could not be ended");
    }
    Ok(sign_in_outcome)
}

/// One link at a time in one browser, so that a second press finds out what became of the first.
async fn turn(visit: &Visit) -> Option<OwnedMutexGuard<()>> {
    match visit.session().known_browser() {
        Some(browser) => Some(latest_results::turn(&browser).await),
        None => None,
    }
}

fn arrive(
    visit: &Visit,
    pending_link: &PendingLink,
    sign_in_outcome: &SignInOutcome,
) -> PageResult {
    let notice = if pending_link.action == LinkAction::EmailConfirm {
        Notice::EmailConfirmed
    } else {
        Notice::SignedIn
    };
    let browser = visit.session().known_browser();
    let response = visit.enter(sign_in_outcome, Some(notice))?;
    if let Some(browser) = browser {
        duplicate_submission::note_redirect_target(
            (browser, pending_link.is_opened),
            &response,
            visit.session(),
        );
    }
    Ok(response)
}

/// Answer to a link that this browser opened and redeemed a moment ago.
fn won(visit: &Visit) -> Option<Arc<duplicate_submission::Outcome>> {
    duplicate_submission::redirect_target(visit.session().known_browser()?, true)
}

fn is_expired_link(is: impl Fn(Code) -> bool) -> bool {
    is(Code::InvalidAccessToken) || is(Code::InvalidTokenType)
}

/// A token that is spent. Where this very browser spent it a moment ago, the answer is that of the
/// request that did: a second press may have cancelled the first, and then nobody else brings the
/// session.
fn failed(visit: Visit, pending_link: &PendingLink) -> PageResult {
    let browser = visit.session().known_browser();
    let won = browser
        .and_then(|browser| duplicate_submission::redirect_target(browser, pending_link.is_opened));
    if let Some(won) = won.filter(|won| won.is_on_its_way()) {
        return Ok(won.repeat(visit.session()));
    }
    let action = pending_link.action;
    visit.session().forget_pending_link();
    link_failed::show(visit, action, StatusCode::GONE)
}

impl AuthRedirect {
    fn heading(&self) -> &'static str {
        match self.action {
            LinkAction::EmailConfirm => "Confirm your address",
            _ => "Sign in",
        }
    }

    /// Whether an email brought it, and not a provider's sign-in.
    fn is_emailed(&self) -> bool {
        self.action != LinkAction::SignIn
    }

    fn button(&self) -> &'static str {
        match self.action {
            LinkAction::EmailConfirm => "Confirm my address",
            _ => "Sign in",
        }
    }

    fn asks_password(&self) -> bool {
        self.account.as_ref().is_some_and(|account| account.asks_password)
    }

    fn password_hint(&self) -> String {
        let least = self.visit.password_hint();
        format!(
            "The one you signed up with, or a new one. {least} Leave it empty to go on without a \
                password."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect_target(query: &str) -> RedirectOutcome {
        RedirectQuery::read(query).redirect_target()
    }

    #[test]
    fn every_action_of_the_wire_arrives_with_its_token() {
        for (name, action) in [
            ("email-confirm", LinkAction::EmailConfirm),
            ("magic-link", LinkAction::MagicLink),
            ("reset-pwd", LinkAction::ResetPassword),
            ("oauth-signin", LinkAction::SignIn),
            ("oauth-signup", LinkAction::SignIn),
            ("unheard-of", LinkAction::SignIn),
        ] {
            let arrived = RedirectOutcome::Arrived(action, "t".into());
            assert_eq!(
                redirect_target(&format!("status=200&access_token=t&action={name}")),
                arrived
            );
            assert_eq!(redirect_target(&format!("access_token=t&action={name}")), arrived);
            assert_eq!(
                redirect_target(&format!("status=400&action={name}&error=Invalid+or+expired")),
                RedirectOutcome::Failed(action)
            );
            assert_eq!(
                redirect_target(&format!("status=401&access_token=t&action={name}")),
                RedirectOutcome::Failed(action)
            );
            assert_eq!(
                redirect_target(&format!("status=200&action={name}")),
                RedirectOutcome::Failed(action)
            );
        }
        assert_eq!(
            redirect_target("access_token=t"),
            RedirectOutcome::Arrived(LinkAction::SignIn, "t".into())
        );
    }

    #[test]
    fn a_changed_address_arrives_without_a_token() {
        assert_eq!(
            redirect_target("status=200&action=change-email"),
            RedirectOutcome::EmailChanged
        );
        assert_eq!(
            redirect_target("status=400&action=change-email&error=x"),
            RedirectOutcome::Failed(LinkAction::ChangeEmail)
        );
    }

    #[test]
    fn whatever_else_arrives_is_a_link_that_failed() {
        for query in [
            "access_token=",
            "access_token=a%20b",
            "access_token=%00",
            "status=",
            "error",
            "action=%ff&status=x",
        ] {
            assert!(matches!(redirect_target(query), RedirectOutcome::Failed(_)), "{query}");
        }
        assert_eq!(
            redirect_target(&format!("access_token={}", "a".repeat(513))),
            RedirectOutcome::Failed(LinkAction::SignIn)
        );
        assert_eq!(redirect_target(""), RedirectOutcome::Clean);
        assert_eq!(redirect_target("utm_source=mail"), RedirectOutcome::Clean);
        assert_eq!(
            redirect_target("access_token=a&access_token=b"),
            RedirectOutcome::Arrived(LinkAction::SignIn, "a".into())
        );
    }
}
