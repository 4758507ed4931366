//! Signing in with a provider: the way there, and back (altogic-protocol.md §11).
//!
//! # The way there
//!
//! An application opens `GET /_auth/{provider}` and is redirected. Our own buttons are forms with
//! their token (S41), and are answered with a page that leads on by itself and has a link: browsers
//! hold `form-action` against every redirect that follows a form, and where a provider sends its
//! people on to, nobody knows before.
//!
//! # And back
//!
//! The answer arrives as a query. Apple sends a form from its own page, without our cookie: what is
//! in it is sent once more as a query, by our own redirect, and changes nothing before that.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderValue, LOCATION, ORIGIN, REFERER, REFERRER_POLICY},
    },
    web,
};
use askama::Template;
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::super::auth_redirect::is_opened_by_a_person;
use crate::{
    port::{
        Code, OperationError, Problem, ProviderAnswer, ProviderCode, ProviderFor, ProviderOffer,
        ProviderReturn, Refusal,
    },
    web::{
        error::PageError,
        forms::form::{Form, Press},
        request::{
            latest_results,
            visit::{Visit, see_other},
        },
        view::{
            notice::Notice,
            page::{self, Page, PageResult},
        },
    },
};

/// Longest parameter of an answer in bytes: a code is a few hundred.
const LONGEST: usize = 4096;

/// A page that leads on to a provider.
#[derive(Template)]
#[template(path = "pages/provider_leave.html")]
struct ProviderRedirectPage {
    visit: Visit,
    label: String,
    location: String,
}

/// Failure page, with ways on.
#[derive(Template)]
#[template(path = "pages/provider_failed.html")]
struct Failed {
    visit: Visit,
    sentence: String,
    offer: Option<ProviderOffer>,
    cancelled: bool,
}

/// Fields of Apple's form.
#[derive(Deserialize)]
pub(crate) struct AppleForm {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    user: Option<String>,
}

/// An application sends somebody.
pub(crate) async fn show(visit: Visit) -> PageResult {
    if !is_opened_by_a_person(&visit) || !is_previewed(&visit) {
        return Ok(visit.go("/sign-in"));
    }
    let (name, origin) = (name(&visit), origin(&visit));
    let purpose = ProviderFor::Application { origin };
    match visit.auth().begin_provider(visit.caller(), name.clone(), purpose).await {
        Ok(location) => Ok(found(&location)),
        Err(error) => failed(visit, &name, error),
    }
}

/// One of our own buttons.
pub(crate) async fn submit(visit: Visit, form: Form<Press>) -> PageResult {
    let name = name(&visit);
    let begin =
        |Press| visit.auth().begin_provider(visit.caller(), name.clone(), ProviderFor::Pages);
    match form.submit(begin).await? {
        Ok(location) => leave(visit, &name, location),
        Err(form) => {
            let sentence =
                form.problems().first().map(|wrong| wrong.sentence.clone()).unwrap_or_default();
            form.again(|_| Failed {
                sentence,
                offer: offer(&visit, &name),
                cancelled: false,
                visit,
            })
        }
    }
}

/// Somebody comes back.
pub(crate) async fn callback(visit: Visit) -> PageResult {
    if !is_opened_by_a_person(&visit) {
        return Ok(visit.go("/sign-in"));
    }
    let (name, answer) = (name(&visit), read(visit.request().query_string()));
    let returned = visit.session().known_browser().map(|browser| (browser, answer.state.clone()));
    match visit.auth().finish_provider(visit.caller(), name.clone(), answer).await {
        Ok(ProviderReturn::Landed(location)) => {
            if let Some(returned) = returned {
                latest_results::note_return(returned, &location);
            }
            Ok(found(&location))
        }
        Ok(ProviderReturn::Connected { .. }) => {
            Ok(visit.go_saying("/profile/connections", Notice::ProviderConnected))
        }
        Ok(ProviderReturn::Offered { offer, .. }) => {
            visit.session().keep_offer(&offer);
            if visit.signed_in_user().is_some() {
                return Ok(visit.go("/profile/connections/offer"));
            }
            Ok(visit.go_saying("/sign-in", Notice::ProveToConnect))
        }
        // The same answer came a moment ago: on to where it led.
        Err(error) => match returned.and_then(|returned| latest_results::returned(&returned)) {
            Some(location) if visit.signed_in_user().is_none() => Ok(found(&location)),
            _ => failed(visit, &name, error),
        },
    }
}

/// The same from Apple. What is too long is left out, as in a query: it would make an address that
/// nobody takes.
pub(crate) async fn callback_posted(visit: Visit, posted: web::Form<AppleForm>) -> PageResult {
    let AppleForm { state, code, error, user } = posted.into_inner();
    let name = user.as_deref().and_then(name_of_apple);
    let given = [("state", state), ("code", code), ("error", error), ("name", name)];
    let given = given.iter().filter_map(|(key, value)| value.as_deref().map(|value| (*key, value)));
    let given = given.filter(|(_, value)| value.len() <= LONGEST);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    let path = visit.path().to_owned();
    Ok(see_other(&format!("{}?{query}", visit.href(&path))))
}

