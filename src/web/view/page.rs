//! Rendering: a page is an askama template that is answered with a status.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header::HeaderValue},
};
use askama::Template;

use super::super::error::PageError;

/// Result of a page handler.
pub(crate) type PageResult = Result<HttpResponse, PageError>;

/// Marks an answer that is a page of ours already, so that the error layer leaves it alone.
pub(crate) struct Ours;

/// Rendering for page templates.
pub(crate) trait Page: Template + Sized {
    /// The page, with 200.
    fn ok(&self) -> PageResult {
        show(self, StatusCode::OK)
    }
}

impl<T: Template> Page for T {}

/// The page with a status.
///
/// # Errors
/// When the template cannot be rendered, which only a defect of ours brings about.
pub(crate) fn show(page: &impl Template, status: StatusCode) -> PageResult {
    let html = page.render().map_err(PageError::broken)?;
    let mut response =
        HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html);
    response.extensions_mut().insert(Ours);
    Ok(response)
}

/// A wait as `Retry-After` wants it: whole seconds, rounded up.
pub(crate) fn seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}
