//! Checks of strings.

#[cfg(test)]
mod tests;

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
