//! `cai setup`: from nothing to an engine in one command.

use super::fake;
use super::plan::document;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_dry_run_shows_the_plan_and_writes_nothing,
        without_a_yes_nothing_is_written,
        by_force_the_file_is_written_and_applied,
        a_file_that_exists_is_used_as_it_is,
        on_a_terminal_it_asks,
        a_replacement_needs_more_than_force,
    ]
}

/// Tools, and no file.
fn no_file() -> Sandbox {
    let sandbox = fake::fresh();
    std::fs::remove_file(sandbox.path("home/containai.toml")).unwrap();
    sandbox
}

fn has_file(sandbox: &Sandbox) -> bool {
    sandbox.path("home/containai.toml").exists()
}

fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let sandbox = no_file();
    let ran = sandbox.cai(&["setup", "--dry-run"]);
    assert!(ran.success().contains("+ vm.containai-secure"), "{ran}");
    assert!(ran.stderr.contains("setup would create containai.toml"), "{ran}");
    let json = document(&sandbox.cai(&["setup", "--dry-run", "--json"]));
    assert_eq!(json["summary"]["add"], 7);
    assert!(!has_file(&sandbox));
    assert_eq!(fake::calls(&sandbox), [""; 0]);
    sandbox.cai(&["setup", "--dry-run", "--force"]).fails_with(64);
}

fn without_a_yes_nothing_is_written() {
    let sandbox = no_file();
    let ran = sandbox.cai(&["setup"]);
    let error = ran.fails_with(4);
    assert!(error.contains("+ vm.containai-secure") && error.contains("cai setup --yes"), "{ran}");
    assert!(!has_file(&sandbox));
    assert_eq!(fake::calls(&sandbox), [""; 0]);
}

fn by_force_the_file_is_written_and_applied() {
    let sandbox = no_file();
    // The fake makes no VM.
    let ran = sandbox.cai(&["setup", "--force", "--verbose"]);
    assert!(ran.fails_with(1).contains("Wrote containai.toml"), "{ran}");
    assert!(ran.stderr.contains("limactl list --json"), "{ran}");
    assert_eq!(fake::calls(&sandbox), ["--tty=false create --name=containai-secure -"]);
    sandbox.cai(&["validate"]).success();
}

fn a_file_that_exists_is_used_as_it_is() {
    let sandbox = fake::engine();
    let ran = sandbox.cai(&["setup", "--force"]);
    ran.success();
    assert!(ran.stderr.contains("Apply complete"), "{ran}");
    let file = std::fs::read_to_string(sandbox.path("home/containai.toml")).unwrap();
    assert_eq!(file, fake::FILE);
    let again = sandbox.cai(&["setup"]);
    assert_eq!(
        (again.success(), again.stderr.as_str()),
        ("", "No changes. containai-secure matches containai.toml.\n")
    );
}

fn on_a_terminal_it_asks() {
    let sandbox = fake::engine();
    let ran = sandbox.cai_on_terminal(&["setup"], "y");
    assert!(ran.fails_with(4).contains("the answer was not \"yes\""), "{ran}");
    let ran = sandbox.cai_on_terminal(&["setup"], "yes");
    ran.success();
    assert!(ran.stderr.contains("Apply complete"), "{ran}");
}

fn a_replacement_needs_more_than_force() {
    let sandbox = fake::engine_of_another_image();
    let ran = sandbox.cai(&["setup", "--force"]);
    let error = ran.fails_with(4);
    assert!(error.contains("cai setup --yes --allow-replace containai-secure"), "{ran}");
    assert_eq!(fake::calls(&sandbox), [""; 0]);
}
