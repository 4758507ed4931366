//! One's picture: uploaded through a plain multipart form, or taken away.

use std::{future::Future, pin::Pin, time::Duration};

use actix_multipart::{Field as Part, Multipart};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use askama::Template;
use futures_util::TryStreamExt;

use crate::{
    port::{Code, Field, Refusal, Trouble},
    web::{
        error::PageError,
        form::{Fields, Form, Press},
        notice::Notice,
        page::{Page, PageResult},
        portrait::Portrait,
        session::CookieSession,
        typed::{CSRF, Input, Typed},
        visit::Visit,
    },
};

/// Largest picture, in bytes: what the sentence of `PictureTooLarge` says.
const PICTURE_MAX: usize = 8 * 1024 * 1024;

/// Largest text field beside it, in bytes.
const TEXT_MAX: usize = 1024;

/// Most parts of the form; ours has two.
const PARTS_MAX: usize = 8;

/// How long a picture may take to arrive: 8 MB over a slow mobile line (SECURITY.md S72).
const DEADLINE: Duration = Duration::from_secs(120);

#[derive(Template)]
#[template(path = "pages/profile_picture.html")]
struct ProfilePicture {
    form: Form<Chosen>,
    portrait: Portrait,
    visit: Visit,
}

/// The form has a file and no text.
pub(crate) struct Chosen;

impl Fields for Chosen {
    const INPUTS: &'static [Input] = &[Input::Line("picture")];

    fn read(_: &mut Typed) -> Self {
        Self
    }
}

/// What arrived: the form token, and the bytes or why there are none.
pub(crate) struct Uploaded {
    form: Form<Chosen>,
    picture: Result<Vec<u8>, Code>,
}

/// The picture there is, and the form.
pub(crate) async fn show(visit: Visit) -> PageResult {
    page(visit, Form::blank())?.ok()
}

/// Stores it, cropped and encoded anew.
pub(crate) async fn submit(visit: Visit, uploaded: Uploaded) -> PageResult {
    let caller = visit.caller();
    let Uploaded { form, picture } = uploaded;
    let changed = form.submit(|Chosen| async {
        let picture = picture.map_err(|code| Refusal::at(Field::Picture, code))?;
        visit.auth().change_picture(caller, picture).await.map_err(beside_the_picture)
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

fn page(visit: Visit, form: Form<Chosen>) -> Result<ProfilePicture, PageError> {
    let portrait = Portrait::of(&visit.signed_in()?.user, visit.site());
    Ok(ProfilePicture { form, portrait, visit })
}

impl ProfilePicture {
    fn has_picture(&self) -> bool {
        matches!(self.portrait, Portrait::Picture(_))
    }
}

/// Whatever is refused about a picture is said beside its field.
fn beside_the_picture(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Refused(refusal) => match refusal.problems() {
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
        Code::MissingPicture | Code::NotAPicture | Code::PictureTooLarge | Code::PictureTooWide | Code::StorageFull
    )
}

impl FromRequest for Uploaded {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let session = CookieSession::of(request);
        let is_multipart = request.content_type().eq_ignore_ascii_case("multipart/form-data");
        let parts = Multipart::new(request.headers(), payload.take());
        Box::pin(async move {
            if !is_multipart {
                return Err(PageError::NotAForm);
            }
            tokio::time::timeout(DEADLINE, read(parts, session)).await.map_err(|_| PageError::TooSlow)?
        })
    }
}

/// Reads the parts while they stream in. Too much of a picture is read to its end and dropped, within reason, so that a
/// browser that is still sending gets to see the page (SECURITY.md S67).
async fn read(mut parts: Multipart, session: CookieSession) -> Result<Uploaded, PageError> {
    let broken = |_| PageError::Malformed("The form did not arrive in one piece. Please send it again.");
    let (mut token, mut picture) = (Vec::new(), Err(Code::MissingPicture));
    for _ in 0..PARTS_MAX {
        let Some(part) = parts.try_next().await.map_err(broken)? else {
            let token = String::from_utf8(token).unwrap_or_default();
            return Ok(Uploaded { form: Form::arrived(token, session), picture });
        };
        match part.name() {
            Some(CSRF) => token = take(part, TEXT_MAX).await.map_err(broken)?.unwrap_or_default(),
            Some("picture") => {
                picture = match take(part, PICTURE_MAX).await.map_err(broken)? {
                    Some(bytes) if bytes.is_empty() => Err(Code::MissingPicture),
                    Some(bytes) => Ok(bytes),
                    None => Err(Code::PictureTooLarge),
                };
            }
            _ => drop(take(part, TEXT_MAX).await.map_err(broken)?),
        }
    }
    Err(PageError::TooLarge)
}

/// The bytes of a part, or `None` when there are more than it may have.
async fn take(mut part: Part, most: usize) -> Result<Option<Vec<u8>>, actix_multipart::MultipartError> {
    let (mut bytes, mut seen) = (Vec::new(), 0);
    while let Some(piece) = part.try_next().await? {
        seen += piece.len();
        if seen > most.saturating_mul(4) {
            return Err(actix_multipart::MultipartError::Payload(actix_web::error::PayloadError::Overflow));
        }
        if seen <= most {
            bytes.extend_from_slice(&piece);
        }
    }
    Ok((seen <= most).then_some(bytes))
}
