//! Why the VM does not run or its guest does not answer, and how it differs from the file.

use serde_json::Value;

use crate::host::Ping;
use crate::lima::{Agent, LimaOverride, Status};
use crate::model::value::Known;
use crate::model::{listed, redact};
use crate::plan::{Action, Change, Code, Exposure, Finding, Observation, Reason, Repair, Severity};
use crate::resource::Case;
use crate::resource::facts::VmFacts;

use super::{MOUNTS, Places};

/// The longest value that is shown as evidence.
const SHORT: usize = 60;

/// Why the VM does not run, or its guest does not answer.
pub(in crate::resource) fn diagnose(case: &Case<'_>) -> Option<Finding> {
    let facts = case.facts;
    let vm = match &facts.vm {
        Observation::Absent => return absent(case),
        Observation::Present(vm) => vm,
        Observation::Unobservable(_) => return None,
    };
    match &vm.status {
        Status::Stopped if case.config.vm.running => Some(stopped(case, vm)),
        Status::Broken => Some(broken(case, vm)),
        Status::Other(word) => Some(
            seen(case, vm, Code::VmBroken)
                .because(format!("Lima reports the unknown state {word:?} for the VM"))
                .by_hand("see `limactl list`, then run `cai doctor` again"),
        ),
        Status::Running if case.config.vm.running => silent(case, vm),
        Status::Stopped | Status::Running => None,
    }
}

fn seen(case: &Case<'_>, vm: &VmFacts, code: Code) -> Finding {
    let ping = case.facts.socket.as_ref();
    let finding = Finding::new(code, case.vm()).saw("status", vm.status.to_string());
    match ping {
        Some(ping) => finding.saw("host_socket", ping.to_string()),
        None => finding,
    }
}

/// Nothing answers on the socket of the context.
fn with_consequences(case: &Case<'_>, finding: Finding) -> Finding {
    let socket = case.facts.docker_socket();
    if case.facts.socket.as_ref().is_some_and(Ping::answers) {
        return finding.so("the engine still answers, but Lima can neither stop nor start the VM");
    }
    let finding = finding.so(format!("nothing answers on {}", socket.display()));
    match &case.facts.context {
        Some(context) if context.host == format!("unix://{}", socket.display()) => {
            finding.so(format!("the Docker context {} does not work", case.config.context.name))
        }
        _ => finding,
    }
}

fn absent(case: &Case<'_>) -> Option<Finding> {
    // Another finding says why it cannot be created.
    if case.facts.long_socket_path().is_some() {
        return None;
    }
    let directory = case.facts.directory.display().to_string();
    let finding = Finding::new(Code::VmAbsent, case.vm())
        .saw("directory", directory)
        .because(format!("the VM {} does not exist", case.name()))
        .repaired_by_all()
        .by_hand("cai setup");
    let finding = with_consequences(case, finding);
    Some(match case.facts.context {
        Some(_) => finding,
        None => {
            finding.so(format!("the Docker context {} does not exist", case.config.context.name))
        }
    })
}

fn stopped(case: &Case<'_>, vm: &VmFacts) -> Finding {
    let finding = seen(case, vm, Code::VmStopped)
        .because(format!("the VM {} is stopped", case.name()))
        .repaired_by_all()
        .by_hand(format!("limactl start {}", case.name()));
    with_consequences(case, finding)
}

fn broken(case: &Case<'_>, vm: &VmFacts) -> Finding {
    let name = case.name();
    let answers = case.facts.guest.present().is_some();
    let finding = seen(case, vm, Code::VmBroken)
        .saw("guest_answers", answers)
        .because(format!(
            "Lima reports the VM {name} as Broken: its virtual machine or its host agent has exited"
        ))
        .repaired_by_all()
        .by_hand(format!("limactl stop -f {name} && limactl start {name}"));
    with_consequences(case, finding)
}

/// The VM runs, but its guest does not answer.
fn silent(case: &Case<'_>, vm: &VmFacts) -> Option<Finding> {
    let Observation::Unobservable(reason) = &case.facts.guest else { return None };
    // Another finding says that ssh is missing.
    case.facts.tools.ssh.as_ref()?;
    let words = match reason {
        Reason::GuestSilent(words) => words.clone(),
        other => other.to_string(),
    };
    let code = match case.facts.agent {
        Some(Agent::Starting) => Code::VmStarting,
        _ => Code::VmUnreachable,
    };
    let name = case.name();
    let finding = seen(case, vm, code).saw("ssh", words).saw("ssh_master", case.facts.master);
    let finding = match code {
        Code::VmStarting => still_starting(case, finding),
        _ => finding
            .saw("host_agent", agent(case))
            .because(format!(
                "Lima reports the VM {name} as running, but its guest does not answer"
            ))
            .by_hand(format!("limactl stop -f {name} && limactl start {name}")),
    };
    Some(with_consequences(case, finding))
}

