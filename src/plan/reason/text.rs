//! The text of a reason, as a plan shows it.

use std::fmt;

use super::Reason;
use crate::lima::{GUEST_SOCKET, LimaOverride};
use crate::model::{in_a_line, listed};

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("does not exist"),
            Self::Differs(names) => write!(f, "differs in {}", listed(names)),
            Self::ForcesReplacement(names) => {
                write!(f, "{} cannot be changed in place", listed(names))
            }
            Self::NotMadeByCai => f.write_str("not created by cai"),
            Self::NoLongerDeclared => f.write_str("no longer in containai.toml"),
            Self::KeysNoLongerDeclared(keys) => {
                write!(f, "no longer in containai.toml: {}", listed(keys))
            }
            Self::MaySet(keys) => write!(f, "may also set {} (known after apply)", listed(keys)),
            Self::KeysReleased(keys) => write!(
                f,
                "no longer in containai.toml, but kept because cai did not set them or they changed \
                 since: {}",
                listed(keys)
            ),
            Self::NoRecord => f.write_str(
                "the VM has no record of earlier applies, so anything already deleted from the file is \
                 not removed",
            ),
            Self::AppliedFrom(file) => write!(
                f,
                "{} was applied to this VM last; anything that only that file declares will be removed",
                in_a_line(file)
            ),
            Self::OtherFile(file) => {
                write!(f, "another file was applied to this VM last: {}", in_a_line(file))
            }
            Self::FormerVm { name, contexts, disk } => {
                write!(f, "the VM {name} is no longer in the file, and cai does not delete it; ")?;
                if let Some(disk) = disk {
                    write!(f, "its Docker data is on the Lima disk {disk}; ")?;
                }
                write!(
                    f,
                    "to delete the VM and all its data, run: limactl unprotect {name} && \
                     limactl delete --force {name}"
                )?;
                contexts.iter().try_for_each(|it| write!(f, " && docker context rm {it}"))?;
                disk.iter().try_for_each(|it| write!(f, " && limactl disk delete {it}"))
            }
            Self::CopiesData(disk) => {
                write!(f, "Docker stops while its data is copied to the Lima disk {disk}")
            }
            Self::KeepsData(disk) => write!(
                f,
                "the data stays on the Lima disk {disk}; to delete it, run: limactl disk delete {disk}"
            ),
            Self::UsesDisk(disk) => {
                write!(f, "uses the existing Lima disk {disk} and its data")
            }
            Self::Note(why) => f.write_str(why),
            Self::Unwanted => f.write_str("to be destroyed"),
            Self::Overridden(LimaOverride { file, key, value }) => {
                let key = in_a_line(key);
                match value {
                    Some(value) => write!(f, "{file} sets {key} to {value} for every VM")?,
                    None => write!(f, "{file} affects {key} of every VM")?,
                }
                f.write_str("; cai does not change that")
            }
            Self::Exposes(exposure) => write!(f, "{exposure}"),
            Self::LimaWarns(warning) => write!(f, "Lima warns: {}", in_a_line(warning)),
            Self::OwnsSocket(user) => {
                write!(f, "{user} owns the Docker socket and does not need this group")
            }
            Self::OtherPackage { installed, source } => {
                write!(f, "the installed engine is {installed}, not {source}; cai does not replace it")
            }
            Self::NoDocker => f.write_str("the docker command, which uses the context, is not on PATH"),
            Self::LeftToLima(settings) => write!(f, "Lima's defaults: {}", listed(settings)),
            Self::VmIs(status) => f.write_str(&status.in_a_sentence()),
            Self::VmStarts => f.write_str("the VM is still starting"),
            Self::After(address) => write!(f, "known after {address}"),
            Self::GuestSilent(words) => write!(f, "the guest does not answer: {words}"),
            Self::DaemonSilent(words) => write!(f, "dockerd runs but does not answer: {words}"),
            Self::EngineSilent(words) => write!(f, "its engine does not answer: {words}"),
            Self::SocketClient { code, cause } => write!(f, "{code}: {cause}"),
            Self::SocketMissing => {
                write!(f, "the guest's Docker socket {GUEST_SOCKET} does not exist")
            }
            Self::NotMember { user, group, configured } => {
                write!(f, "{user} is not in group {group}")?;
                match configured.as_slice() {
                    [] => Ok(()),
                    groups => write!(f, " (groups: {})", listed(groups)),
                }
            }
            Self::SessionPredates { user, missing, .. } => write!(
                f,
                "{user} was added to {} after the current SSH session started",
                listed(missing)
            ),
            Self::SessionOutlives(groups) => {
                write!(f, "the current SSH session stays in group {} until it is renewed", listed(groups))
            }
            Self::SessionWillPredate(groups) => {
                write!(f, "the current SSH session will not be in group {}", listed(groups))
            }
            Self::DaemonPredates(keys) | Self::DaemonWillPredate(keys) => write!(f, "{keys}"),
            Self::BridgeKept => f.write_str(
                "dockerd keeps its bridge address while any container is running; bip takes effect the \
                 next time dockerd starts with no containers running",
            ),
            Self::MoreCpus { declared, host } => {
                write!(f, "the file gives the VM {declared} CPUs, but this machine has {host}")
            }
            Self::LeftStopped(names) => write!(
                f,
                "cai stopped {} and did not start {} again",
                listed(names),
                if names.len() == 1 { "it" } else { "them" }
            ),
            Self::Unfinished { package, status } => write!(
                f,
                "the installation of {package} is incomplete ({status}): it does not work, and apt \
                 fails until it is completed"
            ),
            Self::RefreshHadNoEffect => f.write_str("the renewed SSH session still lacks its groups"),
            Self::MachineDiffers { what, runs, configured } => {
                let what = if *what == "cpus" { "CPUs" } else { "of memory" };
                write!(f, "the VM runs with {runs} {what} instead of the configured {configured}")
            }
            Self::SocketExposed => f.write_str(
                "other users of this machine can open the host socket, which makes them root in the VM",
            ),
            Self::ForwardDead(ping) => {
                write!(f, "dockerd answers in the guest, but the host socket {ping}")
            }
        }
    }
}
