//! Moving the account to another address.

use askama::Template;

use crate::{
    port::Password,
    web::{
        form::{Fields, Form},
        notice::Notice,
        page::{Page, PageResult},
        typed::{Input, Typed},
        visit::Visit,
    },
};

#[derive(Template)]
#[template(path = "pages/profile_email.html")]
struct ProfileEmail {
    visit: Visit,
    form: Form<NewEmail>,
}

/// What is asked for.
pub(crate) struct NewEmail {
    email: String,
    current_password: Option<Password>,
}

impl Fields for NewEmail {
    const INPUTS: &'static [Input] = &[Input::Line("email")];

    fn read(typed: &mut Typed) -> Self {
        Self { email: typed.line("email"), current_password: typed.proof() }
    }
}

/// The form.
pub(crate) async fn show(visit: Visit) -> PageResult {
    ProfileEmail { visit, form: Form::blank() }.ok()
}

/// Mails a link to the new address.
pub(crate) async fn submit(visit: Visit, form: Form<NewEmail>) -> PageResult {
    let caller = visit.caller();
    let confirms = visit.auth().offers().confirm_email;
    let asked = form.submit(|typed| visit.auth().change_email(caller, typed.current_password, typed.email));
    match asked.await? {
        Ok(_) if confirms => Ok(visit.go_saying("/profile", Notice::EmailChangeRequested)),
        Ok(_) => Ok(visit.go_saying("/profile", Notice::EmailChanged)),
        Err(form) => form.again(|form| ProfileEmail { visit, form }),
    }
}

impl ProfileEmail {
    /// The address there is.
    fn email(&self) -> &str {
        self.visit.member().and_then(|member| member.user.email.as_deref()).unwrap_or_default()
    }

    /// Whether the new address has to prove itself first.
    fn confirms(&self) -> bool {
        self.visit.auth().offers().confirm_email
    }
}
