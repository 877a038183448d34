//! The newest line of a stream that is still being written.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// The number of bytes that are read at the end of a stream; a longer line is not shown.
const MOST: u64 = 4 << 10;

/// The position up to which a stream was read.
#[derive(Debug, Default)]
pub(super) struct Tail {
    seen: u64,
}

impl Tail {
    /// The newest complete line that is not blank, if the stream has grown since the last call. It
    /// is only shown as progress, so errors are ignored.
    pub(super) fn newest(&mut self, stream: &File) -> Option<String> {
        let length = stream.metadata().ok()?.len();
        if length == self.seen {
            return None;
        }
        self.seen = length;
        let start = length.saturating_sub(MOST);
        let mut bytes = vec![0; usize::try_from(length - start).ok()?];
        // Read at an offset: the child's writes move the shared position.
        stream.read_exact_at(&mut bytes, start).ok()?;
        last_line(&bytes, start == 0)
    }
}

/// The last complete line that is not blank. A carriage return also ends a line, because tools use
/// it to draw progress. Without `from_start`, the first line may be incomplete.
fn last_line(bytes: &[u8], from_start: bool) -> Option<String> {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let end = bytes.iter().rposition(is_end)?;
    let begin = if from_start { 0 } else { bytes.iter().position(is_end)? };
    let mut lines = bytes.get(begin..end)?.rsplit(is_end);
    let line = lines.find(|line| !line.trim_ascii().is_empty())?;
    Some(String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_last_whole_line_counts() {
        for (text, line) in [
            ("", None),
            ("a", None),
            ("a\n", Some("a")),
            ("a\nb", Some("a")),
            ("a\n\n  \n", Some("a")),
            ("10 %\r20 %\r30", Some("20 %")),
            ("a\r\nb\r\n", Some("b")),
        ] {
            assert_eq!(last_line(text.as_bytes(), true).as_deref(), line, "{text:?}");
        }
        assert_eq!(last_line(b"\xff\n", true).as_deref(), Some("\u{fffd}"));
    }

    #[test]
    fn a_line_without_its_beginning_does_not_count() {
        assert_eq!(last_line(b"cut\nwhole\n", false).as_deref(), Some("whole"));
        assert_eq!(last_line(b"cut\npart", false), None);
        assert_eq!(last_line(b"cut", false), None);
    }

    #[test]
    fn a_stream_has_news_only_when_it_has_grown() {
        let mut stream = tempfile::tempfile().unwrap();
        let mut tail = Tail::default();
        assert_eq!(tail.newest(&stream), None);
        stream.write_all(b"one\n").unwrap();
        assert_eq!(tail.newest(&stream).as_deref(), Some("one"));
        assert_eq!(tail.newest(&stream), None);
        stream.write_all("x".repeat(5000).as_bytes()).unwrap();
        assert_eq!(tail.newest(&stream), None, "a line that is too long");
        stream.write_all(b"\ntwo\n").unwrap();
        assert_eq!(tail.newest(&stream).as_deref(), Some("two"));
    }
}
