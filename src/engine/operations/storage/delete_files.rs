//! Files deleted. Somebody else's and an unknown one look the same (S61).

use super::{Actor, file_by_id, find_file, lock_file, the_bucket, the_file};
use crate::{
    engine::{
        Engine,
        files::record::FileRecord,
        operations::store_file::{delete_row, remove_bytes},
    },
    port::{Caller, Code, FileName, OperationError, Outcome},
};

/// The names that one call takes; each costs a look-up, and no account has so many files.
const NAMES_MAX: usize = 1000;

/// Deletes one's own file by its public path; where there is none, nothing happens.
pub(in crate::engine) async fn delete_by_path(
    engine: &Engine,
    caller: &Caller,
    public_path: &str,
) -> Outcome<()> {
    let actor = Actor::of(engine, caller).await?;
    let Some(id) = engine.files().id_of(public_path) else { return Ok(()) };
    let found = file_by_id(engine, &id).await?;
    match found.filter(|found| actor.owns(found.file.user_id.as_deref())) {
        Some(found) => delete_if_there(engine, &found).await,
        None => Ok(()),
    }
}

/// Deletes the files of those names or ids in a bucket, at most [`NAMES_MAX`].
pub(in crate::engine) async fn delete_files(
    engine: &Engine,
    caller: &Caller,
    bucket: &str,
    files: &[String],
) -> Outcome<()> {
    let actor = Actor::of(engine, caller).await?;
    if files.len() > NAMES_MAX {
        return Err(Code::InvalidFieldValue.into());
    }
    let bucket = the_bucket(engine, &actor, bucket).await?;
    for file in files {
        if let Some(found) = find_file(engine, &actor, &bucket, file.trim()).await? {
            delete_if_there(engine, &found).await?;
        }
    }
    Ok(())
}

/// Deletes one file.
pub(in crate::engine) async fn delete_named_file(
    engine: &Engine,
    caller: &Caller,
    name: &FileName,
) -> Outcome<()> {
    let actor = Actor::of(engine, caller).await?;
    let found = the_file(engine, &actor, name).await?;
    delete(engine, &found).await
}

/// Of two deletions at once the second one has nothing to do.
async fn delete_if_there(engine: &Engine, found: &FileRecord) -> Outcome<()> {
    match delete(engine, found).await {
        Err(OperationError::Rejected(refusal)) if refusal.is(Code::FileNotFound) => Ok(()),
        deleted => deleted,
    }
}

async fn delete(engine: &Engine, found: &FileRecord) -> Outcome<()> {
    let mut tx = engine.store().begin().await?;
    let record = lock_file(engine, &mut tx, found).await?;
    delete_row(&mut tx, &record.file.id).await?;
    tx.commit().await?;
    remove_bytes(engine, &record.content_id).await;
    Ok(())
}
