use serde_json::json;

use super::EVERY_KEY;
use crate::config::{
    DockerSource, Group, Image, Install, Mount, PackageSource, PortForward, Proto, Strategy,
    SysboxPackage, User, Variable, VmType, parse,
};
use crate::model::{Arch, ByteSize, UnixName, UserRef};

#[test]
fn every_key_is_read() {
    let config = parse(EVERY_KEY).unwrap();
    assert_eq!(config.lima.version.to_string(), ">=2.0, <3");
    assert_eq!(config.lima.install, Install::Never);
    assert_eq!(config.lima.release, Some(semver::Version::new(2, 2, 0)));
    assert_eq!(config.lima.url.as_deref(), Some("https://mirror.example.org/lima"));
    let checksum = "0a".repeat(32);
    assert_eq!(config.lima.sha256["linux-x86_64"].as_str(), checksum);
    assert_eq!(config.vm.name.as_str(), "team");
    assert_eq!((config.vm.vm_type, config.vm.arch), (Some(VmType::Vz), Some(Arch::Aarch64)));
    assert_eq!(config.vm.rosetta, Some(true));
    assert_eq!((config.vm.running, config.vm.protect), (false, false));
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
    let port = PortForward {
        guest_port: Some(80),
        guest_ip: Some("0.0.0.0".to_owned()),
        host_port: Some(8080),
        host_ip: Some("127.0.0.1".to_owned()),
        proto: Some(Proto::Tcp),
        ..PortForward::default()
    };
    let socket = PortForward {
        guest_socket: Some("/run/a.sock".to_owned()),
        host_socket: Some("{{.Dir}}/sock/a.sock".to_owned()),
        ..PortForward::default()
    };
    assert_eq!(config.vm.port_forwards, [port, socket]);
    let env: Vec<_> = config.vm.env.iter().map(|(name, it)| (name.as_str(), it.clone())).collect();
    assert_eq!(env, [("HTTPS_PROXY", Variable::from("http://proxy.example.org:3128"))]);
    assert_eq!(config.docker.source, DockerSource::DockerCe);
    assert_eq!(config.docker.version.as_ref().map(ToString::to_string).as_deref(), Some("28.5.1"));
    assert_eq!(config.docker.seccomp_profile.as_deref(), Some("./seccomp.json"));
    let repository = config.docker.repository.unwrap();
    assert_eq!(repository.url, "https://mirror.example.org/docker/linux");
    assert_eq!(repository.local_key(), Some("./docker.asc"));
    assert_eq!(repository.fingerprint.as_str(), "0123456789ABCDEF0123456789ABCDEF01234567");
    let daemon = json!({ "userns-remap": "default", "log-opts": { "max-size": "10m" } });
    assert_eq!(serde_json::Value::Object(config.docker.daemon), daemon);
    assert!(config.sysbox.enabled && config.sysbox.default_runtime);
    assert_eq!(config.sysbox.version.to_string(), "0.6.7+vendor.1");
    let package = SysboxPackage {
        arch: Arch::Aarch64,
        url: "../sysbox.deb".to_owned(),
        sha256: checksum.parse().unwrap(),
    };
    assert_eq!(config.sysbox.packages, [package]);
    let docker = Group { name: UnixName::docker(), gid: Some(2375) };
    assert_eq!(config.groups, [docker, Group { name: "team".parse().unwrap(), gid: None }]);
    let groups = vec![UnixName::docker(), "adm".parse().unwrap()];
    let lima_user = User::in_groups(UserRef::LimaUser, groups);
    let dev = User {
        name: "dev".parse().unwrap(),
        uid: Some(2000),
        shell: Some("/bin/bash".to_owned()),
        groups: vec![],
    };
    assert_eq!(config.users, [lima_user, dev]);
    assert_eq!(config.context.name.as_str(), "team-engine");
    assert_eq!(config.context.description.as_deref(), Some("The team's engine"));
    assert_eq!(config.restart.strategy, Strategy::Never);
}

#[test]
fn limas_own_keys_are_passed_on_in_the_files_order() {
    let lima = parse(EVERY_KEY).unwrap().vm.lima;
    let keys: Vec<_> = lima.keys().map(String::as_str).collect();
    assert_eq!(keys, ["ssh", "message", "param"]);
    assert_eq!(lima["ssh"], json!({ "localPort": 60022, "overVSock": false }));
    assert_eq!(lima["message"], json!("line\nline"));
    // Lima has no keys for dates, so a date becomes text.
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
    // The default mount is the file's directory, which is not known here.
    assert!(config.vm.mounts.is_empty() && config.vm.left_out.mounts);
    assert!(config.vm.running && config.vm.protect && config.vm.port_forwards.is_empty());
    assert_eq!(config.lima.install, Install::Ask);
    assert_eq!((config.docker.source, config.docker.version), (DockerSource::DockerCe, None));
    assert!(config.sysbox.enabled && !config.sysbox.default_runtime);
    assert_eq!(config.restart.strategy, Strategy::Auto);
    assert_eq!(config.context.description, None);
    assert_eq!(config.groups, []);
    assert_eq!(config.users, [User::in_groups(UserRef::LimaUser, vec![UnixName::docker()])]);
    assert_eq!(config.context.name.as_str(), "containai-secure");
}

