//! Fresh recovery codes, shown this once. The page is the answer to the press that made them, so no
//! address leads back to it.

use actix_web::http::StatusCode;
use askama::Template;

use crate::{
    port::RecoveryCodes,
    web::{
        request::visit::Visit,
        view::page::{self, PageResult},
    },
};

#[derive(Template)]
#[template(path = "pages/recovery_codes.html")]
struct RecoveryCodesPage<'a> {
    visit: Visit,
    codes: Vec<&'a str>,
}

pub(in crate::web::pages) fn show(visit: Visit, codes: &RecoveryCodes) -> PageResult {
    page::show(&RecoveryCodesPage { visit, codes: codes.shown().collect() }, StatusCode::OK)
}
