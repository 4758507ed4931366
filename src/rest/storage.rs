//! Files that applications store (ALTOGIC_WIRE.md §7).

use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::web::BytesMut;
use futures_util::TryStreamExt;

use crate::{
    port::{Caller, Code, Upload},
    protocol::{
        bodies::{DeleteFile, UploadOptions, UploadedObject},
        errors::Fault,
        objects::FileObject,
    },
};

use super::{
    call::Call,
    reply::{Rejection, Reply, done, json},
};

/// The largest file, in bytes: what the sentence of `PictureTooLarge` says.
const FILE_MAX: usize = 8 * 1024 * 1024;
/// The largest JSON of `upload-object`, in bytes. A picture is up to four times as long as JSON.
const OBJECT_MAX: usize = 12 * 1024 * 1024;
/// How long a file may take to arrive: 8 MB over a slow mobile line.
const UPLOAD_TIME: Duration = Duration::from_secs(120);
/// The parts that a form may have beside the file.
const PARTS_MAX: usize = 10;

/// `POST /storage/bucket/upload-formdata?bucket=&fileName=&options=`: a multipart form with the part `file`.
pub(super) async fn upload_form(mut call: Call) -> Reply {
    let (caller, _) = call.known_member().await?;
    if call.media_type() != "multipart/form-data" {
        return Err(Fault::UnsupportedMediaType.into());
    }
    let form = Multipart::new(call.request.headers(), call.payload.take());
    let bytes = tokio::time::timeout(UPLOAD_TIME, file_of(form)).await.map_err(|_| Fault::BodyTooSlow)??;
    store(&call, caller, bytes).await
}

/// `POST /storage/bucket/upload-object`: JSON that stands for the file. Only a Node `Buffer` can be a picture.
pub(super) async fn upload_object(mut call: Call) -> Reply {
    let (caller, _) = call.known_member().await?;
    let object = match call.json_within(OBJECT_MAX, UPLOAD_TIME).await {
        Ok(UploadedObject::Buffer { data }) => data,
        Err(Fault::BodyShape) => return Err(Code::NotAPicture.into()),
        Err(Fault::BodyTooLarge) => return Err(Code::PictureTooLarge.into()),
        Err(fault) => return Err(fault.into()),
    };
    store(&call, caller, object).await
}

/// `POST /storage/delete-file`.
pub(super) async fn delete_file(mut call: Call) -> Reply {
    let caller = call.member()?;
    let body: DeleteFile = call.json().await?;
    call.backend.delete_file(caller, body.file_url).await?;
    done()
}

async fn store(call: &Call, caller: Caller, bytes: Vec<u8>) -> Reply {
    let options: UploadOptions = match call.query("options").as_str() {
        "" => UploadOptions::default(),
        options => serde_json::from_str(options).map_err(|_| Fault::BodyShape)?,
    };
    let upload = Upload {
        bucket: call.query("bucket"),
        file_name: call.query("fileName"),
        create_bucket: options.create_bucket,
        bytes,
    };
    json(&FileObject::from(call.backend.upload(caller, upload).await?))
}

/// The bytes of the part `file`, cut off while they stream in (SECURITY.md S67). Other parts are passed over.
async fn file_of(mut form: Multipart) -> Result<Vec<u8>, Rejection> {
    let broken = |_| Fault::BodyBroken;
    let mut parts = 0;
    while let Some(mut part) = form.try_next().await.map_err(broken)? {
        let is_file = part.name() == Some("file");
        parts += 1;
        if parts > PARTS_MAX {
            return Err(Fault::BodyTooLarge.into());
        }
        let mut bytes = BytesMut::new();
        let mut seen = 0;
        while let Some(piece) = part.try_next().await.map_err(broken)? {
            seen += piece.len();
            if seen > FILE_MAX {
                return Err(Code::PictureTooLarge.into());
            }
            if is_file {
                bytes.extend_from_slice(&piece);
            }
        }
        if is_file {
            return Ok(bytes.into());
        }
    }
    Err(Fault::MissingFile.into())
}
