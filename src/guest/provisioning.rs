//! The scripts that install Docker in a guest. They are constants: no value of the file is
//! inserted.

use crate::config::{Config, DockerSource};

const DOCKER_CE_PACKAGE: &str = "docker-ce";
const DISTRO_PACKAGE: &str = "docker.io";
/// The package of Sysbox.
pub const SYSBOX_PACKAGE: &str = "sysbox-ce";
/// The packages that can provide the engine.
pub const PACKAGES: [&str; 2] = [DOCKER_CE_PACKAGE, DISTRO_PACKAGE];

const HEAD: &str = include_str!("scripts/head.sh");
const APT: &str = include_str!("scripts/apt.sh");
const APT_PACKAGES: &str = include_str!("scripts/packages.sh");
const REPOSITORY: &str = include_str!("scripts/repository.sh");
const DOCKER_CE: &str = include_str!("scripts/docker_ce.sh");
const DISTRO: &str = include_str!("scripts/distro.sh");
const SERVICE: &str = include_str!("scripts/service.sh");
const IF_INSTALLED: &str = include_str!("scripts/if_installed.sh");
const WRITE_REPOSITORY: &str = include_str!("scripts/write-repository.sh");

/// Waits in the guest for Docker, as root: the user has no access on a first boot, and `limactl
/// start` would wait for its whole timeout. It also ends if provisioning has failed, which `cai`
/// then detects and reports.
pub const READINESS_PROBE: &str = include_str!("scripts/probe.sh");

/// The script that installs missing packages as root. Its arguments after the first are the source, a
/// version, and whether the file declares the repository. If nothing is missing, it needs no network and
/// changes only the record of dockerd's loaded configuration.
pub fn script(source: DockerSource) -> String {
    match source {
        DockerSource::DockerCe => {
            [HEAD, APT, APT_PACKAGES, REPOSITORY, DOCKER_CE, SERVICE].concat()
        }
        DockerSource::Distro => [HEAD, APT, APT_PACKAGES, DISTRO, SERVICE].concat(),
        DockerSource::Preinstalled => [HEAD, SERVICE].concat(),
    }
}

/// The script that root runs on every boot. It has no arguments, so a specific version, and packages
/// of a declared repository, are installed later, when the guest answers. So is Docker with `[proxy]` or
/// `[[trust]]`, because the script would run before the guest has them.
pub fn boot_script(config: &Config) -> String {
    let docker = &config.docker;
    let comes_later = docker.version.is_some() || docker.repository.is_some();
    if comes_later || config.proxy.is_some() || !config.trust.is_empty() {
        return [HEAD, IF_INSTALLED, SERVICE].concat();
    }
    script(docker.source)
}

/// The script that writes the apt entry of a declared repository.
pub fn repository_script() -> String {
    [APT, REPOSITORY, WRITE_REPOSITORY].concat()
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
