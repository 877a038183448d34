//! The script that looks at a guest, run by a real shell with fake tools around it, and with a
//! listener in place of dockerd.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use containai::guest::probe::{self, Look, Part};
use containai::guest::{Document, GuestFacts};

use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_stopped_daemon_is_not_asked_anything,
        a_look_at_the_system_asks_no_daemon,
        a_running_daemon_lists_its_containers_and_runtimes,
        a_container_that_ended_since_is_left_out,
        the_daemon_is_asked_while_the_rest_is_looked_at,
        a_daemon_that_does_not_answer_root_is_no_empty_list,
        a_daemon_that_hangs_is_cut_off,
        a_failed_report_of_the_engine_hides_no_container,
        a_guest_without_docker_is_a_whole_report,
        what_a_tool_prints_cannot_end_the_report,
        what_a_kind_looks_at_is_an_argument,
    ]
}

/// What the script says in a guest whose `docker.service` is in this state.
pub fn look(sandbox: &Sandbox, active: &str, socket: &Path) -> GuestFacts {
    look_at(sandbox, active, socket, &[], Part::Whole)
}

fn look_at(
    sandbox: &Sandbox,
    active: &str,
    socket: &Path,
    looks: &[Look],
    part: Part,
) -> GuestFacts {
    sandbox.fake_program(
        "systemctl",
        &format!(
            "case \"$1\" in is-active) echo {active} ;; \
             show) printf 'Id=docker.service\\nLoadState=loaded\\nActiveState={active}\\n\
             UnitFileState=enabled\\n' ;; esac"
        ),
    );
    sandbox.fake_program("sudo", "shift; exec \"$@\"");
    // It needs no docker client.
    sandbox.fake_program("docker", "exit 9");
    let (script, arguments) = probe::script(looks, part);
    let script = script.replace("/var/run/docker.sock", &socket.display().to_string());
    sandbox.write("home/probe.sh", &script);
    let arguments = arguments.iter().map(String::as_str);
    let words: Vec<&str> = ["sh", "probe.sh", "mark"].into_iter().chain(arguments).collect();
    let ran = sandbox.run(&words);
    let document = Document::parse(ran.success(), "mark");
    GuestFacts::read(&document.unwrap_or_else(|error| panic!("{error}: {ran}")))
}

/// What the script says of a dockerd that sends this for each path; each connection ends with it.
fn ask(sandbox: &Sandbox, answer: impl Fn(&str) -> String + Send + Sync + 'static) -> GuestFacts {
    let socket = sandbox.path("docker.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let request = lines.next().unwrap_or_default();
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let path = request.strip_prefix("GET ").and_then(|it| it.strip_suffix(" HTTP/1.0"));
            // Whoever has seen enough may have gone.
            let _ = (&stream).write_all(answer(path.expect(&request)).as_bytes());
        }
    });
    look(sandbox, "active", &socket)
}

/// As dockerd answers HTTP/1.0.
fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.0 {status}\r\nContent-Type: application/json\r\n\r\n{body}\n")
}

fn ok(body: &str) -> String {
    http("200 OK", body)
}

/// The identifier of a container.
fn id(number: usize) -> String {
    format!("{number:064x}")
}

