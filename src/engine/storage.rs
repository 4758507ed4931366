//! The storage of the port, answered by the embedded backend: each operation is the verb of its
//! name.

use super::{Engine, audit::Audited, operations::storage, rules::Operation};
use crate::port::{
    Answer, Bucket, BucketChange, Caller, Content, Download, FileChange, FileName, FileQuery,
    FileStats, NewBucket, PublicFile, ResultPage, Storage, StorageStats, StoredFile, Upload,
};

impl Storage for Engine {
    fn create_bucket(&self, caller: Caller, bucket: NewBucket) -> Answer<Bucket> {
        self.audited(Audited::on(Operation::CreateBucket, &caller), |engine| async move {
            storage::create_bucket(&engine, &caller, bucket).await
        })
    }

    fn list_buckets(&self, caller: Caller, query: FileQuery) -> Answer<ResultPage<Bucket>> {
        self.guarded(Operation::ListBuckets, caller, |engine, caller| async move {
            storage::list_buckets(&engine, &caller, query).await
        })
    }

    fn storage_stats(&self, caller: Caller) -> Answer<StorageStats> {
        self.guarded(Operation::StorageStats, caller, |engine, caller| async move {
            storage::storage_stats(&engine, &caller).await
        })
    }

    fn bucket_exists(&self, caller: Caller, bucket: String) -> Answer<bool> {
        self.guarded(Operation::BucketExists, caller, |engine, caller| async move {
            storage::bucket_exists(&engine, &caller, &bucket).await
        })
    }

    fn bucket_info(&self, caller: Caller, bucket: String) -> Answer<Bucket> {
        self.guarded(Operation::BucketInfo, caller, |engine, caller| async move {
            storage::bucket_info(&engine, &caller, &bucket).await
        })
    }

    fn bucket_stats(&self, caller: Caller, bucket: String) -> Answer<FileStats> {
        self.guarded(Operation::BucketStats, caller, |engine, caller| async move {
            storage::bucket_stats(&engine, &caller, &bucket).await
        })
    }

    fn change_bucket(
        &self,
        caller: Caller,
        bucket: String,
        change: BucketChange,
    ) -> Answer<Bucket> {
        self.audited(Audited::on(Operation::ChangeBucket, &caller), |engine| async move {
            storage::change_bucket(&engine, &caller, &bucket, change).await
        })
    }

    fn empty_bucket(&self, caller: Caller, bucket: String) -> Answer<()> {
        self.audited(Audited::on(Operation::EmptyBucket, &caller), |engine| async move {
            storage::empty_bucket(&engine, &caller, &bucket).await
        })
    }

    fn delete_bucket(&self, caller: Caller, bucket: String) -> Answer<()> {
        self.audited(Audited::on(Operation::DeleteBucket, &caller), |engine| async move {
            storage::delete_bucket(&engine, &caller, &bucket).await
        })
    }

    fn search_files(&self, caller: Caller, query: FileQuery) -> Answer<ResultPage<StoredFile>> {
        self.guarded(Operation::SearchFiles, caller, |engine, caller| async move {
            storage::search_files(&engine, &caller, query).await
        })
    }

    fn list_files(
        &self,
        caller: Caller,
        bucket: String,
        query: FileQuery,
    ) -> Answer<ResultPage<StoredFile>> {
        self.guarded(Operation::ListFiles, caller, |engine, caller| async move {
            storage::list_files(&engine, &caller, &bucket, query).await
        })
    }

    fn upload(&self, caller: Caller, upload: Upload) -> Answer<StoredFile> {
        self.audited(Audited::on(Operation::Upload, &caller), |engine| async move {
            storage::upload(&engine, &caller, upload).await
        })
    }

    fn replace_file(
        &self,
        caller: Caller,
        file: FileName,
        content: Content,
        is_public: Option<bool>,
    ) -> Answer<StoredFile> {
        self.audited(Audited::on(Operation::ReplaceFile, &caller), |engine| async move {
            storage::replace_file(&engine, &caller, &file, content, is_public).await
        })
    }

    fn file_exists(&self, caller: Caller, file: FileName) -> Answer<bool> {
        self.guarded(Operation::FileExists, caller, |engine, caller| async move {
            storage::file_exists(&engine, &caller, &file).await
        })
    }

    fn file_info(&self, caller: Caller, file: FileName) -> Answer<StoredFile> {
        self.guarded(Operation::FileInfo, caller, |engine, caller| async move {
            storage::file_info(&engine, &caller, &file).await
        })
    }

    fn download_file(&self, caller: Caller, file: FileName) -> Answer<Download> {
        self.guarded(Operation::DownloadFile, caller, |engine, caller| async move {
            storage::download_file(&engine, &caller, &file).await
        })
    }

    fn change_file(
        &self,
        caller: Caller,
        file: FileName,
        change: FileChange,
    ) -> Answer<StoredFile> {
        self.audited(Audited::on(Operation::ChangeFile, &caller), |engine| async move {
            storage::change_file(&engine, &caller, &file, change).await
        })
    }

    fn duplicate_file(
        &self,
        caller: Caller,
        file: FileName,
        name: Option<String>,
    ) -> Answer<StoredFile> {
        self.audited(Audited::on(Operation::DuplicateFile, &caller), |engine| async move {
            storage::duplicate_file(&engine, &caller, &file, name.as_deref()).await
        })
    }

    fn copy_file(&self, caller: Caller, file: FileName, bucket: String) -> Answer<StoredFile> {
        self.audited(Audited::on(Operation::CopyFile, &caller), |engine| async move {
            storage::copy_file(&engine, &caller, &file, &bucket).await
        })
    }

    fn move_file(&self, caller: Caller, file: FileName, bucket: String) -> Answer<StoredFile> {
        self.audited(Audited::on(Operation::MoveFile, &caller), |engine| async move {
            storage::move_file(&engine, &caller, &file, &bucket).await
        })
    }

    fn delete_files(&self, caller: Caller, bucket: String, files: Vec<String>) -> Answer<()> {
        self.audited(Audited::on(Operation::DeleteFiles, &caller), |engine| async move {
            storage::delete_files(&engine, &caller, &bucket, &files).await
        })
    }

    fn delete_named_file(&self, caller: Caller, file: FileName) -> Answer<()> {
        self.audited(Audited::on(Operation::DeleteNamedFile, &caller), |engine| async move {
            storage::delete_named_file(&engine, &caller, &file).await
        })
    }

    fn delete_file(&self, caller: Caller, public_path: String) -> Answer<()> {
        self.audited(Audited::on(Operation::DeleteFile, &caller), |engine| async move {
            storage::delete_by_path(&engine, &caller, &public_path).await
        })
    }

    fn public_file(&self, bucket_id: String, file_id: String) -> Answer<Option<PublicFile>> {
        let engine = self.clone();
        Box::pin(async move { storage::public_file(&engine, &bucket_id, &file_id).await })
    }
}
