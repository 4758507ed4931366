//! Home page: the three ways in.

use askama::Template;

use crate::web::{
    request::visit::Visit,
    view::page::{Page, PageResult},
};

#[derive(Template)]
#[template(path = "pages/home.html")]
struct Home {
    visit: Visit,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    Home { visit }.ok()
}
