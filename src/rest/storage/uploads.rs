//! Files that come in: new ones, and those that take the place of others.
//!
//! The call is in the query, the file in the body: as the part `file` of a form, or as the JSON
//! that `JSON.stringify` made of whatever the application had (`uploaded_object` says what becomes
//! of it).

use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::web::BytesMut;
use futures_util::TryStreamExt;

use super::known_asker;
use crate::{
    http::overload::UploadBudget,
    port::{Caller, Code, Content, FileName, OperationError, Upload},
    protocol::{
        errors::Fault,
        storage::{FileObject, UploadOptions, uploaded_object},
    },
    rest::{
        call::{Call, is_simple},
        reply::{Rejection, Reply, json},
    },
};

/// The largest file, in bytes: what the sentence of `PictureTooLarge` says.
const FILE_MAX: usize = 8 * 1024 * 1024;
/// The largest JSON of `upload-object`, in bytes. A picture is up to four times as long as JSON.
const OBJECT_MAX: usize = 12 * 1024 * 1024;
/// How long a file may take to arrive: 8 MB over a slow mobile line.
const UPLOAD_TIME: Duration = Duration::from_secs(120);
/// The parts that a form may have beside the file.
const PARTS_MAX: usize = 10;

/// `/bucket/upload-formdata?bucket=&fileName=&options=`.
pub(in crate::rest) async fn upload_form(mut call: Call) -> Reply {
    let caller = known_asker(&call).await?;
    let content = form(&mut call).await?;
    store(&call, caller, content).await
}

/// `/bucket/upload-object?bucket=&fileName=&options=`.
pub(in crate::rest) async fn upload_object(mut call: Call) -> Reply {
    let caller = known_asker(&call).await?;
    let content = object(&mut call).await?;
    store(&call, caller, content).await
}

/// `/bucket/file/replace-formdata?bucket=&file=&options=`.
pub(in crate::rest) async fn replace_form(mut call: Call) -> Reply {
    let caller = known_asker(&call).await?;
    let content = form(&mut call).await?;
    replace(&call, caller, content).await
}

/// `/bucket/file/replace-object?bucket=&file=&options=`.
pub(in crate::rest) async fn replace_object(mut call: Call) -> Reply {
    let caller = known_asker(&call).await?;
    let content = object(&mut call).await?;
    replace(&call, caller, content).await
}

async fn store(call: &Call, caller: Caller, content: Content) -> Reply {
    let options = options(call)?;
    let upload = Upload {
        bucket: call.query("bucket"),
        file_name: call.query("fileName"),
        create_bucket: options.create_bucket.unwrap_or_default(),
        content,
        is_public: options.is_public,
        tags: options.tags,
    };
    json(&FileObject::from(call.backend.upload(caller, upload).await?))
}

async fn replace(call: &Call, caller: Caller, content: Content) -> Reply {
    let options = options(call)?;
    let name = FileName { bucket: call.query("bucket"), file: call.query("file") };
    json(&FileObject::from(
        call.backend.replace_file(caller, name, content, options.is_public).await?,
    ))
}

fn options(call: &Call) -> Result<UploadOptions, Fault> {
    match call.query("options").as_str() {
        "" => Ok(UploadOptions::default()),
        options if !is_simple(options.as_bytes()) => Err(Fault::BodyTooComplex),
        options => serde_json::from_str(options).map_err(|_| Fault::BodyShape),
    }
}

/// The file of a form. From Node the client library sends the text `[object FormData]` instead of
/// one (altogic-protocol.md §7): there is no file in it.
async fn form(call: &mut Call) -> Result<Content, Rejection> {
    if call.media_type() != "multipart/form-data" {
        return Err(Fault::MissingFile.into());
    }
    let form = Multipart::new(call.request.headers(), call.payload.take());
    tokio::time::timeout(UPLOAD_TIME, file_of(form)).await.map_err(|_| Fault::BodyTooSlow)?
}

/// The file that a JSON body stands for. Its real type is in the options only.
async fn object(call: &mut Call) -> Result<Content, Rejection> {
    let mut upload_budget = UploadBudget::default();
    let body = tokio::time::timeout(UPLOAD_TIME, object_body(call, &mut upload_budget));
    let body = body.await.map_err(|_| Fault::BodyTooSlow)??;
    if !body.is_empty() && call.media_type() != "application/json" {
        return Err(Fault::UnsupportedMediaType.into());
    }
    let bytes = uploaded_object(&body).ok_or(Fault::BodySyntax)?;
    Ok(Content { bytes, mime_type: options(call)?.content_type })
}

/// The body, as much of it as may be; it takes memory as it comes.
async fn object_body(
    call: &mut Call,
    upload_budget: &mut UploadBudget,
) -> Result<BytesMut, Rejection> {
    let mut body = BytesMut::new();
    while let Some(piece) = call.payload.try_next().await.map_err(|_| Fault::BodyBroken)? {
        if body.len() + piece.len() > OBJECT_MAX {
            return Err(Code::PictureTooLarge.into());
        }
        upload_budget.reserve(body.len() + piece.len()).map_err(OperationError::Internal)?;
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// The part `file`, cut off while it streams in (S67). Other parts are passed over.
async fn file_of(mut form: Multipart) -> Result<Content, Rejection> {
    let broken = |_| Fault::BodyBroken;
    let mut parts = 0;
    while let Some(mut part) = form.try_next().await.map_err(broken)? {
        let is_file = part.name() == Some("file");
        let mime_type = part.content_type().map(ToString::to_string).unwrap_or_default();
        parts += 1;
        if parts > PARTS_MAX {
            return Err(Fault::BodyTooLarge.into());
        }
        let mut bytes = BytesMut::new();
        let mut upload_budget = UploadBudget::default();
        let mut seen = 0;
        while let Some(piece) = part.try_next().await.map_err(broken)? {
            seen += piece.len();
            if seen > FILE_MAX {
                return Err(Code::PictureTooLarge.into());
            }
            if is_file {
                upload_budget.reserve(seen).map_err(OperationError::Internal)?;
                bytes.extend_from_slice(&piece);
            }
        }
        if is_file {
            return Ok(Content { bytes: bytes.into(), mime_type });
        }
    }
    Err(Fault::MissingFile.into())
}
