//! `cai apply`: consent, failures, and what the next run finds.

use super::fake;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        without_a_terminal_and_without_yes_nothing_is_done,
        a_failed_step_is_shown_and_what_needs_it_is_skipped,
        a_vm_that_exists_half_made_is_started_by_the_next_run,
        steps_that_had_no_effect_are_no_success,
        a_stronger_step_than_the_plan_showed_is_not_taken,
    ]
}

fn without_a_terminal_and_without_yes_nothing_is_done() {
    let sandbox = fake::fresh();
    let ran = sandbox.cai(&["apply"]);
    let error = ran.fails_with(4);
    assert!(error.contains("+ vm.containai-secure"), "the plan is not shown: {ran}");
    assert!(error.contains("--yes"), "{ran}");
    assert_eq!(fake::calls(&sandbox), [""; 0]);
}

fn a_failed_step_is_shown_and_what_needs_it_is_skipped() {
    let sandbox = fake::fresh();
    let ran = sandbox.cai(&["apply", "--yes"]);
    let error = ran.fails_with(1);
    for part in [
        "error: vm.containai-secure: `limactl --tty=false create --name=containai-secure -`",
        "exit status 7",
        "fake: no",
        "provision.docker skipped: it needs vm.containai-secure",
        "context.containai-secure skipped",
        "0 changed, 1 failed, 5 skipped",
    ] {
        assert!(error.contains(part), "{part:?} is missing: {ran}");
    }
    assert_eq!(fake::calls(&sandbox), ["--tty=false create --name=containai-secure -"]);
}

fn a_vm_that_exists_half_made_is_started_by_the_next_run() {
    let sandbox = fake::engine();
    let list = format!(
        r#"{{"name":"containai-secure","status":"Stopped","dir":"{}"}}"#,
        sandbox.path("lima/containai-secure").display()
    );
    sandbox.fake_program("limactl", &fake::limactl(&list, "exit 7"));
    sandbox.cai(&["apply", "--yes"]).fails_with(1);
    assert_eq!(
        fake::calls(&sandbox),
        ["--tty=false start --timeout=1800s containai-secure"],
        "an instance that exists must be started, not created"
    );
}

fn steps_that_had_no_effect_are_no_success() {
    let sandbox = fake::engine();
    // It exits with 0 and makes no context.
    sandbox.fake_program("docker", "exit 0\n");
    let ran = sandbox.cai(&["apply", "--yes"]);
    let error = ran.fails_with(1);
    assert!(error.contains("error: context.containai-secure: did not converge"), "{ran}");
}

fn a_stronger_step_than_the_plan_showed_is_not_taken() {
    let sandbox = fake::engine();
    let directory = sandbox.path("lima/containai-secure");
    let line = |status: &str| {
        format!(
            r#"{{"name":"containai-secure","status":"{status}","dir":"{}"}}"#,
            directory.display()
        )
    };
    // Whoever looks first sees a healthy VM, and everybody after that a broken one.
    let list = format!(
        "if [ -e \"$HOME/seen\" ]; then echo '{}'; else touch \"$HOME/seen\"; echo '{}'; fi",
        line("Broken"),
        line("Running")
    );
    let script = fake::limactl("", "exit 7").replace("cat <<'END'\n\nEND\n", &list);
    sandbox.fake_program("limactl", &script);
    let ran = sandbox.cai(&["apply", "--yes"]);
    let error = ran.fails_with(1);
    assert!(error.contains("changed since the plan: it now needs a VM restart"), "{ran}");
    assert_eq!(fake::calls(&sandbox), [""; 0], "{ran}");
}
