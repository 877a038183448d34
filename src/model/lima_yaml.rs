//! The keys of Lima's YAML with their types and defaults.
//!
//! Source: `pkg/limatype/lima_yaml.go` and `FillDefault` of Lima 2.2.0.

use serde_json::Value;

/// The type of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// A string. Lima converts numbers and booleans to strings.
    Text,
    /// A string. The empty string selects the default.
    Word,
    /// A number of bytes with a unit, such as `4GiB`. All units are binary.
    Size,
    /// An IP address.
    Address,
    /// A path of the guest.
    GuestPath,
    /// A path of the host, where `~` is the home directory.
    HostPath,
    /// A value that Lima or a driver interprets.
    Open,
}

/// The path, type and default of a key. In a path, `[]` is an entry of a list and `*` is any name.
/// The default is empty if the key does not have a fixed one.
type YamlKey = (&'static str, Holds, &'static str);

use Holds::{Address, Flag, GuestPath, HostPath, Number, Open, Size, Text, Word};

#[rustfmt::skip]
const KEYS: &[YamlKey] = &[
    ("minimumLimaVersion", Text, ""),
    ("base", Open, ""),
    ("vmType", Text, ""),
    ("vmOpts", Open, ""),
    ("os", Word, "Linux"),
    ("arch", Text, ""),
    ("images[].location", Text, ""),
    ("images[].arch", Word, ""),
    ("images[].digest", Word, ""),
    ("images[].variant", Word, ""),
    ("images[].kernel.location", Text, ""),
    ("images[].kernel.arch", Word, ""),
    ("images[].kernel.digest", Word, ""),
    ("images[].kernel.cmdline", Word, ""),
    ("images[].initrd.location", Text, ""),
    ("images[].initrd.arch", Word, ""),
    ("images[].initrd.digest", Word, ""),
    ("cpuType.*", Word, ""),
    ("cpus", Number, ""),
    ("memory", Size, ""),
    ("disk", Size, ""),
    ("additionalDisks[].name", Text, ""),
    ("additionalDisks[].format", Flag, ""),
    ("additionalDisks[].fsType", Text, ""),
    ("additionalDisks[].fsArgs[]", Text, ""),
    ("mounts[].location", HostPath, ""),
    ("mounts[].mountPoint", GuestPath, ""),
    ("mounts[].writable", Flag, "false"),
    ("mounts[].sshfs.cache", Flag, "true"),
    ("mounts[].sshfs.followSymlinks", Flag, "false"),
    ("mounts[].sshfs.sftpDriver", Word, ""),
    ("mounts[].9p.securityModel", Text, "none"),
    ("mounts[].9p.protocolVersion", Text, "9p2000.L"),
    ("mounts[].9p.msize", Size, "128KiB"),
    ("mounts[].9p.cache", Text, ""),
    ("mounts[].virtiofs.queueSize", Number, ""),
    ("mountTypesUnsupported[]", Text, ""),
    ("mountType", Text, ""),
    ("mountInotify", Flag, "false"),
    ("ssh.localPort", Number, "0"),
    ("ssh.loadDotSSHPubKeys", Flag, "false"),
    ("ssh.forwardAgent", Flag, "false"),
    ("ssh.forwardX11", Flag, "false"),
    ("ssh.forwardX11Trusted", Flag, "false"),
    ("ssh.overVsock", Flag, ""),
    ("firmware.legacyBIOS", Flag, "false"),
    ("firmware.images[].location", Text, ""),
    ("firmware.images[].arch", Word, ""),
    ("firmware.images[].digest", Word, ""),
    ("firmware.images[].vmType", Word, ""),
    ("audio.device", Word, ""),
    ("audio.interface", Word, ""),
    ("video.display", Word, "none"),
    ("video.vnc.display", Text, ""),
    ("provision[].mode", Word, "system"),
    ("provision[].skipDefaultDependencyResolution", Flag, ""),
    ("provision[].script", Text, ""),
    ("provision[].file", Open, ""),
    ("provision[].playbook", Word, ""),
    ("provision[].content", Text, ""),
    ("provision[].overwrite", Flag, ""),
    ("provision[].owner", Text, ""),
    ("provision[].path", Text, ""),
    ("provision[].permissions", Text, ""),
    ("provision[].expression", Text, ""),
    ("provision[].format", Text, ""),
    ("upgradePackages", Flag, "false"),
    ("containerd.system", Flag, "false"),
    ("containerd.user", Flag, ""),
    ("containerd.archives[].location", Text, ""),
    ("containerd.archives[].arch", Word, ""),
    ("containerd.archives[].digest", Word, ""),
    ("guestInstallPrefix", Text, ""),
    ("probes[].mode", Word, "readiness"),
    ("probes[].description", Word, ""),
    ("probes[].script", Text, ""),
    ("probes[].file", Open, ""),
    ("probes[].hint", Word, ""),
    ("portForwards[].guestIPMustBeZero", Flag, ""),
    ("portForwards[].guestIP", Address, ""),
    ("portForwards[].guestPort", Number, "0"),
    ("portForwards[].guestPortRange[]", Number, ""),
    ("portForwards[].guestSocket", Word, ""),
    ("portForwards[].hostIP", Address, "127.0.0.1"),
    ("portForwards[].hostPort", Number, "0"),
    ("portForwards[].hostPortRange[]", Number, ""),
    ("portForwards[].hostSocket", Word, ""),
    ("portForwards[].proto", Word, "any"),
    ("portForwards[].reverse", Flag, "false"),
    ("portForwards[].ignore", Flag, "false"),
    ("portForwards[].static", Flag, "false"),
    ("copyToHost[].guest", Text, ""),
    ("copyToHost[].host", Text, ""),
    ("copyToHost[].deleteOnStop", Flag, "false"),
    ("message", Word, ""),
    ("networks[].lima", Word, ""),
    ("networks[].socket", Word, ""),
    ("networks[].vzNAT", Flag, "false"),
    ("networks[].macAddress", Word, ""),
    ("networks[].interface", Word, ""),
    ("networks[].metric", Number, "100"),
    ("env.*", Text, ""),
    ("param.*", Text, ""),
    ("dns[]", Address, ""),
    ("hostResolver.enabled", Flag, "true"),
    ("hostResolver.ipv6", Flag, "false"),
    ("hostResolver.hosts.*", Text, ""),
    ("propagateProxyEnv", Flag, "true"),
    ("caCerts.removeDefaults", Flag, "false"),
    ("caCerts.files[]", Text, ""),
    ("caCerts.certs[]", Text, ""),
    ("rosetta.enabled", Flag, "false"),
    ("rosetta.binfmt", Flag, "false"),
    ("plain", Flag, "false"),
    ("timezone", Text, ""),
    ("nestedVirtualization", Flag, "false"),
    ("user.name", Text, ""),
    ("user.comment", Text, ""),
    ("user.home", Text, ""),
    ("user.shell", Text, "/bin/bash"),
    ("user.uid", Number, ""),
    ("user.passwordlessSudo", Flag, "true"),
    ("tpm", Flag, "false"),
    ("osOpts", Open, ""),
];

