//! Keeping a file: bytes, quota and row. What pictures of accounts and files of applications have
//! in common.
//!
//! A row that changes its name, its bucket or its bytes is deleted and written anew in one
//! transaction: so that every name is decided by the same insertion, and by nothing that was looked
//! at before. The row of the owner is locked meanwhile.

use crate::{
    engine::{
        Engine,
        files::{
            BYTES_MAX, FILES_MAX, TOTAL_MAX,
            record::{FileRecord, written},
        },
        store::{StoreError, Transaction, values},
    },
    port::{Code, Failure, Outcome},
};

/// How many numbers are tried to make a name unique; each one is a look into the index.
const NUMBERS: u32 = 20;

/// Writes the bytes, whole and durable.
pub(super) async fn write_bytes(
    engine: &Engine,
    content_id: &str,
    bytes: Vec<u8>,
) -> Result<(), Failure> {
    engine.files().bytes.put(content_id, bytes).await.map_err(disk_error)
}

/// Removes the bytes of a file that was not recorded. When a commit got no answer its row may be
/// there all the same; then the bytes stay, for a row without bytes must not be.
pub(super) async fn take_back(engine: &Engine, content_id: &str) {
    let row = engine
        .store()
        .fetch_optional("select id from files where content_id = $1", values![content_id])
        .await;
    if matches!(row, Ok(None)) {
        remove_bytes(engine, content_id).await;
    }
}

/// Removes bytes that no row names (any more). What cannot be removed now is swept later.
pub(super) async fn remove_bytes(engine: &Engine, content_id: &str) {
    if let Err(error) = engine.files().bytes.delete(content_id).await {
        tracing::warn!("a file without a row could not be removed yet: {error}");
    }
}

/// A full or failing disk may be mended; nothing was acknowledged (R06, R07).
pub(super) fn disk_error(error: std::io::Error) -> Failure {
    Failure::unavailable(std::time::Duration::from_secs(30), error)
}

/// Locks the row of the owner, so that of two things at once each sees what the other one did.
/// Files of the operator's program have no owner to lock.
pub(super) async fn lock_owner(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    user_id: Option<&str>,
) -> Result<(), StoreError> {
    let sql = "update users set updated_at = $2 where id = $1";
    tx.execute(sql, values![user_id, engine.now()]).await?;
    Ok(())
}

/// Whether there is room for one more file, with its owner locked. What all files take together is
/// counted without a lock: uploads at the same moment may go over that one by as much as they are.
///
/// # Errors
/// `StorageFull` over the quota of the account, or of all.
pub(super) async fn check_quota(tx: &mut Transaction<'_>, file: &FileRecord) -> Outcome<()> {
    let size = size_of(file)?;
    // A damaged size counts as none, so that it fills nobody's quota.
    let sql = "select count(*) as files, cast(coalesce(sum(case when size between 0 and $2 then \
               size else 0 end), 0) \
               as bigint) as bytes from files where user_id = $1";
    let used = tx
        .fetch_optional(sql, values![file.file.user_id.clone(), TOTAL_MAX])
        .await?
        .ok_or(NO_ANSWER)?;
    let is_full = used.integer("files")? >= FILES_MAX || used.integer("bytes")? + size > BYTES_MAX;
    let sql = "select cast(coalesce(sum(case when size between 0 and $1 then size else 0 end), 0) \
               as bigint) as bytes \
               from files";
    let total = tx.fetch_optional(sql, values![TOTAL_MAX]).await?.ok_or(NO_ANSWER)?;
    if is_full || total.integer("bytes")? + size > TOTAL_MAX {
        return Err(Code::StorageFull.into());
    }
    Ok(())
}

/// Writes the row under a name that is free in its bucket: `name`, `name (1)`, `name (2)` …, and
/// when [`NUMBERS`] are taken, the id for a number. Everybody shares the buckets, so a usual name
/// may be taken any number of times.
pub(super) async fn insert(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    record: &mut FileRecord,
) -> Outcome<()> {
    let name = record.file.file_name.clone();
    let numbers = (1..=NUMBERS).map(|number| number.to_string()).chain([record.file.id.clone()]);
    for name in std::iter::once(name.clone()).chain(numbers.map(|number| numbered(&name, &number)))
    {
        record.file.file_name = name;
        if insert_as_named(tx, record).await? {
            record.name_path(engine.files());
            return Ok(());
        }
    }
    Err(Failure::broken("the id of a file is in the name of another one").into())
}

/// Deletes a row; answers whether there was one.
pub(super) async fn delete_row(tx: &mut Transaction<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("delete from files where id = $1", values![id]).await? == 1)
}

async fn insert_as_named(tx: &mut Transaction<'_>, record: &FileRecord) -> Outcome<bool> {
    let file = &record.file;
    let sql = "insert into files (id, bucket_id, content_id, file_name, size, mime_type, \
               is_picture, is_public, tags, \
               user_id, uploaded_at, updated_at) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (bucket_id, \
               file_name) do nothing";
    let values = values![
        &file.id,
        &file.bucket_id,
        &record.content_id,
        &file.file_name,
        size_of(record)?,
        &file.mime_type,
        record.is_picture,
        file.is_public,
        written(&file.tags),
        file.user_id.clone(),
        file.uploaded_at,
        file.updated_at,
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// A sum always has one row.
const NO_ANSWER: StoreError = StoreError::Corrupt { column: "bytes" };

fn size_of(record: &FileRecord) -> Result<i64, Failure> {
    i64::try_from(record.file.size).map_err(Failure::broken)
}

fn numbered(name: &str, number: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem} ({number}).{extension}"),
        _ => format!("{name} ({number})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_gets_a_number_before_its_extension() {
        assert_eq!(numbered("me.png", "2"), "me (2).png");
        assert_eq!(numbered("me", "1"), "me (1)");
        assert_eq!(numbered(".png", "1"), ".png (1)");
    }
}
