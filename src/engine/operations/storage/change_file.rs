//! A file changed: its name, tags and privacy, its bytes, its bucket.

use super::{Actor, lock_file, reload_bucket, the_bucket, the_file, upload::prepare};
use crate::{
    engine::{
        Engine,
        files::{
            names::{changed_tags, parse_file_name},
            record::FileRecord,
        },
        operations::store_file::{
            check_quota, delete_row, insert, remove_bytes, take_back, write_bytes,
        },
        random::new_id,
        store::Transaction,
    },
    port::{Caller, Code, Content, FileChange, FileName, Outcome, StoredFile},
};

/// Renames a file, changes its tags, makes it public or private; all or nothing.
pub(in crate::engine) async fn change_file(
    engine: &Engine,
    caller: &Caller,
    name: &FileName,
    change: FileChange,
) -> Outcome<StoredFile> {
    let actor = Actor::of(engine, caller).await?;
    let new_name = change.name.as_deref().map(parse_file_name).transpose()?;
    let found = the_file(engine, &actor, name).await?;
    let mut tx = engine.store().begin().await?;
    let mut record = lock_file(engine, &mut tx, &found).await?;
    record.file.file_name = new_name.unwrap_or(record.file.file_name);
    record.file.is_public = change.is_public.unwrap_or(record.file.is_public);
    if change.is_public == Some(true) && !record.is_picture {
        return Err(Code::FileNotPublishable.into());
    }
    if let Some(tags) = change.tags {
        record.file.tags = changed_tags(&record.file.tags, tags)?;
    }
    write_anew(engine, &mut tx, &mut record).await?;
    tx.commit().await?;
    Ok(record.file)
}

/// Moves a file into another bucket.
pub(in crate::engine) async fn move_file(
    engine: &Engine,
    caller: &Caller,
    name: &FileName,
    bucket: &str,
) -> Outcome<StoredFile> {
    let actor = Actor::of(engine, caller).await?;
    let found = the_file(engine, &actor, name).await?;
    let target = the_bucket(engine, &actor, bucket).await?;
    let mut tx = engine.store().begin().await?;
    let mut record = lock_file(engine, &mut tx, &found).await?;
    let target = reload_bucket(&mut tx, &target.id).await?;
    actor.may_fill(&target)?;
    record.file.bucket_id = target.id;
    write_anew(engine, &mut tx, &mut record).await?;
    tx.commit().await?;
    Ok(record.file)
}

/// Gives a file other bytes. It stays as public as it was unless something else is said: the client
/// library's docs would have it be as the bucket says, which would make a file public that somebody
/// had made private.
pub(in crate::engine) async fn replace_file(
    engine: &Engine,
    caller: &Caller,
    name: &FileName,
    content: Content,
    is_public: Option<bool>,
) -> Outcome<StoredFile> {
    let actor = Actor::of(engine, caller).await?;
    let mut found = the_file(engine, &actor, name).await?;
    actor.take_upload(engine)?;
    found.file.is_public = is_public.unwrap_or(found.file.is_public);
    let prepared = prepare(engine, content, found.file.is_public).await?;
    found.content_id = new_id(engine.random());
    found.is_picture = prepared.is_picture;
    found.file.size = u64::try_from(prepared.bytes.len()).unwrap_or(u64::MAX);
    found.file.mime_type = prepared.mime_type;
    write_bytes(engine, &found.content_id, prepared.bytes).await?;
    match exchange(engine, &found).await {
        Ok((file, former)) => {
            remove_bytes(engine, &former).await;
            Ok(file)
        }
        Err(error) => {
            take_back(engine, &found.content_id).await;
            Err(error)
        }
    }
}

/// Puts the new content in the place of what is there now, and gives the id of the former bytes.
async fn exchange(engine: &Engine, new: &FileRecord) -> Outcome<(StoredFile, String)> {
    let mut tx = engine.store().begin().await?;
    let mut record = lock_file(engine, &mut tx, new).await?;
    let former = std::mem::replace(&mut record.content_id, new.content_id.clone());
    record.is_picture = new.is_picture;
    record.file.is_public = new.file.is_public;
    record.file.size = new.file.size;
    record.file.mime_type.clone_from(&new.file.mime_type);
    delete_row(&mut tx, &record.file.id).await?;
    check_quota(&mut tx, &record).await?;
    record.file.updated_at = engine.now();
    insert(engine, &mut tx, &mut record).await?;
    tx.commit().await?;
    Ok((record.file, former))
}

/// Writes a row that is locked anew, under a name that is free.
async fn write_anew(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    record: &mut FileRecord,
) -> Outcome<()> {
    delete_row(tx, &record.file.id).await?;
    record.file.updated_at = engine.now();
    insert(engine, tx, record).await
}
