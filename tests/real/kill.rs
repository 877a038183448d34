//! `cai` is killed while it changes a real engine, and run again.

use std::os::unix::process::ExitStatusExt;

use super::declared::Declared;
use super::engine::{Engine, shared};
use super::faults::leave_docker;
use crate::support::sandbox::Ran;
use crate::support::tally::REAL_KILLED;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_session_refresh_that_was_killed_is_finished,
        a_dockerd_restart_that_was_killed_is_finished,
    ]
}

/// A wrapper that kills the `cai` that runs it: `before`, `during` or `after` the command with this
/// number among those that change something. The wrapped program keeps running.
const KILLER: &str = r#"
PATH=${PATH#*:}
program=${0##*/}
case "$program $*" in
"limactl --version" | "limactl list "* | "limactl disk list "* | *ControlMaster=no*) exec "$program" "$@" ;;
esac
printf x >>"$HOME/changes"
number=$(wc -c <"$HOME/changes")
case $CAI_TEST_KILL in
"before $number") kill -9 $PPID ;;
"during $number") exec 3<&0; "$program" "$@" <&3 & kill -9 $PPID; wait ;;
"after $number") "$program" "$@"; kill -9 $PPID ;;
*) exec "$program" "$@" ;;
esac
"#;

/// Applies with these variables and is killed at this point.
pub fn killed(engine: &Engine, point: &str, variables: &[(&str, &str)]) -> Ran {
    let mut path = String::new();
    for program in ["limactl", "ssh", "docker"] {
        path = engine.front(program, KILLER);
    }
    engine.write("changes", "");
    let variables = [variables, &[("PATH", &path), ("CAI_TEST_KILL", point)]].concat();
    let ran = engine.cai_with(&["apply", "--yes"], &variables);
    assert_eq!(ran.status.signal(), Some(9), "point {point:?} was not reached: {ran}");
    ran
}

/// Kills a repair at each of these points. The next run finishes it, and a container keeps running.
fn is_finished(points: &[&str], strike: impl Fn(&Engine, usize)) {
    let engine = shared();
    let container = engine.container("keeper");
    let boot = engine.boot();
    for (number, point) in points.iter().enumerate() {
        strike(&engine, number);
        killed(&engine, point, &[]);
        REAL_KILLED.case(|| {
            engine.apply_mends();
            assert_eq!(engine.running(), container, "{point}: the container did not live on");
            assert_eq!(engine.boot(), boot, "{point}: the VM was restarted");
        });
    }
}

/// The repair adds the user to the group, cancels the forward, stops the old session, opens a new
/// one, and forwards the socket.
fn a_session_refresh_that_was_killed_is_finished() {
    let points = ["during 1", "after 1", "after 3", "after 4", "during 5"];
    is_finished(&points, |engine, _| leave_docker(engine));
}

/// The repair writes daemon.json, reloads dockerd, and restarts it.
fn a_dockerd_restart_that_was_killed_is_finished() {
    is_finished(&["after 1", "after 2", "during 3", "after 3"], |engine, number| {
        let docker = format!(
            "[docker.daemon]\n\
             default-address-pools = [{{ base = \"10.21{number}.0.0/16\", size = 24 }}]"
        );
        engine.declare(&Declared { docker: &docker, ..Declared::default() });
    });
}
