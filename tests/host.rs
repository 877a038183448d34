//! The real machine as `cai` reaches it: commands with limits, and Docker's socket.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use containai::host::{CommandSpec, Deadline, ExitStatus, Failure, Host, Ping, Probe, System};

use crate::support::interposed::Interposed;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        both_streams_and_the_status_are_kept,
        a_command_reads_what_it_is_given_and_else_nothing,
        a_hanging_command_is_ended_with_its_children,
        a_grandchild_that_keeps_a_stream_open_is_not_waited_for,
        invalid_text_is_replaced_and_kept,
        a_changing_command_must_exit_with_0,
        the_newest_line_is_heard_while_a_command_runs,
        a_file_is_written_whole_and_nothing_is_left_beside_it,
        a_file_that_cannot_be_written_leaves_the_old_one,
        removing_what_is_not_there_is_no_error,
        the_answers_of_a_socket_are_told_apart,
        a_socket_is_exposed_where_others_can_get_to_it,
        a_probe_before_another_one_passes_on_that_others_can_write,
    ]
}

fn sh(script: &str) -> CommandSpec {
    CommandSpec::new("/bin/sh").args(["-c", script])
}

fn both_streams_and_the_status_are_kept() {
    let output = System.query(&sh("echo out; echo err >&2; exit 3")).unwrap();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
    assert_eq!(output.status, ExitStatus::Code(3));
}

fn a_command_reads_what_it_is_given_and_else_nothing() {
    assert_eq!(System.query(&sh("cat").stdin("a'$b\n")).unwrap().stdout, "a'$b\n");
    assert_eq!(System.query(&sh("cat")).unwrap().stdout, "");
    // One that does not want to read it all is no failure.
    assert!(System.query(&sh("exit 0").stdin("x".repeat(1 << 20))).unwrap().status.success());
}

fn a_hanging_command_is_ended_with_its_children() {
    // The child holds the lock as long as it lives: once it can be taken, the child is gone.
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let script = format!("echo started; flock {path} sleep 1000 & wait");
    let error = System.query(&sh(&script).timeout(Duration::from_millis(500))).unwrap_err();
    assert!(matches!(error.failure, Failure::TimedOut { .. }), "{error}");
    assert_eq!(error.streams().unwrap().0, "started\n");
    assert!(error.to_string().contains("did not finish within 0.5 s"), "{error}");
    let (taken, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        file.as_file().lock().unwrap();
        let _ = taken.send(());
    });
    wait.recv_timeout(Duration::from_secs(60)).expect("the child lives on");
}

fn a_grandchild_that_keeps_a_stream_open_is_not_waited_for() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    // It lives until this test lets go of the lock.
    file.as_file().lock().unwrap();
    let output = System.query(&sh(&format!("echo done; setsid flock {path} true &"))).unwrap();
    assert_eq!(output.stdout, "done\n");
}

fn invalid_text_is_replaced_and_kept() {
    let output = System.query(&sh("printf 'a\\377b'")).unwrap();
    assert_eq!(output.stdout, "a\u{fffd}b");
}

fn a_changing_command_must_exit_with_0() {
    let error = System.execute(&sh("echo why >&2; exit 9"), &|_| {}).unwrap_err();
    assert!(error.to_string().ends_with("failed with exit status 9"), "{error}");
    assert_eq!(error.streams().unwrap().1, "why\n");
    let error = System.execute(&CommandSpec::new("/nosuch/program"), &|_| {}).unwrap_err();
    assert!(error.to_string().contains("`program` could not be started"), "{error}");
}

fn the_newest_line_is_heard_while_a_command_runs() {
    let directory = tempfile::tempdir().unwrap();
    // A gate for each line: the next reader of the same one might still find the last writer in it.
    let gates = ["a", "b"].map(|gate| directory.path().join(gate));
    for gate in &gates {
        nix::unistd::mkfifo(gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    }
    let [a, b] = gates.each_ref().map(|gate| gate.display());
    // It goes on only when its first line was heard, and ends only when its second one was.
    let script = format!("printf 'old\\nfirst\\npart'; read _ <{a}; echo two >&2; read _ <{b}");
    let heard = std::sync::Mutex::new(Vec::new());
    let hear = |line: &str| {
        let mut heard = heard.lock().unwrap();
        if let Some(gate) = gates.get(heard.len()) {
            std::fs::write(gate, "\n").unwrap();
        }
        heard.push(line.to_owned());
    };
    System.execute(&sh(&script), &hear).unwrap();
    assert_eq!(*heard.lock().unwrap(), ["first", "two"]);
}

fn a_file_is_written_whole_and_nothing_is_left_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    for (contents, mode) in [("old", 0o644), ("new", 0o600)] {
        System.write_file(&file, contents, mode).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), contents);
        let narrowed = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(narrowed & !mode, 0, "{narrowed:o}");
        assert_eq!(narrowed & 0o600, 0o600, "{narrowed:o}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    // What was open before keeps what it had: the file is another one now.
    let before = std::fs::File::open(&file).unwrap();
    System.write_file(&file, "newer", 0o600).unwrap();
    assert_eq!(std::io::read_to_string(before).unwrap(), "new");
}

