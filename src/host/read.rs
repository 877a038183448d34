//! Opens files to be read, without waiting for anybody to write them.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;

/// Opens what ends by itself: a regular file, or what the caller of this process has opened for it,
/// such as `/dev/stdin`. A pipe in the file system would be waited for, maybe for ever.
#[expect(clippy::disallowed_methods, reason = "this is a part of the system host")]
pub(super) fn open(path: &Path) -> io::Result<File> {
    if is_given(path) {
        return File::open(path);
    }
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    let meta = file.metadata()?;
    // A directory says itself that it is one when it is read.
    if meta.is_file() || meta.is_dir() || is_null(&meta) {
        return Ok(file);
    }
    let what = if meta.file_type().is_fifo() { "a pipe" } else { "a device" };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, and no regular file")))
}

/// The last bytes of a file, at most so many also where somebody still writes to it.
pub(super) fn end(mut file: File, most: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether this names a stream that this process was started with, as `<(…)` of a shell does.
fn is_given(path: &Path) -> bool {
    path == Path::new("/dev/stdin")
        || ["/dev/fd", "/proc/self/fd"].iter().any(|directory| path.starts_with(directory))
}

/// Whether this is the device that many put in the place of a file to empty it.
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
