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
