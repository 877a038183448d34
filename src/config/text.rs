//! Checks of strings.

use std::net::IpAddr;

use crate::model::InvalidValue;

/// Checks a text.
pub(super) type Rule = fn(&str) -> Result<(), InvalidValue>;

fn holds(
    holds: bool,
    value: &str,
    what: &'static str,
    rule: &'static str,
) -> Result<(), InvalidValue> {
    if holds { Ok(()) } else { Err(InvalidValue::new(value, what, rule)) }
}

/// The check of all texts: not empty, and no control characters.
pub(super) fn plain(value: &str, what: &'static str) -> Result<(), InvalidValue> {
    holds(!value.is_empty(), value, what, "it is empty")?;
    holds(!value.chars().any(char::is_control), value, what, "it contains a control character")
}

/// Whether a path does not depend on the current directory.
fn is_anchored(path: &str) -> bool {
    path.starts_with('/') || path.starts_with("~/")
}

pub(super) fn location(value: &str, what: &'static str) -> Result<(), InvalidValue> {
    plain(value, what)?;
    let is_url = ["https://", "file://"]
        .iter()
        .any(|scheme| value.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    let rule = r#"write a URL (https:// or file://), or a path that starts with "/" or "~/""#;
    holds(is_url || is_anchored(value), value, what, rule)
}

/// Lima expands QEMU's arguments as templates that can connect to sockets.
pub(super) fn kernel_cmdline(value: &str) -> Result<(), InvalidValue> {
    let what = "a kernel command line";
    plain(value, what)?;
    holds(!value.contains("{{"), value, what, r#"write it without "{{", which Lima expands"#)
}

/// The template names that `cai` passes on to Lima. Only Lima and its user determine their values.
const NAMES: [&str; 11] = [
    ".Dir",
    ".GlobalTempDir",
    ".Home",
    ".Hostname",
    ".Instance",
    ".LimaHome",
    ".Name",
    ".SSHLocalPort",
    ".TempDir",
    ".UID",
    ".User",
];

/// Why Lima must not expand this text. Lima 2.2.0 (`pkg/limayaml`, `pkg/store`) expands Go
/// templates, whose functions, methods and conditions can produce any text.
pub(super) fn broken_template(text: &str) -> Option<&'static str> {
    let mut templates = text.split("{{").skip(1);
    let is_name = |rest: &str| {
        rest.split_once("}}").is_some_and(|(inside, _)| NAMES.contains(&inside.trim()))
    };
    (!templates.all(is_name)).then_some(
        "write only names such as {{.Dir}}, {{.Home}}, {{.User}} and {{.Name}}, because Lima expands \
         all templates",
    )
}

/// Whether Lima takes the text as one path: Lima writes mounts unquoted into cloud-init's YAML and
/// QEMU's options, and expands templates in them.
fn is_mountable(path: &str) -> bool {
    !path.contains(['[', ']', '{', '}', ',']) && !path.contains(": ") && !path.contains(" #")
}

const UNMOUNTABLE: &str =
    r#"write a path without "[", "]", "{", "}", ",", ": " or " #", which Lima does not quote"#;

/// Whether a path has no `..`.
fn is_straight(path: &str) -> bool {
    path.split('/').all(|part| part != "..")
}

const CROOKED: &str = r#"write a path without "..""#;

pub(super) fn mount_location(value: &str) -> Result<(), InvalidValue> {
    let what = "a directory to mount";
    plain(value, what)?;
    let rule = r#"write a path that starts with "/" or "~/""#;
    holds(value == "~" || is_anchored(value), value, what, rule)?;
    holds(is_straight(value), value, what, CROOKED)?;
    holds(is_mountable(value), value, what, UNMOUNTABLE)
}

pub(super) fn mount_point(value: &str) -> Result<(), InvalidValue> {
    let what = "a mount point";
    plain(value, what)?;
    holds(value.starts_with('/'), value, what, r#"write a path in the VM that starts with "/""#)?;
    holds(is_straight(value), value, what, CROOKED)?;
    holds(is_mountable(value), value, what, UNMOUNTABLE)
}

pub(super) fn digest(value: &str) -> Result<(), InvalidValue> {
    let is_hex = |text: &str, digits: usize| {
        text.len() == digits && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
    };
    let rule = match value.split_once(':') {
        Some(("sha256", hex)) if is_hex(hex, 64) => return Ok(()),
        Some(("sha512", hex)) if is_hex(hex, 128) => return Ok(()),
        Some(("sha256", _)) => r#"write 64 lowercase hexadecimal digits after "sha256:""#,
        Some(("sha512", _)) => r#"write 128 lowercase hexadecimal digits after "sha512:""#,
        _ => r#"write "sha256:" or "sha512:", then the digits"#,
    };
    Err(InvalidValue::new(value, "a digest", rule))
}

/// Whether this is an absolute path, or one that is relative to the file.
pub(super) fn is_local(path: &str) -> bool {
    is_anchored(path) || path.starts_with("./") || path.starts_with("../")
}

pub(super) fn seccomp_profile(value: &str) -> Result<(), InvalidValue> {
    let what = "a seccomp profile";
    plain(value, what)?;
    let rule = r#"write a path that starts with "/" or "~/", or with "./" (relative to this file)"#;
    holds(is_local(value), value, what, rule)
}

/// Only local files can be extended, so that a configuration does not depend on a server.
pub(super) fn extended_file(value: &str) -> Result<(), InvalidValue> {
    let what = "the path of a file to extend";
    plain(value, what)?;
    let rule = "write the path of a local file, such as \"../base.toml\"";
    let is_path = !value.contains("://") && !value.ends_with('/');
    holds(is_path && (!value.starts_with('~') || value.starts_with("~/")), value, what, rule)
}

pub(super) fn compose_file(value: &str) -> Result<(), InvalidValue> {
    let what = "the path of a compose file";
    plain(value, what)?;
    let rule = r#"write a path that starts with "/" or "~/", or with "./" (relative to this file)"#;
    holds(is_local(value) && !value.ends_with('/'), value, what, rule)
}

pub(super) fn container_socket(value: &str) -> Result<(), InvalidValue> {
    let what = "the path of a socket in a container";
    plain(value, what)?;
    // To Compose, a colon ends the path and a dollar sign starts a variable.
    let rule = r#"write a path that starts with "/" and has neither ":" nor "$""#;
    let is_path = value.starts_with('/') && !value.ends_with('/') && !value.contains([':', '$']);
    holds(is_path, value, what, rule)
}

pub(super) fn package_url(value: &str) -> Result<(), InvalidValue> {
    let what = "the URL or path of a package";
    plain(value, what)?;
    let is_url = value.strip_prefix("https://").is_some_and(|rest| !rest.is_empty());
    let rule = r#"write an https:// URL, or a path that starts with "/", "~/" or "./""#;
    holds(is_url || is_local(value), value, what, rule)
}

/// Plain HTTP is accepted only for a server on this machine, such as the end of a tunnel.
pub(super) fn mirror(value: &str) -> Result<(), InvalidValue> {
    let what = "the URL of a mirror";
    plain(value, what)?;
    let is_own = |rest: &str| {
        ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
            rest.strip_prefix(host)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        })
    };
    let is_url = value.strip_prefix("https://").is_some_and(|rest| !rest.is_empty())
        || value.strip_prefix("http://").is_some_and(is_own);
    holds(is_url, value, what, "write an https:// URL, or an http:// URL on localhost")
}

