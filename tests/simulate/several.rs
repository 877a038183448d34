//! Several files in one graph: their VMs are planned and applied together.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use containai::config::{self, Config};
use containai::host::{CommandSpec, Failure, Host, Probe, System};
use containai::plan::Plan;
use containai::reconcile::apply::{Outcome, Report, apply};
use containai::reconcile::graph::Graph;
use containai::reconcile::observe::observe_all;
use containai::simulate::{LINUX, SimulatedHost, World};

use super::{effects, failures};
use crate::support::interposed::Interposed;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        two_files_make_two_engines_and_a_second_plan_is_empty,
        vms_of_two_files_are_made_at_the_same_time,
        accounts_of_one_guest_are_made_in_the_order_of_the_file,
        what_fails_for_one_file_does_not_stop_another,
        two_files_look_at_one_lima,
        one_lima_is_installed_for_two_files,
        files_that_declare_the_same_are_refused_by_name,
        every_wrong_file_is_told,
        an_unreadable_file_does_not_hide_the_others,
        each_of_several_machines_has_its_line,
        commands_for_one_file_refuse_a_second,
    ]
}

fn config(name: &str) -> Config {
    config::parse(&format!("version = 1\n[vm]\nname = \"{name}\"\n")).unwrap()
}

fn plan(host: &dyn Probe, configs: &[&Config]) -> Plan {
    Plan::new(&Graph::new(configs).unwrap(), &observe_all(host, configs).unwrap())
}

fn run(host: &dyn Host, configs: &[&Config]) -> Report {
    let (graph, plan) = (Graph::new(configs).unwrap(), plan(host, configs));
    apply(host, configs, &graph, &plan, &|_| {})
}

/// The name of the VM that `limactl start` is asked to start.
fn started(command: &CommandSpec) -> Option<String> {
    let args: Vec<_> = command.args.iter().map(|arg| arg.to_string_lossy()).collect();
    let is_limactl = command.program.ends_with("limactl");
    (is_limactl && args.iter().any(|arg| arg == "start")).then(|| args.last().unwrap().to_string())
}

fn two_files_make_two_engines_and_a_second_plan_is_empty() {
    let (agents, builds) = (config("agents"), config("builds"));
    let configs = [&agents, &builds];
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let first = plan(&host, &configs);
    let names: Vec<String> = first.changes.iter().map(|it| it.address.to_string()).collect();
    assert_eq!(names[..2], ["lima_install.lima", "agents/vm.agents"]);
    assert_eq!(names.iter().filter(|name| name.ends_with("provision.docker")).count(), 2);
    let report = run(&host, &configs);
    assert!(!report.failed(), "{}", failures(&report));
    let again = plan(&host, &configs);
    assert!(again.is_empty(), "{}", effects(&again));
    // And for each alone.
    for config in configs {
        assert!(plan(&host, &[config]).is_empty());
    }
}

fn vms_of_two_files_are_made_at_the_same_time() {
    let (agents, builds) = (config("agents"), config("builds"));
    let simulated = SimulatedHost::new(&System, World::new(LINUX));
    // Each start waits for the other: one after the other would never end.
    let both = Barrier::new(2);
    let before = |command: &CommandSpec| {
        started(command).map(|_| both.wait());
        None
    };
    let host = Interposed {
        host: &simulated,
        before: &before,
        queried: &|_| {},
        interrupted: &AtomicBool::default(),
    };
    let report = run(&host, &[&agents, &builds]);
    assert!(!report.failed(), "{}", failures(&report));
}

fn accounts_of_one_guest_are_made_in_the_order_of_the_file() {
    let groups = ["zeta", "alpha", "mid", "beta"];
    let declared = groups.map(|name| format!("[[groups]]\nname = \"{name}\"\n")).concat();
    let config = config::parse(&format!("version = 1\n{declared}")).unwrap();
    let simulated = SimulatedHost::new(&System, World::new(LINUX));
    let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let graph = Graph::new(&[&config]).unwrap();
    let plan = plan(&simulated, &[&config]);
    let order = std::sync::Mutex::new(Vec::new());
    let report = apply(&simulated, &[&config], &graph, &plan, &|event| {
        use containai::model::address::Kind;
        use containai::reconcile::apply::event::Event;
        match event {
            Event::ResourceStarted(change) if change.address.kind == Kind::GROUP => {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                order.lock().unwrap().push(change.address.name().to_owned());
            }
            Event::ResourceFinished(result) if result.address.kind == Kind::GROUP => {
                running.fetch_sub(1, Ordering::SeqCst);
            }
            _ => {}
        }
    });
    assert!(!report.failed(), "{}", failures(&report));
    assert_eq!(*order.lock().unwrap(), groups);
    assert_eq!(most.into_inner(), 1, "two at the same time");
}

