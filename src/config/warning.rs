//! What a file says that is right, and still worth a word.

use super::types::Config;
use crate::model::{Arch, SysboxVersion};

/// Something that is as the file says, and that its reader should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it is, and what comes of it, in one line.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Warning {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

impl Config {
    /// What is worth a word, in the order of the file's tables.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings: Vec<Warning> = self.forwarded_agent().into_iter().collect();
        if self.docker.daemon.contains_key("hosts") {
            warnings.push(Warning::new(
                "`hosts` in daemon.json: the unit of Docker's packages names its sockets too, and \
                 dockerd does not start when both do",
                "leave `hosts` out of `[docker.daemon]`, unless the image has a unit of its own",
            ));
        }
        if self.sysbox.enabled {
            warnings.extend(self.old_sysbox());
            warnings.extend(self.arches().filter_map(|arch| self.missing_package(arch)));
        }
        warnings
    }

    /// Whoever is root in the guest can use the agent as long as the connection lives.
    fn forwarded_agent(&self) -> Option<Warning> {
        let ssh = self.vm.lima.get("ssh")?;
        (ssh.get("forwardAgent") == Some(&true.into())).then(|| {
            Warning::new(
                "`ssh.forwardAgent`: root in the VM can log in with your ssh keys elsewhere",
                "leave `forwardAgent` out of `[vm.lima]`, unless the VM needs it",
            )
        })
    }

    /// What is known to be wrong with a release of Sysbox: nestybox/sysbox issues 973 (fixed in 0.7.0)
    /// and 998 (fixed in 0.7.1), and the CVEs that its own runc lacked the fixes for up to 0.6.7.
    fn old_sysbox(&self) -> Option<Warning> {
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
        Some(Warning::new(format!("Sysbox {version}: {fault}"), hint))
    }

    /// The architectures that the VM can have: the one the file says, else those of its images.
    pub(super) fn arches(&self) -> impl Iterator<Item = Arch> {
        let all = [Arch::X86_64, Arch::Aarch64];
        all.into_iter().filter(|arch| match self.vm.arch {
            Some(only) => only == *arch,
            None => self.vm.images.iter().any(|image| image.arch == Some(*arch)),
        })
    }

    fn missing_package(&self, arch: Arch) -> Option<Warning> {
        let version = &self.sysbox.version;
        self.sysbox.package(arch).is_none().then(|| {
            Warning::new(
                format!("there is no package of Sysbox {version} for {arch}, but an image"),
                format!("give its url and sha256 in [[sysbox.packages]] with arch = \"{arch}\""),
            )
        })
    }
}
