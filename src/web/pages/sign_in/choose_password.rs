//! Choosing a new password, with the reset link that `/auth-redirect` moved into the cookie and the
//! page into its form.

use askama::Template;

use super::super::auth_redirect::described;
use crate::{
    port::{AccessToken, Code, LinkAccount, Outcome, Password},
    web::{
        forms::{
            form::{Form, FormFields},
            form_data::{FormData, Input},
        },
        page_link::{self, LINK},
        request::{session::LinkAction, visit::Visit},
        view::{
            notice::Notice,
            page::{Page, PageResult},
        },
    },
};

#[derive(Template)]
#[template(path = "pages/choose_password.html")]
struct ChoosePassword {
    visit: Visit,
    account: Option<LinkAccount>,
    form: Form<NewPasswordForm>,
}

pub(crate) struct NewPasswordForm(Password);

impl FormFields for NewPasswordForm {
    const INPUTS: &'static [Input] = &[Input::Line(LINK), Input::Secret("password")];

    fn read(form_data: &mut FormData) -> Self {
        Self(form_data.secret("password"))
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let Ok(token) = token(&visit, "") else {
        return Ok(visit.go_saying("/reset-password", Notice::LinkGone));
    };
    let account = described(&visit, token.expose()).await?;
    ChoosePassword { visit, account, form: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<NewPasswordForm>) -> PageResult {
    let token = token(&visit, form.value(LINK));
    match form.submit(|NewPasswordForm(password)| reset(&visit, token.clone(), password)).await? {
        Ok(()) => {
            visit.session().forget_pending_link();
            Ok(visit.go_saying("/sign-in", Notice::PasswordReset))
        }
        Err(form) if form.is(Code::InvalidAccessToken) || form.is(Code::InvalidTokenType) => {
            visit.session().forget_pending_link();
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
    let pending_link = page_link::sent(visit, field, |action| action == LinkAction::ResetPassword);
    AccessToken::parse(&pending_link.ok_or(Code::InvalidAccessToken)?.token)
}

impl ChoosePassword {
    fn password_hint(&self) -> String {
        self.visit.password_hint()
    }
}
