//! Proving the number of a sign-up with the code that was sent to it.

use askama::Template;

use crate::{
    port::PhoneVerified,
    web::{
        form::{CodeOnly, Form},
        notice::Notice,
        number::NumberOnly,
        page::{Page, PageResult},
        texted::{Texted, TextedFor},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/verify_phone.html")]
struct VerifyPhone {
    visit: Visit,
    texted: Texted,
    form: Form<CodeOnly>,
    resend: Form<NumberOnly>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match visit.texted(TextedFor::SignUp) {
        Some(texted) => VerifyPhone { visit, texted, form: Form::blank(), resend: Form::blank() }.ok(),
        None => Ok(visit.go("/sign-in/phone")),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<CodeOnly>) -> PageResult {
    let Some(texted) = visit.texted(TextedFor::SignUp) else {
        return Ok(visit.go_saying("/sign-in/phone", Notice::CodeGone));
    };
    let verify = |fields: CodeOnly| visit.auth().verify_phone(visit.caller(), texted.phone(), fields.code);
    match form.submit(verify).await? {
        Ok(PhoneVerified { grant: Some(grant), .. }) => visit.begin(&grant, Some(Notice::PhoneConfirmed)),
        // The number is proved, and its account asks for more than this: its owner signs in.
        Ok(_) => {
            visit.session().forget_texted(TextedFor::SignUp);
            Ok(visit.go_saying("/sign-in/phone", Notice::PhoneConfirmed))
        }
        Err(form) => form.again(|form| VerifyPhone { visit, texted, form, resend: Form::blank() }),
    }
}

/// Sends the code again; with a number, to that one: the sign-in page asks so for an account that still waits.
pub(crate) async fn resend(visit: Visit, form: Form<NumberOnly>) -> PageResult {
    let waiting = match form.value("phone") {
        "" => visit.texted(TextedFor::SignUp),
        _ => form.phone().map(|phone| Texted::now(TextedFor::SignUp, phone, visit.site().clock.now())),
    };
    let Some(texted) = waiting else { return Ok(visit.go("/sign-in/phone")) };
    let send = |_| visit.auth().resend_verification_code(visit.caller(), texted.phone());
    match form.submit(send).await? {
        Ok(()) => {
            visit.wait_for_text_again(texted);
            Ok(visit.go_saying("/verify-phone", Notice::CodeAskedForAgain))
        }
        Err(resend) => resend.again(|resend| VerifyPhone { visit, texted, form: Form::blank(), resend }),
    }
}