pub(super) fn ip(value: &str) -> Result<(), InvalidValue> {
    let rule = r#"write an address such as "127.0.0.1" or "::1""#;
    holds(value.parse::<IpAddr>().is_ok(), value, "an IP address", rule)
}

pub(super) fn socket(value: &str) -> Result<(), InvalidValue> {
    let what = "the path of a socket";
    plain(value, what)?;
    let rule =
        r#"write a path that starts with "/", or a template such as "{{.Dir}}/sock/my.sock""#;
    holds(value.starts_with('/') || value.starts_with("{{"), value, what, rule)?;
    holds(is_straight(value), value, what, CROOKED)?;
    if let Some(rule) = broken_template(value) {
        return Err(InvalidValue::new(value, what, rule));
    }
    // Both ends form one argument of ssh, to which these characters are special.
    let rule = r#"write it without ":", "%", "$", "\", "[" or "]", which are special to ssh"#;
    holds(!value.contains([':', '%', '$', '\\', '[', ']']), value, what, rule)
}

/// Before Lima creates the socket, it removes whatever is at this path, even a directory with its
/// content (`forwardSSH` of Lima 2.2.0). So the path must be that of a socket.
pub(super) fn host_socket(value: &str) -> Result<(), InvalidValue> {
    socket(value)?;
    let rule =
        r#"write a name that ends with ".sock", because Lima deletes an existing file there"#;
    let name = value.rsplit('/').next().unwrap_or_default();
    let is_sockets = name.strip_suffix(".sock").is_some_and(|stem| !stem.is_empty());
    holds(is_sockets, value, "the path of a socket on this machine", rule)
}

