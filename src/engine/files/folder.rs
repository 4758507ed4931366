//! Where the bytes of files lie. A folder today; another place is another arm of [`FileStore`].

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// The place of the bytes, by the id of the file: never by a name that somebody chose (S70).
#[derive(Debug, Clone)]
pub(crate) enum FileStore {
    /// One file of the file system each.
    Folder(PathBuf),
}

impl FileStore {
    /// Writes the bytes whole: after a power cut the file is there with all of them, or not there
    /// (R02).
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

    /// Looks at some of the files, in the order of their names, for the sweep: half-written ones
    /// too, nothing that is not ours.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(crate) async fn stretch(
        &self,
        after: &str,
        most: usize,
        age: Duration,
    ) -> io::Result<Stretch> {
        let Self::Folder(folder) = self;
        let (folder, after) = (folder.clone(), after.to_owned());
        blocking(move || stretch(&folder, &after, most, age)).await
    }

    /// Ids are made here, so another one is a defect: it must not become a path all the same.
    fn path(&self, id: &str) -> io::Result<PathBuf> {
        let Self::Folder(folder) = self;
        if is_ours(id) {
            Ok(folder.join(id))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not the id of a file"))
        }
    }
}

/// Stretch of files that the sweep inspected.
#[derive(Debug, Default)]
pub(crate) struct Stretch {
    /// The files that have not been touched for so long.
    pub(crate) old: Vec<String>,
    /// Where to go on: the last name looked at, or nothing at the end of the folder.
    pub(crate) next: String,
}

/// The end of the name of a file that is not whole yet.
const PART: &str = ".part";

fn is_ours(name: &str) -> bool {
    let id = name.strip_suffix(PART).unwrap_or(name);
    id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn stretch(folder: &Path, after: &str, most: usize, age: Duration) -> io::Result<Stretch> {
    let Some(entries) = found(fs::read_dir(folder))? else { return Ok(Stretch::default()) };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().into_string().unwrap_or_default();
        if is_ours(&name) && name.as_str() > after {
            names.push(name);
        }
    }
    names.sort_unstable();
    let is_end = names.len() <= most;
    names.truncate(most);
    let next = names.last().filter(|_| !is_end).cloned().unwrap_or_default();
    let mut old = Vec::new();
    for name in names {
        // Gone meanwhile is well. The file system's own clock stamped the file, so that clock says
        // how old it is.
        let Some(metadata) = found(fs::metadata(folder.join(&name)))? else { continue };
        if metadata.modified()?.elapsed().is_ok_and(|elapsed| elapsed >= age) {
            old.push(name);
        }
    }
    Ok(Stretch { old, next })
}

fn write_whole(folder: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut part = target.as_os_str().to_owned();
    part.push(PART);
    let written = (|| {
        let mut file = for_us_alone().open(&part)?;
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

/// A new file that no other user of the machine can read.
fn for_us_alone() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, time::SystemTime};

    use super::*;

    const ONE: &str = "0123456789abcdef01234567";
    const TWO: &str = "1123456789abcdef01234567";
    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[tokio::test]
    async fn what_was_put_is_there_until_it_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::Folder(folder.path().join("made/when/needed"));
        assert_eq!(store.get(ONE).await.unwrap(), None);
        store.put(ONE, b"first".to_vec()).await.unwrap();
        store.put(ONE, b"second".to_vec()).await.unwrap();
        assert_eq!(store.get(ONE).await.unwrap().as_deref(), Some(&b"second"[..]));
        store.delete(ONE).await.unwrap();
        store.delete(ONE).await.unwrap();
        assert_eq!(store.get(ONE).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_file_is_for_us_alone() {
        let folder = tempfile::tempdir().unwrap();
        FileStore::Folder(folder.path().to_owned()).put(ONE, vec![1]).await.unwrap();
        let mode = fs::metadata(folder.path().join(ONE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn an_odd_id_never_becomes_a_path_s70() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), "x").unwrap();
        let store = FileStore::Folder(folder.path().join("files"));
        for id in [
            "",
            "..",
            "../secret",
            "/etc/passwd",
            "CON",
            "0123456789abcdef0123456\0",
            "../456789abcdef012345678",
        ] {
            assert!(store.put(id, vec![1]).await.is_err(), "{id}");
            assert!(store.get(id).await.is_err(), "{id}");
            assert!(store.delete(id).await.is_err(), "{id}");
        }
        assert!(!folder.path().join("files").exists());
    }

    #[tokio::test]
    async fn a_half_written_file_is_not_there_but_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::Folder(folder.path().to_owned());
        let half = format!("{ONE}.part");
        for name in [&*half, TWO, "somebody's notes"] {
            File::create(folder.path().join(name))
                .unwrap()
                .set_modified(SystemTime::UNIX_EPOCH)
                .unwrap();
        }
        store.put("2123456789abcdef01234567", vec![1]).await.unwrap();
        assert_eq!(store.get(ONE).await.unwrap(), None);
        assert_eq!(store.stretch("", 9, DAY).await.unwrap().old, [&*half, TWO]);
        store.delete(&half).await.unwrap();
        assert_eq!(store.stretch("", 9, DAY).await.unwrap().old, [TWO]);
    }

    #[tokio::test]
    async fn a_sweep_looks_at_some_files_and_goes_on_from_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::Folder(folder.path().join("files"));
        assert_eq!(store.stretch("", 1, DAY).await.unwrap().next, "");
        for id in [TWO, ONE] {
            store.put(id, vec![1]).await.unwrap();
        }
        let first = store.stretch("", 1, Duration::ZERO).await.unwrap();
        assert_eq!((first.old, &*first.next), (vec![ONE.to_owned()], ONE));
        let second = store.stretch(ONE, 1, Duration::ZERO).await.unwrap();
        assert_eq!((second.old, &*second.next), (vec![TWO.to_owned()], ""));
    }
}
