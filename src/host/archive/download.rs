//! Downloads a file from a URL and follows a few redirects.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use ureq::http::{HeaderMap, Response, StatusCode, Uri, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

use super::{ArchiveError, Network};

/// The size limit of an archive in bytes; Lima's have about 40 million.
const LIMIT: u64 = 512 << 20;
/// The time limit of the whole download.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// How long a server may take to connect, to answer, and between two reads.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most redirects that are followed; GitHub sends one.
const REDIRECTS: usize = 5;
/// The size of one read in bytes.
const CHUNK: usize = 64 << 10;

/// Downloads into a file in this directory and returns the SHA-256 of its contents.
pub(super) fn download(
    url: &str,
    network: &Network,
    into: &mut File,
    directory: &Path,
) -> Result<String, ArchiveError> {
    let deadline = Instant::now() + TIMEOUT;
    let failed = |place: &dyn ToString, source: ureq::Error| ArchiveError::Download {
        url: place.to_string(),
        source: source.into(),
    };
    let mut place: Uri = url.parse().map_err(|why: ureq::http::uri::InvalidUri| {
        ArchiveError::Download { url: url.to_owned(), source: why.into() }
    })?;
    if !is_permitted(&place) {
        return Err(ArchiveError::NotEncrypted { url: url.to_owned() });
    }
    for _ in 0..=REDIRECTS {
        tracing::debug!(url = %place, "downloading");
        let response = request(&place, network, deadline)?.map_err(|why| failed(&place, why))?;
        let status = response.status();
        if status == StatusCode::OK {
            let body = response.into_body();
            if body.content_length().is_some_and(|length| length > LIMIT) {
                return Err(too_large(&place));
            }
            return keep(body.into_reader(), &place, into, directory);
        }
        if !status.is_redirection() {
            let (url, status) = (place.to_string(), status.to_string());
            return Err(ArchiveError::Status { url, status });
        }
        place = follow(&place, response.headers())?;
    }
    let why = "exceeds the redirect limit";
    Err(ArchiveError::Redirect { url: url.to_owned(), to: place.to_string(), why })
}

/// Sends one request: with the system's certificates (on Linux, those of `SSL_CERT_FILE` if it is set), and
/// then with the declared ones. ureq cannot combine them.
fn request(
    place: &Uri,
    network: &Network,
    deadline: Instant,
) -> Result<Result<Response<Body>, ureq::Error>, ArchiveError> {
    let with = |roots| Ok(agent(place, network, roots, deadline)?.get(place).call());
    let response = with(RootCerts::PlatformVerifier)?;
    match &response {
        Err(why) if is_untrusted(why) && !network.certificates.is_empty() => {
            with(RootCerts::Specific(certificates(&network.certificates)?.into()))
        }
        _ => Ok(response),
    }
}

