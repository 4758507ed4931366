//! Access to pages. Guards are named in the route table and stand in front of their page; no
//! handler checks again.
//!
//! The same layer looks up the signed-in user, once a request. It catches a panic of the look-up
//! and of the page behind it (S79): it is the innermost one that still has the request to answer
//! with a page.

use std::{any::Any, future::Future, panic::AssertUnwindSafe};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web::Data,
};
use futures_util::FutureExt;

use super::{
    super::{PageState, error::PageError, forms::duplicate_submission, view::notice::Notice},
    session::CookieSession,
    visit::{caller, see_other},
};
use crate::{
    http::overload::is_overloaded,
    port::{Code, OperationError, Refusal, SignedInUser},
};

/// The three guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Lets everybody in.
    Anyone,
    /// For those who are not signed in; signed-in users go to their profile.
    Visitors,
    /// For signed-in users; others go to the sign-in page and come back after it.
    SignedIn,
}

/// The result of the look-up, kept with the request.
pub(crate) struct Present(pub(crate) Option<SignedInUser>);

/// Marks a form that comes with a token which was replaced or ended a moment ago.
pub(crate) struct Superseded;

/// The layer in front of a page.
pub(crate) async fn stand(
    guard: Guard,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let kept = request.request().clone();
    if is_overloaded(&kept) {
        return Ok(ServiceResponse::from_err(PageError::Overloaded, kept));
    }
    let answer = caught(async {
        match turned_away(guard, &kept).await? {
            Some(elsewhere) => Ok(ServiceResponse::new(kept.clone(), elsewhere)),
            None => next.call(request).await,
        }
    });
    Ok(answer.await.unwrap_or_else(|error| ServiceResponse::from_err(error, kept.clone())))
}

/// Looks up who comes with a request, for the page that no guard stands in front of: the one that
/// says "no such page".
pub(crate) async fn recognise(request: &HttpRequest) {
    if let Some(site) = request.app_data::<Data<PageState>>() {
        let session = CookieSession::of(request);
        let signed_in_user = caught(async { Ok(identify(request, site, &session).await?) }).await;
        request.extensions_mut().insert(Present(signed_in_user.ok().flatten()));
    }
}

/// Whether the page of a request is for signed-in users alone.
pub(crate) fn requires_sign_in(request: &HttpRequest) -> bool {
    request.extensions().get::<Guard>() == Some(&Guard::SignedIn)
}

/// Whether a refusal says that the caller's session is none.
pub(crate) fn is_ended_session(refusal: &Refusal) -> bool {
    refusal.is(Code::MissingSessionToken) || refusal.is(Code::InvalidSessionToken)
}

async fn turned_away(
    guard: Guard,
    request: &HttpRequest,
) -> Result<Option<HttpResponse>, PageError> {
    let site = request
        .app_data::<Data<PageState>>()
        .ok_or_else(|| PageError::broken("the pages were asked outside their own scope"))?;
    let session = CookieSession::of(request);
    duplicate_submission::note_arrival(&session);
    let signed_in_user = identify(request, site, &session).await?;
    let elsewhere = match (guard, &signed_in_user) {
        // The form looks whether it is the second press of one that renewed or ended the session.
        (Guard::SignedIn, None) if request.method() == Method::POST && session.is_superseded() => {
            request.extensions_mut().insert(Superseded);
            None
        }
        (Guard::Visitors, Some(_)) => {
            session.forget_call_to_sign_in();
            Some("/profile")
        }
        (Guard::SignedIn, None) if is_asked_again(request, &session) => {
            return Ok(Some(see_other(&address(request))));
        }
        (Guard::SignedIn, None) => {
            ask_to_sign_in(request, &session);
            Some("/sign-in")
        }
        _ => None,
    };
    request.extensions_mut().insert(Present(signed_in_user));
    request.extensions_mut().insert(guard);
    Ok(elsewhere.map(|path| see_other(&site.paths.href(path).to_string())))
}

/// The signed-in user behind the session token, if it is a living one. A dead one is taken out of
/// the cookie.
async fn identify(
    request: &HttpRequest,
    site: &PageState,
    session: &CookieSession,
) -> Result<Option<SignedInUser>, PageError> {
    if session.token().is_none() {
        return Ok(None);
    }
    match site.auth.signed_in_user(caller(request, site, session)).await {
        Ok(signed_in_user) => Ok(Some(signed_in_user)),
        Err(OperationError::Rejected(refusal))
            if is_ended_session(&refusal) && session.is_superseded() =>
        {
            Ok(None)
        }
        Err(OperationError::Rejected(refusal)) if is_ended_session(&refusal) => {
            session.drop_token();
            if !session.has_notice() {
                session.leave_notice(Notice::SessionEnded);
            }
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a page is to be asked for once more, because its session was renewed a moment ago and
/// the answer that brings the new token is on its way. Once: a page that is asked for a second time
/// is the one to come back to already.
fn is_asked_again(request: &HttpRequest, session: &CookieSession) -> bool {
    request.method() == Method::GET
        && session.successor().is_some()
        && session.comes_back_to_another(&address(request))
}

/// The page that was asked for, with its query.
fn address(request: &HttpRequest) -> String {
    request.uri().path_and_query().map(ToString::to_string).unwrap_or_default()
}

/// Remembers the page that was asked for. Only of a GET: what a form would have sent cannot be
/// asked for again.
fn ask_to_sign_in(request: &HttpRequest, session: &CookieSession) {
    if request.method() == Method::GET
        && let Some(asked) = request.uri().path_and_query()
    {
        session.come_back_to(asked.as_str());
    }
    if !session.has_notice() {
        session.leave_notice(Notice::SignInFirst);
    }
}

/// Answers a panic with an error.
async fn caught<T>(
    answer: impl Future<Output = Result<T, actix_web::Error>>,
) -> Result<T, actix_web::Error> {
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(answer) => answer,
        Err(panic) => Err(PageError::Panicked(text_of(&*panic)).into()),
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a text").to_owned()
}
