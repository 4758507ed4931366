//! Buckets: changed, emptied and deleted.

use super::{Actor, buckets::lock_names, reload_bucket, the_bucket};
use crate::{
    engine::{
        Engine,
        files::{
            ROOT_BUCKET,
            names::{changed_tags, parse_bucket_name},
            record::written,
        },
        operations::store_file::{lock_owner, remove_bytes},
        store::{Transaction, damage, values},
    },
    port::{Bucket, BucketChange, Caller, Code, Outcome},
};

/// Renames a bucket, changes its tags, makes it public or private; all or nothing.
pub(in crate::engine) async fn change_bucket(
    engine: &Engine,
    caller: &Caller,
    bucket: &str,
    change: BucketChange,
) -> Outcome<Bucket> {
    let actor = Actor::of(engine, caller).await?;
    let name = change.name.as_deref().map(parse_bucket_name).transpose()?;
    let found = the_bucket(engine, &actor, bucket).await?;
    let mut tx = engine.store().begin().await?;
    lock_names(&mut tx).await?;
    let mut bucket = reload_bucket(&mut tx, &found.id).await?;
    may_change(&mut tx, &actor, &bucket).await?;
    if let Some(name) = name {
        rename(&mut tx, &mut bucket, name).await?;
    }
    if let Some(is_public) = change.is_public {
        publish(engine, &mut tx, &mut bucket, is_public, change.include_files).await?;
    }
    if let Some(tags) = change.tags {
        bucket.tags = changed_tags(&bucket.tags, tags)?;
    }
    bucket.updated_at = engine.now();
    let sql =
        "update buckets set name = $2, is_public = $3, tags = $4, updated_at = $5 where id = $1";
    let tags = written(&bucket.tags);
    let values = values![&bucket.id, &bucket.name, bucket.is_public, tags, bucket.updated_at];
    tx.execute(sql, values).await?;
    tx.commit().await?;
    Ok(bucket)
}

/// Deletes one's own files in a bucket; the operator empties it.
pub(in crate::engine) async fn empty_bucket(
    engine: &Engine,
    caller: &Caller,
    bucket: &str,
) -> Outcome<()> {
    let actor = Actor::of(engine, caller).await?;
    let bucket = the_bucket(engine, &actor, bucket).await?;
    let mut tx = engine.store().begin().await?;
    let emptied = empty(engine, &mut tx, &actor, &bucket).await?;
    tx.commit().await?;
    forget(engine, emptied).await;
    Ok(())
}

/// Deletes a bucket and the files in it.
pub(in crate::engine) async fn delete_bucket(
    engine: &Engine,
    caller: &Caller,
    bucket: &str,
) -> Outcome<()> {
    let actor = Actor::of(engine, caller).await?;
    let found = the_bucket(engine, &actor, bucket).await?;
    if found.id == ROOT_BUCKET {
        return Err(Code::BucketNotYours.into());
    }
    let mut tx = engine.store().begin().await?;
    let emptied = empty(engine, &mut tx, &actor, &found).await?;
    let bucket = reload_bucket(&mut tx, &found.id).await?;
    may_change(&mut tx, &actor, &bucket).await?;
    tx.execute("delete from buckets where id = $1", values![&bucket.id]).await?;
    tx.commit().await?;
    forget(engine, emptied).await;
    Ok(())
}

/// A bucket is changed by who made it, and only while nobody else has a file in it: what others
/// stored there must not become public, private or unknown under its name by somebody else's word.
async fn may_change(tx: &mut Transaction<'_>, actor: &Actor, bucket: &Bucket) -> Outcome<()> {
    if actor.is_operator {
        return Ok(());
    }
    let sql =
        "select id from files where bucket_id = $1 and (user_id is null or user_id <> $2) limit 1";
    let is_own = actor.owns(bucket.user_id.as_deref());
    if !is_own
        || tx.fetch_optional(sql, values![&bucket.id, actor.user_id.clone()]).await?.is_some()
    {
        return Err(Code::BucketNotYours.into());
    }
    Ok(())
}

/// Gives a bucket a name that is free, with the names locked.
async fn rename(tx: &mut Transaction<'_>, bucket: &mut Bucket, name: String) -> Outcome<()> {
    if name == bucket.name {
        return Ok(());
    }
    if bucket.id == ROOT_BUCKET {
        return Err(Code::BucketNotYours.into());
    }
    if tx.fetch_optional("select id from buckets where name = $1", values![&name]).await?.is_some()
    {
        return Err(Code::BucketNotUnique.into());
    }
    bucket.name = name;
    Ok(())
}

/// Says what files in the bucket shall be, those that are there as well when `include_files` says
/// so.
async fn publish(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    bucket: &mut Bucket,
    is_public: bool,
    include_files: bool,
) -> Outcome<()> {
    if bucket.id == ROOT_BUCKET && !is_public {
        return Err(Code::BucketNotYours.into());
    }
    bucket.is_public = is_public;
    if !include_files {
        return Ok(());
    }
    let sql = "select id from files where bucket_id = $1 and is_picture = 0 limit 1";
    if is_public && tx.fetch_optional(sql, values![&bucket.id]).await?.is_some() {
        return Err(Code::FileNotPublishable.into());
    }
    let sql =
        "update files set is_public = $2, updated_at = $3 where bucket_id = $1 and is_public <> $2";
    tx.execute(sql, values![&bucket.id, is_public, engine.now()]).await?;
    Ok(())
}

/// Deletes the rows of the actor's files; gives the ids of their bytes.
async fn empty(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    actor: &Actor,
    bucket: &Bucket,
) -> Outcome<Vec<String>> {
    lock_owner(engine, tx, actor.user_id.as_deref()).await?;
    let all = values![&bucket.id];
    let own = values![&bucket.id, actor.user_id.clone()];
    let rows = if actor.is_operator {
        tx.fetch_all("delete from files where bucket_id = $1 returning content_id", all).await?
    } else {
        let sql = "delete from files where bucket_id = $1 and user_id = $2 returning content_id";
        tx.fetch_all(sql, own).await?
    };
    Ok(damage::whole(&rows, ("files", "content_id"), |row| row.text("content_id"))?)
}

/// Removes the bytes, now that nothing names them any more.
async fn forget(engine: &Engine, content_ids: Vec<String>) {
    for id in content_ids {
        remove_bytes(engine, &id).await;
    }
}
