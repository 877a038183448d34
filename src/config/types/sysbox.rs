use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{pattern, rules};
use crate::model::{Arch, Sha256, SysboxVersion};

/// The checksums of the packages that Nestybox publishes, newest first.
const KNOWN: [(&str, Arch, &str); 4] = [
    ("0.7.1", Arch::X86_64, "9d6d5484f980d0a17f86c492c1262015c2afb66280bdb97215b79fde6a0261c5"),
    ("0.7.1", Arch::Aarch64, "04ca894ae0b53f0fa54eaacc173ce40363c9a95ea5450f773716a84ef650a69b"),
    ("0.7.0", Arch::X86_64, "eeff273671467b8fa351ab3d40709759462dc03d9f7b50a1b207b37982ce40a9"),
    ("0.7.0", Arch::Aarch64, "eae9c0e91ddd39bd1826d6a7a313a73d42a8449ef5113e9d6d118b559cb809ba"),
];
/// The first release with a package on GitHub as well.
const ON_GITHUB: &str = "0.7.1";

/// `[sysbox]`: the runtime `sysbox-runc`, whose containers are close to virtual machines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sysbox {
    /// Whether Sysbox is installed in the VM. If `false`, it is removed if `cai` installed it.
    pub enabled: bool,
    /// The version. Versions other than 0.7.1 and 0.7.0 need `[[sysbox.packages]]`, because `cai`
    /// installs nothing as root that it cannot verify.
    pub version: SysboxVersion,
    /// Whether containers without an explicit runtime use Sysbox.
    pub default_runtime: bool,
    /// `[[sysbox.packages]]`: where the package comes from, at most one for each architecture.
    pub packages: Vec<SysboxPackage>,
}

/// Sysbox 0.7.1 is enabled, but is not the default runtime.
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
    /// Its location: an `https` URL that the guest downloads from; or a path on this machine that
    /// starts with `/` or `~/`, or with `./` or `../` (relative to this file). A local package is
    /// copied into the guest.
    #[serde(deserialize_with = "rules::package_url")]
    #[schemars(regex(pattern = pattern::PACKAGE_URL))]
    pub url: String,
    /// The checksum of the package.
    pub sha256: Sha256,
}

/// The URLs of a package, and its checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageSource {
    /// `https` URLs of the same file, tried in order; or one path as in [`SysboxPackage::url`].
    pub urls: Vec<String>,
    /// The checksum of the package.
    pub sha256: Sha256,
}

impl Sysbox {
    /// The package for `arch`: the one that the file names, or else Nestybox's own if its checksum
    /// is known.
    pub fn package(&self, arch: Arch) -> Option<PackageSource> {
        let known = self.known_package(arch);
        let Some(package) = self.named(arch) else { return known };
        // The entry that `cai pin` writes keeps the other addresses of the package.
        let is_known = |known: &PackageSource| {
            known.sha256 == package.sha256 && known.urls.contains(&package.url)
        };
        Some(known.filter(is_known).unwrap_or_else(|| PackageSource {
            urls: vec![package.url.clone()],
            sha256: package.sha256.clone(),
        }))
    }

    /// The entry that names Nestybox's package for `arch`, if the file has none and the checksum is known.
    pub fn unnamed_package(&self, arch: Arch) -> Option<SysboxPackage> {
        let known = self.known_package(arch).filter(|_| self.named(arch).is_none())?;
        Some(SysboxPackage { arch, url: known.urls.into_iter().next()?, sha256: known.sha256 })
    }

    /// The Sysbox release that this checksum belongs to, if it is not `version`.
    pub(in crate::config) fn other_release(&self, package: &SysboxPackage) -> Option<&'static str> {
        let sha256 = package.sha256.as_str();
        let (release, ..) = KNOWN.iter().find(|(.., checksum)| *checksum == sha256)?;
        let is_own = self.version.release().to_string() == *release;
        (!is_own).then_some(*release)
    }

    fn named(&self, arch: Arch) -> Option<&SysboxPackage> {
        self.packages.iter().find(|package| package.arch == arch)
    }

    /// Nestybox's package of the version, if its checksum is known.
    fn known_package(&self, arch: Arch) -> Option<PackageSource> {
        let (version, debian) = (self.version.to_string(), arch.debian());
        let (.., checksum) = KNOWN.iter().find(|known| (known.0, known.1) == (&version, arch))?;
        let mut urls = vec![format!(
            "https://downloads.nestybox.com/sysbox/releases/v{version}/sysbox-ce_{version}-0.linux_{debian}.deb"
        )];
        if version == ON_GITHUB {
            urls.push(format!(
                "https://github.com/nestybox/sysbox/releases/download/v{version}/sysbox-ce_{version}.linux_{debian}.deb"
            ));
        }
        Some(PackageSource { urls, sha256: checksum.parse().ok()? })
    }
}
