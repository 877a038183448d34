//! The scripts that cai runs in a container, run on this machine with its shell and its clients for
//! Docker's API. A stand-in for dockerd answers.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use containai::docker::client::{ClientCommands, Inside, SocketSeen};
use containai::guest::Document;
use containai::host::CommandSpec;

use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        every_client_of_this_machine_asks_and_is_answered,
        a_socket_that_nobody_listens_on_is_no_answer,
        what_is_seen_is_what_is_there,
    ]
}

const MARK: &str = "cai-test-mark";

fn commands() -> ClientCommands {
    ClientCommands::new("docker".into(), "unused".parse().unwrap())
}

/// Runs the script of a `docker exec` command on this machine.
fn run(command: &CommandSpec) -> Document {
    let shell = command.args.iter().position(|word| word == "sh").unwrap();
    let output =
        Command::new("sh").args(&command.args[shell + 1..]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    Document::parse(&String::from_utf8(output.stdout).unwrap(), MARK).unwrap()
}

fn ask(socket: &Path, clients: &[String]) -> Document {
    run(&commands().ask("manager", (0, 0), MARK, socket.to_str().unwrap(), clients))
}

fn look(socket: &Path) -> Document {
    run(&commands().look("manager", MARK, socket.to_str().unwrap()))
}

/// Answers every request like `GET /version` of dockerd until the tests end.
fn daemon(socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let body = "{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\"}";
            let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
}

fn every_client_of_this_machine_asks_and_is_answered() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("docker.sock");
    daemon(&socket);
    let (inside, _) = Inside::read(&look(&socket));
    // The real docker command needs more from a daemon; `tests/client` has a real one.
    let clients: Vec<String> = inside.clients.into_iter().filter(|name| name != "docker").collect();
    println!("clients of this machine: {}", clients.join(", "));
    let document = ask(&socket, &clients);
    for client in &clients {
        let section = document.section(&format!("ask-{client}")).unwrap();
        // 126: this nc does not support Unix sockets.
        let answered = section.status == 0 && section.text.contains("\"ApiVersion\":\"1.41\"");
        assert!(answered || (client == "nc" && section.status == 126), "{client}: {section:?}");
    }
    assert_eq!(document.section("writable").unwrap().status, 0);
}

fn a_socket_that_nobody_listens_on_is_no_answer() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("docker.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let (inside, _) = Inside::read(&look(&socket));
    let document = ask(&socket, &inside.clients);
    for (name, section) in document.sections().filter(|(name, _)| name.starts_with("ask-")) {
        assert!(!section.text.contains("\"ApiVersion\""), "{name}: {section:?}");
        assert!(!section.text.contains("ApiVersion=1"), "{name}: {section:?}");
    }
}

fn what_is_seen_is_what_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let seen = |name: &str| Inside::read(&look(&path(name)));
    assert_eq!(seen("nothing").0.socket, SocketSeen::Missing);
    std::fs::create_dir(path("directory")).unwrap();
    assert_eq!(seen("directory").0.socket, SocketSeen::NotASocket);
    let _listener = UnixListener::bind(path("socket")).unwrap();
    std::fs::set_permissions(path("socket"), PermissionsExt::from_mode(0o620)).unwrap();
    // In most images, the path of the socket contains a symbolic link.
    std::os::unix::fs::symlink(path("socket"), path("link")).unwrap();
    let (uid, gid) = (nix::unistd::getuid().as_raw(), nix::unistd::getgid().as_raw());
    for name in ["socket", "link"] {
        let (inside, accounts) = seen(name);
        assert_eq!(inside.socket, SocketSeen::Socket { mode: 0o620, uid, gid });
        assert_eq!(accounts.by_name("root").unwrap().uid, 0);
        // A container runs on Linux, but this machine may be macOS.
        if cfg!(target_os = "linux") {
            let own = inside.processes.iter().find(|process| process.pid == std::process::id());
            assert_eq!(own.unwrap().uid, uid);
        }
    }
}
