//! A socket that is a file.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

/// Makes the file with its mode and listens. A file that a dead process left is replaced; one where
/// somebody answers is not, nor is anything that is no socket. The new socket is made beside its
/// place and moved there, so that nobody ever finds it with another mode.
///
/// # Errors
/// When the place is taken or cannot be written to.
pub(super) fn bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
    make_way(path)?;
    let beside = beside(path);
    let _ = fs::remove_file(&beside);
    let listener = UnixListener::bind(&beside)?;
    let placed = fs::set_permissions(&beside, fs::Permissions::from_mode(mode))
        .and_then(|()| fs::rename(&beside, path));
    if let Err(error) = placed {
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    Ok(listener)
}

fn make_way(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::other(format!("{} is there and is not a socket", path.display())));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            format!("another process listens at {}; stop it first", path.display()),
        )),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_has_its_mode_and_a_stale_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hall.sock");
        for mode in [0o660, 0o600] {
            // Dropping the listener leaves the file, as a process that was killed does.
            drop(bind(&path, mode).unwrap());
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_living_socket_and_a_file_that_is_none_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hall.sock");
        let first = bind(&path, 0o660).unwrap();
        assert!(bind(&path, 0o660).unwrap_err().to_string().contains("another process listens"));
        assert!(UnixStream::connect(&path).is_ok());
        drop(first);
        let file = folder.path().join("letters.txt");
        fs::write(&file, "keep").unwrap();
        assert!(bind(&file, 0o660).unwrap_err().to_string().contains("not a socket"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "keep");
    }
}
