//! Files: pictures made safe, rows in the database, bytes in a folder.
//!
//! # The contract
//!
//! * What is stored was encoded by us: a raster picture without the data that cameras and programs write into them, never
//!   the bytes that were uploaded (SECURITY.md S68, S69).
//! * The bytes are written whole, under an id of ours, before their row is committed (S70, R02). A row without bytes cannot
//!   be; bytes without a row are removed at once, or by the sweep after a crash.
//! * Everybody has a quota (S71).

mod darkroom;
mod folder;
mod picture;

use std::{path::PathBuf, sync::Mutex};

use url::Url;

pub(super) use self::{darkroom::Darkroom, folder::FileStore, picture::Framing};

/// Files that one account may have: far more than any of the applications makes.
pub(super) const FILES_MAX: i64 = 200;
/// Bytes that one account may have: its files at the size that re-encoding makes of a usual photograph.
pub(super) const BYTES_MAX: i64 = 50 * 1024 * 1024;

/// The environment that public URLs name; any other is accepted when they are read (ALTOGIC_WIRE.md §7).
const ENVIRONMENT: &str = "local";

/// Where files are and how they are named to the world.
pub(super) struct Files {
    pub(super) bytes: FileStore,
    pub(super) darkroom: Darkroom,
    /// How far the sweep got: the name of a file, see [`FileStore::stretch`].
    pub(super) swept_to: Mutex<String>,
    public_url: String,
}

impl Files {
    pub(super) fn new(folder: PathBuf, public_url: &str) -> Self {
        Self {
            bytes: FileStore::Folder(folder),
            darkroom: Darkroom::default(),
            swept_to: Mutex::default(),
            public_url: public_url.to_owned(),
        }
    }

    /// The URL under which anybody may fetch a file.
    pub(super) fn public_path(&self, bucket_id: &str, file_id: &str) -> String {
        format!("{}/_storage/{ENVIRONMENT}/{bucket_id}/{file_id}", self.public_url)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_urls_name_files() {
        let files = Files::new(PathBuf::new(), "https://example.com/hall");
        let id = "0123456789abcdef01234567";
        assert_eq!(files.id_of(&files.public_path("000000000000000000000001", id)).as_deref(), Some(id));
        assert_eq!(files.id_of(&format!("https://example.com/hall/e:x/_storage/any/bucket/{id}")).as_deref(), Some(id));
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
