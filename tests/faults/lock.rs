//! Only one command at a time changes a VM.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::Running;
use crate::support::fake_world::FakeWorld;
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::tally::EXPOSED;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_vm_that_is_worked_on_is_locked_and_its_holder_named,
        a_lock_can_be_waited_for,
        ten_at_once_end_with_one_engine,
        another_vm_is_not_waited_for,
        limas_directory_has_one_lock_however_it_is_spelled,
        a_simulated_host_is_locked_as_a_real_one,
        locks_where_others_can_write_are_refused,
        state_that_others_can_write_is_refused,
        state_is_private_whatever_the_umask,
    ]
}

const LOCKS: &str = "home/.local/state/cai/locks";

/// The only lock that exists.
fn only_lock(sandbox: &Sandbox, directory: &str) -> PathBuf {
    let mut files = fs::read_dir(sandbox.path(directory)).unwrap();
    let path = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "one lock for one VM");
    path
}

/// Takes the only lock that exists, as a process with this description.
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
    let changes: [&[&str]; 4] =
        [&["apply", "--yes"], &["destroy"], &["setup", "--force"], &["doctor", "--fix"]];
    for command in changes {
        let ran = world.cai(command);
        let said = ran.fails_with(5);
        assert!(said.contains("containai-secure is locked: another cai is running"), "{ran}");
        assert!(said.contains("process 4711 (`cai destroy`)"), "{ran}");
        assert!(said.contains("--lock-timeout"), "{ran}");
    }
    // Reading needs no lock.
    for command in ["plan", "status", "validate", "doctor"] {
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
        // The command must work both before and after this.
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
    // One VM and one context.
    assert_eq!(creates, 2);
    assert!(world.cai(&["plan"]).success().contains("No changes."));
}

fn another_vm_is_not_waited_for() {
    let world = FakeWorld::new("version = 1\n");
    world.cai(&["apply", "--yes"]).success();
    // The lock file of that VM now belongs to another one.
    let path = only_lock(&world.sandbox, LOCKS);
    let name = path.file_name().unwrap().to_str().unwrap();
    fs::rename(&path, path.with_file_name(name.replace("containai-secure", "other"))).unwrap();
    let _lock = hold(&world.sandbox, LOCKS, "process 1 (`cai apply`)");
    world.cai(&["apply", "--yes"]).success();
}

fn limas_directory_has_one_lock_however_it_is_spelled() {
    let world = FakeWorld::new("version = 1\n");
    let path = |relative: &str| world.sandbox.path(relative).display().to_string();
    std::os::unix::fs::symlink(path(""), path("alias")).unwrap();
    std::os::unix::fs::symlink(path("lima"), path("link")).unwrap();
    // The first command runs before the directory exists, below a symbolic link.
    assert!(!world.sandbox.path("lima").exists());
    world.cai_with(&["apply", "--yes"], &[("LIMA_HOME", &path("alias/lima/"))]);
    assert!(world.sandbox.path("lima").exists());
    let _lock = hold(&world.sandbox, LOCKS, "process 1 (`cai apply`)");
    for spelling in ["lima", "lima/", "./lima//", "home/../lima", "alias/lima", "link", "link/"] {
        let ran = world.cai_with(&["apply", "--yes"], &[("LIMA_HOME", &path(spelling))]);
        assert!(ran.fails_with(5).contains("containai-secure is locked"), "{spelling}: {ran}");
    }
    // Another Lima directory has separate instances.
    world.sandbox.directory("other");
    let ran = world.cai_with(&["apply", "--yes"], &[("LIMA_HOME", &path("other"))]);
    assert!(!ran.stderr.contains("is locked"), "{ran}");
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
        said.contains("users other than the owner can write to") && said.contains("chmod"),
        "{said}"
    );
}

/// Runs `cai` with this state directory on a simulated host.
fn simulates(sandbox: &Sandbox, state: &std::path::Path, words: &[&str]) -> Ran {
    let variable = ("XDG_STATE_HOME", state.to_str().unwrap());
    sandbox.cai_with(&[&["--simulate"], words].concat(), &[variable])
}

fn state_that_others_can_write_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", "version = 1\n");
    let open = |path: &std::path::Path, mode| {
        fs::create_dir_all(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    // (what exists beforehand, its permissions, who can write to it)
    for (name, relative, mode, told) in [
        ("world", "cai/simulated", 0o777, Some("users other than the owner can write to")),
        ("group", "cai/simulated", 0o770, Some("users other than the owner can write to")),
        ("above", "cai", 0o777, Some("users other than the owner can write to")),
        ("base", "", 0o777, Some("users other than the owner can write to")),
        ("sticky", "", 0o1777, None),
        ("shared", "", 0o775, None),
    ] {
        EXPOSED.case(|| {
            let state = sandbox.path(name);
            open(&state, 0o755);
            open(&state.join(relative), mode);
            for words in [&["apply", "--yes"][..], &["plan"], &["doctor"]] {
                let ran = simulates(&sandbox, &state, words);
                match told {
                    Some(told) => {
                        let said = ran.fails_with(1);
                        assert!(said.contains(told) && said.contains("chmod go-w"), "{ran}");
                    }
                    None => drop(ran.success()),
                }
            }
            assert_eq!(state.join("cai/simulated/world.json").exists(), told.is_none());
        });
    }
    // For symbolic links, the owner of the target counts.
    for (name, owner) in [("foreign", 1), ("own", 0)] {
        if owner == 1 && !nix::unistd::Uid::effective().is_root() {
            EXPOSED.apart("only root can change the owner of a directory");
            continue;
        }
        EXPOSED.case(|| {
            let (state, place) = (sandbox.path(name), sandbox.path(format!("{name}-place")));
            open(&state, 0o755);
            open(&place, 0o755);
            if owner == 1 {
                std::os::unix::fs::chown(&place, Some(1), None).unwrap();
            }
            std::os::unix::fs::symlink(&place, state.join("cai")).unwrap();
            fs::create_dir(place.join("simulated")).unwrap();
            if owner == 1 {
                std::os::unix::fs::chown(place.join("simulated"), Some(1), None).unwrap();
                let ran = simulates(&sandbox, &state, &["apply", "--yes"]);
                assert!(ran.fails_with(1).contains("belongs to another user"), "{ran}");
            } else {
                simulates(&sandbox, &state, &["apply", "--yes"]).success();
            }
        });
    }
}

fn state_is_private_whatever_the_umask() {
    let world = FakeWorld::new("version = 1\n");
    let script = "umask 000; cai apply --yes && cai --simulate apply --yes && \
                  cai simulate break group && cai doctor --bundle b.tar.gz";
    let mut command = world.sandbox.command(&["sh", "-c", script]);
    let variable = crate::support::fake_world::VARIABLE;
    let done = command.env(variable, world.sandbox.path("world")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut paths = vec![world.sandbox.path("home/.local")];
    let mut files = 0;
    while let Some(path) = paths.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let mode = meta.permissions().mode() & 0o777;
        if meta.is_dir() {
            assert_eq!(mode, 0o700, "{}", path.display());
            paths.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            assert_eq!(mode, 0o600, "{}", path.display());
            files += 1;
        }
    }
    // The VM's lock, the simulated host and its lock.
    assert_eq!(files, 3);
    let bundle = fs::metadata(world.sandbox.path("home/b.tar.gz")).unwrap();
    assert_eq!(bundle.permissions().mode() & 0o777, 0o600);
}
