//! The accounts at providers that sign in to one's own.

use askama::Template;

use super::super::sign_in::provider;
use crate::{
    port::{Code, ConnectedProvider, Connections, ProviderFor, ProviderOffer},
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
        },
    },
};

/// Where the page is.
const PATH: &str = "/profile/connections";

#[derive(Template)]
#[template(path = "pages/profile_connections.html")]
struct ProfileConnections {
    visit: Visit,
    connections: Connections,
    /// The providers that are not connected yet.
    others: Vec<ProviderOffer>,
    problem: Option<String>,
}

/// An identity that waits for a yes.
#[derive(Template)]
#[template(path = "pages/connection_offer.html")]
struct Offered {
    visit: Visit,
    connection: ConnectedProvider,
    form: Form<Press>,
}

/// Which provider.
pub(crate) struct Chosen {
    provider: String,
}

impl FormFields for Chosen {
    const INPUTS: &'static [Input] = &[Input::Line("provider")];

    fn read(form_data: &mut FormData) -> Self {
        Self { provider: form_data.line("provider") }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    page(visit, None).await?.ok()
}

/// Sends the signed-in user to a provider.
pub(crate) async fn connect(visit: Visit, form: Form<Chosen>) -> PageResult {
    let name = form.value("provider").to_owned();
    let begin = |form_data: Chosen| {
        visit.auth().begin_provider(visit.caller(), form_data.provider, ProviderFor::Connection)
    };
    match form.submit(begin).await? {
        Ok(location) => provider::leave(visit, &name, location),
        Err(form) => again(visit, form).await,
    }
}

pub(crate) async fn disconnect(visit: Visit, form: Form<Chosen>) -> PageResult {
    match form
        .submit(|form_data| visit.auth().disconnect(visit.caller(), form_data.provider))
        .await?
    {
        Ok(()) => Ok(visit.go_saying(PATH, Notice::ProviderDisconnected)),
        Err(form) => again(visit, form).await,
    }
}

/// Shows the pending connection.
pub(crate) async fn offer(visit: Visit) -> PageResult {
    match offered(&visit).await? {
        Some(connection) => Offered { visit, connection, form: Form::blank() }.ok(),
        None => Ok(gone(&visit)),
    }
}

/// Yes.
pub(crate) async fn accept(visit: Visit, form: Form<Press>) -> PageResult {
    let Some(token) = visit.session().offer() else { return Ok(gone(&visit)) };
    let Some(connection) = offered(&visit).await? else { return Ok(gone(&visit)) };
    match form.submit(|Press| visit.auth().accept_connection(visit.caller(), token)).await? {
        Ok(()) => {
            visit.session().forget_offer();
            Ok(visit.go_saying(PATH, Notice::ProviderConnected))
        }
        Err(form) if form.is(Code::ProviderJourneyGone) => Ok(gone(&visit)),
        Err(form) => form.again(|form| Offered { visit, connection, form }),
    }
}

/// No: it is forgotten, and nothing was changed.
pub(crate) async fn decline(visit: Visit, form: Form<Press>) -> PageResult {
    match form.submit(async |Press| Ok(())).await? {
        Ok(()) => {
            visit.session().forget_offer();
            Ok(visit.go("/profile"))
        }
        Err(form) => again(visit, form).await,
    }
}

async fn offered(visit: &Visit) -> Result<Option<ConnectedProvider>, PageError> {
    let Some(token) = visit.session().offer() else { return Ok(None) };
    visit.auth().offered_connection(visit.caller(), token).await.map_err(PageError::from)
}

/// It is over, or waits for another account than the one that signed in.
fn gone(visit: &Visit) -> actix_web::HttpResponse {
    visit.session().forget_offer();
    visit.go_saying(PATH, Notice::ConnectionGone)
}

async fn again<F: FormFields>(visit: Visit, form: Form<F>) -> PageResult {
    let problem = form.problems().first().map(|wrong| wrong.sentence.clone());
    let page = page(visit, problem).await?;
    form.again(|_| page)
}

async fn page(visit: Visit, problem: Option<String>) -> Result<ProfileConnections, PageError> {
    let connections = visit.auth().connections(visit.caller()).await.map_err(PageError::from)?;
    let is_new = |offer: &&ProviderOffer| {
        connections.connected.iter().all(|known| known.provider != offer.name)
    };
    let others = visit.auth().capabilities().providers.iter().filter(is_new).cloned().collect();
    Ok(ProfileConnections { visit, connections, others, problem })
}
