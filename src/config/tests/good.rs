use serde_json::json;

use super::EVERY_KEY;
use crate::config::{DockerSource, Image, Mount, User, parse};
use crate::model::{Arch, ByteSize, UnixName, UserRef};

#[test]
fn every_key_is_read() {
    let config = parse(EVERY_KEY).unwrap();
    assert_eq!(config.lima.version.to_string(), ">=2.0, <3");
    assert_eq!(config.vm.name.as_str(), "team");
    assert_eq!(config.vm.cpus, Some(4));
    assert_eq!(config.vm.memory.map(ByteSize::bytes), Some(8 << 30));
    assert_eq!(config.vm.disk.map(ByteSize::bytes), Some(64 << 30));
    let image = Image {
        arch: Some(Arch::Aarch64),
        location: "~/images/debian.img".to_owned(),
        digest: Some(
            "sha256:eeff273671467b8fa351ab3d40709759462dc03d9f7b50a1b207b37982ce40a9".to_owned(),
        ),
        kernel: Some("/boot/vmlinuz".to_owned()),
        kernel_cmdline: Some("root=/dev/vda rw".to_owned()),
        initrd: Some("https://example.org/initrd".to_owned()),
    };
    assert_eq!(config.vm.images, [image]);
    let mount_point = Some("/mnt/src".to_owned());
    let mount = Mount { location: "/src".to_owned(), mount_point, writable: true };
    assert_eq!(config.vm.mounts, [mount]);
    assert_eq!(config.docker.source, DockerSource::Preinstalled);
    let groups = vec![UnixName::docker(), "adm".parse().unwrap()];
    let lima_user = User { name: UserRef::LimaUser, groups };
    let dev = User { name: "dev".parse().unwrap(), groups: vec![] };
    assert_eq!(config.users, [lima_user, dev]);
    assert_eq!(config.context.name.as_str(), "team-engine");
}

#[test]
fn limas_own_keys_are_passed_on_in_the_files_order() {
    let lima = parse(EVERY_KEY).unwrap().vm.lima;
    let keys: Vec<_> = lima.keys().map(String::as_str).collect();
    assert_eq!(keys, ["vmType", "ssh", "message", "param", "arch"]);
    assert_eq!(lima["ssh"], json!({ "localPort": 60022, "overVSock": false }));
    assert_eq!(lima["message"], json!("line\nline"));
    // No key of Lima's takes a date, so text is what is meant.
    assert_eq!(lima["param"], json!({ "since": "2025-01-31", "load": 0.5, "list": ["a", 1] }));
}

#[test]
fn a_file_with_nothing_but_a_version_is_the_engine_of_the_seed() {
    let config = parse("version = 1").unwrap();
    assert_eq!(config.lima.version.to_string(), ">=1.1");
    assert_eq!(config.vm.name.as_str(), "containai-secure");
    assert_eq!((config.vm.cpus, config.vm.memory, config.vm.disk), (None, None, None));
    let images: Vec<_> =
        config.vm.images.iter().map(|image| (image.arch, image.location.as_str())).collect();
    let intel = "https://cloud-images.ubuntu.com/releases/24.04/release/ubuntu-24.04-server-cloudimg-amd64.img";
    let arm = "https://cloud-images.ubuntu.com/releases/24.04/release/ubuntu-24.04-server-cloudimg-arm64.img";
    assert_eq!(images, [(Some(Arch::X86_64), intel), (Some(Arch::Aarch64), arm)]);
    let mounts: Vec<_> = config.vm.mounts.iter().map(|it| (&*it.location, it.writable)).collect();
    assert_eq!(mounts, [("~", true), ("/tmp/lima", true)]);
    assert_eq!(config.docker.source, DockerSource::Distro);
    assert_eq!(config.users, [User { name: UserRef::LimaUser, groups: vec![UnixName::docker()] }]);
    assert_eq!(config.context.name.as_str(), "containai-secure");
}

#[test]
fn defaults_give_way_to_what_is_written_even_to_nothing() {
    let config = parse("version = 1\nusers = []\n[vm]\nname = \"own\"\nmounts = []").unwrap();
    assert_eq!((config.users, config.vm.mounts), (vec![], vec![]));
    assert_eq!(config.context.name.as_str(), "own");
    assert_eq!(config.vm.images.len(), 2, "the other defaults of [vm] stay");
    let mounts = parse("version = 1\n[[vm.mounts]]\nlocation = \"/src\"").unwrap().vm.mounts;
    let read_only = Mount { location: "/src".to_owned(), mount_point: None, writable: false };
    assert_eq!(mounts, [read_only]);
}
