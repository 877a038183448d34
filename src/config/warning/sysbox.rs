//! Warnings about Sysbox and its packages.

use super::Warning;
use crate::config::Config;
use crate::model::{Arch, SysboxVersion};

impl Config {
    /// The known faults of Sysbox releases: nestybox/sysbox issues 973 (fixed in 0.7.0) and 998
    /// (fixed in 0.7.1), and the CVEs that Sysbox's own runc does not fix up to 0.6.7.
    pub(super) fn old_sysbox(&self) -> Option<Warning> {
        let version = &self.sysbox.version;
        let release = version.release();
        let fault = if release < SysboxVersion::DOCKER_INSIDE {
            "Docker inside a Sysbox container fails when that container brings runc 1.3.3 or later \
             (nestybox/sysbox#973), and the fixes for CVE-2025-31133, CVE-2025-52565 and \
             CVE-2025-52881 are missing"
        } else if release < SysboxVersion::DEFAULT {
            "a deadlock in sysbox-fs can stop every Sysbox container (nestybox/sysbox#998)"
        } else {
            return None;
        };
        let hint = format!("write version = \"{}\" under [sysbox]", SysboxVersion::DEFAULT);
        Some(Warning::new("sysbox.version", format!("Sysbox {version}: {fault}"), hint))
    }

    /// See Sysbox's user guide (security.md, "Directed userns ID mapping") and its issue 1007.
    pub(super) fn remapped_sysbox(&self) -> Option<Warning> {
        let remap = self.docker.daemon.get("userns-remap")?;
        (remap != "").then(|| {
            Warning::new(
                "docker.daemon.userns-remap",
                "`userns-remap` together with Sysbox is not tested by Sysbox's developers \
                 (nestybox/sysbox#1007): Sysbox then uses Docker's mapping of user IDs, and you must \
                 set the owners of bind-mounted files manually",
                "remove `userns-remap` from `[docker.daemon]`: Sysbox maps the user IDs of its \
                 containers itself",
            )
        })
    }

    /// The possible architectures of the VM: that of the file, or else those of its images.
    pub fn arches(&self) -> impl Iterator<Item = Arch> {
        let all = [Arch::X86_64, Arch::Aarch64];
        all.into_iter().filter(|arch| match self.vm.arch {
            Some(only) => only == *arch,
            None => self.vm.images.iter().any(|image| image.arch == Some(*arch)),
        })
    }

    pub(super) fn missing_package(&self, arch: Arch) -> Option<Warning> {
        let version = &self.sysbox.version;
        self.sysbox.package(arch).is_none().then(|| {
            Warning::new(
                self.origin.element("vm.images", "arch", arch.as_str(), "arch"),
                format!("the file has an image for {arch}, but no package of Sysbox {version}"),
                format!("add a [[sysbox.packages]] table with arch = \"{arch}\", url and sha256"),
            )
        })
    }
}
