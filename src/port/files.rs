//! Files that people store, and what anybody may fetch.

use jiff::Timestamp;

/// What somebody uploads, as it arrived.
#[derive(Debug)]
pub struct Upload {
    /// The bucket's name; `root` always exists.
    pub bucket: String,
    /// The name the file should have; a taken one is made unique.
    pub file_name: String,
    /// Whether a missing bucket is made.
    pub create_bucket: bool,
    pub bytes: Vec<u8>,
}

/// A stored file, as the wire describes one (ALTOGIC_WIRE.md §7).
#[derive(Debug, Clone)]
pub struct StoredFile {
    pub id: String,
    pub bucket_id: String,
    pub file_name: String,
    pub size: u64,
    pub mime_type: &'static str,
    /// The absolute URL under which anybody may fetch it.
    pub public_path: String,
    pub uploaded_at: Timestamp,
    pub user_id: String,
}

/// A picture that is safe to serve: encoded by us, never the bytes that were uploaded.
#[derive(Debug, Clone)]
pub struct Picture {
    pub mime_type: &'static str,
    pub bytes: Vec<u8>,
}
