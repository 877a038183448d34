//! The simulated host: `cai` on it, and it as such.

mod accounts;
pub mod adopted;
mod again;
mod cli;
mod converge;
mod daemon;
mod daemon_json;
mod data_disk;
mod facts;
pub mod imported;
mod machine;
mod maintenance;
mod others;
mod programs;
mod promise;
mod property;
mod reimported;
mod removal;
mod removal_edges;
mod repository;
mod settings;
mod several;
mod width;

use containai::config::Config;
use containai::host::{Host, Probe};
use containai::plan::{Plan, Unshown};
use containai::reconcile::apply::{ApplyError, Outcome, Report};
use containai::reconcile::graph::Graph;
use containai::reconcile::observe::observe;
use libtest_mimic::Trial;

/// Faults that `cai` tells of and leaves to a person.
pub const TOLD: [&str; 2] = ["docker-missing", "ssh-missing"];

/// All trials.
pub fn trials() -> Vec<Trial> {
    [
        accounts::trials(),
        adopted::trials(),
        imported::trials(),
        again::trials(),
        cli::trials(),
        converge::trials(),
        daemon::trials(),
        daemon_json::trials(),
        data_disk::trials(),
        facts::trials(),
        maintenance::trials(),
        others::trials(),
        programs::trials(),
        promise::trials(),
        property::trials(),
        settings::trials(),
        reimported::trials(),
        removal::trials(),
        removal_edges::trials(),
        repository::trials(),
        several::trials(),
        width::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn plan(host: &dyn Probe, config: &Config) -> Plan {
    planned(host, config).1
}

fn planned(host: &dyn Probe, config: &Config) -> (Graph, Plan) {
    let facts = [observe(host, config).unwrap()];
    let graph = Graph::observed(&[config], &facts).unwrap();
    let plan = Plan::new(&graph, &facts);
    (graph, plan)
}

/// Why what failed in an apply did, in words.
fn failures(report: &Report) -> String {
    let failed = report.results.iter().filter_map(|result| match &result.outcome {
        Outcome::Failed(why) => Some(containai::report::failure(&result.address.to_string(), why)),
        _ => None,
    });
    failed.collect::<Vec<_>>().join("\n")
}

/// Whether whatever failed did because it disturbs more than the plan showed. Every value must have been
/// shown.
fn only_more_than_was_shown(report: &Report) -> bool {
    report.results.iter().all(|result| match &result.outcome {
        Outcome::Failed(ApplyError::NotShown(what)) => {
            !matches!(what, Unshown::Sets(_) | Unshown::Removes(_))
        }
        Outcome::Failed(_) => false,
        _ => true,
    })
}

/// What a plan would change, and why, in words.
fn effects(plan: &Plan) -> String {
    let lines = plan.effective().map(|change| {
        let reasons: Vec<String> = change.reasons.iter().map(ToString::to_string).collect();
        format!("{:?} {}: {}", change.action, change.address, reasons.join("; "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn apply(host: &dyn Host, config: &Config) -> Report {
    let (graph, plan) = planned(host, config);
    containai::reconcile::apply::apply(host, &[config], &graph, &plan, &|_| {})
}
