//! Which file is read, and what is said of a wrong one.

use serde_json::json;

use super::fake;
use super::plan::document;
use crate::support::documents;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_mount_that_is_a_link_is_judged_by_its_target,
        a_right_file_is_valid,
        every_mistake_is_shown_on_its_own_line,
        the_nearest_file_upwards_is_read,
        without_a_file_the_error_says_what_to_do,
        a_file_that_is_named_and_is_not_there_is_an_error,
        a_file_that_is_no_text_is_an_error,
        a_pipe_in_the_place_of_a_file_is_refused,
        a_file_may_be_a_link_or_come_from_the_shell,
        everything_is_relative_to_the_directory_that_is_named,
        a_directory_that_is_not_there_is_an_error,
        as_json_mistakes_have_their_places,
        as_json_every_error_is_a_document,
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
    assert!(error.contains("containai.toml was not found") && error.contains("--file"), "{ran}");
}

fn a_file_that_is_named_and_is_not_there_is_an_error() {
    let sandbox = fake::fresh();
    let ran = sandbox.cai(&["-f", "nosuch.toml", "plan"]);
    assert!(ran.fails_with(3).contains("nosuch.toml could not be read"), "{ran}");
}

fn a_file_that_is_no_text_is_an_error() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("home/containai.toml"), b"# a file\nversion = \xff").unwrap();
    let ran = sandbox.cai(&["validate"]);
    assert!(ran.fails_with(3).contains("containai.toml:2: this line is not UTF-8"), "{ran}");
}

fn a_pipe_in_the_place_of_a_file_is_refused() {
    let sandbox = Sandbox::new();
    let pipe = sandbox.path("home/pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU | nix::sys::stat::Mode::S_IRWXO)
        .unwrap();
    // Whoever would wait for the pipe is let go in the end.
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(20));
        let _ = std::fs::OpenOptions::new().read(true).write(true).open(pipe);
    });
    for arguments in [
        &["-f", "pipe", "validate"][..],
        &["-f", "pipe", "plan"],
        &["-f", "pipe", "doctor"],
        &["apply", "pipe"],
    ] {
        let ran = sandbox.cai(arguments);
        let error = ran.fails_with(3);
        assert!(error.contains("pipe could not be read"), "{ran}");
        assert!(error.contains("it is a pipe, not a regular file"), "{ran}");
    }
    let ran = sandbox.cai(&["-f", "/dev/zero", "validate"]);
    assert!(ran.fails_with(3).contains("it is a device, not a regular file"), "{ran}");
}

fn a_file_may_be_a_link_or_come_from_the_shell() {
    let sandbox = fake::fresh();
    std::os::unix::fs::symlink("containai.toml", sandbox.path("home/link.toml")).unwrap();
    assert_eq!(sandbox.cai(&["-f", "link.toml", "validate"]).success(), "link.toml is valid.\n");
    let ran = sandbox.run(&["sh", "-c", "cat containai.toml | cai -f /dev/stdin validate"]);
    assert_eq!(ran.success(), "/dev/stdin is valid.\n");
    let ran = sandbox.run(&["bash", "-c", "cai -f <(cat containai.toml) validate"]);
    assert!(ran.success().ends_with(" is valid.\n"), "{ran}");
}

fn everything_is_relative_to_the_directory_that_is_named() {
    let sandbox = fake::fresh();
    sandbox.directory("home/a");
    sandbox.directory("home/a/b");
    sandbox.write("home/other.toml", "version = 1\n");
    sandbox.directory("elsewhere");
    std::os::unix::fs::symlink(sandbox.path("home/a/b"), sandbox.path("elsewhere/link")).unwrap();
    for (arguments, shown) in [
        (&["-C", "a", "validate"][..], "a/../containai.toml"),
        (&["validate", "-C", "a/b"], "a/b/../../containai.toml"),
        (&["-C", "a", "-f", "../other.toml", "validate"], "a/../other.toml"),
        // Upwards from where the link leads.
        (&["-C", "../elsewhere/link", "validate"], "../elsewhere/link/../../containai.toml"),
    ] {
        let ran = sandbox.cai(arguments);
        assert_eq!(ran.success(), format!("{shown} is valid.\n"));
    }
}

fn a_directory_that_is_not_there_is_an_error() {
    let ran = fake::fresh().cai(&["-C", "nosuch", "plan"]);
    assert!(ran.fails_with(1).contains("nosuch is not an accessible directory"), "{ran}");
}

