//! A recovery code in place of a second factor that is lost.

use askama::Template;

use super::two_factor::{SecondFactor, finish, gone};
use crate::{
    port::Code,
    web::{
        forms::form::Form,
        request::visit::Visit,
        view::{
            notice::Notice,
            page::{Page, PageResult},
        },
    },
};

const WRONG: &str =
    "This is no recovery code of yours, or it was used already. Compare it with your list.";

#[derive(Template)]
#[template(path = "pages/recovery_code.html")]
struct RecoveryCodePage {
    visit: Visit,
    form: Form<SecondFactor>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match visit.session().waiting() {
        Some(_) => RecoveryCodePage { visit, form: Form::blank() }.ok(),
        None => Ok(visit.go("/sign-in")),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<SecondFactor>) -> PageResult {
    let Some(waiting) = visit.session().waiting() else { return Ok(gone(&visit)) };
    match finish(&visit, &waiting, form, Some(Notice::RecoveryCodeUsed)).await? {
        Ok(response) => Ok(response),
        Err(form) => form
            .saying(Code::InvalidOneTimeCode, WRONG)
            .again(|form| RecoveryCodePage { visit, form }),
    }
}
