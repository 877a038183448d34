//! The programs of a simulated host.

use std::path::{Path, PathBuf};

use crate::simulate::reply::{Call, Reply};
use crate::simulate::world::World;
use crate::simulate::{brew, docker, limactl, log, ssh};

/// The simulation of a program.
type HostProgram = fn(&mut World, &Call<'_>) -> Reply;

const LIMACTL: &str = "limactl";
const PROGRAMS: &[(&str, HostProgram)] =
    &[("brew", brew::run), ("docker", docker::run), (LIMACTL, limactl::run), ("ssh", ssh::run)];

/// Runs a program in a world. `None` if the world does not have the program.
pub fn run(world: &mut World, name: &str, call: &Call<'_>) -> Option<Reply> {
    if name == "tail" {
        return Some(tail(world, call));
    }
    let (_, program) = PROGRAMS.iter().find(|(own, _)| *own == name)?;
    world.computer.programs.contains_key(name).then(|| program(world, call))
}

/// `tail`, which every machine has, of the log of a host agent.
fn tail(world: &World, call: &Call<'_>) -> Reply {
    let path = call.args.last().map(PathBuf::from).unwrap_or_default();
    let name = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let is_log = path.ends_with("ha.stderr.log");
    let Some(instance) = world.instances.get(name.as_ref()).filter(|_| is_log) else {
        let path = path.display();
        let why = format!("tail: cannot open '{path}' for reading: No such file or directory");
        return Reply::failed(1, why);
    };
    let message = format!("{} (simulated)", instance.status().in_a_sentence());
    let stdout = log::line(world.clock, "info", &message, &[]);
    Reply { stdout, ..Reply::done() }
}

/// Runs a `limactl` other than the one on `PATH`.
pub(super) fn run_installed(world: &mut World, version: String, call: &Call<'_>) -> Reply {
    let own = world.computer.programs.insert(LIMACTL.to_owned(), version);
    let reply = limactl::run(world, call);
    match own {
        Some(version) => world.computer.programs.insert(LIMACTL.to_owned(), version),
        None => world.computer.programs.remove(LIMACTL),
    };
    reply
}
