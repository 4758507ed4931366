//! Buckets and files of applications (altogic-protocol.md §7): the verbs of
//! [`Storage`](crate::port::Storage).
//!
//! Who may do what is said there and decided here, in [`Actor`].

mod buckets;
mod change_bucket;
mod change_file;
mod copy_file;
mod delete_files;
mod fetch;
mod list_files;
mod search;
mod upload;

pub(in crate::engine) use buckets::{
    bucket_exists, bucket_info, bucket_stats, create_bucket, list_buckets, storage_stats,
};
pub(in crate::engine) use change_bucket::{change_bucket, delete_bucket, empty_bucket};
pub(in crate::engine) use change_file::{change_file, move_file, replace_file};
pub(in crate::engine) use copy_file::{copy_file, duplicate_file};
pub(in crate::engine) use delete_files::{delete_by_path, delete_files, delete_named_file};
pub(in crate::engine) use fetch::{download_file, public_file};
pub(in crate::engine) use list_files::{file_exists, file_info, list_files, search_files};
pub(in crate::engine) use upload::upload;

use super::store_file::lock_owner;
use crate::{
    engine::{
        Engine,
        files::{
            ROOT_BUCKET,
            record::{FileRecord, bucket_columns, file_columns, read_bucket},
        },
        limits::{self, LimitedAction},
        store::{Row, StoreError, Transaction, damage, values},
    },
    port::{Bucket, Caller, Code, FileName, Outcome},
};

const BY_ID: &str = concat!("select ", file_columns!(), " from files f where f.id = $1");

/// Actor on the storage: a signed-in user, the operator's program, or that program for a signed-in
/// user.
struct Actor {
    user_id: Option<String>,
    is_operator: bool,
}

impl Actor {
    /// # Errors
    /// `MissingSessionToken` or `InvalidSessionToken`; the operator's program needs no session, but
    /// none that is dead.
    async fn of(engine: &Engine, caller: &Caller) -> Outcome<Self> {
        let is_operator = caller.is_operator;
        if is_operator && caller.session.is_none() {
            return Ok(Self { user_id: None, is_operator });
        }
        Ok(Self {
            user_id: Some(engine.current(caller).await?.signed_in_user.user.id),
            is_operator,
        })
    }

    /// Whether this is theirs to see and to change.
    fn owns(&self, user_id: Option<&str>) -> bool {
        self.is_operator || (user_id.is_some() && self.user_id.as_deref() == user_id)
    }

    /// Whether they may know of a bucket and put files there: a private one is only for who made
    /// it.
    fn sees(&self, bucket: &Bucket) -> bool {
        bucket.is_public || bucket.id == ROOT_BUCKET || self.owns(bucket.user_id.as_deref())
    }

    /// Whether they may put a file there. Somebody else's private bucket is like one that never was
    /// (S61).
    ///
    /// # Errors
    /// `BucketNotFound`.
    fn may_fill(&self, bucket: &Bucket) -> Result<(), Code> {
        if self.sees(bucket) { Ok(()) } else { Err(Code::BucketNotFound) }
    }

    /// Takes one from the allowance of what writes files.
    ///
    /// # Errors
    /// `RateLimitExceeded`.
    fn take_upload(&self, engine: &Engine) -> Outcome<()> {
        match &self.user_id {
            Some(id) if !self.is_operator => engine
                .limits()
                .take(LimitedAction::UploadToAccount, id, engine.now())
                .map_err(limits::exceeded),
            _ => Ok(()),
        }
    }
}

/// Where the log finds a damaged bucket.
const BUCKETS: (&str, &str) = ("buckets", "id");

/// The bucket of that name or id, if the actor may know of it.
async fn find_bucket(engine: &Engine, actor: &Actor, bucket: &str) -> Outcome<Option<Bucket>> {
    Ok(any_bucket(engine, bucket).await?.filter(|bucket| actor.sees(bucket)))
}