fn a_file_that_cannot_be_written_leaves_the_old_one() {
    let directory = tempfile::tempdir().unwrap();
    System.write_file(&directory.path().join("new/file"), "x", 0o600).unwrap_err();
    // A directory of that name is in the way only at the last step.
    let taken = directory.path().join("taken");
    std::fs::create_dir_all(taken.join("inside")).unwrap();
    System.write_file(&taken, "x", 0o600).unwrap_err();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

fn removing_what_is_not_there_is_no_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("socket");
    std::fs::write(&file, "").unwrap();
    System.remove_file(&file).unwrap();
    assert!(!file.exists());
    System.remove_file(&file).unwrap();
    System.remove_file(directory.path()).unwrap_err();
}

/// A socket on which each client gets this answer.
fn answering(directory: &tempfile::TempDir, answer: &'static str) -> std::path::PathBuf {
    let path = directory.path().join(format!("{}.sock", answer.len()));
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    path
}

/// A listener whose queue is full, and the clients that fill it.
fn full_listener(path: &std::path::Path) -> (UnixListener, Vec<std::os::unix::net::UnixStream>) {
    let listener = UnixListener::bind(path).unwrap();
    nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(1).unwrap()).unwrap();
    let clients = (0..2).map(|_| std::os::unix::net::UnixStream::connect(path).unwrap()).collect();
    (listener, clients)
}

fn the_answers_of_a_socket_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.sock");
    assert_eq!(System.ping(&missing), Ping::Missing);
    assert!(!System.listens(&missing));

    let stale = directory.path().join("stale.sock");
    drop(UnixListener::bind(&stale).unwrap());
    assert_eq!(System.ping(&stale), Ping::Refused);
    assert!(!System.listens(&stale));

    assert_eq!(System.ping(&answering(&directory, "")), Ping::Closed);

    // One that nobody accepts from, as that of a stopped ssh: the third client would wait for ever.
    let full = directory.path().join("full.sock");
    let _listener = full_listener(&full);
    assert!(matches!(System.ping(&full), Ping::Failed(_)));
    assert!(!System.listens(&full));

    let daemon = answering(&directory, "HTTP/1.0 200 OK\r\napi-version: 1.41\r\n\r\nOK");
    assert_eq!(System.ping(&daemon), Ping::Answered { api_version: "1.41".into() });
    assert!(System.listens(&daemon));

    for other in ["HTTP/1.1 500 Internal Server Error\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"] {
        assert!(matches!(System.ping(&answering(&directory, other)), Ping::Failed(_)), "{other}");
    }
}

fn a_socket_is_exposed_where_others_can_get_to_it() {
    let directory = tempfile::Builder::new().prefix("cai").tempdir_in("/tmp").unwrap();
    let socket = directory.path().join("a.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    let set = |path: &std::path::Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (socket_mode, directory_mode, is_exposed) in [
        (0o600, 0o755, false),
        (0o755, 0o755, false),
        (0o666, 0o700, false),
        (0o666, 0o755, true),
        (0o660, 0o750, true),
        (0o660, 0o701, false),
    ] {
        set(&socket, socket_mode);
        set(directory.path(), directory_mode);
        let case = format!("{socket_mode:o} in {directory_mode:o}");
        assert_eq!(System.is_exposed(&socket), is_exposed, "{case}");
    }
    assert!(!System.is_exposed(&directory.path().join("absent.sock")));

    // Others come by where a link leads to, and what is above the link does not keep them out.
    let home = tempfile::Builder::new().prefix("cai").tempdir_in("/tmp").unwrap();
    let link = home.path().join("link");
    std::os::unix::fs::symlink(directory.path(), &link).unwrap();
    set(&socket, 0o666);
    for (home_mode, directory_mode, is_exposed) in
        [(0o700, 0o755, true), (0o700, 0o700, false), (0o755, 0o700, false)]
    {
        set(home.path(), home_mode);
        set(directory.path(), directory_mode);
        let case = format!("by a link in {home_mode:o} to {directory_mode:o}");
        assert_eq!(System.is_exposed(&link.join("a.sock")), is_exposed, "{case}");
    }
}

fn a_probe_before_another_one_passes_on_that_others_can_write() {
    let directory = tempfile::tempdir().unwrap();
    let interrupted = std::sync::atomic::AtomicBool::default();
    let interposed = Interposed {
        host: &System,
        before: &|_| None,
        queried: &|_| {},
        interrupted: &interrupted,
    };
    let deadline = Deadline::new(&System, Duration::from_secs(1));
    let probes: [(&str, &dyn Probe); 2] = [("interposed", &interposed), ("deadline", &deadline)];
    for (mode, is_private) in [(0o700, true), (0o777, false)] {
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        for (name, probe) in probes {
            let checked = probe.check_private(directory.path());
            assert_eq!(checked.is_ok(), is_private, "{name}, {mode:o}: {checked:?}");
        }
    }
}
