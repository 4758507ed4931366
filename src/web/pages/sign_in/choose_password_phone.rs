//! Choosing a new password with the code that was sent for it.

use askama::Template;

use crate::{
    port::{Code, Password},
    web::{
        forms::{
            form::{Form, FormFields, Press},
            form_data::{FormData, Input},
        },
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
#[template(path = "pages/choose_password_phone.html")]
struct ChoosePasswordPhone {
    visit: Visit,
    sent_sms: SentSms,
    form: Form<NewPasswordByPhoneForm>,
    resend: Form<Press>,
}

pub(crate) struct NewPasswordByPhoneForm {
    code: String,
    password: Password,
}

impl FormFields for NewPasswordByPhoneForm {
    /// The code is shown again: a password that was refused has not spent it.
    const INPUTS: &'static [Input] = &[Input::Line("code"), Input::Secret("password")];

    fn read(form_data: &mut FormData) -> Self {
        Self { code: form_data.line("code"), password: form_data.secret("password") }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match visit.sent_sms(SmsPurpose::ResetPassword) {
        Some(sent_sms) => {
            ChoosePasswordPhone { visit, sent_sms, form: Form::blank(), resend: Form::blank() }.ok()
        }
        None => Ok(visit.go("/reset-password/phone")),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<NewPasswordByPhoneForm>) -> PageResult {
    let Some(sent_sms) = visit.sent_sms(SmsPurpose::ResetPassword) else {
        return Ok(visit.go_saying("/reset-password/phone", Notice::CodeGone));
    };
    let phone = sent_sms.phone();
    let reset = |new: NewPasswordByPhoneForm| {
        visit.auth().reset_password_with_code(visit.caller(), phone, new.code, new.password)
    };
    match form.submit(reset).await? {
        Ok(()) => {
            visit.session().forget_sent_sms(SmsPurpose::ResetPassword);
            Ok(visit.go_saying("/sign-in/phone", Notice::PasswordReset))
        }
        Err(form) => {
            form.again(|form| ChoosePasswordPhone { visit, sent_sms, form, resend: Form::blank() })
        }
    }
}

pub(crate) async fn resend(visit: Visit, form: Form<Press>) -> PageResult {
    let Some(sent_sms) = visit.sent_sms(SmsPurpose::ResetPassword) else {
        return Ok(visit.go_saying("/reset-password/phone", Notice::CodeGone));
    };
    match form
        .submit(|Press| visit.auth().send_reset_password_code(visit.caller(), sent_sms.phone()))
        .await?
    {
        Ok(()) => {
            visit.wait_for_text_again(sent_sms);
            Ok(visit.go_saying("/reset-password/phone/choose", Notice::CodeAskedForAgain))
        }
        Err(resend) => resend.again(|resend| ChoosePasswordPhone {
            visit,
            sent_sms,
            form: Form::blank(),
            resend,
        }),
    }
}

impl ChoosePasswordPhone {
    /// Whether the code was right and spent, and the account wants a link by email instead.
    fn needs_email(&self) -> bool {
        self.form.is(Code::SecondFactorFirst)
    }
}
