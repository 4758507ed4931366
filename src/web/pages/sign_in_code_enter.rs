//! Signing in with a code by SMS, second step: the code.

use askama::Template;

use crate::{
    port::Code,
    web::{
        form::{CodeOnly, Form, Press},
        notice::Notice,
        page::{Page, PageResult},
        texted::{Texted, TextedFor},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/sign_in_code_enter.html")]
struct SignInCodeEnter {
    visit: Visit,
    texted: Texted,
    form: Form<CodeOnly>,
    resend: Form<Press>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match visit.texted(TextedFor::SignIn) {
        Some(texted) => SignInCodeEnter { visit, texted, form: Form::blank(), resend: Form::blank() }.ok(),
        None => Ok(visit.go("/sign-in/code")),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<CodeOnly>) -> PageResult {
    let Some(texted) = visit.texted(TextedFor::SignIn) else {
        return Ok(visit.go_saying("/sign-in/code", Notice::CodeGone));
    };
    let sign_in = |fields: CodeOnly| visit.auth().sign_in_with_code(visit.caller(), texted.phone(), fields.code);
    match form.submit(sign_in).await? {
        Ok(entrance) => visit.enter(&entrance, None),
        Err(form) => form.again(|form| SignInCodeEnter { visit, texted, form, resend: Form::blank() }),
    }
}

pub(crate) async fn resend(visit: Visit, form: Form<Press>) -> PageResult {
    let Some(texted) = visit.texted(TextedFor::SignIn) else {
        return Ok(visit.go_saying("/sign-in/code", Notice::CodeGone));
    };
    match form.submit(|Press| visit.auth().send_sign_in_code(visit.caller(), texted.phone())).await? {
        Ok(()) => {
            visit.wait_for_text_again(texted);
            Ok(visit.go_saying("/sign-in/code/enter", Notice::CodeAskedForAgain))
        }
        Err(resend) => resend.again(|resend| SignInCodeEnter { visit, texted, form: Form::blank(), resend }),
    }
}

impl SignInCodeEnter {
    /// Whether the code was right and spent, and the password has to come first: another code would not help.
    fn needs_password(&self) -> bool {
        self.form.is(Code::SecondFactorFirst)
    }
}
