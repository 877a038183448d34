//! Images of clients, built from files of this machine: BusyBox and the real docker command.

use std::collections::HashMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::daemon::Daemon;

/// The contents of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Image {
    /// The gid of its group `docker`. `None` if it does not have one.
    pub docker: Option<u32>,
    /// Whether its user is a member of that group.
    pub member: bool,
    /// Whether it has the docker command.
    pub client: bool,
    /// Whether it has a shell.
    pub shell: bool,
}

impl Image {
    /// A manager as in the original project: a shell, a docker command, and a user in `docker`.
    pub fn manager(docker: u32, member: bool) -> Self {
        Self { docker: Some(docker), member, client: true, shell: true }
    }

    fn name(self) -> String {
        let Self { docker, member, client, shell } = self;
        let docker = docker.map_or("none".to_owned(), |gid| gid.to_string());
        format!("cai-{docker}-{}-{}-{}", u8::from(member), u8::from(client), u8::from(shell))
    }
}

/// The program of the container. A write to `/tmp/ask` makes it connect to the daemon with its own
/// groups and report the result in `/tmp/answer`.
const PROGRAM: &str = "#!/bin/sh\nwhile :; do\n  read -r word </tmp/ask\n  if docker -H unix:///var/run/docker.sock version >/dev/null 2>&1\n  \
    then echo yes; else echo no; fi >/tmp/answer\ndone\n";

const TOOLS: [&str; 16] = [
    "sh", "cat", "stat", "ls", "id", "sleep", "mkdir", "echo", "sed", "chown", "grep", "su",
    "timeout", "touch", "true", "nc",
];

static MADE: Mutex<Option<HashMap<Image, String>>> = Mutex::new(None);

/// The name of an image on the shared daemon, which is built if necessary.
pub fn ensure(daemon: &Daemon, image: Image) -> String {
    let mut made = MADE.lock().unwrap();
    made.get_or_insert_default().entry(image).or_insert_with(|| make(daemon, image)).clone()
}

/// Builds an image.
pub fn make(daemon: &Daemon, image: Image) -> String {
    let root = tempfile::tempdir().unwrap();
    let path = |relative: &str| root.path().join(relative);
    std::fs::set_permissions(root.path(), PermissionsExt::from_mode(0o755)).unwrap();
    for directory in ["bin", "etc", "run", "var", "tmp", "data"] {
        std::fs::create_dir_all(path(directory)).unwrap();
    }
    symlink("../run", path("var/run")).unwrap();
    for directory in ["tmp", "data"] {
        std::fs::set_permissions(path(directory), PermissionsExt::from_mode(0o1777)).unwrap();
    }
    let busybox = if image.shell { "bin/busybox" } else { "bin/one-program" };
    copy(&found("busybox"), &path(busybox));
    let tools: &[&str] = if image.shell { &TOOLS } else { &["sleep"] };
    for tool in tools {
        symlink(path(busybox).file_name().unwrap(), path("bin").join(tool)).unwrap();
    }
    if image.client {
        copy_with_libraries("docker", root.path());
    }
    let passwd = "root:x:0:0:root:/:/bin/sh\nmcp:x:1001:1001::/:/bin/sh\n";
    std::fs::write(path("etc/passwd"), passwd).unwrap();
    let docker = image
        .docker
        .map(|gid| format!("docker:x:{gid}:{}\n", if image.member { "mcp" } else { "" }));
    let group = format!("root:x:0:\n{}mcp:x:1001:\n", docker.unwrap_or_default());
    std::fs::write(path("etc/group"), group).unwrap();
    std::fs::write(path("bin/program"), PROGRAM).unwrap();
    std::fs::set_permissions(path("bin/program"), PermissionsExt::from_mode(0o755)).unwrap();
    for fifo in ["tmp/ask", "tmp/answer"] {
        nix::unistd::mkfifo(&path(fifo), nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
        std::fs::set_permissions(path(fifo), PermissionsExt::from_mode(0o666)).unwrap();
    }
    let name = image.name();
    let archive = tempfile::NamedTempFile::new().unwrap();
    let tar = daemon.command(&[
        "tar",
        "-C",
        root.path().to_str().unwrap(),
        "--owner=0",
        "--group=0",
        "-cf",
        archive.path().to_str().unwrap(),
        ".",
    ]);
    tar.success();
    let command = if image.shell { "[\"/bin/program\"]" } else { "[\"/bin/sleep\", \"infinity\"]" };
    daemon.docker(&[
        "import",
        "--change",
        "USER mcp",
        "--change",
        &format!("CMD {command}"),
        archive.path().to_str().unwrap(),
        &name,
    ]);
    name
}

fn found(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|it| it.join(program)).find(|it| it.exists());
    found.unwrap_or_else(|| panic!("{program} is not on PATH (Debian: busybox-static, docker.io)"))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(from, to).unwrap();
}

/// Copies a program on `PATH` and its libraries to the same paths.
fn copy_with_libraries(program: &str, root: &Path) {
    let program = found(program);
    copy(&program, &root.join("bin/docker"));
    // ldd fails for a static program, which has no libraries.
    let listed = Command::new("ldd").arg(&program).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for library in listed.split_whitespace().filter(|word| word.starts_with('/')) {
        copy(Path::new(library), &root.join(library.trim_start_matches('/')));
    }
}
