//! How much a change disturbs what runs.

use std::fmt;

use serde::Serialize;

/// How much of what runs a change disturbs, least first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disruption {
    /// Nothing.
    #[default]
    None,
    /// dockerd reloads its configuration while it runs.
    Reload,
    /// Lima's ssh connection is renewed. Containers and open shells keep running.
    SessionRefresh,
    /// One container is recreated. Others keep running.
    ContainerRecreation,
    /// The containers that need the deleted resource stop for good. Others keep running.
    ContainerStop,
    /// Sysbox's services restart. Only the containers that run with Sysbox stop.
    SysboxRestart,
    /// dockerd restarts. Its containers stop, unless live-restore is on.
    DaemonRestart,
    /// The VM stops, with every container in it.
    VmStop,
    /// The VM restarts, which stops every container in it.
    VmRestart,
    /// The VM is deleted and recreated: every container, image and volume in it is lost.
    Replace,
}

impl Disruption {
    /// What `cai` does, as a verb.
    pub fn verb(self) -> &'static str {
        match self {
            Self::None => "disturb nothing",
            Self::Reload => "reload dockerd",
            Self::SessionRefresh => "renew the SSH session",
            Self::ContainerRecreation => "recreate the container",
            Self::ContainerStop => "stop the containers",
            Self::SysboxRestart => "restart Sysbox",
            Self::DaemonRestart => "restart dockerd",
            Self::VmStop => "stop the VM",
            Self::VmRestart => "restart the VM",
            Self::Replace => "replace the VM",
        }
    }

    /// Whether containers can stop by it.
    pub fn may_stop_containers(self) -> bool {
        self >= Self::ContainerRecreation
    }

    /// Whether `cai` starts the stopped containers again.
    pub fn starts_again(self) -> bool {
        matches!(self, Self::SysboxRestart | Self::DaemonRestart | Self::VmRestart)
    }
}

impl fmt::Display for Disruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no disruption",
            Self::Reload => "dockerd reload",
            Self::SessionRefresh => "session refresh",
            Self::ContainerRecreation => "container recreation",
            Self::ContainerStop => "container stop",
            Self::SysboxRestart => "Sysbox restart",
            Self::DaemonRestart => "dockerd restart",
            Self::VmStop => "VM stop",
            Self::VmRestart => "VM restart",
            Self::Replace => "VM replacement",
        })
    }
}
