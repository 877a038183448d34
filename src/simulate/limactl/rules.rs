//! How Lima 2.2.0 validates a YAML: its errors and warnings, with its messages and in its order.
//! The simulated `limactl` and the tests' stand-in for it share these rules. They were measured, or
//! read in `pkg/limayaml/validate.go`.

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::model::lima_yaml;

/// The warning about an unknown key.
pub const NOT_STRICT: &str = "Non-strict YAML detected; please check for typos";
/// The paths where Lima refuses mounts.
const SYSTEM_PATHS: [&str; 10] =
    ["/", "/bin", "/dev", "/etc", "/home", "/opt", "/sbin", "/tmp", "/usr", "/var"];
const MOUNT_TYPES: [&str; 4] = ["reverse-sshfs", "9p", "virtiofs", "wsl2"];
const MODES: [&str; 7] = ["system", "user", "boot", "data", "dependency", "ansible", "yq"];
/// The places where a `param` can be used: lists, and the keys of their entries.
const USES: [(&str, &[&str]); 5] = [
    ("provision", &["script", "content", "expression", "owner", "path", "permissions"]),
    ("probes", &["script"]),
    ("copyToHost", &["guest", "host"]),
    ("portForwards", &["guestSocket", "hostSocket"]),
    ("mounts", &["location", "mountPoint"]),
];

/// The `error` field of that warning. Lima stops at the first unknown key.
pub fn unknown_key(given: &Value) -> Option<String> {
    let (_, name) = lima_yaml::unknown(given).into_iter().next()?;
    Some(format!("unknown field \"{name}\""))
}

/// The error for a `param` that nothing uses. Lima checks this first.
pub fn unused_param(given: &Value) -> Option<String> {
    let texts: Vec<&str> = USES
        .iter()
        .flat_map(|(list, keys)| {
            entries(given, list)
                .flat_map(|entry| keys.iter().filter_map(|key| entry[*key].as_str()))
        })
        .collect();
    let names = given.get("param")?.as_object()?.keys();
    let is_used = |name: &str| {
        let forms = [format!(".Param.{name}"), format!("PARAM_{name}")];
        texts.iter().any(|text| forms.iter().any(|form| text.contains(form)))
    };
    let unused = names.map(String::as_str).find(|name| !is_used(name))?;
    Some(format!(
        "field `param` key `{unused}` is not used in any provision, probe, copyToHost, or \
         portForward"
    ))
}

/// All other errors, one per line. `None` if there are none.
pub fn refusal(given: &Value) -> Option<String> {
    let mut refused = Vec::new();
    if entries(given, "images").next().is_none() {
        refused.push("field `images` must be set".to_owned());
    }
    for size in ["memory", "disk"] {
        refused.extend(invalid_size(given, size));
    }
    for (index, mount) in entries(given, "mounts").enumerate() {
        refused.extend(mount_refusals(index, mount));
    }
    if let Some(other) = text(given, "mountType").filter(|it| !MOUNT_TYPES.contains(it)) {
        refused.push(format!(
            "field `mountType` must be `reverse-sshfs` or `9p` or `virtiofs`, or `wsl2`, got \
             `{other}`"
        ));
    }
    refused.extend(scripts(given));
    for (index, forward) in entries(given, "portForwards").enumerate() {
        refused.extend(forward_refusals(index, forward));
    }
    let resolver = given.pointer("/hostResolver/enabled").and_then(Value::as_bool).unwrap_or(true);
    if resolver && entries(given, "dns").next().is_some() {
        refused
            .push("field `dns` must be empty when field `HostResolver.Enabled` is true".to_owned());
    }
    (!refused.is_empty()).then(|| refused.join("\n"))
}

/// The text of a string, or of a value that Lima converts to one.
pub fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn entries<'a>(given: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    given.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn invalid_size(given: &Value, key: &str) -> Option<String> {
    let size = as_text(given.get(key)?)?;
    if size.is_empty() || lima_yaml::bytes(&size).is_some() {
        return None;
    }
    let suffix = size.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim();
    Some(format!("field `{key}` has an invalid value: invalid suffix: '{suffix}'"))
}

