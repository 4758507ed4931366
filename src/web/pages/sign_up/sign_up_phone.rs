//! Making an account with a phone number.

use askama::Template;
use serde_json::Map;

use super::without;
use crate::{
    port::{Code, Grant, OperationError, Outcome, Password, SignUpWithPhone},
    web::{
        forms::{
            form::{Form, FormFields},
            form_data::{FormData, Input},
            phone_input::{COUNTRY, PHONE, number},
        },
        request::{sent_sms::SmsPurpose, visit::Visit},
        view::page::{Page, PageResult},
    },
};

#[derive(Template)]
#[template(path = "pages/sign_up_phone.html")]
struct SignUpPhone {
    visit: Visit,
    form: Form<PhoneSignUpForm>,
}

pub(crate) struct PhoneSignUpForm {
    name: String,
    phone: String,
    password: Password,
}

impl FormFields for PhoneSignUpForm {
    const INPUTS: &'static [Input] =
        &[Input::Line("name"), COUNTRY, PHONE, Input::Secret("password")];

    fn read(form_data: &mut FormData) -> Self {
        Self {
            name: form_data.line("name"),
            phone: number(form_data),
            password: form_data.secret("password"),
        }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    if !visit.auth().capabilities().phone_sign_up {
        return Ok(visit.go("/sign-up"));
    }
    SignUpPhone { visit, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<PhoneSignUpForm>) -> PageResult {
    let phone = form.phone().cloned();
    match form.submit(|account| sign_up(&visit, account)).await? {
        Ok(Some(grant)) => visit.begin(&grant, None),
        Ok(None) => {
            visit.wait_for_sms(SmsPurpose::SignUp, phone.as_ref());
            Ok(visit.go("/verify-phone"))
        }
        Err(form) => form.again(|form| SignUpPhone { visit, form }),
    }
}

/// Signs up. While numbers are confirmed, a taken one is answered like a free one: the owner learns
/// of it by SMS, nobody else does (S04). Where they are not, the account would be usable at once,
/// and there is nothing to hide behind.
async fn sign_up(visit: &Visit, account: PhoneSignUpForm) -> Outcome<Option<Grant>> {
    let name = Some(account.name).filter(|name| !name.trim().is_empty());
    let sign_up = SignUpWithPhone {
        phone: account.phone,
        password: account.password,
        name,
        fields: Map::new(),
    };
    match visit.auth().sign_up_with_phone(visit.caller(), sign_up).await {
        Ok(signed_up) => Ok(signed_up.grant),
        Err(OperationError::Rejected(refusal))
            if visit.auth().capabilities().confirm_phone && refusal.is(Code::PhoneNotUnique) =>
        {
            without(&refusal, Code::PhoneNotUnique).map(|()| None)
        }
        Err(error) => Err(error),
    }
}

impl SignUpPhone {
    /// Hint on the number, shown with the input.
    fn hint(&self) -> &'static str {
        if self.visit.auth().capabilities().confirm_phone { "We text a code to it." } else { "" }
    }
}
