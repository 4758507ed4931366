//! Files: looked up, fetched, changed, copied and deleted.

use actix_web::{HttpResponse, http::header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::asker;
use crate::{
    port::{Caller, FileChange, FileName, TagChange},
    protocol::storage::{BucketCall, DeleteFile, FileCall, FileObject},
    rest::{
        call::Call,
        reply::{Rejection, Reply, done, json},
    },
};

/// `/delete-file`: by its public path.
pub(in crate::rest) async fn delete_by_path(mut call: Call) -> Reply {
    let caller = asker(&call)?;
    let body: DeleteFile = call.json().await?;
    call.backend.delete_file(caller, body.file_url).await?;
    done()
}

/// `/bucket/delete-files`: unknown ones are passed over.
pub(in crate::rest) async fn delete_many(mut call: Call) -> Reply {
    let caller = asker(&call)?;
    let body: BucketCall = call.json().await?;
    call.backend.delete_files(caller, body.bucket, body.file_names_or_ids).await?;
    done()
}

/// `/bucket/file/exists`: the bare word `true` or `false`.
pub(in crate::rest) async fn exists(mut call: Call) -> Reply {
    let (caller, name, _) = named(&mut call).await?;
    json(&call.backend.file_exists(caller, name).await?)
}

/// `/bucket/file/get`.
pub(in crate::rest) async fn get(mut call: Call) -> Reply {
    let (caller, name, _) = named(&mut call).await?;
    json(&FileObject::from(call.backend.file_info(caller, name).await?))
}

/// `/bucket/file/download`: the bytes. Whatever they are, a browser that gets them saves them and
/// runs nothing (S69): only the type of a picture is said, as it was drawn by us.
pub(in crate::rest) async fn download(mut call: Call) -> Reply {
    let (caller, name, _) = named(&mut call).await?;
    let download = call.backend.download_file(caller, name).await?;
    let mime_type = if download.is_picture {
        download.file.mime_type.as_str()
    } else {
        "application/octet-stream"
    };
    let name = utf8_percent_encode(&download.file.file_name, NON_ALPHANUMERIC);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, mime_type))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename*=UTF-8''{name}"),
        ))
        .body(download.bytes))
}

/// `/bucket/file/rename`.
pub(in crate::rest) async fn rename(call: Call) -> Reply {
    // Without a name it is refused like one that is empty.
    change(call, |body| FileChange {
        name: Some(body.new_name.unwrap_or_default()),
        ..FileChange::default()
    })
    .await
}

/// `/bucket/file/make-public`.
pub(in crate::rest) async fn make_public(call: Call) -> Reply {
    change(call, |_| FileChange { is_public: Some(true), ..FileChange::default() }).await
}

/// `/bucket/file/make-private`.
pub(in crate::rest) async fn make_private(call: Call) -> Reply {
    change(call, |_| FileChange { is_public: Some(false), ..FileChange::default() }).await
}

/// `/bucket/file/add-tags`.
pub(in crate::rest) async fn add_tags(call: Call) -> Reply {
    change(call, |body| tag(TagChange::Add(body.tags.unwrap_or_default()))).await
}

/// `/bucket/file/remove-tags`.
pub(in crate::rest) async fn remove_tags(call: Call) -> Reply {
    change(call, |body| tag(TagChange::Remove(body.tags.unwrap_or_default()))).await
}

/// `/bucket/file/update`: what is missing stays as it is.
pub(in crate::rest) async fn update(call: Call) -> Reply {
    change(call, |body| FileChange {
        name: body.new_name,
        is_public: body.is_public,
        tags: body.tags.map(TagChange::Set),
    })
    .await
}

/// `/bucket/file/duplicate`.
pub(in crate::rest) async fn duplicate(mut call: Call) -> Reply {
    let (caller, name, body) = named(&mut call).await?;
    let new_name = body.duplicate_name.filter(|name| !name.is_empty());
    json(&FileObject::from(call.backend.duplicate_file(caller, name, new_name).await?))
}

/// `/bucket/file/copy`.
pub(in crate::rest) async fn copy(mut call: Call) -> Reply {
    let (caller, name, body) = named(&mut call).await?;
    json(&FileObject::from(call.backend.copy_file(caller, name, body.bucket_name_or_id).await?))
}

/// `/bucket/file/move`.
pub(in crate::rest) async fn move_to(mut call: Call) -> Reply {
    let (caller, name, body) = named(&mut call).await?;
    json(&FileObject::from(call.backend.move_file(caller, name, body.bucket_name_or_id).await?))
}

/// `/bucket/file/delete`.
pub(in crate::rest) async fn delete(mut call: Call) -> Reply {
    let (caller, name, _) = named(&mut call).await?;
    call.backend.delete_named_file(caller, name).await?;
    done()
}

async fn change(mut call: Call, read: impl FnOnce(FileCall) -> FileChange) -> Reply {
    let (caller, name, body) = named(&mut call).await?;
    json(&FileObject::from(call.backend.change_file(caller, name, read(body)).await?))
}

/// Caller, file name and body of the call.
async fn named(call: &mut Call) -> Result<(Caller, FileName, FileCall), Rejection> {
    let caller = asker(call)?;
    let mut body: FileCall = call.json().await?;
    let name =
        FileName { bucket: std::mem::take(&mut body.bucket), file: std::mem::take(&mut body.file) };
    Ok((caller, name, body))
}

fn tag(change: TagChange) -> FileChange {
    FileChange { tags: Some(change), ..FileChange::default() }
}
