//! Where the bytes of files lie. A folder today; another place is another arm of [`FileStore`].

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

/// The place of the bytes, by the id of the file: never by a name that somebody chose (SECURITY.md S70).
#[derive(Debug, Clone)]
pub(crate) enum FileStore {
    /// One file of the file system each.
    Folder(PathBuf),
}

impl FileStore {
    /// Writes the bytes whole: after a power cut the file is there with all of them, or not there (SECURITY.md R02).
    ///
    /// # Errors
    /// When the disk is full or the folder cannot be written.
    pub(crate) async fn put(&self, id: &str, bytes: Vec<u8>) -> io::Result<()> {
        let Self::Folder(folder) = self;
        let (folder, target) = (folder.clone(), self.path(id)?);
        blocking(move || write_whole(&folder, &target, &bytes)).await
    }

    /// The bytes; `None` when there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) async fn get(&self, id: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.path(id)?;
        blocking(move || found(fs::read(path))).await
    }

    /// Removes the bytes; a file that is not there is removed already.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) async fn delete(&self, id: &str) -> io::Result<()> {
        let path = self.path(id)?;
        blocking(move || found(fs::remove_file(path)).map(|_| ())).await
    }

    /// The ids of the files that have not been touched for so long, half-written ones included (they end in `.part`).
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(crate) async fn old_ids(&self, age: Duration) -> io::Result<Vec<String>> {
        let Self::Folder(folder) = self;
        let folder = folder.clone();
        blocking(move || {
            let Some(entries) = found(fs::read_dir(folder))? else { return Ok(Vec::new()) };
            let mut old = Vec::new();
            for entry in entries {
                let entry = entry?;
                // The file system's own clock stamped it, so that clock says how old it is.
                if entry.metadata()?.modified()?.elapsed().is_ok_and(|elapsed| elapsed >= age) {
                    old.push(entry.file_name().to_string_lossy().into_owned());
                }
            }
            Ok(old)
        })
        .await
    }

    /// Ids are made here, so another one is a defect: it must not become a path all the same.
    fn path(&self, id: &str) -> io::Result<PathBuf> {
        let Self::Folder(folder) = self;
        let plain = id.strip_suffix(PART).unwrap_or(id);
        if plain.len() == 24 && plain.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(folder.join(id))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not the id of a file"))
        }
    }
}

/// The end of the name of a file that is not whole yet.
const PART: &str = ".part";

fn write_whole(folder: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut part = target.as_os_str().to_owned();
    part.push(PART);
    let written = (|| {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, target)?;
        File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        // The first error is the one that matters; a leftover is swept later.
        fs::remove_file(&part).ok();
    }
    written
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
