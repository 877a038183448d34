//! Installing an archive, from a server on this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use containai::host::{Archive, ArchiveError, Host, Network, System};
use containai::model::proxy::ProxySettings;
use tar::EntryType;

use crate::support::corporate::{Authority, Proxy};
use crate::support::trials;
use crate::support::web::{Packed, Web, head, ok, redirect};

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        an_archive_is_installed_as_a_whole,
        another_checksum_stops_it_and_both_are_said,
        a_download_that_ends_early_is_not_taken,
        an_answer_that_is_no_archive_is_named,
        an_archive_that_is_too_large_is_not_waited_for,
        entries_that_lead_outside_are_refused,
        redirects_are_followed_on_this_machine,
        a_redirect_to_where_anybody_listens_is_refused,
        redirects_without_end_are_refused,
        a_url_that_is_not_encrypted_is_not_asked,
        what_an_interrupted_attempt_left_goes_with_the_next,
        a_failure_leaves_what_was_there,
        a_place_that_cannot_be_written_is_named,
        a_download_takes_the_declared_proxy_and_certificate,
    ]
}

/// A place to install to, and what came of an attempt.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The directory beside which the install works.
    fn parent(&self) -> PathBuf {
        self.0.path().join("data/lima")
    }

    fn directory(&self) -> PathBuf {
        self.parent().join("1.2.3")
    }

    fn install(&self, url: &str, sha256: &str) -> Result<(), ArchiveError> {
        self.install_through(Network::default(), url, sha256)
    }

    fn install_through(
        &self,
        network: Network,
        url: &str,
        sha256: &str,
    ) -> Result<(), ArchiveError> {
        let (url, sha256) = (url.into(), sha256.parse().unwrap());
        System.install_archive(&Archive { url, sha256, directory: self.directory(), network })
    }

    /// Why it fails, in words with what to do. Nothing is left of it.
    #[track_caller]
    fn refuses(&self, url: &str, sha256: &str) -> String {
        let error = self.install(url, sha256).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(names(&self.parent()), [""; 0], "something is left of {error}");
        assert!(!error.hint().is_empty());
        format!("{error}; {}", source.unwrap_or_default())
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// An archive as Lima makes them.
fn lima() -> (Vec<u8>, String) {
    Packed::new()
        .directory("./")
        .directory("./bin/")
        .file("./bin/limactl", 0o755, "#!/bin/sh\n")
        .file("./share/lima/templates/default.yaml", 0o666, "{}\n")
        .link(EntryType::Symlink, "./share/doc/lima/templates", "../../lima/templates")
        .link(EntryType::Link, "./bin/lima", "./bin/limactl")
        .done()
}

fn an_archive_is_installed_as_a_whole() {
    let (bytes, sum) = lima();
    let web = Web::serve([("/a.tar.gz", ok(&bytes))]);
    let place = Place::new();
    place.install(&web.url("/a.tar.gz"), &sum).unwrap();
    assert_eq!(names(&place.parent()), ["1.2.3"]);
    assert_eq!(names(&place.directory()), ["bin", "share"]);
    let mode = |path: &str| {
        let path = place.directory().join(path);
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    };
    assert_eq!(mode("bin/limactl"), 0o755);
    assert_eq!(mode("bin/lima"), 0o755);
    assert_eq!(mode("share/doc/lima/templates/default.yaml"), 0o644, "anybody could write it");
    assert_eq!(fs::read_to_string(place.directory().join("bin/limactl")).unwrap(), "#!/bin/sh\n");
}

fn another_checksum_stops_it_and_both_are_said() {
    let (bytes, sum) = lima();
    let web = Web::serve([("/a.tar.gz", ok(&bytes))]);
    let wanted = "0a".repeat(32);
    let error = Place::new().refuses(&web.url("/a.tar.gz"), &wanted);
    let said = format!("/a.tar.gz has the SHA-256 {sum}, but {wanted} was expected");
    assert!(error.contains(&said), "{error}");
}

fn a_download_that_ends_early_is_not_taken() {
    let (bytes, sum) = lima();
    let half = &bytes[..bytes.len() / 2];
    let announced = head("200 OK", &format!("Content-Length: {}\r\n", bytes.len()));
    let chunked = head("200 OK", "Transfer-Encoding: chunked\r\n");
    let chunk = format!("{:x}\r\n", half.len()).into_bytes();
    let web = Web::serve([
        ("/announced", [&announced, half].concat()),
        ("/chunked", [&chunked, &chunk, half, b"\r\n"].concat()),
        ("/until-the-end", [&head("200 OK", ""), half].concat()),
        ("/nothing", Vec::new()),
    ]);
    for path in ["/announced", "/chunked", "/nothing"] {
        let error = Place::new().refuses(&web.url(path), &sum);
        assert!(error.contains("could not be downloaded"), "{path}: {error}");
    }
    let error = Place::new().refuses(&web.url("/until-the-end"), &sum);
    assert!(error.contains(&format!("{sum} was expected")), "{error}");
}

fn an_answer_that_is_no_archive_is_named() {
    let page = b"<html>Welcome to the hotel's network</html>";
    let sum = containai::model::digest::sha256(page);
    let (bytes, _) = lima();
    let damaged = &bytes[..bytes.len() - 20];
    let web = Web::serve([
        ("/page", ok(page)),
        ("/damaged", ok(damaged)),
        ("/error", head("500 Internal Server Error", "Content-Length: 0\r\n")),
        ("/partial", head("206 Partial Content", "Content-Length: 0\r\n")),
    ]);
    let error = Place::new().refuses(&web.url("/missing"), &sum);
    assert!(error.contains("/missing answered with the HTTP status 404 Not Found"), "{error}");
    for (path, status) in [("/error", "500 Internal Server Error"), ("/partial", "206 Partial")] {
        let error = Place::new().refuses(&web.url(path), &sum);
        assert!(error.contains(status), "{error}");
    }
    let error = Place::new().refuses(&web.url("/page"), &sum);
    assert!(error.contains("/page could not be unpacked"), "{error}");
    let error =
        Place::new().refuses(&web.url("/damaged"), &containai::model::digest::sha256(damaged));
    assert!(error.contains("/damaged could not be unpacked"), "{error}");
}

fn an_archive_that_is_too_large_is_not_waited_for() {
    let large = head("200 OK", &format!("Content-Length: {}\r\n", (512_u64 << 20) + 1));
    let web = Web::serve([("/large", large)]);
    let error = Place::new().refuses(&web.url("/large"), &"0a".repeat(32));
    assert!(error.contains("/large has more than 536870912 bytes"), "{error}");
}

fn entries_that_lead_outside_are_refused() {
    use EntryType::{Char, Link, Symlink};
    let outside = tempfile::tempdir().unwrap();
    let absolute = outside.path().join("evil");
    let absolute = absolute.to_str().unwrap();
    let packed = Packed::new;
    let archives = [
        ("has a path outside the directory", packed().file("../evil", 0o755, "x")),
        ("has a path outside the directory", packed().file("bin/../../evil", 0o755, "x")),
        ("has a path outside the directory", packed().file(absolute, 0o755, "x")),
        ("links to a path outside the directory", packed().link(Symlink, "evil", "../../evil")),
        ("links to a path outside the directory", packed().link(Symlink, "evil", absolute)),
        ("links to a path outside the directory", packed().link(Link, "evil", "../evil")),
        ("links to a path outside the directory", packed().link(Link, "evil", "/etc/passwd")),
        (
            "is below a link",
            packed().directory("a").link(Symlink, "b", "a").file("b/evil", 0o755, "x"),
        ),
        ("is below a link", packed().link(Symlink, "evil", "a").file("evil", 0o755, "x")),
        (
            "links to a path below a link",
            packed().directory("a").link(Symlink, "b", "a").link(Link, "evil", "b/x"),
        ),
        ("is not a file, a directory or a link", packed().link(Char, "evil", "")),
    ];
    for (why, archive) in archives {
        let (bytes, sum) = archive.file("bin/limactl", 0o755, "x").done();
        let web = Web::serve([("/a.tar.gz", ok(&bytes))]);
        let place = Place::new();
        let error = place.refuses(&web.url("/a.tar.gz"), &sum);
        assert!(error.contains("evil\", which ") && error.contains(why), "{why}: {error}");
        assert_eq!(names(place.0.path()), ["data"], "{why}");
        assert_eq!(names(outside.path()), [""; 0], "{why}");
    }
}

fn redirects_are_followed_on_this_machine() {
    let (bytes, sum) = lima();
    let other = Web::serve([("/d/b.tar.gz?c", redirect("e")), ("/d/e", ok(&bytes))]);
    let web = Web::serve([
        ("/a.tar.gz", redirect("/b.tar.gz")),
        ("/b.tar.gz", redirect(&other.url("/d/b.tar.gz?c"))),
    ]);
    let place = Place::new();
    place.install(&web.url("/a.tar.gz"), &sum).unwrap();
    assert!(place.directory().join("bin/limactl").is_file());
}

fn a_redirect_to_where_anybody_listens_is_refused() {
    let web = Web::serve([("/a.tar.gz", redirect("http://example.invalid/a.tar.gz"))]);
    let error = Place::new().refuses(&web.url("/a.tar.gz"), &"0a".repeat(32));
    let said = "/a.tar.gz redirects to http://example.invalid/a.tar.gz, which is not encrypted";
    assert!(error.contains(said), "{error}");
    assert_eq!(web.requests().len(), 1);
}

fn redirects_without_end_are_refused() {
    let web = Web::serve([("/a", redirect("/b")), ("/b", redirect("/a"))]);
    let error = Place::new().refuses(&web.url("/a"), &"0a".repeat(32));
    assert!(error.contains("which exceeds the redirect limit"), "{error}");
    assert!(web.requests().len() < 10, "{:?}", web.requests());
}

fn a_url_that_is_not_encrypted_is_not_asked() {
    for url in ["http://example.invalid/a", "ftp://127.0.0.1/a", "http://127.0.0.2/a"] {
        let error = Place::new().refuses(url, &"0a".repeat(32));
        assert!(error.contains("must use https, because it is not on this machine"), "{error}");
    }
}

fn what_an_interrupted_attempt_left_goes_with_the_next() {
    let (bytes, sum) = lima();
    let web = Web::serve([("/a.tar.gz", ok(&bytes))]);
    let place = Place::new();
    // One that was ended while it unpacked, and a release that somebody took the half of.
    for path in
        [place.parent().join(".cai-unfinished-ab12cd/new/bin"), place.directory().join("share")]
    {
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("limactl"), "half").unwrap();
    }
    place.install(&web.url("/a.tar.gz"), &sum).unwrap();
    assert_eq!(names(&place.parent()), ["1.2.3"]);
    assert_eq!(names(&place.directory()), ["bin", "share"]);
    assert_eq!(names(&place.directory().join("share")), ["doc", "lima"]);
}

