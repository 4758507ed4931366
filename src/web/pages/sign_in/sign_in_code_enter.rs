//! Signing in with a code by SMS, second factor: the code.

use askama::Template;

use crate::{
    port::Code,
    web::{
        forms::form::{CodeOnly, Form, Press},
        request::{
            sent_sms::{SentSms, SmsPurpose},
            visit::Visit,
        },
        view::{
            notice::Notice,
            page::{Page, PageResult},
        },
    },
};

#[derive(Template)]
#[template(path = "pages/sign_in_code_enter.html")]
struct SignInCodeEnter {
    visit: Visit,
    sent_sms: SentSms,
    form: Form<CodeOnly>,
    resend: Form<Press>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match visit.sent_sms(SmsPurpose::SignIn) {
        Some(sent_sms) => {
            SignInCodeEnter { visit, sent_sms, form: Form::blank(), resend: Form::blank() }.ok()
        }
        None => Ok(visit.go("/sign-in/code")),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<CodeOnly>) -> PageResult {
    let Some(sent_sms) = visit.sent_sms(SmsPurpose::SignIn) else {
        return Ok(visit.go_saying("/sign-in/code", Notice::CodeGone));
    };
    let sign_in = |fields: CodeOnly| {
        visit.auth().sign_in_with_code(visit.caller(), sent_sms.phone(), fields.code)
    };
    match form.submit(sign_in).await? {
        Ok(sign_in_outcome) => visit.enter(&sign_in_outcome, None),
        Err(form) => {
            form.again(|form| SignInCodeEnter { visit, sent_sms, form, resend: Form::blank() })
        }
    }
}

pub(crate) async fn resend(visit: Visit, form: Form<Press>) -> PageResult {
    let Some(sent_sms) = visit.sent_sms(SmsPurpose::SignIn) else {
        return Ok(visit.go_saying("/sign-in/code", Notice::CodeGone));
    };
    match form
        .submit(|Press| visit.auth().send_sign_in_code(visit.caller(), sent_sms.phone()))
        .await?
    {
        Ok(()) => {
            visit.wait_for_text_again(sent_sms);
            Ok(visit.go_saying("/sign-in/code/enter", Notice::CodeAskedForAgain))
        }
        Err(resend) => {
            resend.again(|resend| SignInCodeEnter { visit, sent_sms, form: Form::blank(), resend })
        }
    }
}

impl SignInCodeEnter {
    /// Whether the code was right and spent, and the password has to come first: another code would
    /// not help.
    fn needs_password(&self) -> bool {
        self.form.is(Code::SecondFactorFirst)
    }
}
