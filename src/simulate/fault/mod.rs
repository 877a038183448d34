//! The faults that can be injected into a simulated world.

mod client;
mod place;

use serde_json::{Value, json};

use self::place::forget_docker_group;
use super::docker::metadata;
use super::guest::{
    DAEMON_JSON, DOCKER, DOCKER_SERVICE, DOCKER_SOCKET, Guest, PROVISION_FAILED, PROVISION_LOG,
};
use super::instance::Instance;
use super::limactl::config::FilledConfig;
use super::world::{World, context_directory};
use crate::config::{Config, SocketClient};

/// A fault that can be injected.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The name on the command line.
    pub name: &'static str,
    /// The description.
    pub what: &'static str,
    act: fn(&mut World, &FaultTarget<'_>),
}

/// The engine to break.
struct FaultTarget<'a> {
    vm: &'a str,
    context: &'a str,
    /// The client to break, if the file declares one.
    client: Option<&'a SocketClient>,
}

/// All faults.
pub const FAULTS: &[Fault] = &[
    fault("vm-absent", "the VM was deleted", |world, engine| {
        world.instances.remove(engine.vm);
    }),
    fault("vm-stopped", "the VM was stopped", |world, engine| {
        world.on(engine, Instance::stop);
    }),
    fault("vm-broken", "Lima's host agent died, but the VM still runs", |world, engine| {
        world.on(engine, |instance| instance.agent = None);
    }),
    fault("group", "the VM's user was removed from the group docker", |world, engine| {
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
    fault(
        "session",
        "the VM's user joined docker after Lima's SSH session started",
        |world, engine| {
            world.on(engine, forget_docker_group);
        },
    ),
    fault(
        "forward",
        "the forward of the Docker socket died, but its file remains",
        |world, engine| {
            world.on(engine, |instance| {
                if let Some(socket) = &mut instance.docker_socket {
                    socket.carried_by = None;
                }
            });
        },
    ),
    fault("dockerd", "dockerd crashed and its socket was removed", |world, engine| {
        world.on_guest(engine, |guest, _| {
            guest.stop_unit(DOCKER_SOCKET);
            guest.fail_unit(DOCKER_SERVICE);
            guest.log.push("panic: runtime error: the simulated fault `dockerd`".into());
        });
    }),
    fault("guest-socket", "someone removed the Docker socket in the guest", |world, engine| {
        world.on_guest(engine, |guest, _| guest.socket = None);
    }),
    fault("sysbox-missing", "someone purged the Sysbox package", |world, engine| {
        world.on_guest(engine, |guest, now| guest.purge_sysbox(false, now));
    }),
    fault("sysbox-default", "someone made sysbox-runc the default runtime", |world, engine| {
        world.on_guest(engine, |guest, now| {
            let mut keys = guest.daemon_json().unwrap_or_default();
            keys.insert("default-runtime".into(), "sysbox-runc".into());
            let runtimes = keys.entry("runtimes").or_insert_with(|| json!({}));
            runtimes["sysbox-runc"] = json!({"path": "/usr/bin/sysbox-runc"});
            guest.write(DAEMON_JSON, super::guest::pretty(&keys), now);
            guest.restart_docker(now + 1);
        });
    }),
    fault("daemon-json", "someone replaced daemon.json, without cai's keys", |world, engine| {
        world.on_guest(engine, |guest, now| {
            guest.write(DAEMON_JSON, "{\n    \"debug\": true\n}\n", now);
            guest.restart_docker(now + 1);
        });
    }),
    fault("egress-flushed", "someone flushed the egress rules", |world, engine| {
        world.on_guest(engine, |guest, _| guest.egress = None);
    }),
    fault("egress-resolver", "the egress resolver stopped", |world, engine| {
        world.on_guest(engine, |guest, _| guest.fail_unit("cai-egress-dns.service"));
    }),
    fault("cpus", "lima.yaml has one more CPU than the running VM", |world, engine| {
        let Some(instance) = world.instances.get(engine.vm) else { return };
        let directory = world.directory(engine.vm);
        let cpus = FilledConfig::fill(world, instance.parsed(), &directory).number("/cpus");
        // The YAML keeps the declared number of CPUs. The running machine gets fewer.
        world.on(engine, |instance| {
            instance.set("cpus", cpus.into());
            let guest = instance.running_guest();
            if let Some(machine) = guest.and_then(|guest| guest.machine.as_mut()) {
                machine.cpus = cpus.saturating_sub(1).max(1);
            }
        });
    }),
    fault("mount", "someone removed a mount from lima.yaml", |world, engine| {
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
    fault(
        "context-endpoint",
        "the Docker context has the endpoint of another socket",
        |world, engine| {
            let directory = context_directory(engine.context);
            let text = world.contexts.get(&directory);
            let meta = text.and_then(|text| serde_json::from_str(text).ok());
            let mut meta: Value =
                meta.unwrap_or_else(|| metadata(engine.context, crate::docker::MARK, ""));
            meta["Endpoints"]["docker"]["Host"] = "unix:///var/run/docker.sock".into();
            world.contexts.insert(directory, meta.to_string());
        },
    ),
    fault("lima-missing", "Lima was uninstalled", |world, _| {
        world.computer.programs.remove("limactl");
        world.computer.installed.clear();
    }),
    fault("docker-missing", "the docker command is not on PATH", |world, _| {
        world.computer.programs.remove(DOCKER);
    }),
    fault(
        "provision-failed",
        "the provisioning script failed and did not install Docker",
        |world, engine| {
            world.on_guest(engine, |guest, now| {
                for package in ["docker.io", "docker-ce"] {
                    guest.remove_package(package);
                }
                // Without Docker, no container ever existed.
                guest.containers.clear();
                guest.write(PROVISION_FAILED, "100\n", now);
                guest.write(PROVISION_LOG, "E: Failed to fetch: the simulated fault\n", now);
            });
        },
    ),
    fault(
        "host-socket-permission",
        "the user cannot open the Docker socket on the host",
        |world, engine| {
            world.on(engine, |instance| {
                if let Some(socket) = &mut instance.docker_socket {
                    socket.permitted = false;
                }
            });
        },
    ),
    fault("host-socket", "someone removed the Docker socket on the host", |world, engine| {
        world.on(engine, |instance| instance.docker_socket = None);
    }),
    fault(
        "guest-socket-group",
        "the Docker socket in the guest belongs to the group root",
        |world, engine| {
            world.on_guest(engine, |guest, _| guest.socket = guest.socket.map(|_| 0));
        },
    ),
    fault("sysbox-services", "a Sysbox service crashed", |world, engine| {
        world.on_guest(engine, |guest, _| guest.fail_unit("sysbox-fs.service"));
    }),
    fault("sysbox-unfinished", "the installation of Sysbox is incomplete", |world, engine| {
        world.on_disk(engine, Guest::unconfigure_sysbox);
    }),
    fault("lima-old", "limactl is too old", |world, _| {
        if let Some(version) = world.computer.programs.get_mut("limactl") {
            "1.0.7".clone_into(version);
        }
        world.computer.installed.clear();
    }),
    fault("ssh-missing", "the ssh command is not on PATH", |world, _| {
        world.computer.programs.remove("ssh");
    }),
    fault("client-absent", "a declared container was stopped", client::stop),
    fault(
        "client-restarting",
        "a declared container cannot use its socket and keeps restarting",
        client::give_up,
    ),
    fault("client-socket", "a declared container mounts another volume", client::mount_another),
    fault("client-gid", "a container's image has another gid for the group", client::renumber),
    fault("client-user", "a container's user was removed from the group", client::leave_group),
    fault(
        "client-session",
        "a container's user joined the group after the container started",
        client::join_later,
    ),
    fault("client-mount", "a container's socket is mounted read-only", client::mount_read_only),
    fault("client-host", "a container mounts the socket of this machine", client::mount_host),
    fault("client-api", "the daemon behind a container's socket stopped", client::end_daemon),
    fault("client-health", "a container's own health check fails", client::fall_ill),
];

const fn fault(
    name: &'static str,
    what: &'static str,
    act: fn(&mut World, &FaultTarget<'_>),
) -> Fault {
    Fault { name, what, act }
}

impl Fault {
    /// The fault with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        FAULTS.iter().find(|fault| fault.name == name)
    }

    /// Whether the fault breaks a container that the file declares.
    pub fn is_of_a_client(&self) -> bool {
        self.name.starts_with("client-")
    }

    /// Whether the file declares everything that the fault breaks.
    pub fn suits(&self, config: &Config) -> bool {
        self.lacks(config).is_none()
    }

    /// What the file must declare for this fault but does not: its name, and the text to add to the
    /// file.
    pub fn lacks(&self, config: &Config) -> Option<[&'static str; 2]> {
        if self.is_of_a_client() && client::declared(config).next().is_none() {
            return Some(["container with a Docker socket on this engine", "[[socket_clients]]"]);
        }
        let mode = client::declared(config).next().map(|client| client.mode);
        if self.name == "client-mount" && mode == Some(None) {
            return Some(["mode of a container's mount", "`mode = \"rw\"`"]);
        }
        if self.name.starts_with("egress-") && config.egress.is_none() {
            return Some(["egress policy", "[egress]"]);
        }
        // cai does not manage a setting that the file omits, so its absence is not drift.
        (self.name == "mount" && config.vm.left_out.mounts).then_some(["mount", "[[vm.mounts]]"])
    }

    /// Breaks the engine that a file declares, after creating the declared containers. Returns
    /// `false` if the fault changed nothing, for example if the VM is stopped and its connection
    /// should break.
    pub fn strike(&self, world: &mut World, config: &Config) -> bool {
        let engine = FaultTarget {
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
