//! A fake of a machine with a healthy engine: scripts that print what the real tools print, and a
//! socket on which somebody answers like dockerd.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;

use containai::{config, lima};

use crate::support::sandbox::Sandbox;

/// The file that the fakes fit.
pub const FILE: &str = "version = 1\n[vm]\ncpus = 2\nprotect = false\n[docker]\nsource = \"preinstalled\"\n\
    [sysbox]\nenabled = false\n";

/// A home with that file, and a fake `limactl` that has no instance and refuses to make one.
pub fn fresh() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", FILE);
    sandbox.fake_program("limactl", &limactl("", "echo 'fake: no' >&2; exit 7"));
    sandbox
}

/// A home with that file, and fakes of a machine that is as the file says, but for the context.
pub fn engine() -> Sandbox {
    let sandbox = without_a_socket();
    listen(&sandbox);
    sandbox
}

/// The same machine, where nothing is at the socket's path.
pub fn without_a_socket() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", FILE);
    sandbox.directory("lima");
    sandbox.directory("lima/containai-secure");
    sandbox.directory("lima/containai-secure/sock");
    let keys = containai::resource::template(&config::parse(FILE).unwrap());
    sandbox.write("lima/containai-secure/lima.yaml", &lima::to_yaml(&keys));
    sandbox.fake_program("limactl", &limactl(&listed(&sandbox, "Running"), "exit 7"));
    sandbox.fake_program("ssh", SSH);
    sandbox
}

/// What `limactl list --json` says of the engine's VM.
pub fn listed(sandbox: &Sandbox, status: &str) -> String {
    let directory = sandbox.path("lima/containai-secure");
    format!(r#"{{"name":"containai-secure","status":"{status}","dir":"{}"}}"#, directory.display())
}

/// An engine whose VM was made from another image than the file now says.
pub fn engine_of_another_image() -> Sandbox {
    let sandbox = engine();
    let images = "[[vm.images]]\nlocation = \"https://images.example/ubuntu-24.04.img\"\n";
    sandbox.write("home/containai.toml", &format!("{FILE}{images}"));
    let path = "lima/containai-secure/lima.yaml";
    let yaml = std::fs::read_to_string(sandbox.path(path)).unwrap();
    sandbox.write(path, &yaml.replace("24.04", "22.04"));
    sandbox
}

/// How a YAML is judged. The fake accepts each.
const VALIDATE: &str = "validate /dev/stdin";

/// A fake `limactl`: its version, a list, and what it does about everything else. Each call is
/// noted in `calls`.
pub fn limactl(list: &str, other: &str) -> String {
    limactl_that(&format!("cat <<'END'\n{list}\nEND\n"), other)
}

/// The same, where a script makes the list.
pub fn limactl_that(lists: &str, other: &str) -> String {
    format!(
        "echo \"$*\" >>\"$HOME/calls\"\n\
         case \"$*\" in\n\
         --version) echo 'limactl version 2.2.0' ;;\n\
         'list --json') {lists} ;;\n\
         'disk list --json '*) ;;\n\
         '{VALIDATE}') cat >/dev/null ;;\n\
         *) {other} ;;\n\
         esac\n"
    )
}

/// A fake `ssh` that prints the document of a healthy guest with the mark it was given.
pub const SSH: &str = r#"
for last; do :; done
mark=${last#*sh -s -- } mark=${mark%% *}
section() { printf '@%s %s\n%s\n\n@%s = 0\n' "$mark" "$1" "$2" "$mark"; }
section user dev
section session '1001 999'
section groups 'dev:x:1001:
docker:x:999:dev'
section cpus 2
section dockerd /usr/sbin/dockerd
section units 'Id=docker.service
ActiveState=active
UnitFileState=enabled'
section api '/containers/json []'
section daemon_json '{"live-restore": true}'
printf '@%s end\n' "$mark"
"#;

/// Answers on the engine's socket as dockerd does, as long as the tests run.
fn listen(sandbox: &Sandbox) {
    let path = sandbox.path("lima/containai-secure/sock/docker.sock");
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nApi-Version: 1.41\r\n\r\nOK");
        }
    });
}

/// The changing calls of the fake `limactl` until now.
pub fn calls(sandbox: &Sandbox) -> Vec<String> {
    let calls = std::fs::read_to_string(sandbox.path("home/calls")).unwrap_or_default();
    calls
        .lines()
        .filter(|call| !matches!(*call, "--version" | "list --json" | VALIDATE))
        .map(str::to_owned)
        .collect()
}
