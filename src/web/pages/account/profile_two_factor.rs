//! The second factor: what is asked for after the first factor, recovery codes, and browsers that
//! are not asked.

use askama::Template;

use super::recovery_codes;
use crate::{
    port::{Outcome, RecoveryCodes, SecondFactors, TrustedBrowser, User},
    web::{
        error::PageError,
        forms::{
            form::{Form, FormFields, Press},
            form_data::{FormData, Input},
            phone_input,
        },
        request::visit::Visit,
        view::{
            notice::Notice,
            page::{Page, PageResult},
            times::Moment,
        },
    },
};

pub(in crate::web::pages) const PATH: &str = "/profile/two-factor";

/// So few recovery codes that it is time for new ones.
const FEW: usize = 3;

#[derive(Template)]
#[template(path = "pages/profile_two_factor.html")]
struct ProfileTwoFactor {
    visit: Visit,
    user: User,
    is_on: bool,
    text: bool,
    authenticator_since: Option<Moment>,
    recovery_codes: usize,
    trusted: Vec<Trusted>,
    problem: Option<String>,
}

/// A trusted browser as its owner sees it.
struct Trusted {
    handle: String,
    name: String,
    address: Option<String>,
    last_seen: Moment,
    until: Moment,
    current: bool,
}

/// Which browser is asked again; none: all of them.
pub(crate) struct BrowserForm {
    handle: String,
}

impl FormFields for BrowserForm {
    const INPUTS: &'static [Input] = &[Input::Line("browser")];

    fn read(form_data: &mut FormData) -> Self {
        Self { handle: form_data.line("browser") }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    page(visit, None).await?.ok()
}

pub(crate) async fn sms_on(visit: Visit, form: Form<Press>) -> PageResult {
    let caller = visit.caller();
    let switched = form.submit(|Press| visit.auth().switch_sms_factor(caller, true)).await?;
    switched_on(visit, switched).await
}

pub(crate) async fn sms_off(visit: Visit, form: Form<Press>) -> PageResult {
    let caller = visit.caller();
    let switch = async |Press| -> Outcome<()> {
        visit.auth().switch_sms_factor(caller, false).await.map(drop)
    };
    match form.submit(switch).await? {
        Ok(()) => Ok(visit.go_saying(PATH, Notice::SecondStepChanged)),
        Err(form) => again(visit, form).await,
    }
}

/// Makes a key and leads to the page that shows it.
pub(crate) async fn begin_authenticator(visit: Visit, form: Form<Press>) -> PageResult {
    let caller = visit.caller();
    match form.submit(|Press| visit.auth().begin_authenticator(caller)).await? {
        Ok(()) => Ok(visit.go("/profile/two-factor/authenticator")),
        Err(form) => again(visit, form).await,
    }
}

pub(crate) async fn remove_authenticator(visit: Visit, form: Form<Press>) -> PageResult {
    let caller = visit.caller();
    match form.submit(|Press| visit.auth().remove_authenticator(caller)).await? {
        Ok(()) => Ok(visit.go_saying(PATH, Notice::SecondStepChanged)),
        Err(form) => again(visit, form).await,
    }
}

/// Replaces the recovery codes and shows the new ones, this once.
pub(crate) async fn new_recovery_codes(visit: Visit, form: Form<Press>) -> PageResult {
    let caller = visit.caller();
    match form.submit(|Press| visit.auth().make_recovery_codes(caller)).await? {
        Ok(codes) => recovery_codes::show(visit, &codes),
        Err(form) => again(visit, form).await,
    }
}

pub(crate) async fn untrust(visit: Visit, form: Form<BrowserForm>) -> PageResult {
    let caller = visit.caller();
    let untrust = |form_data: BrowserForm| {
        let handle = Some(form_data.handle).filter(|handle| !handle.is_empty());
        visit.auth().untrust_browsers(caller, handle)
    };
    match form.submit(untrust).await? {
        Ok(()) => Ok(visit.go_saying(PATH, Notice::BrowsersAskedAgain)),
        Err(form) => again(visit, form).await,
    }
}

/// After a factor was switched on: the recovery codes that came with it, or back to the overview.
pub(in crate::web::pages) async fn switched_on(
    visit: Visit,
    switched: Result<Option<RecoveryCodes>, Form<Press>>,
) -> PageResult {
    match switched {
        Ok(Some(codes)) => recovery_codes::show(visit, &codes),
        Ok(None) => Ok(visit.go_saying(PATH, Notice::SecondStepChanged)),
        Err(form) => again(visit, form).await,
    }
}

async fn again<F: FormFields>(visit: Visit, form: Form<F>) -> PageResult {
    let problem = form.problems().first().map(|wrong| wrong.sentence.clone());
    let page = page(visit, problem).await?;
    form.again(|_| page)
}

async fn page(visit: Visit, problem: Option<String>) -> Result<ProfileTwoFactor, PageError> {
    let user = visit.signed_in()?.user.clone();
    let factors = visit.auth().second_factors(visit.caller()).await.map_err(PageError::from)?;
    let is_on = factors.is_on();
    let SecondFactors { text, authenticator_since, recovery_codes, trusted_browsers } = factors;
    Ok(ProfileTwoFactor {
        authenticator_since: authenticator_since.map(Moment::of),
        trusted: trusted_browsers.into_iter().map(Trusted::of).collect(),
        visit,
        user,
        is_on,
        text,
        recovery_codes,
        problem,
    })
}

impl ProfileTwoFactor {
    /// Whether there is more than codes by SMS.
    fn has_authenticators(&self) -> bool {
        self.visit.auth().capabilities().authenticators
    }

    /// The number that codes go to, or could.
    fn phone(&self) -> Option<String> {
        self.user.phone.as_deref().filter(|_| self.user.phone_verified).map(phone_input::shown)
    }

    fn is_short_of_codes(&self) -> bool {
        self.is_on && self.recovery_codes <= FEW
    }
}

impl Trusted {
    fn of(browser: TrustedBrowser) -> Self {
        Self {
            name: browser.agent.to_string(),
            handle: browser.handle,
            address: browser.address.map(|address| address.to_string()),
            last_seen: Moment::of(browser.last_seen_at),
            until: Moment::of(browser.until),
            current: browser.current,
        }
    }
}
