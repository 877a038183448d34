//! Random faults, several at once, and random ways to repair them: `cargo test --locked --test main
//! -- --ignored soak`. The random seed is printed. `CAI_TEST_SEED` sets it, and `CAI_TEST_ROUNDS`
//! sets the number of rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use containai::doctor::Code;

use super::engine::{Engine, shared};
use super::faults::{FAULTS, Fault};
use super::sysbox;
use crate::support::chance::Chance;
use crate::support::stops::declared;
use crate::support::tally::REAL_SOAK;
use crate::support::trials;

/// The test takes long, so it runs only on request.
pub fn trials() -> Vec<libtest_mimic::Trial> {
    let trials = trials![a_soak_of_random_faults_loses_no_container];
    trials.into_iter().map(|trial| trial.with_ignored_flag(true)).collect()
}

const ROUNDS: u64 = 20;
/// Each with its runtime: a restart of Sysbox stops containers that use its runtime.
const CONTAINERS: [(&str, &str); 3] =
    [("first", "runc"), ("second", "runc"), ("system", "sysbox-runc")];

/// One to three faults. Faults of the whole VM come last, because the others need its guest.
fn faults(chance: &mut Chance) -> Vec<&'static Fault> {
    let mut rest: Vec<&Fault> = FAULTS.iter().collect();
    let count = 1 + chance.below(3);
    let mut chosen: Vec<&Fault> =
        (0..count).map(|_| rest.swap_remove(chance.below(rest.len()))).collect();
    chosen.sort_by_key(|fault| fault.restarts);
    chosen
}

/// The running containers: their IDs and start times.
fn running(engine: &Engine) -> BTreeMap<String, String> {
    let format = "{{.Name}} {{.Id}} {{.State.StartedAt}}";
    let ids = engine.running();
    let ids: Vec<&str> = ids.lines().collect();
    if ids.is_empty() {
        return BTreeMap::new();
    }
    let seen = engine.docker(&[&["inspect", "--format", format], ids.as_slice()].concat());
    let lines = seen.success().lines().filter_map(|line| line.split_once(' '));
    lines.map(|(name, rest)| (name.trim_start_matches('/').into(), rest.into())).collect()
}

/// Repairs the engine with doctor or apply. Returns the containers that the plans declared to stop.
fn mend(engine: &Engine, by_doctor: bool) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let foresee = |named: &mut BTreeSet<String>| {
        let plan = engine.cai_quietly(&["plan", "--json"]);
        let plan = serde_json::from_str(plan.success()).unwrap();
        named.extend(declared(&plan, &CONTAINERS));
    };
    foresee(&mut named);
    if !by_doctor {
        engine.cai(&["apply", "--yes"]).success();
        return named;
    }
    // The first run fixes what is broken. Plain drift follows.
    for _ in 0..3 {
        if engine.cai(&["doctor", "--fix", "--yes"]).status.success() {
            return named;
        }
        foresee(&mut named);
    }
    panic!("doctor --fix does not come to an end");
}

fn round(engine: &Engine, chance: &mut Chance) {
    sysbox::install(engine);
    let present = running(engine);
    for (name, runtime) in CONTAINERS.iter().filter(|(name, _)| !present.contains_key(*name)) {
        engine.container_with(name, &format!("--runtime={runtime}"));
    }
    let mut before = running(engine);
    let faults = self::faults(chance);
    for fault in &faults {
        println!("strikes: {}", fault.code);
        (fault.strike)(engine);
    }
    if faults.iter().any(|fault| fault.code == Code::VmStopped) {
        before.clear();
    }
    let named = mend(engine, chance.below(2) == 0);
    engine.works();
    let after = running(engine);
    before.retain(|name, _| !named.contains(name));
    let lost: Vec<&String> = before
        .iter()
        .filter(|(name, what)| after.get(*name) != Some(what))
        .map(|it| it.0)
        .collect();
    assert!(lost.is_empty(), "lost {lost:?}, and the plan named {named:?}");
}

fn a_soak_of_random_faults_loses_no_container() {
    let rounds = std::env::var("CAI_TEST_ROUNDS");
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let mut chance = Chance::seeded();
    let started = Instant::now();
    let engine = shared();
    for round_number in 1..=rounds {
        println!("round {round_number} of {rounds}, seed {}", chance.seed);
        REAL_SOAK.case(|| round(&engine, &mut chance));
    }
    println!("{rounds} rounds in {} s, no container lost", started.elapsed().as_secs());
}
