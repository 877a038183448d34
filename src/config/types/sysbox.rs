use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{pattern, rules};
use crate::model::{Arch, Sha256, SysboxVersion};

/// The checksums of the packages of [`SysboxVersion::DEFAULT`].
const KNOWN: [(Arch, &str); 2] = [
    (Arch::X86_64, "eeff273671467b8fa351ab3d40709759462dc03d9f7b50a1b207b37982ce40a9"),
    (Arch::Aarch64, "eae9c0e91ddd39bd1826d6a7a313a73d42a8449ef5113e9d6d118b559cb809ba"),
];

/// `[sysbox]`: the runtime `sysbox-runc`, whose containers are close to virtual machines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sysbox {
    /// Whether Sysbox is to be in the VM. If not, it is not installed, and not removed either.
    pub enabled: bool,
    /// Its version. Any but 0.7.0 needs `[[sysbox.packages]]`, because `cai` installs nothing as
    /// root that it cannot verify.
    pub version: SysboxVersion,
    /// Whether containers that name no runtime get Sysbox's.
    pub default_runtime: bool,
    /// `[[sysbox.packages]]`: where the package comes from, at most one for each architecture.
    pub packages: Vec<SysboxPackage>,
}

/// Sysbox 0.7.0, at hand for those who ask for it.
impl Default for Sysbox {
    fn default() -> Self {
        Self {
            enabled: true,
            version: SysboxVersion::DEFAULT,
            default_runtime: false,
            packages: Vec::new(),
        }
    }
}

/// `[[sysbox.packages]]`: a Debian package of Sysbox.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SysboxPackage {
    /// The guest's architecture.
    pub arch: Arch,
    /// Where it is: an `https` URL, which the guest fetches; or a path on this machine from `/` or
    /// `~/`, or from `./` or `../`, relative to this file, which is copied into the guest.
    #[serde(deserialize_with = "rules::package_url")]
    #[schemars(regex(pattern = pattern::PACKAGE_URL))]
    pub url: String,
    /// The checksum of the package.
    pub sha256: Sha256,
}

impl Sysbox {
    /// Where the package for `arch` is (a URL, or a path as in [`SysboxPackage::url`]) and its
    /// checksum: what the file gives, else the project's own, where its checksum is known.
    pub fn package(&self, arch: Arch) -> Option<(String, Sha256)> {
        if let Some(package) = self.packages.iter().find(|package| package.arch == arch) {
            return Some((package.url.clone(), package.sha256.clone()));
        }
        if self.version != SysboxVersion::DEFAULT {
            return None;
        }
        let (_, checksum) = KNOWN.iter().find(|(known, _)| *known == arch)?;
        let (version, debian) = (&self.version, arch.debian());
        let url = format!(
            "https://downloads.nestybox.com/sysbox/releases/v{version}/sysbox-ce_{version}-0.linux_{debian}.deb"
        );
        Some((url, checksum.parse().ok()?))
    }
}