fn mount_refusals(index: usize, mount: &Value) -> Vec<String> {
    let mut refused = Vec::new();
    let location = text(mount, "location").unwrap_or(".");
    if !location.starts_with(['/', '~']) && !location.starts_with("{{") {
        refused.push(format!(
            "field `mounts[{index}].location` must be an absolute path, got `{location}`"
        ));
    }
    // Unlike a location, the mount point is not cleaned.
    let cleaned = match location.trim_end_matches('/') {
        "" => "/",
        cleaned => cleaned,
    };
    let point = text(mount, "mountPoint");
    if SYSTEM_PATHS.contains(&point.unwrap_or(cleaned)) {
        refused.push(format!(
            "field `mounts[{index}].mountPoint` must not be a system path such as /etc or /usr"
        ));
    }
    if point.is_some_and(|point| point.starts_with('~')) {
        refused.push(format!("field `mounts[{index}].mountPoint` must not start with `~`"));
    }
    refused
}

fn scripts(given: &Value) -> Vec<String> {
    let mut refused = Vec::new();
    for (index, provision) in entries(given, "provision").enumerate() {
        let field = format!("field `provision[{index}]");
        let mode = text(provision, "mode").unwrap_or("system");
        if !MODES.contains(&mode) {
            refused.push(format!(
                "{field}.mode` must one of `system`, `user`, `boot`, `data`, `dependency`, \
                 `ansible`, or `yq`"
            ));
        }
        match mode {
            "data" | "yq" if text(provision, "path").is_none() => {
                refused.push(format!("{field}.path` must not be empty when mode is `{mode}`"));
            }
            "data" | "yq" | "ansible" => {}
            _ if text(provision, "script").is_none() && provision.get("file").is_none() => {
                refused.push(format!("{field}.script` must not be empty"));
            }
            _ => {}
        }
    }
    for (index, probe) in entries(given, "probes").enumerate() {
        if text(probe, "script").is_some_and(|script| !script.starts_with("#!")) {
            refused.push(format!("field `probe[{index}].script` must start with a '#!' line"));
        }
        if text(probe, "mode").is_some_and(|mode| mode != "readiness") {
            refused.push(format!("field `probe[{index}].mode` can only be `readiness`"));
        }
    }
    refused
}

fn forward_refusals(index: usize, forward: &Value) -> Vec<String> {
    let field = format!("portForwards[{index}]");
    let port = |key: &str| forward.get(key).and_then(Value::as_u64).filter(|port| *port != 0);
    let has_socket = text(forward, "hostSocket").is_some();
    let guest = range(forward, "guestPort").unwrap_or(1..=65_535);
    let host = range(forward, "hostPort").unwrap_or_else(|| guest.clone());
    let mut refused = Vec::new();
    for name in ["guestPort", "hostPort"] {
        refused.extend(port(name).and_then(|port| invalid_port(&format!("{field}.{name}"), port)));
    }
    for (end, guest, host) in [(0, guest.start(), host.start()), (1, guest.end(), host.end())] {
        refused.extend(invalid_port(&format!("{field}.guestPortRange[{end}]"), *guest));
        if !has_socket {
            refused.extend(invalid_port(&format!("{field}.hostPortRange[{end}]"), *host));
        }
    }
    if let Some(socket) = text(forward, "guestSocket").filter(|path| !path.starts_with(['/', '{']))
    {
        refused.push(format!(
            "field `{field}.guestSocket` must be an absolute path, but is `{socket}`"
        ));
    }
    let ports = |range: &RangeInclusive<u64>| range.end().wrapping_sub(*range.start());
    if !has_socket && ports(&guest) != ports(&host) {
        refused.push(format!(
            "field `{field}.hostPortRange` must specify the same number of ports as field \
             `{field}.guestPortRange`"
        ));
    }
    refused
}

