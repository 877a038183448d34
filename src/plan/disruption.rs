//! How much a change disturbs what runs.

use std::cmp::Ordering;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::guest::Container;

/// How much of what runs a change disturbs, least first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
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
    /// All of them, least first.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::Reload,
        Self::SessionRefresh,
        Self::ContainerRecreation,
        Self::ContainerStop,
        Self::SysboxRestart,
        Self::DaemonRestart,
        Self::VmStop,
        Self::VmRestart,
        Self::Replace,
    ];

    /// What `count` changes with this disruption do, as a sentence for a summary. The containers that
    /// a plan stops or recreates are listed separately.
    pub fn sentence(self, count: usize) -> Option<String> {
        let (verb, object) = match self {
            Self::None | Self::ContainerRecreation | Self::ContainerStop => return None,
            Self::Reload => ("Reloads", "dockerd"),
            Self::SessionRefresh => ("Renews", "the SSH session"),
            Self::SysboxRestart => ("Restarts", "Sysbox"),
            Self::DaemonRestart => ("Restarts", "dockerd"),
            Self::VmStop => ("Stops", "the VM"),
            Self::VmRestart => ("Restarts", "the VM"),
            Self::Replace => ("Replaces", "the VM"),
        };
        match (count, object) {
            (0, _) => None,
            (1, _) => Some(format!("{verb} {object}")),
            (_, "the VM") => Some(format!("{verb} {count} VMs")),
            (_, "the SSH session") => Some(format!("{verb} {count} SSH sessions")),
            _ => Some(format!("{verb} {object} in {count} VMs")),
        }
    }

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

    /// Those of the stopped containers that `cai` starts again, in the order in which they were started.
    /// A container that Docker removes as soon as it stops cannot be started again.
    pub fn started_again(self, stops: Option<&[Container]>) -> Vec<&Container> {
        let is_restart =
            matches!(self, Self::SysboxRestart | Self::DaemonRestart | Self::VmRestart);
        let stops = stops.into_iter().flatten().filter(|it| is_restart && !it.auto_remove);
        let mut restarted: Vec<&Container> = stops.collect();
        restarted.sort_by(|one, other| by_start(one, other));
        restarted
    }
}

/// Orders containers by when they were started. Docker leaves out the zeros at the end of a fraction.
pub fn by_start(one: &Container, other: &Container) -> Ordering {
    let started = |it: &Container| it.started.trim_end_matches('Z').to_owned();
    started(one).cmp(&started(other))
}

/// What is done if a milder way has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// How much it disturbs.
    pub disruption: Disruption,
    /// The containers that it stops. `None` if they could not be listed.
    pub stops: Option<Vec<Container>>,
}

impl Fallback {
    /// The containers that it stops and starts again, in the order in which they were started.
    pub fn restarted(&self) -> Vec<&Container> {
        self.disruption.started_again(self.stops.as_deref())
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
