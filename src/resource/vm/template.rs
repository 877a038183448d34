//! The YAML of an instance: what `cai` declares of it, key by key.

use serde_json::{Map, Value, json};

use crate::config::{Config, Forwarding, Image, Mount, PortForward, Vm};
use crate::guest::provisioning;
use crate::lima::{DISKS, Disk, GUEST_SOCKET, with_forwards};

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
    if !vm.adopted {
        keys.insert("containerd".into(), json!({"system": false, "user": false}));
    }
    let forwards = forwards(vm);
    if !vm.adopted {
        let script = with_forwards(provisioning::boot_script(config), &forwards);
        keys.insert("provision".into(), json!([{"mode": "system", "script": script}]));
        keys.insert("probes".into(), json!([probe()]));
    }
    // Lima takes the first that fits, so the engine's comes first.
    let engine = json!({"guestSocket": GUEST_SOCKET, "hostSocket": "{{.Dir}}/sock/docker.sock"});
    keys.insert("portForwards".into(), std::iter::once(engine).chain(forwards).collect());
    let env = config.guest_environment();
    if !env.is_empty() || !vm.env.is_empty() {
        let env = env.into_iter().map(|(name, value)| (name, value.into()));
        keys.insert("env".into(), env.collect::<Map<_, Value>>().into());
    }
    if config.proxy.is_some() {
        // By default, the guest gets the proxies of whoever starts the VM, and they win (Lima 2.2.0,
        // `setupEnv`).
        keys.insert("propagateProxyEnv".into(), false.into());
    }
    keys.extend(vm.lima.clone());
    if vm.data_disk.is_some() {
        let disks = keys.entry(DISKS).or_insert_with(|| json!([]));
        // The file is refused if `[vm.lima]` has anything but a list.
        if let Some(disks) = disks.as_array_mut() {
            disks.push(Disk::entry(&Disk::name_for(&vm.name)));
        }
    }
    keys
}

/// Leaves out the forward of the engine's socket.
pub(super) fn without_engine(keys: &mut Map<String, Value>) {
    if let Some(Value::Array(forwards)) = keys.get_mut("portForwards") {
        forwards.retain(|forward| forward["guestSocket"] != GUEST_SOCKET);
    }
}

/// The forwards, without that of the engine's socket.
fn forwards(vm: &Vm) -> Vec<Value> {
    let mut forwards: Vec<Value> = vm.port_forwards.iter().map(port_forward).collect();
    if vm.forward == Forwarding::Declared {
        // It matches every address and port that no forward before it takes (Lima 2.2.0, and as Lima
        // blocks its SSH ports). Without `false`, it would match listeners on 0.0.0.0 only.
        forwards.push(json!({"guestIP": "0.0.0.0", "guestIPMustBeZero": false, "ignore": true}));
    }
    forwards
}

fn probe() -> Value {
    json!({
        "description": "Docker answers",
        "script": provisioning::READINESS_PROBE,
        "hint": "Docker does not answer in the guest. See /var/log/cloud-init-output.log there.",
    })
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
    set("guestPortRange", forward.guest_ports.map(|(first, last)| json!([first, last])));
    set("hostPortRange", forward.host_ports.map(|(first, last)| json!([first, last])));
    set("ignore", forward.ignore.then_some(true.into()));
    set("proto", forward.proto.map(|proto| proto.as_str().into()));
    entry.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lima::{is_marked, to_yaml};

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
    fn only_declared_ports_are_forwarded_if_the_file_says_so() {
        let forwards = |text: &str| {
            let text = format!(
                "version = 1\nvm.port_forwards = [{{ guest_ports = [80, 81], ignore = true }}]\n{text}"
            );
            let keys = template(&crate::config::parse(&text).unwrap());
            keys["portForwards"].as_array().unwrap()[1..].to_vec()
        };
        let range = json!({"guestPortRange": [80, 81], "ignore": true});
        let rest = json!({"guestIP": "0.0.0.0", "guestIPMustBeZero": false, "ignore": true});
        assert_eq!(forwards(""), std::slice::from_ref(&range));
        assert_eq!(forwards("vm.forward = \"declared\""), [range, rest]);
    }

    #[test]
    fn rosetta_that_is_turned_off_is_told_to_lima() {
        let keys = template(&crate::config::parse("version = 1\nvm.rosetta = false").unwrap());
        assert_eq!(keys["rosetta"], json!({"enabled": false, "binfmt": false}));
    }
}
