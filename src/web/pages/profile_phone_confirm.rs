//! The code that makes a number the account's.

use askama::Template;

use crate::{
    port::PhoneVerified,
    web::{
        form::{CodeOnly, Form},
        notice::Notice,
        page::{Page, PageResult},
        texted::{Texted, TextedFor},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/profile_phone_confirm.html")]
struct ProfilePhoneConfirm {
    visit: Visit,
    texted: Texted,
    form: Form<CodeOnly>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    match visit.texted(TextedFor::ChangePhone) {
        Some(texted) => ProfilePhoneConfirm { visit, texted, form: Form::blank() }.ok(),
        None => Ok(visit.go("/profile/phone")),
    }
}

pub(crate) async fn submit(visit: Visit, form: Form<CodeOnly>) -> PageResult {
    let Some(texted) = visit.texted(TextedFor::ChangePhone) else {
        return Ok(visit.go_saying("/profile/phone", Notice::CodeGone));
    };
    let verify = |fields: CodeOnly| visit.auth().verify_phone(visit.caller(), texted.phone(), fields.code);
    match form.submit(verify).await? {
        // An environment that tells the codes of two journeys not apart: the code was that of a sign-up, which is finished now.
        Ok(PhoneVerified { grant: Some(grant), .. }) => visit.begin(&grant, Some(Notice::PhoneConfirmed)),
        Ok(_) => {
            visit.session().forget_texted(TextedFor::ChangePhone);
            Ok(visit.go_saying("/profile", Notice::PhoneConfirmed))
        }
        Err(form) => form.again(|form| ProfilePhoneConfirm { visit, texted, form }),
    }
}
