//! The words of the storage (altogic-protocol.md §7): what a client sends, and what it gets.

use serde::{Deserialize, Deserializer, Serialize};

use super::{bodies::text, objects::date};
use crate::port::{Bucket, FileQuery, FileStats, ResultPage, Sort, StorageStats, StoredFile};

/// `create-bucket`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateBucket {
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    #[serde(default)]
    pub is_public: Option<bool>,
    #[serde(default, deserialize_with = "texts")]
    pub tags: Vec<String>,
}

/// `list-buckets`, `search-files` and `bucket/list-files`; only the last one names a bucket.
#[derive(Debug, Deserialize)]
pub struct List {
    #[serde(default, deserialize_with = "text")]
    pub bucket: String,
    #[serde(default)]
    expression: Option<String>,
    #[serde(default)]
    options: Option<ListOptions>,
}

/// How a list is to be given. Fields that mean nothing here are passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListOptions {
    page: Option<u64>,
    limit: Option<u64>,
    sort: Option<IdOrIds<SortEntry>>,
    return_count_info: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct SortEntry {
    field: String,
    #[serde(default)]
    direction: Direction,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    #[default]
    Asc,
    Desc,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum IdOrIds<T> {
    One(T),
    Many(Vec<T>),
}

/// Everything that `bucket/…` calls send; each call reads what it is about.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketCall {
    #[serde(default, deserialize_with = "text")]
    pub bucket: String,
    #[serde(default)]
    pub detailed: Option<bool>,
    #[serde(default)]
    pub include_files: Option<bool>,
    #[serde(default)]
    pub new_name: Option<String>,
    #[serde(default)]
    pub is_public: Option<bool>,
    #[serde(default, deserialize_with = "optional_texts")]
    pub tags: Option<Vec<String>>,
    #[serde(default, deserialize_with = "texts")]
    pub file_names_or_ids: Vec<String>,
}

/// Everything that `bucket/file/…` calls send; each call reads what it is about.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileCall {
    #[serde(default, deserialize_with = "text")]
    pub bucket: String,
    #[serde(default, deserialize_with = "text")]
    pub file: String,
    #[serde(default)]
    pub new_name: Option<String>,
    #[serde(default)]
    pub duplicate_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub bucket_name_or_id: String,
    #[serde(default)]
    pub is_public: Option<bool>,
    #[serde(default, deserialize_with = "optional_texts")]
    pub tags: Option<Vec<String>>,
}

/// `storage/delete-file`: the file's `publicPath`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteFile {
    #[serde(default, deserialize_with = "text")]
    pub file_url: String,
}

/// The query parameter `options` of an upload: JSON in itself. With a form its content type is a
/// meaningless default.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UploadOptions {
    pub create_bucket: Option<bool>,
    pub is_public: Option<bool>,
    #[serde(deserialize_with = "texts")]
    pub tags: Vec<String>,
    #[serde(deserialize_with = "text")]
    pub content_type: String,
}

/// A Node `Buffer` after `JSON.stringify`. Read as it stands, so that its numbers are never more
/// than bytes in memory.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeBuffer {
    #[serde(rename = "type")]
    _type: BufferType,
    data: Vec<u8>,
}

#[derive(Deserialize)]
enum BufferType {
    Buffer,
}

/// The file that the body of `upload-object` or `replace-object` stands for: the bytes of a Node
/// `Buffer`, the text of a JSON string, and otherwise the JSON text itself. The client library
/// sends no body for an empty one. `None` when it is not JSON.
pub fn uploaded_object(body: &[u8]) -> Option<Vec<u8>> {
    if body.is_empty() {
        return Some(Vec::new());
    }
    if let Ok(buffer) = serde_json::from_slice::<NodeBuffer>(body) {
        return Some(buffer.data);
    }
    if let Ok(text) = serde_json::from_slice::<String>(body) {
        return Some(text.into_bytes());
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(body).ok().map(|_| body.to_vec())
}

impl List {
    /// Converts to a query, and whether the answer counts the matches.
    pub fn into_query(self) -> (FileQuery, bool) {
        let options = self.options.unwrap_or_default();
        let sort = match options.sort {
            None => Vec::new(),
            Some(IdOrIds::One(entry)) => vec![entry],
            Some(IdOrIds::Many(entries)) => entries,
        };
        let sort = sort.into_iter().map(|entry| Sort {
            field: entry.field,
            is_descending: entry.direction == Direction::Desc,
        });
        let query = FileQuery {
            expression: self.expression,
            sort: sort.collect(),
            page: options.page,
            limit: options.limit,
        };
        (query, options.return_count_info.unwrap_or_default())
    }
}

/// A bucket; with `stats` when details were asked for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketObject {
    #[serde(rename = "_id")]
    id: String,
    name: String,
    is_public: bool,
    created_at: String,
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<StatsObject>,
}

/// A stored file. The public path is absent while it is private.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileObject {
    #[serde(rename = "_id")]
    id: String,
    bucket_id: String,
    file_name: String,
    size: u64,
    encoding: &'static str,
    mime_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_path: Option<String>,
    is_public: bool,
    uploaded_at: String,
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    tags: Vec<String>,
}

