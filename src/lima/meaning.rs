//! The meaning of a value in Lima's YAML in any form: `4096MiB` equals `4GiB`, an explicit default
//! equals a missing key, and a forward without a host port uses the guest's port.
//!
//! Rules: `FillDefault` and `FillPortForwardDefaults` of Lima 2.2.0.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::model::lima_yaml::{self, Holds};
use crate::model::{clean_path, in_home};

type Shape = fn(&Meaning<'_>, &mut Map<String, Value>);

/// Rules for several keys of a mapping: its path, and the function that fills in Lima's defaults.
const SHAPES: [(&str, Shape); 2] = [("mounts[]", mount), ("portForwards[]", forward)];

/// The context of the YAML, which determines the meaning of its paths.
#[derive(Debug, Clone, Copy)]
pub struct Meaning<'a> {
    /// The instance's directory.
    pub directory: &'a Path,
    /// The home directory of the user on the host.
    pub home: Option<&'a Path>,
    /// Whether a missing key has Lima's default instead of one of the user's.
    pub defaults: bool,
}

impl Meaning<'_> {
    /// The meaning of a top-level key. `null` if it is missing or has Lima's default.
    pub fn of(&self, key: &str, value: &Value) -> Value {
        self.value(key, value)
    }

    /// Whether two entries of a list mean the same.
    pub fn is_same_entry(&self, key: &str, one: &Value, other: &Value) -> bool {
        let meant = |entry: &Value| self.of(key, &vec![entry.clone()].into());
        one == other || meant(one) == meant(other)
    }

    fn value(&self, path: &str, value: &Value) -> Value {
        match value {
            Value::Object(map) => self.mapping(path, map),
            Value::Array(list) => {
                let path = format!("{path}[]");
                let list: Vec<Value> = list.iter().map(|it| self.value(&path, it)).collect();
                if list.is_empty() { Value::Null } else { list.into() }
            }
            scalar => self.scalar(path, scalar),
        }
    }

    fn mapping(&self, path: &str, map: &Map<String, Value>) -> Value {
        let own = map
            .iter()
            .map(|(name, value)| (name.clone(), self.value(&lima_yaml::below(path, name), value)));
        let mut own: Map<String, Value> = own.filter(|(_, value)| !value.is_null()).collect();
        if let Some((_, fill)) = SHAPES.iter().find(|(shape, _)| *shape == path) {
            fill(self, &mut own);
        }
        if own.is_empty() { Value::Null } else { own.into() }
    }

    fn scalar(&self, path: &str, value: &Value) -> Value {
        let Some((holds, default)) = lima_yaml::key(path) else { return value.clone() };
        let text = match value {
            // A key without a value is an empty string.
            Value::Null if path.ends_with(".*") => return "".into(),
            Value::Null => return Value::Null,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if text.is_empty() && matches!(holds, Holds::Word | Holds::Size) {
            return Value::Null;
        }
        let meant = |text: &str| match holds {
            Holds::Text | Holds::Word => Value::from(text),
            Holds::Size => lima_yaml::bytes(text).map_or_else(|| text.into(), Value::from),
            Holds::Number => text.parse::<u64>().map_or_else(|_| text.into(), Value::from),
            Holds::Address => address(text).into(),
            // Lima expands templates in it, so its value is unknown.
            Holds::GuestPath if text.contains("{{") => text.into(),
            Holds::GuestPath => clean_path(text).into(),
            Holds::HostPath => self.host_path(text).into(),
            Holds::Flag | Holds::Open => value.clone(),
        };
        let is_default = match (holds, default) {
            (_, None) => false,
            (Holds::Flag, Some(default)) => value.is_boolean() && text == default,
            (_, Some(default)) => meant(&text) == meant(default),
        };
        if is_default && self.defaults { Value::Null } else { meant(&text) }
    }

    /// The path in normal form, with its templates and `~` expanded.
    fn host_path(&self, text: &str) -> String {
        let text = self.expanded(text);
        let path = self.home.and_then(|home| in_home(&text, home));
        clean_path(&path.unwrap_or_else(|| PathBuf::from(&text)).to_string_lossy())
    }

    /// The path of a socket on the host. A relative path is relative to the instance's `sock`
    /// directory.
    pub(super) fn host_socket(&self, text: &str) -> String {
        clean_path(&self.directory.join("sock").join(self.expanded(text)).to_string_lossy())
    }

    fn expanded(&self, text: &str) -> String {
        let directory = self.directory.to_string_lossy();
        let name = self.directory.file_name().unwrap_or_default().to_string_lossy();
        let home = self.home.map_or("{{.Home}}".into(), Path::to_string_lossy);
        let text = text.replace("{{.Dir}}", &directory).replace("{{.Name}}", &name);
        text.replace("{{.Home}}", &home)
    }
}

fn address(text: &str) -> String {
    match text.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => text.to_owned(),
    }
}

/// Without a mount point, the location is the mount point.
fn mount(meaning: &Meaning<'_>, map: &mut Map<String, Value>) {
    if map.get("mountPoint").is_some_and(|point| Some(point) == map.get("location")) {
        map.remove("mountPoint");
    }
    let writable = map.get("writable") == Some(&true.into());
    let cache = if writable { "mmap" } else { "fscache" };
    if let Some(Value::Object(own)) = map.get_mut("9p")
        && meaning.defaults
        && own.get("cache") == Some(&cache.into())
    {
        own.remove("cache");
        if own.is_empty() {
            map.remove("9p");
        }
    }
}

