//! Storing a file.

use super::{Actor, buckets::make_bucket, find_bucket, reload_bucket};
use crate::{
    engine::{
        Engine,
        files::{
            Framing, check_size, is_of_a_format,
            names::{changed_tags, parse_bucket_name, parse_file_name, parse_mime_type},
            record::FileRecord,
        },
        operations::store_file::{check_quota, insert, lock_owner, take_back, write_bytes},
        random::new_id,
        store::{Transaction, values},
    },
    port::{
        Bucket, Caller, Code, Content, NewBucket, OperationError, Outcome, StoredFile, TagChange,
        Upload,
    },
};

/// Bytes as they are kept, and what they are.
pub(super) struct Prepared {
    pub(super) bytes: Vec<u8>,
    pub(super) mime_type: String,
    pub(super) is_picture: bool,
}

/// Where a file goes.
enum UploadTarget {
    There(Bucket),
    /// A bucket of that name is made with the file. It is public, whatever the file is: others may
    /// share it.
    New(String),
}

/// Stores a file in a bucket, under a name that is free there.
pub(in crate::engine) async fn upload(
    engine: &Engine,
    caller: &Caller,
    upload: Upload,
) -> Outcome<StoredFile> {
    let actor = Actor::of(engine, caller).await?;
    let file_name = parse_file_name(&upload.file_name)?;
    let tags = changed_tags(&[], TagChange::Set(upload.tags))?;
    let place = place(engine, &actor, &upload.bucket, upload.create_bucket).await?;
    let is_public = upload.is_public.unwrap_or_else(|| place.is_public());
    actor.take_upload(engine)?;
    let prepared = prepare(engine, upload.content, is_public).await?;
    let (id, now) = (new_id(engine.random()), engine.now());
    let record = FileRecord {
        content_id: id.clone(),
        is_picture: prepared.is_picture,
        file: StoredFile {
            id: id.clone(),
            bucket_id: String::new(),
            file_name,
            size: u64::try_from(prepared.bytes.len()).unwrap_or(u64::MAX),
            mime_type: prepared.mime_type,
            is_public,
            public_path: None,
            tags,
            uploaded_at: now,
            updated_at: now,
            user_id: actor.user_id.clone(),
        },
    };
    write_bytes(engine, &id, prepared.bytes).await?;
    let stored = keep(engine, &actor, place, record).await;
    if stored.is_err() {
        take_back(engine, &id).await;
    }
    stored
}

/// Makes bytes what they are kept as: a picture is encoded again, anything else stays as it is and
/// is private.
///
/// # Errors
/// `FileNotPublishable` for what is no picture and should be public; `PictureTooLarge` for
/// everything too large.
pub(super) async fn prepare(
    engine: &Engine,
    content: Content,
    is_public: bool,
) -> Outcome<Prepared> {
    let Content { bytes, mime_type } = content;
    if is_public || !bytes.is_empty() {
        check_size(&bytes)?;
    }
    if !is_of_a_format(&bytes) {
        return if is_public {
            Err(Code::FileNotPublishable.into())
        } else {
            Ok(as_it_is(bytes, &mime_type))
        };
    }
    // A picture that cannot be read, or is too large to be, is kept for its owner like any other
    // file.
    let spare = if is_public { Vec::new() } else { bytes.clone() };
    match engine.files().image_pool.reencode(bytes, Framing::Whole).await {
        Ok(picture) => Ok(Prepared {
            bytes: picture.bytes,
            mime_type: picture.mime_type.to_owned(),
            is_picture: true,
        }),
        Err(OperationError::Rejected(_)) if !is_public => Ok(as_it_is(spare, &mime_type)),
        Err(error) => Err(error),
    }
}

fn as_it_is(bytes: Vec<u8>, mime_type: &str) -> Prepared {
    Prepared { bytes, mime_type: parse_mime_type(mime_type), is_picture: false }
}

async fn place(
    engine: &Engine,
    actor: &Actor,
    bucket: &str,
    create_bucket: bool,
) -> Outcome<UploadTarget> {
    match find_bucket(engine, actor, bucket).await? {
        Some(bucket) => Ok(UploadTarget::There(bucket)),
        None if create_bucket => Ok(UploadTarget::New(parse_bucket_name(bucket)?)),
        None => Err(Code::BucketNotFound.into()),
    }
}

impl UploadTarget {
    fn is_public(&self) -> bool {
        match self {
            Self::There(bucket) => bucket.is_public,
            Self::New(_) => true,
        }
    }
}

async fn keep(
    engine: &Engine,
    actor: &Actor,
    place: UploadTarget,
    mut record: FileRecord,
) -> Outcome<StoredFile> {
    let mut tx = engine.store().begin().await?;
    lock_owner(engine, &mut tx, actor.user_id.as_deref()).await?;
    let bucket = match place {
        UploadTarget::There(bucket) => reload_bucket(&mut tx, &bucket.id).await?,
        UploadTarget::New(name) => there_or_made(engine, &mut tx, actor, name).await?,
    };
    // It may have become private meanwhile, or have been made by somebody else.
    actor.may_fill(&bucket)?;
    record.file.bucket_id = bucket.id;
    check_quota(&mut tx, &record).await?;
    insert(engine, &mut tx, &mut record).await?;
    tx.commit().await?;
    Ok(record.file)
}

async fn there_or_made(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    actor: &Actor,
    name: String,
) -> Outcome<Bucket> {
    let new = NewBucket { name: name.clone(), is_public: true, tags: Vec::new() };
    if let Some(bucket) = make_bucket(engine, tx, actor, new).await? {
        return Ok(bucket);
    }
    let row = tx.fetch_optional("select id from buckets where name = $1", values![name]).await?;
    let there = reload_bucket(tx, &row.ok_or(Code::BucketNotFound)?.text("id")?).await?;
    // Names are shared by everybody: somebody else's private bucket has this one, as
    // `create_bucket` says of it.
    if actor.sees(&there) { Ok(there) } else { Err(Code::BucketNotUnique.into()) }
}
