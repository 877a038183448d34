//! Many files planned together.

use std::process::Command;
use std::time::Instant;

use containai::config::{self, Config};
use containai::docker::metadata_path;
use containai::host::System;
use containai::model::ContextName;
use containai::plan::{Plan, PlanDocument};
use containai::reconcile::apply;
use containai::reconcile::graph::Graph;
use containai::reconcile::observe::observe_all;
use containai::report;
use containai::simulate::{Instance, LINUX, SimulatedHost, World};

use crate::figure;

const COUNTS: [usize; 3] = [100, 1_000, 10_000];

/// The number of files that this process was started to plan.
pub fn asked(arguments: &[String]) -> Option<usize> {
    let place = arguments.iter().position(|argument| argument == "--files")?;
    arguments.get(place + 1)?.parse().ok()
}

/// What a file says, with every kind of resource.
fn text(name: &str) -> String {
    format!(
        "version = 1\n[vm]\nname = \"{name}\"\n[[groups]]\nname = \"docker\"\ngid = 2375\n\
         [[groups]]\nname = \"agents\"\n[[users]]\nname = \"@lima\"\ngroups = [\"docker\"]\n\
         [[users]]\nname = \"robot\"\ngroups = [\"agents\"]\n"
    )
}

/// A world in which each of these VMs is as its file says: one is made, the others are copies.
fn world(names: &[String]) -> World {
    let first = config::parse(&text(&names[0])).unwrap();
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let configs = [&first];
    let graph = Graph::new(&configs).unwrap();
    let plan = Plan::new(&graph, &observe_all(&host, &configs).unwrap());
    let done = apply::apply(&host, &configs, &graph, &plan, &|_| {});
    assert!(!done.failed(), "{}", report::finished(&done, &[]));
    let mut world = host.world();
    let instance = serde_json::to_string(&world.instances[&names[0]]).unwrap();
    let context = world.contexts.values().next().unwrap().clone();
    let docker_config = world.computer.docker_config.clone();
    let record = world.files.iter().find(|(path, _)| path.ends_with("cai.json")).unwrap();
    let record = (record.0.to_str().unwrap().to_owned(), record.1.clone());
    for name in &names[1..] {
        let renamed = |text: &str| text.replace(&names[0], name);
        let copy: Instance = serde_json::from_str(&renamed(&instance)).unwrap();
        world.instances.insert(name.clone(), copy);
        world.files.insert(renamed(&record.0).into(), renamed(&record.1));
        let path = metadata_path(&docker_config, &name.parse::<ContextName>().unwrap());
        let directory = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        world.contexts.insert(directory.to_owned(), renamed(&context));
    }
    world
}

/// Plans this many files, and prints: nodes, seconds, bytes at most, bytes before.
pub fn measure(count: usize) {
    let names: Vec<String> = (0..count).map(|number| format!("vm-{number:05}")).collect();
    let host = SimulatedHost::new(&System, world(&names));
    let texts: Vec<String> = names.iter().map(|name| text(name)).collect();
    let before = memory("VmRSS");
    let started = Instant::now();
    let mut configs: Vec<Config> = texts.iter().map(|text| config::parse(text).unwrap()).collect();
    let mut all: Vec<&mut Config> = configs.iter_mut().collect();
    assert_eq!(config::together(&mut all), Ok(()));
    let configs: Vec<&Config> = configs.iter().collect();
    let stage = || (started.elapsed(), memory("VmRSS") >> 20);
    let parsed = stage();
    let graph = Graph::new(&configs).unwrap();
    let ordered = stage();
    let facts = observe_all(&host, &configs).unwrap();
    let observed = stage();
    let plan = Plan::new(&graph, &facts);
    let document = PlanDocument::new(&plan, &[]);
    let took = started.elapsed();
    assert!(plan.is_empty(), "the world is not as the files say");
    let planned = stage();
    for (what, (time, mebibytes)) in
        [("parsed", parsed), ("ordered", ordered), ("observed", observed), ("planned", planned)]
    {
        eprintln!("{count} files {what} after {time:?}, {mebibytes} MiB");
    }
    let nodes = document.resource_changes.len();
    println!("{nodes} {} {} {before}", took.as_secs_f64(), memory("VmHWM"));
}

/// What the kernel says of this process's memory, in bytes.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

pub fn run() -> bool {
    let mut results = Vec::new();
    for count in COUNTS {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let output = command.args(["--files", &count.to_string()]).output().unwrap();
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{count} files");
        let line = String::from_utf8(output.stdout).unwrap();
        let figures: Vec<f64> = line.split_whitespace().map(|it| it.parse().unwrap()).collect();
        results.push((count, figures));
    }
    let mut holds = true;
    for (count, figures) in &results {
        let (nodes, seconds, most) = (figures[0], figures[1], figures[2] / f64::from(1 << 20));
        println!("{count} files: {nodes} nodes, {seconds:.3} s, at most {most:.0} MiB");
    }
    let last = &results[COUNTS.len() - 1].1;
    holds &= figure("nodes missing to 100,000", (100_000.0 - last[0]).max(0.0), 0.0, "");
    holds &= figure("10,000 files planned together", last[1], 5.0, " s");
    holds &= figure(
        "their memory, with the simulated host's",
        last[2] / f64::from(1 << 20),
        700.0,
        " MiB",
    );
    for pair in results.windows(2) {
        let [(few, small), (many, large)] = pair else { continue };
        let growth = (large[1] / large[0]) / (small[1] / small[0]);
        let what = format!("time for a node, {many} files / {few} files");
        holds &= figure(&what, growth, 2.0, "");
    }
    holds
}
