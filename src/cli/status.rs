//! `cai status`

use std::path::PathBuf;

use serde::Serialize;

use super::plan::Planned;
use super::{Global, Terminal, file};
use crate::address::{Address, Kind};
use crate::error::Error;
use crate::facts::Observation;
use crate::host::{Host, Ping};
use crate::lima::Status;
use crate::plan::{Action, FORMAT_VERSION};
use crate::report;

pub(super) fn run(host: &dyn Host, global: &Global, terminal: &mut Terminal) -> Result<(), Error> {
    let planned = Planned::new(host, file::load(host, global, terminal)?)?;
    let status = Document::new(&planned);
    if global.json {
        terminal.json(&status)?;
    } else {
        terminal.data(&format!("{}\n", report::printable(&status.in_a_line())))?;
    }
    if status.as_declared { Ok(()) } else { Err(Error::Differs) }
}

/// What `cai status --json` prints.
#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    file: &'a str,
    vm: Vm<'a>,
    engine: Engine<'a>,
    context: Context<'a>,
    /// Whether all is as the file says.
    as_declared: bool,
    /// The resources that are not.
    pending: Vec<&'a Address>,
}

#[derive(Serialize)]
struct Vm<'a> {
    name: &'a str,
    /// Lima's word, or `absent`, or `unknown`.
    status: String,
}

#[derive(Serialize)]
struct Engine<'a> {
    /// `answers`; `silent`, where it runs and the socket on this machine does not answer;
    /// `stopped`; `absent`; or `unknown`, where the guest could not be asked.
    status: &'static str,
    /// Where it is reached on this machine.
    socket: PathBuf,
    /// What came of asking; `null` where asking would have changed something, or there is no VM.
    ping: Option<&'a Ping>,
}

#[derive(Serialize)]
struct Context<'a> {
    name: &'a str,
    /// Where it leads; `null` where there is none.
    host: Option<&'a str>,
    as_declared: bool,
}

impl<'a> Document<'a> {
    fn new(planned: &'a Planned) -> Self {
        let Planned { file, facts, plan, .. } = planned;
        let ping = facts.socket.as_ref();
        let context = plan.changes.iter().filter(|change| change.address.kind == Kind::Context);
        Self {
            format_version: FORMAT_VERSION,
            file: &file.shown,
            vm: Vm {
                name: file.config.vm.name.as_str(),
                status: match &facts.vm {
                    Observation::Present(vm) => vm.status.to_string(),
                    Observation::Absent => "absent".into(),
                    Observation::Unobservable(_) => "unknown".into(),
                },
            },
            engine: Engine {
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
            context: Context {
                name: file.config.context.name.as_str(),
                host: facts.context.as_ref().map(|context| context.host.as_str()),
                as_declared: context.into_iter().all(|change| change.action == Action::NoOp),
            },
            as_declared: plan.is_empty(),
            pending: plan.effective().map(|change| &change.address).collect(),
        }
    }

    fn in_a_line(&self) -> String {
        let engine = match (self.engine.status, self.engine.ping) {
            ("silent", Some(ping)) => format!("engine silent (socket {ping})"),
            (status, _) => format!("engine {status}"),
        };
        let context = match (self.context.host, self.context.as_declared) {
            (None, _) => "no context".to_owned(),
            (Some(_), true) => format!("context {}", self.context.name),
            (Some(host), false) => format!("context {} leads to {host}", self.context.name),
        };
        let verdict = match self.pending.len() {
            0 => format!("as {} says", self.file),
            1 => format!("1 difference from {}: see `cai plan`", self.file),
            count => format!("{count} differences from {}: see `cai plan`", self.file),
        };
        let Vm { name, status } = &self.vm;
        format!("{name}: VM {status}, {engine}, {context}; {verdict}")
    }
}
