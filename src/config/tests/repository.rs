use super::{hints, mistakes};
use crate::config::{Repository, parse};
use crate::model::Fingerprint;

fn file(lines: &str) -> String {
    format!("version = 1\n[docker.repository]\n{lines}\n")
}

fn read(lines: &str) -> Repository {
    parse(&file(lines)).unwrap().docker.repository.unwrap()
}

#[test]
fn a_repository_has_a_url_and_by_default_dockers_key() {
    let read = read("url = \"https://m.example:8443/a/linux/\"");
    assert_eq!(read.url, "https://m.example:8443/a/linux");
    assert_eq!((read.key.as_deref(), read.local_key()), (None, None));
    assert_eq!(read.fingerprint, Fingerprint::default());
    assert_eq!(mistakes(&file("")), ["2:1 the key `url` is missing"]);
}

#[test]
fn its_key_is_downloaded_or_a_local_file() {
    let url = "url = \"https://m.example/linux\"\nkey = ";
    for path in ["/k.asc", "~/k.asc", "./k.asc", "../a b/k.asc"] {
        assert_eq!(read(&format!("{url}{path:?}")).local_key(), Some(path));
    }
    let of_url = read(&format!("{url}\"https://m.example/k.asc\""));
    assert_eq!(of_url.local_key(), None);
    for wrong in ["k.asc", "./keys/", "http://m.example/k.asc", "file:///k.asc"] {
        let found = mistakes(&file(&format!("{url}{wrong:?}")));
        let expected = format!("4:7 {wrong:?} is not the URL or path of a key: write an https://");
        assert!(found.len() == 1 && found[0].starts_with(&expected), "{found:?}");
    }
}

#[test]
fn a_url_has_only_characters_that_apt_and_curl_take_as_they_are() {
    for url in ["https://m", "https://m.example/", "https://10.0.0.1:1/a-b_c.d~e/f"] {
        read(&format!("url = {url:?}"));
    }
    for url in [
        "http://m.example/linux",
        "HTTPS://m.example/linux",
        "https://",
        "https:///linux",
        "https://-m/linux",
        "https://m.example/a b",
        "https://m.example/a]b",
        "https://m.example/{a,b}",
        "https://m.example/%20",
        "https://m.example/a/../b",
        "https://m.example/a//b",
        "https://[::1]/a",
        "m.example/linux",
        "/srv/linux",
    ] {
        let found = mistakes(&file(&format!("url = {url:?}")));
        let expected = format!("3:7 {url:?} is not the URL of a repository: write ");
        assert!(found.len() == 1 && found[0].starts_with(&expected), "{found:?}");
    }
}

#[test]
fn a_url_has_no_password_and_no_query() {
    let secret = "url = \"https://dev:hunter2@m.example/linux\"";
    let found = mistakes(&file(secret));
    assert_eq!(found, ["3:7 a URL here cannot contain a user name or password"]);
    assert!(hints(&file(secret))[0].contains("/etc/apt/auth.conf.d"));
    let query = "url = \"https://m.example/linux\"\nkey = \"https://m.example/k?token=a@b\"";
    let found = mistakes(&file(query));
    assert_eq!(found, ["4:7 a URL here cannot contain a query or a fragment"]);
}
