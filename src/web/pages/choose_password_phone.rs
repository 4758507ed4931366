//! Choosing a new password with the code that was sent for it.

use askama::Template;

use crate::{
    port::{Code, Password},
    web::{
        form::{Fields, Form, Press},
        notice::Notice,
        page::{Page, PageResult},
        texted::{Texted, TextedFor},
        typed::{Input, Typed},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/choose_password_phone.html")]
struct ChoosePasswordPhone {
    visit: Visit,
    texted: Texted,
    form: Form<NewPassword>,
    resend: Form<Press>,
}

pub(crate) struct NewPassword {
    code: String,
    password: Password,
}

impl Fields for NewPassword {
    /// The code is shown again: a password that was refused has not spent it.
    const INPUTS: &'static [Input] = &[Input::Line("code"), Input::Secret("password")];

    fn read(typed: &mut Typed) -> Self {
        Self { code: typed.line("code"), password: typed.secret("password") }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match visit.texted(TextedFor::ResetPassword) {
        Some(texted) => ChoosePasswordPhone { visit, texted, form: Form::blank(), resend: Form::blank() }.ok(),
        None => Ok(visit.go("/reset-password/phone")),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<NewPassword>) -> PageResult {
    let Some(texted) = visit.texted(TextedFor::ResetPassword) else {
        return Ok(visit.go_saying("/reset-password/phone", Notice::CodeGone));
    };
    let phone = texted.phone();
    let reset = |new: NewPassword| visit.auth().reset_password_with_code(visit.caller(), phone, new.code, new.password);
    match form.submit(reset).await? {
        Ok(()) => {
            visit.session().forget_texted(TextedFor::ResetPassword);
            Ok(visit.go_saying("/sign-in/phone", Notice::PasswordReset))
        }
        Err(form) => form.again(|form| ChoosePasswordPhone { visit, texted, form, resend: Form::blank() }),
    }
}

pub(crate) async fn resend(visit: Visit, form: Form<Press>) -> PageResult {
    let Some(texted) = visit.texted(TextedFor::ResetPassword) else {
        return Ok(visit.go_saying("/reset-password/phone", Notice::CodeGone));
    };
    match form.submit(|Press| visit.auth().send_reset_password_code(visit.caller(), texted.phone())).await? {
        Ok(()) => {
            visit.wait_for_text_again(texted);
            Ok(visit.go_saying("/reset-password/phone/choose", Notice::CodeAskedForAgain))
        }
        Err(resend) => resend.again(|resend| ChoosePasswordPhone { visit, texted, form: Form::blank(), resend }),
    }
}

impl ChoosePasswordPhone {
    /// Whether the code was right and spent, and the account wants a link by mail instead.
    fn needs_mail(&self) -> bool {
        self.form.is(Code::SecondFactorFirst)
    }
}
