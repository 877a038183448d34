//! How much a change disturbs what runs.

use std::fmt;

use serde::Serialize;

/// How much of what runs a change disturbs, least first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disruption {
    /// Nothing that runs notices.
    #[default]
    None,
    /// dockerd takes over its configuration while it runs.
    Reload,
    /// Lima's ssh connection is renewed. Containers and open shells live on.
    SessionRefresh,
    /// One container is made anew. Others live on.
    ContainerRecreation,
    /// The containers that need the deleted resource stop for good. Others keep running.
    ContainerStop,
    /// Sysbox's services restart. The containers that run with it stop, and no others.
    SysboxRestart,
    /// dockerd restarts. Its containers stop, unless live-restore is on.
    DaemonRestart,
    /// The VM stops, and every container in it with it.
    VmStop,
    /// The VM restarts, and every container in it stops.
    VmRestart,
    /// The VM is deleted and made anew: every container, image and volume in it is lost.
    Replace,
}

impl Disruption {
    /// Whether containers can stop by it.
    pub fn may_stop_containers(self) -> bool {
        self >= Self::ContainerRecreation
    }

    /// Whether the containers that it stops are started again.
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
