//! The world behaves as the real tools were measured to (`FACTS.md`, whose numbers are named here).

use containai::host::{Ping, Probe};
use containai::simulate::{Call, World, run};

use super::machine::{Machine, YAML};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_missing_group_and_a_stopped_daemon_look_the_same_from_the_host,
        a_session_keeps_the_groups_that_it_began_with,
        a_restart_of_the_vm_renews_the_session_and_ends_containers,
        a_session_refresh_needs_the_stale_file_gone,
        a_look_opens_no_connection_that_others_would_share,
        open_shells_outlive_a_graceful_stop_and_no_exit,
        a_number_of_a_group_is_kept_by_sockets_and_sessions,
        a_probe_as_the_user_cannot_succeed_on_a_first_boot,
        a_script_that_fails_does_not_fail_the_start,
        a_reload_takes_over_runtimes_and_no_network,
        a_malformed_file_is_ignored_by_a_reload_and_ends_a_restart,
        live_restore_keeps_containers_through_a_restart_of_the_daemon,
        a_question_to_a_stopped_daemon_starts_it,
        a_removed_socket_comes_back_with_its_own_unit_only,
        what_only_reads_changes_nothing,
    ]
}

/// 1 and 2.
fn a_missing_group_and_a_stopped_daemon_look_the_same_from_the_host() {
    let machine = Machine::started();
    assert_eq!(machine.ping(), Ping::Closed);
    machine.guest("docker info").is(1).says("permission denied");
    let endpoint = format!("host=unix://{}", machine.socket().display());
    machine.host(&format!("docker context create vm --docker {endpoint}")).is(0);
    machine.host("docker --context vm info").is(1).says("connection reset by peer");
    machine.guest("sudo -n systemctl stop docker.socket docker.service").is(0);
    assert_eq!(machine.ping(), Ping::Closed);
    machine.host("docker --context vm info").is(1).says("connection reset by peer");
    machine.guest("sudo -n docker info").is(1).says("Cannot connect to the Docker daemon");
}

/// 3.
fn a_session_keeps_the_groups_that_it_began_with() {
    let machine = Machine::started();
    machine.join_docker();
    machine.guest("getent group").says("docker:x:999:dev");
    assert!(!machine.guest("id -Gn").1.stdout.contains("docker"));
    assert!(!machine.host("limactl shell --workdir=/ vm id").1.stdout.contains("docker"));
    let alone = "-o ControlMaster=no -o ControlPath=none lima-vm id -Gn";
    machine.ssh(alone).says("docker");
    assert_eq!(machine.ping(), Ping::Closed);
}

/// 4.
fn a_restart_of_the_vm_renews_the_session_and_ends_containers() {
    let machine = Machine::started();
    machine.join_docker();
    machine.guest("sudo -n docker run -d --name keeper image").is(0);
    let boots = machine.0.world().instances["vm"].boots;
    machine.host("limactl stop vm").is(0);
    assert_eq!(machine.ping(), Ping::Missing);
    machine.host("limactl start vm").is(0);
    assert!(machine.ping().answers());
    assert_eq!(machine.0.world().instances["vm"].boots, boots + 1);
    assert_eq!(machine.guest("sudo -n docker ps -q").1.stdout, "");
    machine.guest("sudo -n docker ps -a").says("keeper");
}

/// 5.
fn a_session_refresh_needs_the_stale_file_gone() {
    let machine = Machine::started();
    machine.join_docker();
    machine.guest("sudo -n docker run -d --name keeper image").is(0);
    machine.forward("cancel").is(0);
    assert_eq!(machine.ping(), Ping::Refused, "the file stays behind");
    machine.forward("cancel").is(0);
    machine.ssh("-O stop lima-vm").is(0);
    assert!(!machine.0.listens(&machine.directory().join("ssh.sock")));
    machine.forward("forward").is(255);
    machine.guest("true").is(0);
    machine.forward("forward").is(255);
    containai::host::Host::remove_file(&machine.0, &machine.socket()).unwrap();
    machine.forward("forward").is(0);
    assert!(machine.ping().answers());
    machine.guest("docker ps").says("keeper");
}

fn a_look_opens_no_connection_that_others_would_share() {
    let machine = Machine::started();
    machine.join_docker();
    let look = "-o ControlMaster=no lima-vm id -Gn";
    assert!(!machine.ssh(look).is(0).1.stdout.contains("docker"), "it rides on the living one");
    machine.ssh("-O exit lima-vm").is(0);
    let before = machine.0.world();
    machine.ssh(look).is(0).says("docker");
    let after = machine.0.world();
    assert_eq!(after.instances, before.instances);
    assert!(!machine.0.listens(&machine.directory().join("ssh.sock")));
}

/// 5.
fn open_shells_outlive_a_graceful_stop_and_no_exit() {
    let machine = Machine::started();
    let open = |machine: &Machine| {
        machine
            .0
            .change(|world| {
                let instance = world.instances.get_mut("vm").unwrap();
                instance.master.as_mut().unwrap().open_shells = 1;
            })
            .unwrap();
    };
    open(&machine);
    machine.ssh("-O stop lima-vm").is(0);
    assert_eq!(machine.ping(), Ping::Closed, "the forward lives on with the old connection");
    let machine = Machine::started();
    open(&machine);
    machine.ssh("-O exit lima-vm").is(0);
    assert_eq!(machine.ping(), Ping::Refused);
}