fn range(forward: &Value, single: &str) -> Option<RangeInclusive<u64>> {
    let range = forward.get(format!("{single}Range")).and_then(Value::as_array);
    let ends: Vec<u64> = range.into_iter().flatten().filter_map(Value::as_u64).collect();
    match (ends.as_slice(), forward.get(single).and_then(Value::as_u64)) {
        ([first, last], _) if *last != 0 => Some(*first..=*last),
        (_, Some(port)) if port != 0 => Some(port..=port),
        _ => None,
    }
}

fn invalid_port(field: &str, port: u64) -> Option<String> {
    match port {
        0 => Some(format!("field `{field}` must be set")),
        22 => Some(format!("field `{field}` must not be 22")),
        65_536.. => Some(format!("field `{field}` must be < 65536")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A YAML with an image and these keys.
    fn with(keys: Value) -> Value {
        let mut given = json!({"images": [{"location": "/x.img"}]});
        given.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        given
    }

    /// The expected messages are the output of `limactl validate` 2.2.0.
    #[test]
    fn what_lima_refuses() {
        for (keys, said) in [
            (
                json!({"mounts": [{"location": "/etc"}]}),
                "field `mounts[0].mountPoint` must not be a system path such as /etc or /usr",
            ),
            (
                json!({"mounts": [{"location": "/srv", "mountPoint": "/"}]}),
                "field `mounts[0].mountPoint` must not be a system path such as /etc or /usr",
            ),
            (
                json!({"portForwards": [{"guestPort": 22}]}),
                "field `portForwards[0].guestPort` must not be 22\nfield `portForwards[0].guestPortRange[0]` must not be 22\nfield `portForwards[0].hostPortRange[0]` must not be 22\nfield `portForwards[0].guestPortRange[1]` must not be 22\nfield `portForwards[0].hostPortRange[1]` must not be 22",
            ),
            (
                json!({"mountType": "nfs", "dns": ["1.1.1.1"], "mounts": [{"location": "/etc"}]}),
                "field `mounts[0].mountPoint` must not be a system path such as /etc or /usr\nfield `mountType` must be `reverse-sshfs` or `9p` or `virtiofs`, or `wsl2`, got `nfs`\nfield `dns` must be empty when field `HostResolver.Enabled` is true",
            ),
            (
                json!({"memory": "4 apples"}),
                "field `memory` has an invalid value: invalid suffix: 'apples'",
            ),
            (
                json!({"provision": [{"script": ""}]}),
                "field `provision[0].script` must not be empty",
            ),
            (
                json!({"probes": [{"script": "x"}]}),
                "field `probe[0].script` must start with a '#!' line",
            ),
            (
                json!({"portForwards": [{"guestPortRange": [1, 5], "hostPortRange": [1, 4]}]}),
                "field `portForwards[0].hostPortRange` must specify the same number of ports as field `portForwards[0].guestPortRange`",
            ),
        ] {
            assert_eq!(refusal(&with(keys)).as_deref(), Some(said));
        }
        let param =
            with(json!({"param": {"a": true, "b": 1}, "provision": [{"script": "{{.Param.a}}"}]}));
        let said =
            "field `param` key `b` is not used in any provision, probe, copyToHost, or portForward";
        assert_eq!(unused_param(&param).as_deref(), Some(said));
    }

    #[test]
    fn what_lima_accepts() {
        for keys in [
            json!({"portForwards": [{"guestPort": 80, "hostPort": 8080}, {"guestPort": 81, "hostPort": 8080}]}),
            json!({"mounts": [{"location": "/a b"}, {"location": "/srv", "mountPoint": "/etc/"}]}),
            json!({"networks": [{"vzNAT": true}], "plain": true, "cpus": 100_000, "memory": "1B", "disk": "1KiB"}),
            json!({"dns": ["1.1.1.1"], "hostResolver": {"enabled": false}}),
            json!({"memory": 4, "vmOpts": {"qemu": {"foo": 1}}, "mountTyp": 1}),
        ] {
            assert_eq!(refusal(&with(keys.clone())), None, "{keys}");
        }
        assert_eq!(
            unknown_key(&json!({"mountTyp": 1})).as_deref(),
            Some("unknown field \"mountTyp\"")
        );
        assert_eq!(unknown_key(&json!({"vmOpts": {"qemu": {"foo": 1}}})), None);
    }
}
