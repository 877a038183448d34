//! Homebrew, which `cai` uses only on macOS. macOS is simulated, but the process is real.

use std::sync::atomic::AtomicBool;

use containai::config;
use containai::host::{CommandSpec, Host, System};
use containai::plan::Plan;
use containai::reconcile::apply::{Outcome, apply};
use containai::reconcile::graph::Graph;
use containai::reconcile::observe::observe;
use containai::report;
use containai::simulate::{MACOS, SimulatedHost, World};

use crate::support::fake_fault::WORDS;
use crate::support::interposed::Interposed;
use crate::support::sandbox::Sandbox;
use crate::support::tally::TOOLS;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![homebrew_that_goes_wrong_is_named_and_the_next_run_finishes]
}

/// The faults of `brew` and the expected messages. Faults of its output are omitted, because cai
/// does not read it.
const FAULTS: [(&str, &str); 6] = [
    ("", "could not be started: No such file or directory"),
    ("echo 'level=fatal msg=\"the fault of a test\"' >&2; exit 1", "failed with exit status 1"),
    ("exit 1", "failed with exit status 1"),
    ("exec sleep infinity", "did not finish within 2.0 s and was killed"),
    ("kill -9 $$", "was killed by signal 9"),
    ("exec head -c 1073741824 /dev/zero", "printed more than 8388608 bytes"),
];

fn homebrew_that_goes_wrong_is_named_and_the_next_run_finishes() {
    let config = config::parse("version = 1\n[lima]\ninstall = \"auto\"\n").unwrap();
    let configs = [&config];
    let graph = Graph::new(&configs).unwrap();
    for (script, words) in FAULTS {
        for (verb, has) in [("install", None), ("upgrade", Some("0.23.2"))] {
            let sandbox = Sandbox::new();
            if !script.is_empty() {
                sandbox.fake_program("brew", &format!("{script}\n"));
            }
            let mut world = World::new(MACOS);
            world.computer.programs.remove("limactl");
            world.computer.programs.extend(has.map(|it| ("limactl".to_owned(), it.to_owned())));
            let host = SimulatedHost::new(&System, world);
            let before = |command: &CommandSpec| {
                let is_brew = command.program.file_name() == Some("brew".as_ref());
                let mut broken = command.clone();
                broken.program = sandbox.path("bin/brew");
                // The simulated program has no time to wait.
                is_brew.then(|| System.execute(&broken, &|_| {}).unwrap_err().failure)
            };
            let broken = Interposed {
                host: &host,
                before: &before,
                queried: &|_| {},
                interrupted: &AtomicBool::new(false),
            };
            let plan = |host: &dyn Host| Plan::new(&graph, &[observe(host, &config).unwrap()]);
            TOOLS.case(|| {
                let limit = script.contains("sleep").then(|| std::time::Duration::from_secs(2));
                let ended =
                    apply(&broken, &configs, &graph, &plan(&broken).limited(limit), &|_| {});
                let Outcome::Failed(error) = &ended.results[0].outcome else { panic!("{ended:?}") };
                let text = report::failure("lima_install.lima", error);
                assert!(text.contains(&format!("`brew {verb} lima` {words}")), "{text}");
                assert!(!script.contains("echo") || text.contains(WORDS), "{text}");
                assert!(
                    ended.results[1..]
                        .iter()
                        .all(|it| matches!(it.outcome, Outcome::Skipped { .. }))
                );
                let again = apply(&host, &configs, &graph, &plan(&host), &|_| {});
                assert!(!again.failed(), "{again:?}");
                assert!(plan(&host).is_empty());
            });
        }
    }
}
