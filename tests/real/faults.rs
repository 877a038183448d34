//! Manual faults of an engine, on the host and in the guest, and the expected findings.

use containai::doctor::Code;
use serde_json::Value;

use super::engine::{Engine, NAME};
use super::process;
use super::sysbox;

/// A fault that `cai` repairs.
pub struct Fault {
    pub code: Code,
    /// Prepares what the fault breaks.
    pub prepare: fn(&Engine),
    /// Breaks it. Does nothing if another fault has removed what it would break.
    pub strike: fn(&Engine),
    /// Whether a finding has the expected evidence.
    pub is_evident: fn(&Value) -> bool,
    /// Texts in the plan.
    pub plan: &'static [&'static str],
    /// How often the repair starts the VM. With 0, containers keep running.
    pub restarts: usize,
    /// The group of its trial.
    pub group: &'static str,
}

/// A fault whose repair does not restart the VM.
const fn fault(
    code: Code,
    plan: &'static [&'static str],
    strike: fn(&Engine),
    is_evident: fn(&Value) -> bool,
) -> Fault {
    Fault { code, prepare: |_| {}, strike, is_evident, plan, restarts: 0, group: "doctor" }
}

impl Fault {
    /// The repair starts the VM.
    const fn restarts(mut self) -> Self {
        self.restarts = 1;
        self.group = "restart";
        self
    }

    /// The fault concerns the machine itself.
    const fn of_vm(mut self) -> Self {
        self.group = "vm";
        self
    }

    /// The fault needs Sysbox.
    const fn of_sysbox(mut self) -> Self {
        self.prepare = sysbox::install;
        self
    }
}

/// Whether this evidence contains this text.
pub fn saw(finding: &Value, name: &str, words: &str) -> bool {
    finding["observed"][name].to_string().contains(words)
}

