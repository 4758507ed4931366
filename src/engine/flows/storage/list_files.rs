//! Files looked up, listed and searched.

use super::{Actor, buckets::STRETCH, find_bucket, find_file, the_bucket, the_file};
use crate::{
    engine::{
        Engine,
        files::{
            Selection,
            record::{FileRecord, file_columns},
        },
        store::values,
    },
    port::{Caller, FileName, Outcome, Page, Query, StoredFile},
};

/// One's own files in all buckets; the operator sees everybody's.
pub(in crate::engine) async fn search_files(
    engine: &Engine,
    caller: &Caller,
    query: Query,
) -> Outcome<Page<StoredFile>> {
    let actor = Actor::of(engine, caller).await?;
    look(engine, &actor, None, query).await
}

/// The same in one bucket.
pub(in crate::engine) async fn list_files(
    engine: &Engine,
    caller: &Caller,
    bucket: &str,
    query: Query,
) -> Outcome<Page<StoredFile>> {
    let actor = Actor::of(engine, caller).await?;
    let bucket = the_bucket(engine, bucket).await?;
    look(engine, &actor, Some(&bucket.id), query).await
}

/// Whether one has such a file.
pub(in crate::engine) async fn file_exists(engine: &Engine, caller: &Caller, name: &FileName) -> Outcome<bool> {
    let actor = Actor::of(engine, caller).await?;
    let Some(bucket) = find_bucket(engine, &name.bucket).await? else { return Ok(false) };
    Ok(find_file(engine, &actor, &bucket, name.file.trim()).await?.is_some())
}

/// What is known of a file.
pub(in crate::engine) async fn file_info(engine: &Engine, caller: &Caller, name: &FileName) -> Outcome<StoredFile> {
    let actor = Actor::of(engine, caller).await?;
    Ok(the_file(engine, &actor, name).await?.file)
}

/// Goes over the files one after another; a quota bounds how many somebody's own are.
async fn look(engine: &Engine, actor: &Actor, bucket_id: Option<&str>, query: Query) -> Outcome<Page<StoredFile>> {
    const OWN: &str = concat!("select ", file_columns!(), " from files f where f.user_id = $1");
    const ALL: &str = concat!("select ", file_columns!(), " from files f where f.id > $1 order by f.id limit $2");
    let mut selection = Selection::new(query, "uploadedAt")?;
    let mut add = |record: FileRecord| {
        if bucket_id.is_none_or(|id| record.file.bucket_id == id) {
            selection.add(record);
        }
    };
    let mut after = actor.is_operator.then(String::new);
    loop {
        let rows = match &after {
            Some(after) => engine.store().fetch_all(ALL, values![after, STRETCH]).await?,
            None => engine.store().fetch_all(OWN, values![actor.user_id.clone()]).await?,
        };
        let last = rows.last().map(|row| row.text("id")).transpose()?;
        for row in rows {
            add(FileRecord::read(&row, engine.files())?);
        }
        match last {
            Some(last) if after.is_some() => after = Some(last),
            _ => break,
        }
    }
    let page = selection.finish();
    let items = page.items.into_iter().map(|record| record.file).collect();
    Ok(Page { items, total: page.total, page: page.page, limit: page.limit })
}
