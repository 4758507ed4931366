//! Leaving.

pub(in crate::web) mod back_channel_logout;
pub(in crate::web) mod signed_out;

use actix_web::{
    HttpResponse,
    http::header::{HeaderName, HeaderValue},
};
use askama::Template;

use crate::{
    port::{Caller, OperationError, Outcome, ProviderLogoutOffer},
    web::{
        forms::form::{Form, Press},
        request::{provider_logout::ProviderLogout, visit::Visit},
        view::{
            notice::Notice,
            page::{Page, PageResult},
        },
    },
};

#[derive(Template)]
#[template(path = "pages/sign_out.html")]
struct SignOutPage {
    visit: Visit,
    form: Form<Press>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    if visit.signed_in_user().is_none() {
        return Ok(visit.go("/"));
    }
    SignOutPage { visit, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<Press>) -> PageResult {
    match form.submit(|Press| end(&visit)).await? {
        Ok(provider_logout) => {
            visit.session().end();
            let mut response = goodbye(&visit, provider_logout);
            visit.forget_access_cookie(&mut response)?;
            // what the browser kept of private pages, the ones behind "Back" included (S34)
            response.headers_mut().insert(
                HeaderName::from_static("clear-site-data"),
                HeaderValue::from_static("\"cache\""),
            );
            Ok(response)
        }
        Err(form) => form.again(|form| SignOutPage { visit, form }),
    }
}

/// Ends the session. One that had ended already is as good; one that could not be ended is not
/// forgotten.
async fn end(visit: &Visit) -> Outcome<Option<ProviderLogoutOffer>> {
    let caller = visit.caller();
    let ended = visit.auth().sign_out_with_provider(caller.clone()).await;
    // A proof in another tab may have renewed the session: what is on its way to this browser ends
    // too.
    let ended = match (ended, visit.session().successor()) {
        (Err(OperationError::Rejected(_)), Some(token)) => {
            visit.auth().sign_out_with_provider(Caller { session: Some(token), ..caller }).await
        }
        (ended, _) => ended,
    };
    match ended {
        Err(OperationError::Rejected(_)) => Ok(None),
        answer => answer,
    }
}

/// Redirects after sign-out. Users who came with a provider may still be signed in there and are
/// told so.
fn goodbye(visit: &Visit, provider_logout: Option<ProviderLogoutOffer>) -> HttpResponse {
    let Some(provider_logout) = provider_logout else {
        return visit.go_saying("/", Notice::SignedOut);
    };
    visit
        .session()
        .keep_provider_logout(&ProviderLogout::offered(provider_logout, &*visit.site().clock));
    visit.go("/signed-out")
}
