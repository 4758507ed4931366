//! Signed out here, and at the provider too (OpenID Connect RP-Initiated Logout 1.0).
//!
//! The session here is over before this page is shown. Whoever presses the button is led on as to a sign-in: by a page that goes
//! on by itself to an address of ours, which redirects. So neither `form-action` nor a page has to know where the provider is and
//! sends its people on to, and the id_token is in nothing but that redirect.

use askama::Template;
use url::form_urlencoded;

use super::{auth_redirect::is_opened_by_a_person, provider};
use crate::{
    port::{Code, Refusal, Trouble},
    web::{
        error::PageError,
        farewell::{Farewell, Step},
        form::{Form, Press},
        notice::Notice,
        page::{self, Page, PageResult},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/signed_out.html")]
struct SignedOut {
    visit: Visit,
    label: String,
    step: Step,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/signed_out_leave.html")]
struct Leave {
    visit: Visit,
    label: String,
}

/// How far it is. Nothing to say without a provider: that was said in the hall.
pub(crate) async fn show(visit: Visit) -> PageResult {
    match live(&visit) {
        Some((farewell, label)) => SignedOut { visit, label, step: farewell.step, problem: None }.ok(),
        None => Ok(visit.go("/")),
    }
}

/// The button.
pub(crate) async fn submit(visit: Visit, form: Form<Press>) -> PageResult {
    let Some((farewell, label)) = live(&visit) else { return Ok(visit.go("/")) };
    match form.submit(async |Press| Ok(())).await? {
        Ok(()) if matches!(farewell.step, Step::Offered | Step::Asked) => {
            visit.session().keep_farewell(&farewell.at(Step::Asked));
            Leave { visit, label }.ok()
        }
        Ok(()) => Ok(visit.go("/signed-out")),
        Err(form) => {
            let problem = form.problems().first().map(|wrong| wrong.sentence.clone());
            form.again(|_| SignedOut { visit, label, step: farewell.step, problem })
        }
    }
}

/// On to the provider, after a press and once.
pub(crate) async fn go_on(visit: Visit) -> PageResult {
    let Some((farewell, label)) = live(&visit) else { return Ok(visit.go("/")) };
    if farewell.step != Step::Asked {
        return Ok(visit.go("/signed-out"));
    }
    if !is_opened_by_a_person(&visit) {
        return Leave { visit, label }.ok();
    }
    match visit.auth().end_at_provider(visit.caller(), farewell.ticket(), farewell.state()).await {
        Ok(location) => {
            visit.session().keep_farewell(&farewell.at(Step::OnTheWay));
            Ok(provider::found(&location))
        }
        Err(Trouble::Refused(refusal)) if refusal.is(Code::ProviderJourneyGone) => {
            visit.session().forget_farewell();
            Ok(visit.go_saying("/", Notice::SignedOut))
        }
        Err(Trouble::Refused(refusal)) if refusal.retry_after().is_none() => {
            let offered = farewell.at(Step::Offered);
            visit.session().keep_farewell(&offered);
            let (problem, status) = (Some(problem(&refusal, &label)), provider::status_of(&refusal));
            page::show(&SignedOut { visit, label, step: offered.step, problem }, status)
        }
        Err(trouble) => Err(PageError::from(trouble)),
    }
}

/// Back from the provider. What comes with another state, or none, is no word about anybody.
pub(crate) async fn come_back(visit: Visit) -> PageResult {
    let query = form_urlencoded::parse(visit.request().query_string().as_bytes());
    let state = query.into_iter().find(|(key, _)| key == "state").map(|(_, value)| value.into_owned());
    if let Some((farewell, _)) = live(&visit)
        && farewell.is_back(&provider::name(&visit), &state.unwrap_or_default())
    {
        visit.session().keep_farewell(&farewell.at(Step::Done));
    }
    Ok(visit.go("/signed-out"))
}

/// What the cookie says, of a provider that is still set up; and what people call it.
fn live(visit: &Visit) -> Option<(Farewell, String)> {
    let farewell = visit.session().farewell(visit.site().clock.now())?;
    let label = provider::offer(visit, &farewell.provider)?.label;
    Some((farewell, label))
}

fn problem(refusal: &Refusal, label: &str) -> String {
    if refusal.is(Code::ProviderUnreachable) {
        return format!("{label} does not answer right now. You are signed out here; try again in a moment.");
    }
    format!("{label} could not be asked to sign you out. You are signed out here; sign out at {label} itself.")
}