#[test]
fn defaults_give_way_to_what_is_written_even_to_nothing() {
    let config = parse("version = 1\n[vm]\nname = \"own\"\nmounts = []").unwrap();
    assert_eq!(config.vm.mounts, []);
    assert_eq!(config.context.name.as_str(), "own");
    assert_eq!(config.vm.images.len(), 2, "the other defaults of [vm] stay");
    let mounts = parse("version = 1\n[[vm.mounts]]\nlocation = \"/src\"").unwrap().vm.mounts;
    let read_only = Mount { location: "/src".to_owned(), mount_point: None, writable: false };
    assert_eq!(mounts, [read_only]);
}

#[test]
fn nestyboxs_packages_are_known_by_their_checksums() {
    // From the release pages.
    let known = [
        ("", Arch::X86_64, "9d6d5484f980d0a17f86c492c1262015c2afb66280bdb97215b79fde6a0261c5"),
        ("", Arch::Aarch64, "04ca894ae0b53f0fa54eaacc173ce40363c9a95ea5450f773716a84ef650a69b"),
        ("0.7.0", Arch::X86_64, "eeff273671467b8fa351ab3d40709759462dc03d9f7b50a1b207b37982ce40a9"),
        (
            "0.7.0",
            Arch::Aarch64,
            "eae9c0e91ddd39bd1826d6a7a313a73d42a8449ef5113e9d6d118b559cb809ba",
        ),
    ];
    let nestybox = "https://downloads.nestybox.com/sysbox/releases";
    let github = "https://github.com/nestybox/sysbox/releases/download";
    for (version, arch, checksum) in known {
        let table = if version.is_empty() { "" } else { "[sysbox]\nversion = \"0.7.0\"\n" };
        let sysbox = parse(&format!("version = 1\n{table}")).unwrap().sysbox;
        let debian = arch.debian();
        let urls = if version.is_empty() {
            vec![
                format!("{nestybox}/v0.7.1/sysbox-ce_0.7.1-0.linux_{debian}.deb"),
                format!("{github}/v0.7.1/sysbox-ce_0.7.1.linux_{debian}.deb"),
            ]
        } else {
            vec![format!("{nestybox}/v0.7.0/sysbox-ce_0.7.0-0.linux_{debian}.deb")]
        };
        let sha256 = checksum.parse().unwrap();
        assert_eq!(sysbox.package(arch), Some(PackageSource { urls, sha256 }));
    }
}

#[test]
fn a_package_of_the_file_comes_before_the_known_one_for_its_architecture() {
    let sysbox = parse(EVERY_KEY).unwrap().sysbox;
    let package = sysbox.package(Arch::Aarch64).unwrap();
    assert_eq!(
        (package.urls, package.sha256.as_str()),
        (vec!["../sysbox.deb".to_owned()], &*"0a".repeat(32))
    );
    assert_eq!(sysbox.package(Arch::X86_64), None, "no checksum of this version is known");
    let own = "version = 1\n[[sysbox.packages]]\narch = \"aarch64\"\nurl = \"/s.deb\"\nsha256 = \"";
    let own = parse(&format!("{own}{}\"", "0a".repeat(32))).unwrap().sysbox;
    assert_eq!(own.package(Arch::Aarch64).unwrap().urls, ["/s.deb"]);
    let known = own.package(Arch::X86_64).unwrap().urls;
    assert!(known[0].starts_with("https://downloads.nestybox.com/"), "{known:?}");
}

#[test]
fn an_entry_for_the_known_package_keeps_its_other_addresses() {
    let known = parse("version = 1").unwrap().sysbox;
    let mut named = known.clone();
    named.packages.extend(known.unnamed_package(Arch::X86_64));
    assert_eq!(named.packages.len(), 1);
    assert_eq!(named.unnamed_package(Arch::X86_64), None);
    assert_eq!(named.package(Arch::X86_64), known.package(Arch::X86_64));
    "https://mirror.example/s.deb".clone_into(&mut named.packages[0].url);
    assert_eq!(named.package(Arch::X86_64).unwrap().urls, ["https://mirror.example/s.deb"]);
}
