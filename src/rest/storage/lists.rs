//! Buckets and files, listed.

use super::asker;
use crate::{
    protocol::storage::{BucketObject, FileObject, List, ListObject},
    rest::{
        call::Call,
        reply::{Reply, json},
    },
};

/// `/list-buckets`.
pub(in crate::rest) async fn buckets(mut call: Call) -> Reply {
    let caller = asker(&call)?;
    let (query, is_counted) = call.json::<List>().await?.into_query();
    let page = call.backend.list_buckets(caller, query).await?;
    json(&ListObject::<BucketObject>::new(page, is_counted))
}

/// `/search-files`.
pub(in crate::rest) async fn search_files(mut call: Call) -> Reply {
    let caller = asker(&call)?;
    let (query, is_counted) = call.json::<List>().await?.into_query();
    let page = call.backend.search_files(caller, query).await?;
    json(&ListObject::<FileObject>::new(page, is_counted))
}

/// `/bucket/list-files`.
pub(in crate::rest) async fn files(mut call: Call) -> Reply {
    let caller = asker(&call)?;
    let mut body: List = call.json().await?;
    let bucket = std::mem::take(&mut body.bucket);
    let (query, is_counted) = body.into_query();
    let page = call.backend.list_files(caller, bucket, query).await?;
    json(&ListObject::<FileObject>::new(page, is_counted))
}