/// How much is stored; sizes in bytes. The names are those of the original's successor (Agnost),
/// whose docs have them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatsObject {
    objects_count: u64,
    total_storage_size: u64,
    average_object_size: u64,
    min_object_size: u64,
    max_object_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets_count: Option<u64>,
}

/// A list: bare, or beside its counts, as every paged answer of the original had them (`countInfo`,
/// `result`).
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ListObject<T> {
    Bare(Vec<T>),
    Counted(CountedList<T>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CountedList<T> {
    count_info: CountInfo,
    result: Vec<T>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CountInfo {
    count: u64,
    total_pages: u64,
    current_page: u64,
    page_size: u64,
}

impl<T> ListObject<T> {
    pub fn new<U: Into<T>>(page: ResultPage<U>, return_count_info: bool) -> Self {
        let count_info = CountInfo {
            count: page.total,
            total_pages: page.total.div_ceil(page.limit.max(1)),
            current_page: page.page,
            page_size: page.limit,
        };
        let result = page.items.into_iter().map(U::into).collect();
        if return_count_info {
            Self::Counted(CountedList { count_info, result })
        } else {
            Self::Bare(result)
        }
    }
}

impl BucketObject {
    /// A bucket with how much is in it.
    pub fn detailed(bucket: Bucket, stats: FileStats) -> Self {
        Self { stats: Some(stats.into()), ..bucket.into() }
    }
}

impl From<Bucket> for BucketObject {
    fn from(bucket: Bucket) -> Self {
        Self {
            id: bucket.id,
            name: bucket.name,
            is_public: bucket.is_public,
            created_at: date(bucket.created_at),
            updated_at: date(bucket.updated_at),
            user_id: bucket.user_id,
            tags: bucket.tags,
            stats: None,
        }
    }
}

impl From<StoredFile> for FileObject {
    fn from(file: StoredFile) -> Self {
        Self {
            id: file.id,
            bucket_id: file.bucket_id,
            file_name: file.file_name,
            size: file.size,
            encoding: "7bit",
            mime_type: file.mime_type,
            public_path: file.public_path,
            is_public: file.is_public,
            uploaded_at: date(file.uploaded_at),
            updated_at: date(file.updated_at),
            user_id: file.user_id,
            tags: file.tags,
        }
    }
}

impl From<FileStats> for StatsObject {
    fn from(stats: FileStats) -> Self {
        Self {
            objects_count: stats.files,
            total_storage_size: stats.total,
            average_object_size: stats.total.checked_div(stats.files).unwrap_or_default(),
            min_object_size: stats.smallest,
            max_object_size: stats.largest,
            buckets_count: None,
        }
    }
}

impl From<StorageStats> for StatsObject {
    fn from(stats: StorageStats) -> Self {
        Self { buckets_count: Some(stats.buckets), ..stats.files.into() }
    }
}

/// Tags and names come as a list or, for one, as a text.
fn texts<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<String>, D::Error> {
    Ok(optional_texts(value)?.unwrap_or_default())
}

fn optional_texts<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(Option::<IdOrIds<String>>::deserialize(value)?.map(|texts| match texts {
        IdOrIds::One(text) => vec![text],
        IdOrIds::Many(texts) => texts,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_javascript_makes_of_a_file_is_understood() {
        for (body, bytes) in [
            (r#"{"type":"Buffer","data":[0,255,7]}"#, Some(&[0, 255, 7][..])),
            (r#"{"data":[1],"type":"Buffer"}"#, Some(&[1][..])),
            (r#""a text""#, Some(b"a text")),
            ("", Some(b"")),
            (r#"{"a":1}"#, Some(br#"{"a":1}"#)),
            (r#"{"type":"Buffer","data":[256]}"#, Some(br#"{"type":"Buffer","data":[256]}"#)),
            ("[1,2]", Some(b"[1,2]")),
            ("{", None),
        ] {
            assert_eq!(uploaded_object(body.as_bytes()).as_deref(), bytes, "{body}");
        }
    }

    #[test]
    fn one_tag_is_a_list_of_one() {
        let call: FileCall = serde_json::from_str(r#"{"tags":"a"}"#).unwrap();
        assert_eq!(call.tags, Some(vec!["a".to_owned()]));
        assert_eq!(serde_json::from_str::<FileCall>(r#"{"tags":null}"#).unwrap().tags, None);
        assert!(serde_json::from_str::<FileCall>(r#"{"tags":[1]}"#).is_err());
    }

    #[test]
    fn a_list_is_sorted_by_one_field_or_many() {
        let body =
            r#"{"options":{"sort":{"field":"size","direction":"desc"},"returnCountInfo":true}}"#;
        let (query, is_counted) = serde_json::from_str::<List>(body).unwrap().into_query();
        assert!(is_counted && query.sort[0].is_descending);
        let body =
            r#"{"expression":null,"options":{"sort":[{"field":"size"},{"field":"fileName"}]}}"#;
        assert_eq!(serde_json::from_str::<List>(body).unwrap().into_query().0.sort.len(), 2);
        assert!(
            serde_json::from_str::<List>(r#"{"options":{"sort":{"field":"a","direction":"up"}}}"#)
                .is_err()
        );
        assert!(serde_json::from_str::<List>(r#"{"options":{"limit":-1}}"#).is_err());
    }
}
