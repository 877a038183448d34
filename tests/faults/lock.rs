//! One at a time works on a VM.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::Running;
use crate::support::fake_world::FakeWorld;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_vm_that_is_worked_on_is_locked_and_its_holder_named,
        a_lock_can_be_waited_for,
        ten_at_once_end_with_one_engine,
        another_vm_is_not_waited_for,
        a_simulated_host_is_locked_as_a_real_one,
        locks_where_others_can_write_are_refused,
    ]
}

const LOCKS: &str = "home/.local/state/cai/locks";

/// The only lock there is.
fn only_lock(sandbox: &Sandbox, directory: &str) -> PathBuf {
    let mut files = fs::read_dir(sandbox.path(directory)).unwrap();
    let path = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "one lock for one VM");
    path
}

/// Takes the only lock there is, as a process that says this of itself.
fn hold(sandbox: &Sandbox, directory: &str, holder: &str) -> File {
    let path = only_lock(sandbox, directory);
    let mut file = File::options().write(true).truncate(true).open(path).unwrap();
    file.lock().unwrap();
    writeln!(file, "{holder}").unwrap();
    file
}

fn a_vm_that_is_worked_on_is_locked_and_its_holder_named() {
    let world = FakeWorld::new("version = 1\n");
    world.cai(&["apply", "--yes"]).success();
    let lock = hold(&world.sandbox, LOCKS, "process 4711 (`cai destroy`)");
    for command in [&["apply", "--yes"][..], &["destroy"], &["setup", "--force"]] {
        let ran = world.cai(command);
        let said = ran.fails_with(5);
        assert!(said.contains("containai-secure is locked: another cai is at work"), "{ran}");
        assert!(said.contains("process 4711 (`cai destroy`)"), "{ran}");
        assert!(said.contains("--lock-timeout"), "{ran}");
    }
    // Looking needs no lock.
    for command in ["plan", "status", "validate"] {
        world.cai(&[command]).success();
    }
    drop(lock);
    world.cai(&["apply", "--yes"]).success();
}

fn a_lock_can_be_waited_for() {
    let world = FakeWorld::new("version = 1\n");
    world.cai(&["apply", "--yes"]).success();
    let lock = hold(&world.sandbox, LOCKS, "process 1 (`cai apply`)");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| world.cai(&["apply", "--yes", "--lock-timeout", "1h"]));
        // Whether it comes before or after this, it has to work.
        drop(lock);
        waits.join().unwrap().success();
    });
    let bad = world.cai(&["apply", "--lock-timeout", "soon"]);
    bad.fails_with(64);
}

fn ten_at_once_end_with_one_engine() {
    let world = FakeWorld::new("version = 1\n");
    let codes: Vec<i32> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..10).map(|_| scope.spawn(|| world.cai(&["apply", "--yes"]))).collect();
        all.into_iter().map(|one| one.join().unwrap().status.code().unwrap()).collect()
    });
    assert!(codes.contains(&0) && codes.iter().all(|code| [0, 5].contains(code)), "{codes:?}");
    let creates = world.calls().iter().filter(|call| call.contains(" create ")).count();
    // One VM, and one context.
    assert_eq!(creates, 2);
    assert!(world.cai(&["plan"]).success().contains("No changes."));
}

fn another_vm_is_not_waited_for() {
    let world = FakeWorld::new("version = 1\n");
    world.cai(&["apply", "--yes"]).success();
    // What was that VM's lock is now another's.
    let path = only_lock(&world.sandbox, LOCKS);
    let name = path.file_name().unwrap().to_str().unwrap();
    fs::rename(&path, path.with_file_name(name.replace("containai-secure", "other"))).unwrap();
    let _lock = hold(&world.sandbox, LOCKS, "process 1 (`cai apply`)");
    world.cai(&["apply", "--yes"]).success();
}

fn a_simulated_host_is_locked_as_a_real_one() {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", "version = 1\n");
    sandbox.cai(&["--simulate=world", "apply", "--yes"]).success();
    let lock = hold(&sandbox, "home/world/locks", "process 1 (`cai apply`)");
    sandbox.cai(&["--simulate=world", "apply", "--yes"]).fails_with(5);
    drop(lock);
    sandbox.cai(&["--simulate=world", "apply", "--yes"]).success();
}

fn locks_where_others_can_write_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", "version = 1\n");
    sandbox.directory("home/.local/state/cai/locks");
    let directory = sandbox.path(LOCKS);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
    sandbox.fake_program("limactl", "echo 'limactl version 2.2.0'");
    let cai = Running::start(&sandbox, &["apply", "--yes"]);
    let (code, said) = cai.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("others than its owner can write to") && said.contains("chmod"),
        "{said}"
    );
}
