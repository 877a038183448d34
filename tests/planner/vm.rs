//! The VM: its states, its settings, and what cannot change.

use containai::address::Kind;
use containai::facts::{Facts, Observation};
use containai::guest::GuestFacts;
use containai::host::Ping;
use containai::lima::Status;
use containai::plan::{Action, Disruption, Reason};
use serde_json::Value;

use super::{change, effects, plan, reasons, steps};
use crate::support::machine::{bend_guest, bend_vm, config, healthy, put_down};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_stopped_vm_is_started_and_the_rest_looked_at_then,
        a_stale_socket_is_removed_before_the_vm_starts,
        a_broken_vm_is_ended_by_force_and_the_plan_says_what_stops,
        a_changed_setting_is_one_restart_with_one_edit,
        a_changed_setting_of_a_stopped_vm_needs_no_stop,
        a_size_written_otherwise_is_no_change,
        a_vm_edited_but_not_restarted_is_restarted,
        a_restart_for_settings_also_renews_the_session,
        an_image_cannot_change_and_a_disk_cannot_shrink,
        a_state_of_a_newer_lima_stops_the_plan,
        a_running_vm_whose_guest_is_silent_is_left_alone,
        keys_that_the_file_does_not_set_are_left_alone,
    ]
}

/// Lima's YAML has this value.
fn set(facts: &mut Facts, key: &str, value: impl Into<Value>) {
    bend_vm(facts, |vm| {
        vm.yaml.insert(key.to_owned(), value.into());
    });
}

fn a_stopped_vm_is_started_and_the_rest_looked_at_then() {
    let config = config();
    let mut facts = healthy(&config);
    put_down(&mut facts, Status::Stopped);
    let plan = plan(&config, &facts);
    assert_eq!(
        effects(&plan),
        [
            (Kind::Vm, Action::Update),
            (Kind::Provision, Action::Deferred),
            (Kind::GroupMembership, Action::Deferred),
            (Kind::Restart, Action::Deferred),
            (Kind::Socket, Action::Deferred),
        ]
    );
    let vm = change(&plan, Kind::Vm);
    assert_eq!(steps(vm), ["limactl --tty=false start --timeout=1800s containai-secure"]);
    assert_eq!((vm.disruption, vm.changed()), (Disruption::None, vec!["status".to_owned()]));
}

fn a_stale_socket_is_removed_before_the_vm_starts() {
    let config = config();
    let mut facts = healthy(&config);
    put_down(&mut facts, Status::Stopped);
    facts.socket = Some(Ping::Refused);
    let steps = steps(change(&plan(&config, &facts), Kind::Vm));
    assert_eq!(steps[0], "rm /home/dev/.lima/containai-secure/sock/docker.sock");
    assert!(steps[1].contains(" start "), "{steps:?}");
}

fn a_broken_vm_is_ended_by_force_and_the_plan_says_what_stops() {
    let config = config();
    let mut facts = healthy(&config);
    bend_vm(&mut facts, |vm| vm.status = Status::Broken);
    let plan = plan(&config, &facts);
    let vm = change(&plan, Kind::Vm);
    let steps = steps(vm);
    assert_eq!(steps[0], "limactl --tty=false stop -f containai-secure");
    assert!(steps.last().unwrap().contains(" start "), "{steps:?}");
    assert_eq!(vm.disruption, Disruption::VmRestart);
    assert_eq!(vm.stops[0].name, "agent-1");
    assert!(!steps.iter().any(|step| step.contains("delete")), "{steps:?}");
}

fn a_changed_setting_is_one_restart_with_one_edit() {
    let config = config();
    let mut facts = healthy(&config);
    bend_vm(&mut facts, |vm| {
        vm.yaml.insert("memory".into(), "2GiB".into());
        vm.yaml.remove("cpus");
    });
    let plan = plan(&config, &facts);
    let vm = change(&plan, Kind::Vm);
    assert_eq!(vm.changed(), ["cpus", "memory"]);
    assert_eq!(
        steps(vm),
        [
            "limactl --tty=false stop containai-secure",
            "limactl --tty=false edit containai-secure --set '.\"cpus\" = 4 | .\"memory\" = \"4GiB\"'",
            "limactl --tty=false start --timeout=1800s containai-secure",
        ]
    );
    assert_eq!(plan.disrupting(Disruption::VmRestart), 1);
    assert_eq!(vm.stops[0].name, "agent-1");
}

