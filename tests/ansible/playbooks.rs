//! The playbooks of the collection on three hosts.

use super::fleet::{Fleet, HOSTS, Recap, recap};
use crate::support::sandbox::Ran;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![a_fleet_is_created_checked_repaired_and_deleted]
}

/// The counts of changes of each host. All were reached, and nothing failed.
#[track_caller]
fn changes(ran: &Ran) -> Vec<(String, u32)> {
    ran.success();
    let recap = recap(ran);
    assert!(recap.values().all(|it| *it == Recap::changed(it.changed)), "{ran}");
    recap.into_iter().map(|(host, recap)| (host, recap.changed)).collect()
}

/// The output on one line.
fn text(ran: &Ran) -> String {
    ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same number of changes on all hosts.
fn all(count: u32) -> Vec<(String, u32)> {
    HOSTS.map(|host| (host.to_owned(), count)).to_vec()
}

fn one(host: &str, count: u32) -> Vec<(String, u32)> {
    vec![(host.to_owned(), count)]
}

/// One fleet for all steps, because each playbook takes seconds.
fn a_fleet_is_created_checked_repaired_and_deleted() {
    let mut fleet = Fleet::new();
    creates(&fleet);
    checks_a_host_that_drifted(&fleet);
    reports_and_repairs_without_an_unreachable_host(&mut fleet);
    deletes(&fleet);
}

fn creates(fleet: &Fleet) {
    let check = fleet.playbook("site", &["--check", "--limit", "alpha"]);
    assert_eq!(changes(&check), one("alpha", 1), "only the files are compared: {check}");
    assert!(text(&check).contains("copy them with --tags cai_files first"), "{check}");
    let first = fleet.playbook("site", &[]);
    assert_eq!(changes(&first), all(2), "the files and the engine: {first}");
    for host in HOSTS {
        fleet.cai(host, &["status"]).success();
    }
    let again = fleet.playbook("site", &[]);
    assert_eq!(changes(&again), all(0), "{again}");
    let options = ["--check", "--skip-tags", "cai_files", "--limit", "alpha"];
    let check = fleet.playbook("site", &options);
    assert_eq!(changes(&check), one("alpha", 0), "{check}");
}

fn checks_a_host_that_drifted(fleet: &Fleet) {
    fleet.cai("beta", &["simulate", "break", "group"]).success();
    let check = fleet.playbook("site", &["--check", "--diff", "--limit", "beta"]);
    assert_eq!(changes(&check), one("beta", 1), "{check}");
    assert!(check.stdout.contains("+ group_membership.@lima.docker"), "{check}");
    fleet.cai("beta", &["status"]).fails_with(1);
}

fn reports_and_repairs_without_an_unreachable_host(fleet: &mut Fleet) {
    fleet.disconnect("alpha");
    let report = fleet.playbook("report", &[]);
    report.success();
    let text = text(&report);
    for row in [
        "state as declared 1 state has findings 1 state unreachable 1 VM Running 2",
        "finding error group_missing 1",
        "alpha unreachable: ",
        "beta has findings: group_missing: dev is not in group docker in the guest",
    ] {
        assert!(text.contains(row), "{row}: {report}");
    }
    let repaired = fleet.playbook("site", &[]);
    repaired.fails_with(4);
    let recap = recap(&repaired);
    assert_eq!(recap["alpha"], Recap { changed: 0, unreachable: 1, failed: 0 }, "{repaired}");
    assert_eq!(recap["beta"], Recap::changed(1), "{repaired}");
    assert_eq!(recap["gamma"], Recap::changed(0), "{repaired}");
    fleet.cai("beta", &["status"]).success();
}

fn deletes(fleet: &Fleet) {
    let options =
        ["--limit", "beta,gamma", "-e", "cai_state=absent", "-e", "cai_allow_destroy=agents"];
    let deleted = fleet.playbook("site", &options);
    let expected = [one("beta", 1), one("gamma", 1)].concat();
    assert_eq!(changes(&deleted), expected, "{deleted}");
    for host in ["beta", "gamma"] {
        let status = fleet.cai(host, &["status"]);
        status.fails_with(1);
        assert!(status.stdout.contains("VM absent"), "{status}");
    }
}
