//! Files that are there as a whole or not at all.

use std::fs::{self, File, Metadata, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

/// How the name begins of what is written beside its place, to be put there when it is whole. It says
/// what it is, for nobody else may have a file of such a name.
pub(super) const PREFIX: &str = ".cai-unfinished-";

/// How long another `cai` may take to write a file, and then some.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often that is looked at.
const TRY_EVERY: Duration = Duration::from_millis(10);

/// Writes a file beside its place, and puts it there when it is whole.
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
    // A pipe or a device would be gone, and a file in its place.
    if fs::symlink_metadata(path).is_ok_and(|meta| is_special(&meta)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no ordinary file"));
    }
    let _alone = sweep(directory);
    let mut file = tempfile::Builder::new()
        .prefix(PREFIX)
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(directory)?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    persist(file)?;
    // The new name is in the directory.
    File::open(directory)?.sync_all()
}

fn is_special(meta: &Metadata) -> bool {
    !(meta.is_file() || meta.is_symlink() || meta.is_dir())
}

/// Removes what was left in a directory of this user by a process that was killed while it wrote
/// there. As long as the answer lives, another `cai` waits with that: what has such a name then is
/// being written. `None` where that cannot be had, and nothing was removed: others may have locked
/// the directory for reasons of their own, and for as long as they like.
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
            // It is in nobody's way.
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
            // Whether it waits already or comes later, it finds the file gone to its place.
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
