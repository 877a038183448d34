//! A corporate network on this machine: a certificate authority, an HTTPS server with a certificate of it,
//! and a proxy with a password that connects to nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use containai::model::digest::sha256;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use super::web::head;

/// A certificate authority.
pub struct Authority(tempfile::TempDir);

impl Authority {
    /// One whose certificate expires after this time.
    pub fn for_days(days: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        openssl(
            directory.path(),
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days {days} \
                 -subj /CN=Corp -keyout ca.key -out ca.pem"
            ),
        );
        Self(directory)
    }

    /// Its certificate.
    pub fn certificate(&self) -> String {
        fs::read_to_string(self.0.path().join("ca.pem")).unwrap()
    }

    /// The port of an HTTPS server for these names, which runs until the tests end. `answers` are complete
    /// responses by their paths.
    pub fn serve(&self, names: &[&str], answers: &[(String, Vec<u8>)]) -> u16 {
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
        let read = |name: &str| fs::read(directory.join(name)).unwrap();
        let chain = CertificateDer::pem_slice_iter(&read("server.pem")).collect::<Result<_, _>>();
        let key = PrivateKeyDer::from_pem_slice(&read("server.key")).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = Arc::new(config.with_single_cert(chain.unwrap(), key).unwrap());
        let answers: Arc<BTreeMap<String, Vec<u8>>> = Arc::new(answers.iter().cloned().collect());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, answers) = (config.clone(), answers.clone());
                std::thread::spawn(move || {
                    let session = ServerConnection::new(config).unwrap();
                    // The client may not trust the certificate, and leave.
                    let _ = answer(StreamOwned::new(session, stream), &answers);
                });
            }
        });
        port
    }
}

/// Answers one request.
fn answer(
    mut stream: StreamOwned<ServerConnection, TcpStream>,
    answers: &BTreeMap<String, Vec<u8>>,
) -> io::Result<()> {
    let mut lines = BufReader::new(&mut stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let missing = head("404 Not Found", "Content-Length: 0\r\n");
    let response = answers.get(path).unwrap_or(&missing);
    let end = response.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    stream.write_all(if method == "HEAD" { &response[..end] } else { response })?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn openssl(directory: &Path, arguments: &str) {
    let mut openssl = Command::new("openssl");
    let output =
        openssl.args(arguments.split_whitespace()).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
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

/// A response with contents of this type.
pub fn response(kind: &str, body: &[u8]) -> Vec<u8> {
    let headers = format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
    [&head("200 OK", &headers), body].concat()
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
    let body = manifest.to_string().into_bytes();
    let manifest = response(kind, &body);
    let version =
        head("200 OK", "Docker-Distribution-Api-Version: registry/2.0\r\nContent-Length: 0\r\n");
    vec![
        ("/v2/".into(), version),
        ("/v2/team/image/manifests/1".into(), manifest.clone()),
        (format!("/v2/team/image/manifests/{}", digest(&body)), manifest),
        blob(&config),
        blob(&layer),
    ]
}
