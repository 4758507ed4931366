//! Buckets: made, looked up, changed, emptied and deleted.

use super::asker;
use crate::{
    port::{BucketChange, NewBucket, TagChange},
    protocol::storage::{BucketCall, BucketObject, CreateBucket, StatsObject},
    rest::{
        call::Call,
        reply::{Reply, done, json},
    },
};

/// `/create-bucket`.
pub(in crate::rest) async fn create(mut call: Call) -> Reply {
    let caller = asker(&call)?;
    let body: CreateBucket = call.json().await?;
    let bucket =
        NewBucket { name: body.name, is_public: body.is_public.unwrap_or(true), tags: body.tags };
    json(&BucketObject::from(call.backend.create_bucket(caller, bucket).await?))
}

/// `/stats`: a `GET`, and a `POST` of older clients.
pub(in crate::rest) async fn stats(call: Call) -> Reply {
    let caller = asker(&call)?;
    json(&StatsObject::from(call.backend.storage_stats(caller).await?))
}

/// `/bucket/exists`: the bare word `true` or `false`.
pub(in crate::rest) async fn exists(mut call: Call) -> Reply {
    let caller = asker(&call)?;
    let body: BucketCall = call.json().await?;
    json(&call.backend.bucket_exists(caller, body.bucket).await?)
}

/// `/bucket/get`: with `stats` when `detailed`.
pub(in crate::rest) async fn get(mut call: Call) -> Reply {
    let caller = asker(&call)?;
    let body: BucketCall = call.json().await?;
    let bucket = call.backend.bucket_info(caller.clone(), body.bucket).await?;
    if !body.detailed.unwrap_or_default() {
        return json(&BucketObject::from(bucket));
    }
    let stats = call.backend.bucket_stats(caller, bucket.id.clone()).await?;
    json(&BucketObject::detailed(bucket, stats))
}

/// `/bucket/empty`.
pub(in crate::rest) async fn empty(mut call: Call) -> Reply {
    let caller = asker(&call)?;
    let body: BucketCall = call.json().await?;
    call.backend.empty_bucket(caller, body.bucket).await?;
    done()
}

/// `/bucket/delete`.
pub(in crate::rest) async fn delete(mut call: Call) -> Reply {
    let caller = asker(&call)?;
    let body: BucketCall = call.json().await?;
    call.backend.delete_bucket(caller, body.bucket).await?;
    done()
}

/// `/bucket/rename`.
pub(in crate::rest) async fn rename(call: Call) -> Reply {
    // Without a name it is refused like one that is empty.
    change(call, |body| BucketChange {
        name: Some(body.new_name.unwrap_or_default()),
        ..BucketChange::default()
    })
    .await
}

/// `/bucket/make-public`.
pub(in crate::rest) async fn make_public(call: Call) -> Reply {
    change(call, |body| publish(&body, true)).await
}

/// `/bucket/make-private`.
pub(in crate::rest) async fn make_private(call: Call) -> Reply {
    change(call, |body| publish(&body, false)).await
}

/// `/bucket/add-tags`.
pub(in crate::rest) async fn add_tags(call: Call) -> Reply {
    change(call, |body| tag(TagChange::Add(body.tags.unwrap_or_default()))).await
}

/// `/bucket/remove-tags`.
pub(in crate::rest) async fn remove_tags(call: Call) -> Reply {
    change(call, |body| tag(TagChange::Remove(body.tags.unwrap_or_default()))).await
}

/// `/bucket/update`: what is missing stays as it is.
pub(in crate::rest) async fn update(call: Call) -> Reply {
    change(call, |body| BucketChange {
        name: body.new_name,
        is_public: body.is_public,
        include_files: body.include_files.unwrap_or_default(),
        tags: body.tags.map(TagChange::Set),
    })
    .await
}

async fn change(mut call: Call, read: impl FnOnce(BucketCall) -> BucketChange) -> Reply {
    let caller = asker(&call)?;
    let mut body: BucketCall = call.json().await?;
    let bucket = std::mem::take(&mut body.bucket);
    json(&BucketObject::from(call.backend.change_bucket(caller, bucket, read(body)).await?))
}

fn publish(body: &BucketCall, is_public: bool) -> BucketChange {
    let include_files = body.include_files.unwrap_or_default();
    BucketChange { is_public: Some(is_public), include_files, ..BucketChange::default() }
}

fn tag(change: TagChange) -> BucketChange {
    BucketChange { tags: Some(change), ..BucketChange::default() }
}
