//! The scripts that install Docker in a guest. They are constants: no value of the file is
//! inserted.

use crate::config::{Config, DockerSource};

const DOCKER_CE_PACKAGE: &str = "docker-ce";
const DISTRO_PACKAGE: &str = "docker.io";
/// The packages that can provide the engine.
pub const PACKAGES: [&str; 2] = [DOCKER_CE_PACKAGE, DISTRO_PACKAGE];

const HEAD: &str = include_str!("scripts/head.sh");
const APT: &str = include_str!("scripts/apt.sh");
const DOCKER_CE: &str = include_str!("scripts/docker_ce.sh");
const DISTRO: &str = include_str!("scripts/distro.sh");
const SERVICE: &str = include_str!("scripts/service.sh");
const IF_INSTALLED: &str = include_str!("scripts/if_installed.sh");

/// Waits in the guest for Docker, as root: the user has no access on a first boot, and `limactl
/// start` would wait for its whole timeout. It also ends if provisioning has failed, which `cai`
/// then detects and reports.
pub const READINESS_PROBE: &str = include_str!("scripts/probe.sh");

/// The script that installs missing packages as root, with the source and a version as its second
/// and third arguments. If nothing is missing, it needs no network and changes only the record of
/// dockerd's loaded configuration.
pub fn script(source: DockerSource) -> String {
    match source {
        DockerSource::DockerCe => [HEAD, APT, DOCKER_CE, SERVICE].concat(),
        DockerSource::Distro => [HEAD, APT, DISTRO, SERVICE].concat(),
        DockerSource::Preinstalled => [HEAD, SERVICE].concat(),
    }
}

/// The script that root runs on every boot. It has no arguments, so a specific version is installed
/// later, when the guest answers. So is Docker with `[proxy]` or `[[trust]]`, because the script would run
/// before the guest has them.
pub fn boot_script(config: &Config) -> String {
    let docker = &config.docker;
    if docker.version.is_some() || config.proxy.is_some() || !config.trust.is_empty() {
        return [HEAD, IF_INSTALLED, SERVICE].concat();
    }
    script(docker.source)
}

/// The name of a source in the file.
pub fn name(source: DockerSource) -> &'static str {
    match source {
        DockerSource::DockerCe => "docker-ce",
        DockerSource::Distro => "distro",
        DockerSource::Preinstalled => "preinstalled",
    }
}

/// The Docker package of a source. An image with Docker preinstalled may use any package.
pub fn package(source: DockerSource) -> Option<&'static str> {
    match source {
        DockerSource::DockerCe => Some(DOCKER_CE_PACKAGE),
        DockerSource::Distro => Some(DISTRO_PACKAGE),
        DockerSource::Preinstalled => None,
    }
}
