//! The ways to load a configuration, mildest first.

use crate::guest::{GuestFacts, Operation, SECCOMP_PROFILE};
use crate::lima::{Limactl, Ssh};
use crate::plan::{Change, Disruption, Reason, Step};
use crate::resource::containers;
use crate::resource::facts::Facts;
use crate::resource::vm_ref::VmRef;

/// dockerd loads what it can while it runs.
pub(super) fn reload(change: Change, facts: &Facts, vm: &VmRef) -> Change {
    let disruption = change.disruption.max(Disruption::Reload);
    let change = change.disturbing(disruption, Some(&[]));
    let Some(ssh) = vm.ssh(facts) else { return change };
    let reload = Operation::ReloadDocker { record: true };
    change.step(Step::run("reload dockerd", reload.command(&ssh)))
}

/// dockerd restarts. It reloads first, so that live-restore is in force when it goes down: then its
/// containers keep running (measured with Docker 20.10). That reload does not load the keys that need the
/// restart, so it does not record the file as loaded: after a crash in between, the next run restarts.
pub(super) fn daemon_restart(
    change: Change,
    keeps_containers: bool,
    guest: &GuestFacts,
    facts: &Facts,
    vm: &VmRef,
) -> Change {
    let stops = guest.stopped_with_daemon(keeps_containers);
    let change = change.disturbing(Disruption::DaemonRestart, stops);
    let Some(ssh) = vm.ssh(facts) else { return change };
    let reload = Operation::ReloadDocker { record: false };
    let restart = Operation::RestartDocker { restore: true };
    // Recorded after the reload: nothing stops for a file that dockerd refuses.
    let change = change.step(Step::run("reload dockerd", reload.command(&ssh)));
    let change = containers::remember(change, guest, &ssh)
        .step(Step::run("restart dockerd", restart.command(&ssh)));
    containers::resume(containers::or_resume(change, &ssh), &ssh)
}

/// Renews the SSH connection that everything uses, without disturbing users of the old one.
///
/// Measured on Lima 2.2.0: it takes about 1.5 s, containers and open shells keep running, and Lima recreates
/// its own sockets.
pub(super) fn session(change: Change, facts: &Facts, vm: &VmRef) -> Change {
    let disruption = change.disruption.max(Disruption::SessionRefresh);
    let change = Change { disruption, ..change };
    let Some(ssh) = vm.ssh(facts) else { return change };
    let change = if facts.master {
        change.step(Step::attempt("stop forwarding the socket", ssh.cancel_forward())).step(
            Step::attempt("close the old SSH session when nothing uses it", ssh.stop_master()),
        )
    } else {
        change
    };
    change
        .step(Step::remove("remove the stale socket", facts.docker_socket()))
        .step(Step::run("open a new session", ssh.run(&["true"])))
        .step(Step::run("forward the Docker socket again", ssh.forward()))
}

/// Deletes the seccomp profile that the daemon no longer uses.
pub(super) fn drop_profile(change: Change, ssh: Option<&Ssh>) -> Change {
    let Some(ssh) = ssh else { return change };
    let remove = Operation::System(&["rm", "-f", SECCOMP_PROFILE]).command(ssh);
    let change = change.because(Reason::Note("the seccomp profile is no longer in containai.toml"));
    change.step(Step::run("delete the seccomp profile", remove))
}

/// Restarts the VM, and every container in it.
pub(in crate::resource) fn restart_vm(
    change: Change,
    guest: &GuestFacts,
    facts: &Facts,
    vm: &VmRef,
) -> Change {
    let change = change.disturbing(Disruption::VmRestart, guest.containers.as_deref());
    let Some((program, _)) = &facts.tools.limactl else { return change };
    let Some(ssh) = vm.ssh(facts) else { return change };
    let limactl = Limactl::new(program.clone());
    let change = containers::remember(change, guest, &ssh)
        .step(Step::run("stop the VM", limactl.stop(&vm.name)))
        .step(Step::remove("remove the stale socket", facts.docker_socket()))
        .step(Step::run("start the VM, and wait for Docker in it", limactl.start(&vm.name)));
    containers::resume(change, &ssh)
}
