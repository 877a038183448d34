//! `cai status`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::file::{self, ConfigFile};
use super::plan::Planned;
use super::{Global, Terminal};
use crate::cli::error::Error;
use crate::host::{Host, Ping};
use crate::lima::Status;
use crate::model::address::{Address, Kind};
use crate::model::counted;
use crate::plan::{Action, Change, FORMAT_VERSION, Observation, Reason};
use crate::report;
use crate::resource::facts::Facts;

pub(super) fn run(host: &dyn Host, global: &Global, terminal: &mut Terminal) -> Result<(), Error> {
    let planned = Planned::new(host, file::load_all(host, global, terminal)?, &[], terminal)?;
    let machines = machines(&planned);
    if global.json {
        terminal.json(&StatusDocument { format_version: FORMAT_VERSION, machines })?;
    } else {
        let mark = terminal.mark();
        let lines = machines.iter().map(|machine| format!("{mark}{}", machine.in_a_line()));
        let mut lines: Vec<String> = lines.collect();
        let former = planned.facts.iter().flat_map(|facts| facts.former.reasons());
        let left = planned.facts.iter().filter_map(Facts::left_stopped);
        lines.extend(former.chain(left).map(|reason| reason.to_string()));
        let lines = lines.iter().map(|line| report::on_a_line(line) + "\n");
        terminal.paragraphs(&lines.collect::<String>())?;
    }
    if planned.plan.is_empty() { Ok(()) } else { Err(Error::Differs) }
}

/// The state of each file's machine.
fn machines(planned: &Planned) -> Vec<MachineStatus<'_>> {
    let (own, shared): (Vec<_>, Vec<_>) = planned.plan.by_file().partition(|changes| {
        planned.files.len() == 1 || changes.iter().any(|change| change.address.scope.is_some())
    });
    let files = planned.files.iter().zip(&planned.facts).zip(own);
    files
        .map(|((file, facts), own)| {
            let changes: Vec<&Change> = shared.iter().copied().flatten().chain(own).collect();
            MachineStatus::new(file, facts, &changes)
        })
        .collect()
}

/// The states of the files' machines, as `cai status --json` prints them.
#[derive(Serialize, JsonSchema)]
pub(super) struct StatusDocument<'a> {
    format_version: u32,
    /// One entry per file.
    machines: Vec<MachineStatus<'a>>,
}

/// The state of one file's machine.
#[derive(Serialize, JsonSchema)]
struct MachineStatus<'a> {
    file: &'a str,
    vm: VmStatus<'a>,
    engine: EngineStatus<'a>,
    context: ContextStatus<'a>,
    /// The containers that cai stopped for maintenance and did not start again.
    stopped_containers: Vec<&'a str>,
    /// Earlier VMs of the file.
    former_vms: Vec<&'a str>,
    /// Whether the machine matches the file.
    as_declared: bool,
    /// The resources that differ.
    pending: Vec<&'a Address>,
    /// The resources that cannot be compared, for example because the VM is stopped.
    unknown: Vec<&'a Address>,
    /// Why they cannot be compared.
    #[serde(skip)]
    why_unknown: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct VmStatus<'a> {
    name: &'a str,
    /// Lima's status, `absent`, or `unknown`.
    status: String,
}

impl<'a> VmStatus<'a> {
    /// The VM of a file. Without facts, its status is unknown.
    pub(super) fn new(file: &'a ConfigFile, facts: Option<&Facts>) -> Self {
        let status = match facts.map(|facts| &facts.vm) {
            Some(Observation::Present(vm)) => vm.status.to_string(),
            Some(Observation::Absent) => "absent".into(),
            Some(Observation::Unobservable(_)) | None => "unknown".into(),
        };
        Self { name: file.config.vm.name.as_str(), status }
    }
}

