//! `cai destroy`: what cai made, once its name was given, and nothing else.

use serde_json::json;

use super::fake;
use crate::support::documents;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        without_a_name_nothing_is_destroyed,
        the_vm_and_its_context_are_destroyed_once_the_name_is_typed,
        a_protected_vm_is_destroyed_when_its_name_is_given,
        a_broken_vm_is_ended_by_force_first,
        where_there_is_nothing_it_says_so,
        a_vm_that_cai_did_not_make_needs_its_name_on_the_command_line,
        a_context_that_cai_did_not_make_is_left_alone,
        the_current_context_stops_it_before_anything_is_lost,
        a_failed_step_keeps_what_comes_after_it,
        a_vm_that_is_still_there_is_no_success,
        without_limactl_nobody_knows_what_there_is,
        as_json_the_end_is_one_document,
    ]
}

const NAME: [&str; 3] = ["destroy", "--allow-destroy", "containai-secure"];

/// An engine with its context, and a `limactl` that deletes. `more` are fields of its list.
fn made(status: &str, more: &str) -> Sandbox {
    let sandbox = fake::engine();
    sandbox.cai(&["apply", "--yes"]).success();
    deleting(&sandbox, status, more);
    sandbox
}

fn deleting(sandbox: &Sandbox, status: &str, more: &str) {
    let listed = fake::listed(sandbox, status).replace('}', &format!("{more}}}"));
    let lists = format!("[ -e \"$HOME/deleted\" ] || echo '{listed}'");
    let other = "[ \"$2\" != delete ] || { touch \"$HOME/deleted\"; \
                 rm -f \"$LIMA_HOME/containai-secure/lima.yaml\"; }";
    sandbox.fake_program("limactl", &fake::limactl_that(&lists, other));
}

/// Docker's contexts, as the real `docker` lists them.
fn contexts(sandbox: &Sandbox) -> Vec<String> {
    let ran = sandbox.run(&["docker", "context", "ls", "--format", "{{.Name}}"]);
    ran.success().lines().map(str::to_owned).collect()
}

const OTHERS: [&str; 3] = ["default", "desktop-linux", "somebody-elses"];

fn without_a_name_nothing_is_destroyed() {
    let sandbox = made("Running", "");
    for (arguments, said) in [
        (&["destroy"][..], "confirmation needs a terminal"),
        (&["destroy", "--allow-destroy", "other"], "--allow-destroy names other"),
    ] {
        let ran = sandbox.cai(arguments);
        let error = ran.fails_with(4);
        for part in [
            said,
            "  - context.containai-secure",
            "  - vm.containai-secure",
            "is lost",
            "2 to destroy",
        ] {
            assert!(error.contains(part), "{part:?} is missing: {ran}");
        }
    }
    for typed in ["yes", "", "containai"] {
        let ran = sandbox.cai_on_terminal(&["destroy"], typed);
        assert!(ran.fails_with(4).contains("not the VM's name"), "{ran}");
    }
    assert_eq!(fake::calls(&sandbox), [""; 0]);
    assert!(contexts(&sandbox).contains(&"containai-secure".to_owned()));
}

fn the_vm_and_its_context_are_destroyed_once_the_name_is_typed() {
    let sandbox = made("Running", "");
    let ran = sandbox.cai_on_terminal(&["destroy"], "containai-secure");
    assert!(ran.status.success() && ran.stderr.contains("Destroy complete: 2 destroyed"), "{ran}");
    assert_eq!(
        fake::calls(&sandbox),
        ["--tty=false stop containai-secure", "--tty=false delete containai-secure"]
    );
    assert_eq!(contexts(&sandbox), OTHERS);
    let show = sandbox.run(&["docker", "context", "show"]);
    assert_eq!(show.success(), "desktop-linux\n", "the current context changed");
    let again = sandbox.cai(&["destroy"]);
    again.success();
    assert!(again.stderr.starts_with("Nothing to destroy."), "{again}");
}