/// The list of so many containers.
fn list(count: usize) -> String {
    let listed = (0..count).map(|it| format!(r#"{{"Id":"{}","Labels":{{}}}}"#, id(it)));
    ok(&format!("[{}]", listed.collect::<Vec<_>>().join(",")))
}

/// A container, by the path that was asked for it.
fn inspected(path: &str) -> String {
    let id = path.split('/').nth(2).unwrap();
    ok(&format!(
        r#"{{"Id":"{id}","Name":"/it-{}","State":{{"StartedAt":"2026"}},"HostConfig":{{"Runtime":"runc","AutoRemove":false}},"Args":["{}"]}}"#,
        id.trim_start_matches('0'),
        "x".repeat(2000)
    ))
}

const INFO: &str = r#"{"DockerRootDir":"/nosuch","DefaultRuntime":"runc","Runtimes":{"io.containerd.runc.v2":{},"runc":{}}}"#;

/// What a dockerd with two containers sends.
fn usual(path: &str) -> String {
    match path {
        "/containers/json" => list(2),
        "/info" => ok(INFO),
        path => inspected(path),
    }
}

fn names(guest: &GuestFacts) -> Vec<&str> {
    guest.containers.iter().flatten().map(|it| it.name.as_str()).collect()
}

/// Waits until a file of the sandbox is there.
fn wait_for(path: &Path) {
    let end = Instant::now() + Duration::from_secs(5);
    while !path.exists() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn a_stopped_daemon_is_not_asked_anything() {
    let sandbox = Sandbox::new();
    sandbox.fake_program("dockerd", "touch \"$HOME/asked\"");
    let listener = UnixListener::bind(sandbox.path("docker.sock")).unwrap();
    listener.set_nonblocking(true).unwrap();
    let guest = look(&sandbox, "inactive", &sandbox.path("docker.sock"));
    assert!(!guest.docker_runs());
    assert!(!sandbox.path("home/asked").exists());
    assert!(listener.accept().is_err(), "the question would have started it");
    assert_eq!(guest.containers, None, "with live-restore they go on without it");
}

fn a_look_at_the_system_asks_no_daemon() {
    let sandbox = Sandbox::new();
    let socket = sandbox.path("docker.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    listener.set_nonblocking(true).unwrap();
    let guest = look_at(&sandbox, "active", &socket, &[], Part::System);
    assert!(guest.docker_runs() && guest.accounts.contains_key("root"));
    assert!(listener.accept().is_err(), "dockerd was asked");
    assert_eq!(guest.docker_as_root, None);
}

fn a_running_daemon_lists_its_containers_and_runtimes() {
    let sandbox = Sandbox::new();
    for directory in ["data", "data/volumes", "data/volumes/one", "data/volumes/two"] {
        sandbox.directory(directory);
    }
    sandbox.write("data/volumes/metadata.db", "");
    std::os::unix::fs::symlink("one", sandbox.path("data/volumes/link")).unwrap();
    let info = INFO.replace("/nosuch", &sandbox.path("data").display().to_string());
    let guest = ask(&sandbox, move |path| if path == "/info" { ok(&info) } else { usual(path) });
    assert_eq!(names(&guest), ["it-", "it-1"]);
    assert_eq!(guest.runtimes, ["runc", "io.containerd.runc.v2"]);
    assert_eq!(guest.engine.as_ref().unwrap().volumes, Some(2));
    assert!(guest.docker_answers());
}

fn a_container_that_ended_since_is_left_out() {
    let sandbox = Sandbox::new();
    let gone = id(0);
    let guest = ask(&sandbox, move |path| {
        if path.contains(&gone) {
            http("404 Not Found", "{\"message\":\"No such container\"}")
        } else {
            usual(path)
        }
    });
    assert_eq!(names(&guest), ["it-1"]);
    assert!(guest.docker_answers() && guest.engine.is_some());
}

fn the_daemon_is_asked_while_the_rest_is_looked_at() {
    let sandbox = Sandbox::new();
    let [asked, looked] = ["home/asked", "home/looked"].map(|it| sandbox.path(it));
    sandbox.fake_program(
        "dpkg",
        "n=0; until [ -e \"$HOME/asked\" ] || [ $n = 50 ]; do sleep 0.1; n=$((n + 1)); done; \
         touch \"$HOME/looked\"; echo \"waited $n\"",
    );
    // More than a pipe holds, on both sides; each question is answered once the rest is looked at.
    sandbox.fake_program("sha256sum", "seq 20000");
    let guest = ask(&sandbox, move |path| {
        std::fs::write(&asked, "").unwrap();
        wait_for(&looked);
        if path == "/containers/json" { list(100) } else { usual(path) }
    });
    assert_ne!(guest.arch, "waited 50", "nobody asked the daemon meanwhile");
    assert_eq!(guest.containers.map(|list| list.len()), Some(100));
    assert_eq!(guest.runtimes, ["runc", "io.containerd.runc.v2"]);
}

/// What the guest says of a dockerd that does not answer.
#[track_caller]
fn is_silent(guest: &GuestFacts, status: i32, why: &str) {
    assert!(guest.docker_runs() && !guest.docker_answers());
    assert_eq!((&guest.containers, &guest.engine), (&None, &None));
    let said = guest.docker_as_root.as_ref().unwrap();
    assert_eq!((said.text.as_str(), said.status), (why, status));
}

fn a_daemon_that_does_not_answer_root_is_no_empty_list() {
    let sandbox = Sandbox::new();
    let socket = sandbox.path("docker.sock");
    let refused = |why: &str| {
        let place = socket.display();
        let guest = look(&sandbox, "active", &socket);
        is_silent(&guest, 1, &format!("GET /containers/json: cannot connect to {place}: {why}"));
    };
    refused("No such file or directory");
    drop(UnixListener::bind(&socket).unwrap());
    refused("Connection refused");
    std::fs::remove_file(&socket).unwrap();
    let guest = ask(&sandbox, |_| String::new());
    is_silent(&guest, 1, "GET /containers/json: dockerd closed the connection");
    std::fs::remove_file(&socket).unwrap();
    let guest = ask(&sandbox, |path| match path {
        "/containers/json" => list(1),
        _ => http("500 Internal Server Error", "{\"message\":\"database is closed\"}"),
    });
    let why =
        format!("GET /containers/{}/json: 500 Internal Server Error: database is closed", id(0));
    is_silent(&guest, 1, &why);
}

fn a_daemon_that_hangs_is_cut_off() {
    let sandbox = Sandbox::new();
    sandbox.fake_program("timeout", "[ \"$1\" = 20 ] && shift && exec /usr/bin/timeout 2 \"$@\"");
    let guest = ask(&sandbox, |path| {
        if path == "/info" {
            std::thread::sleep(Duration::from_secs(60));
        }
        usual(path)
    });
    is_silent(&guest, 124, "GET /info: no answer within 20 s");
}

fn a_failed_report_of_the_engine_hides_no_container() {
    let guest = ask(&Sandbox::new(), |path| match path {
        "/info" => http("500 Internal Server Error", "{\"message\":\"no\"}"),
        path => usual(path),
    });
    assert_eq!(names(&guest), ["it-", "it-1"]);
    assert!(guest.docker_answers());
    assert_eq!((guest.engine, guest.runtimes), (None, Vec::new()));
}

fn a_guest_without_docker_is_a_whole_report() {
    let sandbox = Sandbox::new();
    let guest = look(&sandbox, "inactive", &sandbox.path("docker.sock"));
    assert!(!guest.user.is_empty() && guest.groups.contains_key("root"), "{guest:?}");
    assert!(guest.accounts.contains_key("root") && !guest.session_groups.is_empty());
}

fn what_a_tool_prints_cannot_end_the_report() {
    let guest = ask(&Sandbox::new(), |path| match path {
        // Not even the real mark.
        "/info" => usual(path).replace(',', ",\n@mark end\n@mark = 0\n"),
        path => usual(path).replace(',', "\r\n,\n"),
    });
    assert_eq!(names(&guest), ["it-", "it-1"]);
    assert_eq!(guest.engine, None);
    let sandbox = Sandbox::new();
    sandbox.fake_program("dpkg", "echo '@other end'; echo amd64");
    assert_eq!(ask(&sandbox, usual).arch, "@other end\namd64");
}

fn what_a_kind_looks_at_is_an_argument() {
    let sandbox = Sandbox::new();
    let look = |section: &str, argument: &str| Look {
        section: section.into(),
        command: "printf '%s\\n'",
        arguments: vec![argument.into()],
    };
    let hostile = "$(touch asked) `touch asked` '; touch asked; \" * ${1} \\";
    let mut looks = vec![look("words", "a b"), look("odd $(touch asked)", hostile)];
    // More than nine arguments, and those of one section in one command.
    looks.extend((0..10).map(|count| look("words", &count.to_string())));
    let socket = sandbox.path("docker.sock");
    let guest = look_at(&sandbox, "inactive", &socket, &looks, Part::Whole);
    let text = |section| guest.document.text(section).unwrap().to_owned();
    assert_eq!(text("words"), "a b\n0\n1\n2\n3\n4\n5\n6\n7\n8\n9");
    assert_eq!(text("odd $(touch asked)"), hostile);
    assert!(!sandbox.path("home/asked").exists());
}
