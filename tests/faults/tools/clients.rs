//! `docker` and Compose for a container that uses a socket.

use std::fs;

use crate::cli::fake;
use crate::cli::socket_client::DOCKER;
use crate::support::fake_fault::{BEHIND, Fault, VARIABLE};
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::tally::TOOLS;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![every_call_for_a_client_is_tried_with_every_fault]
}

/// A call about a client, its arguments, and how `cai` uses the result.
const CALLS: [(&str, &str, Kind); 6] = [
    ("docker compose version", "docker compose version", Kind::Optional),
    ("docker compose config", "config --format json manager", Kind::Describes),
    ("docker inspect", "inspect --type container manager", Kind::Lists),
    ("docker exec: look", "exec -u 0 manager", Kind::Optional),
    ("docker exec: ask", "exec -u 1001:", Kind::Optional),
    ("docker compose up", "up -d --no-deps manager", Kind::Step),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// The output is JSON. Without it, nothing is known about any container.
    Lists,
    /// The output is JSON. Without it, nothing is known about a service.
    Describes,
    /// Without the output, less is known.
    Optional,
    Step,
}

fn every_call_for_a_client_is_tried_with_every_fault() {
    let sandbox = fake::engine();
    sandbox.cai(&["apply", "--yes"]).success();
    sandbox.directory("behind");
    sandbox.write("behind/docker.sh", DOCKER);
    sandbox.link_program("docker", &std::env::current_exe().unwrap());
    sandbox.write("home/dind.yml", "services:\n  manager:\n    volumes: [\"sock:/var/run\"]\n");
    let entry = "[[socket_clients]]\ncontainer = \"manager\"\ncompose_file = \"./dind.yml\"\n\
        service = \"manager\"\n";
    sandbox.write("home/containai.toml", &format!("{}{entry}", fake::FILE));
    let mut failures = Vec::new();
    for (name, words, kind) in CALLS {
        for fault in Fault::ALL {
            let apart = match fault {
                Fault::Missing | Fault::NotExecutable => {
                    Some("which call comes when is not certain")
                }
                Fault::Newer if !matches!(kind, Kind::Lists | Kind::Describes) => {
                    Some("it prints no JSON")
                }
                Fault::Truncated if kind == Kind::Step => Some("its output is not read"),
                _ => None,
            };
            if let Some(why) = apart {
                TOOLS.apart(why);
                continue;
            }
            let cell = || TOOLS.case(|| tried(&sandbox, name, words, kind, fault));
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(cell)).is_err() {
                failures.push(format!("{name} {fault:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

fn tried(sandbox: &Sandbox, name: &str, words: &str, kind: Kind, fault: Fault) {
    for left in ["made", "dind.cai.yml", "calls"] {
        let _ = fs::remove_file(sandbox.path("home").join(left));
    }
    let _ = fs::remove_file(sandbox.path("behind/calls"));
    let value = format!("{fault:?} 1 {words}");
    let behind = sandbox.path("behind").display().to_string();
    let command: &[&str] = match (fault, kind) {
        (Fault::Hangs, Kind::Step) => &["apply", "--yes", "--timeout=5s"],
        (Fault::Hangs, _) => &["doctor", "--timeout=5s"],
        _ => &["apply", "--yes"],
    };
    let ran = sandbox.cai_with(command, &[(VARIABLE, &value), (BEHIND, &behind)]);
    judge(&ran, name, words, kind, fault);
    let again = |command: &[&str]| sandbox.cai_with(command, &[(BEHIND, &behind)]);
    if !ran.status.success() || command[0] == "doctor" {
        let again = again(&["apply", "--yes"]);
        assert!(again.status.success(), "{name} {fault:?}: {ran}\n{again}");
    }
    let plan = again(&["plan"]);
    assert!(plan.success().contains("No changes."), "{name} {fault:?}: {ran}\n{plan}");
}

fn judge(ran: &Ran, name: &str, words: &str, kind: Kind, fault: Fault) {
    let text = ran.stdout.split_whitespace().chain(ran.stderr.split_whitespace());
    let text = text.filter(|word| *word != "#").collect::<Vec<_>>().join(" ");
    assert!(!text.contains("panicked"), "{name} {fault:?}: {ran}");
    assert!(text.len() < 100_000, "{name} {fault:?}: {} bytes to read", text.len());
    let told = match fault {
        Fault::Fails if kind == Kind::Describes => "Compose reported: ",
        // A diagnosis reports the container's fault; the plan reports the rest.
        Fault::Hangs if kind == Kind::Describes => "error client_user_not_in_group",
        Fault::Idle | Fault::Closed | Fault::Truncated if kind == Kind::Describes => {
            "Compose's output is not readable"
        }
        Fault::Fails | Fault::FailsSilently => "failed with exit status 1",
        Fault::Hangs => "did not finish within 5.0 s and was killed",
        Fault::Dies => "was killed by signal 9",
        Fault::Floods => "printed more than 8388608 bytes and was killed",
        Fault::Idle | Fault::Closed | Fault::NotText | Fault::Truncated if kind == Kind::Lists => {
            "printed unexpected output"
        }
        Fault::Newer | Fault::Warns => {
            assert!(ran.status.success(), "{name} {fault:?}: {ran}");
            return;
        }
        _ => "",
    };
    if kind == Kind::Optional || told.is_empty() {
        assert!(matches!(ran.status.code(), Some(0 | 1)), "{name} {fault:?}: {ran}");
        return;
    }
    assert_eq!(ran.status.code(), Some(1), "{name} {fault:?}: {ran}");
    let words = if kind == Kind::Describes { "dind.yml" } else { words };
    for part in [words, told] {
        assert!(text.contains(part), "{name} {fault:?}: {part:?} is missing: {ran}");
    }
}