fn a_changed_setting_of_a_stopped_vm_needs_no_stop() {
    let config = config();
    let mut facts = healthy(&config);
    put_down(&mut facts, Status::Stopped);
    set(&mut facts, "cpus", 2);
    let plan = plan(&config, &facts);
    let vm = change(&plan, Kind::Vm);
    let steps = steps(vm);
    assert!(steps[0].contains(" edit ") && steps[1].contains(" start "), "{steps:?}");
    assert_eq!(vm.disruption, Disruption::None);
}

fn a_size_written_otherwise_is_no_change() {
    let config = config();
    let mut facts = healthy(&config);
    set(&mut facts, "memory", "4096MiB");
    assert!(plan(&config, &facts).is_empty());
}

fn a_vm_edited_but_not_restarted_is_restarted() {
    let config = config();
    for bend in [(|guest| guest.cpus = Some(2)) as fn(&mut GuestFacts), |guest| {
        guest.memory = Some(1_967 << 20);
    }] {
        let mut facts = healthy(&config);
        bend_guest(&mut facts, bend);
        let plan = plan(&config, &facts);
        let restart = change(&plan, Kind::Restart);
        assert_eq!(effects(&plan), [(Kind::Restart, Action::Refresh)]);
        assert_eq!(restart.disruption, Disruption::VmRestart, "{}", reasons(restart));
        assert_eq!(restart.stops[0].name, "agent-1");
    }
}

fn a_restart_for_settings_also_renews_the_session() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        guest.session_groups.remove("docker");
        guest.cpus = Some(2);
    });
    set(&mut facts, "cpus", 2);
    facts.socket = Some(Ping::Closed);
    let plan = plan(&config, &facts);
    assert_eq!(change(&plan, Kind::Vm).disruption, Disruption::VmRestart);
    assert_eq!(change(&plan, Kind::Restart).action, Action::NoOp);
    assert_eq!(plan.disrupting(Disruption::VmRestart), 1);
}

fn an_image_cannot_change_and_a_disk_cannot_shrink() {
    let config = config();
    for (key, value, problem) in [
        (
            "images",
            serde_json::json!([{"location": "/x"}]),
            "images cannot change on a VM that exists",
        ),
        ("disk", "100GiB".into(), "the disk cannot shrink from 100GiB to 50GiB"),
    ] {
        let mut facts = healthy(&config);
        set(&mut facts, key, value);
        let plan = plan(&config, &facts);
        let vm = change(&plan, Kind::Vm);
        assert_eq!(vm.problem.as_ref().unwrap().to_string(), problem);
        assert!(vm.steps.is_empty(), "steps for what cannot be done: {:?}", steps(vm));
    }
}

fn a_state_of_a_newer_lima_stops_the_plan() {
    let config = config();
    let mut facts = healthy(&config);
    put_down(&mut facts, Status::Other("Hibernated".into()));
    let plan = plan(&config, &facts);
    let problem = change(&plan, Kind::Vm).problem.as_ref().unwrap().to_string();
    assert!(problem.contains("Hibernated"), "{problem}");
}

fn a_running_vm_whose_guest_is_silent_is_left_alone() {
    let config = config();
    let mut facts = healthy(&config);
    facts.guest = Observation::Unobservable(Reason::GuestSilent("ssh: timed out".into()));
    facts.socket = None;
    let plan = plan(&config, &facts);
    assert_eq!(change(&plan, Kind::Vm).action, Action::NoOp);
    assert_eq!(change(&plan, Kind::Provision).action, Action::Deferred);
    assert!(reasons(change(&plan, Kind::Provision)).contains("ssh: timed out"));
}

fn keys_that_the_file_does_not_set_are_left_alone() {
    let config = config();
    let mut facts = healthy(&config);
    set(&mut facts, "nestedVirtualization", true);
    assert!(plan(&config, &facts).is_empty());
}
