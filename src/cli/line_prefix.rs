//! A stream that marks each line as one about a simulated host.

use std::io::{self, Write};

/// The prefix of each line.
const MARK: &str = "[simulated] ";

/// A stream that marks its lines, or passes them on unchanged. All of the terminal's output goes
/// through one, so that no command can forget the mark.
#[derive(Debug)]
pub(super) struct Marked<W> {
    stream: W,
    marks: bool,
    /// Whether the next byte starts a line.
    at_start: bool,
}

impl<W: Write> Marked<W> {
    pub(super) fn new(stream: W, marks: bool) -> Self {
        Self { stream, marks, at_start: true }
    }

    /// The prefix of each line; empty on a real host.
    pub(super) fn mark(&self) -> &'static str {
        if self.marks { MARK } else { "" }
    }

    /// The next byte starts a line.
    pub(super) fn begin_line(&mut self) {
        self.at_start = true;
    }

    /// The stream without marks, for output that programs read.
    pub(super) fn unmarked(&self) -> &W {
        &self.stream
    }
}

impl<W: Write> Write for Marked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut marked = Vec::with_capacity(bytes.len());
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.marks && self.at_start && line != b"\n" {
                marked.extend_from_slice(MARK.as_bytes());
            }
            marked.extend_from_slice(line);
            self.at_start = line.ends_with(b"\n");
        }
        // In one write: another thread may write to the same stream.
        self.stream.write_all(&marked)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(marks: bool, pieces: &[&str]) -> String {
        let mut stream = Marked::new(Vec::new(), marks);
        for piece in pieces {
            stream.write_all(piece.as_bytes()).unwrap();
        }
        String::from_utf8(stream.unmarked().clone()).unwrap()
    }

    #[test]
    fn each_line_is_marked_once_however_it_is_written() {
        let pieces = ["start ...", " done\nnext", " line\n\nlast\n"];
        let marked = "[simulated] start ... done\n[simulated] next line\n\n[simulated] last\n";
        assert_eq!(written(true, &pieces), marked);
    }

    #[test]
    fn a_real_host_is_not_marked() {
        assert_eq!(written(false, &["a\n", "b"]), "a\nb");
    }
}
