//! Buckets: made, looked up, listed and counted.

use super::{Actor, BUCKETS, find_bucket, search::Search, the_bucket};
use crate::{
    engine::{
        Engine,
        files::{
            BUCKETS_MAX, ROOT_BUCKET,
            names::{changed_tags, parse_bucket_name},
            record::{bucket_columns, read_bucket, written},
        },
        operations::store_file::lock_owner,
        random::new_id,
        store::{Row, StoreError, Transaction, damage, values},
    },
    port::{
        Bucket, Caller, Code, FileQuery, FileStats, NewBucket, Outcome, ResultPage, StorageStats,
        TagChange,
    },
};

/// Rows that are read at a time when a look goes over everybody's.
pub(super) const STRETCH: i64 = 1000;

/// Makes a bucket.
pub(in crate::engine) async fn create_bucket(
    engine: &Engine,
    caller: &Caller,
    new: NewBucket,
) -> Outcome<Bucket> {
    let actor = Actor::of(engine, caller).await?;
    let name = parse_bucket_name(&new.name)?;
    let tags = changed_tags(&[], TagChange::Set(new.tags))?;
    let mut tx = engine.store().begin().await?;
    let made = make_bucket(engine, &mut tx, &actor, NewBucket { name, tags, ..new }).await?;
    tx.commit().await?;
    Ok(made.ok_or(Code::BucketNotUnique)?)
}

/// One's own buckets and `root`; the operator sees everybody's.
pub(in crate::engine) async fn list_buckets(
    engine: &Engine,
    caller: &Caller,
    query: FileQuery,
) -> Outcome<ResultPage<Bucket>> {
    const OWN: &str = concat!(
        "select ",
        bucket_columns!(),
        " from buckets b where b.user_id = $1 or b.id = $2 order by b.id"
    );
    const ALL: &str = concat!(
        "select ",
        bucket_columns!(),
        " from buckets b where b.id > $1 order by b.id limit $2"
    );
    let actor = Actor::of(engine, caller).await?;
    let mut search = Search::begin(engine, caller, query, "createdAt").await?;
    if !actor.is_operator {
        let rows = engine.store().fetch_all(OWN, values![actor.user_id, ROOT_BUCKET]).await?;
        return search.add(engine, rows, read_whole, |_| true).await?.finish(engine).await;
    }
    let mut after = String::new();
    loop {
        let rows = engine.store().fetch_all(ALL, values![&after, STRETCH]).await?;
        let Some(last) = rows.last() else { return search.finish(engine).await };
        after = last.text("id")?;
        search = search.add(engine, rows, read_whole, |_| true).await?;
    }
}

fn read_whole(row: &Row) -> Result<Option<Bucket>, StoreError> {
    damage::one(row, BUCKETS, read_bucket)
}

/// How much one has stored; the operator learns how much there is in all.
pub(in crate::engine) async fn storage_stats(
    engine: &Engine,
    caller: &Caller,
) -> Outcome<StorageStats> {
    let actor = Actor::of(engine, caller).await?;
    let buckets = if actor.is_operator {
        engine.store().fetch_optional("select count(*) as buckets from buckets", values![]).await?
    } else {
        let sql = "select count(*) as buckets from buckets where user_id = $1 or id = $2";
        engine.store().fetch_optional(sql, values![actor.user_id.clone(), ROOT_BUCKET]).await?
    };
    let buckets = buckets
        .ok_or(StoreError::Corrupt { column: "buckets" })?
        .integer("buckets")?
        .unsigned_abs();
    Ok(StorageStats { buckets, files: stats(engine, &actor, None).await? })
}

/// Whether there is such a bucket.
pub(in crate::engine) async fn bucket_exists(
    engine: &Engine,
    caller: &Caller,
    bucket: &str,
) -> Outcome<bool> {
    let actor = Actor::of(engine, caller).await?;
    Ok(find_bucket(engine, &actor, bucket).await?.is_some())
}

