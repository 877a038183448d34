//! Homebrew on a simulated macOS host. It installs and upgrades Lima and the docker command.

use super::reply::{Call, Reply};
use super::world::{DOCKER_CLI_VERSION, LIMA_VERSION, World};

/// The available formulae: name, program and version.
const FORMULAE: &[(&str, &str, &str)] =
    &[("lima", "limactl", LIMA_VERSION), ("docker", "docker", DOCKER_CLI_VERSION)];

/// Runs `brew`.
pub(super) fn run(world: &mut World, call: &Call<'_>) -> Reply {
    let words: Vec<&str> = call.args.iter().map(String::as_str).collect();
    let (verb, formula) = match words[..] {
        ["--version"] => return Reply::line("Homebrew 4.6.0"),
        [verb @ ("install" | "upgrade"), .., formula] => (verb, formula),
        _ => return Reply::unknown("brew", &format!("the command `{}`", words.join(" "))),
    };
    let Some((_, program, version)) = FORMULAE.iter().find(|(name, ..)| *name == formula) else {
        return Reply::failed(
            1,
            format!("Warning: No available formula with the name \"{formula}\"."),
        );
    };
    if verb == "upgrade" && !world.computer.programs.contains_key(*program) {
        return Reply::failed(1, format!("Error: {formula} not installed"));
    }
    world.computer.programs.insert((*program).to_owned(), (*version).to_owned());
    world.pass(60);
    Reply::line(format!("==> Pouring {formula}--{version}.arm64_tahoe.bottle.tar.gz"))
}
