//! A Lima disk with Docker's data: the units that mount it before Docker starts.
//!
//! Lima mounts its disks late in each boot, when Docker may already run (read in `05-lima-disks.sh` of Lima
//! 2.2.0, which cloud-init runs last). So systemd mounts the disk a second time, early, and each directory of
//! Docker's from it.

use super::GuestFile;

/// Where systemd mounts the disk.
const DATA: &str = "/var/lib/cai/data";
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
    let mount = |what: &str, place: &str, options: &str| {
        let path = format!("/etc/systemd/system/{}", unit(place));
        file(path, format!("[Mount]\nWhat={what}\nWhere={place}\n{options}"))
    };
    let device = format!("/dev/disk/by-label/lima-{disk}");
    let mut files = vec![mount(&device, DATA, "Type=ext4\n")];
    files.extend(
        DIRECTORIES.map(|(name, path)| {
            mount(&format!("{DATA}/{name}"), path, "Type=none\nOptions=bind\n")
        }),
    );
    let paths = DIRECTORIES.map(|(_, path)| path).join(" ");
    files.extend(SERVICES.map(|service| {
        let path = format!("/etc/systemd/system/{service}.service.d/50-cai-data-disk.conf");
        file(path, format!("[Unit]\nRequiresMountsFor={paths}\n"))
    }));
    files
}

/// The units that mount a directory of Docker's.
pub fn units() -> Vec<String> {
    DIRECTORIES.map(|(_, path)| unit(path)).to_vec()
}

/// The unit that mounts something at one of these paths, whose characters need no escape.
fn unit(path: &str) -> String {
    path.trim_start_matches('/').replace('/', "-") + ".mount"
}
