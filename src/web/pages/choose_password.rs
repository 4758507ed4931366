//! Choosing a new password, with the reset link that `/auth-redirect` moved into the cookie and the page into its form.

use askama::Template;

use super::auth_redirect::described;
use crate::{
    port::{AccessToken, Code, LinkAccount, Outcome, Password},
    web::{
        form::{Fields, Form},
        notice::Notice,
        page::{Page, PageResult},
        page_link::{self, LINK},
        session::Action,
        typed::{Input, Typed},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/choose_password.html")]
struct ChoosePassword {
    visit: Visit,
    account: Option<LinkAccount>,
    form: Form<NewPassword>,
}

pub(crate) struct NewPassword(Password);

impl Fields for NewPassword {
    const INPUTS: &'static [Input] = &[Input::Line(LINK), Input::Secret("password")];

    fn read(typed: &mut Typed) -> Self {
        Self(typed.secret("password"))
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let Ok(token) = token(&visit, "") else { return Ok(visit.go_saying("/reset-password", Notice::LinkGone)) };
    let account = described(&visit, token.expose()).await?;
    ChoosePassword { visit, account, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<NewPassword>) -> PageResult {
    let token = token(&visit, form.value(LINK));
    match form.submit(|NewPassword(password)| reset(&visit, token.clone(), password)).await? {
        Ok(()) => {
            visit.session().forget_arrival();
            Ok(visit.go_saying("/sign-in", Notice::PasswordReset))
        }
        Err(form) if form.is(Code::InvalidAccessToken) || form.is(Code::InvalidTokenType) => {
            visit.session().forget_arrival();
            Ok(visit.go_saying("/reset-password", Notice::LinkGone))
        }
        Err(form) => {
            let account = match token {
                Ok(token) => described(&visit, token.expose()).await?,
                Err(_) => None,
            };
            form.again(|form| ChoosePassword { visit, account, form })
        }
    }
}

async fn reset(visit: &Visit, token: Result<AccessToken, Code>, password: Password) -> Outcome<()> {
    visit.auth().reset_password_with_token(visit.caller(), token?, password).await
}

/// The token of the reset link that the page showed.
fn token(visit: &Visit, field: &str) -> Result<AccessToken, Code> {
    let arrival = page_link::sent(visit, field, |action| action == Action::ResetPassword);
    AccessToken::parse(&arrival.ok_or(Code::InvalidAccessToken)?.token)
}

impl ChoosePassword {
    fn password_hint(&self) -> String {
        self.visit.password_hint()
    }
}
