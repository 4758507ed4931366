//! The storage of the port, answered by the embedded backend: each operation is the verb of its name.

use super::{Engine, flows::storage};
use crate::port::{
    Answer, Bucket, BucketChange, Caller, Content, Download, FileChange, FileName, FileStats, NewBucket, Page,
    PublicFile, Query, Storage, StorageStats, StoredFile, Upload,
};

impl Storage for Engine {
    fn create_bucket(&self, caller: Caller, bucket: NewBucket) -> Answer<Bucket> {
        self.finish(|engine| async move { storage::create_bucket(&engine, &caller, bucket).await })
    }

    fn list_buckets(&self, caller: Caller, query: Query) -> Answer<Page<Bucket>> {
        let engine = self.clone();
        Box::pin(async move { storage::list_buckets(&engine, &caller, query).await })
    }

    fn storage_stats(&self, caller: Caller) -> Answer<StorageStats> {
        let engine = self.clone();
        Box::pin(async move { storage::storage_stats(&engine, &caller).await })
    }

    fn bucket_exists(&self, caller: Caller, bucket: String) -> Answer<bool> {
        let engine = self.clone();
        Box::pin(async move { storage::bucket_exists(&engine, &caller, &bucket).await })
    }

    fn bucket_info(&self, caller: Caller, bucket: String) -> Answer<Bucket> {
        let engine = self.clone();
        Box::pin(async move { storage::bucket_info(&engine, &caller, &bucket).await })
    }

    fn bucket_stats(&self, caller: Caller, bucket: String) -> Answer<FileStats> {
        let engine = self.clone();
        Box::pin(async move { storage::bucket_stats(&engine, &caller, &bucket).await })
    }

    fn change_bucket(&self, caller: Caller, bucket: String, change: BucketChange) -> Answer<Bucket> {
        self.finish(|engine| async move { storage::change_bucket(&engine, &caller, &bucket, change).await })
    }

    fn empty_bucket(&self, caller: Caller, bucket: String) -> Answer<()> {
        self.finish(|engine| async move { storage::empty_bucket(&engine, &caller, &bucket).await })
    }

    fn delete_bucket(&self, caller: Caller, bucket: String) -> Answer<()> {
        self.finish(|engine| async move { storage::delete_bucket(&engine, &caller, &bucket).await })
    }

    fn search_files(&self, caller: Caller, query: Query) -> Answer<Page<StoredFile>> {
        let engine = self.clone();
        Box::pin(async move { storage::search_files(&engine, &caller, query).await })
    }

    fn list_files(&self, caller: Caller, bucket: String, query: Query) -> Answer<Page<StoredFile>> {
        let engine = self.clone();
        Box::pin(async move { storage::list_files(&engine, &caller, &bucket, query).await })
    }

    fn upload(&self, caller: Caller, upload: Upload) -> Answer<StoredFile> {
        self.finish(|engine| async move { storage::upload(&engine, &caller, upload).await })
    }

    fn replace_file(
        &self,
        caller: Caller,
        file: FileName,
        content: Content,
        is_public: Option<bool>,
    ) -> Answer<StoredFile> {
        self.finish(|engine| async move { storage::replace_file(&engine, &caller, &file, content, is_public).await })
    }

    fn file_exists(&self, caller: Caller, file: FileName) -> Answer<bool> {
        let engine = self.clone();
        Box::pin(async move { storage::file_exists(&engine, &caller, &file).await })
    }

    fn file_info(&self, caller: Caller, file: FileName) -> Answer<StoredFile> {
        let engine = self.clone();
        Box::pin(async move { storage::file_info(&engine, &caller, &file).await })
    }

    fn download_file(&self, caller: Caller, file: FileName) -> Answer<Download> {
        let engine = self.clone();
        Box::pin(async move { storage::download_file(&engine, &caller, &file).await })
    }

    fn change_file(&self, caller: Caller, file: FileName, change: FileChange) -> Answer<StoredFile> {
        self.finish(|engine| async move { storage::change_file(&engine, &caller, &file, change).await })
    }

    fn duplicate_file(&self, caller: Caller, file: FileName, name: Option<String>) -> Answer<StoredFile> {
        self.finish(|engine| async move { storage::duplicate_file(&engine, &caller, &file, name.as_deref()).await })
    }

    fn copy_file(&self, caller: Caller, file: FileName, bucket: String) -> Answer<StoredFile> {
        self.finish(|engine| async move { storage::copy_file(&engine, &caller, &file, &bucket).await })
    }

    fn move_file(&self, caller: Caller, file: FileName, bucket: String) -> Answer<StoredFile> {
        self.finish(|engine| async move { storage::move_file(&engine, &caller, &file, &bucket).await })
    }

    fn delete_files(&self, caller: Caller, bucket: String, files: Vec<String>) -> Answer<()> {
        self.finish(|engine| async move { storage::delete_files(&engine, &caller, &bucket, &files).await })
    }

    fn delete_named_file(&self, caller: Caller, file: FileName) -> Answer<()> {
        self.finish(|engine| async move { storage::delete_named_file(&engine, &caller, &file).await })
    }

    fn delete_file(&self, caller: Caller, public_path: String) -> Answer<()> {
        self.finish(|engine| async move { storage::delete_by_path(&engine, &caller, &public_path).await })
    }

    fn public_file(&self, bucket_id: String, file_id: String) -> Answer<Option<PublicFile>> {
        let engine = self.clone();
        Box::pin(async move { storage::public_file(&engine, &bucket_id, &file_id).await })
    }
}
