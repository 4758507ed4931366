//! A file once more: in its bucket or in another one.

use super::{Actor, reload_bucket, the_bucket, the_file};
use crate::{
    engine::{
        Engine,
        files::{names::parse_file_name, record::FileRecord},
        operations::store_file::{
            check_quota, disk_error, insert, lock_owner, take_back, write_bytes,
        },
        random::new_id,
    },
    port::{Caller, Code, FileName, Outcome, StoredFile},
};

/// Copies a file within its bucket.
pub(in crate::engine) async fn duplicate_file(
    engine: &Engine,
    caller: &Caller,
    name: &FileName,
    new_name: Option<&str>,
) -> Outcome<StoredFile> {
    let actor = Actor::of(engine, caller).await?;
    let new_name = new_name.map(parse_file_name).transpose()?;
    let mut record = the_file(engine, &actor, name).await?;
    record.file.file_name = new_name.unwrap_or(record.file.file_name);
    copy(engine, &actor, record).await
}

/// Copies a file into another bucket.
pub(in crate::engine) async fn copy_file(
    engine: &Engine,
    caller: &Caller,
    name: &FileName,
    bucket: &str,
) -> Outcome<StoredFile> {
    let actor = Actor::of(engine, caller).await?;
    let mut record = the_file(engine, &actor, name).await?;
    let target = the_bucket(engine, &actor, bucket).await?;
    record.file.bucket_id = target.id;
    copy(engine, &actor, record).await
}

/// The copy belongs to whom the original does: also when the operator's program makes it, it counts
/// in that account's quota.
async fn copy(engine: &Engine, actor: &Actor, mut record: FileRecord) -> Outcome<StoredFile> {
    actor.take_upload(engine)?;
    let bytes = engine.files().bytes.get(&record.content_id).await.map_err(disk_error)?;
    let bytes = bytes.ok_or(Code::FileNotFound)?;
    let (id, now) = (new_id(engine.random()), engine.now());
    record.content_id.clone_from(&id);
    record.file.uploaded_at = now;
    record.file.updated_at = now;
    record.file.id.clone_from(&id);
    write_bytes(engine, &id, bytes).await?;
    let copied = keep(engine, actor, record).await;
    if copied.is_err() {
        take_back(engine, &id).await;
    }
    copied
}

async fn keep(engine: &Engine, actor: &Actor, mut record: FileRecord) -> Outcome<StoredFile> {
    let mut tx = engine.store().begin().await?;
    lock_owner(engine, &mut tx, record.file.user_id.as_deref()).await?;
    actor.may_fill(&reload_bucket(&mut tx, &record.file.bucket_id).await?)?;
    check_quota(&mut tx, &record).await?;
    insert(engine, &mut tx, &mut record).await?;
    tx.commit().await?;
    Ok(record.file)
}
