//! The bytes of a file: for its owner, or for anybody.

use super::{Actor, the_file};
use crate::{
    engine::{
        Engine,
        operations::store_file::disk_error,
        store::{Row, damage, values},
    },
    port::{Caller, Code, Download, FileName, Outcome, Picture, PublicFile},
};

/// A file with its bytes. One that is replaced in this very moment may be gone.
pub(in crate::engine) async fn download_file(
    engine: &Engine,
    caller: &Caller,
    name: &FileName,
) -> Outcome<Download> {
    let actor = Actor::of(engine, caller).await?;
    let record = the_file(engine, &actor, name).await?;
    let bytes = engine.files().bytes.get(&record.content_id).await.map_err(disk_error)?;
    Ok(Download {
        bytes: bytes.ok_or(Code::FileNotFound)?,
        is_picture: record.is_picture,
        file: record.file,
    })
}

/// A public picture, for anybody who knows its address.
pub(in crate::engine) async fn public_file(
    engine: &Engine,
    bucket_id: &str,
    file_id: &str,
) -> Outcome<Option<PublicFile>> {
    let sql = "select content_id, mime_type from files \
               where id = $1 and bucket_id = $2 and is_public = 1 and is_picture = 1";
    let Some(row) = engine.store().fetch_optional(sql, values![file_id, bucket_id]).await? else {
        return Ok(None);
    };
    let read = |row: &Row| Ok((row.text("mime_type")?, row.text("content_id")?));
    let Some((mime_type, version)) = damage::spare(read(&row), "files", file_id)? else {
        return Ok(None);
    };
    let mime_type = if mime_type == "image/png" { "image/png" } else { "image/jpeg" };
    let bytes = engine.files().bytes.get(&version).await.map_err(disk_error)?;
    Ok(bytes.map(|bytes| PublicFile { picture: Picture { mime_type, bytes }, version }))
}
