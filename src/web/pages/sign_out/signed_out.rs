//! Signed out here, and at the provider too (OpenID Connect RP-Initiated Logout 1.0).
//!
//! The session here is over before this page is shown. Whoever presses the button is led on as to a
//! sign-in: by a page that goes on by itself to an address of ours, which redirects. So neither
//! `form-action` nor a page has to know where the provider is and sends its people on to, and the
//! id_token is in nothing but that redirect.

use askama::Template;
use url::form_urlencoded;

use super::super::{auth_redirect::is_opened_by_a_person, sign_in::provider};
use crate::{
    port::{Code, OperationError, Refusal},
    web::{
        error::PageError,
        forms::form::{Form, Press},
        request::{
            provider_logout::{ProviderLogout, ProviderLogoutStep},
            visit::Visit,
        },
        view::{
            notice::Notice,
            page::{self, Page, PageResult},
        },
    },
};

#[derive(Template)]
#[template(path = "pages/signed_out.html")]
struct SignedOut {
    visit: Visit,
    label: String,
    step: ProviderLogoutStep,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/signed_out_leave.html")]
struct ProviderLogoutPage {
    visit: Visit,
    label: String,
}

/// How far it is. Nothing to say without a provider: the page before said so.
pub(crate) async fn show(visit: Visit) -> PageResult {
    match live(&visit) {
        Some((provider_logout, label)) => {
            SignedOut { visit, label, step: provider_logout.step, problem: None }.ok()
        }
        None => Ok(visit.go("/")),
    }
}

/// The button.
pub(crate) async fn submit(visit: Visit, form: Form<Press>) -> PageResult {
    let Some((provider_logout, label)) = live(&visit) else { return Ok(visit.go("/")) };
    match form.submit(async |Press| Ok(())).await? {
        Ok(())
            if matches!(
                provider_logout.step,
                ProviderLogoutStep::Offered | ProviderLogoutStep::Asked
            ) =>
        {
            visit.session().keep_provider_logout(&provider_logout.at(ProviderLogoutStep::Asked));
            ProviderLogoutPage { visit, label }.ok()
        }
        Ok(()) => Ok(visit.go("/signed-out")),
        Err(form) => {
            let problem = form.problems().first().map(|wrong| wrong.sentence.clone());
            form.again(|_| SignedOut { visit, label, step: provider_logout.step, problem })
        }
    }
}

/// On to the provider, after a press and once.
pub(crate) async fn go_on(visit: Visit) -> PageResult {
    let Some((provider_logout, label)) = live(&visit) else { return Ok(visit.go("/")) };
    if provider_logout.step != ProviderLogoutStep::Asked {
        return Ok(visit.go("/signed-out"));
    }
    if !is_opened_by_a_person(&visit) {
        return ProviderLogoutPage { visit, label }.ok();
    }
    match visit
        .auth()
        .end_provider_session(
            visit.caller(),
            provider_logout.provider_logout_token(),
            provider_logout.state(),
        )
        .await
    {
        Ok(location) => {
            visit.session().keep_provider_logout(&provider_logout.at(ProviderLogoutStep::OnTheWay));
            Ok(provider::found(&location))
        }
        Err(OperationError::Rejected(refusal)) if refusal.is(Code::ProviderJourneyGone) => {
            visit.session().forget_provider_logout();
            Ok(visit.go_saying("/", Notice::SignedOut))
        }
        Err(OperationError::Rejected(refusal)) if refusal.retry_after().is_none() => {
            let offered = provider_logout.at(ProviderLogoutStep::Offered);
            visit.session().keep_provider_logout(&offered);
            let (problem, status) =
                (Some(problem(&refusal, &label)), provider::status_of(&refusal));
            page::show(&SignedOut { visit, label, step: offered.step, problem }, status)
        }
        Err(error) => Err(PageError::from(error)),
    }
}

/// Back from the provider. What comes with another state, or none, is no word about anybody.
pub(crate) async fn come_back(visit: Visit) -> PageResult {
    let query = form_urlencoded::parse(visit.request().query_string().as_bytes());
    let state =
        query.into_iter().find(|(key, _)| key == "state").map(|(_, value)| value.into_owned());
    if let Some((provider_logout, _)) = live(&visit)
        && provider_logout.is_back(&provider::name(&visit), &state.unwrap_or_default())
    {
        visit.session().keep_provider_logout(&provider_logout.at(ProviderLogoutStep::Done));
    }
    Ok(visit.go("/signed-out"))
}

/// Pending provider logout and the label of its provider, if it is still set up.
fn live(visit: &Visit) -> Option<(ProviderLogout, String)> {
    let provider_logout = visit.session().provider_logout(visit.site().clock.now())?;
    let label = provider::offer(visit, &provider_logout.provider)?.label;
    Some((provider_logout, label))
}

fn problem(refusal: &Refusal, label: &str) -> String {
    if refusal.is(Code::ProviderUnreachable) {
        return format!(
            "{label} does not answer right now. You are signed out here; try again in a moment."
        );
    }
    format!(
        "{label} could not be asked to sign you out. You are signed out here; sign out at {label} \
            itself."
    )
}
