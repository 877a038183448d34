use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{PortForward, Variable};
use crate::config::{pattern, rules};
use crate::model::{Arch, ByteSize, EnvName, VmName};

/// `[vm]`: the VM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Vm {
    /// The VM's name in Lima.
    pub name: VmName,
    /// What runs the VM; none leaves it to Lima. A VM that exists keeps its own.
    #[serde(rename = "type")]
    pub vm_type: Option<VmType>,
    /// The guest's architecture; none means that of this machine. A VM that exists keeps its own.
    pub arch: Option<Arch>,
    /// Whether programs for Intel run through Rosetta: on Apple Silicon, in a VM of type `vz`.
    /// None leaves it to Lima, whose default is false.
    pub rosetta: Option<bool>,
    /// Whether the VM is to run. One that is not is stopped, and what is inside is left as it is.
    pub running: bool,
    /// Whether `limactl delete` is refused (`limactl protect`).
    pub protect: bool,
    /// Virtual CPUs, from 1 to 4096; none leaves it to Lima.
    #[serde(deserialize_with = "rules::cpus")]
    #[schemars(range(min = 1, max = 4096))]
    pub cpus: Option<u32>,
    /// Memory, such as "8GiB", at least "256MiB"; none leaves it to Lima.
    #[serde(deserialize_with = "rules::memory")]
    pub memory: Option<ByteSize>,
    /// The size of the VM's disk, such as "60GiB", at least "2GiB", which can only grow; none leaves
    /// it to Lima.
    #[serde(deserialize_with = "rules::disk")]
    pub disk: Option<ByteSize>,
    /// `[[vm.images]]`: disk images, at most one for each architecture. Lima takes the first that
    /// fits the machine.
    pub images: Vec<Image>,
    /// `[[vm.mounts]]`: directories of this machine that the VM sees.
    pub mounts: Vec<Mount>,
    /// `[[vm.port_forwards]]`: ports and sockets of the guest that this machine sees, in the order
    /// in which Lima looks for one that fits. The engine's socket is always forwarded.
    pub port_forwards: Vec<PortForward>,
    /// `[vm.env]`: environment variables of the guest (`/etc/environment` there), each a string, or a
    /// table with `value` or `env`, and `sensitive`.
    pub env: BTreeMap<EnvName, Variable>,
    /// What the file leaves out of what it would be good to know that it did not say.
    #[serde(skip)]
    pub left_out: LeftOut,
    /// `[vm.lima]`: any other key of Lima's YAML, passed on as it is and in the file's order.
    pub lima: Map<String, Value>,
}

/// The VM of a file without `[vm]`: Ubuntu 24.04, the home directory and `/tmp/lima` writable.
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
            images: vec![Image::ubuntu(Arch::X86_64), Image::ubuntu(Arch::Aarch64)],
            mounts: vec![Mount::writable("~"), Mount::writable("/tmp/lima")],
            port_forwards: Vec::new(),
            env: BTreeMap::new(),
            left_out: LeftOut { images: true, mounts: true },
            lima: Map::new(),
        }
    }
}

/// Keys whose defaults make a new VM, and are no wish about one that exists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The file has no `images`.
    pub images: bool,
    /// The file has no `mounts`.
    pub mounts: bool,
}

/// `[[vm.images]]`: a disk image to make the VM from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// The architecture it is for; none means that of the machine.
    pub arch: Option<Arch>,
    /// A URL (`https` or `file`), or a path from `/` or `~/`.
    #[serde(deserialize_with = "rules::image_location")]
    #[schemars(regex(pattern = pattern::LOCATION))]
    pub location: String,
    /// `sha256:…` or `sha512:…` of the image.
    #[serde(default, deserialize_with = "rules::digest")]
    #[schemars(regex(pattern = pattern::DIGEST))]
    pub digest: Option<String>,
    /// A kernel to boot the image with, a location like the image's.
    #[serde(default, deserialize_with = "rules::boot_file")]
    #[schemars(regex(pattern = pattern::LOCATION))]
    pub kernel: Option<String>,
    /// The kernel's command line; only with `kernel`.
    #[serde(default, deserialize_with = "rules::kernel_cmdline")]
    #[schemars(regex(pattern = pattern::PLAIN))]
    pub kernel_cmdline: Option<String>,
    /// The initial ramdisk, a location like the image's; only with `kernel`.
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

/// `[[vm.mounts]]`: a directory of this machine that the VM sees.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// The directory on this machine, from `/` or `~`.
    #[serde(deserialize_with = "rules::mount_location")]
    #[schemars(regex(pattern = pattern::MOUNT_LOCATION))]
    pub location: String,
    /// Where the VM sees it, from `/`; none means at the same path.
    #[serde(default, deserialize_with = "rules::mount_point")]
    #[schemars(regex(pattern = pattern::ABSOLUTE))]
    pub mount_point: Option<String>,
    /// Whether the VM may write to it.
    #[serde(default)]
    pub writable: bool,
}

impl Mount {
    fn writable(location: &str) -> Self {
        Self { location: location.to_owned(), mount_point: None, writable: true }
    }
}

/// What runs a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VmType {
    /// QEMU.
    Qemu,
    /// Apple's Virtualization.framework.
    Vz,
}

impl VmType {
    /// Lima's word: `qemu` or `vz`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Vz => "vz",
        }
    }
}
