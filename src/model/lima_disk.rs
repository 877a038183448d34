//! Lima's disks: they are separate from the VMs that use them, and survive them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::VmName;
use super::digest::sha256;

/// The key of the list in a VM's YAML.
pub const DISKS: &str = "additionalDisks";

/// The longest name that Lima can handle. It labels the filesystem `lima-NAME` and looks for that label at
/// every boot. ext4 truncates a label to 16 bytes, so Lima would not find it and would format the disk again
/// (read in `05-lima-disks.sh` of Lima 2.2.0; measured with `mke2fs` 1.47).
pub const LONGEST_NAME: usize = 11;

/// A disk in the output of `limactl disk list --json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Disk {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// The VM that runs with it; empty if no VM does.
    #[serde(default)]
    pub instance: String,
}

impl Disk {
    /// The disks of a list: one JSON object on each line.
    ///
    /// # Errors
    /// If a line is not such an object.
    pub fn list(text: &str) -> serde_json::Result<Vec<Self>> {
        text.lines().map(serde_json::from_str).collect()
    }

    /// The name of the disk with Docker's data of a VM.
    pub fn name_for(vm: &VmName) -> String {
        const PREFIX: &str = "cai-";
        let longest = LONGEST_NAME - PREFIX.len();
        if vm.as_str().len() <= longest {
            return format!("{PREFIX}{vm}");
        }
        format!("{PREFIX}{}", &sha256(vm.as_str().as_bytes())[..longest])
    }

    /// The entry of a VM's YAML for a disk with this name. Lima formats it when it is new.
    pub fn entry(name: &str) -> Value {
        json!({"name": name, "format": true, "fsType": "ext4"})
    }

    /// The name in an entry: Lima accepts a name alone as well.
    pub fn named_by(entry: &Value) -> Option<&str> {
        entry.as_str().or_else(|| entry.get("name")?.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_enough_for_the_label_of_a_filesystem() {
        let name = |vm: &str| Disk::name_for(&vm.parse().unwrap());
        assert_eq!(name("dev"), "cai-dev");
        assert_eq!(name("dev-vm1"), "cai-dev-vm1");
        let long = [name("containai-secure"), name("containai-secure2"), name("dev-vm10")];
        assert!(long.iter().all(|name| name.len() == LONGEST_NAME), "{long:?}");
        assert!(long[0] != long[1]);
    }
}
