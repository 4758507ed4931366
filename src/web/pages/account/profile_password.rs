//! Changing the password, and setting the first one of an account that an emailed link signs in.

use askama::Template;

use crate::{
    port::Password,
    web::{
        error::PageError,
        forms::{
            form::{Form, FormFields},
            form_data::{FormData, Input},
        },
        request::visit::Visit,
        view::{
            notice::Notice,
            page::{Page, PageResult},
        },
    },
};

#[derive(Template)]
#[template(path = "pages/profile_password.html")]
struct ProfilePassword {
    visit: Visit,
    form: Form<Passwords>,
    /// Whether there is one to be changed.
    has_password: bool,
}

/// Inputs of the form.
pub(crate) struct Passwords {
    current: Password,
    new: Password,
}

impl FormFields for Passwords {
    const INPUTS: &'static [Input] =
        &[Input::Secret("current_password"), Input::Secret("password")];

    fn read(form_data: &mut FormData) -> Self {
        Self { current: form_data.secret("current_password"), new: form_data.secret("password") }
    }
}

/// The form.
pub(crate) async fn show(visit: Visit) -> PageResult {
    let has_password = has_password(&visit).await?;
    ProfilePassword { visit, form: Form::blank(), has_password }.ok()
}

/// Changes it. Every other session ends; this one goes on under a new token (S32).
pub(crate) async fn submit(visit: Visit, form: Form<Passwords>) -> PageResult {
    let caller = visit.caller();
    match form
        .submit(|form_data| visit.auth().change_password(caller, form_data.current, form_data.new))
        .await?
    {
        Ok(session) => {
            let token = session
                .token
                .ok_or_else(|| PageError::broken("a changed password without a new token"))?;
            visit.session().continue_with(&token);
            Ok(visit.go_saying("/profile", Notice::PasswordChanged))
        }
        Err(form) => {
            let has_password = has_password(&visit).await?;
            form.again(|form| ProfilePassword { visit, form, has_password })
        }
    }
}

async fn has_password(visit: &Visit) -> Result<bool, PageError> {
    Ok(visit.auth().proof_methods(visit.caller()).await?.has_password)
}

impl ProfilePassword {
    /// The address or the number, for the password manager that saves the new password under it.
    fn username(&self) -> &str {
        let user = self.visit.signed_in_user().map(|signed_in_user| &signed_in_user.user);
        user.and_then(|user| user.email.as_deref().or(user.phone.as_deref())).unwrap_or_default()
    }

    /// Rule for new passwords.
    fn rule(&self) -> String {
        format!(
            "At least {} characters. A few words in a row are good.",
            self.visit.auth().capabilities().password_min
        )
    }
}
