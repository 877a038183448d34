//! The archive for a bug report: whole, private, and without secrets.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use containai::config;
use containai::simulate::Fault;
use flate2::read::GzDecoder;

use crate::cli::fake;
use crate::support::fake_world::FakeWorld;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        an_archive_has_what_a_report_needs_and_no_secret,
        every_tool_has_a_line_with_its_version_or_why_not,
        a_simulated_host_is_called_that,
        a_file_that_exists_is_not_overwritten,
        a_wrong_file_is_in_an_archive_with_what_lima_left,
        where_nothing_can_be_looked_at_there_is_an_archive_all_the_same,
        of_a_log_only_the_end_is_read,
        what_is_no_file_is_not_waited_for,
    ]
}

const FILE: &str = "version = 1\n[vm]\ncpus = 2\nenv = { API_KEY = \"k3y-of-env\", MODE = \"of-env-2\" }\n\
    [docker.daemon.proxies]\nhttp-proxy = \"http://me:pw-of-url@proxy.example\"\n";

/// The files of an archive.
fn unpacked(path: &Path) -> BTreeMap<String, String> {
    let file = std::fs::File::open(path).unwrap();
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        files.insert(name.strip_prefix("cai-bundle/").unwrap().to_owned(), text);
    }
    files
}

fn an_archive_has_what_a_report_needs_and_no_secret() {
    let machine = FakeWorld::new(FILE);
    machine.cai(&["apply", "--yes"]).success();
    let config = config::parse(FILE).unwrap();
    machine.change(|world| Fault::find("session").unwrap().strike(world, &config));
    let log = "level=info msg=\"Authorization: Bearer t0ken-of-log\" k3y-of-env\n";
    machine.sandbox.write("lima/containai-secure/ha.stderr.log", log);
    let home = machine.sandbox.home().display().to_string();
    machine.sandbox.write("lima/containai-secure/serial.log", &format!("{home}/x\nlast line\n"));
    machine.cai(&["doctor", "--bundle", "report.tar.gz"]).fails_with(1);
    let path = machine.sandbox.path("home/report.tar.gz");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let files = unpacked(&path);
    for (name, part) in [
        ("versions.txt", concat!("cai: ", env!("CARGO_PKG_VERSION"))),
        ("versions.txt", "\nlimactl: 2.2.0 ("),
        ("findings.json", "\"session_stale\""),
        ("plan.json", "\"restart.containai-secure\""),
        ("lima/lima.yaml", "MODE: '[redacted]'"),
        ("lima/ha.stderr.log", "Authorization: [redacted]"),
        ("lima/serial.log", "~/x\nlast line"),
        ("guest/units.json", "\"docker.service\""),
        ("guest/daemon.json", "http://[redacted]@proxy.example"),
        ("guest/journal-docker.txt", "Daemon has completed initialization"),
        ("guest/cloud-init-output.txt", ""),
    ] {
        let text = files.get(name).unwrap_or_else(|| panic!("{name} is missing: {files:#?}"));
        assert!(text.contains(part), "{part:?} is not in {name}: {text}");
    }
    for secret in ["k3y-of-env", "of-env-2", "pw-of-url", "t0ken-of-log", home.as_str()] {
        let with: Vec<_> = files.iter().filter(|(_, text)| text.contains(secret)).collect();
        assert!(with.is_empty(), "{secret} is in {with:#?}");
    }
}

fn every_tool_has_a_line_with_its_version_or_why_not() {
    let sandbox = fake::engine();
    sandbox.fake_program("docker", "echo Docker version 1, build 2; echo more");
    sandbox.fake_program("ssh", "echo OpenSSH_1 >&2");
    // Its PATH alone, so that there is no other limactl.
    std::fs::remove_file(sandbox.path("bin/limactl")).unwrap();
    let path = sandbox.path("bin").display().to_string();
    sandbox.cai_with(&["doctor", "--bundle", "b"], &[("PATH", &path)]).fails_with(1);
    let versions = &unpacked(&sandbox.path("home/b"))["versions.txt"];
    let lines: Vec<&str> = versions.lines().skip(1).collect();
    let host = format!("host: {} {}", std::env::consts::OS, std::env::consts::ARCH);
    let tools = [
        "limactl: not on PATH",
        "docker: Docker version 1, build 2; more",
        "ssh: OpenSSH_1",
        "uname: not on PATH",
    ];
    assert_eq!(lines, [&[host.as_str()], &tools[..]].concat());
}

fn a_simulated_host_is_called_that() {
    let sandbox = fake::engine();
    sandbox.cai(&["--simulate=sim", "simulate", "reset", "--platform", "linux"]).success();
    sandbox.cai(&["--simulate=sim", "doctor", "--bundle", "b"]).fails_with(1);
    let files = unpacked(&sandbox.path("home/b"));
    for name in ["findings.json", "plan.json"] {
        let document: serde_json::Value = serde_json::from_str(&files[name]).unwrap();
        assert_eq!(document["simulated"], true, "{name}");
    }
    let versions = &files["versions.txt"];
    for line in [
        "host: linux x86_64 (simulated)",
        "docker: Docker version 2",
        "ssh: OpenSSH_",
        "limactl: 2",
    ] {
        assert!(versions.lines().any(|own| own.starts_with(line)), "{line} is not in {versions}");
    }
    assert!(!versions.contains("exit"), "{versions}");
}

