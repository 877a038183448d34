//! The owner of an entry in Lima's lists. `cai` replaces and removes its own entries and keeps all
//! others in their order.
//!
//! - A script of `provision` or `probes` belongs to `cai` if it contains a certain comment, which
//!   every version of `cai` has written.
//! - A forward belongs to `cai` if it has the same place as a declared one (see [`place`]), or as
//!   one that the file declared before. A comment in the provisioning script lists the latter.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::meaning::Meaning;
use super::ssh::{GUEST_SOCKET, Ssh};

/// The comment in every script of `cai`.
const WRITTEN: &str = "Written by cai";
/// The start of the line in the provisioning script that lists the forwards of the file.
const FORWARDS: &str = "# Port forwards by cai: ";
/// The lists that may have entries of others.
const SHARED: [&str; 3] = [PROVISION, "probes", PORT_FORWARDS];
const PROVISION: &str = "provision";
const PORT_FORWARDS: &str = "portForwards";

/// The provisioning script with a line that lists these forwards, if there are any.
pub(crate) fn with_forwards(mut script: String, forwards: &[Value]) -> String {
    if !forwards.is_empty() {
        script.push_str(FORWARDS);
        // Lima would expand templates in the comment, too.
        script.push_str(&Value::from(forwards).to_string().replace("{{", r"\u007b\u007b"));
        script.push('\n');
    }
    script
}

/// The keys of `wanted`, with the entries of others from `yaml`, the instance's present YAML, added
/// to the shared lists. `before` are forwards that the file declared before, besides those in the script.
pub fn merged(
    wanted: &Map<String, Value>,
    yaml: &Map<String, Value>,
    before: &[Value],
    meaning: &Meaning<'_>,
) -> Map<String, Value> {
    let mut keys = wanted.clone();
    for key in SHARED {
        let (Some(Value::Array(own)), Some(Value::Array(there))) = (wanted.get(key), yaml.get(key))
        else {
            continue;
        };
        if own == there {
            continue;
        }
        let before = [declared_forwards(yaml), before.to_vec()].concat();
        let list = List { key, own, before, meaning };
        keys.insert(key.into(), list.merged(there).into());
    }
    // Keep the archives of containerd, which matter only if it is used, and the variables of
    // others.
    for key in ["containerd", "env"] {
        if let (Some(Value::Object(own)), Some(Value::Object(there))) =
            (wanted.get(key), yaml.get(key))
        {
            let mut table = there.clone();
            table.extend(own.clone());
            keys.insert(key.into(), table.into());
        }
    }
    keys
}

/// Whether a list of scripts contains one of `cai`, possibly from an older version.
pub fn has_script(list: &Value) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(is_script))
}

fn is_script(entry: &Value) -> bool {
    entry.get("script").and_then(Value::as_str).is_some_and(|text| text.contains(WRITTEN))
}

/// The forwards that the file declared when this YAML was written.
pub fn declared_forwards(yaml: &Map<String, Value>) -> Vec<Value> {
    let scripts = yaml.get(PROVISION).and_then(Value::as_array).into_iter().flatten();
    let texts = scripts.filter(|entry| is_script(entry)).filter_map(|it| it["script"].as_str());
    let lines = texts.flat_map(str::lines).filter_map(|line| line.strip_prefix(FORWARDS));
    lines.filter_map(|json| serde_json::from_str::<Vec<Value>>(json).ok()).flatten().collect()
}

