//! A guest's clock that jumps. Old and new are distinguished by more than times.

use containai::config;
use containai::simulate::{Fault, World};

use crate::support::fake_world::{FakeWorld, KILL};
use crate::support::tally::SYSTEM;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_clock_that_jumps_is_no_change,
        what_changed_after_the_clock_went_back_is_mended,
        a_daemon_json_that_seems_older_than_dockerd_is_taken_over,
    ]
}

const FILE: &str = "version = 1\n[vm]\ncpus = 2\n";
const DAY: i64 = 24 * 60 * 60;
const JUMPS: [i64; 4] = [-3650 * DAY, -DAY, -1, 3650 * DAY];

fn jump(world: &mut World, seconds: i64) {
    world.clock = world.clock.checked_add_signed(seconds).unwrap();
}

fn a_clock_that_jumps_is_no_change() {
    for seconds in JUMPS {
        SYSTEM.case(|| {
            let machine = FakeWorld::converged(FILE);
            machine.change(|world| jump(world, seconds));
            let plan = machine.cai(&["plan"]);
            assert!(plan.success().contains("No changes."), "{seconds}: {plan}");
            machine.cai(&["doctor"]).success();
        });
    }
}

fn what_changed_after_the_clock_went_back_is_mended() {
    let config = config::parse(FILE).unwrap();
    for fault in ["daemon-json", "sysbox-default", "dockerd", "vm-stopped", "cpus", "group"] {
        for seconds in JUMPS {
            SYSTEM.case(|| {
                let machine = FakeWorld::converged(FILE);
                machine.change(|world| {
                    jump(world, seconds);
                    Fault::find(fault).unwrap().strike(world, &config);
                });
                let apply = machine.cai(&["apply", "--yes"]);
                apply.success();
                finished(&machine, &format!("{fault} {seconds}"));
            });
        }
    }
}

/// `cai` is killed after it wrote the file and before dockerd read it. Then the clock goes back, so
/// that dockerd seems to have started after the file was written.
fn a_daemon_json_that_seems_older_than_dockerd_is_taken_over() {
    let config = config::parse(FILE).unwrap();
    for fault in ["daemon-json", "sysbox-default"] {
        for seconds in JUMPS {
            SYSTEM.case(|| {
                let machine = FakeWorld::converged(FILE);
                machine.change(|world| {
                    Fault::find(fault).unwrap().strike(world, &config);
                    jump(world, seconds);
                });
                let killed = machine.cai_with(&["apply", "--yes"], &[(KILL, "after 1")]);
                assert_eq!(killed.status.code(), None, "{killed}");
                machine.change(|world| jump(world, seconds / 2));
                machine.cai(&["apply", "--yes"]).success();
                finished(&machine, &format!("{fault} {seconds}"));
            });
        }
    }
}

/// Checks that nothing is left to do and that dockerd has loaded the file.
fn finished(machine: &FakeWorld, what: &str) {
    let plan = machine.cai(&["plan"]);
    assert!(plan.success().contains("No changes."), "{what}: {plan}");
    let world = machine.world();
    let guest = world.instances["containai-secure"].guest.as_ref().unwrap();
    let dockerd = guest.dockerd.as_ref().unwrap();
    for key in ["live-restore", "runtimes"] {
        assert!(dockerd.loaded.contains_key(key), "{what}: dockerd has {:?}", dockerd.loaded);
    }
    let runtime = dockerd.loaded.get("default-runtime").and_then(serde_json::Value::as_str);
    assert_ne!(runtime, Some("sysbox-runc"), "{what}");
}