pub const FAULTS: &[Fault] = &[
    fault(
        Code::ProvisionFailed,
        &["~ provision.docker"],
        |engine| {
            engine.guest("echo 100 | sudo tee /run/cai-provision-failed");
        },
        |it| saw(it, "exit_status", "100") && saw(it, "dockerd_installed", "true"),
    ),
    fault(
        Code::DockerdDown,
        &[
            "~ provision.docker",
            "\"inactive\" -> \"active\"",
            "the VM is running, containers unknown",
        ],
        |engine| {
            engine.guest("sudo systemctl stop docker.socket docker.service");
        },
        |it| saw(it, "docker.service", "inactive"),
    ),
    fault(
        Code::GuestSocketMissing,
        &[
            "~ provision.docker  dockerd restart",
            "the guest's Docker socket /var/run/docker.sock does not exist",
            "stops no container",
        ],
        |engine| {
            engine.guest("sudo rm -f /var/run/docker.sock");
        },
        |it| saw(it, "docker.service", "active") && saw(it, "guest_socket", "missing"),
    ),
    fault(
        Code::GuestSocketGroup,
        &["~ provision.docker", "\"root\" -> \"docker\""],
        |engine| {
            engine.guest("sudo chgrp root /var/run/docker.sock || true");
        },
        |it| saw(it, "guest_socket", "group root (0)") && saw(it, "host_socket", "closes"),
    ),
    fault(
        Code::GroupMissing,
        &[
            "+ group_membership.@lima.docker",
            "! restart.containai-secure  session refresh",
            "the current SSH session will not be in group docker",
        ],
        leave_docker,
        |it| {
            let is_out = |groups| !saw(it, groups, "docker");
            is_out("groups_configured")
                && is_out("groups_of_the_open_session")
                && it["consequences"] != Value::Array(vec![])
        },
    ),
    fault(
        Code::SessionStale,
        &["! restart.containai-secure  session refresh", "after the current SSH session started"],
        |engine| {
            // The group is configured again, but the session keeps its old groups.
            leave_docker(engine);
            engine.guest("sudo usermod -aG docker \"$(id -un)\"");
        },
        |it| {
            saw(it, "groups_configured", "docker")
                && !saw(it, "groups_of_the_open_session", "docker")
        },
    ),
    fault(
        Code::HostSocketMissing,
        &["~ socket.containai-secure", "does not exist"],
        |engine| {
            let _ = std::fs::remove_file(engine.instance("sock/docker.sock"));
        },
        |it| saw(it, "host_socket", "does not exist"),
    ),
    fault(
        Code::ForwardDead,
        &["~ socket.containai-secure", "nothing listens", "dockerd answers in the guest"],
        |engine| {
            engine.ssh(&["-O", "cancel", "-L", &engine.forward()], &[]).success();
        },
        |it| saw(it, "host_socket", "nothing listens") && saw(it, "ssh_master", "true"),
    ),
    fault(
        Code::HostSocketPermission,
        &["~ socket.containai-secure", "denies access"],
        |engine| {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::Permissions::from_mode(0o000);
            let _ = std::fs::set_permissions(engine.instance("sock/docker.sock"), mode);
        },
        |it| saw(it, "host_socket", "denies access"),
    ),
    fault(
        Code::SysboxMissing,
        &["~ provision.sysbox"],
        |engine| {
            engine.guest("sudo dpkg --purge sysbox-ce");
        },
        |it| saw(it, "package", "null") && saw(it, "services", "sysbox-mgr.service not found"),
    )
    .of_sysbox(),
    fault(
        Code::SysboxServicesDown,
        &["~ provision.sysbox", "\"inactive\" -> \"active\""],
        |engine| {
            engine.guest("sudo systemctl stop sysbox-fs.service || true");
        },
        |it| saw(it, "services", "sysbox-fs.service inactive") && saw(it, "package", ".linux"),
    )
    .of_sysbox(),
    fault(
        Code::SysboxUnfinished,
        &["~ provision.sysbox", "\"half-configured\" -> \"installed\""],
        |engine| {
            // As if a program that its scripts need were missing.
            engine.guest(
                "sudo mv /usr/sbin/sysctl /usr/sbin/sysctl.away; \
                 sudo dpkg -i /var/lib/cai/packages/sysbox-ce_*.deb; \
                 sudo mv /usr/sbin/sysctl.away /usr/sbin/sysctl",
            );
        },
        |it| saw(it, "package", "half-configured"),
    )
    .of_sysbox(),
    fault(
        Code::SysboxDefault,
        &["~ provision.daemon", "\"default-runtime\": \"runc\""],
        |engine| {
            engine.guest(
                "file=/etc/docker/daemon.json; \
                 sudo sed -i '1s/{/{\\n    \"default-runtime\": \"sysbox-runc\",/' $file && \
                 sudo systemctl reset-failed docker && sudo systemctl restart docker",
            );
        },
        |it| saw(it, "default_runtime", "sysbox-runc"),
    )
    .of_sysbox(),
    fault(
        Code::DaemonJsonDrift,
        &["~ provision.daemon", "\"live-restore\": true"],
        |engine| {
            engine.guest("echo '{\"debug\": true}' | sudo tee /etc/docker/daemon.json");
        },
        |it| saw(it, "keys", "live-restore"),
    ),
    fault(
        Code::ContainersLeftStopped,
        &["! restart.containai-secure", "cai stopped keeper and did not start it again"],
        |engine| {
            // The state after a run of cai that ended before it started the container again.
            engine.guest(
                "sudo docker inspect keeper >/dev/null 2>&1 || exit 0; \
                 line='{{.Id}}|{{slice .Name 1}}|{{.HostConfig.Runtime}}|{{.State.StartedAt}}|\
                 {{.HostConfig.AutoRemove}}'; \
                 sudo docker inspect --format \"$line\" keeper | \
                 sudo tee /var/lib/cai/stopped-containers && sudo docker stop --time 1 keeper",
            );
        },
        |it| saw(it, "containers", "keeper"),
    ),
    fault(
        Code::ContextMissing,
        &["+ context.containai-secure"],
        |engine| {
            engine.command(&["docker", "context", "rm", NAME]).status().unwrap();
        },
        |it| saw(it, "wanted", "docker.sock"),
    ),
    fault(
        Code::ContextEndpoint,
        &["~ context.containai-secure", "unix:///nosuch.sock"],
        |engine| {
            let elsewhere = ["--docker", "host=unix:///nosuch.sock"];
            let words = [&["docker", "context", "update", NAME][..], &elsewhere].concat();
            engine.command(&words).status().unwrap();
        },
        |it| saw(it, "endpoint", "unix:///nosuch.sock"),
    ),
    fault(
        Code::VmStopped,
        &["~ vm.containai-secure", "\"Stopped\" -> \"Running\""],
        |engine| {
            engine.limactl(&["stop", NAME]).success();
        },
        |it| saw(it, "status", "Stopped") && saw(it, "host_socket", "does not exist"),
    )
    .restarts(),
    fault(
        Code::VmBroken,
        &["\"Broken\" -> \"Running\"", "Restarts the VM.", "restarts 1 container: keeper"],
        |engine| process::end(process::agent(engine)),
        |it| saw(it, "status", "Broken") && saw(it, "guest_answers", "true"),
    )
    .restarts()
    // A container's disk keeps the writes that a killed VM loses.
    .of_vm(),
    fault(
        Code::VmDrift,
        &[
            "~ vm.containai-secure  VM restart",
            "cpus = 1 -> 2",
            "restarts 1 container: keeper",
            "Restarts the VM.",
        ],
        take_a_processor,
        |it| saw(it, "cpus", "1, declared 2"),
    )
    .restarts(),
];

/// Removes the VM's user from the group, including in the open session.
pub fn leave_docker(engine: &Engine) {
    engine.guest("sudo gpasswd -d \"$(id -un)\" docker || true");
    renew_master(engine);
}

/// Writes another number of CPUs to `lima.yaml`, as if with an editor.
fn take_a_processor(engine: &Engine) {
    let file = engine.instance("lima.yaml");
    let before = std::fs::read_to_string(&file).unwrap();
    let after = before.replace("\ncpus: 2\n", "\ncpus: 1\n");
    assert_ne!(before, after, "no such line");
    std::fs::write(&file, after).unwrap();
}

/// Gives Lima's connection the groups that are configured now.
fn renew_master(engine: &Engine) {
    let forward = engine.forward();
    engine.ssh(&["-O", "cancel", "-L", &forward], &[]);
    engine.ssh(&["-O", "exit"], &[]).success();
    let _ = std::fs::remove_file(engine.instance("sock/docker.sock"));
    engine.guest("true");
    engine.ssh(&["-O", "forward", "-L", &forward], &[]).success();
}
