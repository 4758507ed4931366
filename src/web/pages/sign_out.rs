//! Leaving.

use actix_web::http::header::{HeaderName, HeaderValue};
use askama::Template;

use crate::{
    port::{Outcome, Trouble},
    web::{
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
        Ok(()) => {
            visit.session().end();
            let mut response = visit.go_saying("/", Notice::SignedOut);
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
async fn end(visit: &Visit) -> Outcome<()> {
    match visit.auth().sign_out(visit.caller(), None).await {
        Err(Trouble::Refused(_)) => Ok(()),
        answer => answer,
    }
}
