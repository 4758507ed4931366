//! The hall itself: the three ways in.

use askama::Template;

use crate::web::{
    page::{Page, PageResult},
    visit::Visit,
};

#[derive(Template)]
#[template(path = "pages/home.html")]
struct Home {
    visit: Visit,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    Home { visit }.ok()
}
