use std::ops::Range;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::config::check::{Check, of};
use crate::config::{pattern, rules, text};
use crate::model::{InvalidValue, UnixName, clean_path};

const OWNER: &str = "^[a-z_][a-z0-9_-]{0,31}(:[a-z_][a-z0-9_-]{0,31})?$";

/// `[[files]]`: a file in the guest, such as the certificate of a registry or a script in
/// `/etc/profile.d`. Exactly one of `content` and `source`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["content"]}, {"required": ["source"]}]))]
pub struct File {
    /// Its absolute path in the guest. Missing directories are created.
    #[serde(deserialize_with = "path")]
    #[schemars(regex(pattern = pattern::ABSOLUTE))]
    pub path: String,
    /// Its text.
    pub content: Option<String>,
    /// The file on this machine to copy: a path that starts with `/` or `~/`, or with `./` or `../`
    /// (relative to this file).
    #[serde(default, deserialize_with = "source")]
    #[schemars(regex(pattern = pattern::LOCAL_PATH))]
    pub source: Option<String>,
    /// Its mode in octal digits, such as "0600".
    #[serde(default = "default_mode", deserialize_with = "mode")]
    #[schemars(with = "String", default = "shown_mode", regex(pattern = "^0?[0-7]{3}$"))]
    pub mode: u32,
    /// Its owner, as "user" or "user:group". The default group is root.
    #[serde(default, deserialize_with = "owner")]
    #[schemars(with = "String", default = "shown_owner", regex(pattern = OWNER))]
    pub owner: Owner,
}

/// The user and the group that own a file of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: String,
    /// The group.
    pub group: String,
}

impl Default for Owner {
    fn default() -> Self {
        Self { user: "root".into(), group: "root".into() }
    }
}

/// The rules of `[[files]]`.
pub(super) fn check(check: &mut Check<'_, '_>, files: &[File]) {
    let places = check.elements(&["files"]);
    for place in &places {
        let (message, span): (_, Range<usize>) = match (place.get("content"), place.get("source")) {
            (None, None) => ("this file has neither `content` nor `source`", place.span()),
            (Some(_), Some(source)) => ("this file has both `content` and `source`", source.span()),
            _ => continue,
        };
        let hint = "write either its text as `content` or the path of a local file as `source`";
        check.refuse(span, message, hint);
    }
    let paths = files.iter().zip(&places).map(|(file, place)| (&file.path, of(*place, "path")));
    check.refuse_twice(paths.collect(), |path| format!("duplicate entry for the file {path}"));
}

/// Why `[[files]]` cannot manage a path of the guest.
fn refused(path: &str) -> Option<&'static str> {
    let is_below = |parent: &str| {
        path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match path {
        "/" => Some("it is a directory"),
        "/etc/docker/daemon.json" => Some("write its keys under [docker.daemon]"),
        "/etc/docker/cai-seccomp.json" => Some("write seccomp_profile under [docker]"),
        _ if is_below("/var/lib/cai") => Some("cai keeps its own files in that directory"),
        _ if ["/proc", "/sys", "/dev"].into_iter().any(is_below) => {
            Some("the kernel creates the files there")
        }
        _ if ["/run", "/var/run"].into_iter().any(is_below) => {
            Some("every boot of the VM empties that directory")
        }
        _ => None,
    }
}

fn path<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let value = String::deserialize(from)?;
    let wrong = |rule: String| {
        D::Error::custom(InvalidValue::new(&value, "the path of a file in the VM", rule))
    };
    text::plain(&value, "the path of a file in the VM").map_err(D::Error::custom)?;
    let clean = clean_path(&value);
    if !value.starts_with('/') {
        return Err(wrong(r#"write a path that starts with "/""#.into()));
    }
    if clean != value {
        return Err(wrong(format!("write {clean:?}")));
    }
    match refused(&value) {
        Some(rule) => Err(wrong(rule.into())),
        None => Ok(value),
    }
}

fn source<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    rules::local_file(from, "the path of a file on this machine")
}

/// Refuses special bits such as setuid: programs that need them come in packages.
fn mode<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let value = String::deserialize(from)?;
    let is_octal = value.bytes().all(|digit| digit.is_ascii_digit());
    let digits = is_octal && [3, 4].contains(&value.len());
    let rule = match u32::from_str_radix(&value, 8) {
        Ok(mode @ 0..=0o777) if digits => return Ok(mode),
        Ok(0o1000..=0o7777) if digits => "cai does not set setuid, setgid or sticky bits",
        _ => r#"write octal digits such as "0644""#,
    };
    Err(D::Error::custom(InvalidValue::new(&value, "the mode of a file", rule)))
}

