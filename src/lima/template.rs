//! The YAML of an instance: what `cai` declares of it, key by key.

use serde_json::{Map, Value, json};

use super::GUEST_SOCKET;
use super::entries::with_forwards;
use crate::config::{Config, Image, Mount, PortForward};
use crate::guest::provisioning;

/// How the YAML of an instance that `cai` made begins.
const MARK: &str = "# Managed by cai";

/// Whether `cai` made the instance with this YAML. Lima keeps the comments of a file that it edits.
pub fn is_marked(yaml: &str) -> bool {
    let mut head = yaml.lines().take_while(|line| line.is_empty() || line.starts_with('#'));
    head.any(|line| line.starts_with(MARK))
}

/// The keys of Lima's YAML that the file determines, in the order they are written.
/// A key that the file leaves out is not here: Lima's default, or the hand that set it, stays.
pub fn template(config: &Config) -> Map<String, Value> {
    let mut keys = Map::new();
    let vm = &config.vm;
    if let Some(vm_type) = vm.vm_type {
        keys.insert("vmType".into(), vm_type.as_str().into());
    }
    if let Some(arch) = vm.arch {
        keys.insert("arch".into(), arch.as_str().into());
    }
    if let Some(on) = vm.rosetta {
        // The one form that Lima 1 and 2 both take: Lima 2 moves it to `vmOpts.vz.rosetta` itself
        // (its vz driver), which Lima 1 does not know.
        keys.insert("rosetta".into(), json!({"enabled": on, "binfmt": on}));
    }
    keys.insert("images".into(), vm.images.iter().map(image).collect());
    if let Some(cpus) = vm.cpus {
        keys.insert("cpus".into(), cpus.into());
    }
    if let Some(memory) = vm.memory {
        keys.insert("memory".into(), memory.to_string().into());
    }
    if let Some(disk) = vm.disk {
        keys.insert("disk".into(), disk.to_string().into());
    }
    keys.insert("mounts".into(), vm.mounts.iter().map(mount).collect());
    keys.insert("containerd".into(), json!({"system": false, "user": false}));
    let forwards: Vec<Value> = vm.port_forwards.iter().map(port_forward).collect();
    let script = with_forwards(provisioning::boot_script(&config.docker), &forwards);
    keys.insert("provision".into(), json!([{"mode": "system", "script": script}]));
    keys.insert(
        "probes".into(),
        json!([{
            "description": "Docker answers",
            "script": provisioning::READINESS_PROBE,
            "hint": "Docker does not answer in the guest. See /var/log/cloud-init-output.log there.",
        }]),
    );
    // Lima takes the first that fits, so the engine's comes first.
    let engine = json!({"guestSocket": GUEST_SOCKET, "hostSocket": "{{.Dir}}/sock/docker.sock"});
    keys.insert("portForwards".into(), std::iter::once(engine).chain(forwards).collect());
    if !vm.env.is_empty() {
        let known = vm.env.iter().filter_map(|(name, it)| Some((name, it.value.as_deref()?)));
        let env = known.map(|(name, value)| (name.to_string(), value.into()));
        keys.insert("env".into(), env.collect::<Map<_, Value>>().into());
    }
    keys.extend(vm.lima.clone());
    keys
}

/// The text that `limactl create` reads.
pub fn to_yaml(keys: &Map<String, Value>) -> String {
    // JSON values all have a form in YAML, and memory takes them all.
    let body =
        serde_yaml::to_string(keys).unwrap_or_else(|_| Value::from(keys.clone()).to_string());
    format!("{MARK}: change containai.toml, then run `cai apply`.\n{body}")
}

