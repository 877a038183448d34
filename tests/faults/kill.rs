//! `cai` is killed before or after each command that changes something and then run again. The
//! world must be the same as after an undisturbed run.
//!
//! The process and its SIGKILL are real; the machine is fake. A command that is running when `cai`
//! dies continues and finishes a moment later.

use std::process::Command;

use containai::simulate::{Fault, World};
use serde_json::Value;

use crate::support::fake_world::{FakeWorld, KILL};
use crate::support::tally::KILLED;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_fresh_apply_killed_anywhere_is_finished_by_the_next,
        a_repair_killed_anywhere_is_finished_by_the_next,
        a_resize_killed_anywhere_is_finished_by_the_next,
        a_removal_killed_anywhere_is_finished_by_the_next,
        a_destroy_killed_anywhere_is_finished_by_the_next,
        a_refused_replacement_changes_nothing,
        a_file_that_is_written_is_whole_or_not_there,
    ]
}

const FILE: &str = "version = 1\n[vm]\ncpus = 2\n[[groups]]\nname = \"docker\"\ngid = 2375\n\
    [[users]]\nname = \"@lima\"\ngroups = [\"docker\"]\n[[users]]\nname = \"robot\"\ngroups = []\n";

/// A machine in some state, and the command to run on it.
struct Case {
    /// Prepares a fresh machine.
    prepare: fn(&FakeWorld),
    command: &'static [&'static str],
}

/// Runs the command undisturbed, and then kills it at every point. Returns the number of points.
fn killed_anywhere(case: &Case) -> usize {
    let undisturbed = FakeWorld::new(FILE);
    (case.prepare)(&undisturbed);
    undisturbed.calls();
    undisturbed.cai(case.command).success();
    let expected = (essence(&undisturbed.world()), record(&undisturbed));
    let mut tried = 0;
    for phase in ["before", "after"] {
        for number in 1.. {
            let world = FakeWorld::new(FILE);
            (case.prepare)(&world);
            world.calls();
            let point = format!("{phase} {number}");
            let killed = world.cai_with(case.command, &[(KILL, &point)]);
            if killed.status.code().is_some() {
                // The run completed, so no command has this number.
                killed.success();
                break;
            }
            tried += 1;
            KILLED.case(|| {
                let again = world.cai(case.command);
                assert!(again.status.success(), "killed {point}: {again}");
                let (left, recorded) = (essence(&world.world()), record(&world));
                assert_eq!(recorded, expected.1, "killed {point}: {again}");
                assert_eq!(left, expected.0, "killed {point}: {again}");
            });
        }
    }
    tried
}

/// The content of the record without the file's path.
fn record(world: &FakeWorld) -> Option<Value> {
    let path = world.sandbox.path("lima/containai-secure/cai.json");
    let text = std::fs::read_to_string(path).ok()?;
    let mut record: Value = serde_json::from_str(&text).unwrap();
    record.as_object_mut().unwrap().remove("file");
    Some(record)
}

