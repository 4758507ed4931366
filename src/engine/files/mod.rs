//! Files: pictures made safe, rows in the database, bytes in a folder.
//!
//! # The contract
//!
//! * What anybody may fetch was encoded by us: a raster picture without the data that cameras and
//!   programs write into them, never the bytes that were uploaded (S68, S69). Every picture is
//!   encoded again, a private one too, so that it may become public. Other files are kept as they
//!   came; they are always private, and given back to their owner only.
//! * The bytes are written whole, under an id of ours, before their row is committed (S70, R02). A
//!   row without bytes cannot be; bytes without a row are removed at once, or by the sweep after a
//!   crash.
//! * Everybody has a quota, and all of them together have one (S71).

mod expression;
mod folder;
mod image_pool;
pub(super) mod names;
mod picture;
pub(super) mod record;
mod selection;

use std::{path::PathBuf, sync::Mutex};

use jiff::Timestamp;
use url::Url;

pub(super) use self::{
    expression::FieldSource,
    folder::FileStore,
    image_pool::ImagePool,
    picture::{Framing, check_size, is_of_a_format},
    selection::Selection,
};

/// Files that one account may have: far more than any of the applications makes.
pub(super) const FILES_MAX: i64 = 200;
/// Bytes that one account may have: its files at the size that re-encoding makes of a usual
/// photograph.
pub(super) const BYTES_MAX: i64 = 50 * 1024 * 1024;

/// Bytes that all files may have together: what the smallest disks that servers come with can hold.
pub(super) const TOTAL_MAX: i64 = 20 * 1024 * 1024 * 1024;
/// Buckets that one account may make: they are for kinds of files, and applications have a few
/// kinds.
pub(super) const BUCKETS_MAX: i64 = 50;
/// The bucket that always is (`store/migrations/0001_schema.sql`).
pub(super) const ROOT_BUCKET: &str = "000000000000000000000001";

/// The environment that public URLs name; any other is accepted when they are read
/// (altogic-protocol.md §7).
const ENVIRONMENT: &str = "local";

/// Where files are and how they are named to the world.
pub(super) struct FileLocations {
    pub(super) bytes: FileStore,
    pub(super) image_pool: ImagePool,
    /// How far the sweep got: the name of a file, see [`FileStore::stretch`].
    pub(super) swept_to: Mutex<String>,
    public_url: String,
}

impl FileLocations {
    pub(super) fn new(folder: PathBuf, public_url: &str) -> Self {
        Self {
            bytes: FileStore::Folder(folder),
            image_pool: ImagePool::default(),
            swept_to: Mutex::default(),
            public_url: public_url.to_owned(),
        }
    }

    /// The URL under which anybody may fetch a file. The version is there for caches, and read by
    /// nobody.
    pub(super) fn public_path(
        &self,
        bucket_id: &str,
        file_id: &str,
        version: Option<&str>,
    ) -> String {
        let path = format!("{}/_storage/{ENVIRONMENT}/{bucket_id}/{file_id}", self.public_url);
        version.map_or_else(|| path.clone(), |version| format!("{path}?v={version}"))
    }

    /// The id of the file behind one of our URLs.
    pub(super) fn id_of(&self, public_path: &str) -> Option<String> {
        let path = public_path.strip_prefix(&self.public_url)?;
        let url = Url::parse("http://x").ok()?.join(path).ok()?;
        let mut parts = url.path_segments()?.rev();
        let (file, _bucket, _environment) = (parts.next()?, parts.next()?, parts.next()?);
        (parts.next() == Some("_storage") && file.len() == 24).then(|| file.to_owned())
    }
}

/// A time as the wire writes it: its order as a text is its order in time (altogic-protocol.md §4).
fn date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_urls_name_files() {
        let files = FileLocations::new(PathBuf::new(), "https://example.com/hall");
        let id = "0123456789abcdef01234567";
        for version in [None, Some("1123456789abcdef01234567")] {
            assert_eq!(
                files.id_of(&files.public_path(ROOT_BUCKET, id, version)).as_deref(),
                Some(id)
            );
        }
        assert_eq!(
            files
                .id_of(&format!("https://example.com/hall/e:x/_storage/any/bucket/{id}"))
                .as_deref(),
            Some(id)
        );
        for other in [
            format!("https://evil.example/_storage/local/b/{id}"),
            format!("https://example.com/hall/elsewhere/local/b/{id}"),
            "https://example.com/hall/_storage/local/b/../../../etc/passwd".to_owned(),
            String::new(),
        ] {
            assert_eq!(files.id_of(&other), None, "{other}");
        }
    }
}
