//! Changing one's name.

use actix_web::HttpResponse;
use askama::Template;

use crate::{
    port::{Code, Field, FieldUpdate, OperationError, Refusal, Update},
    web::{
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
#[template(path = "pages/profile_name.html")]
struct ProfileName {
    visit: Visit,
    form: Form<Name>,
}

/// Inputs of the form.
pub(crate) struct Name {
    name: String,
}

impl FormFields for Name {
    const INPUTS: &'static [Input] = &[Input::Line("name")];

    fn read(form_data: &mut FormData) -> Self {
        Self { name: form_data.line("name") }
    }
}

/// The form, with the name there is.
pub(crate) async fn show(visit: Visit) -> PageResult {
    let name = visit.signed_in()?.user.name.clone().unwrap_or_default();
    ProfileName { form: Form::filled("name", &name), visit }.ok()
}

/// Saves it; an empty one takes the name away.
pub(crate) async fn submit(visit: Visit, form: Form<Name>) -> PageResult {
    let caller = visit.caller();
    let saved = form.submit(|form_data| {
        let update = if form_data.name.trim().is_empty() {
            Update::Unset
        } else {
            Update::Set(form_data.name.into())
        };
        let updated = visit
            .auth()
            .update_user(caller, vec![FieldUpdate { field: "name".to_owned(), update }]);
        async move { updated.await.map_err(beside_the_name) }
    });
    match saved.await? {
        Ok(_) => Ok::<HttpResponse, _>(visit.go_saying("/profile", Notice::NameChanged)),
        Err(form) => form.again(|form| ProfileName { visit, form }),
    }
}

/// An update of fields is refused as a whole; here it has one field, and the sentence belongs
/// beside it.
fn beside_the_name(error: OperationError) -> OperationError {
    let named = |code| OperationError::Rejected(Refusal::at(Field::Name, code));
    match &error {
        OperationError::Rejected(refusal) if refusal.is(Code::NameTooLong) => {
            named(Code::NameTooLong)
        }
        OperationError::Rejected(refusal) if refusal.is(Code::InvalidName) => {
            named(Code::InvalidName)
        }
        _ => error,
    }
}
