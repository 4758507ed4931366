//! One's picture: uploaded through a plain multipart form, or taken away.

use askama::Template;

use crate::{
    port::{Code, Field, OperationError, Refusal},
    web::{
        error::PageError,
        forms::{
            form::{Form, Press},
            upload::{PictureForm, PictureOnly},
        },
        request::visit::Visit,
        view::{
            avatar::Avatar,
            notice::Notice,
            page::{Page, PageResult},
        },
    },
};

#[derive(Template)]
#[template(path = "pages/profile_picture.html")]
struct ProfilePicture {
    form: Form<PictureOnly>,
    avatar: Avatar,
    visit: Visit,
}

/// The picture there is, and the form.
pub(crate) async fn show(visit: Visit) -> PageResult {
    page(visit, Form::blank())?.ok()
}

/// Stores it, cropped and encoded anew.
pub(crate) async fn submit(visit: Visit, form: PictureForm) -> PageResult {
    let caller = visit.caller();
    let changed = form.submit(|picture| {
        let changed = visit.auth().change_picture(caller, picture);
        async move { changed.await.map_err(beside_the_picture) }
    });
    match changed.await? {
        Ok(_) => Ok(visit.go_saying("/profile", Notice::PictureChanged)),
        Err(form) => {
            let page = page(visit, Form::blank())?;
            form.again(|form| ProfilePicture { form, ..page })
        }
    }
}

/// Goes back to initials.
pub(crate) async fn remove(visit: Visit, form: Form<Press>) -> PageResult {
    let caller = visit.caller();
    match form.submit(|Press| visit.auth().remove_picture(caller)).await? {
        Ok(_) => Ok(visit.go_saying("/profile/picture", Notice::PictureRemoved)),
        Err(form) => {
            let page = page(visit, Form::blank())?;
            form.again(|_| page)
        }
    }
}

fn page(visit: Visit, form: Form<PictureOnly>) -> Result<ProfilePicture, PageError> {
    let avatar = Avatar::of(&visit.signed_in()?.user, visit.site());
    Ok(ProfilePicture { form, avatar, visit })
}

impl ProfilePicture {
    fn has_picture(&self) -> bool {
        matches!(self.avatar, Avatar::Picture(_))
    }
}

/// Attaches picture refusals to the picture field.
fn beside_the_picture(error: OperationError) -> OperationError {
    match error {
        OperationError::Rejected(refusal) => match refusal.problems() {
            [problem] if problem.field.is_none() && is_about_pictures(problem.code) => {
                Refusal::at(Field::Picture, problem.code).into()
            }
            _ => refusal.into(),
        },
        failed => failed,
    }
}

fn is_about_pictures(code: Code) -> bool {
    matches!(
        code,
        Code::MissingPicture
            | Code::NotAPicture
            | Code::PictureTooLarge
            | Code::PictureTooWide
            | Code::StorageFull
    )
}