fn what_fails_for_one_file_does_not_stop_another() {
    let (agents, builds) = (config("agents"), config("builds"));
    let simulated = SimulatedHost::new(&System, World::new(LINUX));
    let before = |command: &CommandSpec| {
        let broken = started(command).is_some_and(|name| name == "agents");
        broken.then(|| Failure::NotStarted(std::io::ErrorKind::PermissionDenied.into()))
    };
    let host = Interposed {
        host: &simulated,
        before: &before,
        queried: &|_| {},
        interrupted: &AtomicBool::default(),
    };
    let report = run(&host, &[&agents, &builds]);
    for result in &report.results {
        let name = result.address.to_string();
        let expected = match &result.outcome {
            Outcome::Failed(_) => name == "agents/vm.agents",
            Outcome::Skipped { because } => {
                name.starts_with("agents/") && because.to_string().starts_with("agents/")
            }
            Outcome::Cancelled => false,
            Outcome::Applied | Outcome::Unchanged => !name.starts_with("agents/"),
        };
        assert!(expected, "{name}: {:?}", result.outcome);
    }
    assert!(report.failed());
    assert!(plan(&simulated, &[&builds]).is_empty());
}

fn two_files_look_at_one_lima() {
    let new = "version = 1\n[vm]\nname = \"new\"\n[lima]\nversion = \">=3\"\n";
    let (mut old, mut new) = (config("old"), config::parse(new).unwrap());
    config::together(&mut [&mut old, &mut new]).unwrap();
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let plan = plan(&host, &[&old, &new]);
    let problems: Vec<String> =
        plan.problems().map(|(address, problem)| format!("{address}: {problem}")).collect();
    assert_eq!(
        problems[0],
        "lima_install.lima: cai would install Lima 2.2.0, but the file requires >=1.1, >=3"
    );
}

fn one_lima_is_installed_for_two_files() {
    let sandbox = home(&["agents"]);
    let sha256 = "a0".repeat(32);
    let lima = format!("[lima]\nrelease = \"2.1.0\"\nsha256.linux-x86_64 = \"{sha256}\"\n");
    sandbox.write("home/builds.toml", &format!("version = 1\n{lima}[vm]\nname = \"builds\"\n"));
    sandbox.cai(&["simulate", "reset", "--platform", "linux"]).success();
    sandbox.cai(&["simulate", "break", "lima-missing", "-f", "agents.toml"]).success();
    let files = ["-f", "agents.toml", "-f", "builds.toml"];
    let ran = sandbox.cai(&[&["--simulate", "apply", "--yes"], files.as_slice()].concat());
    ran.success();
    assert_eq!(ran.stderr.matches("unpack Lima 2.1.0 ... done").count(), 1, "{ran}");
    let plan = sandbox.cai(&[&["--simulate", "plan"], files.as_slice()].concat());
    assert_eq!(plan.success().matches("No changes.").count(), 2, "{plan}");
}

/// A home with a file for each of these VMs, called as the VM.
fn home(names: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    for name in names {
        let text = format!("version = 1\n[vm]\nname = \"{name}\"\n");
        sandbox.write(&format!("home/{name}.toml"), &text);
    }
    sandbox
}

fn files_that_declare_the_same_are_refused_by_name() {
    let sandbox = home(&["agents"]);
    sandbox.write("home/copy.toml", "version = 1\n[vm]\nname = \"agents\"\n");
    for command in ["plan", "validate", "apply"] {
        let ran = sandbox.cai(&["--simulate", command, "-f", "agents.toml", "-f", "copy.toml"]);
        assert_eq!(ran.status.code(), Some(3), "{ran}");
        let told = "agents.toml and copy.toml both declare the VM agents";
        assert!(ran.stderr.contains(told), "{ran}");
    }
}

fn every_wrong_file_is_told() {
    let sandbox = home(&["good"]);
    sandbox.write("home/one.toml", "version = 1\ncpu = 1\n");
    sandbox.write("home/two.toml", "version = 2\n");
    let files = ["-f", "one.toml", "-f", "good.toml", "-f", "two.toml"];
    for command in ["plan", "validate"] {
        let ran = sandbox.cai(&[&["--simulate", command], files.as_slice()].concat());
        assert_eq!(ran.status.code(), Some(3), "{ran}");
        assert!(ran.stderr.contains("one.toml:2") && ran.stderr.contains("two.toml:1"), "{ran}");
    }
    let ran = sandbox.cai(&[&["validate", "--json"], files.as_slice()].concat());
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let valid = document["files"].as_array().unwrap().iter().map(|file| &file["valid"]);
    assert_eq!(valid.collect::<Vec<_>>(), [false, true, false]);
}

