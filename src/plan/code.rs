//! The codes of findings: their names, their meanings, and the texts of `cai explain`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// Defines the codes and their texts in one list, so that no code can lack a text.
macro_rules! codes {
    ($($code:ident $name:literal $meaning:literal $text:literal)*) => {
        /// What a finding is about. The names are stable, for scripts and for `cai explain`.
        #[allow(rustdoc::broken_intra_doc_links, reason = "`[egress]` is a table of the file")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = concat!("`", $name, "`: ", $meaning, ".")] $code,)*
        }

        impl Code {
            /// Every code, from the outside in.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }

            /// Its meaning, in one line.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$code => $meaning,)* }
            }

            /// The longer text: one paragraph for each line.
            pub fn text(self) -> &'static str {
                match self { $(Self::$code => $text,)* }
            }
        }
    };
}

codes! {
    ConfigInvalid "config_invalid" "the file has errors"
        "containai.toml has errors, so the desired state is unknown. Nothing is checked until they are \
         fixed. `cai validate` shows each error with its line."
    Unobservable "unobservable" "a required file or variable cannot be read"
        "cai cannot read something on this machine that the diagnosis needs: HOME is not set, a variable \
         such as LIMA_HOME is not an absolute path, or a file of Lima or Docker is unreadable or \
         invalid. The finding names it."
    LimaMissing "lima_missing" "limactl is not installed"
        "limactl is neither on PATH nor where cai installs it. Without it, nothing is known about the VM, \
         which may still run. If the file allows it, cai installs Lima."
    LimaTooOld "lima_too_old" "the file does not accept the installed version of limactl"
        "The file lists the accepted versions under [lima]; the default is 1.1 and later. Older versions \
         of Lima lack features that the VM needs."
    LimaFailed "lima_failed" "limactl failed"
        "`limactl --version` or `limactl list --json` failed, hung, or printed something that cannot be \
         parsed. The finding has the output. cai stops a command that exceeds its time limit."
    SshMissing "ssh_missing" "ssh is not installed"
        "Lima and cai reach the VM through the OpenSSH client, which is not on PATH. Install it, then run \
         `cai doctor` again."
    DockerCliMissing "docker_cli_missing" "the docker command is not installed"
        "The Docker command line client is not on PATH. The engine in the VM does not need it, but \
         contexts cannot be created without it, and you cannot use the engine from here. This machine \
         does not need a Docker daemon."
    SocketPathTooLong "socket_path_too_long" "the paths of the VM's sockets are too long"
        "The path of a Unix socket can be at most 103 bytes long on macOS and 107 on Linux. Lima keeps \
         the sockets \
         of a VM in its directory and refuses a VM whose longest path does not fit. Use a shorter VM \
         name or a shorter LIMA_HOME."
    VmAbsent "vm_absent" "the VM does not exist"
        "The VM was never created, was deleted, or is in another LIMA_HOME. If it was deleted, so was \
         everything in it, including images and volumes. `cai apply` creates a new one from the file."
    VmStopped "vm_stopped" "the VM is stopped"
        "Someone stopped it, or this machine was restarted. Its disk is intact. After a crash, the file \
         of the Docker socket may still exist although nothing listens on it."
    VmBroken "vm_broken" "the VM is broken"
        "A running VM has two parts: the virtual machine itself and Lima's host agent. One of them has \
         exited, and in this state Lima can neither start nor stop the VM. `limactl stop -f` ends the \
         remaining part. After that, the VM can start. You do not need to delete it."
    VmStarting "vm_starting" "the VM is still starting"
        "Lima's host agent has not reported yet that the VM has started. A first boot installs packages, \
         which takes minutes. Until then, a service that does not answer is not a fault."
    VmUnreachable "vm_unreachable" "the VM runs, but its guest does not answer"
        "Lima reports the VM as running, but a command over ssh failed or timed out. The guest may hang, \
         be out of memory, or have lost its network. Lima's logs are in the VM's directory; `cai doctor \
         --bundle` collects them."
    ProvisionFailed "provision_failed" "Docker was not installed or not started when the VM booted"
        "The script that installs and starts Docker at every boot failed, or dockerd is missing although \
         it succeeded. `limactl start` succeeds anyway. The finding has the last lines of the script's \
         log and of dockerd's. Most often the guest could not reach the package server, or dockerd does \
         not start with its /etc/docker/daemon.json."
    DockerdDown "dockerd_down" "dockerd is not running, or does not respond even to root"
        "dockerd in the guest is stopped, failed to start, or hangs. From the host this looks like a \
         missing group membership: the connection is closed without an answer. The finding has the last \
         lines of dockerd's log. Containers may keep running without it (live-restore)."
    GuestSocketMissing "guest_socket_missing" "dockerd runs, but its socket in the guest does not exist"
        "Someone removed /var/run/docker.sock in the guest. systemd still listens on the removed file, so \
         only a restart of its socket unit recreates it. Containers keep running."
    GuestSocketGroup "guest_socket_group" "members of group docker cannot open the guest's socket"
        "The socket must belong to the group docker, and its mode must let members connect (0660). The \
         group's gid changed, or someone changed the socket's group or mode."
    GroupMissing "group_missing" "the VM's login user is not in group docker"
        "Lima connects to the guest as the VM's login user. Only members of the group docker and the \
         socket's owner can open Docker's socket there. On the host the connection is closed without an \
         answer, exactly as if dockerd were stopped, so the docker command's message proves nothing. \
         Adding the user is not enough: the SSH session must be renewed as well. That takes about a \
         second and stops no containers."
    SessionStale "session_stale" "the SSH session started before the user joined the group"
        "A login session keeps the groups that it started with. Lima opens one SSH connection when the VM \
         starts; every `limactl shell` and the forwarded Docker socket use it. So `id USER` shows the \
         group, but the socket still refuses. The usual advice is to restart the VM. A new connection is \
         enough: containers and open shells keep running."
    HostSocketMissing "host_socket_missing" "the engine answers, but its host socket does not exist"
        "Everything in the guest works, but the forwarded socket on this machine does not exist. Someone \
         removed it, or it was never forwarded. cai forwards it again."
    ForwardDead "forward_dead" "the engine answers, but its host socket does not"
        "Everything in the guest works, but nothing answers on the socket on this machine: the SSH forward \
         behind it ended, or its connection is gone. The docker command asks whether the daemon is \
         running; it is. cai forwards the socket again."
    HostSocketPermission "host_socket_permission" "you cannot open the socket on this machine"
        "The forwarded socket exists, but the system denies access. Its mode or that of a parent directory \
         changed, or another user owns it. Forwarding it again recreates it."
    SysboxMissing "sysbox_missing" "sysbox-runc is not available"
        "The file enables Sysbox, but its package is not installed in the guest, or the running dockerd \
         does not know its runtime. Containers with `--runtime=sysbox-runc` cannot start."
    SysboxUnfinished "sysbox_unfinished" "the installation of Sysbox is incomplete"
        "dpkg unpacked the package sysbox-ce but could not configure it. sysbox-runc is in the \
         guest, but its services are not enabled, and every other apt-get install fails until this \
         one is finished. The usual causes: containers existed while daemon.json lacked network \
         keys, or a program that the package needs but does not declare is missing, such as \
         sysctl."
    SysboxServicesDown "sysbox_services_down" "a Sysbox service is not running"
        "Containers with sysbox-runc need sysbox-mgr and sysbox-fs. One of them is not active: such \
         containers cannot start, and running ones may not work."
    SysboxDefault "sysbox_default" "sysbox-runc is the default runtime but should not be"
        "Every container that names no runtime gets sysbox-runc. The file does not say so \
         (`default_runtime = true` under [sysbox])."
    ContainersLeftStopped "containers_left_stopped" "cai stopped containers and did not start them again"
        "A restart of Sysbox, dockerd or the VM stops containers. cai records them in the guest and \
         starts them again afterwards. cai was interrupted before that, or a container did not start. \
         The next `cai apply` or `cai doctor --fix` starts them."
    DaemonJsonDrift "daemon_json_drift" "dockerd's configuration differs from the file"
        "/etc/docker/daemon.json in the guest lacks keys from containai.toml or has different values, \
         or the running dockerd has not loaded it. `cai plan` shows the differences line by line. Keys \
         that cai did not set are kept. This code also covers a daemon.json that keeps dockerd from \
         starting because it is not JSON or its default-runtime is not defined."
    VmDrift "vm_drift" "the VM differs from the file"
        "The VM's lima.yaml differs from the file, or the VM runs with a different number of \
         CPUs or amount of memory than its lima.yaml sets. The engine works. The change needs a restart of the VM; `cai plan` shows it with \
         the containers that it stops."
    VmOverridden "vm_overridden" "a Lima override or default file affects the VM"
        "Lima merges `_config/override.yaml` and `_config/default.yaml` of its directory into every \
         VM. The first takes precedence over the VM's own YAML, so an edit of the VM would have no effect. \
         cai reports what these files change and does not edit them. The VM also gets what these files add, \
         such as mounts."
    EgressOpen "egress_open" "containers can connect where [egress] does not allow it"
        "The firewall rules in the guest are missing, or they are not those that cai loaded. Either \
         nftables.service was restarted, which removes all rules, or root in the guest changed them. \
         Containers may reach destinations that [egress] blocks. cai loads the rules again; allowed \
         connections are not interrupted."
    EgressNameBlocked "egress_name_blocked" "a container cannot reach a name that [egress] allows"
        "`cai doctor --deep` looks up an allowed name in a temporary container. Either the resolver in the \
         guest did not answer, or the address of the name is not in the rules. A program that looks up names \
         over HTTPS or TLS does not ask that resolver, so the rules do not learn the address."
    EgressResolverDown "egress_resolver_down" "the resolver for containers is not running"
        "With [egress], containers look up names with a resolver in the guest, which adds the addresses of \
         allowed names to the rules. While it is down, no name can be resolved, and new addresses are \
         refused: the rules stay closed. `journalctl -u cai-egress-dns` in the guest shows why it stopped."
    VulnerableVersion "vulnerable_version" "an installed version has a known issue"
        "cai contains a list of advisories for Lima, Docker Engine, runc and Sysbox. The finding names the \
         advisory, what it means here, and what to do. It is a notice; `cai doctor --fail-on high` exits with \
         1 for an advisory of that severity or higher, for use in CI. Packages of a distribution are not \
         judged by their upstream version, because distributions backport fixes. With `--fail-on`, cai \
         reports that it cannot judge them."
    CertificateExpires "certificate_expires" "a trusted certificate expires soon or has expired"
        "A certificate of [[trust]] expires within 30 days, or has expired, by the clock of the VM. After \
         that, downloads through the corporate proxy and pulls from internal registries fail. Replace the \
         file with the new certificate and run `cai apply`: dockerd restarts, because it reads the \
         certificates only when it starts."
    MountExposes "mount_exposes" "a mount exposes more than a project"
        "Anyone who can use the Docker socket is root in the VM, and root in the VM can read every file of a \
         mount and change every file of a writable one. With your home directory, that includes SSH keys, \
         logins and shell start files, so root in the VM can act as you on this machine. With the directory \
         of containai.toml, it can change what the next `cai apply` does: review changes of that file before \
         you apply them. Mount a smaller directory."
    Drift "drift" "something else differs from the file"
        "The engine works, but it differs from the file in a way that no other code describes. `cai plan` \
         shows the differences."
    ContainerStartFailed "container_start_failed" "dockerd answers, but containers do not start"
        "A healthy `docker info` does not mean that containers start: a Debian guest without the \
         package apparmor answers everything but fails every `docker run`. `cai doctor --deep` starts a \
         container from an image that it builds on the spot, without network. The finding has dockerd's \
         message."
    ContextMissing "context_missing" "the Docker context does not exist"
        "`docker --context NAME` does not find the context. Someone removed it, or DOCKER_CONFIG now \
         points to a different directory. The engine itself is not affected."
    ContextEndpoint "context_endpoint" "the Docker context points to a different endpoint"
        "The context exists, but its endpoint is not the socket of this VM. cai changes it back only if \
         cai created it or if it belongs to this VM anyway."
    ContextShadowed "context_shadowed" "a variable takes precedence over the Docker context"
        "DOCKER_HOST takes precedence over DOCKER_CONTEXT, and both take precedence over the current \
         context; only `--context` and `-H` override them. With one of them set, `docker` without \
         --context does not reach this engine. This is a notice, not a fault."
    ClientContainerAbsent "client_container_absent" "a declared container does not exist or has exited"
        "[[socket_clients]] names a container that does not exist or has exited. If the file names its \
         compose file and service, --fix starts that service and no other."
    ClientRestarting "client_restarting" "a declared container keeps restarting"
        "It cannot be inspected from inside while it restarts. The finding is based on its image, its \
         options and the last lines of its log."
    ClientHostSocket "client_host_socket" "a container mounts this machine's socket, not the guest's"
        "dockerd runs in the guest, so the source of a mount is a path in the guest. The forwarded \
         socket in Lima's directory exists on this machine only. In the guest, that path does not \
         exist, or no daemon listens on it. Mount /var/run/docker.sock instead."
    ClientSocketMissing "client_socket_missing" "a container's socket is missing"
        "The container has no socket where its program looks for one: nothing is mounted there, or there \
         is a directory, which Docker creates if the source of a mount does not exist."
    ClientGidMismatch "client_gid_mismatch" "a container's socket belongs to a group with another gid"
        "A socket belongs to a gid, and a group of the same name can have another gid in the container. \
         cai can add the gid with group_add. If only the image can change it, the finding has the line for \
         its Dockerfile."
    ClientSessionStale "client_session_stale" "a program started before its user joined the group"
        "As on a VM, if a user joins a group in a running container, only programs that start later have \
         the group. The container must be recreated or restarted."
    ClientUserNotInGroup "client_user_not_in_group" "a container's user is not in the socket's group"
        "The socket's gid is not among the groups of the running program. cai reads the program's groups, \
         not the image's /etc/group."
    ClientApiDenied "client_api_denied" "a container can open the socket, but no daemon answers"
        "A request to the Docker API, sent from inside as the program's user, got no answer. The \
         permissions suffice: the daemon behind the socket does not run, or the socket is stale."
    ClientMountReadonly "client_mount_readonly" "a container's socket is mounted read-only and works"
        "A program can connect to a socket in a read-only mount. The mount works, but it differs from \
         the file."
    ClientUnhealthy "client_unhealthy" "a container reaches the daemon but is not healthy"
        "Its health check, or the URL in the file, reports a problem. The socket is not the cause."
    ContainaiConflict "containai_conflict" "another ContainAI installation may claim this name"
        "This machine has a VM or Docker context named containai-secure that this cai did not create. \
         `cai setup` of another ContainAI installation deletes a VM or context of that name if it is in \
         the way. Use a different name under [vm] and [context], or use only one of the two \
         installations."
}

impl Code {
    /// The code of this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl JsonSchema for Code {
    fn schema_name() -> Cow<'static, str> {
        "Code".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = Self::ALL.iter().map(|code| code.name()).collect();
        json_schema!({
            "description": "The code of a finding. `cai explain` describes each.",
            "type": "string",
            "enum": names,
        })
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
