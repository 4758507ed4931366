//! The development inbox: the mail that went to the outbox folder. Mounted only while there is one.

use askama::Template;

use crate::{
    port::Message,
    web::{
        error::PageError,
        page::{Page, PageResult},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/dev_inbox.html")]
struct DevInboxPage {
    visit: Visit,
    messages: Vec<Message>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let inbox = visit.site().dev_inbox.clone().ok_or(PageError::NotFound)?;
    let messages = inbox.messages().await?;
    DevInboxPage { visit, messages }.ok()
}
