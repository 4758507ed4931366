//! Adding a phone number to the account, or moving to another one.

use askama::Template;

use crate::{
    port::{Member, Password},
    web::{
        form::{Fields, Form},
        notice::Notice,
        number::{self, COUNTRY, PHONE, number},
        page::{Page, PageResult},
        texted::{Texted, TextedFor},
        typed::{Input, Typed},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/profile_phone.html")]
struct ProfilePhone {
    visit: Visit,
    form: Form<NewPhone>,
}

/// What is asked for.
pub(crate) struct NewPhone {
    phone: String,
    current_password: Option<Password>,
}

impl Fields for NewPhone {
    const INPUTS: &'static [Input] = &[COUNTRY, PHONE];

    fn read(typed: &mut Typed) -> Self {
        Self { phone: number(typed), current_password: typed.proof() }
    }
}

/// The form; while a code is waited for, with the number it was sent to, so that it can be corrected or sent to again.
pub(crate) async fn show(visit: Visit) -> PageResult {
    let form = match visit.texted(TextedFor::ChangePhone) {
        Some(texted) => Form::filled("phone", texted.shown()),
        None => Form::blank(),
    };
    ProfilePhone { visit, form }.ok()
}

/// Sends a code to the new number.
pub(crate) async fn submit(visit: Visit, form: Form<NewPhone>) -> PageResult {
    let phone = form.phone().cloned();
    let ask = |new: NewPhone| visit.auth().change_phone(visit.caller(), new.current_password, new.phone);
    match form.submit(ask).await? {
        Ok(_) if visit.auth().offers().confirm_phone => {
            visit.wait_for_text(TextedFor::ChangePhone, phone.as_ref());
            Ok(visit.go("/profile/phone/confirm"))
        }
        Ok(_) => Ok(visit.go_saying("/profile", Notice::PhoneChanged)),
        Err(form) => form.again(|form| ProfilePhone { visit, form }),
    }
}

impl ProfilePhone {
    fn member(&self) -> Option<&Member> {
        self.visit.member()
    }

    /// The number there is, as people read it.
    fn phone(&self) -> Option<String> {
        self.member().and_then(|member| member.user.phone.as_deref()).map(number::shown)
    }

    fn is_verified(&self) -> bool {
        self.member().is_some_and(|member| member.user.phone_verified)
    }

    /// Whether the new number has to prove itself first.
    fn confirms(&self) -> bool {
        self.visit.auth().offers().confirm_phone
    }

    /// The change that waits for its code.
    fn waiting(&self) -> Option<Texted> {
        self.visit.texted(TextedFor::ChangePhone)
    }
}