/// The socket of this machine to which an instance forwards dockerd's: where `cai` would have it, or else the
/// first.
pub fn engine_socket(yaml: &Map<String, Value>, meaning: &Meaning<'_>) -> Option<PathBuf> {
    let forwards = yaml.get(PORT_FORWARDS).and_then(Value::as_array)?.iter();
    let of_engine = forwards.filter(|forward| {
        // These make no socket of this machine.
        if ["ignore", "reverse"].iter().any(|key| forward[*key] == true) {
            return false;
        }
        let guest = forward.get("guestSocket").and_then(Value::as_str);
        guest.is_some_and(|path| [GUEST_SOCKET, "/run/docker.sock"].contains(&path))
    });
    let paths = of_engine.filter_map(|forward| forward.get("hostSocket").and_then(Value::as_str));
    // Lima expands more templates than `cai`.
    let paths = paths.map(|path| meaning.host_socket(path)).filter(|path| !path.contains("{{"));
    let paths: Vec<PathBuf> = paths.map(PathBuf::from).collect();
    let usual = Ssh::docker_socket(meaning.directory);
    if paths.contains(&usual) { Some(usual) } else { paths.into_iter().next() }
}

/// One of the shared lists.
struct List<'a> {
    key: &'static str,
    /// The declared entries.
    own: &'a [Value],
    /// The forwards that the file declared before.
    before: Vec<Value>,
    meaning: &'a Meaning<'a>,
}

impl List<'_> {
    /// The identity of an entry: an entry of `cai` is replaced by one with the same identity.
    /// `None` for others' entries.
    fn identity(&self, entry: &Value) -> Option<Value> {
        if self.key != PORT_FORWARDS {
            return is_script(entry).then_some(Value::Null);
        }
        let place = place(entry, self.meaning);
        let mut known = self.own.iter().chain(&self.before);
        known.any(|own| self::place(own, self.meaning) == place).then_some(place)
    }

    fn merged(&self, there: &[Value]) -> Vec<Value> {
        let mut missing: Vec<&Value> = self.own.iter().collect();
        let mut list = Vec::new();
        for entry in there {
            let Some(identity) = self.identity(entry) else {
                list.push(entry.clone());
                continue;
            };
            let same = |own: &&Value| self.identity(own).as_ref() == Some(&identity);
            if let Some(position) = missing.iter().position(same) {
                let own = missing.remove(position);
                let is_same = self.meaning.is_same_entry(self.key, entry, own);
                list.push(if is_same { entry } else { own }.clone());
            }
        }
        let missing = missing.into_iter().cloned();
        if self.key == PORT_FORWARDS {
            // Lima takes the first forward that fits, which may be one of all ports.
            missing.chain(list).collect()
        } else {
            list.extend(missing);
            list
        }
    }
}

