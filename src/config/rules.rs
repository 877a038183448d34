//! Rules of single values that have no type of their own, for `#[serde(deserialize_with)]`.

use semver::VersionReq;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::model::InvalidValue;

type Rule = fn(&str) -> Result<(), InvalidValue>;

pub(super) fn requirement<'de, D: Deserializer<'de>>(from: D) -> Result<VersionReq, D::Error> {
    let value = String::deserialize(from)?;
    VersionReq::parse(&value).map_err(|error| {
        let rule = format!("{error}; write one such as \">=1.1\"");
        D::Error::custom(InvalidValue::new(&value, "a version requirement", rule))
    })
}

pub(super) fn cpus<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let value = i64::deserialize(from)?;
    match u32::try_from(value) {
        Ok(cpus @ 1..) => Ok(Some(cpus)),
        _ => Err(D::Error::custom(format!("a VM cannot have {value} CPUs: write 1 or more"))),
    }
}

pub(super) fn image_location<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    text(from, |value| location(value, "the location of an image"))
}

pub(super) fn boot_file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    text(from, |value| location(value, "the location of a file to boot")).map(Some)
}

pub(super) fn kernel_cmdline<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<String>, D::Error> {
    text(from, |value| plain(value, "a kernel command line")).map(Some)
}

pub(super) fn digest<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    text(from, checked_digest).map(Some)
}

pub(super) fn mount_location<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    text(from, checked_mount_location)
}

pub(super) fn mount_point<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    text(from, checked_mount_point).map(Some)
}

fn text<'de, D: Deserializer<'de>>(from: D, rule: Rule) -> Result<String, D::Error> {
    let value = String::deserialize(from)?;
    rule(&value).map_err(D::Error::custom)?;
    Ok(value)
}

fn holds(
    holds: bool,
    value: &str,
    what: &'static str,
    rule: &'static str,
) -> Result<(), InvalidValue> {
    if holds { Ok(()) } else { Err(InvalidValue::new(value, what, rule)) }
}

/// Every text: something, on one line. Neither a path nor a kernel takes a control character.
fn plain(value: &str, what: &'static str) -> Result<(), InvalidValue> {
    holds(!value.is_empty(), value, what, "it is empty")?;
    holds(!value.chars().any(char::is_control), value, what, "it has a control character in it")
}

/// A path that means the same wherever `cai` is run from.
fn is_anchored(path: &str) -> bool {
    path.starts_with('/') || path.starts_with("~/")
}

fn location(value: &str, what: &'static str) -> Result<(), InvalidValue> {
    plain(value, what)?;
    let is_url = ["http://", "https://", "file://"]
        .iter()
        .any(|scheme| value.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    let rule = r#"write a URL (http://, https:// or file://), or a path from "/" or "~/""#;
    holds(is_url || is_anchored(value), value, what, rule)
}

fn checked_mount_location(value: &str) -> Result<(), InvalidValue> {
    let what = "a directory to mount";
    plain(value, what)?;
    let rule = r#"write a path from "/" or "~/", the same wherever cai is run from"#;
    holds(value == "~" || is_anchored(value), value, what, rule)
}

fn checked_mount_point(value: &str) -> Result<(), InvalidValue> {
    let what = "a mount point";
    plain(value, what)?;
    holds(value.starts_with('/'), value, what, r#"write a path in the VM, from "/""#)
}

fn checked_digest(value: &str) -> Result<(), InvalidValue> {
    let is_hex = |text: &str, digits: usize| {
        text.len() == digits && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
    };
    let rule = match value.split_once(':') {
        Some(("sha256", hex)) if is_hex(hex, 64) => return Ok(()),
        Some(("sha512", hex)) if is_hex(hex, 128) => return Ok(()),
        Some(("sha256", _)) => r#""sha256:" takes 64 hexadecimal digits in lower case"#,
        Some(("sha512", _)) => r#""sha512:" takes 128 hexadecimal digits in lower case"#,
        _ => r#"write "sha256:" or "sha512:" and the digits"#,
    };
    Err(InvalidValue::new(value, "a digest", rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: Rule, accepted: &[&str], refused: &[&str]) {
        for value in accepted {
            assert_eq!(rule(value), Ok(()), "{value:?}");
        }
        for value in refused.iter().chain(&["", "/a\0", "/a\nb", "/a\u{1b}[2J", "https://a/\u{9b}"])
        {
            assert!(rule(value).is_err(), "{value:?} must be refused");
        }
    }

    #[test]
    fn an_image_is_at_a_url_or_at_a_path_that_means_the_same_everywhere() {
        let accepted = ["https://a/b.img", "http://a", "file:///a", "/a b/ü.img", "~/a", "/"];
        let refused = ["a.img", "./a", "../a", "~", "~user/a", "https://", "ftp://a/b", "HTTPS:a"];
        check(|value| location(value, "an image"), &accepted, &refused);
    }

    #[test]
    fn what_is_mounted_is_a_path_of_this_machine_and_where_is_one_of_the_vm() {
        let refused = ["src", "./src", "~user", "https://a/b"];
        check(checked_mount_location, &["~", "~/src", "/src", "/a b"], &refused);
        check(checked_mount_point, &["/", "/mnt/src"], &["~", "~/src", "mnt", "./mnt"]);
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
            checked_digest,
            &accepted.each_ref().map(String::as_str),
            &refused.each_ref().map(String::as_str),
        );
    }

    #[test]
    fn a_kernel_command_line_is_one_line() {
        check(|value| plain(value, "a command line"), &["root=/dev/vda rw", "é"], &[]);
    }
}
