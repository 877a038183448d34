//! The script that looks at a guest, run by a real shell with fake tools around it.

use containai::guest::{Document, GuestFacts};

use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_stopped_daemon_is_not_asked_anything,
        a_running_daemon_lists_its_containers_and_runtimes,
        a_daemon_that_does_not_answer_root_is_no_empty_list,
        a_guest_without_docker_is_a_whole_report,
        what_a_tool_prints_cannot_end_the_report,
    ]
}

const SCRIPT: &str = include_str!("../src/guest/probe.sh");

/// What the script says in a guest whose `docker.service` is in this state.
fn look(sandbox: &Sandbox, active: &str) -> GuestFacts {
    sandbox.fake_program(
        "systemctl",
        &format!(
            "case \"$1\" in is-active) echo {active} ;; \
             show) printf 'Id=docker.service\\nLoadState=loaded\\nActiveState={active}\\n\
             UnitFileState=enabled\\n' ;; esac"
        ),
    );
    sandbox.fake_program("sudo", "shift; exec \"$@\"");
    sandbox.write("home/probe.sh", SCRIPT);
    let ran = sandbox.run(&["sh", "probe.sh", "mark"]);
    let document = Document::parse(ran.success(), "mark");
    GuestFacts::read(&document.unwrap_or_else(|error| panic!("{error}: {ran}")))
}

fn a_stopped_daemon_is_not_asked_anything() {
    let sandbox = Sandbox::new();
    sandbox.fake_program("docker", "touch \"$HOME/asked\"");
    let guest = look(&sandbox, "inactive");
    assert!(!guest.docker_runs());
    assert!(!sandbox.path("home/asked").exists(), "the question would have started it");
    assert_eq!(guest.containers, Some(vec![]));
}

fn a_running_daemon_lists_its_containers_and_runtimes() {
    let sandbox = Sandbox::new();
    sandbox.fake_program(
        "docker",
        "case \"$*\" in *' ps '*) echo abc; echo def ;; \
         *' inspect '*abc\\ def) echo 'abc|one|runc|2026'; echo 'def|two|sysbox-runc|2026' ;; \
         *' info '*) echo 'runc io.containerd.runc.v2 runc sysbox-runc ' ;; *) exit 9 ;; esac",
    );
    let guest = look(&sandbox, "active");
    let containers = guest.containers.as_ref().unwrap();
    let shown: Vec<(&str, &str)> = containers
        .iter()
        .map(|container| (container.name.as_str(), container.runtime.as_str()))
        .collect();
    assert_eq!(shown, [("one", "runc"), ("two", "sysbox-runc")]);
    assert_eq!(guest.runtimes[0], "runc");
    assert!(guest.docker_answers());
}

fn a_daemon_that_does_not_answer_root_is_no_empty_list() {
    let sandbox = Sandbox::new();
    sandbox.fake_program("docker", "echo 'Cannot connect' >&2; exit 1");
    let guest = look(&sandbox, "active");
    assert!(!guest.docker_answers());
    assert_eq!(guest.containers, None);
}

fn a_guest_without_docker_is_a_whole_report() {
    let sandbox = Sandbox::new();
    let guest = look(&sandbox, "inactive");
    assert!(!guest.user.is_empty() && guest.groups.contains_key("root"), "{guest:?}");
    assert!(guest.accounts.contains_key("root") && !guest.session_groups.is_empty());
}

fn what_a_tool_prints_cannot_end_the_report() {
    let sandbox = Sandbox::new();
    sandbox.fake_program("docker", "echo '@other end'; echo 'abc|x|runc|2026'");
    let guest = look(&sandbox, "active");
    assert_eq!(guest.containers.map(|list| list.len()), Some(1));
}
