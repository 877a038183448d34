//! `cai init`: a file to begin with.

use super::fake;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        the_file_that_is_written_is_valid,
        the_schema_is_written_next_to_the_file,
        a_file_that_exists_is_overwritten_only_by_force,
        it_is_written_where_the_command_line_says,
        a_symbolic_link_stays_one,
        a_file_that_cannot_be_written_is_named,
        there_is_no_json_form_of_it,
        on_a_terminal_it_asks_until_an_answer_is_valid,
        the_end_of_the_input_cancels_it,
        the_home_directory_is_not_mounted_unless_it_is_named,
        the_next_command_is_for_the_same_file_and_host,
    ]
}

fn read(sandbox: &Sandbox, relative: &str) -> String {
    std::fs::read_to_string(sandbox.path(relative)).unwrap()
}

fn the_file_that_is_written_is_valid() {
    let sandbox = Sandbox::new();
    let ran = sandbox.cai(&["init"]);
    assert_eq!(ran.success(), "", "{ran}");
    assert!(ran.stderr.contains("Wrote containai.toml"), "{ran}");
    sandbox.cai(&["validate"]).success();
    let mut left = std::fs::read_dir(sandbox.home()).unwrap().count();
    left -= ["containai.toml", "containai.schema.json", ".docker"].len();
    assert_eq!(left, 0, "something is left beside");
}

/// This build does not have the address of a published schema.
fn the_schema_is_written_next_to_the_file() {
    let sandbox = Sandbox::new();
    let ran = sandbox.cai(&["init"]);
    ran.success();
    assert!(ran.stderr.contains("Wrote containai.schema.json"), "{ran}");
    let file = read(&sandbox, "home/containai.toml");
    assert!(file.starts_with("#:schema ./containai.schema.json\n# "), "{file}");
    let schema = sandbox.cai(&["schema"]);
    assert_eq!(read(&sandbox, "home/containai.schema.json"), schema.success());
    // One that is there may be of the version that the project uses.
    sandbox.write("home/containai.schema.json", "{}\n");
    std::fs::remove_file(sandbox.path("home/containai.toml")).unwrap();
    sandbox.cai(&["init"]).success();
    assert_eq!(read(&sandbox, "home/containai.schema.json"), "{}\n");
    sandbox.cai(&["init", "--force"]).success();
    assert_eq!(read(&sandbox, "home/containai.schema.json"), schema.stdout);
    // It is next to the file, wherever that is.
    sandbox.directory("home/team");
    sandbox.cai(&["-f", "team/engine.toml", "setup", "--dry-run"]).success();
    assert!(!sandbox.path("home/team/containai.schema.json").exists());
    sandbox.cai(&["-f", "team/engine.toml", "init"]).success();
    assert!(sandbox.path("home/team/containai.schema.json").exists());
}

fn a_file_that_exists_is_overwritten_only_by_force() {
    let sandbox = fake::fresh();
    let ran = sandbox.cai(&["init"]);
    let error = ran.fails_with(4);
    assert!(error.contains("containai.toml already exists") && error.contains("--force"), "{ran}");
    assert_eq!(read(&sandbox, "home/containai.toml"), fake::FILE);
    // One that is no text is somebody's too.
    std::fs::write(sandbox.path("home/binary.toml"), b"\xff").unwrap();
    sandbox.cai(&["-f", "binary.toml", "init"]).fails_with(4);
    sandbox.cai(&["init", "--force"]).success();
    assert!(read(&sandbox, "home/containai.toml").contains("[[users]]"));
}

fn it_is_written_where_the_command_line_says() {
    let sandbox = fake::fresh();
    sandbox.directory("home/team");
    // Not upwards: the file of the directory above is another one.
    sandbox.cai(&["-C", "team", "init"]).success();
    assert!(sandbox.path("home/team/containai.toml").exists());
    sandbox.cai(&["-C", "team", "-f", "other.toml", "init"]).success();
    assert!(sandbox.path("home/team/other.toml").exists());
    assert_eq!(read(&sandbox, "home/containai.toml"), fake::FILE);
}

