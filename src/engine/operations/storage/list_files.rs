//! Files looked up, listed and searched.

use super::{
    Actor, any_bucket, buckets::STRETCH, find_file, read_file, search::Search, the_bucket, the_file,
};
use crate::{
    engine::{
        Engine,
        files::record::{FileRecord, file_columns},
        store::{Row, values},
    },
    port::{Caller, FileName, FileQuery, Outcome, ResultPage, StoredFile},
};

/// One's own files in all buckets; the operator sees everybody's.
pub(in crate::engine) async fn search_files(
    engine: &Engine,
    caller: &Caller,
    query: FileQuery,
) -> Outcome<ResultPage<StoredFile>> {
    let actor = Actor::of(engine, caller).await?;
    inspect(engine, caller, &actor, None, query).await
}

/// The same in one bucket.
pub(in crate::engine) async fn list_files(
    engine: &Engine,
    caller: &Caller,
    bucket: &str,
    query: FileQuery,
) -> Outcome<ResultPage<StoredFile>> {
    let actor = Actor::of(engine, caller).await?;
    let bucket = the_bucket(engine, &actor, bucket).await?;
    inspect(engine, caller, &actor, Some(bucket.id), query).await
}

/// Whether one has such a file.
pub(in crate::engine) async fn file_exists(
    engine: &Engine,
    caller: &Caller,
    name: &FileName,
) -> Outcome<bool> {
    let actor = Actor::of(engine, caller).await?;
    let Some(bucket) = any_bucket(engine, &name.bucket).await? else { return Ok(false) };
    Ok(find_file(engine, &actor, &bucket, name.file.trim()).await?.is_some())
}

/// Reads the metadata of a file.
pub(in crate::engine) async fn file_info(
    engine: &Engine,
    caller: &Caller,
    name: &FileName,
) -> Outcome<StoredFile> {
    let actor = Actor::of(engine, caller).await?;
    Ok(the_file(engine, &actor, name).await?.file)
}

/// Goes over the files one after another; a quota bounds how many somebody's own are. The
/// expression of a visitor is read and held against them on the thread of the searches.
async fn inspect(
    engine: &Engine,
    caller: &Caller,
    actor: &Actor,
    bucket_id: Option<String>,
    query: FileQuery,
) -> Outcome<ResultPage<StoredFile>> {
    const OWN: &str = concat!("select ", file_columns!(), " from files f where f.user_id = $1");
    const ALL: &str =
        concat!("select ", file_columns!(), " from files f where f.id > $1 order by f.id limit $2");
    let mut search = Search::begin(engine, caller, query, "uploadedAt").await?;
    let mut after = actor.is_operator.then(String::new);
    loop {
        let rows = match &after {
            Some(after) => engine.store().fetch_all(ALL, values![after, STRETCH]).await?,
            None => engine.store().fetch_all(OWN, values![actor.user_id.clone()]).await?,
        };
        let last = rows.last().map(|row| row.text("id")).transpose()?;
        let (files, bucket_id) = (engine.clone(), bucket_id.clone());
        let read = move |row: &Row| read_file(&files, row);
        let in_bucket =
            move |file: &FileRecord| bucket_id.as_ref().is_none_or(|id| file.file.bucket_id == *id);
        search = search.add(engine, rows, read, in_bucket).await?;
        match last {
            Some(last) if after.is_some() => after = Some(last),
            _ => break,
        }
    }
    let page = search.finish(engine).await?;
    let items = page.items.into_iter().map(|record| record.file).collect();
    Ok(ResultPage { items, total: page.total, page: page.page, limit: page.limit })
}