fn forward(meaning: &Meaning<'_>, map: &mut Map<String, Value>) {
    let zero = Some(&Value::from("0.0.0.0"));
    let must_be_zero = map.get("guestIPMustBeZero") == Some(&true.into());
    if !map.contains_key("guestIP") {
        let address = if must_be_zero { "0.0.0.0" } else { "127.0.0.1" };
        map.insert("guestIP".into(), address.into());
    }
    if !map.contains_key("guestIPMustBeZero") {
        let is_zero = map.get("guestIP") == zero;
        map.insert("guestIPMustBeZero".into(), is_zero.into());
    }
    let guest = ports(map, "guestPort").unwrap_or(json!([1, 65535]));
    let host = ports(map, "hostPort");
    if let Some(socket) = map.get("hostSocket").and_then(Value::as_str) {
        let socket = meaning.host_socket(socket);
        map.insert("hostSocket".into(), socket.into());
    } else {
        map.insert("hostPortRange".into(), host.unwrap_or_else(|| guest.clone()));
    }
    map.insert("guestPortRange".into(), guest);
}

/// Removes both forms of a port range from a forward and returns the range.
fn ports(map: &mut Map<String, Value>, single: &str) -> Option<Value> {
    let port = map.remove(single);
    let range = map.remove(&format!("{single}Range"));
    range.filter(|range| *range != json!([0, 0])).or(port.map(|port| json!([port, port])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(defaults: bool, key: &str, value: &Value) -> Value {
        let (directory, home) = (Path::new("/home/dev/.lima/vm"), Some(Path::new("/home/dev")));
        Meaning { directory, home, defaults }.of(key, value)
    }

    #[test]
    fn other_forms_of_the_same() {
        for (key, one, other) in [
            ("memory", json!("4GiB"), json!("4096MiB")),
            ("memory", json!("4g"), json!(4_u64 << 30)),
            ("memory", json!(""), json!(null)),
            ("cpus", json!(4), json!("4")),
            ("plain", json!(false), json!(null)),
            ("hostResolver", json!({"enabled": true, "hosts": {}}), json!(null)),
            (
                "env",
                json!({"PORT": 8080, "ON": true, "NONE": null}),
                json!({"ON": "true", "NONE": "", "PORT": "8080"}),
            ),
            (
                "mounts",
                json!([{"location": "~"}]),
                json!([{"writable": false, "location": "/home/dev/"}]),
            ),
            (
                "mounts",
                json!([{"location": "{{.Home}}/a"}]),
                json!([{"location": "~/./a", "mountPoint": "/home/dev/./a/"}]),
            ),
            (
                "mounts",
                json!([{"location": "/a"}]),
                json!([{"location": "/a", "writable": null, "9p": {"cache": "fscache", "msize": "131072"}, "sshfs": {"cache": true}}]),
            ),
            ("mounts", json!([]), json!(null)),
            (
                "portForwards",
                json!([{"guestPort": 80}]),
                json!([{"guestPort": 80, "hostPort": 80, "hostIP": "127.0.0.1", "proto": "any", "ignore": false}]),
            ),
            (
                "portForwards",
                json!([{"guestPort": 80}]),
                json!([{"guestPortRange": [80, 80], "guestIP": "::ffff:127.0.0.1", "hostPortRange": [80, 80]}]),
            ),
            ("portForwards", json!([{}]), json!([{"guestPortRange": [1, 65535]}])),
            ("portForwards", json!([{"guestIPMustBeZero": true}]), json!([{"guestIP": "0.0.0.0"}])),
            (
                "portForwards",
                json!([{"guestSocket": "/a", "hostSocket": "a.sock"}]),
                json!([{"guestSocket": "/a", "hostSocket": "{{.Dir}}/sock/a.sock"}]),
            ),
            (
                "containerd",
                json!({"user": false}),
                json!({"user": false, "system": false, "archives": []}),
            ),
            ("provision", json!([{"script": "x"}]), json!([{"mode": "system", "script": "x"}])),
            ("dns", json!(["::0001"]), json!(["::1"])),
        ] {
            assert_eq!(meant(true, key, &one), meant(true, key, &other), "{key}: {one} {other}");
        }
    }

    #[test]
    fn other_meanings() {
        for (key, one, other) in [
            ("memory", json!("4GiB"), json!("4GiBs")),
            ("plain", json!(true), json!(null)),
            ("plain", json!("false"), json!(null)),
            ("containerd", json!({"user": true}), json!({"user": false})),
            ("env", json!({"A": ""}), json!({})),
            ("env", json!({"A": "1"}), json!({"A": "01"})),
            (
                "mounts",
                json!([{"location": "/a"}, {"location": "/b"}]),
                json!([{"location": "/b"}, {"location": "/a"}]),
            ),
            (
                "mounts",
                json!([{"location": "/a"}]),
                json!([{"location": "/a", "mountPoint": "/b"}]),
            ),
            (
                "mounts",
                json!([{"location": "/a", "9p": {"cache": "mmap"}}]),
                json!([{"location": "/a"}]),
            ),
            (
                "portForwards",
                json!([{"guestPort": 80}]),
                json!([{"guestPort": 80, "hostPort": 8080}]),
            ),
            (
                "portForwards",
                json!([{"guestPort": 80}]),
                json!([{"guestPort": 80, "hostIP": "0.0.0.0"}]),
            ),
            (
                "portForwards",
                json!([{"guestPort": 80}]),
                json!([{"guestPort": 80, "proto": "tcp"}]),
            ),
        ] {
            assert_ne!(meant(true, key, &one), meant(true, key, &other), "{key}: {one} {other}");
        }
    }

    #[test]
    fn a_default_is_only_left_out_where_it_is_limas_own() {
        assert_eq!(meant(false, "plain", &json!(false)), json!(false));
        assert_eq!(meant(true, "plain", &json!(false)), Value::Null);
    }
}