fn owner<'de, D: Deserializer<'de>>(from: D) -> Result<Owner, D::Error> {
    let value = String::deserialize(from)?;
    let (user, group) = value.split_once(':').unwrap_or((&value, "root"));
    for name in [user, group] {
        name.parse::<UnixName>().map_err(|_| {
            let rule = r#"write "user" or "user:group""#;
            D::Error::custom(InvalidValue::new(&value, "the owner of a file", rule))
        })?;
    }
    Ok(Owner { user: user.to_owned(), group: group.to_owned() })
}

fn default_mode() -> u32 {
    0o644
}

fn shown_mode() -> &'static str {
    "0644"
}

fn shown_owner() -> &'static str {
    "root:root"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(files: &str) -> Result<Vec<File>, Vec<(String, usize)>> {
        let text = format!("version = 1\n{files}");
        let line =
            |place: Option<Range<usize>>| text[..place.unwrap().start].matches('\n').count() + 1;
        let config = crate::config::parse(&text).map(|config| config.files);
        config.map_err(|all| all.into_iter().map(|it| (it.message, line(it.span))).collect())
    }

    fn file(lines: &str) -> Result<File, String> {
        let parsed = parse(&format!("[[files]]\n{lines}\n"));
        parsed.map(|mut files| files.remove(0)).map_err(|mut all| all.remove(0).0)
    }

    #[test]
    fn a_file_is_roots_and_everybody_reads_it() {
        let read = file("path = \"/etc/a b\"\ncontent = \"\"").unwrap();
        assert_eq!((read.mode, read.owner), (0o644, Owner::default()));
        let lines = "path = \"/etc/a\"\nsource = \"./a\"\nmode = \"600\"\nowner = \"bob\"";
        let read = file(lines).unwrap();
        let owner = Owner { user: "bob".into(), group: "root".into() };
        assert_eq!((read.mode, read.owner), (0o600, owner));
    }

    #[test]
    fn a_path_is_that_of_a_file_that_cai_may_write() {
        for (path, why) in [
            ("etc/a", "write a path that starts with \"/\""),
            ("~/a", "write a path that starts with \"/\""),
            ("/etc/../a", "write \"/a\""),
            ("/etc//a/", "write \"/etc/a\""),
            ("/", "it is a directory"),
            ("/proc/sys/a", "the kernel creates the files there"),
            ("/dev/shm/a", "the kernel creates the files there"),
            ("/run/a", "every boot of the VM empties that directory"),
            ("/var/run/a", "every boot of the VM empties that directory"),
            ("/etc/docker/daemon.json", "write its keys under [docker.daemon]"),
            ("/etc/docker/cai-seccomp.json", "write seccomp_profile under [docker]"),
            ("/var/lib/cai/a", "cai keeps its own files in that directory"),
        ] {
            let error = file(&format!("path = {path:?}\ncontent = \"\"")).unwrap_err();
            let expected = format!("{path:?} is not the path of a file in the VM: {why}");
            assert_eq!(error, expected);
        }
        for path in ["/etc/docker/certs.d/r:5000/ca.crt", "/runner", "/var/lib/cairo/a"] {
            file(&format!("path = {path:?}\ncontent = \"\"")).unwrap();
        }
    }

    #[test]
    fn a_mode_has_no_special_bits_and_an_owner_is_a_name() {
        for mode in ["4755", "1777", "2755", "0888", "+644", "44", "00644", "rw-r--r--", ""] {
            let lines = format!("path = \"/a\"\ncontent = \"\"\nmode = {mode:?}");
            assert!(file(&lines).unwrap_err().contains("is not the mode of a file"), "{mode}");
        }
        for owner in ["", "a:", ":a", "a:b:c", "0:0", "A"] {
            let lines = format!("path = \"/a\"\ncontent = \"\"\nowner = {owner:?}");
            assert!(file(&lines).unwrap_err().contains("is not the owner of a file"), "{owner}");
        }
    }

    #[test]
    fn a_file_is_from_one_place_and_is_there_once() {
        let (a, b) = ("[[files]]\npath = \"/a\"\n", "content = \"\"\nsource = \"./a\"\n");
        let both = ("this file has both `content` and `source`".to_owned(), 5);
        assert_eq!(parse(&format!("{a}{b}")), Err(vec![both]));
        let none = ("this file has neither `content` nor `source`".to_owned(), 2);
        assert_eq!(parse(a), Err(vec![none]));
        let twice = format!("{a}content = \"1\"\n{a}content = \"2\"\n");
        let second = ("duplicate entry for the file /a".to_owned(), 6);
        assert_eq!(parse(&twice), Err(vec![second]));
    }
}
