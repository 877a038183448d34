//! Opens files for reading without waiting for a writer.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;

/// Opens a regular file, or a stream that this process was given, such as `/dev/stdin`. Any other
/// pipe or device is refused, because reading it might never end.
#[expect(clippy::disallowed_methods, reason = "this is a part of the system host")]
pub(super) fn open(path: &Path) -> io::Result<File> {
    if is_given(path) {
        return File::open(path);
    }
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    let meta = file.metadata()?;
    // Reading a directory gives its own error.
    if meta.is_file() || meta.is_dir() || is_null(&meta) {
        return Ok(file);
    }
    let what = if meta.file_type().is_fifo() { "a pipe" } else { "a device" };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a regular file")))
}

/// At most `most` bytes from the end of a file, even if another process still writes to it.
pub(super) fn end(mut file: File, most: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether this names a stream that this process was started with, such as `<(…)` in a shell.
fn is_given(path: &Path) -> bool {
    path == Path::new("/dev/stdin")
        || ["/dev/fd", "/proc/self/fd"].iter().any(|directory| path.starts_with(directory))
}

/// Whether this is `/dev/null`, which users link to in place of an empty file.
#[expect(clippy::disallowed_methods, reason = "as above")]
fn is_null(meta: &Metadata) -> bool {
    let null = std::fs::metadata("/dev/null").map(|null| null.rdev());
    meta.file_type().is_char_device() && null.is_ok_and(|null| null == meta.rdev())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn no_more_than_the_end_is_read() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        for (most, wanted) in [(0, ""), (3, "789"), (10, "0123456789"), (11, "0123456789")] {
            assert_eq!(end(file.try_clone().unwrap(), most).unwrap(), wanted.as_bytes());
        }
    }
}
