//! A link that led nowhere, with the way to a new one on the same page.

use actix_web::http::StatusCode;
use askama::Template;

use crate::web::{
    forms::form::{EmailOnly, Form},
    request::{session::LinkAction, visit::Visit},
    view::page::{self, PageResult},
};

#[derive(Template)]
#[template(path = "pages/link_failed.html")]
struct LinkFailed {
    visit: Visit,
    action: LinkAction,
    form: Form<EmailOnly>,
}

pub(crate) fn show(visit: Visit, action: LinkAction, status: StatusCode) -> PageResult {
    page::show(&LinkFailed { visit, action, form: Form::blank() }, status)
}

impl LinkFailed {
    fn heading(&self) -> &'static str {
        match self.action {
            LinkAction::SignIn => "This sign-in is over",
            _ => "This link does not work any more",
        }
    }

    /// Our own words for what happened; the link's are never shown.
    fn sentence(&self) -> &'static str {
        match self.action {
            LinkAction::EmailConfirm => {
                "The link to confirm your address has expired or was used already."
            }
            LinkAction::MagicLink => "The sign-in link has expired or was used already.",
            LinkAction::ResetPassword => {
                "The link to choose a new password has expired or was used already."
            }
            LinkAction::ChangeEmail => {
                "The link to change your address has expired, was used already, or the address \
                    belongs to another account."
            }
            LinkAction::AccountRecovery => {
                "The link to take your account back has expired or was used already."
            }
            LinkAction::SignIn => "It was not completed, took too long, or was finished already.",
        }
    }

    /// Whether another tab may have used the link just now.
    fn may_be_in(&self) -> bool {
        matches!(self.action, LinkAction::EmailConfirm | LinkAction::MagicLink)
            && self.visit.signed_in_user().is_none()
    }

    /// Whether there is a sign-in with a provider to begin again: nothing was emailed, so no email
    /// holds a newer link.
    fn begins_again(&self) -> bool {
        self.action == LinkAction::SignIn && self.visit.signed_in_user().is_none()
    }

    /// The form that sends a new link, and its button. Somebody who is signed in needs none but a
    /// reset.
    fn renewal(&self) -> Option<(&'static str, &'static str)> {
        match self.action {
            LinkAction::ResetPassword => Some(("/reset-password", "Send a new link")),
            LinkAction::AccountRecovery => Some(("/reset-password", "Choose a new password")),
            _ if self.visit.signed_in_user().is_some() => None,
            LinkAction::EmailConfirm => Some(("/check-inbox/resend", "Send a new link")),
            LinkAction::MagicLink => Some(("/magic-link", "Send a new link")),
            LinkAction::ChangeEmail | LinkAction::SignIn => None,
        }
    }
}
