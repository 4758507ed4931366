//! Files that applications store and anybody may fetch (ALTOGIC_WIRE.md §7).

use super::store_file::{NewFile, delete_row, disk_trouble, insert, remove_bytes, take_back, write_bytes};
use crate::{
    engine::{
        Engine,
        files::Framing,
        limits::{self, Action},
        random::new_id,
        store::values,
    },
    port::{Caller, Code, Outcome, Picture, StoredFile, Upload},
};

/// The longest name of a bucket or a file, in characters.
const NAME_MAX: usize = 100;

/// Stores a picture in a bucket, re-encoded, under a name that is free there.
pub(in crate::engine) async fn upload(engine: &Engine, caller: &Caller, upload: Upload) -> Outcome<StoredFile> {
    let user_id = engine.current(caller).await?.member.user.id;
    let (bucket, name) = (parse_name(&upload.bucket)?, parse_name(&upload.file_name)?);
    engine.limits().take(Action::UploadToAccount, &user_id, engine.now()).map_err(limits::exceeded)?;
    let picture = engine.files().darkroom.develop(upload.bytes, Framing::Whole).await?;
    let id = new_id(engine.random());
    write_bytes(engine, &id, &picture).await?;
    let stored = record(engine, &user_id, &id, &picture, &bucket, &name, upload.create_bucket).await;
    if stored.is_err() {
        take_back(engine, &id).await;
    }
    stored
}

/// Deletes one's own file. Somebody else's and an unknown one look the same: nothing happens (SECURITY.md S61).
pub(in crate::engine) async fn delete_file(engine: &Engine, caller: &Caller, public_path: &str) -> Outcome<()> {
    let user_id = engine.current(caller).await?.member.user.id;
    let Some(id) = engine.files().id_of(public_path) else { return Ok(()) };
    let mut tx = engine.store().begin().await?;
    let deleted = delete_row(&mut tx, &id, &user_id).await?;
    tx.commit().await?;
    if deleted {
        remove_bytes(engine, &id).await;
    }
    Ok(())
}

/// A file of a public bucket, for anybody.
pub(in crate::engine) async fn public_file(
    engine: &Engine,
    bucket_id: &str,
    file_id: &str,
) -> Outcome<Option<Picture>> {
    let sql = "select f.mime_type from files f join buckets b on b.id = f.bucket_id \
               where f.id = $1 and f.bucket_id = $2 and b.is_public = 1";
    let Some(row) = engine.store().fetch_optional(sql, values![file_id, bucket_id]).await? else { return Ok(None) };
    let mime_type = if row.text("mime_type")? == "image/png" { "image/png" } else { "image/jpeg" };
    let bytes = engine.files().bytes.get(file_id).await.map_err(disk_trouble)?;
    Ok(bytes.map(|bytes| Picture { mime_type, bytes }))
}

async fn record(
    engine: &Engine,
    user_id: &str,
    id: &str,
    picture: &Picture,
    bucket: &str,
    name: &str,
    create_bucket: bool,
) -> Outcome<StoredFile> {
    let now = engine.now();
    let mut tx = engine.store().begin().await?;
    if create_bucket {
        let sql = "insert into buckets (id, name, is_public, user_id, created_at, updated_at) \
                   values ($1, $2, 1, $3, $4, $4) on conflict (name) do nothing";
        tx.execute(sql, values![new_id(engine.random()), bucket, user_id, now]).await?;
    }
    let found = tx.fetch_optional("select id from buckets where name = $1", values![bucket]).await?;
    let bucket_id = found.ok_or(Code::BucketNotFound)?.text("id")?;
    let file = NewFile { id, bucket_id: &bucket_id, user_id, picture };
    let file_name = insert(engine, &mut tx, &file, name).await?;
    tx.commit().await?;
    Ok(StoredFile {
        id: id.to_owned(),
        public_path: engine.files().public_path(&bucket_id, id),
        bucket_id,
        file_name,
        size: u64::try_from(picture.bytes.len()).unwrap_or(u64::MAX),
        mime_type: picture.mime_type,
        uploaded_at: now,
        user_id: user_id.to_owned(),
    })
}

/// Names never reach the file system, so they need only be readable.
fn parse_name(typed: &str) -> Result<String, Code> {
    let name = typed.trim();
    let plain = |letter: char| letter.is_alphanumeric() || " .-_()@".contains(letter);
    if name.is_empty() || name.chars().count() > NAME_MAX || !name.chars().all(plain) {
        return Err(Code::InvalidBucketName);
    }
    Ok(name.to_owned())
}
