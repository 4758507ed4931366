//! Where one is signed in, and ending it.

use askama::Template;

use crate::{
    port::Session,
    web::{
        error::PageError,
        forms::{
            form::{Form, FormFields, Press},
            form_data::{FormData, Input},
        },
        request::visit::Visit,
        view::{
            notice::Notice,
            page::{Page, PageResult},
            times::Moment,
        },
    },
};

#[derive(Template)]
#[template(path = "pages/profile_sessions.html")]
struct ProfileSessions {
    visit: Visit,
    sessions: Vec<Listed>,
    problem: Option<String>,
}

/// A session as its owner sees it.
struct Listed {
    handle: String,
    name: String,
    address: Option<String>,
    started: Moment,
    last_seen: Moment,
    current: bool,
}

/// Which session ends.
pub(crate) struct Handle {
    session: String,
}

impl FormFields for Handle {
    const INPUTS: &'static [Input] = &[Input::Line("session")];

    fn read(form_data: &mut FormData) -> Self {
        Self { session: form_data.line("session") }
    }
}

/// The list, the current one first.
pub(crate) async fn show(visit: Visit) -> PageResult {
    page(visit, None).await?.ok()
}

/// Ends one session. When it was the current one, that is signing out.
pub(crate) async fn end_one(visit: Visit, form: Form<Handle>) -> PageResult {
    let caller = visit.caller();
    match form.submit(|form_data| visit.auth().sign_out(caller, Some(form_data.session))).await? {
        Ok(()) => Ok(visit.go_saying("/profile/sessions", Notice::OtherSessionEnded)),
        Err(form) => again(visit, form).await,
    }
}

/// Ends every session but this one.
pub(crate) async fn end_others(visit: Visit, form: Form<Press>) -> PageResult {
    let caller = visit.caller();
    match form.submit(|_| visit.auth().sign_out_all_except_current(caller)).await? {
        Ok(()) => Ok(visit.go_saying("/profile/sessions", Notice::OtherSessionsEnded)),
        Err(form) => again(visit, form).await,
    }
}

async fn again<F: FormFields>(visit: Visit, form: Form<F>) -> PageResult {
    let problem = form.problems().first().map(|wrong| wrong.sentence.clone());
    let page = page(visit, problem).await?;
    form.again(|_| page)
}

async fn page(visit: Visit, problem: Option<String>) -> Result<ProfileSessions, PageError> {
    let mut sessions =
        visit.auth().get_all_sessions(visit.caller()).await.map_err(PageError::from)?;
    sessions.sort_by_key(|session| (!session.current, std::cmp::Reverse(session.last_seen_at)));
    Ok(ProfileSessions { visit, sessions: sessions.into_iter().map(Listed::of).collect(), problem })
}

impl ProfileSessions {
    fn has_others(&self) -> bool {
        self.sessions.iter().any(|session| !session.current)
    }
}

impl Listed {
    fn of(session: Session) -> Self {
        Self {
            handle: session.handle,
            name: session.agent.to_string(),
            address: session.address.map(|address| address.to_string()),
            started: Moment::of(session.started_at),
            last_seen: Moment::of(session.last_seen_at),
            current: session.current,
        }
    }
}
