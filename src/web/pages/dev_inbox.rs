//! The development inbox: the email that went to the outbox folder. Mounted only while there is
//! one.

use actix_web::{HttpRequest, http::header::HOST};
use askama::Template;

use crate::{
    port::Message,
    web::{
        error::PageError,
        request::visit::Visit,
        view::page::{Page, PageResult},
    },
};

#[derive(Template)]
#[template(path = "pages/dev_inbox.html")]
struct DevInboxPage {
    visit: Visit,
    messages: Vec<Message>,
}

/// Headers that a proxy writes: then somebody elsewhere may be asking.
const FORWARDED: [&str; 4] = ["forwarded", "x-real-ip", "via", "x-client-ip"];

pub(crate) async fn show(visit: Visit) -> PageResult {
    let inbox = visit.site().dev_inbox.clone().ok_or(PageError::NotFound)?;
    if is_forwarded(visit.request()) || !is_named_right(&visit) {
        return Err(PageError::NotFound);
    }
    let messages = inbox.messages().await?;
    DevInboxPage { visit, messages }.ok()
}

fn is_forwarded(request: &HttpRequest) -> bool {
    let is_one = |name: &str| name.starts_with("x-forwarded") || FORWARDED.contains(&name);
    request.headers().keys().any(|name| is_one(name.as_str()))
}

/// Whether the request names the host and port of `public_url`: a page elsewhere whose name was
/// made to lead to this machine names its own.
fn is_named_right(visit: &Visit) -> bool {
    let Ok(own) = url::Url::parse(visit.site().paths.origin()) else { return false };
    let mut hosts = visit.request().headers().get_all(HOST);
    // Two are as good as none: nobody knows which of them somebody else goes by.
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let named = host
        .to_str()
        .ok()
        .and_then(|host| url::Url::parse(&format!("{}://{host}/", own.scheme())).ok());
    named.is_some_and(|named| named.as_str() == format!("{}/", own.origin().ascii_serialization()))
}