fn an_unreadable_file_does_not_hide_the_others() {
    let sandbox = home(&["good"]);
    sandbox.write("home/home.toml", "version = 1\nvm.mounts = [{ location = \"~\" }]\n");
    sandbox.write("home/typo.toml", "version = 1\ncpu = 1\n");
    std::fs::write(sandbox.path("home/image.toml"), b"version = 1\n\xff").unwrap();
    let names = ["nosuch.toml", "home.toml", "typo.toml", "image.toml", "good.toml"];
    let files: Vec<&str> = names.iter().flat_map(|name| ["-f", name]).collect();
    let ran = sandbox.cai(&[&["validate", "--json"], files.as_slice()].concat());
    assert!(ran.fails_with(3).contains("error: nosuch.toml could not be read"), "{ran}");
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let checked = document["files"].as_array().unwrap();
    let checked = checked.iter().map(|it| (it["file"].as_str().unwrap(), it["valid"] == true));
    let valid = names.map(|name| (name, name == "home.toml" || name == "good.toml"));
    assert_eq!(checked.collect::<Vec<_>>(), valid, "{ran}");
    let told = |severity: &str, file: &str| {
        let all = document["diagnostics"].as_array().unwrap().iter();
        all.filter(|it| it["severity"] == severity && it["file"] == file)
            .map(|it| it["line"].as_u64())
            .collect::<Vec<_>>()
    };
    assert_eq!(told("error", "nosuch.toml"), [None], "{ran}");
    assert_eq!(told("error", "typo.toml"), [Some(2)], "{ran}");
    assert_eq!(told("error", "image.toml"), [Some(2)], "{ran}");
    assert_eq!(told("warning", "home.toml"), [Some(2)], "{ran}");
    assert!(ran.stderr.contains("home.toml:2"), "people read it too: {ran}");
    // A valid file has its warnings as well.
    let ran = sandbox.cai(&["-q", "-f", "home.toml", "validate", "--json"]);
    let document: serde_json::Value = serde_json::from_str(ran.success()).unwrap();
    assert_eq!(document["diagnostics"][0]["severity"], "warning", "{ran}");
    assert_eq!(ran.stderr, "");
}

fn each_of_several_machines_has_its_line() {
    let sandbox = home(&["agents", "builds"]);
    sandbox.cai(&["--simulate", "apply", "--yes", "-f", "agents.toml"]).success();
    let files = ["-f", "agents.toml", "-f", "builds.toml"];
    let status = sandbox.cai(&[&["--simulate", "status"], files.as_slice()].concat());
    assert_eq!(status.status.code(), Some(1), "{status}");
    let lines: Vec<&str> = status.stdout.lines().collect();
    assert!(lines[0].contains("agents: VM Running, engine answers"), "{status}");
    assert!(lines[1].contains("builds: VM absent"), "{status}");
    let json = sandbox.cai(&[&["--simulate", "status", "--json"], files.as_slice()].concat());
    let document: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["machines"][0]["as_declared"], true);
    assert_eq!(document["machines"][1]["vm"]["status"], "absent");
    let plan = sandbox.cai(&[&["--simulate", "plan"], files.as_slice()].concat());
    assert!(plan.success().contains("No changes. agents matches agents.toml."), "{plan}");
    assert!(plan.stdout.contains("+ builds/vm.builds"), "{plan}");
    let json = sandbox.cai(&[&["--simulate", "plan", "--json"], files.as_slice()].concat());
    let document: serde_json::Value = serde_json::from_str(json.success()).unwrap();
    assert_eq!(document["files"][1], serde_json::json!({"file": "builds.toml", "vm": "builds"}));
}

fn commands_for_one_file_refuse_a_second() {
    let sandbox = home(&["agents", "builds"]);
    for command in ["destroy", "render", "setup", "init"] {
        let ran = sandbox.cai(&["--simulate", command, "-f", "agents.toml", "-f", "builds.toml"]);
        assert_eq!(ran.status.code(), Some(64), "{ran}");
        assert!(ran.stderr.contains("accepts --file only once"), "{ran}");
    }
}
