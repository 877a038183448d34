use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Forwarding, PortForward, Variable};
use crate::config::{pattern, rules};
use crate::model::{Arch, ByteSize, EnvName, VmName};

/// `[vm]`: the VM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Vm {
    /// The VM's name in Lima.
    pub name: VmName,
    /// The VM's driver; by default, Lima chooses. An existing VM keeps its driver.
    #[serde(rename = "type")]
    pub vm_type: Option<VmType>,
    /// The guest's architecture; by default, that of this machine. An existing VM keeps its
    /// architecture.
    pub arch: Option<Arch>,
    /// Whether Intel programs run with Rosetta: on Apple Silicon, in a VM of type `vz`. By default,
    /// Lima decides; its own default is `false`.
    pub rosetta: Option<bool>,
    /// Whether the VM runs. If `false`, the VM is stopped and nothing inside it is changed.
    pub running: bool,
    /// Whether `limactl delete` is refused (`limactl protect`).
    pub protect: bool,
    /// The number of virtual CPUs, from 1 to 4096. By default, Lima chooses.
    #[serde(deserialize_with = "rules::cpus")]
    #[schemars(range(min = 1, max = 4096))]
    pub cpus: Option<u32>,
    /// The memory, such as "8GiB"; at least "256MiB". By default, Lima chooses.
    #[serde(deserialize_with = "rules::memory")]
    pub memory: Option<ByteSize>,
    /// The size of the VM's disk, such as "60GiB"; at least "2GiB". It can only grow. By default,
    /// Lima chooses.
    #[serde(deserialize_with = "rules::disk")]
    pub disk: Option<ByteSize>,
    /// The size of a separate disk for Docker's images, containers and volumes, such as "100GiB"; at
    /// least "2GiB". It can only grow. Docker's data is copied to it, and it survives the VM.
    #[serde(deserialize_with = "rules::disk")]
    pub data_disk: Option<ByteSize>,
    /// `[[vm.images]]`: disk images, at most one for each architecture. Lima uses the first one
    /// that fits the machine.
    pub images: Vec<Image>,
    /// `[[vm.mounts]]`: directories of this machine that are mounted in the VM. By default, a new VM
    /// gets the directory of this file, writable. `mounts = []` mounts nothing.
    pub mounts: Vec<Mount>,
    /// Which ports of the guest are forwarded to this machine.
    pub forward: Forwarding,
    /// `[[vm.port_forwards]]`: ports and sockets of the guest to forward to this machine. Lima uses
    /// the first one that fits. The engine's socket is always forwarded.
    pub port_forwards: Vec<PortForward>,
    /// Whether the VM was created without `cai`. `cai import` sets it; see `cai help import`.
    pub adopted: bool,
    /// `[vm.env]`: environment variables of the guest (in its `/etc/environment`). Each is a
    /// string, or a table with `value` or `env`, and `sensitive`.
    pub env: BTreeMap<EnvName, Variable>,
    /// The keys that are missing from the file and whose defaults only apply to a new VM.
    #[serde(skip)]
    pub left_out: LeftOut,
    /// `[vm.lima]`: any other key of Lima's YAML, passed on unchanged and in the file's order.
    pub lima: Map<String, Value>,
}

/// The VM of a file without `[vm]`: Ubuntu 24.04. `Config::located` adds the default mount.
impl Default for Vm {
    fn default() -> Self {
        Self {
            name: VmName::default(),
            vm_type: None,
            arch: None,
            rosetta: None,
            running: true,
            protect: true,
            cpus: None,
            memory: None,
            disk: None,
            data_disk: None,
            images: vec![Image::ubuntu(Arch::X86_64), Image::ubuntu(Arch::Aarch64)],
            mounts: Vec::new(),
            forward: Forwarding::All,
            port_forwards: Vec::new(),
            adopted: false,
            env: BTreeMap::new(),
            left_out: LeftOut { images: true, mounts: true },
            lima: Map::new(),
        }
    }
}

/// Missing keys whose defaults apply to a new VM but do not change an existing one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The file has no `images`.
    pub images: bool,
    /// The file has no `mounts`.
    pub mounts: bool,
}

/// `[[vm.images]]`: a disk image to create the VM from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Its architecture; by default, that of this machine.
    pub arch: Option<Arch>,
    /// A URL (`https` or `file`), or a path that starts with `/` or `~/`.
    #[serde(deserialize_with = "rules::image_location")]
    #[schemars(regex(pattern = pattern::LOCATION))]
    pub location: String,
    /// The digest of the image: `sha256:…` or `sha512:…`.
    #[serde(default, deserialize_with = "rules::digest")]
    #[schemars(regex(pattern = pattern::DIGEST))]
    pub digest: Option<String>,
    /// The location of a kernel to boot the image with.
    #[serde(default, deserialize_with = "rules::boot_file")]
    #[schemars(regex(pattern = pattern::LOCATION))]
    pub kernel: Option<String>,
    /// The kernel's command line; only with `kernel`.
    #[serde(default, deserialize_with = "rules::kernel_cmdline")]
    #[schemars(regex(pattern = pattern::PLAIN))]
    pub kernel_cmdline: Option<String>,
    /// The location of an initial ramdisk; only with `kernel`.
    #[serde(default, deserialize_with = "rules::boot_file")]
    #[schemars(regex(pattern = pattern::LOCATION))]
    pub initrd: Option<String>,
}

impl Image {
    fn ubuntu(arch: Arch) -> Self {
        let ubuntu_arch = arch.debian();
        let release = "https://cloud-images.ubuntu.com/releases/24.04/release";
        Self {
            arch: Some(arch),
            location: format!("{release}/ubuntu-24.04-server-cloudimg-{ubuntu_arch}.img"),
            digest: None,
            kernel: None,
            kernel_cmdline: None,
            initrd: None,
        }
    }
}

/// `[[vm.mounts]]`: a directory of this machine that is mounted in the VM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// The directory on this machine: a path that starts with `/` or `~`.
    #[serde(deserialize_with = "rules::mount_location")]
    #[schemars(regex(pattern = pattern::MOUNT_LOCATION))]
    pub location: String,
    /// Its absolute path in the VM; by default, the same path.
    #[serde(default, deserialize_with = "rules::mount_point")]
    #[schemars(regex(pattern = pattern::ABSOLUTE))]
    pub mount_point: Option<String>,
    /// Whether the VM can write to it.
    #[serde(default)]
    pub writable: bool,
}

impl Mount {
    pub(in crate::config) fn writable(location: &str) -> Self {
        Self { location: location.to_owned(), mount_point: None, writable: true }
    }
}

/// The driver of a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VmType {
    /// QEMU.
    Qemu,
    /// Apple's Virtualization.framework.
    Vz,
}

impl VmType {
    /// Its name in Lima's YAML: `qemu` or `vz`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Vz => "vz",
        }
    }
}
