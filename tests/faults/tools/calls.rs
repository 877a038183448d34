//! The calls that `cai` makes, each with a machine on which it makes the call.

use containai::config;
use containai::simulate::{Call as Fake, Fault as Broken, run};

use crate::support::fake_world::FakeWorld;

/// How `cai` uses the result of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It needs the output, and cannot continue without it.
    Answers,
    /// The same, with one line of JSON for each instance.
    Lists,
    /// It reads the output line by line. Without it, the guest counts as silent.
    Looks,
    /// It reads only the exit status.
    Step,
    /// It ignores the result. A later call shows whether the attempt worked.
    Attempt,
    /// The call starts a container, and its output shows whether that worked.
    Proof,
}

/// A call of a program.
pub struct Call {
    /// The name of its row in the table.
    pub name: &'static str,
    /// A part of its arguments that no other call has.
    pub words: &'static str,
    /// How messages about it start.
    pub shown: &'static str,
    pub role: Role,
    /// The number of the first call that fails.
    pub number: usize,
    /// Brings a machine that matches the file into a state in which `cai` makes the call.
    pub prepare: fn(&FakeWorld),
    pub command: &'static [&'static str],
}

pub const FILE: &str = "version = 1\n[lima]\ninstall = \"never\"\n[vm]\ncpus = 2\n";
pub const APPLY: &[&str] = &["apply", "--yes"];
pub const DESTROY: &[&str] = &["destroy", "--allow-destroy", "containai-secure"];

const fn step(
    name: &'static str,
    words: &'static str,
    shown: &'static str,
    prepare: fn(&FakeWorld),
) -> Call {
    Call { name, words, shown, role: Role::Step, number: 1, prepare, command: APPLY }
}

impl Call {
    const fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }
    const fn number(self, number: usize) -> Self {
        Self { number, ..self }
    }
    const fn command(self, command: &'static [&'static str]) -> Self {
        Self { command, ..self }
    }
}

fn strike(world: &FakeWorld, fault: &str) {
    let config = config::parse(FILE).unwrap();
    world.change(|world| Broken::find(fault).unwrap().strike(world, &config));
}

fn write(world: &FakeWorld, from: &str, to: &str) {
    assert!(FILE.contains(from));
    world.sandbox.write("home/containai.toml", &FILE.replace(from, to));
}

fn declare(world: &FakeWorld, lines: &str) {
    world.sandbox.write("home/containai.toml", &format!("{FILE}{lines}"));
}

/// Applies one declaration of a user in the guest and then declares another one.
fn redeclare(world: &FakeWorld, first: &str, then: &str) {
    declare(world, &format!("[[users]]\nname = \"robot\"\n{first}\n"));
    world.cai(APPLY).success();
    declare(world, &format!("[[users]]\nname = \"robot\"\n{then}\n"));
}

/// A container runs with Sysbox when a service of Sysbox stops.
fn stop_sysbox_under_a_container(world: &FakeWorld) {
    let line = ["--context", "containai-secure", "run", "-d", "--runtime=sysbox-runc", "system"];
    let args = line.map(str::to_owned);
    world.change(|world| {
        let ran = run(world, "docker", &Fake { args: &args, ..Fake::default() });
        assert_eq!(ran.map(|reply| reply.code), Some(0));
    });
    strike(world, "sysbox-services");
}