fn a_file_that_exists_is_not_overwritten() {
    let sandbox = fake::engine();
    sandbox.write("home/report.tar.gz", "mine");
    let ran = sandbox.cai(&["doctor", "--bundle", "report.tar.gz"]);
    let error = ran.fails_with(4);
    assert!(error.contains("report.tar.gz already exists"), "{ran}");
    assert!(
        error.contains("name another file for the bundle, or delete the existing one"),
        "{ran}"
    );
    assert!(ran.stdout.contains("error context_missing"), "{ran}");
    let text = std::fs::read_to_string(sandbox.path("home/report.tar.gz")).unwrap();
    assert_eq!(text, "mine");
    let left = std::fs::read_dir(sandbox.home()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(".cai-")).collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new());
}

fn where_nothing_can_be_looked_at_there_is_an_archive_all_the_same() {
    let sandbox = fake::engine();
    sandbox.write("lima/containai-secure/ha.stderr.log", "the last words\n");
    sandbox.fake_program("limactl", "echo no >&2; exit 1");
    sandbox.directory("home/out");
    sandbox.cai(&["-C", "out", "-f", "../containai.toml", "doctor", "--bundle", "b"]).fails_with(1);
    let files = unpacked(&sandbox.path("home/out/b"));
    assert!(files["findings.json"].contains("lima_failed"), "{files:#?}");
    assert!(files["lima/ha.stderr.log"].contains("the last words"), "{files:#?}");
}

fn a_wrong_file_is_in_an_archive_with_what_lima_left() {
    let sandbox = fake::engine();
    for name in ["containai-secure", "mine"] {
        let directory = format!("lima/{name}");
        std::fs::create_dir_all(sandbox.path(&directory)).unwrap();
        sandbox.write(&format!("{directory}/lima.yaml"), "env:\n  MODE: n33dle\n");
        sandbox.write(&format!("{directory}/ha.stderr.log"), &format!("{name} n33dle\n"));
    }
    sandbox.write("home/named.toml", "version = 1\n[vm]\nname = \"mine\"\ncpu = 2\n");
    sandbox.write("home/unnamed.toml", "version = 1\n[vm]\ncpu = 2\n");
    sandbox.write("home/half.toml", "version = 1\n[vm]\nname = \"mine\"\ncpus = \n");
    sandbox.write("home/broken.toml", "version = 1\n[vm\n");
    for (file, vm) in [
        ("named.toml", Some("mine")),
        ("unnamed.toml", Some("containai-secure")),
        ("half.toml", Some("mine")),
        // Another VM's logs are nobody's business.
        ("broken.toml", None),
        ("nosuch.toml", None),
    ] {
        let ran = sandbox.cai(&["-f", file, "doctor", "--bundle", &format!("{file}.tar.gz")]);
        assert!(ran.fails_with(3).contains(".tar.gz. Review it before you share it."), "{ran}");
        let files = unpacked(&sandbox.path(format!("home/{file}.tar.gz")));
        assert!(files["findings.json"].contains("config_invalid"), "{files:#?}");
        assert!(files["versions.txt"].contains("cai: "), "{files:#?}");
        let log = vm.map(|vm| format!("{vm} [redacted]\n"));
        assert_eq!(files.get("lima/ha.stderr.log"), log.as_ref(), "{file}");
    }
    // One that cannot be written is told beside the mistakes.
    let ran = sandbox.cai(&["-f", "broken.toml", "doctor", "--bundle", "broken.toml.tar.gz"]);
    let error = ran.fails_with(3);
    assert!(error.contains("already exists"), "{ran}");
    assert!(error.contains("broken.toml:2"), "{ran}");
    let ran = sandbox.cai(&["-C", "nosuch", "doctor", "--bundle", "b"]);
    assert!(ran.fails_with(1).contains("The bundle was not written."), "{ran}");
}

fn of_a_log_only_the_end_is_read() {
    let sandbox = fake::engine();
    let directory = sandbox.path("lima/containai-secure");
    let mut log = std::fs::File::create(directory.join("ha.stderr.log")).unwrap();
    // More than there is room for in memory, where that can be limited; it takes none on the disk.
    log.seek(SeekFrom::Start(64 << 30)).unwrap();
    log.write_all(b"\nthe last words\n").unwrap();
    // More than is kept, and its first line would tell the end of a secret.
    let line = "TOKEN=x1 ".repeat(1 << 17);
    std::fs::write(directory.join("serial.log"), format!("{line}\nthe last words\n")).unwrap();
    let script = "ulimit -v 1048576 2>/dev/null; exec cai doctor --bundle b";
    let ran = sandbox.run(&["sh", "-c", script]);
    assert!(ran.stderr.contains("Wrote b."), "{ran}");
    let files = unpacked(&sandbox.path("home/b"));
    for name in ["lima/ha.stderr.log", "lima/serial.log"] {
        assert_eq!(files[name], "the last words\n", "{name}");
    }
}

fn what_is_no_file_is_not_waited_for() {
    let sandbox = fake::engine();
    let directory = sandbox.path("lima/containai-secure");
    let private = nix::sys::stat::Mode::S_IRWXU;
    for name in ["ha.stdout.log", "lima.yaml"] {
        let _ = std::fs::remove_file(directory.join(name));
        nix::unistd::mkfifo(&directory.join(name), private).unwrap();
    }
    std::os::unix::fs::symlink("/dev/zero", directory.join("serial.log")).unwrap();
    let ran = sandbox.cai(&["doctor", "--bundle", "b"]);
    assert!(ran.stderr.contains("Wrote b."), "{ran}");
    let files = unpacked(&sandbox.path("home/b"));
    for (name, what) in [
        ("lima/ha.stdout.log", "a pipe"),
        ("lima/lima.yaml", "a pipe"),
        ("lima/serial.log", "a device"),
    ] {
        let said = format!(
            "This file could not be read: it is {what}, not a regular file.
"
        );
        assert_eq!(files[name], said, "{name}");
    }
}
