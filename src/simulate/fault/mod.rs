//! Faults that can be put into a world: one table of their names, what they do, and how.

mod client;

use serde_json::{Value, json};

use super::docker::metadata;
use super::guest::{
    DAEMON_JSON, DOCKER, DOCKER_SERVICE, DOCKER_SOCKET, Guest, PROVISION_FAILED, PROVISION_LOG,
};
use super::instance::Instance;
use super::limactl::config::Config as Merged;
use super::world::{World, context_directory};
use crate::config::{Config, SocketClient};
use crate::lima::Status;

/// A fault.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does, in words.
    pub what: &'static str,
    act: fn(&mut World, &Engine<'_>),
}

/// The engine that is broken.
struct Engine<'a> {
    vm: &'a str,
    context: &'a str,
    /// The client that is broken, where the file declares one.
    client: Option<&'a SocketClient>,
}

/// Every fault there is.
pub const FAULTS: &[Fault] = &[
    fault("vm-absent", "the VM was deleted", |world, engine| {
        world.instances.remove(engine.vm);
    }),
    fault("vm-stopped", "the VM was stopped", |world, engine| {
        world.on(engine, Instance::stop);
    }),
    fault("vm-broken", "Lima's host agent died; the machine goes on", |world, engine| {
        world.on(engine, |instance| instance.agent = None);
    }),
    fault("group", "the VM's user was taken out of the group docker", |world, engine| {
        world.on(engine, |instance| {
            forget_docker_group(instance);
            if let Some(guest) = &mut instance.guest {
                let user = guest.user.clone();
                if let Some(group) = guest.groups.get_mut(DOCKER) {
                    group.members.retain(|member| *member != user);
                }
            }
        });
    }),
    fault("session", "Lima's connection predates the user's group docker", |world, engine| {
        world.on(engine, forget_docker_group);
    }),
    fault(
        "forward",
        "the forward of the Docker socket died; its file is there",
        |world, engine| {
            world.on(engine, |instance| {
                if let Some(socket) = &mut instance.docker_socket {
                    socket.carried_by = None;
                }
            });
        },
    ),
    fault("dockerd", "dockerd crashed, and its socket went with it", |world, engine| {
        world.on_guest(engine, |guest, _| {
            guest.stop_unit(DOCKER_SOCKET);
            guest.fail_unit(DOCKER_SERVICE);
            guest.log.push("panic: runtime error: the simulated fault `dockerd`".into());
        });
    }),
    fault("guest-socket", "somebody removed the Docker socket in the guest", |world, engine| {
        world.on_guest(engine, |guest, _| guest.socket = None);
    }),
    fault("sysbox-missing", "somebody purged the package of Sysbox", |world, engine| {
        world.on_guest(engine, |guest, now| guest.purge_sysbox(false, now));
    }),
    fault("sysbox-default", "somebody made sysbox-runc the default runtime", |world, engine| {
        world.on_guest(engine, |guest, now| {
            let mut keys = guest.daemon_json().unwrap_or_default();
            keys.insert("default-runtime".into(), "sysbox-runc".into());
            let runtimes = keys.entry("runtimes").or_insert_with(|| json!({}));
            runtimes["sysbox-runc"] = json!({"path": "/usr/bin/sysbox-runc"});
            guest.write(DAEMON_JSON, super::guest::pretty(&keys), now);
            guest.restart_docker(now + 1);
        });
    }),
    fault("daemon-json", "somebody wrote daemon.json anew, without cai's keys", |world, engine| {
        world.on_guest(engine, |guest, now| {
            guest.write(DAEMON_JSON, "{\n    \"debug\": true\n}\n", now);
            guest.restart_docker(now + 1);
        });
    }),
    fault("cpus", "lima.yaml got another processor, and the VM no restart", |world, engine| {
        let Some(instance) = world.instances.get(engine.vm) else { return };
        let directory = world.directory(engine.vm);
        let cpus = Merged::fill(world, instance.parsed(), &directory).number("/cpus");
        // The file's own number, where there is one, is what the YAML has already.
        world.on(engine, |instance| {
            instance.set("cpus", cpus.into());
            let guest = instance.running_guest();
            if let Some(machine) = guest.and_then(|guest| guest.machine.as_mut()) {
                machine.cpus = cpus.saturating_sub(1).max(1);
            }
        });
    }),
    fault("mount", "a mount is gone from lima.yaml", |world, engine| {
        world.on(engine, |instance| {
            let mut mounts = instance.parsed()["mounts"].as_array().cloned().unwrap_or_default();
            if mounts.pop().is_some() {
                instance.set("mounts", mounts.into());
            }
        });
    }),
    fault("context-missing", "the Docker context was removed", |world, engine| {
        world.contexts.remove(&context_directory(engine.context));
    }),
    fault("context-endpoint", "the Docker context leads to another socket", |world, engine| {
        let directory = context_directory(engine.context);
        let text = world.contexts.get(&directory);
        let meta = text.and_then(|text| serde_json::from_str(text).ok());
        let mut meta: Value =
            meta.unwrap_or_else(|| metadata(engine.context, crate::docker::MARK, ""));
        meta["Endpoints"]["docker"]["Host"] = "unix:///var/run/docker.sock".into();
        world.contexts.insert(directory, meta.to_string());
    }),
    fault("lima-missing", "Lima is not installed any more", |world, _| {
        world.computer.programs.remove("limactl");
        world.computer.installed.clear();
    }),
    fault("docker-missing", "the docker command is not on PATH", |world, _| {
        world.computer.programs.remove(DOCKER);
    }),
    fault("provision-failed", "the provisioning script failed; no Docker came", |world, engine| {
        world.on_guest(engine, |guest, now| {
            for package in ["docker.io", "docker-ce"] {
                guest.remove_package(package);
            }
            // It never came, so it never had any.
            guest.containers.clear();
            guest.write(PROVISION_FAILED, "100\n", now);
            guest.write(PROVISION_LOG, "E: Failed to fetch: the simulated fault\n", now);
        });
    }),
    fault(
        "host-socket-permission",
        "the user may not open the socket on the host",
        |world, engine| {
            world.on(engine, |instance| {
                if let Some(socket) = &mut instance.docker_socket {
                    socket.permitted = false;
                }
            });
        },
    ),
    fault("host-socket", "somebody removed the Docker socket on the host", |world, engine| {
        world.on(engine, |instance| instance.docker_socket = None);
    }),
    fault(
        "guest-socket-group",
        "the Docker socket in the guest belongs to root",
        |world, engine| {
            world.on_guest(engine, |guest, _| guest.socket = guest.socket.map(|_| 0));
        },
    ),
    fault("sysbox-services", "a service of Sysbox crashed", |world, engine| {
        world.on_guest(engine, |guest, _| guest.fail_unit("sysbox-fs.service"));
    }),
    fault("sysbox-unfinished", "the installation of Sysbox is incomplete", |world, engine| {
        world.on_disk(engine, Guest::unconfigure_sysbox);
    }),
    fault("lima-old", "limactl is one of long ago", |world, _| {
        if let Some(version) = world.computer.programs.get_mut("limactl") {
            "1.0.7".clone_into(version);
        }
        world.computer.installed.clear();
    }),
    fault("ssh-missing", "there is no ssh on PATH", |world, _| {
        world.computer.programs.remove("ssh");
    }),
    fault("client-absent", "a container of the file was stopped", client::stop),
    fault(
        "client-restarting",
        "a container of the file is denied, gives up, and is started again",
        client::give_up,
    ),
    fault("client-socket", "a container of the file mounts another volume", client::mount_another),
    fault("client-gid", "a container's image has another number for the group", client::renumber),
    fault("client-user", "a container's user was taken out of the group", client::leave_group),
    fault("client-session", "a container's user joined the group, it goes on", client::join_later),
    fault("client-mount", "a container's socket is mounted read-only", client::mount_read_only),
    fault("client-host", "a container mounts the socket of this machine", client::mount_host),
    fault("client-api", "the daemon behind a container's socket ended", client::end_daemon),
    fault("client-health", "a container's own health check fails", client::fall_ill),
];

