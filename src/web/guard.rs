//! Who may come to a page. Guards are named in the route table and stand in front of their page; no handler checks again.
//!
//! The same layer looks up the member, once a request. It catches a panic of the look-up and of the page behind it
//! (SECURITY.md S79): it is the innermost one that still has the request to answer with a page.

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
    Site,
    error::PageError,
    notice::Notice,
    session::CookieSession,
    twin,
    visit::{caller, see_other},
};
use crate::{
    crowded::is_crowded,
    port::{Code, Member, Refusal, Trouble},
};

/// The three guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Lets everybody in.
    Anyone,
    /// For those who are not signed in; members go to their profile.
    Guests,
    /// For members; others go to the sign-in page and come back after it.
    Members,
}

/// The result of the look-up, kept with the request.
pub(crate) struct Present(pub(crate) Option<Member>);

/// Marks a form that comes with a token which was replaced or ended a moment ago.
pub(crate) struct Superseded;

/// The layer in front of a page.
pub(crate) async fn stand(
    guard: Guard,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let kept = request.request().clone();
    if is_crowded(&kept) {
        return Ok(ServiceResponse::from_err(PageError::Crowded, kept));
    }
    let answer = caught(async {
        match turned_away(guard, &kept).await? {
            Some(elsewhere) => Ok(ServiceResponse::new(kept.clone(), elsewhere)),
            None => next.call(request).await,
        }
    });
    Ok(answer.await.unwrap_or_else(|error| ServiceResponse::from_err(error, kept.clone())))
}

/// Looks up who comes with a request, for the page that no guard stands in front of: the one that says "no such page".
pub(crate) async fn recognise(request: &HttpRequest) {
    if let Some(site) = request.app_data::<Data<Site>>() {
        let session = CookieSession::of(request);
        let member = caught(async { Ok(look_up(request, site, &session).await?) }).await;
        request.extensions_mut().insert(Present(member.ok().flatten()));
    }
}

/// Whether the page of a request is for members alone.
pub(crate) fn is_for_members(request: &HttpRequest) -> bool {
    request.extensions().get::<Guard>() == Some(&Guard::Members)
}

/// Whether a refusal says that the caller's session is none.
pub(crate) fn is_dead_session(refusal: &Refusal) -> bool {
    refusal.is(Code::MissingSessionToken) || refusal.is(Code::InvalidSessionToken)
}

async fn turned_away(guard: Guard, request: &HttpRequest) -> Result<Option<HttpResponse>, PageError> {
    let site = request
        .app_data::<Data<Site>>()
        .ok_or_else(|| PageError::broken("the pages were asked outside their own scope"))?;
    let session = CookieSession::of(request);
    twin::note_arrival(&session);
    let member = look_up(request, site, &session).await?;
    let elsewhere = match (guard, &member) {
        // The form looks whether it is the second press of one that renewed or ended the session.
        (Guard::Members, None) if request.method() == Method::POST && session.is_superseded() => {
            request.extensions_mut().insert(Superseded);
            None
        }
        (Guard::Guests, Some(_)) => {
            session.forget_call_to_sign_in();
            Some("/profile")
        }
        (Guard::Members, None) if is_asked_again(request, &session) => return Ok(Some(see_other(&address(request)))),
        (Guard::Members, None) => {
            ask_to_sign_in(request, &session);
            Some("/sign-in")
        }
        _ => None,
    };
    request.extensions_mut().insert(Present(member));
    request.extensions_mut().insert(guard);
    Ok(elsewhere.map(|path| see_other(&site.paths.href(path).to_string())))
}

/// The member behind the session token, if it is a living one. A dead one is taken out of the cookie.
async fn look_up(request: &HttpRequest, site: &Site, session: &CookieSession) -> Result<Option<Member>, PageError> {
    if session.token().is_none() {
        return Ok(None);
    }
    match site.auth.member(caller(request, site, session)).await {
        Ok(member) => Ok(Some(member)),
        Err(Trouble::Refused(refusal)) if is_dead_session(&refusal) && session.is_superseded() => Ok(None),
        Err(Trouble::Refused(refusal)) if is_dead_session(&refusal) => {
            session.drop_token();
            if !session.has_notice() {
                session.leave_notice(Notice::SessionEnded);
            }
            Ok(None)
        }
        Err(trouble) => Err(trouble.into()),
    }
}

/// Whether a page is to be asked for once more, because its session was renewed a moment ago and the answer that brings the new
/// token is on its way. Once: a page that is asked for a second time is the one to come back to already.
fn is_asked_again(request: &HttpRequest, session: &CookieSession) -> bool {
    request.method() == Method::GET && session.successor().is_some() && session.comes_back_to_another(&address(request))
}

/// The page that was asked for, with its query.
fn address(request: &HttpRequest) -> String {
    request.uri().path_and_query().map(ToString::to_string).unwrap_or_default()
}

/// Remembers the page that was asked for. Only of a GET: what a form would have sent cannot be asked for again.
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
async fn caught<T>(answer: impl Future<Output = Result<T, actix_web::Error>>) -> Result<T, actix_web::Error> {
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(answer) => answer,
        Err(panic) => Err(PageError::Panicked(text_of(&*panic)).into()),
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a text").to_owned()
}
