//! Planning is a pure function from observed facts to changes and steps.

mod account;
mod context;
mod group;
mod lima_install;
mod provision;
mod repository;
mod socket_client;
mod sysbox;
mod vm;
mod vm_yaml;

use containai::config::Config;
use containai::model::address::Kind;
use containai::plan::{Action, Change, Disruption, Plan, StepAction};
use containai::reconcile::graph::Graph;
use containai::resource::facts::Facts;
use libtest_mimic::Trial;

use crate::support::machine::{bend_guest, config, fresh, healthy, stop_dockerd};
use crate::support::trials;

pub fn trials() -> Vec<Trial> {
    let own = trials![
        a_machine_that_is_as_the_file_says_needs_nothing,
        a_fresh_machine_gets_everything_in_order,
        the_same_facts_give_the_same_plan,
    ];
    [
        own,
        account::trials(),
        context::trials(),
        group::trials(),
        lima_install::trials(),
        provision::trials(),
        repository::trials(),
        socket_client::trials(),
        sysbox::trials(),
        vm::trials(),
        vm_yaml::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn plan(config: &Config, facts: &Facts) -> Plan {
    Plan::new(&Graph::new(&[config]).unwrap(), std::slice::from_ref(facts))
}

/// The changes of a plan, as (kind, action).
fn effects(plan: &Plan) -> Vec<(Kind, Action)> {
    plan.effective().map(|change| (change.address.kind, change.action)).collect()
}

/// The change of a kind, preferably one with an effect.
fn change(plan: &Plan, kind: Kind) -> &Change {
    let of_kind = || plan.changes.iter().filter(|change| change.address.kind == kind);
    of_kind().find(|change| change.action != Action::NoOp).or_else(|| of_kind().next()).unwrap()
}

/// The steps of a change, as command lines.
fn steps(change: &Change) -> Vec<String> {
    let operation = |operation: &StepAction| match operation {
        StepAction::Run(command) | StepAction::Try(command) => command.to_string(),
        StepAction::RemoveFile(path) => format!("rm {}", path.display()),
        StepAction::Unpack(archive) => format!("unpack {}", archive.url),
        StepAction::WriteFile { path, .. } => format!("write {}", path.display()),
        StepAction::Await(wait) => format!("await {}", wait.until),
    };
    change.steps.iter().map(|step| operation(&step.operation)).collect()
}

/// The names of the containers that a change stops.
fn stops(change: &Change) -> Vec<&str> {
    change.stops.as_ref().unwrap().iter().map(|container| container.name.as_str()).collect()
}

fn reasons(change: &Change) -> String {
    change.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn a_machine_that_is_as_the_file_says_needs_nothing() {
    let config = config();
    let plan = plan(&config, &healthy(&config));
    assert!(plan.is_empty(), "{:?}", effects(&plan));
}

fn a_fresh_machine_gets_everything_in_order() {
    let config = config();
    let plan = plan(&config, &fresh(&config));
    assert_eq!(
        effects(&plan),
        [
            (Kind::VM, Action::Create),
            (Kind::PROVISION, Action::Create),
            (Kind::PROVISION, Action::Create),
            (Kind::GROUP_MEMBERSHIP, Action::Create),
            (Kind::RESTART, Action::Refresh),
            (Kind::SOCKET, Action::Create),
            (Kind::CONTEXT, Action::Create),
        ]
    );
    assert_eq!(plan.disrupting(Disruption::VmRestart), 0, "a new VM needs no restart");
    assert_eq!(
        steps(change(&plan, Kind::VM)),
        [
            "limactl --tty=false create --name=containai-secure -",
            "limactl --tty=false protect containai-secure",
            "limactl --tty=false start --timeout=1800s containai-secure",
        ]
    );
}

fn the_same_facts_give_the_same_plan() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, stop_dockerd);
    assert_eq!(plan(&config, &facts), plan(&config, &facts));
}
