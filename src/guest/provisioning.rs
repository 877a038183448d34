//! The scripts that put Docker into a guest. Fixed texts: no value of the file is spliced in.

use crate::config::DockerSource;

const HEAD: &str = include_str!("provision/head.sh");
const DISTRO: &str = include_str!("provision/distro.sh");
const SERVICE: &str = include_str!("provision/service.sh");

/// Waits in the guest for Docker, as root: as the user it could never succeed on a first boot, and
/// `limactl start` would wait its whole timeout. It also ends when provisioning has failed, which
/// `cai` then finds and reports.
pub const READINESS_PROBE: &str = include_str!("provision/probe.sh");

/// What root runs on every boot, and `cai` again where something is missing.
/// Where nothing is missing it changes nothing and needs no network.
pub fn script(source: DockerSource) -> String {
    match source {
        DockerSource::Distro => [HEAD, DISTRO, SERVICE].concat(),
        DockerSource::Preinstalled => [HEAD, SERVICE].concat(),
    }
}
