use std::path::Path;

use super::refuses;
use crate::config::{Config, ValueSource, parse, resolve};

#[test]
fn a_proxy_has_an_address_and_no_password_in_the_file() {
    let proxy = |keys: &str| format!("[proxy]\n{keys}");
    for (keys, message) in [
        ("no_proxy = [\"a\"]", "2:1 [proxy] has neither `http` nor `https`"),
        ("http = \"p:1\"", "3:8 \"p:1\" is not the address of a proxy"),
        ("http = \"http://me:s@p\"", "3:8 a value with credentials is not the address of a proxy"),
        ("http = \"http://p\"\nno_proxy = [\"a b\"]", "4:13 \"a b\" is not an entry of no_proxy"),
        ("http = \"http://p\"\nusername = \"\"", "4:12 `username` is empty"),
        (
            "http = \"http://p\"\nusername = \"me\"\npassword = \"s\"",
            "5:12 the password must not be in this file",
        ),
        ("http = \"http://p\"\npassword = { env = \"P\" }", "4:12 `password` requires `username`"),
        (
            "http = \"http://p\"\n[vm.env]\nHTTPS_PROXY = \"http://q\"",
            "5:15 HTTPS_PROXY cannot be set here",
        ),
        (
            "http = \"http://p\"\n[docker.daemon.proxies]\nhttp-proxy = \"http://q\"",
            "4:1 `proxies` cannot be set here",
        ),
    ] {
        refuses(&[(&proxy(keys), message)]);
    }
}

#[test]
fn certificates_have_different_names() {
    let trust = |path: &str| format!("[[trust]]\ncertificate = {path:?}\n");
    refuses(&[(&trust("ca.pem"), "3:15 \"ca.pem\" is not the path of a certificate")]);
    let nameless = trust("~/.pem");
    refuses(&[(&nameless, "3:15 \"~/.pem\" is not the path of a certificate: name the file")]);
    let twice = trust("./a/Corp CA.pem") + &trust("./b/corp_ca.crt");
    refuses(&[(&twice, "5:15 duplicate certificate corp-ca")]);
}

fn with_proxy() -> Config {
    let text = "version = 1\n[proxy]\nhttp = \"http://localhost:3128\"\nhttps = \"http://p.example:1\"\n\
                no_proxy = [\".corp.example\"]\nusername = \"me\"\npassword = { command = [\"./get\", \"x\"] }\n\
                [vm.env]\nA = { file = \"~/a\" }\n";
    let config = parse(text).unwrap();
    let mut config = config.located(Path::new("/team"), Some(Path::new("/home/dev")));
    let read = |from: &ValueSource| match from {
        ValueSource::File(path) if path == "/home/dev/a" => Ok(Some("of a file".to_owned())),
        ValueSource::Command(words) if *words == ["/team/./get", "x"] => Ok(Some("p@ss".into())),
        other => panic!("{other} is not read"),
    };
    resolve(&mut config, read).unwrap();
    config
}

#[test]
fn the_guest_gets_the_proxy_with_its_password() {
    let config = with_proxy();
    let environment = config.guest_environment();
    let of = |name: &str| environment[name].as_str();
    for name in ["HTTP_PROXY", "http_proxy"] {
        assert_eq!(of(name), "http://me:p%40ss@host.lima.internal:3128");
    }
    assert_eq!(of("HTTPS_PROXY"), "http://me:p%40ss@p.example:1");
    assert_eq!(of("no_proxy"), "localhost,127.0.0.1,::1,host.lima.internal,.corp.example");
    assert_eq!(of("A"), "of a file");
    // Without it, Lima would add the system's proxies on macOS.
    assert_eq!((of("ftp_proxy"), environment.get("ALL_PROXY")), ("", None));
    let host = config.proxy.as_ref().unwrap().on_host();
    assert_eq!(host.http.as_deref(), Some("http://me:p%40ss@localhost:3128"));
}

#[test]
fn the_password_of_a_proxy_is_a_secret() {
    let config = with_proxy();
    for secret in ["p@ss", "p%40ss", "of a file"] {
        assert!(config.secrets().iter().any(|it| it == secret), "{secret}");
        assert!(!format!("{config:?}").contains(secret), "{secret}");
    }
    assert!(config.hides("HTTP_PROXY", &"http://me:p@p:1".into()) && config.hides("A", &"".into()));
    assert!(
        !config.hides("HTTP_PROXY", &"http://p:1".into())
            && !config.hides("NO_PROXY", &"a,b".into())
    );
}