/// The end of a forward that must be unique: the host's socket or port if the guest's end is a
/// socket, else the guest's ports.
fn place(entry: &Value, meaning: &Meaning<'_>) -> Value {
    let meant = meaning.of(PORT_FORWARDS, &vec![entry.clone()].into());
    let get = |key: &str| meant.pointer(&format!("/0/{key}")).cloned().unwrap_or_default();
    let keys: &[&str] = match (get("hostSocket"), get("guestSocket")) {
        (Value::String(_), _) => &["hostSocket"],
        (_, Value::String(_)) => &["hostIP", "hostPortRange"],
        _ => &["guestIP", "guestPortRange", "proto"],
    };
    keys.iter().map(|key| get(key)).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    fn merge(wanted: &Value, yaml: &Value) -> Value {
        let meaning =
            Meaning { directory: Path::new("/l/vm"), home: Some(Path::new("/h")), defaults: true };
        let map = |value: &Value| value.as_object().unwrap().clone();
        merged(&map(wanted), &map(yaml), &[], &meaning).into()
    }

    fn script(text: &str) -> Value {
        json!({"mode": "system", "script": format!("#!/bin/sh\n# Written by cai.\n{text}")})
    }

    #[test]
    fn the_engines_socket_is_the_usual_one_or_the_first() {
        let meaning = Meaning { directory: Path::new("/l/vm"), home: None, defaults: true };
        let socket = |sockets: &[&str]| {
            let forward = |path: &&str| json!({"guestSocket": GUEST_SOCKET, "hostSocket": path});
            let mut forwards: Vec<Value> = sockets.iter().map(forward).collect();
            forwards.insert(0, json!({"guestSocket": "/run/other.sock", "hostSocket": "/o.sock"}));
            for key in ["ignore", "reverse"] {
                let mut no = json!({"guestSocket": GUEST_SOCKET, "hostSocket": "/no.sock"});
                no[key] = true.into();
                forwards.insert(0, no);
            }
            let yaml = Map::from_iter([("portForwards".to_owned(), forwards.into())]);
            engine_socket(&yaml, &meaning).map(|path| path.display().to_string())
        };
        for (sockets, expected) in [
            (&[][..], None),
            (&["/c/docker.sock", "/d/docker.sock"], Some("/c/docker.sock")),
            (&["/c/docker.sock", "{{.Dir}}/sock/docker.sock"], Some("/l/vm/sock/docker.sock")),
            (&["a.sock"], Some("/l/vm/sock/a.sock")),
            (&["{{.UID}}/a.sock"], None),
        ] {
            assert_eq!(socket(sockets).as_deref(), expected, "{sockets:?}");
        }
    }

    #[test]
    fn scripts_of_others_stay_where_they_are() {
        let others =
            [json!({"mode": "yq", "path": "/etc/a"}), json!({"script": "#!/bin/sh\ntrue"})];
        let wanted = json!({"provision": [script("new")]});
        // An older entry is replaced in place, and duplicates are deleted.
        let yaml = json!({"provision": [others[0], script("old"), others[1], script("older")]});
        assert_eq!(
            merge(&wanted, &yaml)["provision"],
            json!([others[0], script("new"), others[1]])
        );
        let yaml = json!({"provision": others});
        assert_eq!(
            merge(&wanted, &yaml)["provision"],
            json!([others[0], others[1], script("new")])
        );
        assert_eq!(merge(&wanted, &json!({"provision": null})), wanted);
    }

    #[test]
    fn forwards_of_others_stay_behind_those_of_the_file() {
        let docker = json!({"guestSocket": "/var/run/docker.sock", "hostSocket": "{{.Dir}}/sock/docker.sock"});
        let all = json!({"guestPortRange": [1, 65535], "ignore": true});
        let web = json!({"guestPort": 80, "hostPort": 8080});
        let wanted = json!({"portForwards": [docker, web]});
        let merge =
            |list: Value| merge(&wanted, &json!({"portForwards": list}))["portForwards"].clone();
        assert_eq!(merge(json!([all])), json!([docker, web, all]));
        // The place and the meaning are the same, so its form is kept.
        let form = json!({"guestSocket": "/var/run/docker.sock", "hostSocket": "docker.sock"});
        assert_eq!(merge(json!([form, all, web])), json!([form, all, web]));
        // The rootless socket would have the same path on the host.
        let rootless =
            json!({"guestSocket": "/run/user/501/docker.sock", "hostSocket": "docker.sock"});
        assert_eq!(merge(json!([rootless, web])), json!([docker, web]));
        // Another host port for the same guest port.
        let other = json!({"guestPort": 80, "hostPort": 9090});
        assert_eq!(merge(json!([docker, other])), json!([docker, web]));
    }

    #[test]
    fn a_forward_that_the_file_no_longer_declares_goes() {
        let socket = json!({"guestSocket": "/a", "hostSocket": "{{.Dir}}/sock/a.sock"});
        let (old, mine) = (json!({"guestPort": 81}), json!({"guestPort": 82}));
        let script = with_forwards("# Written by cai\n".into(), &[old, socket.clone()]);
        let yaml = json!({
            "provision": [{"script": script}],
            "portForwards": [{"guestPort": 81, "hostPort": 81}, mine, socket],
        });
        assert_eq!(merge(&json!({"portForwards": []}), &yaml)["portForwards"], json!([mine]));
    }

    #[test]
    fn other_keys_of_containerd_stay() {
        let wanted = json!({"containerd": {"user": false}});
        let yaml = json!({"containerd": {"user": true, "archives": [{"location": "/a"}]}});
        let merged = json!({"containerd": {"user": false, "archives": [{"location": "/a"}]}});
        assert_eq!(merge(&wanted, &yaml), merged);
    }
}