fn agent(case: &Case<'_>) -> &'static str {
    match case.facts.agent {
        Some(Agent::Starting) => "has not reported that the VM has started",
        Some(Agent::Started) => "reported that the VM has started",
        Some(Agent::Exiting) => "reported that it exits",
        None => "wrote no events",
    }
}

fn still_starting(case: &Case<'_>, finding: Finding) -> Finding {
    finding
        .severity(Severity::Error)
        .saw("host_agent", agent(case))
        .because(format!(
            "the VM {} is still starting: Lima's host agent has not reported that it has started",
            case.name()
        ))
        .by_hand(format!(
            "wait, then run `cai doctor` again; if the VM never starts, run: limactl stop -f {}",
            case.name()
        ))
}

/// Faults inside a VM that is still starting may go away.
pub(in crate::resource) fn starting(case: &Case<'_>, inside: &[Finding]) -> Finding {
    let finding = still_starting(case, Finding::new(Code::VmStarting, case.vm()));
    inside.iter().fold(finding, |finding, it| finding.so(it.cause.clone()))
}

/// The path of its sockets is too long.
pub(in crate::resource) fn socket_path(case: &Case<'_>) -> Option<Finding> {
    let (path, length, limit) = case.facts.long_socket_path()?;
    if case.facts.socket.as_ref().is_some_and(Ping::answers) {
        return None;
    }
    let finding = Finding::new(Code::SocketPathTooLong, case.vm())
        .saw("path", path.display().to_string())
        .saw("bytes", length)
        .saw("limit", limit)
        .because(format!(
            "the longest path of the VM's sockets is {length} bytes long, but the limit is {limit}"
        ))
        .by_hand("choose a shorter `name` under [vm], or set LIMA_HOME to a shorter path");
    Some(match case.facts.vm {
        Observation::Absent => finding.so("Lima would refuse to create the VM"),
        _ => finding,
    })
}

/// What its writable mounts expose. The directory of the file is mounted by default, so the doctor would
/// always report it; `validate` and the plan do.
pub(in crate::resource) fn exposed(case: &Case<'_>) -> Option<Finding> {
    let vm = case.facts.vm.present()?;
    let places = Places { files: Vec::new(), ..Places::of(case.config, case.facts) };
    let exposed = places.exposed(vm.yaml.get(MOUNTS));
    let locations: Vec<&str> = exposed.iter().map(|it| it.location.as_str()).collect();
    let causes: Vec<String> = exposed.iter().map(ToString::to_string).collect();
    (!exposed.is_empty()).then(|| {
        Finding::new(Code::MountExposes, case.vm())
            .severity(Severity::Notice)
            .saw("mounts", locations)
            .because(causes.join("; "))
            .by_hand(Exposure::HINT)
    })
}

/// How it differs from the file.
pub(in crate::resource) fn drift(case: &Case<'_>) -> Option<Finding> {
    let change = case.effect(&case.vm()).filter(|change| change.action != Action::Deferred);
    let restart = case.effect(&case.restart());
    let runs = restart.into_iter().flat_map(|change| &change.reasons);
    let runs: Vec<&Reason> =
        runs.filter(|reason| matches!(reason, Reason::MachineDiffers { .. })).collect();
    if change.is_none() && runs.is_empty() {
        return None;
    }
    let mut finding = Finding::new(Code::VmDrift, change.map_or(case.restart(), |_| case.vm()))
        .severity(Severity::Warning)
        .repaired_by([case.vm(), case.restart(), case.socket()])
        .by_hand("cai apply");
    let names = change.map(Change::changed).unwrap_or_default();
    let mut causes: Vec<String> = runs.iter().map(ToString::to_string).collect();
    if let (Some(change), false) = (change, names.is_empty()) {
        let (before, after) = change.shown();
        for name in &names {
            let before = before.as_ref().and_then(|before| shown(name, before.get(name)));
            finding = finding.saw(name, pair(before, shown(name, after.get(name))));
        }
        causes.push(format!("the VM's settings differ from the file: {}", listed(&names)));
    }
    for reason in &runs {
        if let Reason::MachineDiffers { what, runs, configured } = reason {
            finding = finding.saw(what, pair(Some(runs.clone()), Some(configured.clone())));
        }
    }
    if change.is_some_and(|change| change.action == Action::Replace) {
        finding.repair = Repair::None;
        finding = finding.by_hand(format!("cai apply --allow-replace {}", case.name()));
    }
    Some(finding.because(causes.join("; ")))
}

/// The user's own files of Lima, which apply to every VM.
pub(in crate::resource) fn overridden(case: &Case<'_>) -> Option<Finding> {
    let changes = case.plan.changes.iter().filter(|change| change.address == case.vm());
    let reasons = changes.flat_map(|change| &change.reasons);
    let told = reasons.filter_map(|reason| match reason {
        Reason::Overridden(told) => Some((told, reason.to_string())),
        _ => None,
    });
    let (told, why): (Vec<&LimaOverride>, Vec<String>) = told.unzip();
    let file = &told.first()?.file;
    let keys: Vec<String> = told.iter().map(|told| told.key.clone()).collect();
    Some(
        Finding::new(Code::VmOverridden, case.vm())
            .severity(Severity::Notice)
            .saw("keys", keys)
            .because(why.join("; "))
            .by_hand(format!("if you do not want this, edit {file}; it applies to every VM")),
    )
}

/// A value as evidence. `cai plan` shows long ones.
fn shown(name: &str, value: Option<&Known<Value>>) -> Option<String> {
    let Known::Known(value) = value? else { return None };
    let text = match redact::value(name, value) {
        Value::String(text) => text,
        value => value.to_string(),
    };
    (text.len() <= SHORT).then_some(text)
}

fn pair(is: Option<String>, wanted: Option<String>) -> Value {
    match (is, wanted) {
        (Some(is), Some(wanted)) => format!("{is}, declared {wanted}").into(),
        _ => "see `cai plan`".into(),
    }
}
