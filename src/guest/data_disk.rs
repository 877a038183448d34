//! A Lima disk with Docker's data: the units that mount it before Docker starts.
//!
//! Lima mounts its disks late in each boot, when Docker may already run (read in `05-lima-disks.sh` of Lima
//! 2.2.0, which cloud-init runs last). So systemd mounts the disk a second time, early, and each directory of
//! Docker's from it. Lima can still mount the device afterward (measured with Lima 2.2.0-153).

use super::GuestFile;

/// Where systemd mounts the disk.
pub const DATA: &str = "/var/lib/cai/data";
/// The unit that mounts it.
pub const UNIT: &str = "/etc/systemd/system/var-lib-cai-data.mount";
/// Exists once the data on the disk is complete. systemd would create a missing directory of a bind mount, and
/// Docker would start empty (read in `mount.c` of systemd 252).
pub const MARKER: &str = "/var/lib/cai/data/.cai-complete";
/// The services that must not start without the disk.
const SERVICES: [&str; 2] = ["docker", "containerd"];

/// The directories with Docker's data: the name on the disk, and the path in the guest. With newer versions
/// of Docker, containerd has the images.
pub const DIRECTORIES: [(&str, &str); 2] =
    [("docker", "/var/lib/docker"), ("containerd", "/var/lib/containerd")];

/// The path of dockerd's data on the disk, where Lima mounts it.
pub fn docker_on(disk: &str) -> String {
    format!("/mnt/lima-{disk}/{}", DIRECTORIES[0].0)
}

/// The units that mount a disk.
pub fn files(disk: &str) -> Vec<GuestFile> {
    let file = |path: String, text: String| GuestFile {
        path: path.into(),
        mode: "644",
        text: format!("# Written by cai.\n{text}"),
    };
    let device = format!("/dev/disk/by-label/lima-{disk}");
    // As systemd does for the lines of fstab; Lima's script checks nothing.
    let check = format!("systemd-fsck@{}.service", escaped(&device));
    let data = format!(
        "[Unit]\nRequires={check}\nAfter={check}\n[Mount]\nWhat={device}\nWhere={DATA}\nType=ext4\n"
    );
    let mut files = vec![file(UNIT.into(), data)];
    files.extend(DIRECTORIES.map(|(name, path)| {
        let text = format!(
            "[Unit]\nRequiresMountsFor={DATA}\nAssertPathExists={MARKER}\n\
             [Mount]\nWhat={DATA}/{name}\nWhere={path}\nType=none\nOptions=bind\n"
        );
        file(format!("/etc/systemd/system/{}", unit(path)), text)
    }));
    let paths = DIRECTORIES.map(|(_, path)| path).join(" ");
    files.extend(SERVICES.map(|service| {
        let path = format!("/etc/systemd/system/{service}.service.d/50-cai-data-disk.conf");
        file(path, format!("[Unit]\nRequiresMountsFor={paths}\n"))
    }));
    files
}

/// A path in the name of a unit, as `systemd-escape --path` writes it if `-` is its only unusual character.
fn escaped(path: &str) -> String {
    path.trim_start_matches('/').replace('-', "\\x2d").replace('/', "-")
}

/// The unit that mounts something at this path.
pub fn unit(path: &str) -> String {
    escaped(path) + ".mount"
}
