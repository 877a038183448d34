//! The VM: its states, its settings, and the settings that cannot change.

use containai::config::Config;
use containai::guest::GuestFacts;
use containai::host::Ping;
use containai::lima::{Agent, Status};
use containai::model::address::Kind;
use containai::model::value::Known;
use containai::plan::Observation;
use containai::plan::{Action, Disruption, Reason, Unshown};
use containai::resource::facts::Facts;
use serde_json::{Value, json};

use super::{change, effects, plan, reasons, steps, stops};
use crate::support::machine::{bend_guest, bend_vm, config, config_with, healthy, put_down};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        more_processors_than_the_host_has_are_told_and_no_reason_to_change_anything,
        a_stopped_vm_is_started_and_the_rest_looked_at_then,
        a_stale_socket_is_removed_before_the_vm_starts,
        a_broken_vm_is_ended_by_force_and_the_plan_says_what_stops,
        a_changed_setting_is_one_restart_with_one_edit,
        what_lima_gives_anyway_is_no_reason_to_restart,
        what_lima_took_by_itself_is_no_reason_to_replace_the_vm,
        a_changed_setting_of_a_stopped_vm_needs_no_stop,
        a_size_written_otherwise_is_no_change,
        a_vm_edited_but_not_restarted_is_restarted,
        a_restart_for_settings_also_renews_the_session,
        images_for_other_machines_are_no_matter,
        what_a_file_leaves_out_is_no_matter_for_a_vm_that_exists,
        an_older_script_of_our_own_is_no_reason_for_a_restart,
        a_user_override_of_all_instances_is_no_difference,
        a_rejected_edit_does_not_leave_the_vm_down,
        a_vm_that_is_not_to_run_is_stopped_and_its_inside_left_alone,
        protection_is_put_on_and_taken_off_without_a_restart,
        a_disk_cannot_shrink,
        another_image_is_a_replacement_and_all_in_the_vm_is_made_anew,
        a_protected_vm_is_unprotected_before_it_is_replaced,
        a_broken_vm_is_ended_by_force_before_it_is_replaced,
        a_state_of_a_newer_lima_stops_the_plan,
        a_running_vm_whose_guest_is_silent_is_left_alone,
        a_start_that_is_under_way_is_waited_for,
        keys_that_the_file_does_not_set_are_left_alone,
    ]
}

/// Sets a value in Lima's YAML.
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
            (Kind::VM, Action::Update),
            (Kind::PROVISION, Action::Deferred),
            (Kind::PROVISION, Action::Deferred),
            (Kind::GROUP_MEMBERSHIP, Action::Deferred),
            (Kind::RESTART, Action::Deferred),
            (Kind::SOCKET, Action::Deferred),
        ]
    );
    let vm = change(&plan, Kind::VM);
    assert_eq!(steps(vm), ["limactl --tty=false start --timeout=1800s containai-secure"]);
    assert_eq!((vm.disruption, vm.changed()), (Disruption::None, vec!["status".to_owned()]));
}

fn a_stale_socket_is_removed_before_the_vm_starts() {
    let config = config();
    let mut facts = healthy(&config);
    put_down(&mut facts, Status::Stopped);
    facts.socket = Some(Ping::Refused);
    let steps = steps(change(&plan(&config, &facts), Kind::VM));
    assert_eq!(steps[0], "rm /home/dev/.lima/containai-secure/sock/docker.sock");
    assert!(steps[1].contains(" start "), "{steps:?}");
}

const REMEMBER: &str = "ssh -F /home/dev/.lima/containai-secure/ssh.config lima-containai-secure 'sudo -n sh -s -- remember-containers'";
const START: &str = "ssh -F /home/dev/.lima/containai-secure/ssh.config lima-containai-secure 'sudo -n sh -s -- start-containers'";