/// Whether TLS failed, which ureq reports in two ways.
fn is_untrusted(why: &ureq::Error) -> bool {
    match why {
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => true,
        ureq::Error::Io(why) => why.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

#[expect(clippy::disallowed_methods, reason = "this is a part of the system host")]
fn certificates(paths: &[PathBuf]) -> Result<Vec<Certificate<'static>>, ArchiveError> {
    let read = |path: &PathBuf| {
        let text = std::fs::read(path).map_err(|why| why.to_string());
        let parsed = text.and_then(|it| Certificate::from_pem(&it).map_err(|why| why.to_string()));
        parsed.map_err(|why| ArchiveError::Certificate { path: path.clone(), why })
    };
    paths.iter().map(read).collect()
}

/// The proxy for a URL: the declared one, or else that of the environment (`ALL_PROXY`, `HTTPS_PROXY`,
/// `HTTP_PROXY`, `NO_PROXY`).
fn proxy(place: &Uri, network: &Network) -> Result<Option<Proxy>, ArchiveError> {
    // A proxy would connect to itself instead of to this machine.
    if is_own(place) {
        return Ok(None);
    }
    let Some(settings) = &network.proxy else { return Ok(Proxy::try_from_env()) };
    if place.host().is_some_and(|host| settings.skips(host)) {
        return Ok(None);
    }
    let url = if place.scheme_str() == Some("https") { &settings.https } else { &settings.http };
    let proxy = url.as_ref().map(|url| Proxy::new(url)).transpose();
    proxy.map_err(|why| ArchiveError::Download { url: place.to_string(), source: why.into() })
}

/// A client for one request.
fn agent(
    place: &Uri,
    network: &Network,
    roots: RootCerts,
    deadline: Instant,
) -> Result<Agent, ArchiveError> {
    let tls = TlsConfig::builder().root_certs(roots).build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .proxy(proxy(place, network)?)
        .user_agent(concat!("cai/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        // `follow` checks each redirect.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(deadline.saturating_duration_since(Instant::now())))
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_per_read(Some(PATIENCE))
        .build();
    Ok(Agent::new_with_config(config))
}

/// Writes the response to the file.
fn keep(
    mut from: impl Read,
    place: &Uri,
    into: &mut File,
    directory: &Path,
) -> Result<String, ArchiveError> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut length = 0;
    loop {
        let read = from.read(&mut chunk).map_err(|source| ArchiveError::Download {
            url: place.to_string(),
            source: source.into(),
        })?;
        if read == 0 {
            return Ok(crate::model::digest::hexadecimal(&hash.finalize()));
        }
        length += read as u64;
        if length > LIMIT {
            return Err(too_large(place));
        }
        hash.update(&chunk[..read]);
        into.write_all(&chunk[..read])
            .map_err(|source| ArchiveError::Write { path: directory.to_owned(), source })?;
    }
}

fn too_large(place: &Uri) -> ArchiveError {
    ArchiveError::TooLarge { url: place.to_string(), limit: LIMIT }
}

/// The target of a redirect. A redirect from an encrypted address to an unencrypted one is refused.
fn follow(from: &Uri, headers: &HeaderMap) -> Result<Uri, ArchiveError> {
    let location = headers.get(header::LOCATION).map_or(&[][..], |value| value.as_bytes());
    let location = String::from_utf8_lossy(location);
    let refused =
        |why| ArchiveError::Redirect { url: from.to_string(), to: location.to_string(), why };
    let to = absolute(from, &location).ok_or_else(|| refused("is not a URL"))?;
    let stays_encrypted = to.scheme_str() == Some("https") || from.scheme_str() != Some("https");
    if !stays_encrypted || !is_permitted(&to) {
        return Err(refused("is not encrypted"));
    }
    Ok(to)
}

/// Resolves a `Location` against the address of its page.
fn absolute(from: &Uri, location: &str) -> Option<Uri> {
    let (scheme, authority) = (from.scheme_str()?, from.authority()?);
    let text = if location.is_empty() {
        return None;
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.split(['/', '?', '#']).next()?.contains(':') {
        location.to_owned()
    } else {
        let directory = &from.path()[..=from.path().rfind('/')?];
        format!("{scheme}://{authority}{directory}{location}")
    };
    let to: Uri = text.parse().ok()?;
    to.host().is_some().then_some(to)
}

/// Whether the connection is encrypted or stays on this machine.
fn is_permitted(place: &Uri) -> bool {
    match place.scheme_str() {
        Some("https") => true,
        Some("http") => is_own(place),
        _ => false,
    }
}

/// Whether the address is this machine.
fn is_own(place: &Uri) -> bool {
    matches!(place.host(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(from: &str, location: &'static str) -> Result<String, String> {
        let headers =
            HeaderMap::from_iter([(header::LOCATION, location.parse().expect("a header"))]);
        let to = follow(&from.parse().unwrap(), &headers);
        to.map(|to| to.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_redirect_is_read_as_browsers_do() {
        let from = "https://a.example/b/c.tar.gz?d";
        for (location, to) in [
            ("https://e.example/f?g=h%2F", "https://e.example/f?g=h%2F"),
            ("//e.example/f", "https://e.example/f"),
            ("/f", "https://a.example/f"),
            ("f?at=1:2", "https://a.example/b/f?at=1:2"),
            ("HTTPS://e.example", "https://e.example/"),
        ] {
            assert_eq!(redirect(from, location).as_deref(), Ok(to), "{location}");
        }
    }

    #[test]
    fn a_redirect_does_not_leave_what_is_encrypted() {
        for (from, location) in [
            ("https://a.example/b", "http://a.example/b"),
            ("https://a.example/b", "http://localhost/b"),
            ("https://a.example/b", "ftp://a.example/b"),
            ("https://a.example/b", "file:///etc/passwd"),
            ("http://127.0.0.1:1/b", "http://a.example/b"),
            ("http://127.0.0.1:1/b", "http://127.0.0.1.a.example/b"),
            ("http://127.0.0.1:1/b", "http://127.0.0.1@a.example/b"),
            ("http://127.0.0.1:1/b", ""),
        ] {
            redirect(from, location).expect_err(location);
        }
        assert_eq!(
            redirect("https://a.example/b", "http://a.example/b").unwrap_err(),
            "https://a.example/b redirects to http://a.example/b, which is not encrypted"
        );
        for to in ["http://localhost:2/b", "https://a.example/b"] {
            assert_eq!(redirect("http://127.0.0.1:1/b", to).as_deref(), Ok(to));
        }
    }
}
