//! The state of Docker in the guest.

use serde::Serialize;
use serde_json::{Map, Value};

use super::ProvisionDocker;
use crate::config::Config;
use crate::guest::{DOCKER_GROUP, DOCKER_SERVICE, GuestFacts, GuestSocket, provisioning};
use crate::model::DockerVersion;

/// The state of Docker.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct State {
    pub(super) dockerd: &'static str,
    #[serde(rename = "docker.service")]
    pub(super) service: String,
    pub(super) at_boot: String,
    pub(super) boot_script: String,
    pub(super) answers_root: bool,
    pub(super) socket_group: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// Who may connect to the socket, if that is everyone or only its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) socket_access: Option<&'static str>,
    #[serde(flatten)]
    pub(super) repository: Map<String, Value>,
}

impl ProvisionDocker {
    pub(super) fn desired(&self) -> State {
        State {
            dockerd: "installed",
            service: "active".into(),
            at_boot: "enabled".into(),
            boot_script: "succeeded".into(),
            answers_root: true,
            socket_group: DOCKER_GROUP.into(),
            version: self.version.clone(),
            socket_access: None,
            repository: self.repository.declared(),
        }
    }

    pub(super) fn actual(&self, guest: &GuestFacts) -> State {
        let unit = guest.units.get(DOCKER_SERVICE).cloned().unwrap_or_default();
        // Units without an [Install] section, or an alias, say "static" and "alias"; they do start.
        let at_boot = match unit.enabled.as_str() {
            "disabled" | "masked" | "" => unit.enabled,
            _ => "enabled".into(),
        };
        let boot_script = match &guest.provision_failed {
            Some(status) => format!("failed with exit status {status}"),
            None => "succeeded".into(),
        };
        // Without the group, or without the socket, there is nothing to give.
        let socket_group = match &guest.socket {
            Some(socket) if guest.groups.contains_key(DOCKER_GROUP) => socket.group.as_str(),
            _ => DOCKER_GROUP,
        };
        let package = provisioning::package(self.source);
        let installed = package.and_then(|name| guest.packages.get(name));
        // Docker's own packages have an epoch before the version, and the distribution behind it.
        let shown = |wanted: &String| match installed {
            Some(installed) if is_version(installed, wanted) => Some(wanted.clone()),
            installed => installed.cloned(),
        };
        State {
            dockerd: if guest.dockerd_installed { "installed" } else { "missing" },
            service: unit.active,
            at_boot,
            boot_script,
            answers_root: guest.docker_answers(),
            socket_group: socket_group.into(),
            version: self.version.as_ref().and_then(shown),
            socket_access: guest.socket.as_ref().and_then(access),
            repository: Map::new(),
        }
    }
}

impl ProvisionDocker {
    /// The release of the package in the guest, if it is the one that the file asks for.
    pub fn release(config: &Config, guest: &GuestFacts) -> Option<DockerVersion> {
        let installed = guest.packages.get(provisioning::package(config.docker.source)?)?;
        wanted_release(installed, config.docker.version.as_ref())
    }
}

/// The release of a package. `None` if the file asks for another version.
fn wanted_release(installed: &str, wanted: Option<&DockerVersion>) -> Option<DockerVersion> {
    let is_wanted = wanted.is_none_or(|wanted| is_version(installed, wanted.as_str()));
    DockerVersion::of_package(installed).filter(|_| is_wanted)
}

/// Who may connect to the socket, where it is not its group.
fn access(socket: &GuestSocket) -> Option<&'static str> {
    match (socket.is_open(), socket.is_closed()) {
        (true, _) => Some("everybody"),
        (false, true) => Some("its owner"),
        (false, false) => None,
    }
}

/// Whether a package's version is what the file says: all of it, or its first numbers. There may be
/// an epoch before it, and the distribution's own words behind; behind a revision, only a suffix.
/// `packages.sh` chooses by the same rule.
fn is_version(installed: &str, wanted: &str) -> bool {
    let upstream = installed.split_once(':').map_or(installed, |(_, rest)| rest);
    let rest = upstream.strip_prefix(wanted).or_else(|| installed.strip_prefix(wanted));
    rest.is_some_and(|rest| match rest.chars().next() {
        None | Some('~' | '+') => true,
        Some(next) => !next.is_ascii_alphanumeric() && !wanted.contains('-'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_release_is_pinned_only_if_the_file_asks_for_it() {
        let installed = "5:29.5.2-1~ubuntu.24.04~noble";
        for (wanted, release) in [
            (None, Some("29.5.2")),
            (Some("29"), Some("29.5.2")),
            (Some("29.5"), Some("29.5.2")),
            (Some("28"), None),
            (Some("29.4"), None),
        ] {
            let declared = wanted.map(|version| version.parse::<DockerVersion>().unwrap());
            let found = wanted_release(installed, declared.as_ref());
            assert_eq!(found.as_ref().map(DockerVersion::as_str), release, "{wanted:?}");
        }
    }
}
