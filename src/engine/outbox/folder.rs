//! The outbox folder: one file a message, written whole and then renamed into place.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

/// Writes into the folder. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Folder {
    path: PathBuf,
    written: Arc<AtomicU64>,
}

impl Folder {
    /// The folder, made for its owner alone where it is missing.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if !path.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        }
        // One that an older version made is taken from everybody else.
        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).ok();
        }
        Ok(Self { path: path.to_owned(), written: Arc::default() })
    }

    /// Writes a message. Names sort by the time of queueing.
    pub(super) async fn put(
        &self,
        created: SystemTime,
        id: &str,
        ending: &str,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        let since = created.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        let name = format!(
            "{since:015}-{:06}-{id}.{ending}",
            self.written.fetch_add(1, Ordering::Relaxed)
        );
        let path = self.path.join(name);
        tokio::task::spawn_blocking(move || write_whole(&path, &bytes))
            .await
            .unwrap_or_else(|error| Err(error.into()))
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(unfinished, path)
}
