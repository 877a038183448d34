//! The VM, from outside.

use super::{Case, Code, Finding, Severity};
use crate::host::Ping;
use crate::lima::{Agent, Status};
use crate::plan::Observation;
use crate::plan::Reason;
use crate::resource::facts::VmFacts;

/// Why the guest cannot be looked at, or the VM is not one that can be worked with.
pub(super) fn judge(case: &Case<'_>) -> Option<Finding> {
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
                .because(format!("Lima says that the VM is {word:?}, which cai does not know"))
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

/// The context leads to a socket that nobody serves.
fn with_consequences(case: &Case<'_>, finding: Finding) -> Finding {
    let socket = case.facts.docker_socket();
    if case.facts.socket.as_ref().is_some_and(Ping::answers) {
        return finding.so("the engine answers still, and Lima can neither stop nor start the VM");
    }
    let finding = finding.so(format!("nobody answers on {}", socket.display()));
    match &case.facts.context {
        Some(context) if context.host == format!("unix://{}", socket.display()) => {
            finding.so(format!("the Docker context {} leads nowhere", case.config.context.name))
        }
        _ => finding,
    }
}

fn absent(case: &Case<'_>) -> Option<Finding> {
    // The reason why it cannot be made is told already.
    if case.facts.long_socket_path().is_some() {
        return None;
    }
    let directory = case.facts.directory.display().to_string();
    let finding = Finding::new(Code::VmAbsent, case.vm())
        .saw("directory", directory)
        .because(format!("Lima has no VM of the name {}", case.name()))
        .repaired_by_all()
        .by_hand("cai setup");
    let finding = with_consequences(case, finding);
    Some(match case.facts.context {
        Some(_) => finding,
        None => finding.so(format!("there is no Docker context {} yet", case.config.context.name)),
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
        .because(format!("Lima says that the VM {name} is Broken: its machine or its agent ended"))
        .repaired_by_all()
        .by_hand(format!("limactl stop -f {name} && limactl start {name}"));
    with_consequences(case, finding)
}

/// The VM runs, and its guest does not answer.
fn silent(case: &Case<'_>, vm: &VmFacts) -> Option<Finding> {
    let Observation::Unobservable(reason) = &case.facts.guest else { return None };
    // That is why, and it is told already.
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
            .because(format!("Lima says that the VM {name} runs, and its guest does not answer"))
            .by_hand(format!("limactl stop -f {name} && limactl start {name}")),
    };
    Some(with_consequences(case, finding))
}

fn agent(case: &Case<'_>) -> &'static str {
    match case.facts.agent {
        Some(Agent::Starting) => "has not said that the start is over",
        Some(Agent::Started) => "said that the start is over",
        Some(Agent::Exiting) => "said that it ends",
        None => "left no events",
    }
}

fn still_starting(case: &Case<'_>, finding: Finding) -> Finding {
    finding
        .severity(Severity::Error)
        .saw("host_agent", agent(case))
        .because(format!(
            "the VM {} is still starting: Lima's host agent has not said that the start is over",
            case.name()
        ))
        .by_hand(format!(
            "wait, then run `cai doctor` again; if it never ends: limactl stop -f {}",
            case.name()
        ))
}

/// What is wrong inside of a VM that is still starting, which is no fault yet.
pub(super) fn starting(case: &Case<'_>, inside: &[Finding]) -> Finding {
    let finding = still_starting(case, Finding::new(Code::VmStarting, case.vm()));
    inside.iter().fold(finding, |finding, it| finding.so(it.cause.clone()))
}
