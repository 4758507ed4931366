//! Making an account.

use askama::Template;
use serde_json::Map;

use crate::{
    port::{Code, Grant, Outcome, Password, Refusal, SignUpWithEmail, Trouble},
    web::{
        form::{Fields, Form},
        page::{Page, PageResult},
        session::JourneyKind,
        typed::{Input, Typed},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/sign_up.html")]
struct SignUp {
    visit: Visit,
    form: Form<NewAccount>,
}

pub(crate) struct NewAccount {
    name: String,
    email: String,
    password: Password,
}

impl Fields for NewAccount {
    const INPUTS: &'static [Input] = &[Input::Line("name"), Input::Line("email"), Input::Secret("password")];

    fn read(typed: &mut Typed) -> Self {
        Self { name: typed.line("name"), email: typed.line("email"), password: typed.secret("password") }
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    SignUp { visit, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<NewAccount>) -> PageResult {
    let email = form.value("email").to_owned();
    match form.submit(|account| sign_up(&visit, account)).await? {
        Ok(Some(grant)) => visit.begin(&grant, None),
        Ok(None) => {
            visit.session().begin_journey(JourneyKind::SignUp, &email);
            Ok(visit.go("/check-inbox"))
        }
        Err(form) => form.again(|form| SignUp { visit, form }),
    }
}

/// Signs up. While addresses are confirmed, a taken one is answered like a free one: the owner learns of it by mail, nobody
/// else does (SECURITY.md S04). Where they are not, the account would be usable at once, and there is nothing to hide behind.
async fn sign_up(visit: &Visit, account: NewAccount) -> Outcome<Option<Grant>> {
    let name = Some(account.name).filter(|name| !name.trim().is_empty());
    let sign_up = SignUpWithEmail { email: account.email, password: account.password, name, fields: Map::new() };
    match visit.auth().sign_up_with_email(visit.caller(), sign_up).await {
        Ok(signed_up) => Ok(signed_up.grant),
        Err(Trouble::Refused(refusal)) if visit.auth().offers().confirm_email && refusal.is(Code::EmailNotUnique) => {
            without(&refusal, Code::EmailNotUnique).map(|()| None)
        }
        Err(trouble) => Err(trouble),
    }
}

/// The other problems of a sign-up, if there are any.
pub(super) fn without(refusal: &Refusal, hidden: Code) -> Outcome<()> {
    let others = refusal.problems().iter().filter(|problem| problem.code != hidden).cloned();
    Ok(Refusal::of_all(others.collect())?)
}

impl SignUp {
    fn password_hint(&self) -> String {
        self.visit.password_hint()
    }
}
