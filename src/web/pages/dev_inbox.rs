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
const FORWARDED: [&str; 10] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-for",
    "x-original-host",
    "true-client-ip",
    "fastly-client-ip",
    "cdn-loop",
];

/// Beginnings of such headers.
const FORWARDED_BY: [&str; 4] = ["x-forwarded", "x-envoy-", "cf-", "x-azure-"];

pub(crate) async fn show(visit: Visit) -> PageResult {
    let inbox = visit.site().dev_inbox.clone().ok_or(PageError::NotFound)?;
    if is_forwarded(visit.request()) || !is_named_right(&visit) {
        return Err(PageError::NotFound);
    }
    let messages = inbox.messages().await?;
    DevInboxPage { visit, messages }.ok()
}

fn is_forwarded(request: &HttpRequest) -> bool {
    let is_one = |name: &str| {
        FORWARDED.contains(&name) || FORWARDED_BY.iter().any(|by| name.starts_with(by))
    };
    request.headers().keys().any(|name| is_one(name.as_str()))
}

/// Whether the request names the host and port of `public_url`: a page elsewhere whose name was
/// made to lead to this machine names its own.
fn is_named_right(visit: &Visit) -> bool {
    let Ok(own) = url::Url::parse(visit.site().paths.origin()) else { return false };
    let mut hosts = visit.request().headers().get_all(HOST);
    // Two are as good as none: nobody knows which of them somebody else goes by.
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    let named = url::Url::parse(&format!("{}://{host}/", own.scheme())).ok();
    // `127.0.0.1.` is read as `127.0.0.1`, and no browser of somebody at this machine writes it.
    !host.contains(".:")
        && !host.ends_with('.')
        && named.is_some_and(|named| {
            named.as_str() == format!("{}/", own.origin().ascii_serialization())
        })
}
