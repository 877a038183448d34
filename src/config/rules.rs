//! Deserializers with checks, for `#[serde(deserialize_with)]`.

use semver::{Version, VersionReq};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::Trust;
use super::text::{self, Rule};
use crate::model::{ByteSize, InvalidValue};

/// The maximum of QEMU's `q35` machine since QEMU 9.0.
const MOST_CPUS: u32 = 4096;
/// The minimum without a desktop in Debian 11's installation guide, in bytes.
const LEAST_MEMORY: u64 = 256 << 20;
/// See [`LEAST_MEMORY`].
const LEAST_DISK: u64 = 2 << 30;

pub(super) fn requirement<'de, D: Deserializer<'de>>(from: D) -> Result<VersionReq, D::Error> {
    let value = String::deserialize(from)?;
    VersionReq::parse(&value).map_err(|error| {
        let rule = format!("{error}; write a requirement such as \">=1.1\"");
        D::Error::custom(InvalidValue::new(&value, "a version requirement", rule))
    })
}

pub(super) fn cpus<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let value = i64::deserialize(from)?;
    match u32::try_from(value) {
        Ok(cpus @ 1..=MOST_CPUS) => Ok(Some(cpus)),
        _ => Err(D::Error::custom(format!(
            "a VM cannot have {value} CPUs: write a number from 1 to {MOST_CPUS}"
        ))),
    }
}

pub(super) fn memory<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ByteSize>, D::Error> {
    at_least(from, LEAST_MEMORY, "too little memory for Linux with Docker")
}

pub(super) fn disk<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ByteSize>, D::Error> {
    at_least(from, LEAST_DISK, "too small a disk for Linux with Docker")
}

fn at_least<'de, D: Deserializer<'de>>(
    from: D,
    least: u64,
    what: &str,
) -> Result<Option<ByteSize>, D::Error> {
    let size = ByteSize::deserialize(from)?;
    if size.bytes() >= least {
        return Ok(Some(size));
    }
    let least = ByteSize::try_from(least).map(|least| least.to_string()).unwrap_or_default();
    Err(D::Error::custom(format!("{size} is {what}: write {least} or more")))
}

pub(super) fn release<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Version>, D::Error> {
    let value = String::deserialize(from)?;
    Version::parse(&value).map(Some).map_err(|_| {
        let rule = "write three numbers such as \"2.2.0\", without a \"v\"";
        D::Error::custom(InvalidValue::new(&value, "a release of Lima", rule))
    })
}

pub(super) fn port<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
    let value = i64::deserialize(from)?;
    match u16::try_from(value) {
        Ok(port @ 1..) => Ok(Some(port)),
        _ => {
            Err(D::Error::custom(format!("{value} is not a port: write a number from 1 to 65535")))
        }
    }
}

pub(super) fn ports<'de, D: Deserializer<'de>>(from: D) -> Result<Option<(u16, u16)>, D::Error> {
    let values = <Vec<i64>>::deserialize(from)?;
    let port = |value: i64| u16::try_from(value).ok().filter(|port| *port > 0);
    match values[..] {
        [first, last] if first < last => match (port(first), port(last)) {
            (Some(first), Some(last)) => Ok(Some((first, last))),
            _ => Err(D::Error::custom("a port is a number from 1 to 65535")),
        },
        _ => Err(D::Error::custom(
            "not a range of ports: write the first and the last port, such as [8000, 8010]",
        )),
    }
}

pub(super) fn gid<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    id(from, "group")
}

pub(super) fn uid<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    id(from, "user")
}

/// Id 0 belongs to root. To the kernel, the largest id means "no change".
fn id<'de, D: Deserializer<'de>>(from: D, of: &str) -> Result<Option<u32>, D::Error> {
    let value = i64::deserialize(from)?;
    match u32::try_from(value) {
        Ok(0) => Err(D::Error::custom(format!("the {of} id 0 belongs to root: write another id"))),
        Ok(id @ 1..=4_294_967_294) => Ok(Some(id)),
        _ => Err(D::Error::custom(format!(
            "{value} is not a {of} id: write a number from 1 to 4294967294"
        ))),
    }
}

pub(super) fn mirror<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    checked(from, text::mirror).map(Some)
}

pub(super) fn package_url<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    checked(from, text::package_url)
}

pub(super) fn seccomp_profile<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<String>, D::Error> {
    checked(from, text::seccomp_profile).map(Some)
}

pub(super) fn compose_file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    checked(from, text::compose_file).map(Some)
}

pub(super) fn container_socket<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    checked(from, text::container_socket)
}

pub(super) fn ip<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    checked(from, text::ip).map(Some)
}

pub(super) fn socket<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    checked(from, text::socket).map(Some)
}

pub(super) fn host_socket<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    checked(from, text::host_socket).map(Some)
}

pub(super) fn shell<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    checked(from, text::shell).map(Some)
}

pub(super) fn description<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    checked(from, |value| text::plain(value, "a one-line description")).map(Some)
}

pub(super) fn image_location<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    checked(from, |value| text::location(value, "the location of an image"))
}

pub(super) fn boot_file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    checked(from, |value| text::location(value, "the location of a boot file")).map(Some)
}

pub(super) fn kernel_cmdline<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<String>, D::Error> {
    checked(from, text::kernel_cmdline).map(Some)
}

pub(super) fn digest<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    checked(from, text::digest).map(Some)
}

pub(super) fn mount_location<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    checked(from, text::mount_location)
}

pub(super) fn mount_point<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    checked(from, text::mount_point).map(Some)
}

fn checked<'de, D: Deserializer<'de>>(from: D, rule: Rule) -> Result<String, D::Error> {
    let value = String::deserialize(from)?;
    rule(&value).map_err(D::Error::custom)?;
    Ok(value)
}

pub(super) fn value_file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    local_file(from, "the path of a file on this machine")
}

pub(super) fn certificate<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let path = local_file(from, "the path of a certificate")?.unwrap_or_default();
    let name = Trust { certificate: path.clone() }.name();
    // The name is a part of a file's name in the guest.
    if name.is_empty() || name.len() > 64 {
        let rule = "name the file with 1 to 64 letters or digits, such as ./corp-ca.pem";
        return Err(D::Error::custom(InvalidValue::new(&path, "the path of a certificate", rule)));
    }
    Ok(path)
}

/// The path of a file on this machine.
pub(super) fn local_file<'de, D: Deserializer<'de>>(
    from: D,
    what: &'static str,
) -> Result<Option<String>, D::Error> {
    let value = String::deserialize(from)?;
    text::plain(&value, what).map_err(D::Error::custom)?;
    if text::is_local(&value) && !value.ends_with('/') {
        return Ok(Some(value));
    }
    let rule = r#"write a path that starts with "/" or "~/", or with "./" (relative to this file)"#;
    Err(D::Error::custom(InvalidValue::new(&value, what, rule)))
}

pub(super) fn value_command<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Vec<String>>, D::Error> {
    let words = <Vec<String>>::deserialize(from)?;
    if words.first().is_none_or(String::is_empty) {
        let message = "`command` must start with a program, such as [\"op\", \"read\", \"…\"]";
        return Err(D::Error::custom(message));
    }
    Ok(Some(words))
}
