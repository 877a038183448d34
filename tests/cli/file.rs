//! Which file is read, and what is said of a wrong one.

use super::fake;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_right_file_is_valid,
        every_mistake_is_shown_on_its_own_line,
        the_nearest_file_upwards_is_read,
        without_a_file_the_error_says_what_to_do,
        a_file_that_is_named_and_is_not_there_is_an_error,
        a_file_that_is_no_text_is_an_error,
        a_wrong_command_line_is_refused_with_64,
        help_names_every_command,
        nothing_from_a_file_drives_the_terminal,
    ]
}

fn a_right_file_is_valid() {
    let sandbox = fake::fresh();
    assert_eq!(sandbox.cai(&["validate"]).success(), "containai.toml is valid.\n");
}

fn every_mistake_is_shown_on_its_own_line() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "home/containai.toml",
        "version = 1\n\n[vm]\ncpu = 4\nmemory = \"8GB\"\n\n[[users]]\nname = \"@lima\"\ngroups = [\"Docker!\"]\n",
    );
    for command in ["validate", "plan", "apply"] {
        let ran = sandbox.cai(&[command]);
        let error = ran.fails_with(3);
        for part in
            ["containai.toml:4:1", "`cpus`", "containai.toml:5:10", "8GiB", "containai.toml:9:11"]
        {
            assert!(error.contains(part), "{part:?} is missing: {ran}");
        }
        assert_eq!(ran.stdout, "", "{ran}");
    }
}

fn the_nearest_file_upwards_is_read() {
    let sandbox = fake::fresh();
    sandbox.directory("home/a");
    sandbox.directory("home/a/b");
    let mut command = sandbox.command(&["cai", "validate"]);
    let output = command.current_dir(sandbox.path("home/a/b")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "../../containai.toml is valid.\n");
}

fn without_a_file_the_error_says_what_to_do() {
    let sandbox = Sandbox::new();
    let ran = sandbox.cai(&["plan"]);
    let error = ran.fails_with(3);
    assert!(error.contains("no containai.toml") && error.contains("--file"), "{ran}");
}

fn a_file_that_is_named_and_is_not_there_is_an_error() {
    let sandbox = fake::fresh();
    let ran = sandbox.cai(&["-f", "nosuch.toml", "plan"]);
    assert!(ran.fails_with(3).contains("nosuch.toml could not be read"), "{ran}");
}

fn a_file_that_is_no_text_is_an_error() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("home/containai.toml"), b"version = \xff\xfe").unwrap();
    let ran = sandbox.cai(&["validate"]);
    assert!(ran.fails_with(3).contains("containai.toml could not be read"), "{ran}");
}

fn a_wrong_command_line_is_refused_with_64() {
    let sandbox = Sandbox::new();
    for arguments in [&["nosuch"][..], &["plan", "--nosuch"], &[]] {
        let ran = sandbox.cai(arguments);
        assert!(ran.fails_with(64).contains("Usage"), "{ran}");
    }
}

fn help_names_every_command() {
    let sandbox = Sandbox::new();
    let help = sandbox.cai(&["--help"]);
    for command in ["validate", "plan", "apply", "--file", "--color", "Exit codes"] {
        assert!(help.success().contains(command), "{help}");
    }
}

fn nothing_from_a_file_drives_the_terminal() {
    let sandbox = fake::fresh();
    sandbox.write(
        "home/containai.toml",
        "version = 1\n[vm.lima]\nmessage = \"\\u001b[2J\\u202ehidden\"\n",
    );
    let ran = sandbox.cai(&["--color=never", "plan"]);
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    assert!(shown.contains("hidden"), "{ran}");
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
}