/// A colon separates fields in `/etc/passwd`.
pub(super) fn shell(value: &str) -> Result<(), InvalidValue> {
    let what = "a login shell";
    plain(value, what)?;
    let rule = r#"write a path in the VM that starts with "/" and has no ":""#;
    holds(value.starts_with('/') && !value.contains(':'), value, what, rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::pattern;

    fn check(rule: Rule, pattern: &str, accepted: &[&str], refused: &[&str]) {
        let schema = serde_json::json!({ "pattern": pattern });
        let schema = jsonschema::validator_for(&schema).unwrap();
        for value in accepted {
            assert_eq!(rule(value), Ok(()), "{value:?}");
            assert!(schema.is_valid(&(*value).into()), "the schema must accept {value:?}");
        }
        for value in refused.iter().chain(&["", "/a\0", "/a\nb", "/a\u{1b}[2J", "https://a/\u{9b}"])
        {
            assert!(rule(value).is_err(), "{value:?} must be refused");
        }
    }

    #[test]
    fn an_image_is_at_a_url_or_at_a_path_that_means_the_same_everywhere() {
        let accepted = ["https://a/b.img", "file:///a", "/a b/ü.img", "~/a", "/"];
        let refused = ["a.img", "./a", "../a", "~", "~user/a", "https://", "http://a", "HTTPS:a"];
        check(|value| location(value, "an image"), pattern::LOCATION, &accepted, &refused);
    }

    #[test]
    fn what_is_mounted_is_a_path_of_this_machine_and_where_is_one_of_the_vm() {
        // Paths that Lima would expand or split.
        let more = ["/a/../b", "/{{.Name}}", "/a, b", "/a]", "/a: b", "/a #b"];
        let refused = [["src", "./src", "~user", "https://a/b"].as_slice(), &more].concat();
        check(mount_location, pattern::MOUNT_LOCATION, &["~", "~/src", "/src", "/a b"], &refused);
        let refused = [["~", "~/src", "mnt", "./mnt"].as_slice(), &more].concat();
        check(mount_point, pattern::ABSOLUTE, &["/", "/mnt/src", "/c#/a:b"], &refused);
    }

    #[test]
    fn a_digest_has_an_algorithm_and_as_many_digits_as_it_makes() {
        let (sha256, sha512) = ("0a".repeat(32), "0a".repeat(64));
        let accepted = [format!("sha256:{sha256}"), format!("sha512:{sha512}")];
        let refused = [
            sha256.clone(),
            format!("sha256:{sha512}"),
            format!("sha512:{sha256}"),
            format!("sha256:{}", sha256.to_uppercase()),
            format!("sha256:{}", "0g".repeat(32)),
            format!("md5:{}", "0a".repeat(16)),
            format!("sha256:{sha256} "),
        ];
        check(
            digest,
            pattern::DIGEST,
            &accepted.each_ref().map(String::as_str),
            &refused.each_ref().map(String::as_str),
        );
    }

    #[test]
    fn a_kernel_command_line_is_one_line() {
        check(
            kernel_cmdline,
            pattern::PLAIN,
            &["root=/dev/vda rw", "é"],
            &["{{ fd_connect \"/a\" }}"],
        );
    }

    #[test]
    fn files_of_this_machine_may_lie_beside_the_file() {
        let accepted = ["/a", "~/a", "./a", "../a b"];
        check(
            seccomp_profile,
            pattern::LOCAL_PATH,
            &accepted,
            &["a", "~", "https://a/b", "file:///a", ".a"],
        );
        check(
            package_url,
            pattern::PACKAGE_URL,
            &accepted,
            &["a.deb", "http://a/b", "https://", "file:///a"],
        );
        check(package_url, pattern::PACKAGE_URL, &["https://a/b.deb"], &[]);
    }

    #[test]
    fn a_file_extends_files_of_this_machine() {
        let accepted = ["base.toml", "../a b.toml", "/a", "~/a"];
        let refused = ["https://a/b.toml", "~user/a", "~", "a/"];
        check(extended_file, pattern::EXTENDED, &accepted, &refused);
    }

    #[test]
    fn a_container_has_a_compose_file_here_and_a_socket_inside() {
        let accepted = ["/a.yml", "~/a.yml", "./a b.yml", "../a"];
        check(compose_file, pattern::LOCAL_PATH, &accepted, &["a.yml", "https://a/b"]);
        let refused = ["docker.sock", "~/a", "unix:///a", "/run/:a", "/$HOME/a"];
        let accepted = ["/var/run/docker.sock", "/a b"];
        check(container_socket, pattern::CONTAINER_PATH, &accepted, &refused);
    }

    #[test]
    fn a_mirror_is_encrypted_or_on_this_machine() {
        let accepted = ["https://a", "http://localhost:1/a", "http://127.0.0.1", "http://[::1]/"];
        let refused = ["http://a", "http://localhost.a", "http://127.0.0.1.a/", "https://", "/a"];
        check(mirror, pattern::MIRROR, &accepted, &refused);
    }

    #[test]
    fn what_is_forwarded_has_addresses_and_paths() {
        check(
            ip,
            pattern::IP,
            &["127.0.0.1", "::1", "0.0.0.0"],
            &["localhost", "1.2.3", "127.0.0.1/8"],
        );
        let accepted = ["/run/a.sock", "{{.Dir}}/sock/a.sock"];
        let refused = [
            "a.sock",
            "~/a.sock",
            "./a",
            "unix:///a",
            "/a/../b.sock",
            "/a:/b.sock",
            "/%d/a.sock",
            "/$HOME/a.sock",
            "{{/* */}}/a.sock",
            "{{.Dir/a.sock",
            "{{.Param.x}}/a.sock",
            "{{ printf \"/etc\" }}/a.sock",
        ];
        check(socket, pattern::SOCKET, &accepted, &refused);
        check(host_socket, pattern::HOST_SOCKET, &accepted, &refused);
        check(socket, pattern::SOCKET, &["/run/a"], &[]);
        check(host_socket, pattern::HOST_SOCKET, &[], &["/home/dev", "{{.Home}}", "/a/.sock"]);
    }

    #[test]
    fn a_shell_fits_into_a_field() {
        check(
            shell,
            pattern::SHELL,
            &["/bin/bash", "/usr/sbin/nologin"],
            &["bash", "~/sh", "/bin/sh:x"],
        );
    }
}
