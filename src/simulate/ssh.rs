//! `ssh` on the simulated host: commands over Lima's connection, and its control commands
//! (`FACTS.md`, 5).

use std::path::Path;

use super::guest::{self, Caller};
use super::instance::{HostSocket, Instance, SSH_SOCKET};
use super::reply::{Call, Reply};
use super::world::World;

/// The exit code when ssh itself fails.
const FAILED: i32 = 255;

/// The connection that a command uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    /// Lima's connection, which is opened if necessary (`ControlMaster auto`, as Lima configures
    /// it).
    Shared,
    /// Lima's connection if it is open, otherwise a new one (`ControlMaster no`).
    Follow,
    /// A new connection, closed after the command.
    Own,
}

/// Runs `ssh -F DIRECTORY/ssh.config [-o …] [-O …] [-L …] HOST [LINE]`.
pub(super) fn run(world: &mut World, call: &Call<'_>) -> Reply {
    if call.args == ["-V"] {
        let version = world.computer.programs.get("ssh").map_or("", String::as_str);
        return Reply::done().saying(&format!("OpenSSH_{version}p1 (simulated)"));
    }
    let mut words = call.args.iter();
    let (mut config, mut operation, mut forward) = (None, None, None);
    let mut connection = Connection::Shared;
    let host = loop {
        let Some(argument) = words.next() else {
            return Reply::failed(FAILED, "usage: ssh [options] destination [command]");
        };
        match argument.as_str() {
            "-F" => config = words.next(),
            "-O" => operation = words.next(),
            "-L" => forward = words.next(),
            "-o" => match words.next().map(String::as_str) {
                Some("ControlMaster=no") if connection == Connection::Shared => {
                    connection = Connection::Follow;
                }
                Some("ControlMaster=no") => {}
                Some("ControlPath=none") => connection = Connection::Own,
                other => return Reply::unknown("ssh", &format!("the option {other:?}")),
            },
            flag if flag.starts_with('-') => {
                return Reply::unknown("ssh", &format!("the flag `{flag}`"));
            }
            host => break host,
        }
    };
    let line = words.map(String::as_str).collect::<Vec<_>>().join(" ");
    let config = config.map(String::as_str).unwrap_or_default();
    let name = Path::new(config).parent().and_then(Path::file_name).and_then(|name| name.to_str());
    let Some(name) = name.filter(|_| world.file(config.as_ref()).is_some()).map(str::to_owned)
    else {
        return Reply::failed(
            FAILED,
            format!("Can't open user config file {config}: No such file or directory"),
        );
    };
    if host != format!("lima-{name}") {
        let message = format!("ssh: Could not resolve hostname {host}: Name or service not known");
        return Reply::failed(FAILED, message);
    }
    match operation {
        Some(operation) => control(world, &name, operation, forward.map(String::as_str)),
        None => in_guest(world, &name, &line, call.stdin, connection),
    }
}

/// Runs a command line in the guest of an instance.
pub(super) fn in_guest(
    world: &mut World,
    name: &str,
    line: &str,
    stdin: Option<&[u8]>,
    connection: Connection,
) -> Reply {
    let now = world.clock;
    let Some(instance) = world.instances.get_mut(name) else {
        return Reply::failed(FAILED, format!("ssh: no instance {name}"));
    };
    let had_master = instance.master.is_some();
    let session = match connection {
        Connection::Shared => instance.session().map(|session| session.groups),
        Connection::Follow if had_master => instance.session().map(|session| session.groups),
        Connection::Follow | Connection::Own => {
            instance.running_guest().map(|guest| guest.login_gids())
        }
    };
    let port = instance.ssh_port;
    let Some((session, guest)) = session.zip(instance.running_guest()) else {
        let message = format!("ssh: connect to host 127.0.0.1 port {port}: Connection refused");
        return Reply::failed(FAILED, message);
    };
    let before = guest.clone();
    let caller = Caller { session: &session, root: false, now, stdin };
    let reply = guest::run(guest, line, caller);
    let changed = *guest != before;
    if changed || instance.master.is_some() != had_master {
        world.pass(2);
    }
    reply
}

/// Runs a control command of a connection.
fn control(world: &mut World, name: &str, operation: &str, forward: Option<&str>) -> Reply {
    let socket = world.directory(name).join(SSH_SOCKET);
    // In ssh's syntax, a colon ends the path and a percent sign starts a token.
    let path = world.docker_socket(name).display().to_string();
    let path = path.replace('\\', r"\\").replace(':', r"\:").replace('%', "%%");
    let wanted = format!("{path}:{}", crate::lima::GUEST_SOCKET);
    let Some(instance) = world.instances.get_mut(name) else {
        return Reply::failed(FAILED, format!("ssh: no instance {name}"));
    };
    if instance.master.is_none() {
        let path = socket.display();
        let message = format!("Control socket connect({path}): No such file or directory");
        return Reply::failed(FAILED, message);
    }
    if matches!(operation, "forward" | "cancel") && forward != Some(&wanted) {
        return Reply::unknown("ssh", &format!("the forwarding {forward:?}"));
    }
    let reply = match operation {
        "check" => return Reply::done().saying("Master running (pid=1011)"),
        "forward" => make_forward(instance),
        "cancel" => {
            // The file remains. Canceling a forward that does not exist is not an error.
            end_forward(instance);
            Reply::done()
        }
        "stop" => {
            stop_master(instance);
            Reply::done().saying("Stop listening request sent.")
        }
        "exit" => {
            exit_master(world, name);
            return Reply::done().saying("Exit request sent.");
        }
        other => return Reply::failed(FAILED, format!("Invalid multiplex command: {other}")),
    };
    world.pass(1);
    reply
}

fn make_forward(instance: &mut Instance) -> Reply {
    if instance.docker_socket.is_some() {
        return Reply::failed(
            FAILED,
            "mux_client_forward: forwarding request failed: Port forwarding failed",
        )
        .saying("muxclient: master forward request failed");
    }
    let groups = instance.master.as_ref().map(|session| session.groups.clone());
    instance.docker_socket = Some(HostSocket { carried_by: groups, permitted: true });
    Reply::done()
}

fn end_forward(instance: &mut Instance) {
    if let Some(socket) = &mut instance.docker_socket {
        socket.carried_by = None;
    }
}

/// Stops the master from accepting sessions. It lives until its open sessions end, and so do the
/// forwards that were not canceled.
fn stop_master(instance: &mut Instance) {
    let shells = instance.master.take().map_or(0, |session| session.open_shells);
    if shells == 0 {
        end_forward(instance);
    }
}

/// Ends the master, and with it the open shells and forwards.
pub(super) fn exit_master(world: &mut World, name: &str) {
    if let Some(instance) = world.instances.get_mut(name)
        && instance.master.take().is_some()
    {
        end_forward(instance);
        world.pass(1);
    }
}
