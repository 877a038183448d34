//! Random faults and changes of the file, one after another on the same machine, each of them
//! repaired. No container stops without being named in a plan. `cargo test --locked --test main --
//! --ignored soak` is the long run.

use std::collections::{BTreeMap, BTreeSet};

use containai::config;
use containai::simulate::{Call, FAULTS, Fault, run};
use serde_json::{Value, json};

use crate::simulate::TOLD;
use crate::support::chance::{Chance, SEED};
use crate::support::fake_world::{FakeWorld, KILL};
use crate::support::stops;
use crate::support::tally::SOAK;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    let long = trials![five_hundred_rounds_lose_no_container].into_iter();
    let long = long.map(|trial| trial.with_ignored_flag(true));
    let short = trials![a_few_rounds_lose_no_container, only_what_a_plan_says_is_declared];
    short.into_iter().chain(long).collect()
}

/// The maximum number of applies until the machine matches the file. An apply leaves changes that
/// would stop something unseen by its plan to the next one, and one of the applies may be killed.
const RUNS: usize = 4;
/// Faults whose repair installs a missing program, which the fake machine cannot do.
const INSTALLS: [&str; 3] = ["lima-missing", "lima-old", "docker-missing"];

fn a_few_rounds_lose_no_container() {
    soak(8);
}

fn five_hundred_rounds_lose_no_container() {
    soak(500);
}

fn only_what_a_plan_says_is_declared() {
    let runtimes = [("plain", "runc"), ("system", "sysbox-runc")];
    let change = |disruption: &str, fallback: Value, stops: Value| {
        let action = if disruption == "none" { "no-op" } else { "refresh" };
        json!({ "action": action, "disruption": disruption, "fallback": fallback, "stops": stops })
    };
    let listed = json!([{ "name": "plain" }]);
    let all: &[&str] = &["plain", "system"];
    let cases: [(_, _, _, &[&str]); 8] = [
        ("vm-restart", Value::Null, listed.clone(), &["plain"]),
        ("daemon-restart", Value::Null, json!([]), &[]),
        // The plan says "fallback".
        ("session-refresh", json!({ "stops": listed }), json!([]), &[]),
        ("daemon-restart", json!({ "stops": null }), listed.clone(), &["plain"]),
        ("none", Value::Null, listed, &[]),
        // The plan could not tell which containers run.
        ("vm-stop", Value::Null, Value::Null, all),
        ("sysbox-restart", Value::Null, Value::Null, &["system"]),
        ("daemon-restart", Value::Null, Value::Null, &[]),
    ];
    for (disruption, fallback, stops, names) in cases {
        let plan = json!({ "resource_changes": [change(disruption, fallback, stops)] });
        let declared = stops::declared(&plan, &runtimes);
        assert!(declared.iter().eq(names), "{plan}: {declared:?}");
    }
}

fn soak(rounds: u32) {
    let mut chance = Chance::seeded();
    let machine = FakeWorld::new(&file(&mut chance));
    machine.cai(&["apply", "--yes"]).success();
    let (mut lived, mut stopped) = (0, 0);
    for round in 1..=rounds {
        let name = format!("{SEED}={}, round {round}", chance.seed);
        let (on, off) = SOAK.case(|| one(&machine, &mut chance, &name));
        lived += on;
        stopped += off;
    }
    println!(
        "{rounds} rounds: {lived} times a container lived on, {stopped} were stopped as planned"
    );
    assert!(lived > 0, "there was no container that could have been lost");
}

