//! The scripts that put Docker into a guest. Fixed texts: no value of the file is spliced in.

use crate::config::{Docker, DockerSource};

const DOCKER_CE_PACKAGE: &str = "docker-ce";
const DISTRO_PACKAGE: &str = "docker.io";
/// The packages that an engine may come from.
pub const PACKAGES: [&str; 2] = [DOCKER_CE_PACKAGE, DISTRO_PACKAGE];

const HEAD: &str = include_str!("scripts/head.sh");
const APT: &str = include_str!("scripts/apt.sh");
const DOCKER_CE: &str = include_str!("scripts/docker_ce.sh");
const DISTRO: &str = include_str!("scripts/distro.sh");
const SERVICE: &str = include_str!("scripts/service.sh");
const IF_INSTALLED: &str = include_str!("scripts/if_installed.sh");

/// Waits in the guest for Docker, as root: as the user it could never succeed on a first boot, and
/// `limactl start` would wait its whole timeout. It also ends when provisioning has failed, which
/// `cai` then finds and reports.
pub const READINESS_PROBE: &str = include_str!("scripts/probe.sh");

/// What root runs where something is missing, with the source's name and a version as its second
/// and third argument. Where nothing is missing it needs no network, and changes nothing but the
/// record of what dockerd has loaded.
pub fn script(source: DockerSource) -> String {
    match source {
        DockerSource::DockerCe => [HEAD, APT, DOCKER_CE, SERVICE].concat(),
        DockerSource::Distro => [HEAD, APT, DISTRO, SERVICE].concat(),
        DockerSource::Preinstalled => [HEAD, SERVICE].concat(),
    }
}

/// What root runs on every boot. It has no arguments, so a version of its own is left to what `cai`
/// runs once the guest answers.
pub fn boot_script(docker: &Docker) -> String {
    match docker.version {
        Some(_) => [HEAD, IF_INSTALLED, SERVICE].concat(),
        None => script(docker.source),
    }
}

/// The name of a source, as in the file.
pub fn name(source: DockerSource) -> &'static str {
    match source {
        DockerSource::DockerCe => "docker-ce",
        DockerSource::Distro => "distro",
        DockerSource::Preinstalled => "preinstalled",
    }
}

/// The package that holds Docker from a source; an image brings it as it likes.
pub fn package(source: DockerSource) -> Option<&'static str> {
    match source {
        DockerSource::DockerCe => Some(DOCKER_CE_PACKAGE),
        DockerSource::Distro => Some(DISTRO_PACKAGE),
        DockerSource::Preinstalled => None,
    }
}

/// What the script printed that failed last, of cloud-init's log. Lima's log goes on after it with
/// what is no cause (measured with Lima 2.2.0: nine lines, and more where there are more scripts).
/// A log without Lima's marks, or with a part of one, is left as it is.
pub(super) fn failed_script(mut log: Vec<String>) -> Vec<String> {
    let is_lima = |line: &&String| line.starts_with("LIMA ");
    if let Some(end) = log
        .iter()
        .rposition(|line| is_lima(&line) && line.contains("| WARNING: Failed to execute "))
    {
        log.truncate(end);
    }
    if let Some(start) =
        log.iter().rposition(|line| is_lima(&line) && line.contains("| Executing "))
    {
        log.drain(..=start);
    }
    log
}

#[cfg(test)]
mod tests {
    use super::failed_script;

    /// Lima 2.2.0 in a Debian 12 guest, on its second boot.
    const LOG: &str = "\
LIMA 2026-11-21T19:41:13+00:00| Executing /mnt/lima-cidata/provision.system/00000000
Job for docker.service failed on the first boot.
LIMA 2026-11-21T19:41:20+00:00| WARNING: Failed to execute /mnt/lima-cidata/provision.system/00000000
Cloud-init v. 22.4.2 running 'init' at Sat, 21 Nov 2026 19:57:58 +0000. Up 71.34 seconds.
LIMA 2026-11-21T19:58:43+00:00| Executing /mnt/lima-cidata/boot.Linux/40-install-containerd.sh
+ exit 0
LIMA 2026-11-21T19:58:44+00:00| Executing /mnt/lima-cidata/provision.system/00000000
Executing: /lib/systemd/systemd-sysv-install enable docker
Job for docker.service failed because the control process exited with error code.
LIMA 2026-11-21T19:59:07+00:00| WARNING: Failed to execute /mnt/lima-cidata/provision.system/00000000
LIMA 2026-11-21T19:59:07+00:00| Exiting with code 1
2026-11-21 19:59:07,435 - cc_scripts_per_boot.py[WARNING]: Failed to run module scripts-per-boot";

    fn kept(log: &str) -> Vec<String> {
        failed_script(log.lines().map(str::to_owned).collect())
    }

    #[test]
    fn of_a_boots_log_it_is_what_the_failed_script_printed() {
        assert_eq!(
            kept(LOG),
            [
                "Executing: /lib/systemd/systemd-sysv-install enable docker",
                "Job for docker.service failed because the control process exited with error code.",
            ]
        );
    }

    #[test]
    fn a_script_that_printed_more_than_was_read_is_cut_at_its_end_only() {
        let (_, later) = LOG.split_once("systemd-sysv-install enable docker\n").unwrap();
        assert_eq!(kept(later), [later.lines().next().unwrap()]);
    }

    #[test]
    fn another_log_stays() {
        assert_eq!(kept("E: Failed\n| Executing x"), ["E: Failed", "| Executing x"]);
        assert!(kept("").is_empty());
    }
}
