//! The YAML of an instance: what `cai` declares of it, key by key.

use serde_json::{Map, Value, json};

use super::GUEST_SOCKET;
use crate::config::{Config, Image, Mount};
use crate::guest::provisioning;

/// The keys of Lima's YAML that the file determines, in the order they are written.
/// A key that the file leaves out is not here: Lima's default, or the hand that set it, stays.
pub fn template(config: &Config) -> Map<String, Value> {
    let mut keys = Map::new();
    let vm = &config.vm;
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
    keys.insert(
        "provision".into(),
        json!([{"mode": "system", "script": provisioning::script(config.docker.source)}]),
    );
    keys.insert(
        "probes".into(),
        json!([{
            "description": "Docker answers",
            "script": provisioning::READINESS_PROBE,
            "hint": "Docker does not answer in the guest. See /var/log/cloud-init-output.log there.",
        }]),
    );
    keys.insert(
        "portForwards".into(),
        json!([{"guestSocket": GUEST_SOCKET, "hostSocket": "{{.Dir}}/sock/docker.sock"}]),
    );
    keys.extend(vm.lima.clone());
    keys
}

/// The text that `limactl create` reads.
///
/// # Errors
/// When a value has no form in YAML, which none of the template has.
pub fn to_yaml(keys: &Map<String, Value>) -> Result<String, serde_yaml::Error> {
    let body = serde_yaml::to_string(keys)?;
    Ok(format!("# Managed by cai: change containai.toml, then run `cai apply`.\n{body}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_as_yaml_reads_back_the_same() {
        let config = crate::config::parse(
            "version = 1\n[vm]\ncpus = 4\nmemory = \"8GiB\"\n[vm.lima]\nmessage = \"--- # {{x}}\\n: 'y'\"\n",
        )
        .unwrap();
        let keys = template(&config);
        let text = to_yaml(&keys).unwrap();
        let read: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(read, Value::Object(keys));
    }

    #[test]
    fn keys_that_the_file_leaves_out_are_left_to_lima() {
        let keys = template(&crate::config::parse("version = 1").unwrap());
        for absent in ["cpus", "memory", "disk", "vmType", "arch"] {
            assert!(!keys.contains_key(absent), "{absent}");
        }
    }
}
