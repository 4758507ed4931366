//! Making an account with a phone number.

use askama::Template;
use serde_json::Map;

use super::sign_up::without;
use crate::{
    port::{Code, Grant, Outcome, Password, SignUpWithPhone, Trouble},
    web::{
        form::{Fields, Form},
        number::{COUNTRY, PHONE, number},
        page::{Page, PageResult},
        texted::TextedFor,
        typed::{Input, Typed},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/sign_up_phone.html")]
struct SignUpPhone {
    visit: Visit,
    form: Form<NewAccount>,
}

pub(crate) struct NewAccount {
    name: String,
    phone: String,
    password: Password,
}

impl Fields for NewAccount {
    const INPUTS: &'static [Input] = &[Input::Line("name"), COUNTRY, PHONE, Input::Secret("password")];

    fn read(typed: &mut Typed) -> Self {
        Self { name: typed.line("name"), phone: number(typed), password: typed.secret("password") }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    if !visit.auth().offers().phone_sign_up {
        return Ok(visit.go("/sign-up"));
    }
    SignUpPhone { visit, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<NewAccount>) -> PageResult {
    let phone = form.phone().cloned();
    match form.submit(|account| sign_up(&visit, account)).await? {
        Ok(Some(grant)) => visit.begin(&grant, None),
        Ok(None) => {
            visit.wait_for_text(TextedFor::SignUp, phone.as_ref());
            Ok(visit.go("/verify-phone"))
        }
        Err(form) => form.again(|form| SignUpPhone { visit, form }),
    }
}

/// Signs up. While numbers are confirmed, a taken one is answered like a free one: the owner learns of it by SMS, nobody else
/// does (SECURITY.md S04). Where they are not, the account would be usable at once, and there is nothing to hide behind.
async fn sign_up(visit: &Visit, account: NewAccount) -> Outcome<Option<Grant>> {
    let name = Some(account.name).filter(|name| !name.trim().is_empty());
    let sign_up = SignUpWithPhone { phone: account.phone, password: account.password, name, fields: Map::new() };
    match visit.auth().sign_up_with_phone(visit.caller(), sign_up).await {
        Ok(signed_up) => Ok(signed_up.grant),
        Err(Trouble::Refused(refusal)) if visit.auth().offers().confirm_phone && refusal.is(Code::PhoneNotUnique) => {
            without(&refusal, Code::PhoneNotUnique).map(|()| None)
        }
        Err(trouble) => Err(trouble),
    }
}

impl SignUpPhone {
    /// What will happen to the number, said before it is typed.
    fn hint(&self) -> &'static str {
        if self.visit.auth().offers().confirm_phone { "We text a code to it." } else { "" }
    }
}
