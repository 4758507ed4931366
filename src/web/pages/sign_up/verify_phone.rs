//! Proving the number of a sign-up with the code that was sent to it.

use askama::Template;

use crate::{
    port::PhoneVerified,
    web::{
        forms::{
            form::{CodeOnly, Form},
            phone_input::PhoneOnly,
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
#[template(path = "pages/verify_phone.html")]
struct VerifyPhone {
    visit: Visit,
    sent_sms: SentSms,
    form: Form<CodeOnly>,
    resend: Form<PhoneOnly>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match visit.sent_sms(SmsPurpose::SignUp) {
        Some(sent_sms) => {
            VerifyPhone { visit, sent_sms, form: Form::blank(), resend: Form::blank() }.ok()
        }
        None => Ok(visit.go("/sign-in/phone")),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<CodeOnly>) -> PageResult {
    let Some(sent_sms) = visit.sent_sms(SmsPurpose::SignUp) else {
        return Ok(visit.go_saying("/sign-in/phone", Notice::CodeGone));
    };
    let verify =
        |fields: CodeOnly| visit.auth().verify_phone(visit.caller(), sent_sms.phone(), fields.code);
    match form.submit(verify).await? {
        Ok(PhoneVerified { grant: Some(grant), .. }) => {
            visit.begin(&grant, Some(Notice::PhoneConfirmed))
        }
        // The number is proved, and its account asks for more than this: its owner signs in.
        Ok(_) => {
            visit.session().forget_sent_sms(SmsPurpose::SignUp);
            Ok(visit.go_saying("/sign-in/phone", Notice::PhoneConfirmed))
        }
        Err(form) => {
            form.again(|form| VerifyPhone { visit, sent_sms, form, resend: Form::blank() })
        }
    }
}

/// Sends the code again; with a number, to that one: the sign-in page asks so for an account that
/// still waits.
pub(crate) async fn resend(visit: Visit, form: Form<PhoneOnly>) -> PageResult {
    let waiting = match form.value("phone") {
        "" => visit.sent_sms(SmsPurpose::SignUp),
        _ => form
            .phone()
            .map(|phone| SentSms::now(SmsPurpose::SignUp, phone, visit.site().clock.now())),
    };
    let Some(sent_sms) = waiting else { return Ok(visit.go("/sign-in/phone")) };
    let send = |_| visit.auth().resend_verification_code(visit.caller(), sent_sms.phone());
    match form.submit(send).await? {
        Ok(()) => {
            visit.wait_for_text_again(sent_sms);
            Ok(visit.go_saying("/verify-phone", Notice::CodeAskedForAgain))
        }
        Err(resend) => {
            resend.again(|resend| VerifyPhone { visit, sent_sms, form: Form::blank(), resend })
        }
    }
}
