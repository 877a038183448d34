//! Tools that are missing, old, or misbehave: each error names what was run, and what to do.

use super::fake;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_missing_limactl_is_named_with_what_to_run,
        an_old_limactl_is_named_with_both_versions,
        a_tool_that_prints_garbage_is_named_with_what_it_printed,
        a_tool_that_fails_is_shown_with_both_streams,
        a_tool_that_dies_is_told_as_such,
        a_tool_that_floods_is_stopped,
        a_truncated_list_is_refused,
        a_tool_that_cannot_be_started_is_named,
        a_newer_lima_with_unknown_fields_is_no_problem,
        a_closed_output_is_no_error,
        what_was_run_can_be_told,
        no_tool_sees_the_users_docker_variables,
        no_tool_runs_where_the_user_is,
    ]
}

fn a_missing_limactl_is_named_with_what_to_run() {
    let sandbox = fake::fresh();
    std::fs::remove_file(sandbox.path("bin/limactl")).unwrap();
    sandbox.write("home/containai.toml", &format!("{}[lima]\ninstall = \"never\"\n", fake::FILE));
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let ran = sandbox.cai(command);
        let error = ran.fails_with(1);
        assert!(error.contains("lima_install.lima: limactl is not on PATH"), "{ran}");
        let by_hand = "help: run: curl -fsSLo lima.tar.gz https://github.com/lima-vm/lima/";
        assert!(error.contains(by_hand), "{ran}");
        assert!(error.contains("| sha256sum -c && sudo tar"), "unpacked unseen: {ran}");
    }
}

fn an_old_limactl_is_named_with_both_versions() {
    let sandbox = fake::fresh();
    let script = fake::limactl("", "exit 7").replace("2.2.0", "0.23.2");
    sandbox.fake_program("limactl", &script);
    let ran = sandbox.cai(&["plan"]);
    let plan = ran.success();
    assert!(plan.contains("version = \"0.23.2\" -> \"2.2.0\""), "{ran}");
    sandbox.write("home/containai.toml", &format!("{}[lima]\ninstall = \"never\"\n", fake::FILE));
    let ran = sandbox.cai(&["plan"]);
    assert!(ran.fails_with(1).contains("limactl is 0.23.2, but the file requires >=1.1"), "{ran}");
}

fn a_tool_that_prints_garbage_is_named_with_what_it_printed() {
    let sandbox = fake::fresh();
    sandbox.fake_program("limactl", "printf 'limactl\\377 version \\033[31mbanana'\n");
    let ran = sandbox.cai(&["plan"]);
    let error = ran.fails_with(1);
    assert!(error.contains("`limactl --version`") && error.contains("banana"), "{ran}");
    assert!(!error.contains('\u{1b}'), "{error:?}");
}

fn a_tool_that_fails_is_shown_with_both_streams() {
    let sandbox = fake::fresh();
    sandbox.fake_program("limactl", "echo on-stdout; echo on-stderr >&2; exit 42\n");
    let ran = sandbox.cai(&["plan"]);
    let error = ran.fails_with(1);
    for part in ["`limactl --version`", "exit status 42", "on-stdout", "on-stderr"] {
        assert!(error.contains(part), "{part:?} is missing: {ran}");
    }
}

fn a_tool_that_dies_is_told_as_such() {
    let sandbox = fake::fresh();
    sandbox.fake_program("limactl", "kill -9 $$\n");
    let ran = sandbox.cai(&["plan"]);
    assert!(ran.fails_with(1).contains("killed by signal 9"), "{ran}");
}

fn a_tool_that_floods_is_stopped() {
    let sandbox = fake::fresh();
    sandbox.fake_program("limactl", "exec yes\n");
    let ran = sandbox.cai(&["plan"]);
    assert!(ran.fails_with(1).contains("printed more than"), "{ran}");
}

fn a_truncated_list_is_refused() {
    let sandbox = fake::fresh();
    sandbox.fake_program("limactl", &fake::limactl("{\"name\":\"containai-sec", "exit 7"));
    let ran = sandbox.cai(&["plan"]);
    let error = ran.fails_with(1);
    assert!(error.contains("`limactl list --json`") && error.contains("line 1"), "{ran}");
}

fn a_tool_that_cannot_be_started_is_named() {
    let sandbox = fake::fresh();
    // Executable for the system, but its interpreter is not there.
    sandbox.write("bin/limactl", "#!/nosuch/interpreter\n");
    let ran = sandbox.cai(&["plan"]);
    assert!(ran.fails_with(1).contains("`limactl --version` could not be started"), "{ran}");
}

fn a_newer_lima_with_unknown_fields_is_no_problem() {
    let sandbox = fake::engine();
    let list = format!(
        r#"{{"name":"other","status":"Dreaming","dir":"/x","new":[{{}}]}}
{{"name":"containai-secure","status":"Running","dir":"{}","new":{{"a":1}},"config":{{"b":2}}}}"#,
        sandbox.path("lima/containai-secure").display()
    );
    let warn = "echo 'level=warning msg=\"instance `other` has errors\"' >&2\n";
    sandbox.fake_program("limactl", &format!("{warn}{}", fake::limactl(&list, "exit 7")));
    let plan = sandbox.cai(&["plan"]);
    assert!(plan.success().contains("1 to add, 0 to change"), "{plan}");
}

fn a_closed_output_is_no_error() {
    let sandbox = fake::fresh();
    let mut command = sandbox.command(&["cai", "plan"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(141));
}

fn what_was_run_can_be_told() {
    let sandbox = fake::fresh();
    let ran = sandbox.cai(&["-v", "plan"]);
    ran.success();
    assert!(ran.stderr.contains("limactl list --json"), "{ran}");
}

fn no_tool_sees_the_users_docker_variables() {
    let sandbox = fake::fresh();
    let script = fake::limactl("", "exit 7");
    let refuse = "[ -z \"$DOCKER_HOST$DOCKER_CONTEXT$DOCKER_CERT_PATH\" ] || exit 9\n";
    sandbox.fake_program("limactl", &format!("{refuse}{script}"));
    let variables = [
        ("DOCKER_HOST", "tcp://192.0.2.1:2375"),
        ("DOCKER_CONTEXT", "x"),
        ("DOCKER_CERT_PATH", "/x"),
    ];
    sandbox.cai_with(&["plan"], &variables).success();
}

fn no_tool_runs_where_the_user_is() {
    // `limactl edit` leaves a rejected file in its working directory.
    let sandbox = fake::fresh();
    let script = fake::limactl("", "exit 7");
    sandbox.fake_program("limactl", &format!("touch lima.REJECTED.yaml\n{script}"));
    sandbox.cai(&["plan"]).success();
    assert!(!sandbox.path("home/lima.REJECTED.yaml").exists());
}
