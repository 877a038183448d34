//! Ctrl-C: the first one lets the current step finish, the second one ends it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use containai::config;
use containai::host::{CommandSpec, System};
use containai::plan::Plan;
use containai::reconcile::apply::{Outcome, apply};
use containai::reconcile::graph::Graph;
use containai::reconcile::observe::observe;
use containai::simulate::{LINUX, SimulatedHost, World};

use super::Running;
use crate::support::interposed::Interposed;
use crate::support::sandbox::Sandbox;
use crate::support::tally::INTERRUPTED;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        the_first_interrupt_lets_the_running_step_end_and_begins_no_other,
        the_second_interrupt_ends_what_cai_started,
        the_second_interrupt_ends_a_download,
        a_terminal_is_left_as_it_was,
        an_interrupt_while_looking_ends_at_once,
        wherever_it_is_interrupted_the_next_run_finishes,
    ]
}

/// A home whose `limactl` reports its process ID and waits for a signal before it answers `what`.
fn waiting(what: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", "version = 1\n");
    for pipe in ["began", "go"] {
        let path = sandbox.path(format!("home/{pipe}"));
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }
    let script = format!(
        "echo \"$*\" >>\"$HOME/calls\"\n\
         case \"$*\" in\n\
         *{what}*) echo $$ >\"$HOME/began\"; read word <\"$HOME/go\" ;;\n\
         esac\n\
         case \"$*\" in --version) echo 'limactl version 2.2.0' ;; esac\n"
    );
    sandbox.fake_program("limactl", &script);
    sandbox.fake_program("ssh", "exit 255");
    sandbox
}

/// Waits until `limactl` has started, and returns its process ID.
fn began(sandbox: &Sandbox) -> String {
    let mut pid = String::new();
    File::open(sandbox.path("home/began")).unwrap().read_to_string(&mut pid).unwrap();
    pid.trim().to_owned()
}

fn calls(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path("home/calls")).unwrap()
}

fn the_first_interrupt_lets_the_running_step_end_and_begins_no_other() {
    let sandbox = waiting("create");
    let mut cai = Running::start(&sandbox, &["apply", "--yes"]);
    began(&sandbox);
    cai.interrupt();
    cai.says("Interrupted. Finishing the current step; press Ctrl-C again to stop now.");
    File::create(sandbox.path("home/go")).unwrap().write_all(b"go\n").unwrap();
    let (code, said) = cai.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("Run cai apply to finish"), "{said}");
    let calls = calls(&sandbox);
    assert!(calls.contains("create") && !calls.contains(" start"), "{calls}");
}

fn the_second_interrupt_ends_what_cai_started() {
    let sandbox = waiting("create");
    let mut cai = Running::start(&sandbox, &["apply", "--yes"]);
    let pid = began(&sandbox);
    cai.interrupt();
    cai.says("Interrupted. Finishing the current step");
    cai.interrupt();
    let (code, said) = cai.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("Interrupted: 0 done"), "{said}");
    assert!(
        !said.contains("failed") && !said.contains("mending"),
        "an interrupt is not a failure: {said}"
    );
    assert!(!std::path::Path::new("/proc").join(pid).exists(), "limactl still runs");
}

fn the_second_interrupt_ends_a_download() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let sandbox = Sandbox::new();
    let sums = config::Lima::PLATFORMS.map(|name| format!("{name} = \"{}\"\n", "0".repeat(64)));
    let address = server.local_addr().unwrap();
    let lima = format!(
        "[lima]\ninstall = \"auto\"\nrelease = \"2.2.0\"\nurl = \"http://{address}\"\n[lima.sha256]\n"
    );
    sandbox.write("home/containai.toml", &format!("version = 1\n{lima}{}", sums.concat()));
    sandbox.fake_program("ssh", "exit 255");
    let mut cai = Running::start(&sandbox, &["apply", "--yes"]);
    // The server accepts the request but never answers.
    let _connection = server.accept().unwrap();
    cai.interrupt();
    cai.says("Interrupted. Finishing the current step");
    cai.interrupt();
    let (code, said) = cai.end();
    assert_eq!(code, Some(130), "{said}");
}

fn a_terminal_is_left_as_it_was() {
    for interrupts in [1, 2] {
        let sandbox = waiting("create");
        let mut session = sandbox.start_on_terminal(&["apply", "--yes"], &[]);
        let before = session.modes();
        began(&sandbox);
        session.see("create the VM");
        session.interrupt();
        session.see("Interrupted. Finishing the current step");
        if interrupts == 2 {
            session.interrupt();
        } else {
            File::create(sandbox.path("home/go")).unwrap().write_all(b"go\n").unwrap();
        }
        let after = session.modes();
        let ran = session.end();
        assert_eq!(ran.status.code(), Some(130), "{ran}");
        assert_eq!(after, before, "after {interrupts} interrupts");
        let screen = session.screen();
        assert!(!screen.hide_cursor(), "after {interrupts} interrupts");
        assert_eq!(
            screen.cursor_position().1,
            0,
            "the shell's prompt has a line of its own: {ran}"
        );
    }
}

fn an_interrupt_while_looking_ends_at_once() {
    let sandbox = waiting("list");
    let cai = Running::start(&sandbox, &["plan"]);
    let pid = began(&sandbox);
    cai.interrupt();
    let (code, said) = cai.end();
    assert_eq!(code, Some(130), "{said}");
    // The process was killed, but the system may take a while to end it.
    let stat = format!("/proc/{pid}/stat");
    while std::fs::read_to_string(&stat).is_ok_and(|state| !state.contains(") Z ")) {
        std::thread::yield_now();
    }
}

fn wherever_it_is_interrupted_the_next_run_finishes() {
    let config = config::parse("version = 1").unwrap();
    let configs = [&config];
    let graph = Graph::new(&configs).unwrap();
    let mut points = 0;
    loop {
        let simulated = SimulatedHost::new(&System, World::new(LINUX));
        let left = std::sync::Mutex::new(points);
        let interrupted = std::sync::Arc::new(AtomicBool::new(false));
        let flag = interrupted.clone();
        // The current command finishes and is the last one.
        let before = move |_: &CommandSpec| {
            let mut left = left.lock().unwrap();
            if *left == 0 {
                flag.store(true, Ordering::SeqCst);
            } else {
                *left -= 1;
            }
            None
        };
        let host = Interposed {
            host: &simulated,
            before: &before,
            queried: &|_| {},
            interrupted: &interrupted,
        };
        let plan = Plan::new(&graph, &[observe(&host, &config).unwrap()]);
        let report = apply(&host, &configs, &graph, &plan, &|_| {});
        assert!(!report.failed(), "{report:?}");
        let was_cut = report.results.iter().any(|it| matches!(it.outcome, Outcome::Cancelled));
        let plan = Plan::new(&graph, &[observe(&simulated, &config).unwrap()]);
        assert_eq!(!plan.is_empty(), was_cut, "cut at command {points}");
        INTERRUPTED.case(|| {
            let report = apply(&simulated, &configs, &graph, &plan, &|_| {});
            assert!(!report.failed(), "cut at command {points}: {report:?}");
            let plan = Plan::new(&graph, &[observe(&simulated, &config).unwrap()]);
            assert!(plan.is_empty(), "cut at command {points}");
        });
        if !interrupted.load(Ordering::SeqCst) {
            break;
        }
        points += 1;
    }
    assert!(points > 8, "only {points} commands were cut at");
}
