//! `--timeout`: how long the command of a step may take.

use std::fs::File;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::fake;
use crate::support::documents;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_step_that_hangs_is_ended_and_its_limit_is_told,
        limactl_gives_up_before_it_is_killed,
        that_limactl_gave_up_says_how_to_allow_more,
        what_mends_a_failed_step_keeps_its_own_time,
        a_wrong_duration_is_wrong_usage,
        every_command_that_changes_something_takes_it,
    ]
}

/// A VM that is stopped, or runs, and a `limactl` that does this about it.
fn engine(status: &str, other: &str) -> Sandbox {
    let sandbox = fake::engine();
    let list = fake::listed(&sandbox, status);
    sandbox.fake_program("limactl", &fake::limactl(&list, other));
    sandbox
}

fn a_step_that_hangs_is_ended_and_its_limit_is_told() {
    let sandbox = fake::fresh();
    // The child holds the lock as long as it lives: once it can be taken, the child is gone.
    let hangs = "echo begun >&2; flock \"$HOME/lock\" sleep infinity & wait";
    sandbox.fake_program("limactl", &fake::limactl("", hangs));
    let ran = sandbox.cai(&["apply", "--yes", "--timeout", "1s"]);
    let error = ran.fails_with(1);
    for part in [
        "error: vm.containai-secure: `limactl --tty=false create --name=containai-secure -` did \
         not finish within 1.0 s and was killed",
        "    begun\n",
        "help: if it needs more time, run the command again with --timeout 2s\n",
    ] {
        assert!(error.contains(part), "{part:?} is missing: {ran}");
    }
    let lock = File::create(sandbox.path("home/lock")).unwrap();
    let (taken, wait) = channel();
    std::thread::spawn(move || {
        lock.lock().unwrap();
        let _ = taken.send(());
    });
    wait.recv_timeout(Duration::from_secs(60)).expect("the child lives on");
}

fn limactl_gives_up_before_it_is_killed() {
    for (arguments, told) in [
        (&["apply", "--yes"][..], "1800s"),
        (&["apply", "--yes", "--timeout=20m"], "1170s"),
        (&["setup", "--force", "--timeout=1h30m"], "5370s"),
        (&["apply", "--yes", "--timeout=1s"], "750ms"),
    ] {
        let sandbox = engine("Stopped", "exit 7");
        let ran = sandbox.cai(arguments);
        assert!(!ran.fails_with(1).contains("more time"), "{ran}");
        let start = format!("--tty=false start --timeout={told} containai-secure");
        assert_eq!(fake::calls(&sandbox), [start]);
    }
}

fn that_limactl_gave_up_says_how_to_allow_more() {
    let gives_up = r#"echo 'time="2026-11-21T02:21:36Z" level=fatal msg="did not receive an event with the `running` status"' >&2; exit 1"#;
    let sandbox = engine("Stopped", gives_up);
    let ran = sandbox.cai(&["apply", "--yes", "--json"]);
    assert!(ran.fails_with(1).contains("help: if it needs more time"), "{ran}");
    let report = documents::report(&ran);
    let vm =
        report["results"].as_array().unwrap().iter().find(|result| result["outcome"] == "failed");
    let hint = vm.unwrap()["error"]["hint"].as_str().unwrap();
    assert!(hint.ends_with("--timeout 1h1m"), "{hint}");
}

fn what_mends_a_failed_step_keeps_its_own_time() {
    let sandbox = engine("Running", "[ \"$2\" != edit ]");
    sandbox.write("home/containai.toml", &fake::FILE.replace("cpus = 2", "cpus = 4"));
    for (timeout, told) in [("1m", "1800s"), ("2h", "7170s")] {
        sandbox.cai(&["apply", "--yes", "--timeout", timeout]).fails_with(1);
        let rescue = format!("--tty=false start --timeout={told} containai-secure");
        assert_eq!(fake::calls(&sandbox).last(), Some(&rescue));
    }
}

fn a_wrong_duration_is_wrong_usage() {
    let sandbox = fake::fresh();
    for wrong in ["", "90", "soon", "-1s", "0s", "999ms", "8d", "99999999999999999999y"] {
        let ran = sandbox.cai(&["apply", "--yes", &format!("--timeout={wrong}")]);
        let error = ran.fails_with(64);
        let names = format!("invalid value '{wrong}' for '--timeout <DURATION>': not ");
        assert!(error.contains(&names) && error.contains("20m"), "{ran}");
    }
    assert_eq!(fake::calls(&sandbox), [""; 0]);
}

fn every_command_that_changes_something_takes_it() {
    let sandbox = engine("Running", "sleep infinity");
    let destroy = ["destroy", "--allow-destroy", "containai-secure", "--timeout", "1s"];
    let ran = sandbox.cai(&destroy);
    assert!(
        ran.fails_with(1).contains("stop containai-secure` did not finish within 1.0 s"),
        "{ran}"
    );
    for command in ["plan", "status", "validate"] {
        sandbox.cai(&[command, "--timeout", "1m"]).fails_with(64);
    }
}
