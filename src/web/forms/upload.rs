//! The one form that carries a file: a picture, in `multipart/form-data`.
//!
//! It goes the way of every other form: the picture is only to be had through
//! [`PictureForm::submit`], which checks the form token. What is too large is read to its end and
//! thrown away, up to a limit, so that the browser shows our page instead of a broken connection;
//! never more than the largest accepted picture is held in memory (S67).

use std::{future::Future, pin::Pin, time::Duration};

use actix_multipart::{Field as Part, Multipart};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use futures_util::StreamExt;

use super::{
    super::{
        error::PageError,
        request::{guard::Superseded, session::CookieSession},
    },
    form::{Form, FormFields},
    form_data::{CSRF, FormData, Input},
};
use crate::{
    http::overload::UploadBudget,
    port::{Code, Field, Outcome, Refusal},
};

/// Largest picture taken in, in bytes. The backend's own limit is the same and judges again.
const PICTURE_MAX: usize = 8 * 1024 * 1024;

/// Most that is read of a request before the connection is given up, in bytes.
const READ_MAX: usize = 4 * PICTURE_MAX;

/// Most parts that are looked at; the form has two.
const PARTS_MAX: usize = 8;

/// How long an upload may take as a whole: the largest picture over half a megabit a second.
const DEADLINE: Duration = Duration::from_secs(130);

const UNREADABLE: PageError =
    PageError::Malformed("The upload did not arrive in one piece. Please try it again.");

/// The form of a picture, as it is shown.
pub(crate) struct PictureOnly;

impl FormFields for PictureOnly {
    const INPUTS: &'static [Input] = &[Input::Line("picture")];

    fn read(_: &mut FormData) -> Self {
        Self
    }
}

/// An upload that came in.
pub(crate) struct PictureForm {
    form: Form<PictureOnly>,
    picture: Vec<u8>,
    too_large: bool,
    upload_budget: UploadBudget,
}

/// Parts of an upload request.
#[derive(Default)]
struct MultipartParts {
    token: Vec<u8>,
    picture: Vec<u8>,
    too_large: bool,
    read: usize,
    kept: usize,
    /// For all that is kept, as long as it is.
    upload_budget: UploadBudget,
}

impl PictureForm {
    /// Hands the picture to an operation, as [`Form::submit`] does with what was typed. No picture
    /// is an empty one, which the backend refuses.
    ///
    /// # Errors
    /// As [`Form::submit`].
    pub(crate) async fn submit<T, A>(
        self,
        operation: impl FnOnce(Vec<u8>) -> A,
    ) -> Result<Result<T, Form<PictureOnly>>, PageError>
    where
        A: Future<Output = Outcome<T>>,
    {
        let Self { form, picture, too_large, upload_budget } = self;
        let submitted = form.submit(|PictureOnly| async move {
            if too_large {
                return Err(Refusal::at(Field::Picture, Code::PictureTooLarge).into());
            }
            operation(picture).await
        });
        let submitted = submitted.await;
        drop(upload_budget);
        submitted
    }
}

impl FromRequest for PictureForm {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if request.extensions().contains::<Superseded>() {
                return Err(PageError::SessionEnded);
            }
            if !request.content_type().eq_ignore_ascii_case("multipart/form-data") {
                return Err(PageError::NotAForm);
            }
            let reading = MultipartParts::read(Multipart::new(request.headers(), payload));
            let parts =
                tokio::time::timeout(DEADLINE, reading).await.map_err(|_| PageError::TooSlow)??;
            let form_data =
                FormData::with_token(String::from_utf8(parts.token).map_err(|_| UNREADABLE)?);
            let form = Form::of(form_data, Some(CookieSession::of(&request)));
            Ok(Self {
                form,
                picture: parts.picture,
                too_large: parts.too_large,
                upload_budget: parts.upload_budget,
            })
        })
    }
}

impl MultipartParts {
    async fn read(mut multipart: Multipart) -> Result<Self, PageError> {
        let mut parts = Self::default();
        let (mut tokens, mut pictures, mut count) = (0, 0, 0);
        while let Some(part) = multipart.next().await {
            let part = part.map_err(|_| UNREADABLE)?;
            count += 1;
            match part.name() {
                _ if count > PARTS_MAX => return Err(PageError::TooLarge),
                Some(CSRF) => {
                    tokens += 1;
                    parts.token = parts.take(part, 256).await?.ok_or(UNREADABLE)?;
                }
                Some("picture") => {
                    pictures += 1;
                    let picture = parts.take(part, PICTURE_MAX).await?;
                    parts.too_large = picture.is_none();
                    parts.picture = picture.unwrap_or_default();
                }
                _ => drop(parts.take(part, 0).await?),
            }
            if tokens > 1 || pictures > 1 {
                return Err(PageError::Malformed(
                    "A field of the form came twice. Please go back and send it again.",
                ));
            }
        }
        Ok(parts)
    }

    /// One part, or `None` where it is larger than may be; it is read to its end in any case.
    async fn take(&mut self, mut part: Part, max: usize) -> Result<Option<Vec<u8>>, PageError> {
        let mut kept = Some(Vec::new());
        while let Some(chunk) = part.next().await {
            let chunk = chunk.map_err(|_| UNREADABLE)?;
            self.read += chunk.len();
            if self.read > READ_MAX {
                return Err(PageError::TooLarge);
            }
            kept = kept.filter(|bytes| bytes.len() + chunk.len() <= max);
            if let Some(bytes) = &mut kept {
                self.kept += chunk.len();
                self.upload_budget.reserve(self.kept).map_err(PageError::Failed)?;
                bytes.extend_from_slice(&chunk);
            }
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    async fn read(parts: &[(&str, &[u8])], end: &str) -> Result<PictureForm, PageError> {
        let mut body = Vec::new();
        for (name, bytes) in parts {
            let head = format!(
                "--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"../a\"\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(end.as_bytes());
        let request =
            TestRequest::post().insert_header(("content-type", "multipart/form-data; boundary=x"));
        let (request, mut payload) = request.set_payload(body).to_http_parts();
        PictureForm::from_request(&request, &mut payload).await
    }

    #[actix_web::test]
    async fn a_picture_arrives_with_its_token() {
        let form = read(&[("csrf", b"t"), ("picture", b"\x89PNG"), ("other", b"x")], "--x--\r\n")
            .await
            .unwrap();
        assert_eq!((form.picture.as_slice(), form.too_large), (&b"\x89PNG"[..], false));
    }

    #[actix_web::test]
    async fn too_large_a_picture_is_not_kept_s67() {
        let form = read(&[("picture", &vec![0; PICTURE_MAX + 1])], "--x--\r\n").await.unwrap();
        assert!(form.too_large && form.picture.is_empty());
        assert!(matches!(
            read(&[("x", &vec![0; READ_MAX + 1])], "--x--\r\n").await,
            Err(PageError::TooLarge)
        ));
    }

    #[actix_web::test]
    async fn whatever_else_arrives_is_refused() {
        assert!(read(&[("picture", b"a"), ("picture", b"b")], "--x--\r\n").await.is_err());
        assert!(read(&[("picture", b"a")], "").await.is_err(), "cut short");
        assert!(read(&[("csrf", &[0xff])], "--x--\r\n").await.is_err());
        assert!(read(&[("x", &b""[..]); 9], "--x--\r\n").await.is_err());
    }
}
