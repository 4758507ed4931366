//! Making an account.

pub(in crate::web) mod check_inbox;
pub(in crate::web) mod sign_up_phone;
pub(in crate::web) mod verify_phone;

use askama::Template;
use serde_json::Map;

use crate::{
    port::{Code, Grant, OperationError, Outcome, Password, Refusal, SignUpWithEmail},
    web::{
        forms::{
            form::{Form, FormFields},
            form_data::{FormData, Input},
        },
        request::{session::JourneyKind, visit::Visit},
        view::page::{Page, PageResult},
    },
};

#[derive(Template)]
#[template(path = "pages/sign_up.html")]
struct SignUpPage {
    visit: Visit,
    form: Form<SignUpForm>,
}

pub(crate) struct SignUpForm {
    name: String,
    email: String,
    password: Password,
}

impl FormFields for SignUpForm {
    const INPUTS: &'static [Input] =
        &[Input::Line("name"), Input::Line("email"), Input::Secret("password")];

    fn read(form_data: &mut FormData) -> Self {
        Self {
            name: form_data.line("name"),
            email: form_data.line("email"),
            password: form_data.secret("password"),
        }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    SignUpPage { visit, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<SignUpForm>) -> PageResult {
    let email = form.value("email").to_owned();
    match form.submit(|account| sign_up(&visit, account)).await? {
        Ok(Some(grant)) => visit.begin(&grant, None),
        Ok(None) => {
            visit.session().begin_journey(JourneyKind::SignUp, &email);
            Ok(visit.go("/check-inbox"))
        }
        Err(form) => form.again(|form| SignUpPage { visit, form }),
    }
}

/// Signs up. While addresses are confirmed, a taken one is answered like a free one: the owner
/// learns of it by email, nobody else does (S04). Where they are not, the account would be usable
/// at once, and there is nothing to hide behind.
async fn sign_up(visit: &Visit, account: SignUpForm) -> Outcome<Option<Grant>> {
    let name = Some(account.name).filter(|name| !name.trim().is_empty());
    let sign_up = SignUpWithEmail {
        email: account.email,
        password: account.password,
        name,
        fields: Map::new(),
    };
    match visit.auth().sign_up_with_email(visit.caller(), sign_up).await {
        Ok(signed_up) => Ok(signed_up.grant),
        Err(OperationError::Rejected(refusal))
            if visit.auth().capabilities().confirm_email && refusal.is(Code::EmailNotUnique) =>
        {
            without(&refusal, Code::EmailNotUnique).map(|()| None)
        }
        Err(error) => Err(error),
    }
}

/// The other problems of a sign-up, if there are any.
pub(super) fn without(refusal: &Refusal, hidden: Code) -> Outcome<()> {
    let others = refusal.problems().iter().filter(|problem| problem.code != hidden).cloned();
    Ok(Refusal::of_all(others.collect())?)
}

impl SignUpPage {
    fn password_hint(&self) -> String {
        self.visit.password_hint()
    }
}
