//! Buckets and files as their rows know them.

use crate::{
    engine::{
        files::{
            FileLocations, date,
            expression::{FieldSource, FieldValue},
        },
        store::{Row, StoreError},
    },
    port::{Bucket, StoredFile},
};

/// The columns of [`FileRecord::read`], from `files f`.
macro_rules! file_columns {
    () => {
        "f.id, f.bucket_id, f.content_id, f.file_name, f.size, f.mime_type, f.is_picture, \
         f.is_public, f.tags, \
         f.user_id, f.uploaded_at, f.updated_at"
    };
}
pub(in crate::engine) use file_columns;

/// The columns of [`read_bucket`], from `buckets b`.
macro_rules! bucket_columns {
    () => {
        "b.id, b.name, b.is_public, b.tags, b.user_id, b.created_at, b.updated_at"
    };
}
pub(in crate::engine) use bucket_columns;

/// A file, and what only the backend knows of it. Its `public_path` is there only while it is
/// public.
#[derive(Debug, Clone)]
pub(in crate::engine) struct FileRecord {
    pub(in crate::engine) file: StoredFile,
    /// Under which id its bytes lie.
    pub(in crate::engine) content_id: String,
    /// Whether the bytes were encoded by us: whether it may be public.
    pub(in crate::engine) is_picture: bool,
}

impl FileRecord {
    pub(in crate::engine) fn read(row: &Row, files: &FileLocations) -> Result<Self, StoreError> {
        let mut record = Self {
            content_id: row.text("content_id")?,
            is_picture: row.integer("is_picture")? != 0,
            file: StoredFile {
                id: row.text("id")?,
                bucket_id: row.text("bucket_id")?,
                file_name: row.text("file_name")?,
                size: row.integer("size")?.unsigned_abs(),
                mime_type: row.text("mime_type")?,
                is_public: row.integer("is_public")? != 0,
                public_path: None,
                tags: read_tags(row)?,
                uploaded_at: row.time("uploaded_at")?,
                updated_at: row.time("updated_at")?,
                user_id: row.optional_text("user_id")?,
            },
        };
        record.name_path(files);
        Ok(record)
    }

    /// Says where the file can be fetched, after anything changed that this depends on. A file
    /// whose bytes were replaced has a version in its path, so that no cache shows the former ones.
    pub(in crate::engine) fn name_path(&mut self, files: &FileLocations) {
        let Self { file, content_id, is_picture } = self;
        let version = (*content_id != file.id).then_some(content_id.as_str());
        let is_served = file.is_public && *is_picture;
        file.public_path = is_served.then(|| files.public_path(&file.bucket_id, &file.id, version));
    }
}

/// The bucket of a row.
pub(in crate::engine) fn read_bucket(row: &Row) -> Result<Bucket, StoreError> {
    Ok(Bucket {
        id: row.text("id")?,
        name: row.text("name")?,
        is_public: row.integer("is_public")? != 0,
        tags: read_tags(row)?,
        user_id: row.optional_text("user_id")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// Tags as they are written into a row.
pub(in crate::engine) fn written(tags: &[String]) -> String {
    serde_json::Value::from(tags).to_string()
}

fn read_tags(row: &Row) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(&row.text("tags")?).map_err(|_| StoreError::Corrupt { column: "tags" })
}

impl FieldSource for FileRecord {
    const NAMES: &'static [&'static str] = &[
        "_id",
        "bucketId",
        "fileName",
        "isPublic",
        "size",
        "encoding",
        "mimeType",
        "publicPath",
        "userId",
        "tags",
        "uploadedAt",
        "updatedAt",
    ];

    fn field(&self, name: &str) -> FieldValue {
        let file = &self.file;
        match name {
            "_id" => text(&file.id),
            "bucketId" => text(&file.bucket_id),
            "fileName" => text(&file.file_name),
            "isPublic" => FieldValue::Flag(file.is_public),
            // No file has more than 8 MB.
            "size" => u32::try_from(file.size)
                .map_or(FieldValue::Nothing, |size| FieldValue::Number(f64::from(size))),
            "encoding" => text("7bit"),
            "mimeType" => text(&file.mime_type),
            "publicPath" => file.public_path.as_deref().map_or(FieldValue::Nothing, text),
            "userId" => file.user_id.as_deref().map_or(FieldValue::Nothing, text),
            "tags" => FieldValue::List(file.tags.clone()),
            "uploadedAt" => FieldValue::Text(date(file.uploaded_at)),
            "updatedAt" => FieldValue::Text(date(file.updated_at)),
            _ => FieldValue::Nothing,
        }
    }
}

impl FieldSource for Bucket {
    const NAMES: &'static [&'static str] =
        &["_id", "name", "isPublic", "userId", "tags", "createdAt", "updatedAt"];

    fn field(&self, name: &str) -> FieldValue {
        match name {
            "_id" => text(&self.id),
            "name" => text(&self.name),
            "isPublic" => FieldValue::Flag(self.is_public),
            "userId" => self.user_id.as_deref().map_or(FieldValue::Nothing, text),
            "tags" => FieldValue::List(self.tags.clone()),
            "createdAt" => FieldValue::Text(date(self.created_at)),
            "updatedAt" => FieldValue::Text(date(self.updated_at)),
            _ => FieldValue::Nothing,
        }
    }
}

fn text(text: &str) -> FieldValue {
    FieldValue::Text(text.to_owned())
}