/// Whether the answer takes the whole window. A journey that begins takes one of the allowance that
/// everybody behind an address shares: pictures and frames of a foreign page must not use it up.
fn is_previewed(visit: &Visit) -> bool {
    let destination = visit.request().headers().get("sec-fetch-dest");
    destination.is_none_or(|destination| destination == "document")
}

/// The page that leads on.
pub(in crate::web::pages) fn leave(visit: Visit, name: &str, location: String) -> PageResult {
    let label = offer(&visit, name).map(|offer| offer.label).unwrap_or_default();
    ProviderRedirectPage { visit, label, location }.ok()
}

/// A redirect that leaves: no word of ours goes along but what is in it.
pub(in crate::web::pages) fn found(location: &str) -> HttpResponse {
    let mut response = HttpResponse::Found().insert_header((LOCATION, location)).finish();
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn failed(visit: Visit, name: &str, error: OperationError) -> PageResult {
    let refusal = match error {
        OperationError::Rejected(refusal) if refusal.retry_after().is_none() => refusal,
        error => return Err(PageError::from(error)),
    };
    let sentence = refusal.problems().first().map(Problem::to_string).unwrap_or_default();
    let cancelled = refusal.is(Code::ProviderCancelled);
    let status = status_of(&refusal);
    page::show(&Failed { sentence, offer: offer(&visit, name), cancelled, visit }, status)
}

impl Failed {
    /// Names the provider: many try another one than they think.
    fn heading(&self) -> String {
        self.offer.as_ref().map_or_else(
            || "That did not work".to_owned(),
            |offer| format!("That did not work with {}", offer.label),
        )
    }
}

pub(in crate::web::pages) fn status_of(refusal: &Refusal) -> StatusCode {
    if refusal.is(Code::ProviderCancelled) {
        StatusCode::OK
    } else if refusal.is(Code::ProviderUnknown) || refusal.is(Code::NotOffered) {
        StatusCode::NOT_FOUND
    } else if refusal.is(Code::ProviderUnreachable) {
        StatusCode::SERVICE_UNAVAILABLE
    } else if refusal.is(Code::ProviderAnswerInvalid) {
        StatusCode::BAD_GATEWAY
    } else if refusal.is(Code::ProviderJourneyGone) {
        StatusCode::GONE
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

pub(in crate::web::pages) fn name(visit: &Visit) -> String {
    visit.request().match_info().get("provider").unwrap_or_default().to_owned()
}

pub(in crate::web::pages) fn offer(visit: &Visit, name: &str) -> Option<ProviderOffer> {
    visit.auth().capabilities().providers.iter().find(|offer| offer.name == name).cloned()
}

/// Where the browser says it comes from. Of a `Referer` nothing but the origin is looked at.
fn origin(visit: &Visit) -> Option<String> {
    let headers = visit.request().headers();
    let sent = headers.get(REFERER).or_else(|| headers.get(ORIGIN))?;
    let url = Url::parse(sent.to_str().ok()?).ok()?;
    Some(url.origin().ascii_serialization())
}

/// Of what comes twice the first counts; what is too long is none.
fn read(query: &str) -> ProviderAnswer {
    let take = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let found = pairs.find(|(key, _)| key == wanted).map(|(_, value)| value.into_owned());
        found.filter(|value| !value.is_empty() && value.len() <= LONGEST)
    };
    ProviderAnswer {
        state: take("state").unwrap_or_default(),
        code: take("code").and_then(|code| ProviderCode::parse(&code).ok()),
        error: take("error"),
        issuer: take("iss"),
        name: take("name"),
    }
}

/// `{"name":{"firstName":"Ann","lastName":"Lee"},…}`
fn name_of_apple(user: &str) -> Option<String> {
    let user: serde_json::Value = serde_json::from_str(user).ok()?;
    let part =
        |part: &str| user["name"][part].as_str().map(str::trim).filter(|name| !name.is_empty());
    let parts: Vec<&str> = [part("firstName"), part("lastName")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_nothing_more() {
        let answer = read("state=s&code=c&state=other&error=&iss=https%3A%2F%2Fid.example&x=y");
        assert_eq!((answer.state.as_str(), answer.code.unwrap().expose()), ("s", "c"));
        assert_eq!((answer.error, answer.issuer.as_deref()), (None, Some("https://id.example")));
        assert!(read(&format!("code={}", "c".repeat(LONGEST + 1))).code.is_none());
    }

    #[test]
    fn apple_tells_a_name_once() {
        let name = |user| name_of_apple(user);
        assert_eq!(
            name(r#"{"name":{"firstName":"Ann","lastName":"Lee"},"email":"x"}"#).as_deref(),
            Some("Ann Lee")
        );
        assert_eq!(name(r#"{"name":{"firstName":" "}}"#), None);
        assert_eq!(name("no JSON"), None);
    }
}
