//! Writes files that exist completely or not at all.

use std::fs::{self, File, Metadata, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

/// The start of the name of an unfinished file. No file of anyone else may have such a name.
pub(super) const PREFIX: &str = ".cai-unfinished-";

/// How long to wait for another `cai` that writes to the directory.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the lock is tried.
const TRY_EVERY: Duration = Duration::from_millis(10);

/// Writes a file next to its place and renames it when it is complete.
#[expect(clippy::disallowed_methods, reason = "this is a part of the system host")]
pub(super) fn write(
    path: &Path,
    contents: &[u8],
    mode: u32,
    persist: impl FnOnce(NamedTempFile) -> io::Result<()>,
) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // A rename would replace a pipe or a device with a file.
    if fs::symlink_metadata(path).is_ok_and(|meta| is_special(&meta)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let _alone = sweep(directory);
    let mut file = tempfile::Builder::new()
        .prefix(PREFIX)
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(directory)?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    persist(file)?;
    // The rename must survive a crash.
    File::open(directory)?.sync_all()
}

fn is_special(meta: &Metadata) -> bool {
    !(meta.is_file() || meta.is_symlink() || meta.is_dir())
}

/// Removes the unfinished files that killed processes left in a directory of this user. While the
/// returned lock lives, another `cai` does not do this, because such a file may be in use then.
/// `None` if the directory could not be locked; then nothing is removed, because other programs may
/// lock the directory for any time.
#[expect(clippy::disallowed_methods, reason = "this is a part of the system host")]
pub(super) fn sweep(directory: &Path) -> Option<File> {
    let alone = File::open(directory).ok()?;
    let user = nix::unistd::geteuid().as_raw();
    if alone.metadata().ok()?.uid() != user {
        return None;
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        match alone.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(TRY_EVERY);
            }
            Err(_) => return None,
        }
    }
    for entry in fs::read_dir(directory).ok()?.flatten() {
        let is_left = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes())
            && entry.metadata().is_ok_and(|meta| meta.uid() == user);
        if is_left {
            // The file is harmless, so an error is ignored.
            let _ = match entry.file_type() {
                Ok(kind) if kind.is_dir() => fs::remove_dir_all(entry.path()),
                _ => fs::remove_file(entry.path()),
            };
        }
    }
    Some(alone)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test of what touches files")]
mod tests {
    use super::*;

    fn write_one(directory: &Path) {
        let path = directory.join("file");
        write(&path, b"new", 0o600, |file| Ok(file.persist(&path).map(drop)?)).unwrap();
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_process_left_goes_with_the_next_file() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(".cai-unfinished-Ab12"), "half").unwrap();
        fs::create_dir_all(directory.path().join(".cai-unfinished-Cd34/new")).unwrap();
        fs::write(directory.path().join(".cai-notes"), "another's").unwrap();
        write_one(directory.path());
        assert_eq!(names(directory.path()), [".cai-notes", "file"]);
    }

    #[test]
    fn a_directory_that_others_keep_locked_is_written_to_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let theirs = File::open(directory.path()).unwrap();
        theirs.lock().unwrap();
        write_one(directory.path());
        assert_eq!(names(directory.path()), ["file"]);
    }

    #[test]
    fn a_pipe_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        write(&path, b"new", 0o600, |file| Ok(file.persist(&path).map(drop)?)).unwrap_err();
        assert_eq!(names(directory.path()), ["pipe"]);
        assert!(is_special(&fs::symlink_metadata(&path).unwrap()));
    }

    #[test]
    fn what_is_being_written_stays() {
        let directory = tempfile::tempdir().unwrap();
        let alone = sweep(directory.path()).unwrap();
        fs::write(directory.path().join(".cai-unfinished-Ab12"), "half").unwrap();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| write_one(directory.path()));
            // Whether the other thread already waits or starts later, the file has its final name
            // by then.
            fs::rename(
                directory.path().join(".cai-unfinished-Ab12"),
                directory.path().join("mine"),
            )
            .unwrap();
            drop(alone);
            other.join().unwrap();
        });
        assert_eq!(names(directory.path()), ["file", "mine"]);
    }
}