/// A bucket by its name or id.
pub(in crate::engine) async fn bucket_info(
    engine: &Engine,
    caller: &Caller,
    bucket: &str,
) -> Outcome<Bucket> {
    let actor = Actor::of(engine, caller).await?;
    the_bucket(engine, &actor, bucket).await
}

/// How much one has stored in a bucket.
pub(in crate::engine) async fn bucket_stats(
    engine: &Engine,
    caller: &Caller,
    bucket: &str,
) -> Outcome<FileStats> {
    let actor = Actor::of(engine, caller).await?;
    let bucket = the_bucket(engine, &actor, bucket).await?;
    stats(engine, &actor, Some(&bucket.id)).await
}

/// Writes the row of a bucket, names and tags judged already; `None` when there is one of that
/// name.
///
/// # Errors
/// `TooManyBuckets`.
pub(super) async fn make_bucket(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    actor: &Actor,
    new: NewBucket,
) -> Outcome<Option<Bucket>> {
    lock_owner(engine, tx, actor.user_id.as_deref()).await?;
    lock_names(tx).await?;
    let sql = "select count(*) as buckets from buckets where user_id = $1";
    let own = tx.fetch_optional(sql, values![actor.user_id.clone()]).await?;
    if own.map_or(Ok(0), |row| row.integer("buckets"))? >= BUCKETS_MAX {
        return Err(Code::TooManyBuckets.into());
    }
    let now = engine.now();
    let bucket = Bucket {
        id: new_id(engine.random()),
        name: new.name,
        is_public: new.is_public,
        tags: new.tags,
        user_id: actor.user_id.clone(),
        created_at: now,
        updated_at: now,
    };
    let sql = "insert into buckets (id, name, is_public, tags, user_id, created_at, updated_at) \
               values ($1, $2, $3, $4, $5, $6, $6) on conflict (name) do nothing";
    let tags = written(&bucket.tags);
    let values =
        values![&bucket.id, &bucket.name, bucket.is_public, tags, bucket.user_id.clone(), now];
    Ok((tx.execute(sql, values).await? == 1).then_some(bucket))
}

/// Everybody who gives a bucket a name waits here, so that a name is free until it is written.
/// Buckets are rarely made.
pub(super) async fn lock_names(tx: &mut Transaction<'_>) -> Result<(), StoreError> {
    tx.execute("update buckets set updated_at = updated_at where id = $1", values![ROOT_BUCKET])
        .await?;
    Ok(())
}

async fn stats(engine: &Engine, actor: &Actor, bucket_id: Option<&str>) -> Outcome<FileStats> {
    macro_rules! sums {
        ($from:literal) => {
            concat!(
                "select count(*) as files, cast(coalesce(sum(size), 0) as bigint) as total, \
                 coalesce(min(size), 0) as smallest, coalesce(max(size), 0) as largest from files",
                $from
            )
        };
    }
    let own = actor.user_id.clone();
    let (sql, values) = match (actor.is_operator, bucket_id) {
        (true, None) => (sums!(""), values![]),
        (true, Some(bucket)) => (sums!(" where bucket_id = $1"), values![bucket]),
        (false, None) => (sums!(" where user_id = $1"), values![own]),
        (false, Some(bucket)) => {
            (sums!(" where user_id = $1 and bucket_id = $2"), values![own, bucket])
        }
    };
    let row = engine
        .store()
        .fetch_optional(sql, values)
        .await?
        .ok_or(StoreError::Corrupt { column: "files" })?;
    Ok(read_stats(&row)?)
}

fn read_stats(row: &Row) -> Result<FileStats, StoreError> {
    let number = |column| Ok::<u64, StoreError>(row.integer(column)?.unsigned_abs());
    Ok(FileStats {
        files: number("files")?,
        total: number("total")?,
        smallest: number("smallest")?,
        largest: number("largest")?,
    })
}