/// The bucket of that name or id, whosever it is.
async fn any_bucket(engine: &Engine, bucket: &str) -> Outcome<Option<Bucket>> {
    const SQL: &str =
        concat!("select ", bucket_columns!(), " from buckets b where b.id = $1 or b.name = $1");
    if !is_sayable(bucket) {
        return Ok(None);
    }
    let row = engine.store().fetch_optional(SQL, values![bucket.trim()]).await?;
    Ok(row.map(|row| damage::one(&row, BUCKETS, read_bucket)).transpose()?.flatten())
}

/// PostgreSQL has no text with this in it, so there is nothing of that name.
fn is_sayable(name: &str) -> bool {
    !name.contains('\0')
}

/// As [`find_bucket`], where there must be one.
async fn the_bucket(engine: &Engine, actor: &Actor, bucket: &str) -> Outcome<Bucket> {
    Ok(find_bucket(engine, actor, bucket).await?.ok_or(Code::BucketNotFound)?)
}

/// The bucket as it is now.
async fn reload_bucket(tx: &mut Transaction<'_>, id: &str) -> Outcome<Bucket> {
    const SQL: &str = concat!("select ", bucket_columns!(), " from buckets b where b.id = $1");
    let row = tx.fetch_optional(SQL, values![id]).await?.ok_or(Code::BucketNotFound)?;
    Ok(damage::one(&row, BUCKETS, read_bucket)?.ok_or(Code::BucketNotFound)?)
}

/// A file of the actor's own in that bucket, by its id or its name. Somebody else's is like one
/// that never was (S61).
async fn find_file(
    engine: &Engine,
    actor: &Actor,
    bucket: &Bucket,
    file: &str,
) -> Outcome<Option<FileRecord>> {
    const BY_ID_THERE: &str =
        concat!("select ", file_columns!(), " from files f where f.id = $1 and f.bucket_id = $2");
    const BY_NAME: &str = concat!(
        "select ",
        file_columns!(),
        " from files f where f.file_name = $1 and f.bucket_id = $2"
    );
    if !is_sayable(file) {
        return Ok(None);
    }
    for sql in [BY_ID_THERE, BY_NAME] {
        let Some(row) = engine.store().fetch_optional(sql, values![file, &bucket.id]).await? else {
            continue;
        };
        let Some(record) = read_file(engine, &row)? else { continue };
        if actor.owns(record.file.user_id.as_deref()) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// As [`find_file`], where there must be one. One's own file is found in a bucket that has become
/// private, too; what is not there says no more of that bucket than of one that never was.
async fn the_file(engine: &Engine, actor: &Actor, name: &FileName) -> Outcome<FileRecord> {
    let bucket = any_bucket(engine, &name.bucket).await?.ok_or(Code::BucketNotFound)?;
    let missing = if actor.sees(&bucket) { Code::FileNotFound } else { Code::BucketNotFound };
    Ok(find_file(engine, actor, &bucket, name.file.trim()).await?.ok_or(missing)?)
}

/// The file of that id, whosever it is.
async fn file_by_id(engine: &Engine, id: &str) -> Outcome<Option<FileRecord>> {
    let row = engine.store().fetch_optional(BY_ID, values![id]).await?;
    Ok(row.map(|row| read_file(engine, &row)).transpose()?.flatten())
}

/// The file as it is now, and nobody else at it: its owner is locked.
async fn lock_file(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    found: &FileRecord,
) -> Outcome<FileRecord> {
    lock_owner(engine, tx, found.file.user_id.as_deref()).await?;
    let row = tx.fetch_optional(BY_ID, values![&found.file.id]).await?.ok_or(Code::FileNotFound)?;
    Ok(read_file(engine, &row)?.ok_or(Code::FileNotFound)?)
}

/// The file of a row; `None` for a damaged one.
fn read_file(engine: &Engine, row: &Row) -> Result<Option<FileRecord>, StoreError> {
    damage::one(row, ("files", "id"), |row| FileRecord::read(row, engine.files()))
}