fn a_protected_vm_is_destroyed_when_its_name_is_given() {
    let sandbox = made("Stopped", r#","protected":true"#);
    sandbox.cai(&NAME).success();
    assert_eq!(
        fake::calls(&sandbox),
        ["--tty=false unprotect containai-secure", "--tty=false delete containai-secure"]
    );
}

fn a_broken_vm_is_ended_by_force_first() {
    let sandbox = made("Broken", "");
    sandbox.cai(&NAME).success();
    assert_eq!(
        fake::calls(&sandbox),
        ["--tty=false stop -f containai-secure", "--tty=false delete containai-secure"]
    );
}

fn where_there_is_nothing_it_says_so() {
    let sandbox = fake::fresh();
    let ran = sandbox.cai(&["destroy"]);
    assert_eq!(ran.success(), "");
    assert!(ran.stderr.starts_with("Nothing to destroy."), "{ran}");
    let none = documents::report(&sandbox.cai(&["destroy", "--json"]));
    assert_eq!(none["results"], json!([]));
}

fn a_vm_that_cai_did_not_make_needs_its_name_on_the_command_line() {
    let sandbox = made("Stopped", "");
    let path = "lima/containai-secure/lima.yaml";
    let yaml = std::fs::read_to_string(sandbox.path(path)).unwrap();
    sandbox.write(path, yaml.split_once('\n').unwrap().1);
    let ran = sandbox.cai_on_terminal(&["destroy"], "containai-secure");
    let error = ran.fails_with(4);
    assert!(error.contains("vm.containai-secure was not created by cai"), "{ran}");
    assert!(!error.contains("Type "), "{ran}");
    assert_eq!(fake::calls(&sandbox), [""; 0]);
    sandbox.cai(&NAME).success();
    assert_eq!(fake::calls(&sandbox), ["--tty=false delete containai-secure"]);
}

fn a_context_that_cai_did_not_make_is_left_alone() {
    let sandbox = fake::engine();
    let host = "host=ssh://prod.example";
    sandbox.run(&["docker", "context", "create", "containai-secure", "--docker", host]).success();
    deleting(&sandbox, "Stopped", "");
    let markdown = sandbox.cai(&["plan", "--destroy", "--markdown"]);
    let kept = "\ncontext.containai-secure is kept: it was not created by cai.\n";
    assert!(markdown.success().contains(kept), "{markdown}");
    let ran = sandbox.cai(&NAME);
    ran.success();
    assert!(ran.stderr.contains("context.containai-secure is kept"), "{ran}");
    assert!(contexts(&sandbox).contains(&"containai-secure".to_owned()));
    let again = sandbox.cai(&NAME);
    again.success();
    assert!(again.stderr.contains("context.containai-secure is kept"), "{again}");
}

fn the_current_context_stops_it_before_anything_is_lost() {
    let sandbox = made("Running", "");
    sandbox.run(&["docker", "context", "use", "containai-secure"]).success();
    let ran = sandbox.cai(&NAME);
    let error = ran.fails_with(1);
    assert!(error.contains("is the current one") && error.contains("context use default"), "{ran}");
    assert_eq!(fake::calls(&sandbox), [""; 0]);
    assert!(contexts(&sandbox).contains(&"containai-secure".to_owned()));
}

fn a_failed_step_keeps_what_comes_after_it() {
    let sandbox = made("Running", "");
    sandbox.fake_program("docker", "echo 'fake: no' >&2; exit 9\n");
    let ran = sandbox.cai(&NAME);
    let error = ran.fails_with(1);
    assert!(error.contains("exit status 9") && error.contains("fake: no"), "{ran}");
    assert!(error.contains("vm.containai-secure skipped"), "{ran}");
    assert_eq!(fake::calls(&sandbox), [""; 0]);
}

fn a_vm_that_is_still_there_is_no_success() {
    let sandbox = made("Stopped", "");
    let list = fake::limactl(&fake::listed(&sandbox, "Stopped"), "exit 0");
    sandbox.fake_program("limactl", &list);
    let ran = sandbox.cai(&NAME);
    assert!(ran.fails_with(1).contains("vm.containai-secure: did not converge"), "{ran}");
    assert!(ran.stderr.contains("1 destroyed, 1 failed"), "{ran}");
}

fn without_limactl_nobody_knows_what_there_is() {
    let sandbox = made("Running", "");
    std::fs::remove_file(sandbox.path("bin/limactl")).unwrap();
    let ran = sandbox.cai(&NAME);
    assert!(ran.fails_with(1).contains("limactl is not on PATH"), "{ran}");
    assert!(contexts(&sandbox).contains(&"containai-secure".to_owned()));
}

fn as_json_the_end_is_one_document() {
    let sandbox = made("Running", "");
    let ran = sandbox.cai(&["destroy", "--json", "-q", "--allow-destroy", "containai-secure"]);
    ran.success();
    assert_eq!(ran.stderr, "");
    let report = documents::report(&ran);
    let outcomes: Vec<_> = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| (result["address"].as_str().unwrap(), result["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(
        outcomes,
        [("context.containai-secure", "applied"), ("vm.containai-secure", "applied")]
    );
}