/// Breaks the machine and has it repaired. Returns how many containers kept running and how many
/// stopped.
fn one(machine: &FakeWorld, chance: &mut Chance, name: &str) -> (usize, usize) {
    if chance.one_in(3) {
        machine.sandbox.write("home/containai.toml", &file(chance));
    }
    let text = std::fs::read_to_string(machine.sandbox.path("home/containai.toml")).unwrap();
    let config = config::parse(&text).unwrap();
    machine.change(|world| {
        start_container(world, chance);
        for _ in 0..=chance.below(2) {
            let names = FAULTS.iter().map(|fault| fault.name);
            let names: Vec<&str> =
                names.filter(|name| !TOLD.contains(name) && !INSTALLS.contains(name)).collect();
            Fault::find(chance.pick(&names)).unwrap().strike(world, &config);
        }
    });
    let before = running(machine);
    // No container uses Sysbox.
    let runtimes: Vec<_> = before.keys().map(|name| (name.as_str(), "runc")).collect();
    let (mut declared, mut restarted) = (BTreeSet::new(), BTreeSet::new());
    let mut tried = Vec::new();
    loop {
        let plan = machine.cai(&["plan", "--json", "--detailed-exitcode"]);
        let changes: Value = serde_json::from_str(&plan.stdout)
            .unwrap_or_else(|why| panic!("{name}: {why}: {plan}"));
        if plan.status.success() {
            break;
        }
        tried.push(plan.to_string());
        assert!(tried.len() <= 2 * RUNS, "{name}: it is never done:\n{}", tried.join("\n"));
        declared.extend(stops::declared(&changes, &runtimes));
        restarted.extend(restarts(&changes));
        let phase = if chance.one_in(2) { "before" } else { "after" };
        let point = format!("{phase} {}", 1 + chance.below(12));
        let killed = [(KILL, point.as_str())];
        let is_killed = chance.one_in(4);
        machine.calls();
        let apply = machine.cai_with(&["apply", "--yes"], if is_killed { &killed } else { &[] });
        tried.push(apply.to_string());
        let may_fail = is_killed;
        assert!(apply.status.success() || may_fail, "{name}: {}", tried.join("\n"));
        assert!(
            !apply.stderr.contains("did not converge"),
            "{name}: a step did not what the plan said:\n{}",
            tried.join("\n")
        );
    }
    let after = running(machine);
    for container in before.keys().filter(|name| restarted.contains(*name)) {
        let tried = tried.join("\n");
        assert!(after.contains_key(container), "{name}: {container} stays stopped:\n{tried}");
    }
    let is_same = |(name, since): &(&String, &u64)| after.get(*name) == Some(*since);
    let (lived, stopped): (Vec<_>, Vec<_>) = before.iter().partition(is_same);
    for (container, _) in &stopped {
        assert!(
            declared.contains(*container),
            "{name}: {container} was lost, and no plan named it:\n{}",
            tried.join("\n")
        );
    }
    (lived.len(), stopped.len())
}

/// The containers that a plan declares to start again.
fn restarts(plan: &Value) -> impl Iterator<Item = String> {
    let changes = plan["resource_changes"].as_array().unwrap().iter();
    let containers = changes.flat_map(|change| change["restarts"].as_array().unwrap());
    containers.map(|container| container["name"].as_str().unwrap().to_owned())
}

/// The running containers and their start times.
fn running(machine: &FakeWorld) -> BTreeMap<String, u64> {
    let world = machine.world();
    let guests = world.instances.values().filter_map(|instance| instance.guest.as_ref());
    let containers = guests.flat_map(|guest| &guest.containers).filter(|it| it.running);
    containers.map(|it| (it.name.clone(), it.started)).collect()
}

/// Starts a container, if possible.
fn start_container(world: &mut containai::simulate::World, chance: &mut Chance) {
    let name = format!("agent-{}", chance.below(4));
    let args = ["--context", "containai-secure", "run", "-d", "--name", &name, "registry"];
    let args = args.map(str::to_owned);
    run(world, "docker", &Call { args: &args, ..Call::default() });
}

/// A file whose settings an engine can load.
fn file(chance: &mut Chance) -> String {
    let cpus = 2 + chance.below(3);
    let memory = chance.pick(&["", "memory = \"3GiB\"\n"]);
    let daemon = chance.pick(&["", "[docker.daemon]\nlog-driver = \"local\"\n"]);
    let gid = chance.pick(&["", "[[groups]]\nname = \"docker\"\ngid = 2375\n"]);
    let users = "[[users]]\nname = \"@lima\"\ngroups = [\"docker\"]\n[[users]]\nname = \"robot\"\n";
    let groups = chance.pick(&["groups = []\n", "groups = [\"docker\"]\n"]);
    format!("version = 1\n[vm]\ncpus = {cpus}\n{memory}{daemon}{gid}{users}{groups}")
}
