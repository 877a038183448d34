//! The codes of findings: one table of their names, what they mean, and what `cai explain` says.

use std::fmt;

use serde::{Serialize, Serializer};

/// Makes the codes and their table from one list, so that none can lack a text.
macro_rules! codes {
    ($($code:ident $name:literal $meaning:literal $text:literal)*) => {
        /// What a finding is about: a word that stays the same, for scripts and for `cai explain`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = concat!("`", $name, "`: ", $meaning, ".")] $code,)*
        }

        impl Code {
            /// Every code, from the outside in: in the order in which they are judged.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// Its word.
            pub fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }

            /// What it means, in a line.
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
    ConfigInvalid "config_invalid" "the file is wrong"
        "containai.toml has mistakes, so nobody knows what the machine should be. All of them are \
         shown on the file's own lines, and nothing is looked at until they are mended."
    Unobservable "unobservable" "a file or variable that matters cannot be read"
        "Something on this machine that a diagnosis needs gives no answer: HOME is not set, a \
         variable such as LIMA_HOME is no absolute path, or a file of Lima or Docker cannot be \
         read or understood. What it is stands in the finding."
    LimaMissing "lima_missing" "there is no limactl"
        "No limactl is on PATH, nor where cai installs it. Without it nothing is known of the VM, \
         which may well run. Where the file allows it, cai installs Lima itself."
    LimaTooOld "lima_too_old" "limactl is not a version that the file accepts"
        "The file says under [lima] which versions will do; without a word, 1.1 and later. An \
         older Lima lacks what the VM needs."
    LimaFailed "lima_failed" "limactl does not answer as it should"
        "`limactl --version` or `limactl list --json` failed, hung, or printed what cannot be \
         read. The finding has its own words. A hanging one is killed after a while."
    SshMissing "ssh_missing" "there is no ssh"
        "Lima and cai both reach the VM through the OpenSSH client, which is not on PATH."
    DockerCliMissing "docker_cli_missing" "there is no docker command"
        "The docker command line client is not on PATH. The engine in the VM does not need it, but \
         contexts cannot be made without it, and you cannot use the engine from here. No daemon is \
         needed on this machine."
    SocketPathTooLong "socket_path_too_long" "the VM's sockets would have too long a path"
        "A Unix socket's path may have 103 bytes on macOS and 107 on Linux. Lima keeps the sockets \
         of a VM in its directory, and refuses a VM where the longest does not fit. A shorter name \
         of the VM, or a shorter LIMA_HOME, helps."
    VmAbsent "vm_absent" "Lima has no VM of this name"
        "The VM was never made, was deleted, or is in another LIMA_HOME. Everything in it, \
         images and volumes too, went with it; `cai apply` makes a new one from the file."
    VmStopped "vm_stopped" "the VM is stopped"
        "It was stopped, or this machine was restarted. Its disk is as it was. After a crash the \
         Docker socket's file may still be there, with nobody behind it."
    VmBroken "vm_broken" "one half of the VM is gone"
        "A running VM is a machine and Lima's host agent beside it. One of the two ended by \
         itself, and Lima can neither start nor stop such a VM. `limactl stop -f` ends what is \
         left, and then it can be started. It is never necessary to delete it."
    VmStarting "vm_starting" "the VM is still starting"
        "Lima's host agent has not yet said that the start is over. A first boot installs \
         packages, which takes minutes. Until then, what does not answer is no fault."
    VmUnreachable "vm_unreachable" "the VM runs, and its guest does not answer"
        "Lima says that the VM runs, and a command over ssh failed or did not end in time. The \
         guest may hang, have no memory left, or have lost its network; Lima's logs of it are in \
         its directory (`cai doctor --bundle` collects them)."
    ProvisionFailed "provision_failed" "Docker was not installed, or not started, when the VM booted"
        "The script that installs and starts Docker on every boot failed, or there is no dockerd in \
         spite of it. `limactl start` succeeds all the same. The finding has the last lines of its \
         log, and of dockerd's; most often the guest could not reach the packages' server, or \
         dockerd does not start with its /etc/docker/daemon.json."
    DockerdDown "dockerd_down" "dockerd does not run, or does not answer even root"
        "The daemon in the guest is stopped, failed to start, or hangs. On the host that looks the \
         same as a missing group: the connection is closed without an answer. The finding has the \
         last lines of the daemon's log. Containers may go on without it (live-restore)."
    GuestSocketMissing "guest_socket_missing" "dockerd runs, and its socket in the guest is gone"
        "Somebody removed /var/run/docker.sock in the guest. systemd goes on listening where \
         nobody comes any more, so only a restart of its socket unit brings the file back. \
         Containers keep running."
    GuestSocketGroup "guest_socket_group" "the socket in the guest is not the group docker's to open"
        "The socket should belong to the group docker, whose members may open it (mode 0660). A \
         group that got another number, or a hand, made it another's, or closed it to its group."
    GroupMissing "group_missing" "the VM's user is not in the group docker"
        "Lima's connection to the guest is that of the VM's login user, and only members of the \
         group docker, or the socket's owner, may open Docker's socket there. On the host the \
         connection is closed without an answer, exactly as with a stopped daemon, so the docker \
         command's message proves nothing. Joining is not enough: the open session must be \
         renewed, too, which takes about a second and stops no containers."
    SessionStale "session_stale" "the open session began before the user joined the group"
        "A login session keeps the groups that it began with. Lima opens one ssh connection when \
         the VM starts, and every `limactl shell` and the forwarded Docker socket ride on it. So \
         `id USER` shows the group, and the socket still refuses. The usual advice is to restart \
         the VM; a new connection does it, and containers and open shells live on."
    HostSocketMissing "host_socket_missing" "the engine answers, and its socket here is gone"
        "In the guest all is well, but the forwarded socket on this machine has no file. It was \
         removed, or the forward was never made. A new forward is enough."
    ForwardDead "forward_dead" "the engine answers, and the forward to it is dead"
        "In the guest all is well, and the socket on this machine is stale or closes at once: the \
         ssh forward behind it ended, or rides on a connection that is gone. The docker command \
         asks whether the daemon is running; it is. A new forward is enough."
    HostSocketPermission "host_socket_permission" "you may not open the socket on this machine"
        "The forwarded socket exists, and the system refuses this user. Its mode or that of a \
         directory above it was changed, or another user owns it. A new forward makes it anew."
    SysboxMissing "sysbox_missing" "sysbox-runc is not there"
        "The file asks for Sysbox, and its package is not installed in the guest, or the running \
         daemon does not know its runtime. Containers with `--runtime=sysbox-runc` cannot start."
    SysboxUnfinished "sysbox_unfinished" "the installation of Sysbox is incomplete"
        "dpkg unpacked the package sysbox-ce but could not configure it. sysbox-runc is in the \
         guest, but its services are not enabled, and every other apt-get install fails until this \
         one is finished. The usual causes: containers existed while daemon.json lacked network \
         keys, or a program that the package needs but does not declare is missing, such as \
         sysctl."
    SysboxServicesDown "sysbox_services_down" "a service of Sysbox does not run"
        "Containers with sysbox-runc need sysbox-mgr and sysbox-fs. One of them is not active; \
         such containers cannot start, and those that run may not work."
    SysboxDefault "sysbox_default" "sysbox-runc is the default runtime, and should not be"
        "Every container gets sysbox-runc unless it names another runtime. The file does not say \
         so (`default_runtime = true` under [sysbox])."
    ContainersLeftStopped "containers_left_stopped" "cai stopped containers and did not start them again"
        "A restart of Sysbox, dockerd or the VM stops containers. cai records them in the guest and \
         starts them again afterwards. cai was interrupted before that, or a container did not start. \
         The next apply starts them, and so does --fix."
    DaemonJsonDrift "daemon_json_drift" "dockerd's configuration is not the file's"
        "/etc/docker/daemon.json in the guest lacks keys of the file or has other values, or the \
         running daemon has not loaded it. `cai plan` shows which, line by line. What others wrote \
         there stays. This code also covers a file that keeps dockerd from starting, because it is not \
         JSON or its default-runtime is not defined."
    VmDrift "vm_drift" "the VM is not the one that the file describes"
        "Its lima.yaml differs from the file, or it runs with other processors or memory than its \
         lima.yaml says. The engine works; the change needs a restart of the VM, which `cai plan` \
         shows with the containers that it stops."
    VmOverridden "vm_overridden" "a file of Lima's own has a say in the VM"
        "Lima merges `_config/override.yaml` and `_config/default.yaml` of its directory into every \
         VM, and the first counts more than the VM's own YAML: no change of the file could have an \
         effect. So cai says what they change and leaves that as it is. What they add, such as \
         mounts, the VM has beside what the file declares."
    Drift "drift" "something else is not as the file says"
        "The engine works, and there are differences that have no code of their own: see \
         `cai plan`."
    ContainerStartFailed "container_start_failed" "dockerd answers, and no container starts"
        "A healthy `docker info` does not mean that containers start: a Debian guest without the \
         package apparmor answers everything and fails every `docker run`. `cai doctor --deep` \
         tries it with an image made on the spot, without network; the finding has the daemon's \
         own words."
    ContextMissing "context_missing" "the Docker context is not there"
        "`docker --context NAME` finds no such context. It was removed, or DOCKER_CONFIG is another \
         directory than before. The engine itself is not touched by that."
    ContextEndpoint "context_endpoint" "the Docker context leads somewhere else"
        "The context exists, and its endpoint is not the socket of this VM. cai changes it back \
         only where it made it, or where it leads to this VM anyway."
    ContextShadowed "context_shadowed" "a variable leads docker somewhere else"
        "DOCKER_HOST comes before DOCKER_CONTEXT, and both before the current context; only \
         `--context` and `-H` come before them. With one of them set, `docker` without --context \
         does not reach this engine. It is a remark, not a fault."
    ClientContainerAbsent "client_container_absent" "a container of the file is not there, or has ended"
        "[[socket_clients]] names a container that is not there or has ended. Where the file names a \
         compose file and its service, --fix starts that service and no other."
    ClientRestarting "client_restarting" "a container of the file is started over and over"
        "It cannot be looked at from inside while it comes and goes. Its image and how it was made say \
         what its program would lack, and its log what it said last."
    ClientHostSocket "client_host_socket" "a container mounts this machine's socket, not the guest's"
        "dockerd runs in the guest, so the source of a mount is a path of the guest. The forwarded \
         socket in Lima's directory exists on this machine only. In the guest, that path does not \
         exist, or no daemon listens on it. Mount /var/run/docker.sock instead."
    ClientSocketMissing "client_socket_missing" "there is no socket where a container looks for one"
        "The container has no socket where its program looks for one: nothing is mounted there, or a \
         directory that Docker made where there was nothing to mount."
    ClientGidMismatch "client_gid_mismatch" "a container's socket belongs to a group of another number"
        "A socket belongs to a number, and a group of the same name may have another number in the \
         container. What can be given from outside is the number, by group_add; what only the image can \
         change is told with its line."
    ClientSessionStale "client_session_stale" "a container's program is older than its user's group"
        "As on a VM: whoever was put into a group in a running container is in it for the next \
         program, and not for the one that runs. The container has to be made anew, or restarted."
    ClientUserNotInGroup "client_user_not_in_group" "a container's user is not in the socket's group"
        "The groups of the program that runs were read, not those of a file in its image. The number of \
         the socket's group is not among them."
    ClientApiDenied "client_api_denied" "a container may use the socket, and no daemon answers it"
        "A real question was asked from inside, as the user of the program. It may open the socket, and \
         got no answer: the daemon behind it does not run, or the socket is a stale one."
    ClientMountReadonly "client_mount_readonly" "a container's socket is mounted read-only, and works"
        "A read-only mount never keeps a program from connecting to a socket in it (measured). It only \
         differs from the file."
    ClientUnhealthy "client_unhealthy" "a container reaches the daemon, and is not healthy"
        "Its own health check, or the URL that the file names, says that it is not well. The socket is \
         not why."
    ContainaiConflict "containai_conflict" "another ContainAI may take this name for its own"
        "The `cai setup` of another ContainAI installation removes a context or VM of the name \
         containai-secure that stands in its way. One of that name is here and does not bear this \
         cai's mark. Use another name under [vm] and [context], or only one of the two programs."
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

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