fn a_failure_leaves_what_was_there() {
    let (bytes, _) = lima();
    let (evil, sum) = Packed::new().file("../evil", 0o755, "x").done();
    let web = Web::serve([("/a.tar.gz", ok(&bytes)), ("/evil.tar.gz", ok(&evil))]);
    let place = Place::new();
    fs::create_dir_all(place.directory()).unwrap();
    fs::write(place.directory().join("own"), "mine").unwrap();
    place.install(&web.url("/a.tar.gz"), &"0a".repeat(32)).unwrap_err();
    place.install(&web.url("/evil.tar.gz"), &sum).unwrap_err();
    assert_eq!(names(&place.parent()), ["1.2.3"]);
    assert_eq!(names(&place.directory()), ["own"]);
}

fn a_place_that_cannot_be_written_is_named() {
    let place = Place::new();
    fs::write(place.0.path().join("data"), "a file").unwrap();
    let error = place.install("http://127.0.0.1:1/a", &"0a".repeat(32)).unwrap_err();
    assert_eq!(error.to_string(), format!("{} could not be written", place.parent().display()));
}

fn a_download_takes_the_declared_proxy_and_certificate() {
    let (bytes, sum) = lima();
    let authority = Authority::for_days(60);
    let server = authority.serve(&["mirror.corp.example"], &[("/a.tar.gz".into(), ok(&bytes))]);
    let proxy = Proxy::to(server);
    let place = Place::new();
    let certificate = place.0.path().join("ca.pem");
    fs::write(&certificate, authority.certificate()).unwrap();
    let url = "https://mirror.corp.example/a.tar.gz";
    let through = |https: &str, certificates: &[&PathBuf]| {
        let https = Some(https.replace("PORT", &proxy.port.to_string()));
        let proxy = Some(ProxySettings { https, ..ProxySettings::default() });
        let certificates = certificates.iter().copied().cloned().collect();
        place.install_through(Network { proxy, certificates }, url, &sum)
    };
    let with_password = "http://me:p%40ss@127.0.0.1:PORT";
    for (https, certificates) in
        [("http://127.0.0.1:PORT", &[&certificate][..]), (with_password, &[])]
    {
        assert!(matches!(through(https, certificates), Err(ArchiveError::Download { .. })));
    }
    let damaged = place.0.path().join("damaged.pem");
    fs::write(&damaged, "hello\n").unwrap();
    let error = through(with_password, &[&damaged]).unwrap_err().to_string();
    assert!(error.contains("damaged.pem could not be read"), "{error}");
    through(with_password, &[&certificate]).unwrap();
    assert_eq!(names(&place.directory()), ["bin", "share"]);
    assert!(proxy.requests().iter().all(|it| it.starts_with("CONNECT mirror.corp.example:443 ")));
}