fn as_json_mistakes_have_their_places() {
    let sandbox = fake::fresh();
    let valid = document(&sandbox.cai(&["validate", "--json"]));
    let valid = &valid["files"][0];
    assert_eq!((&valid["valid"], valid.get("diagnostics")), (&json!(true), None));
    sandbox.write("home/containai.toml", "version = 1\n\n[vm]\nx = \"é\"\nmemory = \"8GB\"\n");
    let ran = sandbox.cai(&["validate", "--json"]);
    assert!(ran.fails_with(3).contains("containai.toml:5:10"), "{ran}");
    let document = document(&ran);
    let wrong = &document["files"][0];
    assert_eq!(wrong["valid"], false);
    let mistakes = document["diagnostics"].as_array().unwrap();
    assert!(mistakes.iter().all(|one| one["file"] == "containai.toml"), "{ran}");
    let places: Vec<_> = mistakes.iter().map(|one| (&one["line"], &one["column"])).collect();
    assert_eq!(places, [(&json!(4), &json!(1)), (&json!(5), &json!(10))], "{ran}");
}

fn as_json_every_error_is_a_document() {
    let sandbox = fake::fresh();
    let errors = |arguments: &[&str], code: i32| {
        let ran = sandbox.cai(&[&["--json"], arguments].concat());
        assert!(!ran.fails_with(code).is_empty(), "{ran}");
        let document = document(&ran);
        documents::fits("error", &document).unwrap();
        document["diagnostics"].as_array().unwrap().clone()
    };
    let missing = &errors(&["plan", "-f", "nosuch.toml"], 3)[0];
    assert_eq!(missing["summary"], "nosuch.toml could not be read");
    assert_eq!(missing["detail"], "the file does not exist");
    assert_eq!((&missing["file"], &missing["line"]), (&json!("nosuch.toml"), &json!(null)));
    let wrong = &errors(&["plan", "--nosuch"], 64)[0];
    assert_eq!(wrong["summary"], "unexpected argument '--nosuch' found");
    let wrong = &errors(&["plan", "--target", "vm.nosuch"], 64)[0];
    assert!(wrong["hint"].as_str().unwrap().contains("vm.containai-secure"), "{wrong}");
    sandbox.write("home/one.toml", "version = 1\n\n[vm]\nx = \"é\"\nmemory = \"8GB\"\n");
    sandbox.write("home/two.toml", "version = 2\n");
    let wrong = errors(&["plan", "-f", "one.toml", "-f", "two.toml"], 3);
    let places = wrong.iter().map(|it| (it["file"].as_str().unwrap(), &it["line"], &it["column"]));
    let [four, one, five, ten] = [4, 1, 5, 10].map(|number| json!(number));
    assert_eq!(
        places.take(2).collect::<Vec<_>>(),
        [("one.toml", &four, &one), ("one.toml", &five, &ten)]
    );
    assert_eq!((&wrong[2]["file"], &wrong[2]["line"]), (&json!("two.toml"), &json!(1)));
    // A plan with problems stays a plan.
    std::fs::remove_file(sandbox.path("bin/limactl")).unwrap();
    sandbox.write("home/containai.toml", &format!("{}[lima]\ninstall = \"never\"\n", fake::FILE));
    let ran = sandbox.cai(&["plan", "--json"]);
    ran.fails_with(1);
    let plan = document(&ran);
    let problem = &plan["diagnostics"][0];
    assert_eq!(problem["address"], "lima_install.lima", "{ran}");
    assert_eq!(problem["summary"], "limactl is not on PATH", "{ran}");
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
    for part in ["--file", "-C", "--json", "--color", "--quiet"] {
        assert!(help.success().contains(part), "{part:?} is missing: {help}");
    }
    let listed = help.stdout.split_once("Commands:").unwrap().1.split_once("Options:").unwrap().0;
    let names = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<_> = names.filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, super::COMMANDS, "{help}");
    for command in super::COMMANDS {
        assert!(sandbox.cai(&[command, "--help"]).success().contains("Usage"), "{command}");
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

fn a_mount_that_is_a_link_is_judged_by_its_target() {
    let sandbox = fake::fresh();
    sandbox.directory("home/.ssh");
    sandbox.directory("project");
    std::os::unix::fs::symlink(sandbox.path("home/.ssh"), sandbox.path("project/keys")).unwrap();
    let location = sandbox.path("project/keys");
    let mount = format!("[[vm.mounts]]\nlocation = {:?}\n", location.to_str().unwrap());
    sandbox.write("home/containai.toml", &format!("{}{mount}", fake::FILE));
    for command in ["validate", "plan"] {
        let ran = sandbox.cai(&[command]);
        ran.success();
        assert!(ran.to_string().replace('\n', " ").contains("your SSH keys"), "{ran}");
    }
}
