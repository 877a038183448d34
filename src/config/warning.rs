//! What a file says that is right, and still worth a word.

use super::types::Config;
use crate::model::daemon_key::DaemonKey;
use crate::model::{Arch, SysboxVersion, listed};

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
        warnings.extend(self.unknown_daemon_keys());
        if self.sysbox.enabled {
            warnings.extend(self.bridge_with_sysbox());
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

    /// A newer dockerd may know more keys than `cai` does.
    fn unknown_daemon_keys(&self) -> Option<Warning> {
        let keys = self.docker.daemon.keys();
        let unknown: Vec<&String> = keys.filter(|key| DaemonKey::find(key).is_none()).collect();
        (!unknown.is_empty()).then(|| {
            Warning::new(
                format!("keys of daemon.json that cai does not know: {}", listed(unknown)),
                "see the documentation of your version of dockerd, which does not start with a key \
                 that it does not know",
            )
        })
    }

    /// Its package adds `bip` where that is missing.
    fn bridge_with_sysbox(&self) -> Option<Warning> {
        let bridge = self.docker.daemon.get("bridge").and_then(serde_json::Value::as_str)?;
        (!bridge.is_empty()).then(|| {
            Warning::new(
                "`bridge` in daemon.json: the installer of Sysbox adds `bip` beside it, and dockerd \
                 does not start with both",
                "write enabled = false under [sysbox], or leave `bridge` out; where dockerd is down \
                 after the installation, `cai apply` removes that `bip`",
            )
        })
    }

    /// nestybox/sysbox issues 972 and 973; the changelog of 0.7.0 has the fix.
    fn old_sysbox(&self) -> Option<Warning> {
        let version = &self.sysbox.version;
        (version.release() < SysboxVersion::DEFAULT).then(|| {
            Warning::new(
                format!(
                    "Sysbox {version}: Docker inside a Sysbox container fails when that container \
                     brings runc 1.3.3 or later (nestybox/sysbox#973)"
                ),
                format!("write version = \"{}\" under [sysbox]", SysboxVersion::DEFAULT),
            )
        })
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
