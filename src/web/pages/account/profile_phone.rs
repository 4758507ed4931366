//! Adding a phone number to the account, or moving to another one.

use askama::Template;

use crate::{
    port::{Password, SignedInUser},
    web::{
        forms::{
            form::{Form, FormFields},
            form_data::{FormData, Input},
            phone_input::{self, COUNTRY, PHONE, number},
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
#[template(path = "pages/profile_phone.html")]
struct ProfilePhone {
    visit: Visit,
    form: Form<NewPhone>,
}

/// Inputs of the form.
pub(crate) struct NewPhone {
    phone: String,
    current_password: Option<Password>,
}

impl FormFields for NewPhone {
    const INPUTS: &'static [Input] = &[COUNTRY, PHONE];

    fn read(form_data: &mut FormData) -> Self {
        Self { phone: number(form_data), current_password: form_data.proof() }
    }
}

/// The form; while a code is waited for, with the number it was sent to, so that it can be
/// corrected or sent to again.
pub(crate) async fn show(visit: Visit) -> PageResult {
    let form = match visit.sent_sms(SmsPurpose::ChangePhone) {
        Some(sent_sms) => Form::filled("phone", sent_sms.shown()),
        None => Form::blank(),
    };
    ProfilePhone { visit, form }.ok()
}

/// Sends a code to the new number.
pub(crate) async fn submit(visit: Visit, form: Form<NewPhone>) -> PageResult {
    let phone = form.phone().cloned();
    let ask =
        |new: NewPhone| visit.auth().change_phone(visit.caller(), new.current_password, new.phone);
    match form.submit(ask).await? {
        Ok(_) if visit.auth().capabilities().confirm_phone => {
            visit.wait_for_sms(SmsPurpose::ChangePhone, phone.as_ref());
            Ok(visit.go("/profile/phone/confirm"))
        }
        Ok(_) => Ok(visit.go_saying("/profile", Notice::PhoneChanged)),
        Err(form) => form.again(|form| ProfilePhone { visit, form }),
    }
}

impl ProfilePhone {
    fn signed_in_user(&self) -> Option<&SignedInUser> {
        self.visit.signed_in_user()
    }

    /// The number there is, as people read it.
    fn phone(&self) -> Option<String> {
        self.signed_in_user()
            .and_then(|signed_in_user| signed_in_user.user.phone.as_deref())
            .map(phone_input::shown)
    }

    fn is_verified(&self) -> bool {
        self.signed_in_user().is_some_and(|signed_in_user| signed_in_user.user.phone_verified)
    }

    /// Whether the new number has to prove itself first.
    fn confirms(&self) -> bool {
        self.visit.auth().capabilities().confirm_phone
    }

    /// The change that waits for its code.
    fn waiting(&self) -> Option<SentSms> {
        self.visit.sent_sms(SmsPurpose::ChangePhone)
    }
}
