//! Leaving.

use actix_web::{
    HttpResponse,
    http::header::{HeaderName, HeaderValue},
};
use askama::Template;

use crate::{
    port::{Caller, Outcome, ProviderFarewell, Trouble},
    web::{
        farewell::Farewell,
        form::{Form, Press},
        notice::Notice,
        page::{Page, PageResult},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/sign_out.html")]
struct SignOut {
    visit: Visit,
    form: Form<Press>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    if visit.member().is_none() {
        return Ok(visit.go("/"));
    }
    SignOut { visit, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<Press>) -> PageResult {
    match form.submit(|Press| end(&visit)).await? {
        Ok(farewell) => {
            visit.session().end();
            let mut response = goodbye(&visit, farewell);
            visit.forget_ticket(&mut response)?;
            // what the browser kept of private pages, the ones behind "Back" included (S34)
            response
                .headers_mut()
                .insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
            Ok(response)
        }
        Err(form) => form.again(|form| SignOut { visit, form }),
    }
}

/// Ends the session. One that had ended already is as good; one that could not be ended is not forgotten.
async fn end(visit: &Visit) -> Outcome<Option<ProviderFarewell>> {
    let caller = visit.caller();
    let ended = visit.auth().leave(caller.clone()).await;
    // A proof in another tab may have renewed the session: what is on its way to this browser ends too.
    let ended = match (ended, visit.session().successor()) {
        (Err(Trouble::Refused(_)), Some(token)) => visit.auth().leave(Caller { session: Some(token), ..caller }).await,
        (ended, _) => ended,
    };
    match ended {
        Err(Trouble::Refused(_)) => Ok(None),
        answer => answer,
    }
}

/// Whoever came with a provider may still be signed in there, and is told so; the others are back in the hall.
fn goodbye(visit: &Visit, farewell: Option<ProviderFarewell>) -> HttpResponse {
    let Some(farewell) = farewell else { return visit.go_saying("/", Notice::SignedOut) };
    visit.session().keep_farewell(&Farewell::offered(farewell, &*visit.site().clock));
    visit.go("/signed-out")
}