fn a_broken_vm_is_ended_by_force_and_the_plan_says_what_stops() {
    let config = config();
    let mut facts = healthy(&config);
    bend_vm(&mut facts, |vm| vm.status = Status::Broken);
    let plan = plan(&config, &facts);
    let vm = change(&plan, Kind::VM);
    let steps = steps(vm);
    assert!(steps[0].contains("remember-containers"), "{steps:?}");
    assert!(steps[1].ends_with("'sudo -n sync'"), "{steps:?}");
    assert_eq!(steps[2], "limactl --tty=false stop -f containai-secure");
    assert!(steps[4].contains(" start ") && steps[5].contains("start-containers"), "{steps:?}");
    assert_eq!(vm.disruption, Disruption::VmRestart);
    assert_eq!(stops(vm), ["agent-1"]);
    assert!(!steps.iter().any(|step| step.contains("delete")), "{steps:?}");
}

fn what_lima_gives_anyway_is_no_reason_to_restart() {
    let config = config();
    let mut facts = healthy(&config);
    bend_vm(&mut facts, |vm| {
        for key in ["cpus", "memory", "disk"] {
            vm.yaml.remove(key);
        }
    });
    assert!(plan(&config, &facts).is_empty());
}

/// As with a VM that was created before the file declared the setting.
fn what_lima_took_by_itself_is_no_reason_to_replace_the_vm() {
    let file = "version = 1\n[vm]\ntype = \"qemu\"\narch = \"x86_64\"\nrosetta = false\n\
                [docker]\nsource = \"preinstalled\"\n[sysbox]\nenabled = false\n";
    let config = containai::config::parse(file).unwrap();
    let mut facts = healthy(&config);
    for key in ["vmType", "arch", "rosetta"] {
        bend_vm(&mut facts, |vm| drop(vm.yaml.remove(key)));
    }
    assert!(plan(&config, &facts).is_empty(), "{:?}", effects(&plan(&config, &facts)));
    bend_vm(&mut facts, |vm| vm.vm_type = Some("vz".into()));
    let plan = plan(&config, &facts);
    let change = change(&plan, Kind::VM);
    assert_eq!(change.action, Action::Replace);
    assert_eq!(change.before.as_ref().unwrap().text("vmType"), Some("vz"));
}

fn a_changed_setting_is_one_restart_with_one_edit() {
    let config = config();
    let mut facts = healthy(&config);
    bend_vm(&mut facts, |vm| {
        vm.yaml.insert("memory".into(), "2GiB".into());
        vm.yaml.remove("cpus");
        vm.cpus = Some(2);
    });
    let plan = plan(&config, &facts);
    let vm = change(&plan, Kind::VM);
    assert_eq!(vm.changed(), ["cpus", "memory"]);
    // Lima's default if the YAML does not set it.
    assert_eq!(vm.before.as_ref().unwrap().get("cpus"), Some(&Known::Known(2.into())));
    assert_eq!(
        steps(vm),
        [
            REMEMBER,
            "limactl --tty=false stop containai-secure",
            "limactl --tty=false edit containai-secure --set '.\"cpus\" = 4 | .\"memory\" = \"4GiB\"'",
            "limactl --tty=false start --timeout=1800s containai-secure",
            START,
        ]
    );
    assert_eq!(plan.disrupting(Disruption::VmRestart), 1);
    assert_eq!(stops(vm), ["agent-1"]);
}

fn a_changed_setting_of_a_stopped_vm_needs_no_stop() {
    let config = config();
    let mut facts = healthy(&config);
    put_down(&mut facts, Status::Stopped);
    set(&mut facts, "cpus", 2);
    let plan = plan(&config, &facts);
    let vm = change(&plan, Kind::VM);
    let steps = steps(vm);
    assert!(steps[0].contains(" edit ") && steps[1].contains(" start "), "{steps:?}");
    assert_eq!(vm.disruption, Disruption::None);
}

fn a_size_written_otherwise_is_no_change() {
    let config = config();
    let mut facts = healthy(&config);
    for same in [json!("4096MiB"), json!("4GB"), json!("4g"), json!(4_u64 << 30)] {
        set(&mut facts, "memory", same.clone());
        assert!(plan(&config, &facts).is_empty(), "{same}");
    }
    for other in [json!("4000MiB"), json!("4TB"), json!("4 apples")] {
        set(&mut facts, "memory", other.clone());
        assert!(!plan(&config, &facts).is_empty(), "{other}");
    }
}

