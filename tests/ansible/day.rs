//! A team's day, from the documentation alone: its commands and files are those of the examples, the README of the
//! collection, and the help topics. The machines and their engines are simulated; git, ssh and Ansible are real.
//!
//! `CAI_TEST_PACKAGE=/path/to/deb` makes it the day of a team that has the program of this Debian package.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::control::{Control, collection};
use super::fleet::{Fleet, Recap, recap};
use super::team::{LOCAL, Team, blocks, commands, example};
use crate::cli::documents::root;
use crate::simulate::{adopted::ROOTFUL, imported};
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![a_team_shares_imports_reviews_repairs_and_upgrades]
}

/// The hosts in the README of the collection.
const HOSTS: [&str; 2] = ["build-01", "build-02"];
/// What the base file has in the morning, and in the evening.
const SYSBOX: [&str; 2] = ["version = \"0.7.0\"", "version = \"0.7.1\""];
const CONTEXT: &str = "docker context create lima-docker-rootful --docker \
                       host=unix:///home/dev.simulated/.lima/docker-rootful/sock/docker.sock";

fn a_team_shares_imports_reviews_repairs_and_upgrades() {
    let fleet = Fleet::with(Control::bare(), &HOSTS);
    let sandbox = &fleet.control.sandbox;
    let program = program(sandbox);
    std::fs::remove_file(sandbox.path("bin/cai")).unwrap();
    sandbox.link_program("cai", &program);
    let base = format!("\n[sysbox]\n{}\n", SYSBOX[0]);
    let team = Team::new(sandbox, &base, &["first", "second", "runner"]);
    // The second member has a VM from Lima's template, and the context that its message asks for.
    imported::save(&team.machine("second"), "docker-rootful", ROOTFUL, &[CONTEXT]);

    two_members_have_their_own_values(&team);
    a_pull_request_with_an_error_is_corrected(&team, sandbox);
    the_existing_vm_is_imported(&team, sandbox);
    the_fleet_gets_the_program_and_the_file(&team, &fleet, &program.display().to_string());
    a_host_that_drifted_is_reported_and_repaired(&fleet);
    a_new_sysbox_is_reviewed_and_rolled_out(&team, &fleet);
}

/// The program of the package, or the one that the other tests run.
fn program(sandbox: &Sandbox) -> PathBuf {
    let package = std::env::var_os("CAI_TEST_PACKAGE").filter(|path| !path.is_empty());
    let Some(package) = package else { return env!("CARGO_BIN_EXE_cai").into() };
    let place = sandbox.path("package");
    let words = ["dpkg-deb", "-x", package.to_str().unwrap(), place.to_str().unwrap()];
    sandbox.run(&words).success();
    place.join("usr/bin/cai")
}

/// A topic of `cai help`.
fn topic(sandbox: &Sandbox, name: &str) -> String {
    sandbox.cai(&["help", name]).success().to_owned()
}

/// The README of the collection.
fn readme() -> String {
    std::fs::read_to_string(collection().join("README.md")).unwrap()
}

fn two_members_have_their_own_values(team: &Team<'_>) {
    let local = example("team/containai.local.toml");
    let smaller = local.replace("cpus = 8", "cpus = 2").replace("16GiB", "4GiB");
    for (member, local, cpus) in [("first", &local, "8"), ("second", &smaller, "2")] {
        team.write(member, LOCAL, local);
        let layers = team.cai(member, &["help", "layers"]);
        let lines = commands(layers.success(), "cai validate --explain");
        let [explain, render] = &lines[..] else { panic!("{lines:?}") };
        let explained = team.run(member, &["sh", "-c", explain]);
        for setting in [
            format!("{LOCAL}:6 vm.cpus = {cpus}"),
            "containai.toml:7 vm.name = \"shop\"".to_owned(),
            "base.toml:9 vm.disk = \"60GiB\"".to_owned(),
        ] {
            assert!(rows(explained.success()).contains(&setting), "{setting}: {explained}");
        }
        let merged = team.run(member, &["sh", "-c", render]);
        assert!(merged.success().contains(&format!("\ncpus = {cpus}\n")), "{merged}");
        team.cai(member, &["apply", "--yes"]).success();
        let plan = team.cai(member, &["plan"]);
        assert!(plan.success().contains("No changes. shop matches containai.toml."), "{plan}");
        assert_eq!(team.git(member, "status --porcelain"), "", "the local file is not ignored");
    }
}

fn a_pull_request_with_an_error_is_corrected(team: &Team<'_>, sandbox: &Sandbox) {
    let [name, more] = ["name = \"shop\"\n", "name = \"shop\"\nmemory = \"12GB\"\n"];
    team.edit("first", "containai.toml", name, more);
    team.commit("first", "memory");
    let checked = team.check("memory", "Validate");
    let annotation = "\n::error file=containai.toml,line=8,col=10,title=cai::";
    assert!(checked.fails_with(3).contains(annotation), "{checked}");
    team.edit("first", "containai.toml", "12GB", "12GiB");
    team.commit("first", "memory");
    let comment = reviewed(team, sandbox, "memory");
    assert!(comment.contains("\"8GiB\" -> \"12GiB\""), "{comment}");
    team.merge("memory", &["first", "second"]);
}

/// The comment of the workflow on a pull request that changes one resource.
fn reviewed(team: &Team<'_>, sandbox: &Sandbox, branch: &str) -> String {
    for step in ["Validate", "Plan", "Comment"] {
        team.check(branch, step).success();
    }
    let comment = std::fs::read_to_string(sandbox.path("home/comment.md")).unwrap();
    assert!(comment.contains("0 to add, 1 to change"), "{comment}");
    comment
}