const fn fault(name: &'static str, what: &'static str, act: fn(&mut World, &Engine<'_>)) -> Fault {
    Fault { name, what, act }
}

impl Fault {
    /// The fault of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        FAULTS.iter().find(|fault| fault.name == name)
    }

    /// Whether it is one of a container that the file declares.
    pub fn is_of_a_client(&self) -> bool {
        self.name.starts_with("client-")
    }

    /// Whether a file declares what it could break.
    pub fn suits(&self, config: &Config) -> bool {
        self.lacks(config).is_none()
    }

    /// What a file would have to declare, where it does not: what there is nothing of, and what to
    /// add.
    pub fn lacks(&self, config: &Config) -> Option<[&'static str; 2]> {
        if self.is_of_a_client() && client::declared(config).next().is_none() {
            return Some(["container with a Docker socket on this engine", "[[socket_clients]]"]);
        }
        let mode = client::declared(config).next().map(|client| client.mode);
        if self.name == "client-mount" && mode == Some(None) {
            return Some(["mode of a container's mount", "`mode = \"rw\"`"]);
        }
        // What a file does not declare is nobody's wish, so it is no difference that it is gone.
        (self.name == "mount" && config.vm.left_out.mounts).then_some(["mount", "[[vm.mounts]]"])
    }

    /// Breaks the engine that a file declares, with the file's containers on it. Where there is
    /// nothing that it could break, such as a connection of a VM that is stopped, nothing happens,
    /// and it is `false`.
    pub fn strike(&self, world: &mut World, config: &Config) -> bool {
        let engine = Engine {
            vm: config.vm.name.as_str(),
            context: config.context.name.as_str(),
            client: client::declared(config).next(),
        };
        client::have(world, config, &engine);
        let before = world.clone();
        (self.act)(world, &engine);
        let broke = *world != before;
        world.pass(1);
        broke
    }
}

impl World {
    /// Does something to the engine's instance, where there is one.
    fn on(&mut self, engine: &Engine<'_>, act: impl FnOnce(&mut Instance)) {
        if let Some(instance) = self.instances.get_mut(engine.vm) {
            act(instance);
        }
    }

    /// Does something to a guest that runs, with the time.
    fn on_guest(&mut self, engine: &Engine<'_>, act: impl FnOnce(&mut Guest, u64)) {
        let now = self.clock;
        self.on(engine, |instance| {
            if instance.status() != Status::Stopped
                && let Some(guest) = instance.running_guest()
            {
                act(guest, now);
            }
        });
    }

    /// Does something to a guest's disk.
    fn on_disk(&mut self, engine: &Engine<'_>, act: impl FnOnce(&mut Guest)) {
        self.on(engine, |instance| {
            if let Some(guest) = &mut instance.guest {
                act(guest);
            }
        });
    }
}

/// Lima's connection, and the forward on it, began before the user was in the group.
fn forget_docker_group(instance: &mut Instance) {
    let gid = instance.guest.as_ref().and_then(|guest| guest.groups.get(DOCKER));
    let Some(gid) = gid.map(|group| group.gid) else { return };
    if let Some(master) = &mut instance.master {
        master.groups.remove(&gid);
    }
    let socket = instance.docker_socket.as_mut();
    if let Some(groups) = socket.and_then(|socket| socket.carried_by.as_mut()) {
        groups.remove(&gid);
    }
}
