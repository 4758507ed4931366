//! The code that makes a number the account's.

use askama::Template;

use crate::{
    port::PhoneVerified,
    web::{
        forms::form::{CodeOnly, Form},
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
#[template(path = "pages/profile_phone_confirm.html")]
struct ProfilePhoneConfirm {
    visit: Visit,
    sent_sms: SentSms,
    form: Form<CodeOnly>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match visit.sent_sms(SmsPurpose::ChangePhone) {
        Some(sent_sms) => ProfilePhoneConfirm { visit, sent_sms, form: Form::blank() }.ok(),
        None => Ok(visit.go("/profile/phone")),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<CodeOnly>) -> PageResult {
    let Some(sent_sms) = visit.sent_sms(SmsPurpose::ChangePhone) else {
        return Ok(visit.go_saying("/profile/phone", Notice::CodeGone));
    };
    let verify =
        |fields: CodeOnly| visit.auth().verify_phone(visit.caller(), sent_sms.phone(), fields.code);
    match form.submit(verify).await? {
        // An environment that tells the codes of two journeys not apart: the code was that of a
        // sign-up, which is finished now.
        Ok(PhoneVerified { grant: Some(grant), .. }) => {
            visit.begin(&grant, Some(Notice::PhoneConfirmed))
        }
        Ok(_) => {
            visit.session().forget_sent_sms(SmsPurpose::ChangePhone);
            Ok(visit.go_saying("/profile", Notice::PhoneConfirmed))
        }
        Err(form) => form.again(|form| ProfilePhoneConfirm { visit, sent_sms, form }),
    }
}