/// A world without the parts that differ between runs: times, process IDs and log lines.
fn essence(world: &World) -> Value {
    const VOLATILE: [&str; 10] = [
        "clock",
        "agent",
        "driver",
        "ssh_port",
        "boots",
        "modified",
        "started",
        "log",
        "boot_id",
        "/var/lib/cai/daemon.json.loaded",
    ];
    fn strip(value: &mut Value) {
        match value {
            Value::Object(keys) => {
                keys.retain(|key, _| !VOLATILE.contains(&key.as_str()));
                keys.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            // Replaces the paths of the test's home.
            Value::String(text) => {
                if let Some(start) = text.find("/tmp/cai") {
                    text.replace_range(start..(start + "/tmp/caiXXXXXX".len()).min(text.len()), "");
                }
            }
            _ => {}
        }
    }
    let mut value = serde_json::to_value(world).unwrap();
    strip(&mut value);
    value
}

fn applied(world: &FakeWorld) {
    world.cai(&["apply", "--yes"]).success();
}

fn a_fresh_apply_killed_anywhere_is_finished_by_the_next() {
    let tried = killed_anywhere(&Case { prepare: |_| {}, command: &["apply", "--yes"] });
    assert!(tried > 20, "only {tried} points");
}

fn a_repair_killed_anywhere_is_finished_by_the_next() {
    let prepare = |world: &FakeWorld| {
        applied(world);
        let config = containai::config::parse(FILE).unwrap();
        for fault in ["group", "daemon-json", "context-endpoint"] {
            world.change(|world| Fault::find(fault).unwrap().strike(world, &config));
        }
    };
    let tried = killed_anywhere(&Case { prepare, command: &["apply", "--yes"] });
    assert!(tried > 10, "only {tried} points");
}

fn a_resize_killed_anywhere_is_finished_by_the_next() {
    let prepare = |world: &FakeWorld| {
        applied(world);
        world.sandbox.write("home/containai.toml", &FILE.replace("cpus = 2", "cpus = 3"));
    };
    let tried = killed_anywhere(&Case { prepare, command: &["apply", "--yes"] });
    assert!(tried >= 6, "only {tried} points");
}

/// The file no longer declares a user, a group, a key of `daemon.json` and a variable.
fn a_removal_killed_anywhere_is_finished_by_the_next() {
    let prepare = |world: &FakeWorld| {
        let more = "[vm.env]\nTEAM = \"blue\"\n[docker.daemon]\nlog-driver = \"journald\"\n\
            [[groups]]\nname = \"agents\"\n\
            [[users]]\nname = \"bob\"\ngroups = [\"agents\"]\n";
        world.sandbox.write("home/containai.toml", &format!("{FILE}{more}"));
        applied(world);
        world.sandbox.write("home/containai.toml", FILE);
    };
    let tried = killed_anywhere(&Case { prepare, command: &["apply", "--yes"] });
    assert!(tried > 10, "only {tried} points");
}

fn a_destroy_killed_anywhere_is_finished_by_the_next() {
    let command = &["destroy", "--allow-destroy", "containai-secure"];
    let tried = killed_anywhere(&Case { prepare: applied, command });
    assert!(tried >= 6, "only {tried} points");
}

fn a_refused_replacement_changes_nothing() {
    let world = FakeWorld::new(FILE);
    applied(&world);
    let before = world.world();
    let image = "[[vm.images]]\nlocation = \"https://images.example/other.img\"\n";
    world.sandbox.write("home/containai.toml", &format!("{FILE}{image}"));
    world.cai(&["apply", "--yes"]).fails_with(4);
    assert_eq!(world.world(), before);
}

/// The system calls that write a file, and some more.
const WRITES: &str = "write,fsync,rename,renameat,renameat2,link,linkat,unlink,unlinkat";

/// Whether the contents of a file are complete.
type IsWhole<'a> = &'a dyn Fn(&[u8]) -> bool;

/// strace kills `cai` at each such call of its main thread.
fn a_file_that_is_written_is_whole_or_not_there() {
    if Command::new("strace").arg("-V").output().is_err() {
        KILLED.apart("strace, which kills cai while it writes, is not installed");
        return;
    }
    let world = FakeWorld::new(FILE);
    applied(&world);
    let mut tried = 0;
    let is_toml = |bytes: &[u8]| containai::config::parse(&String::from_utf8_lossy(bytes)).is_ok();
    let is_json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).is_ok();
    let is_gzip = |bytes: &[u8]| {
        std::io::copy(&mut flate2::read::GzDecoder::new(bytes), &mut std::io::sink()).is_ok()
    };
    let files: [(_, &[&str], IsWhole<'_>); 3] = [
        ("made.toml", &["--file", "made.toml", "init"], &is_toml),
        ("made.plan", &["plan", "--out", "made.plan"], &is_json),
        ("made.tar.gz", &["doctor", "--bundle", "made.tar.gz"], &is_gzip),
    ];
    for (file, command, is_whole) in files {
        let path = world.sandbox.home().join(file);
        for number in 1.. {
            let inject = format!("inject={WRITES}:signal=SIGKILL:when={number}");
            let words = ["strace", "-o", "/dev/null", "-e", &inject, "cai"];
            let mut killed = world.sandbox.command(&[&words[..], command].concat());
            let docker = world.sandbox.docker_guard();
            let killed = killed.envs(world.variables()).output().unwrap();
            docker.check(&format!("{command:?}, killed at {number}"));
            let made = std::fs::read(&path);
            let _ = std::fs::remove_file(&path);
            if killed.status.success() {
                assert!(is_whole(&made.unwrap()), "{command:?}");
                break;
            }
            tried += 1;
            KILLED.case(|| {
                let name = format!("{command:?}, killed at {number}");
                assert!(made.as_ref().map_or(true, |bytes| is_whole(bytes)), "{name}: {made:?}");
                world.cai(command).success();
                assert!(is_whole(&std::fs::read(&path).unwrap()), "{name}");
                std::fs::remove_file(&path).unwrap();
                let left = std::fs::read_dir(world.sandbox.home()).unwrap();
                let left = left.map(|entry| entry.unwrap().file_name());
                let left: Vec<_> =
                    left.filter(|name| name.to_string_lossy().starts_with(".cai-")).collect();
                assert!(left.is_empty(), "{name}: {left:?} stays");
            });
        }
    }
    assert!(tried > 9, "only {tried} points");
}
