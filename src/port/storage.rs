//! The operations of the storage: what applications do with buckets and files over the wire. The
//! pages need none of them.

use super::{
    Answer, Bucket, BucketChange, Caller, Content, Download, FileChange, FileName, FileQuery,
    FileStats, NewBucket, PublicFile, ResultPage, StorageStats, StoredFile, Upload,
};

/// Buckets and files.
///
/// # The contract
///
/// * Every operation but [`public_file`](Self::public_file) is for *signed-in users*, as in
///   [`AuthManager`](super::AuthManager), or for the operator's program (`caller.is_operator`),
///   which needs no session and may do everything with everybody's things.
/// * A signed-in user sees, changes and deletes their own files and no others; somebody else's is
///   like one that never was (`FileNotFound`, S61).
/// * Buckets are shared: any signed-in user may look up a public one and upload into it. A private
///   one is only for who made it; to everybody else it is like one that never was
///   (`BucketNotFound`), but that its name is taken (`BucketNotUnique`).
/// * What a bucket is may be changed by who made it, and only while nobody else has a file in it
///   (`BucketNotYours`). `root` is nobody's, stays public, and keeps its name for good.
/// * Only pictures that were encoded again here are public (`FileNotPublishable`). Private files
///   may be anything; they are stored as they came, and only their owner gets them back.
/// * A name that is taken in a bucket gets a number.
pub trait Storage: Send + Sync {
    /// Makes a bucket. Refused with `BucketNotUnique`, `InvalidBucketName`, `InvalidTags`,
    /// `TooManyBuckets`.
    fn create_bucket(&self, caller: Caller, bucket: NewBucket) -> Answer<Bucket>;

    /// One's own buckets and `root`. Refused with `InvalidExpression`.
    fn list_buckets(&self, caller: Caller, query: FileQuery) -> Answer<ResultPage<Bucket>>;

    /// How much one has stored.
    fn storage_stats(&self, caller: Caller) -> Answer<StorageStats>;

    /// Whether there is a bucket of that name or id.
    fn bucket_exists(&self, caller: Caller, bucket: String) -> Answer<bool>;

    /// A bucket by its name or id. Refused with `BucketNotFound`, like everything below that names
    /// one.
    fn bucket_info(&self, caller: Caller, bucket: String) -> Answer<Bucket>;

    /// How much one has stored in a bucket.
    fn bucket_stats(&self, caller: Caller, bucket: String) -> Answer<FileStats>;

    /// Renames a bucket, changes its tags, makes it and its files public or private; all or
    /// nothing.
    fn change_bucket(&self, caller: Caller, bucket: String, change: BucketChange)
    -> Answer<Bucket>;

    /// Deletes one's own files in a bucket.
    fn empty_bucket(&self, caller: Caller, bucket: String) -> Answer<()>;

    /// Deletes a bucket and the files in it.
    fn delete_bucket(&self, caller: Caller, bucket: String) -> Answer<()>;

    /// One's own files in all buckets.
    fn search_files(&self, caller: Caller, query: FileQuery) -> Answer<ResultPage<StoredFile>>;

    /// One's own files in a bucket.
    fn list_files(
        &self,
        caller: Caller,
        bucket: String,
        query: FileQuery,
    ) -> Answer<ResultPage<StoredFile>>;

    /// Stores a file. Refused with `BucketNotFound`, `BucketNotUnique`, `FileNotPublishable`,
    /// `StorageFull` and as pictures are.
    fn upload(&self, caller: Caller, upload: Upload) -> Answer<StoredFile>;

    /// Gives a file other bytes; its name, id and tags stay. Its public path gets a version, so
    /// that no cache shows the former picture. `is_public` is as in [`Upload`].
    fn replace_file(
        &self,
        caller: Caller,
        file: FileName,
        content: Content,
        is_public: Option<bool>,
    ) -> Answer<StoredFile>;

    /// Whether one has such a file. A missing bucket has none.
    fn file_exists(&self, caller: Caller, file: FileName) -> Answer<bool>;

    /// Metadata of a file. Refused with `FileNotFound`, like everything below that names one.
    fn file_info(&self, caller: Caller, file: FileName) -> Answer<StoredFile>;

    /// A file with its bytes.
    fn download_file(&self, caller: Caller, file: FileName) -> Answer<Download>;

    /// Renames a file, changes its tags, makes it public or private; all or nothing.
    fn change_file(&self, caller: Caller, file: FileName, change: FileChange)
    -> Answer<StoredFile>;

    /// Copies a file within its bucket; without a name it gets the one of the original, with a
    /// number.
    fn duplicate_file(
        &self,
        caller: Caller,
        file: FileName,
        name: Option<String>,
    ) -> Answer<StoredFile>;

    /// Copies a file into another bucket. The copy is as public as the original.
    fn copy_file(&self, caller: Caller, file: FileName, bucket: String) -> Answer<StoredFile>;

    /// Moves a file into another bucket. Its id stays; its public path names the new bucket.
    fn move_file(&self, caller: Caller, file: FileName, bucket: String) -> Answer<StoredFile>;

    /// Deletes files by their names or ids. Unknown ones are passed over.
    fn delete_files(&self, caller: Caller, bucket: String, files: Vec<String>) -> Answer<()>;

    /// Deletes one file.
    fn delete_named_file(&self, caller: Caller, file: FileName) -> Answer<()>;

    /// Deletes one's own file by its public path. An unknown one is no error.
    fn delete_file(&self, caller: Caller, public_path: String) -> Answer<()>;

    /// A public file by its bucket and id, for anybody.
    fn public_file(&self, bucket_id: String, file_id: String) -> Answer<Option<PublicFile>>;
}