/// The type of the key at a path, and its default if that is fixed.
pub fn key(path: &str) -> Option<(Holds, Option<&'static str>)> {
    let (_, holds, default) = KEYS.iter().find(|(own, ..)| *own == path)?;
    Some((*holds, Some(*default).filter(|default| !default.is_empty())))
}

/// The path of the key `name` in the mapping at `path`. An empty `path` is the whole document. In a
/// mapping with free names, the path has `*` for the name.
pub fn below(path: &str, name: &str) -> String {
    let join =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let any = join("*");
    if key(&any).is_some() { any } else { join(name) }
}

/// The names of the keys directly in the mapping at `path`.
pub fn names(path: &str) -> Vec<&'static str> {
    let own = KEYS.iter().filter_map(|(key, ..)| {
        let rest =
            if path.is_empty() { Some(*key) } else { key.strip_prefix(path)?.strip_prefix('.') };
        rest?.split(['.', '[']).next()
    });
    let mut names: Vec<&str> = own.collect();
    names.dedup();
    names
}

/// The keys of a document that Lima does not know, in the order of the document. Each is the path
/// of its mapping and its name.
pub fn unknown(document: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    find_unknown("", document, &mut found);
    found
}

fn find_unknown(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        _ if matches!(key(path), Some((Open, _))) => {}
        Value::Object(map) => {
            let names = names(path);
            for (name, value) in map {
                if names.contains(&name.as_str()) || names.contains(&"*") {
                    find_unknown(&below(path, name), value, found);
                } else {
                    found.push((path.to_owned(), name.clone()));
                }
            }
        }
        Value::Array(list) => {
            let path = format!("{path}[]");
            for value in list {
                find_unknown(&path, value, found);
            }
        }
        _ => {}
    }
}

/// The number of bytes in a size, parsed as Lima's library does: `8GiB`, `8GB`, `8g`, or a plain
/// number of bytes.
pub fn bytes(size: &str) -> Option<u64> {
    let size = size.trim();
    let digits = size.find(|c: char| !c.is_ascii_digit()).unwrap_or(size.len());
    let number: u64 = size[..digits].parse().ok()?;
    let unit = size[digits..].trim().to_ascii_lowercase();
    let unit = unit.strip_suffix("ib").or(unit.strip_suffix('b')).unwrap_or(&unit);
    let power = ["", "k", "m", "g", "t", "p"].iter().position(|known| *known == unit)?;
    number.checked_mul(1024_u64.checked_pow(power.try_into().ok()?)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_keys_are_found_at_any_depth() {
        let document = json!({
            "mountTyp": "9p", "mounts": [{"location": "~", "9p": {"cach": 1}}], "env": {"ANY": "x"},
            "vmOpts": {"qemu": {"new": 1}}, "user": {"foo": 1}, "base": [{"url": "a"}],
            "images": [{"location": "x", "kernel": {"location": "y"}}], "param": {"a": true},
        });
        let found: Vec<String> =
            unknown(&document).into_iter().map(|(path, name)| format!("{path}/{name}")).collect();
        assert_eq!(found, ["/mountTyp", "mounts[].9p/cach", "user/foo"]);
    }

    #[test]
    fn a_mapping_has_its_own_keys() {
        assert_eq!(names("rosetta"), ["enabled", "binfmt"]);
        assert_eq!(names("env"), ["*"]);
        assert!(names("").contains(&"mountType") && !names("").contains(&"mountTyp"));
        assert_eq!(below("env", "PATH"), "env.*");
        assert_eq!(below("", "cpus"), "cpus");
    }
}
