//! The second factor: the code that went to the phone of somebody whose first factor was right.
//!
//! The sign-in that waits stays in the cookie, so that Back, a reload or a second window finds it again (SECURITY.md S92), and
//! the page to come back to stays there with it.

use askama::Template;

use crate::{
    port::{ChallengeToken, Code, SecondFactorOf},
    web::{
        form::{Fields, Form, Press},
        notice::Notice,
        page::{Page, PageResult},
        session::Waiting,
        typed::{Input, Typed},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/two_factor.html")]
struct TwoFactor {
    visit: Visit,
    waiting: Waiting,
    form: Form<CodeOnly>,
    resend: Form<Press>,
}

pub(crate) struct CodeOnly {
    code: String,
}

impl Fields for CodeOnly {
    const INPUTS: &'static [Input] = &[Input::Line("code")];

    fn read(typed: &mut Typed) -> Self {
        Self { code: typed.line("code") }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match visit.session().waiting() {
        Some(waiting) => TwoFactor { visit, waiting, form: Form::blank(), resend: Form::blank() }.ok(),
        None => Ok(visit.go("/sign-in")),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<CodeOnly>) -> PageResult {
    let Some(waiting) = visit.session().waiting() else { return Ok(visit.go_saying("/sign-in", Notice::SignInGone)) };
    let sign_in = async |fields: CodeOnly| {
        let of = SecondFactorOf::Challenge(ChallengeToken::parse(&waiting.token)?);
        visit.auth().sign_in_with_second_factor(visit.caller(), of, fields.code).await
    };
    match form.submit(sign_in).await? {
        Ok(grant) => visit.begin(&grant, waiting.notice),
        Err(form) if form.is(Code::ChallengeGone) => Ok(gone(&visit)),
        Err(form) => form.again(|form| TwoFactor { visit, waiting, form, resend: Form::blank() }),
    }
}

pub(crate) async fn resend(visit: Visit, form: Form<Press>) -> PageResult {
    let Some(waiting) = visit.session().waiting() else { return Ok(visit.go_saying("/sign-in", Notice::SignInGone)) };
    let send =
        async |Press| visit.auth().resend_second_factor(visit.caller(), ChallengeToken::parse(&waiting.token)?).await;
    match form.submit(send).await? {
        Ok(challenge) => {
            visit.session().wait_for_code(&challenge, waiting.notice);
            Ok(visit.go_saying("/sign-in/two-factor", Notice::CodeSentAgain))
        }
        Err(form) if form.is(Code::ChallengeGone) => Ok(gone(&visit)),
        Err(resend) => resend.again(|resend| TwoFactor { visit, waiting, form: Form::blank(), resend }),
    }
}

/// Back to the first factor; this browser forgets the sign-in that waited.
pub(crate) async fn leave(visit: Visit, form: Form<Press>) -> PageResult {
    let Some(waiting) = visit.session().waiting() else { return Ok(visit.go("/sign-in")) };
    match form.submit(async |Press| Ok(())).await? {
        Ok(()) => {
            visit.session().stop_waiting();
            Ok(visit.go("/sign-in"))
        }
        Err(resend) => resend.again(|resend| TwoFactor { visit, waiting, form: Form::blank(), resend }),
    }
}

fn gone(visit: &Visit) -> actix_web::HttpResponse {
    visit.session().stop_waiting();
    visit.go_saying("/sign-in", Notice::SignInGone)
}
