use proptest::prelude::*;

use super::parse;
use crate::config::diagnostic::render;
use crate::config::layers::Sources;

mod daemon;
mod engine;
mod good;
mod mistakes;
mod network;
mod port_forwards;
mod repository;
mod vm;
mod warnings;

/// A file with all keys.
const EVERY_KEY: &str = r#"
version = 1

[lima]
version = ">=2.0, <3"
install = "never"
release = "2.2.0"
url = "https://mirror.example.org/lima"

[lima.sha256]
linux-x86_64 = "0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A"

[vm]
name = "team"
type = "vz"
arch = "aarch64"
rosetta = true
running = false
protect = false
cpus = 4
memory = "8GiB"
disk = "64GiB"

[[vm.images]]
arch = "aarch64"
location = "~/images/debian.img"
digest = "sha256:eeff273671467b8fa351ab3d40709759462dc03d9f7b50a1b207b37982ce40a9"
kernel = "/boot/vmlinuz"
kernel_cmdline = "root=/dev/vda rw"
initrd = "https://example.org/initrd"

[[vm.mounts]]
location = "/src"
mount_point = "/mnt/src"
writable = true

[[vm.port_forwards]]
guest_port = 80
guest_ip = "0.0.0.0"
host_port = 8080
host_ip = "127.0.0.1"
proto = "tcp"

[[vm.port_forwards]]
guest_socket = "/run/a.sock"
host_socket = "{{.Dir}}/sock/a.sock"

[vm.env]
HTTPS_PROXY = "http://proxy.example.org:3128"

[vm.lima]
ssh = { localPort = 60022, overVSock = false }
message = "line\nline"
param = { since = 2025-01-31, load = 0.5, list = ["a", 1] }

[docker]
source = "docker-ce"
version = "28.5.1"
seccomp_profile = "./seccomp.json"

[docker.repository]
url = "https://mirror.example.org/docker/linux"
key = "./docker.asc"
fingerprint = "0123456789abcdef0123456789abcdef01234567"

[docker.daemon]
userns-remap = "default"
log-opts = { max-size = "10m" }

[sysbox]
enabled = true
version = "0.6.7+vendor.1"
default_runtime = true

[[sysbox.packages]]
arch = "aarch64"
url = "../sysbox.deb"
sha256 = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"

[[groups]]
name = "docker"
gid = 2375

[[groups]]
name = "team"

[[users]]
name = "@lima"
groups = ["docker", "adm"]

[[users]]
name = "dev"
uid = 2000
shell = "/bin/bash"

[context]
name = "team-engine"
description = "The team's engine"

[restart]
strategy = "never"
"#;

/// "line:column message", as `render` shows it, for each error in `source`.
fn mistakes(source: &str) -> Vec<String> {
    let diagnostics = parse(source).err().unwrap_or_default();
    let shown = |diagnostic| {
        let text = render(std::slice::from_ref(diagnostic), &Sources::single("f", source), false);
        let place = text.lines().find_map(|line| line.trim().strip_prefix("--> f:"));
        format!("{} {}", place.unwrap_or("-"), diagnostic.message)
    };
    diagnostics.iter().map(shown).collect()
}

fn hints(source: &str) -> Vec<String> {
    parse(source).err().unwrap_or_default().into_iter().filter_map(|it| it.hint).collect()
}

/// Each file, after its first line `version = 1`, has exactly this error.
#[track_caller]
fn refuses(cases: &[(&str, &str)]) {
    for (rest, expected) in cases {
        let found = mistakes(&format!("version = 1\n{rest}\n"));
        let is_expected = found.len() == 1 && found[0].starts_with(expected);
        assert!(is_expected, "{rest}\nexpected: {expected}\nfound: {found:#?}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_strange_to_be_told_what_is_wrong(source in "\\PC*|[\\[\\]{}=.\"'\n\r#a-c1 ]*") {
        if let Err(diagnostics) = parse(&source) {
            prop_assert!(!diagnostics.is_empty());
            render(&diagnostics, &Sources::single("f", &source), false);
        }
    }

    #[test]
    fn no_slip_in_a_good_file_is_too_strange(
        at in 0..EVERY_KEY.len(), cut in 0usize..40, slip in "[\\[\\]{}=.,\"\n#a1é\u{1b}]{0,3}",
    ) {
        let mut source = EVERY_KEY.to_owned();
        source.replace_range(at..(at + cut).min(EVERY_KEY.len()), &slip);
        if let Err(diagnostics) = parse(&source) {
            prop_assert!(!diagnostics.is_empty());
            render(&diagnostics, &Sources::single("f", &source), false);
        }
    }
}
