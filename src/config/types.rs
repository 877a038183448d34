use semver::{Comparator, Op, Prerelease, VersionReq};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::rules;
use crate::model::{Arch, ByteSize, ContextName, UnixName, UserRef, VmName};

/// The file as it is written. What depends on another key of it is still open here, and is
/// settled in [`Config`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The version of the file's format. Its absence is reported by `check`, so that a missing
    /// version hides no other mistake.
    pub(super) version: Option<i64>,
    #[serde(default)]
    pub(super) lima: Lima,
    #[serde(default)]
    pub(super) vm: Vm,
    #[serde(default)]
    pub(super) docker: Docker,
    #[serde(default = "default_users")]
    pub(super) users: Vec<User>,
    #[serde(default)]
    pub(super) context: FileContext,
}

/// `[context]` as it is written: without a name the context is named like the VM.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileContext {
    pub(super) name: Option<ContextName>,
}

/// A `containai.toml`, checked, with its defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `[lima]`: the Lima on this machine.
    pub lima: Lima,
    /// `[vm]`: the VM.
    pub vm: Vm,
    /// `[docker]`: the engine in the VM.
    pub docker: Docker,
    /// `[[users]]`: users of the guest, in the file's order. Without any, Lima's user in `docker`.
    pub users: Vec<User>,
    /// `[context]`: the Docker context on this machine.
    pub context: Context,
}

/// `[lima]`: the Lima on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lima {
    /// The versions of `limactl` that will do.
    #[serde(deserialize_with = "rules::requirement")]
    pub version: VersionReq,
}

/// Lima 1.1 or later.
impl Default for Lima {
    fn default() -> Self {
        let at_least = Comparator {
            op: Op::GreaterEq,
            major: 1,
            minor: Some(1),
            patch: None,
            pre: Prerelease::EMPTY,
        };
        Self { version: VersionReq { comparators: vec![at_least] } }
    }
}

/// `[vm]`: the VM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vm {
    /// The VM's name in Lima.
    pub name: VmName,
    /// Virtual CPUs, at least one; none leaves it to Lima.
    #[serde(deserialize_with = "rules::cpus")]
    pub cpus: Option<u32>,
    /// Memory; none leaves it to Lima.
    pub memory: Option<ByteSize>,
    /// The size of the VM's disk; none leaves it to Lima.
    pub disk: Option<ByteSize>,
    /// `[[vm.images]]`: disk images, at most one for each architecture. Lima takes the first that
    /// fits the machine.
    pub images: Vec<Image>,
    /// `[[vm.mounts]]`: directories of this machine that the VM sees.
    pub mounts: Vec<Mount>,
    /// `[vm.lima]`: any other key of Lima's YAML, passed on as it is and in the file's order.
    pub lima: Map<String, Value>,
}

/// The VM of a file without `[vm]`: Ubuntu 24.04, the home directory and `/tmp/lima` writable.
impl Default for Vm {
    fn default() -> Self {
        Self {
            name: VmName::default(),
            cpus: None,
            memory: None,
            disk: None,
            images: vec![
                Image::ubuntu(Arch::X86_64, "amd64"),
                Image::ubuntu(Arch::Aarch64, "arm64"),
            ],
            mounts: vec![Mount::writable("~"), Mount::writable("/tmp/lima")],
            lima: Map::new(),
        }
    }
}

/// `[[vm.images]]`: a disk image to make the VM from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// The architecture it is for; none means that of the machine.
    pub arch: Option<Arch>,
    /// A URL (`http`, `https`, `file`), or a path from `/` or `~/`.
    #[serde(deserialize_with = "rules::image_location")]
    pub location: String,
    /// `sha256:…` or `sha512:…` of the image.
    #[serde(default, deserialize_with = "rules::digest")]
    pub digest: Option<String>,
    /// A kernel to boot the image with, a location like the image's.
    #[serde(default, deserialize_with = "rules::boot_file")]
    pub kernel: Option<String>,
    /// The kernel's command line; only with `kernel`.
    #[serde(default, deserialize_with = "rules::kernel_cmdline")]
    pub kernel_cmdline: Option<String>,
    /// The initial ramdisk, a location like the image's; only with `kernel`.
    #[serde(default, deserialize_with = "rules::boot_file")]
    pub initrd: Option<String>,
}

impl Image {
    fn ubuntu(arch: Arch, ubuntu_arch: &str) -> Self {
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// The directory on this machine, from `/` or `~`.
    #[serde(deserialize_with = "rules::mount_location")]
    pub location: String,
    /// Where the VM sees it, from `/`; none means at the same path.
    #[serde(default, deserialize_with = "rules::mount_point")]
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

/// `[docker]`: the engine in the VM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Docker {
    /// Where the engine comes from.
    pub source: DockerSource,
}

/// Where the Docker engine comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DockerSource {
    /// The guest distribution's own package, installed where it is missing.
    #[default]
    Distro,
    /// The image has it: nothing is installed.
    Preinstalled,
}

/// `[[users]]`: a user of the guest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Who.
    pub name: UserRef,
    /// Groups the user is in, besides any the file does not name.
    #[serde(default)]
    pub groups: Vec<UnixName>,
}

fn default_users() -> Vec<User> {
    vec![User { name: UserRef::LimaUser, groups: vec![UnixName::docker()] }]
}

/// `[context]`: the Docker context on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Its name; that of the VM where the file gives none.
    pub name: ContextName,
}
