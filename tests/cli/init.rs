//! `cai init`: a file to begin with.

use super::fake;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        the_file_that_is_written_is_valid,
        a_file_that_exists_is_overwritten_only_by_force,
        it_is_written_where_the_command_line_says,
        a_symbolic_link_stays_one,
        a_file_that_cannot_be_written_is_named,
        there_is_no_json_form_of_it,
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
    assert_eq!(std::fs::read_dir(sandbox.home()).unwrap().count(), 2, "something is left beside");
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
    assert!(read(&sandbox, "home/containai.toml").contains("[[vm.images]]"));
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
    assert!(read(&sandbox, "home/dotfiles/engine.toml").contains("[[vm.images]]"));
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