fn the_existing_vm_is_imported(team: &Team<'_>, sandbox: &Sandbox) {
    sandbox.directory("home/imported");
    let run = |line: &str| team.run("second", &["sh", "-c", &format!("cd ../imported && {line}")]);
    let lines = commands(&topic(sandbox, "import"), "cai import docker-rootful");
    let [import, plan, apply] = &lines[..] else { panic!("{lines:?}") };
    run(import).success();
    let (plan, apply) = (run(plan), run(apply));
    apply.success();
    for said in [plan.success(), &apply.stderr] {
        assert!(said.contains("No changes. docker-rootful matches"), "{plan}{apply}");
    }
    let list = run("cai list");
    assert!(["shop", "docker-rootful"].iter().all(|it| list.success().contains(it)), "{list}");
}

fn the_fleet_gets_the_program_and_the_file(team: &Team<'_>, fleet: &Fleet, program: &str) {
    let sandbox = &fleet.control.sandbox;
    let readme = readme();
    std::os::unix::fs::symlink(root().join("examples"), sandbox.path("home/examples")).unwrap();
    sandbox.write("home/inventory.ini", &blocks(&readme, "ini")[0]);
    sandbox.directory("home/engine");
    let file =
        blocks(&readme, "toml")[0].replace("version = 1", "version = 1\nextends = \"base.toml\"");
    sandbox.write("home/engine/containai.toml", &file);
    sandbox.write("home/engine/base.toml", &team.read("first", "base.toml"));
    // A script is copied faster than the program, which it starts.
    sandbox.directory("home/target/release");
    sandbox.write("home/target/release/cai", &format!("#!/bin/sh\nexec {program} \"$@\"\n"));
    let install = blocks(&readme, "sh").swap_remove(0);
    let lines = install.lines().map(str::trim).filter(|line| line.starts_with("ansible "));
    let copied: Vec<Ran> = lines.map(|line| shell(fleet, line)).collect();
    let [directory, copied] = &copied[..] else { panic!("two commands: {install}") };
    assert!(directory.success().contains("build-01 | CHANGED"), "{directory}");
    assert!(copied.success().contains("build-02 | CHANGED"), "{copied}");

    let [install, site, _] = &fleets(sandbox)[..] else { panic!("three commands") };
    shell(fleet, install).success();
    let created = shell(fleet, site);
    assert_eq!(changed(&created), [2, 2], "the files and the engine: {created}");
}

/// The commands of `cai help fleets` for Ansible: they install the collection, apply and report.
fn fleets(sandbox: &Sandbox) -> Vec<String> {
    commands(&topic(sandbox, "fleets"), "ansible-galaxy")
}

/// Runs a command line of a document on the control node.
fn shell(fleet: &Fleet, line: &str) -> Ran {
    fleet.control.run(&["bash", "-c", line])
}

/// The counts of changes of each host. All were reached, and nothing failed.
fn changed(ran: &Ran) -> [u32; 2] {
    ran.success();
    let mut recap = recap(ran);
    HOSTS.map(|host| {
        let counts = recap.remove(host).unwrap_or_else(|| panic!("{host}: {ran}"));
        assert_eq!(counts, Recap::changed(counts.changed), "{ran}");
        counts.changed
    })
}

/// The lines of a text, without their alignment.
fn rows(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn a_host_that_drifted_is_reported_and_repaired(fleet: &Fleet) {
    let [_, site, report] = &fleets(&fleet.control.sandbox)[..] else { panic!("three commands") };
    fleet.cai("build-02", &["simulate", "break", "group"]).success();
    let reported = shell(fleet, report);
    // The table in the README is that of a fleet with the newest Sysbox.
    let table = blocks(&readme(), "text")[0].replace("0.7.1.linux", "0.7.0.linux");
    let shown = rows(reported.success());
    for row in rows(&table) {
        assert!(shown.contains(&row), "{row}: {reported}");
    }
    let repaired = shell(fleet, site);
    assert_eq!(changed(&repaired), [0, 1], "{repaired}");
    fleet.cai("build-02", &["status"]).success();
}

fn a_new_sysbox_is_reviewed_and_rolled_out(team: &Team<'_>, fleet: &Fleet) {
    let sandbox = &fleet.control.sandbox;
    team.edit("second", "base.toml", SYSBOX[0], SYSBOX[1]);
    team.commit("second", "sysbox");
    let diff = "version = \"0.7.0.linux\" -> \"0.7.1\"";
    let comment = reviewed(team, sandbox, "sysbox");
    assert!(comment.contains("provision.sysbox") && comment.contains(diff), "{comment}");
    team.merge("sysbox", &["first", "second"]);
    for member in ["first", "second"] {
        let plan = team.cai(member, &["plan"]);
        assert!(plan.success().contains(diff), "{plan}");
        team.cai(member, &["apply", "--yes"]).success();
        let plan = team.cai(member, &["plan"]);
        assert!(plan.success().contains("No changes."), "{plan}");
    }

    sandbox.write("home/engine/base.toml", &team.read("first", "base.toml"));
    let [_, site, _] = &fleets(sandbox)[..] else { panic!("three commands") };
    let upgraded = shell(fleet, site);
    assert_eq!(changed(&upgraded), [2, 2], "the base file and the engine: {upgraded}");
    for host in HOSTS {
        let report = fleet.cai(host, &["report"]);
        let line: Value = serde_json::from_str(report.success()).unwrap();
        assert_eq!(line["versions"]["sysbox"], "0.7.1.linux", "{report}");
        assert_eq!(line["drift"]["changes"], json!([]), "{report}");
    }
}
