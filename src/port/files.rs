//! Files that people store, the buckets they lie in, and what anybody may fetch
//! (altogic-protocol.md §7).

use jiff::Timestamp;

/// A bucket. Everybody knows it by its name; it belongs to who made it, and `root` to nobody.
#[derive(Debug, Clone)]
pub struct Bucket {
    pub id: String,
    pub name: String,
    /// Whether a file that does not say otherwise is public here.
    pub is_public: bool,
    pub tags: Vec<String>,
    pub user_id: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A bucket about to be.
#[derive(Debug)]
pub struct NewBucket {
    pub name: String,
    pub is_public: bool,
    pub tags: Vec<String>,
}

/// Changes to a bucket; `None` stays as it is.
#[derive(Debug, Default)]
pub struct BucketChange {
    pub name: Option<String>,
    pub is_public: Option<bool>,
    /// Whether the files in it become what `is_public` says.
    pub include_files: bool,
    pub tags: Option<TagChange>,
}

/// How tags change. Each stands once, in the order in which they were added.
#[derive(Debug)]
pub enum TagChange {
    Set(Vec<String>),
    Add(Vec<String>),
    Remove(Vec<String>),
}

/// Upload as it arrived.
#[derive(Debug)]
pub struct Upload {
    /// The bucket's name or id; `root` always exists.
    pub bucket: String,
    /// The name the file should have; a taken one is made unique.
    pub file_name: String,
    /// Whether a missing bucket is made.
    pub create_bucket: bool,
    pub content: Content,
    /// Whether anybody may fetch it; `None` is as the bucket says.
    pub is_public: Option<bool>,
    pub tags: Vec<String>,
}

/// The bytes of a file and what the sender says they are. Pictures are known by their content,
/// whatever is said.
#[derive(Debug)]
pub struct Content {
    pub bytes: Vec<u8>,
    pub mime_type: String,
}

/// Which file is meant: one's own, by its name or id, in the bucket of that name or id.
#[derive(Debug, Clone)]
pub struct FileName {
    pub bucket: String,
    pub file: String,
}

/// Changes to a file; `None` stays as it is.
#[derive(Debug, Default)]
pub struct FileChange {
    pub name: Option<String>,
    pub is_public: Option<bool>,
    pub tags: Option<TagChange>,
}

/// A stored file.
#[derive(Debug, Clone)]
pub struct StoredFile {
    pub id: String,
    pub bucket_id: String,
    pub file_name: String,
    /// In bytes, as stored: a picture has been encoded again.
    pub size: u64,
    pub mime_type: String,
    pub is_public: bool,
    /// The absolute URL under which anybody may fetch it; none while it is private.
    pub public_path: Option<String>,
    pub tags: Vec<String>,
    pub uploaded_at: Timestamp,
    pub updated_at: Timestamp,
    /// Whose it is; nobody's when the operator's program stored it.
    pub user_id: Option<String>,
}

/// A look into buckets or files.
#[derive(Debug, Default)]
pub struct FileQuery {
    /// Which ones: `fileName == 'a.png' && size < 1000`. The language is that of
    /// `engine/files/expression/mod.rs`.
    pub expression: Option<String>,
    /// By which fields; oldest first where there is none.
    pub sort: Vec<Sort>,
    /// From 1; `None` is the first one.
    pub page: Option<u64>,
    /// How many on a page, 1000 at most; `None` is 100.
    pub limit: Option<u64>,
}

/// By which field things are sorted.
#[derive(Debug, Clone)]
pub struct Sort {
    pub field: String,
    pub is_descending: bool,
}

/// One page of what a look found.
#[derive(Debug)]
pub struct ResultPage<T> {
    pub items: Vec<T>,
    /// How many there are on all pages.
    pub total: u64,
    /// From 1.
    pub page: u64,
    pub limit: u64,
}

/// How many files there are and how large they are, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileStats {
    pub files: u64,
    pub total: u64,
    /// 0 where there is no file, like the next one.
    pub smallest: u64,
    pub largest: u64,
}

/// The same over all buckets.
#[derive(Debug, Clone, Copy)]
pub struct StorageStats {
    pub buckets: u64,
    pub files: FileStats,
}

/// A file with its bytes, for its owner.
#[derive(Debug)]
pub struct Download {
    pub file: StoredFile,
    /// Whether the bytes were encoded by us: then, and only then, the file's type is more than a
    /// claim.
    pub is_picture: bool,
    pub bytes: Vec<u8>,
}

/// A public file as anybody gets it.
#[derive(Debug)]
pub struct PublicFile {
    pub picture: Picture,
    /// Another one when the bytes were replaced.
    pub version: String,
}

/// A picture that is safe to serve: encoded by us, never the bytes that were uploaded.
#[derive(Debug, Clone)]
pub struct Picture {
    pub mime_type: &'static str,
    pub bytes: Vec<u8>,
}