#[derive(Serialize, JsonSchema)]
struct EngineStatus<'a> {
    /// `answers`; `silent` if it runs but the socket on this machine does not answer; `stopped`;
    /// `absent`; or `unknown` if the guest could not be asked.
    status: &'static str,
    /// The path of its socket on this machine.
    socket: PathBuf,
    /// The result of a ping; `null` if a ping would change something or the VM does not exist.
    ping: Option<&'a Ping>,
}

#[derive(Serialize, JsonSchema)]
struct ContextStatus<'a> {
    name: &'a str,
    /// Its endpoint; `null` if the context does not exist.
    host: Option<&'a str>,
    as_declared: bool,
}

impl<'a> MachineStatus<'a> {
    fn new(file: &'a ConfigFile, facts: &'a Facts, changes: &[&'a Change]) -> Self {
        let ping = facts.socket.as_ref();
        let stopped = facts.guest.present().into_iter().flat_map(|guest| &guest.stopped_by_cai);
        let mut context = changes.iter().filter(|change| change.address.kind == Kind::CONTEXT);
        let due = changes.iter().copied().filter(|change| !change.is_without_effect());
        let (unknown, pending): (Vec<&Change>, Vec<&Change>) =
            due.partition(|change| change.action == Action::Deferred);
        let of_guest =
            |reason: &&Reason| matches!(reason, Reason::VmIs(_) | Reason::GuestSilent(_));
        let why = unknown.iter().flat_map(|change| &change.reasons).find(of_guest);
        Self {
            file: &file.shown,
            vm: VmStatus::new(file, Some(facts)),
            engine: EngineStatus {
                status: match (&facts.guest, ping) {
                    (Observation::Absent, _) => "absent",
                    (_, Some(ping)) if ping.answers() => "answers",
                    (Observation::Present(_), Some(_)) => "silent",
                    (Observation::Present(_), None) => "stopped",
                    (Observation::Unobservable(_), _) => match facts.vm.present() {
                        Some(vm) if vm.status == Status::Stopped => "stopped",
                        _ => "unknown",
                    },
                },
                socket: facts.docker_socket(),
                ping,
            },
            context: ContextStatus {
                name: file.config.context.name.as_str(),
                host: facts.context.as_ref().map(|context| context.host.as_str()),
                as_declared: context.all(|change| change.is_without_effect()),
            },
            stopped_containers: stopped.map(|container| container.name.as_str()).collect(),
            former_vms: facts.former.vms.keys().map(String::as_str).collect(),
            as_declared: pending.is_empty() && unknown.is_empty(),
            why_unknown: why.map(ToString::to_string),
            pending: pending.into_iter().map(|change| &change.address).collect(),
            unknown: unknown.into_iter().map(|change| &change.address).collect(),
        }
    }

    fn in_a_line(&self) -> String {
        let engine = match (self.engine.status, self.engine.ping) {
            ("silent", Some(ping)) => format!("engine not answering (host socket {ping})"),
            (status, _) => format!("engine {status}"),
        };
        let context = match (self.context.host, self.context.as_declared) {
            (None, _) => "context does not exist".to_owned(),
            (Some(_), true) => format!("context {}", self.context.name),
            (Some(host), false) => format!("context {} has the endpoint {host}", self.context.name),
        };
        let VmStatus { name, status } = &self.vm;
        format!("{name}: VM {status}, {engine}, {context}; {}", self.verdict())
    }

    /// The differences and, separately, the resources that cannot be compared.
    fn verdict(&self) -> String {
        let mut parts = Vec::new();
        match self.pending.len() {
            0 => {}
            1 => parts.push(format!("1 difference from {}", self.file)),
            count => parts.push(format!("{count} differences from {}", self.file)),
        }
        if !self.unknown.is_empty() {
            let count = counted(self.unknown.len(), "resource");
            let why = self.why_unknown.as_deref().unwrap_or("known after apply");
            parts.push(format!("{count} cannot be compared with {}: {why}", self.file));
        }
        if parts.is_empty() {
            return format!("matches {}", self.file);
        }
        format!("{}; see `cai plan`", parts.join("; "))
    }
}