/// All calls except those about containers that use a socket (`clients`) and Homebrew (`brew`).
pub const CALLS: &[Call] = &[
    step("limactl --version", "limactl --version", "limactl --version", |_| {})
        .role(Role::Answers)
        .command(&["plan"]),
    step("limactl list", "limactl list", "limactl list --json", |_| {})
        .role(Role::Lists)
        .command(&["plan"]),
    step("limactl list, in an apply", "limactl list", "limactl list --json", |world| {
        strike(world, "vm-stopped");
    })
    .role(Role::Lists)
    .number(2),
    step(
        "limactl create",
        " create --name=",
        "limactl --tty=false create --name=containai-secure -",
        |world| world.change(|world| world.instances.clear()),
    ),
    step("limactl start", " start --timeout", "limactl --tty=false start --timeout=", |world| {
        strike(world, "vm-stopped");
    }),
    step(
        "limactl stop",
        "limactl --tty=false stop",
        "limactl --tty=false stop containai-secure",
        |world| strike(world, "cpus"),
    ),
    step(
        "limactl stop -f",
        "limactl --tty=false stop -f",
        "limactl --tty=false stop -f containai-secure",
        |world| strike(world, "vm-broken"),
    ),
    step(
        "limactl edit, by an editor",
        "limactl --tty=true edit",
        "VISUAL=tee EDITOR=tee limactl --tty=true edit containai-secure",
        |world| declare(world, "[vm.env]\nTOKEN = { value = \"abc\", sensitive = true }\n"),
    ),
    step(
        "limactl edit",
        "limactl --tty=false edit",
        "limactl --tty=false edit containai-secure --set",
        |world| write(world, "cpus = 2", "cpus = 3"),
    ),
    step("limactl protect", " protect ", "limactl --tty=false protect containai-secure", |world| {
        world.change(|world| {
            world.instances.values_mut().for_each(|instance| instance.protected = false);
        });
    }),
    step(
        "limactl unprotect",
        " unprotect ",
        "limactl --tty=false unprotect containai-secure",
        |world| write(world, "cpus = 2", "cpus = 2\nprotect = false"),
    ),
    step("limactl delete", " delete ", "limactl --tty=false delete containai-secure", |world| {
        strike(world, "vm-stopped");
    })
    .command(DESTROY),
    step(
        "docker context create",
        "docker context create",
        "docker context create --description",
        |world| strike(world, "context-missing"),
    ),
    step(
        "docker context update",
        "docker context update",
        "docker context update --description",
        |world| strike(world, "context-endpoint"),
    ),
    step("docker context rm", "docker context rm", "docker context rm containai-secure", |_| {})
        .command(DESTROY),
    step("ssh: the probe", " sh -s -- cai-", "ssh", |_| {}).role(Role::Looks),
    step(
        "ssh: install Docker",
        "sh -s -- docker ",
        "ssh -F {dir}/ssh.config lima-containai-secure \"sudo -n sh -s -- docker ",
        |world| strike(world, "provision-failed"),
    ),
    step(
        "ssh: install Sysbox",
        "sh -s -- install-sysbox ",
        "ssh -F {dir}/ssh.config lima-containai-secure \"sudo -n sh -s -- install-sysbox ",
        |world| strike(world, "sysbox-missing"),
    ),
    step(
        "ssh: download Sysbox",
        "sh -s -- fetch-sysbox ",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n sh -s -- fetch-sysbox ",
        |world| strike(world, "sysbox-missing"),
    ),
    step(
        "ssh: record the containers",
        "sh -s -- remember-containers",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n sh -s -- remember-containers'",
        stop_sysbox_under_a_container,
    ),
    step(
        "ssh: stop a container",
        "docker stop",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n timeout 60 docker stop",
        stop_sysbox_under_a_container,
    )
    .role(Role::Attempt),
    step(
        "ssh: start the containers",
        "sh -s -- start-containers",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n sh -s -- start-containers'",
        stop_sysbox_under_a_container,
    ),
    step(
        "ssh: write daemon.json",
        "sh -s -- write-daemon-json",
        "ssh -F {dir}/ssh.config lima-containai-secure",
        |world| strike(world, "sysbox-default"),
    ),
    step(
        "ssh: reload dockerd",
        "sh -s -- reload-docker",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n sh -s -- reload-docker",
        |world| strike(world, "sysbox-default"),
    ),
    step(
        "ssh: systemctl reload",
        "systemctl reload",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n systemctl reload",
        |world| strike(world, "guest-socket"),
    ),
    step(
        "ssh: restart dockerd",
        "sh -s -- restart-docker",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n sh -s -- restart-docker",
        |world| strike(world, "guest-socket"),
    ),
    step(
        "ssh: groupadd",
        "groupadd",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n groupadd",
        |world| declare(world, "[[groups]]\nname = \"robots\"\ngid = 4711\n"),
    ),
    step(
        "ssh: useradd",
        "useradd",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n useradd",
        |world| declare(world, "[[users]]\nname = \"robot\"\ngroups = []\n"),
    ),
    step(
        "ssh: usermod",
        "usermod",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n usermod -aG docker",
        |world| strike(world, "group"),
    ),
    step(
        "ssh: usermod, of an account",
        "usermod",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n usermod -s /bin/sh robot'",
        |world| redeclare(world, "shell = \"/bin/bash\"", "shell = \"/bin/sh\""),
    ),
    step(
        "ssh: gpasswd",
        "gpasswd",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n gpasswd -d robot docker'",
        |world| redeclare(world, "groups = [\"docker\"]", "groups = []"),
    ),
    step(
        "ssh: groupmod",
        "groupmod",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n groupmod -g 4711 docker'",
        |world| declare(world, "[[groups]]\nname = \"docker\"\ngid = 4711\n"),
    ),
    step(
        "ssh: chgrp",
        "chgrp",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n chgrp docker",
        |world| strike(world, "guest-socket-group"),
    ),
    step(
        "ssh: copy a file",
        "install -D",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n install -D -m 600 /dev/stdin",
        |world| {
            world.sandbox.write("home/seccomp.json", "{\"defaultAction\": \"SCMP_ACT_ALLOW\"}");
            declare(world, "[docker]\nseccomp_profile = \"./seccomp.json\"\n");
        },
    ),
    step(
        "ssh: restart Sysbox",
        "sh -s -- restart-sysbox",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n sh -s -- restart-sysbox'",
        |world| strike(world, "sysbox-services"),
    ),
    step("ssh -O cancel", "-O cancel", "ssh -F {dir}/ssh.config -O cancel", |world| {
        strike(world, "session");
    })
    .role(Role::Attempt),
    step("ssh -O stop", "-O stop", "ssh -F {dir}/ssh.config -O stop", |world| {
        strike(world, "session");
    })
    .role(Role::Attempt),
    step(
        "ssh: a new session",
        " true",
        "ssh -F {dir}/ssh.config lima-containai-secure true",
        |world| strike(world, "session"),
    ),
    step("ssh -O forward", "-O forward", "ssh -F {dir}/ssh.config -O forward", |world| {
        strike(world, "forward");
    }),
    step(
        "ssh: start a container",
        "sh -s -- try-container",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n sh -s -- try-container",
        |_| {},
    )
    .role(Role::Proof)
    .command(&["doctor", "--deep"]),
    step(
        "ssh: start a container, after an apply",
        "sh -s -- try-container",
        "ssh -F {dir}/ssh.config lima-containai-secure 'sudo -n sh -s -- try-container",
        |world| strike(world, "sysbox-missing"),
    )
    .role(Role::Proof),
];