fn a_vm_edited_but_not_restarted_is_restarted() {
    let config = config();
    for bend in [(|guest| guest.cpus = Some(2)) as fn(&mut GuestFacts), |guest| {
        guest.memory = Some(1_967 << 20);
    }] {
        let mut facts = healthy(&config);
        bend_guest(&mut facts, bend);
        let plan = plan(&config, &facts);
        let restart = change(&plan, Kind::RESTART);
        assert_eq!(effects(&plan), [(Kind::RESTART, Action::Refresh)]);
        assert_eq!(restart.disruption, Disruption::VmRestart, "{}", reasons(restart));
        assert_eq!(stops(restart), ["agent-1"]);
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
    assert_eq!(change(&plan, Kind::VM).disruption, Disruption::VmRestart);
    assert_eq!(change(&plan, Kind::RESTART).action, Action::NoOp);
    assert_eq!(plan.disrupting(Disruption::VmRestart), 1);
}

/// A file that declares its images.
fn with_images() -> Config {
    config_with(
        "[[vm.images]]\narch = \"x86_64\"\nlocation = \"/images/a.qcow2\"\n\
         [[vm.images]]\narch = \"aarch64\"\nlocation = \"/images/b.qcow2\"\n",
    )
}

fn a_disk_cannot_shrink() {
    let config = with_images();
    // If its YAML does not set a size, Lima compares with its default.
    for there in [Some("100GiB"), None] {
        let mut facts = healthy(&config);
        bend_vm(&mut facts, |vm| {
            vm.disk = Some(100 << 30);
            vm.yaml.remove("disk");
            vm.yaml.extend(there.map(|size| ("disk".to_owned(), size.into())));
        });
        let plan = plan(&config, &facts);
        let vm = change(&plan, Kind::VM);
        let problem = vm.problem.as_ref().unwrap().to_string();
        assert_eq!(problem, "the disk cannot shrink from 100GiB to 50GiB");
        assert!(vm.steps.is_empty(), "steps for an impossible change: {:?}", steps(vm));
    }
}

fn another_image_is_a_replacement_and_all_in_the_vm_is_made_anew() {
    let config = with_images();
    let mut facts = healthy(&config);
    set(&mut facts, "images", json!([{"location": "/x"}]));
    set(&mut facts, "memory", "2GiB");
    // The disk of a new VM can be smaller.
    set(&mut facts, "disk", "100GiB");
    let plan = plan(&config, &facts);
    let vm = change(&plan, Kind::VM);
    assert_eq!((vm.action, vm.disruption), (Action::Replace, Disruption::Replace));
    assert_eq!(vm.reasons, [Reason::ForcesReplacement(vec!["images".into()])]);
    assert_eq!(stops(vm), ["agent-1"]);
    assert_eq!(
        steps(vm),
        [
            "limactl --tty=false stop containai-secure",
            "limactl --tty=false unprotect containai-secure",
            "limactl --tty=false delete containai-secure",
            "limactl --tty=false create --name=containai-secure -",
            "limactl --tty=false protect containai-secure",
            "limactl --tty=false start --timeout=1800s containai-secure",
        ]
    );
    assert_eq!(
        effects(&plan),
        [
            (Kind::VM, Action::Replace),
            (Kind::PROVISION, Action::Create),
            (Kind::PROVISION, Action::Create),
            (Kind::GROUP_MEMBERSHIP, Action::Create),
            (Kind::RESTART, Action::Refresh),
            (Kind::SOCKET, Action::Create),
        ]
    );
    let mut milder = vm.clone();
    milder.disruption = Disruption::VmRestart;
    let unshown = Some(Unshown::Disruption(Disruption::Replace));
    assert_eq!(milder.lacks(vm, false), unshown, "a plan that showed only a restart");
}

fn a_protected_vm_is_unprotected_before_it_is_replaced() {
    let config = with_images();
    let mut facts = healthy(&config);
    put_down(&mut facts, Status::Stopped);
    set(&mut facts, "images", json!([{"location": "/x"}]));
    bend_vm(&mut facts, |vm| {
        vm.protected = true;
        vm.managed = false;
    });
    let plan = plan(&config, &facts);
    let vm = change(&plan, Kind::VM);
    assert!(vm.reasons.contains(&Reason::NotMadeByCai), "{}", reasons(vm));
    assert_eq!(
        steps(vm)[..2],
        [
            "limactl --tty=false unprotect containai-secure",
            "limactl --tty=false delete containai-secure",
        ]
    );
}

fn a_broken_vm_is_ended_by_force_before_it_is_replaced() {
    let config = with_images();
    let mut facts = healthy(&config);
    set(&mut facts, "images", json!([{"location": "/x"}]));
    bend_vm(&mut facts, |vm| vm.status = Status::Broken);
    let steps = steps(change(&plan(&config, &facts), Kind::VM));
    assert_eq!(steps[0], "limactl --tty=false stop -f containai-secure");
    assert_eq!(steps[2], "limactl --tty=false delete containai-secure");
}

fn images_for_other_machines_are_no_matter() {
    let config = with_images();
    let mut facts = healthy(&config);
    set(&mut facts, "images", json!([{"location": "/images/a.qcow2", "arch": "x86_64"}]));
    assert!(plan(&config, &facts).is_empty());
}

fn what_a_file_leaves_out_is_no_matter_for_a_vm_that_exists() {
    let config = config();
    let mut facts = healthy(&config);
    set(&mut facts, "images", json!([{"location": "/made/by/hand.qcow2"}]));
    set(&mut facts, "mounts", json!([]));
    assert!(plan(&config, &facts).is_empty());
}

fn an_older_script_of_our_own_is_no_reason_for_a_restart() {
    let config = config();
    let mut facts = healthy(&config);
    let older = json!([{"mode": "system", "script": "#!/bin/sh\n# Written by cai, once.\n"}]);
    set(&mut facts, "provision", older);
    assert!(plan(&config, &facts).is_empty(), "a running VM");
    put_down(&mut facts, Status::Stopped);
    let stopped = plan(&config, &facts);
    assert_eq!(change(&stopped, Kind::VM).changed(), ["provision", "status"], "one that is down");
    let mut facts = healthy(&config);
    set(
        &mut facts,
        "provision",
        json!([{"mode": "system", "script": "# Written by cai, once.\n"}]),
    );
    set(&mut facts, "cpus", 2);
    let edited = plan(&config, &facts);
    assert_eq!(change(&edited, Kind::VM).changed(), ["cpus", "provision"], "one that goes down");
    let mut facts = healthy(&config);
    set(&mut facts, "provision", json!([{"mode": "system", "script": "curl x | sh"}]));
    let foreign = plan(&config, &facts);
    assert_eq!(change(&foreign, Kind::VM).changed(), ["provision"], "someone else's entry");
}

fn a_user_override_of_all_instances_is_no_difference() {
    let config = config();
    let mut facts = healthy(&config);
    // Lima's merged configuration says 2, though this VM's own YAML says 4.
    bend_vm(&mut facts, |vm| vm.cpus = Some(2));
    bend_guest(&mut facts, |guest| guest.cpus = Some(2));
    assert!(plan(&config, &facts).is_empty());
}

fn a_rejected_edit_does_not_leave_the_vm_down() {
    let config = config();
    let mut facts = healthy(&config);
    set(&mut facts, "cpus", 2);
    let plan = plan(&config, &facts);
    let edit = &change(&plan, Kind::VM).steps[2];
    let rescue: Vec<String> = edit.rescue.iter().map(ToString::to_string).collect();
    assert!(rescue[0].contains(" start "), "nothing starts the VM again: {rescue:?}");
    assert!(rescue[1].contains("start-containers"), "its containers stay stopped: {rescue:?}");
}

fn a_state_of_a_newer_lima_stops_the_plan() {
    let config = config();
    let mut facts = healthy(&config);
    put_down(&mut facts, Status::Other("Hibernated".into()));
    let plan = plan(&config, &facts);
    let problem = change(&plan, Kind::VM).problem.as_ref().unwrap().to_string();
    assert!(problem.contains("Hibernated"), "{problem}");
}

fn a_running_vm_whose_guest_is_silent_is_left_alone() {
    let config = config();
    let mut facts = healthy(&config);
    facts.guest = Observation::Unobservable(Reason::GuestSilent("ssh: timed out".into()));
    facts.socket = None;
    let plan = plan(&config, &facts);
    assert_eq!(change(&plan, Kind::VM).action, Action::NoOp);
    assert_eq!(change(&plan, Kind::PROVISION).action, Action::Deferred);
    assert!(reasons(change(&plan, Kind::PROVISION)).contains("ssh: timed out"));
}

fn a_start_that_is_under_way_is_waited_for() {
    let config = config();
    let mut facts = healthy(&config);
    facts.agent = Some(Agent::Starting);
    assert!(plan(&config, &facts).is_empty(), "nothing to wait for");

    // The guest does not answer yet, or packages are still being installed.
    let silent = Reason::GuestSilent("ssh: timed out".into());
    let mut installing = facts.clone();
    bend_guest(&mut installing, |guest| guest.dockerd_installed = false);
    facts.guest = Observation::Unobservable(silent);
    facts.socket = None;
    for facts in [facts, installing] {
        let plan = plan(&config, &facts);
        let vm = change(&plan, Kind::VM);
        assert_eq!(steps(vm), ["await /home/dev/.lima/containai-secure/ha.stdout.log"]);
        assert_eq!((vm.disruption, vm.changed()), (Disruption::None, vec!["status".to_owned()]));
        assert!(reasons(vm).contains("the VM is still starting"), "{}", reasons(vm));
    }
}

fn keys_that_the_file_does_not_set_are_left_alone() {
    let config = config();
    let mut facts = healthy(&config);
    set(&mut facts, "nestedVirtualization", true);
    assert!(plan(&config, &facts).is_empty());
}

fn a_vm_that_is_not_to_run_is_stopped_and_its_inside_left_alone() {
    let config = containai::config::parse("version = 1\n[vm]\nrunning = false\n").unwrap();
    let mut facts = healthy(&config);
    let plan_running = plan(&config, &facts);
    let vm = change(&plan_running, Kind::VM);
    assert_eq!(steps(vm), ["limactl --tty=false stop containai-secure"]);
    assert_eq!((vm.disruption, stops(vm)), (Disruption::VmStop, vec!["agent-1"]));
    assert_eq!(effects(&plan_running), [(Kind::VM, Action::Update)]);
    put_down(&mut facts, Status::Stopped);
    assert!(plan(&config, &facts).is_empty());
    let fresh = plan(&config, &crate::support::machine::fresh(&config));
    let made: Vec<String> = steps(change(&fresh, Kind::VM));
    assert!(!made.iter().any(|step| step.contains(" start ")), "{made:?}");
}

fn protection_is_put_on_and_taken_off_without_a_restart() {
    let config = config();
    let mut facts = healthy(&config);
    bend_vm(&mut facts, |vm| vm.protected = false);
    let plan_protects = plan(&config, &facts);
    let vm = change(&plan_protects, Kind::VM);
    assert_eq!(steps(vm), ["limactl --tty=false protect containai-secure"]);
    assert_eq!(vm.disruption, Disruption::None);
    let open = containai::config::parse(
        "version = 1\n[vm]\nprotect = false\n[docker]\nsource = \"preinstalled\"\n[sysbox]\nenabled = false\n",
    )
    .unwrap();
    let plan = plan(&open, &healthy(&open));
    let unprotect = ["limactl --tty=false unprotect containai-secure"];
    assert_eq!(steps(change(&plan, Kind::VM)), unprotect);
}

fn more_processors_than_the_host_has_are_told_and_no_reason_to_change_anything() {
    let config = config();
    let mut facts = healthy(&config);
    assert_eq!(change(&plan(&config, &facts), Kind::VM).reasons, []);
    facts.cpus = Some(2);
    let few = plan(&config, &facts);
    assert!(few.is_empty(), "{:?}", effects(&few));
    let expected = "the file gives the VM 4 CPUs, but this machine has 2";
    assert_eq!(reasons(change(&few, Kind::VM)), expected);
    facts.cpus = None;
    assert_eq!(change(&plan(&config, &facts), Kind::VM).reasons, []);
}
