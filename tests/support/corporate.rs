//! A corporate network on this machine: a certificate authority, an HTTPS server with a certificate of it,
//! and a proxy with a password that connects to nothing else.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use containai::model::digest::sha256;
use serde_json::json;

/// A certificate authority.
pub struct Authority(tempfile::TempDir);

impl Authority {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        openssl(
            directory.path(),
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 60 \
                                   -subj /CN=Corp -keyout ca.key -out ca.pem",
        );
        Self(directory)
    }

    /// Its certificate.
    pub fn certificate(&self) -> String {
        fs::read_to_string(self.0.path().join("ca.pem")).unwrap()
    }

    /// An HTTPS server for these names. `answers` are complete HTTP responses by their paths.
    pub fn serve(&self, names: &[&str], answers: &[(String, Vec<u8>)]) -> Https {
        let directory = self.0.path();
        let names: Vec<String> = names.iter().map(|name| format!("DNS:{name}")).collect();
        fs::write(directory.join("names"), format!("subjectAltName={}", names.join(","))).unwrap();
        openssl(
            directory,
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=server \
                            -keyout server.key -out server.csr",
        );
        openssl(
            directory,
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
                            -extfile names -out server.pem",
        );
        for (path, response) in answers {
            let path = directory.join(path.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, response).unwrap();
        }
        let arguments = "s_server -accept 127.0.0.1:0 -cert server.pem -key server.key -HTTP";
        let mut child = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let accepts = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("ACCEPT "));
        let port = accepts.unwrap().rsplit(':').next().unwrap().parse().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Https { port, child }
    }
}

fn openssl(directory: &Path, arguments: &str) {
    let mut openssl = Command::new("openssl");
    let output =
        openssl.args(arguments.split_whitespace()).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An HTTPS server.
pub struct Https {
    pub port: u16,
    child: Child,
}

impl Drop for Https {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A proxy that needs the password `p@ss` of the user `me`. It leads every connection to one server.
pub struct Proxy {
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heard = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heard = heard.clone();
                std::thread::spawn(move || forward(stream, server, &heard));
            }
        });
        Self { port, requests }
    }

    /// The first line of each request with the password.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn forward(client: TcpStream, server: u16, heard: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut has_password = false;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        // me:p@ss
        has_password |= line.trim().eq_ignore_ascii_case("proxy-authorization: Basic bWU6cEBzcw==");
    }
    let mut out = client.try_clone()?;
    if !has_password {
        let challenge = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\
                         Content-Length: 0\r\nConnection: close\r\n\r\n";
        return out.write_all(challenge.as_bytes());
    }
    heard.lock().unwrap().push(request.trim().to_owned());
    if !request.starts_with("CONNECT ") {
        let missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return out.write_all(missing.as_bytes());
    }
    let mut server = TcpStream::connect(("127.0.0.1", server))?;
    out.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut to, mut from) = (server.try_clone()?, client);
    std::thread::spawn(move || {
        let _ = io::copy(&mut server, &mut out);
        let _ = out.shutdown(Shutdown::Write);
    });
    let _ = io::copy(&mut reader.by_ref().chain(&mut from), &mut to);
    to.shutdown(Shutdown::Write)
}

/// An HTTP/1.0 response.
pub fn response(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The responses of a registry with one image, `team/image:1`, which has one empty layer.
pub fn registry() -> Vec<(String, Vec<u8>)> {
    // Two blocks of zeros are an empty archive.
    let layer = vec![0; 1024];
    let digest = |bytes: &[u8]| format!("sha256:{}", sha256(bytes));
    let config = json!({"architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]}});
    let config = config.to_string().into_bytes();
    let kind = "application/vnd.docker.distribution.manifest.v2+json";
    let manifest = json!({"schemaVersion": 2, "mediaType": kind,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json",
            "size": config.len(), "digest": digest(&config)},
        "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar",
            "size": layer.len(), "digest": digest(&layer)}]});
    let blob = |bytes: &[u8]| {
        let path = format!("/v2/team/image/blobs/{}", digest(bytes));
        (path, response("application/octet-stream", bytes))
    };
    let manifest = response(kind, manifest.to_string().as_bytes());
    vec![("/v2/team/image/manifests/1".into(), manifest), blob(&config), blob(&layer)]
}