/// The text of an instance's YAML with other values for some of its keys. Everything else stays as
/// it is, with its comments, where that can be told from the text.
pub fn edited(text: &str, yaml: &Map<String, Value>, keys: &Map<String, Value>) -> String {
    let mut wanted = yaml.clone();
    wanted.extend(keys.clone());
    // JSON values all have a form in YAML.
    let body = |keys: &Map<String, Value>| serde_yaml::to_string(keys).unwrap_or_default();
    let names = |line: &str| keys.keys().any(|key| names(line, key));
    let mut kept = String::new();
    let mut is_replaced = false;
    for line in text.lines() {
        let begins = line.starts_with(|c: char| !c.is_whitespace() && !"#-]}".contains(c));
        if begins {
            is_replaced = names(line);
        }
        // A comment at the margin belongs to what follows it.
        if !is_replaced || line.starts_with('#') {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept.push_str(&body(keys));
    // An odd text may have been cut in the wrong place.
    match serde_yaml::from_str::<Map<String, Value>>(&kept) {
        Ok(read) if read == wanted => kept,
        _ => head(text) + &body(&wanted),
    }
}

/// Whether a line of YAML begins a top-level key.
fn names(line: &str, key: &str) -> bool {
    let line = line.trim_start_matches(['"', '\'']);
    let rest = line.strip_prefix(key).map(|rest| rest.trim_start_matches(['"', '\'']).trim_start());
    rest.is_some_and(|rest| rest.starts_with(':'))
}

/// The comments that a YAML begins with.
fn head(text: &str) -> String {
    let head = text.lines().take_while(|line| line.is_empty() || line.starts_with('#'));
    head.flat_map(|line| [line, "\n"]).collect()
}

fn image(image: &Image) -> Value {
    let mut entry = Map::new();
    entry.insert("location".into(), image.location.as_str().into());
    if let Some(arch) = image.arch {
        entry.insert("arch".into(), arch.to_string().into());
    }
    if let Some(digest) = &image.digest {
        entry.insert("digest".into(), digest.as_str().into());
    }
    if let Some(kernel) = &image.kernel {
        let mut file = Map::new();
        file.insert("location".into(), kernel.as_str().into());
        if let Some(cmdline) = &image.kernel_cmdline {
            file.insert("cmdline".into(), cmdline.as_str().into());
        }
        entry.insert("kernel".into(), file.into());
    }
    if let Some(initrd) = &image.initrd {
        entry.insert("initrd".into(), json!({"location": initrd}));
    }
    entry.into()
}

fn mount(mount: &Mount) -> Value {
    let mut entry = Map::new();
    entry.insert("location".into(), mount.location.as_str().into());
    if let Some(point) = &mount.mount_point {
        entry.insert("mountPoint".into(), point.as_str().into());
    }
    entry.insert("writable".into(), mount.writable.into());
    entry.into()
}

fn port_forward(forward: &PortForward) -> Value {
    let mut entry = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        entry.extend(value.map(|value| (key.to_owned(), value)));
    };
    set("guestIP", forward.guest_ip.as_deref().map(Value::from));
    set("guestPort", forward.guest_port.map(Value::from));
    set("guestSocket", forward.guest_socket.as_deref().map(Value::from));
    set("hostIP", forward.host_ip.as_deref().map(Value::from));
    set("hostPort", forward.host_port.map(Value::from));
    set("hostSocket", forward.host_socket.as_deref().map(Value::from));
    set("proto", forward.proto.map(|proto| proto.as_str().into()));
    entry.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_as_yaml_reads_back_the_same() {
        let config = crate::config::parse(
            "version = 1\n[vm]\ncpus = 4\nmemory = \"8GiB\"\n[vm.lima]\nmessage = \"--- # {{.Name}}\\n: 'y'\"\n",
        )
        .unwrap();
        let keys = template(&config);
        let text = to_yaml(&keys);
        assert!(is_marked(&text));
        let read: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(read, Value::Object(keys));
    }

    #[test]
    fn what_is_not_edited_stays_as_it_is() {
        let edit = |text: &str| {
            let yaml: Map<String, Value> = serde_yaml::from_str(text).unwrap();
            let keys = json!({"env": {"A": "2: #"}, "cpus": 4});
            edited(text, &yaml, keys.as_object().unwrap())
        };
        let new = "env:\n  A: '2: #'\ncpus: 4\n";
        for (text, kept) in [
            (
                "# Managed by cai\nenv:\n  # mine\n  A: 1\nmemory: 1GiB # one\n",
                "# Managed by cai\nmemory: 1GiB # one\n",
            ),
            ("cpus: 1\n# x\n\"env\": {A: 1}\nenvy: 2\n", "# x\nenvy: 2\n"),
            (
                "images:\n- location: a\n# two\n- location: b\ncpus: 1\n",
                "images:\n- location: a\n# two\n- location: b\n",
            ),
            ("memory: 1GiB", "memory: 1GiB\n"),
        ] {
            assert_eq!(edit(text), format!("{kept}{new}"));
        }
        // Where the text cannot be cut, its comments go and its values stay.
        let odd = "# Managed by cai\n{env: {A: 1}, memory: 1GiB} # x\n";
        assert_eq!(edit(odd), "# Managed by cai\nenv:\n  A: '2: #'\nmemory: 1GiB\ncpus: 4\n");
    }

    #[test]
    fn a_mark_is_a_comment_at_the_top() {
        assert!(is_marked("# by hand\n\n# Managed by cai: x\ncpus: 1\n"));
        for yaml in ["", "cpus: 1\n", "cpus: 1\n# Managed by cai\n", "message: '# Managed by cai'"]
        {
            assert!(!is_marked(yaml), "{yaml:?}");
        }
    }

    #[test]
    fn keys_that_the_file_leaves_out_are_left_to_lima() {
        let keys = template(&crate::config::parse("version = 1").unwrap());
        for absent in ["cpus", "memory", "disk", "vmType", "arch", "rosetta", "env"] {
            assert!(!keys.contains_key(absent), "{absent}");
        }
    }

    #[test]
    fn keys_of_the_vm_bear_limas_names() {
        let config = crate::config::parse(
            r#"
            version = 1
            [vm]
            type = "vz"
            arch = "aarch64"
            rosetta = true
            env = { B = "2", A = "" }
            port_forwards = [
              { guest_port = 80, host_port = 8080, host_ip = "0.0.0.0", proto = "tcp" },
              { guest_socket = "/run/a.sock", host_socket = "{{.Dir}}/sock/a.sock" },
              { guest_port = 53, guest_ip = "127.0.0.53" },
            ]
            "#,
        )
        .unwrap();
        let keys = template(&config);
        assert_eq!(keys["vmType"], json!("vz"));
        assert_eq!(keys["arch"], json!("aarch64"));
        assert_eq!(keys["rosetta"], json!({"enabled": true, "binfmt": true}));
        assert_eq!(keys["env"], json!({"A": "", "B": "2"}));
        let forwards = json!([
            {"guestSocket": GUEST_SOCKET, "hostSocket": "{{.Dir}}/sock/docker.sock"},
            {"guestPort": 80, "hostIP": "0.0.0.0", "hostPort": 8080, "proto": "tcp"},
            {"guestSocket": "/run/a.sock", "hostSocket": "{{.Dir}}/sock/a.sock"},
            {"guestIP": "127.0.0.53", "guestPort": 53},
        ]);
        assert_eq!(keys["portForwards"], forwards);
        for cais in ["running", "protect"] {
            assert!(!keys.contains_key(cais), "{cais} is no key of Lima's");
        }
    }

    #[test]
    fn rosetta_that_is_turned_off_is_told_to_lima() {
        let keys = template(&crate::config::parse("version = 1\nvm.rosetta = false").unwrap());
        assert_eq!(keys["rosetta"], json!({"enabled": false, "binfmt": false}));
    }
}