fn a_number_of_a_group_is_kept_by_sockets_and_sessions() {
    let machine = Machine::started();
    machine.join_docker();
    machine.host("limactl stop vm").is(0);
    machine.host("limactl start vm").is(0);
    machine.guest("sudo -n groupmod -g 2375 docker").is(0);
    machine.guest("stat -L -c '%F' /var/run/docker.sock").says("|UNKNOWN|999");
    machine.guest("id -G").says("999");
    assert!(machine.ping().answers(), "both still have the old number");
    machine.guest("sudo -n systemctl restart docker.socket").is(0);
    machine.guest("stat -L -c '%F' /var/run/docker.sock").says("|docker|2375");
    assert_eq!(machine.ping(), Ping::Closed);
}

/// 8.
fn a_probe_as_the_user_cannot_succeed_on_a_first_boot() {
    let probe = "probes:\n- script: |\n    #!/bin/sh\n    until docker info; do sleep 1; done\n";
    let machine = Machine::of(&format!("{YAML}{probe}"));
    machine.host("limactl start vm").is(1).says("did not receive an event");
    machine.host("limactl list --format {{.Status}}").says("Running");
    machine.host("limactl start vm").is(0);
    let machine =
        Machine::of(&format!("{YAML}{}", probe.replace("docker info", "sudo docker info")));
    machine.host("limactl start vm").is(0);
}

/// 9.
fn a_script_that_fails_does_not_fail_the_start() {
    let machine = Machine::of(&YAML.replace("docker.img", "plain.img"));
    machine.host("limactl start vm").is(0);
    machine.guest("sudo -n systemctl is-active docker.service").is(3);
}

fn a_reload_takes_over_runtimes_and_no_network() {
    let machine = Machine::started();
    machine.daemon_json(
        "{\"runtimes\": {\"other\": {\"path\": \"/bin/other\"}}, \"log-driver\": \"local\"}",
    );
    let runtimes = "sudo -n docker info --format '{{json .Runtimes}}'";
    assert!(!machine.guest(&format!("\"{runtimes}\"")).1.stdout.contains("other"));
    machine.guest("sudo -n systemctl reload docker.service").is(0);
    machine.guest(&format!("\"{runtimes}\"")).says("other");
    let loaded = |machine: &Machine| {
        let world = machine.0.world();
        let guest = world.instances["vm"].guest.clone().unwrap();
        guest.dockerd.unwrap().loaded.contains_key("log-driver")
    };
    assert!(!loaded(&machine));
    machine.guest("sudo -n systemctl restart docker.service").is(0);
    assert!(loaded(&machine));
}

fn a_malformed_file_is_ignored_by_a_reload_and_ends_a_restart() {
    let machine = Machine::started();
    machine.daemon_json("{\"debug\": ");
    machine.guest("sudo -n systemctl reload docker.service").is(0);
    machine.guest("sudo -n docker ps").is(0);
    machine.guest("sudo -n systemctl restart docker.service").is(1).says("Job for docker.service");
    machine.guest("sudo -n journalctl").says("unable to configure the Docker daemon");
}

fn live_restore_keeps_containers_through_a_restart_of_the_daemon() {
    for (live_restore, lives) in [(true, true), (false, false)] {
        let machine = Machine::started();
        machine.daemon_json(&format!("{{\"live-restore\": {live_restore}}}"));
        machine.guest("sudo -n systemctl reload docker.service").is(0);
        let id = machine.guest("sudo -n docker run -d --name keeper image").is(0).1.stdout.clone();
        machine.guest("sudo -n systemctl restart docker.service").is(0);
        let running = machine.guest("sudo -n docker ps -q").1.stdout.clone();
        assert_eq!(running == id, lives, "{running}");
    }
}

fn a_question_to_a_stopped_daemon_starts_it() {
    let machine = Machine::started();
    machine.guest("sudo -n systemctl stop docker.service").is(0);
    machine.guest("systemctl is-active docker.service").is(3);
    machine.guest("sudo -n docker ps").is(0);
    machine.guest("systemctl is-active docker.service").is(0);
}

/// systemd holds the listening socket, whatever becomes of its file.
fn a_removed_socket_comes_back_with_its_own_unit_only() {
    let machine = Machine::started();
    let remove = |world: &mut World| {
        world.instances.get_mut("vm").unwrap().guest.as_mut().unwrap().socket = None;
    };
    machine.0.change(remove).unwrap();
    machine.guest("sudo -n systemctl restart docker.service").is(0);
    machine.guest("sudo -n docker ps").is(1);
    machine.guest("sudo -n systemctl restart docker.socket").is(0);
    machine.guest("sudo -n docker ps").is(0);
}

fn what_only_reads_changes_nothing() {
    let machine = Machine::started();
    let mut world = machine.0.world();
    let before = world.clone();
    for line in [
        "limactl list --json",
        "limactl --version",
        "limactl shell --workdir=/ vm id",
        "limactl start vm",
        "docker context ls",
        "docker ps",
    ] {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let call = Call { args: &words[1..], ..Call::default() };
        run(&mut world, &words[0], &call).unwrap();
        assert_eq!(world, before, "{line}");
    }
}