fn a_symbolic_link_stays_one() {
    let sandbox = Sandbox::new();
    sandbox.directory("home/dotfiles");
    let link = sandbox.path("home/containai.toml");
    std::os::unix::fs::symlink("dotfiles/engine.toml", &link).unwrap();
    for arguments in [&["init"][..], &["init", "--force"]] {
        let ran = sandbox.cai(arguments);
        assert!(ran.fails_with(4).contains("is a broken symbolic link"), "{ran}");
    }
    sandbox.write("home/dotfiles/engine.toml", "version = 1\n");
    sandbox.cai(&["init"]).fails_with(4);
    sandbox.cai(&["init", "--force"]).success();
    assert!(link.is_symlink());
    assert!(read(&sandbox, "home/dotfiles/engine.toml").contains("[[users]]"));
}

fn a_file_that_cannot_be_written_is_named() {
    let sandbox = Sandbox::new();
    let ran = sandbox.cai(&["-f", "nosuch/file.toml", "init"]);
    assert!(ran.fails_with(1).contains("nosuch/file.toml could not be written"), "{ran}");
}

fn there_is_no_json_form_of_it() {
    let sandbox = Sandbox::new();
    let ran = sandbox.cai(&["init", "--json"]);
    assert!(ran.fails_with(64).contains("--json"), "{ran}");
    assert!(!sandbox.path("home/containai.toml").exists());
}

fn on_a_terminal_it_asks_until_an_answer_is_valid() {
    let sandbox = Sandbox::new();
    sandbox.directory("home/project/data");
    let mut session = sandbox.start_on_terminal(&["-C", "project", "init"], &[]);
    for (question, answer) in [
        ("Name of the VM [containai-secure]:", "two words"),
        ("two words:", "agents"),
        ("CPUs [Lima's default]:", "none"),
        ("not a number of CPUs", "3"),
        ("Memory [Lima's default]:", ""),
        ("[~/project]:", "nosuch"),
        ("is not an accessible directory", "data:ro"),
    ] {
        session.see(question);
        session.answer(answer);
    }
    session.end().success();
    let file = read(&sandbox, "home/project/containai.toml");
    for line in ["name = \"agents\"", "cpus = 3", "#memory = \"8GiB\"", "writable = false"] {
        assert!(file.lines().any(|it| it == line), "{line}: {file}");
    }
    assert!(file.contains("location = \"~/project/data\""), "{file}");
}

fn the_end_of_the_input_cancels_it() {
    let sandbox = Sandbox::new();
    let mut session = sandbox.start_on_terminal(&["init"], &[]);
    session.see("Name of the VM");
    session.answer("agents");
    session.see("CPUs");
    session.end_input();
    let ran = session.end();
    assert!(ran.fails_with(4).contains("\nerror: nothing was written: the input ended"), "{ran}");
    assert!(!sandbox.path("home/containai.toml").exists());
}

fn the_home_directory_is_not_mounted_unless_it_is_named() {
    let sandbox = Sandbox::new();
    sandbox.cai(&["init", "--yes"]).success();
    assert!(read(&sandbox, "home/containai.toml").contains("\nmounts = []\n"));
    sandbox.cai(&["init", "--yes", "--force", "--mount", "."]).success();
    assert!(read(&sandbox, "home/containai.toml").contains("location = \"~\"\n"));
    sandbox.directory("home/project");
    sandbox.cai(&["-C", "project", "init", "--yes"]).success();
    let file = read(&sandbox, "home/project/containai.toml");
    assert!(file.contains("location = \"~/project\"\n"), "{file}");
}

fn the_next_command_is_for_the_same_file_and_host() {
    let sandbox = Sandbox::new();
    let ran = sandbox.cai(&["--simulate=world", "-f", "a b.toml", "init"]);
    ran.success();
    let next = "cai --simulate=world -f 'a b.toml' plan";
    assert!(ran.stderr.contains(next), "{ran}");
    sandbox.run(&["sh", "-c", next]).success();
}
