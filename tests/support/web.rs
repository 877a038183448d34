//! A server on this machine, and archives to serve.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use containai::model::digest::sha256;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

/// Serves a fixed response for each path until the tests end.
pub struct Web {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Web {
    /// A server with these responses, including their heads. Other paths are not found.
    pub fn serve(answers: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Self {
        let answers: BTreeMap<_, _> = answers.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heard = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, &answers, &heard);
            }
        });
        Self { port, requests }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The first line of each request so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(
    stream: TcpStream,
    answers: &BTreeMap<&str, Vec<u8>>,
    heard: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(&stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let missing = head("404 Not Found", "Content-Length: 0\r\n");
    // Recorded before the answer, because a client can check as soon as it has the answer.
    heard.lock().unwrap().push(request);
    // The client may have closed the connection.
    let _ = (&stream).write_all(answers.get(path.as_str()).unwrap_or(&missing));
    Ok(())
}

/// The head of a response.
pub fn head(status: &str, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").into_bytes()
}

/// A complete response.
pub fn ok(body: &[u8]) -> Vec<u8> {
    [&head("200 OK", &format!("Content-Length: {}\r\n", body.len())), body].concat()
}

/// A response that redirects.
pub fn redirect(to: &str) -> Vec<u8> {
    head("302 Found", &format!("Location: {to}\r\nContent-Length: 0\r\n"))
}

/// A `.tar.gz`. Entries are written without checks, including ones that `tar` would not write.
pub struct Packed(tar::Builder<GzEncoder<Vec<u8>>>);

impl Packed {
    pub fn new() -> Self {
        Self(tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast())))
    }

    /// Adds a file.
    pub fn file(self, path: &str, mode: u32, text: &str) -> Self {
        self.entry(EntryType::Regular, path, mode, "", text)
    }

    /// Adds a directory.
    pub fn directory(self, path: &str) -> Self {
        self.entry(EntryType::Directory, path, 0o755, "", "")
    }

    /// Adds a link.
    pub fn link(self, kind: EntryType, path: &str, target: &str) -> Self {
        self.entry(kind, path, 0o777, target, "")
    }

    fn entry(mut self, kind: EntryType, path: &str, mode: u32, target: &str, text: &str) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(text.len() as u64);
        let old = header.as_old_mut();
        old.name[..path.len()].copy_from_slice(path.as_bytes());
        old.linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        self.0.append(&header, text.as_bytes()).unwrap();
        self
    }

    /// The bytes and their checksum.
    pub fn done(self) -> (Vec<u8>, String) {
        let bytes = self.0.into_inner().unwrap().finish().unwrap();
        let sum = sha256(&bytes);
        (bytes, sum)
    }
}
