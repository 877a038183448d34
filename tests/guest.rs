//! The scripts that change a guest, run by a real shell with fake tools around them.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use containai::config::DockerSource;
use containai::guest::{LoadedCopy, Operation, provisioning};
use containai::host::Input;
use containai::lima::Ssh;
use containai::model::digest::sha256;

use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_boot_keeps_what_the_daemon_has_loaded,
        what_is_written_when_the_clock_went_back_is_not_older_than_the_daemon,
        what_daemon_json_gets_comes_by_standard_input,
        a_file_that_dockerd_does_not_validate_is_not_written,
        a_file_that_dockerd_runs_with_is_the_one_that_comes_back,
        a_file_that_dockerd_refuses_to_reload_is_restored,
        only_the_reload_that_loads_every_key_is_recorded,
        a_version_is_all_of_a_packages_or_its_first_numbers,
        a_file_is_put_there_as_a_whole_or_not_at_all,
    ]
}

/// The script of every boot in a guest whose dockerd started at this second, with a `daemon.json`
/// that was written at that one; the record that it leaves of what the daemon has loaded.
fn boot(started: u32, written: u32) -> Option<String> {
    let sandbox = Sandbox::new();
    for directory in ["run", "docker", "record"] {
        sandbox.directory(directory);
    }
    let show = format!("case \"$1\" in show) LC_ALL=C date -u -d @{started} ;; esac");
    sandbox.fake_program("systemctl", &show);
    sandbox.write("docker/daemon.json", "{\"debug\": true}\n");
    sandbox.write("record/daemon.json.loaded", "older\n");
    let date = format!("@{written}");
    let file = sandbox.path("docker/daemon.json");
    sandbox.run(&["touch", "-d", &date, file.to_str().unwrap()]).success();
    let root = sandbox.path("").display().to_string();
    let script = provisioning::script(DockerSource::Preinstalled)
        .replace("/run/", &format!("{root}run/"))
        .replace("/etc/docker", &format!("{root}docker"))
        .replace("/var/lib/cai", &format!("{root}record"));
    sandbox.write("home/boot.sh", &script);
    sandbox.run(&["sh", "boot.sh"]).success();
    assert!(!sandbox.path("run/cai-provision-failed").exists());
    std::fs::read_to_string(sandbox.path("record/daemon.json.loaded")).ok()
}

fn a_boot_keeps_what_the_daemon_has_loaded() {
    let loaded = "{\"debug\": true}\n".to_owned();
    assert_eq!(boot(2_000_000_000, 1_999_999_999), Some(loaded));
    // It was written after the start, or perhaps: what the daemon has loaded is another text.
    for written in [2_000_000_000, 2_000_000_001] {
        assert_eq!(boot(2_000_000_000, written), Some("older\n".to_owned()));
    }
}

fn what_is_written_when_the_clock_went_back_is_not_older_than_the_daemon() {
    let sandbox = Sandbox::new();
    let script = include_str!("../src/guest/scripts/not-older.sh");
    sandbox.write("home/script.sh", &format!("{script}\nset -eu\nnot_older \"$@\"\n"));
    let time = |seconds: u64| std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    // 07:09:55 is this second; before it, at it and after it.
    let started = 1_795_244_995;
    for (says, written, then) in [
        ("Sat 2026-11-21 07:09:55 UTC", started - 86_400, started),
        ("Sat 2026-11-21 07:09:55 UTC", started, started),
        ("Sat 2026-11-21 07:09:55 UTC", started + 1, started + 1),
        ("", started - 1, started - 1),
        ("n/a", started - 1, started - 1),
    ] {
        sandbox.fake_program("systemctl", &format!("echo '{says}'\n"));
        sandbox.write("home/file", "{}");
        let file = std::fs::File::options().write(true).open(sandbox.path("home/file")).unwrap();
        file.set_modified(time(written)).unwrap();
        sandbox.run(&["sh", "script.sh", "file", "missing"]).success();
        assert_eq!(file.metadata().unwrap().modified().unwrap(), time(then), "{says}");
    }
    sandbox.fake_program("systemctl", "exit 1\n");
    sandbox.run(&["sh", "script.sh", "file"]).success();
}

fn what_daemon_json_gets_comes_by_standard_input() {
    let sandbox = Sandbox::new();
    for directory in ["docker", "record"] {
        sandbox.directory(directory);
    }
    let text = "{\n    \"a\": \"$(x) 'y' `z` \\\\ CAI_INPUT é\"\n}\n";
    let write = |expected: Option<String>, text: &str| {
        let write = Operation::WriteDaemonJson { expected, loaded: LoadedCopy::Write, text };
        operate(&sandbox, write);
        std::fs::read_to_string(sandbox.path("docker/daemon.json")).unwrap()
    };
    assert_eq!(write(None, text), text);
    assert_eq!(write(Some("0".repeat(64)), "{}\n"), text, "somebody changed it meanwhile");
    assert_eq!(write(Some(sha256(text.as_bytes())), "{}\n"), "{}\n");
    let loaded = std::fs::read_to_string(sandbox.path("record/daemon.json.loaded")).unwrap();
    assert_eq!(loaded, text);
}

/// Runs the script of an operation in a guest whose files are in the sandbox.
fn operate(sandbox: &Sandbox, operation: Operation<'_>) -> Ran {
    let ssh = Ssh::new("ssh".into(), "/dir".as_ref(), &"vm".parse().unwrap());
    let command = operation.command(&ssh);
    assert!(!command.args.iter().any(|word| word.to_string_lossy().contains('{')));
    let Some(Input::Text(script)) = command.stdin else { panic!("it reads a script") };
    let root = sandbox.path("").display().to_string();
    let script = script
        .replace("/etc/docker", &format!("{root}docker"))
        .replace("/var/lib/cai", &format!("{root}record"));
    sandbox.write("home/script", &script);
    let line = command.args.last().unwrap().to_string_lossy().into_owned();
    let (_, words) = line.split_once("sh -s -- ").unwrap();
    sandbox.run(&["sh", "-c", &format!("exec sh -s -- {words} <\"$HOME/script\"")])
}

/// A dockerd without that option, such as 20.10, is not asked.
fn a_file_that_dockerd_does_not_validate_is_not_written() {
    let sandbox = Sandbox::new();
    for directory in ["docker", "record"] {
        sandbox.directory(directory);
    }
    let (good, bad) = ("{\"debug\": true}\n", "{\"debug\": \"yes\"}\n");
    let write = |expected: Option<String>, text: &str| {
        let loaded = LoadedCopy::Write;
        let ran = operate(&sandbox, Operation::WriteDaemonJson { expected, loaded, text });
        (ran, fs::read_to_string(sandbox.path("docker/daemon.json")).unwrap())
    };
    let dockerd = |help: &str| {
        let refuses =
            "grep -q yes \"$3\" && { echo >&2 \"cannot unmarshal string: debug\"; exit 1; }";
        let script =
            format!("case $1 in --help) echo '{help}' ;; --validate) {refuses} ;; esac; true\n");
        sandbox.fake_program("dockerd", &script);
    };
    dockerd("--debug --validate");
    assert_eq!(write(None, good).1, good);
    let (ran, text) = write(Some(sha256(good.as_bytes())), bad);
    assert!(ran.fails_with(1).contains("cannot unmarshal string: debug"), "{ran}");
    assert_eq!(text, good);
    let left = fs::read_dir(sandbox.path("docker")).unwrap().count();
    assert_eq!(left, 1, "the rejected file was left behind");
    dockerd("--debug");
    assert_eq!(write(Some(sha256(good.as_bytes())), bad).1, bad);
}

fn a_file_that_dockerd_runs_with_is_the_one_that_comes_back() {
    let sandbox = Sandbox::new();
    for directory in ["docker", "record"] {
        sandbox.directory(directory);
    }
    let file = sandbox.path("docker/daemon.json");
    let refuses = format!("case $1 in restart) ! grep -q nosuch '{}' ;; esac", file.display());
    sandbox.fake_program("systemctl", &refuses);
    sandbox.fake_program("journalctl", "echo 'the user nosuch does not exist'");
    let write = |expected: Option<String>, text: &str| {
        let loaded = LoadedCopy::Write;
        operate(&sandbox, Operation::WriteDaemonJson { expected, loaded, text }).success();
    };
    let (first, second) = ("{\"debug\": true}\n", "{\"userns-remap\": \"nosuch\"}\n");
    write(None, first);
    // Its start is not one of cai's own steps: the package, a boot or someone else did it.
    write(Some(sha256(first.as_bytes())), second);
    let ran = operate(&sandbox, Operation::RestartDocker { restore: true });
    let said = ran.fails_with(4);
    assert!(said.contains("the user nosuch does not exist"), "{ran}");
    assert!(said.contains("is restored, and dockerd runs with it"), "{ran}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), first);
}

/// A guest whose dockerd says this when it reloads, and the text of its file after a reload of `text`.
fn reload(said: &str, record: bool, text: &str) -> (Sandbox, Ran, String) {
    let sandbox = Sandbox::new();
    for directory in ["docker", "record"] {
        sandbox.directory(directory);
    }
    let calls = sandbox.path("calls");
    sandbox.fake_program("systemctl", &format!("echo \"$1\" >>'{}'", calls.display()));
    let cursor = "case \"$*\" in *--show-cursor*) echo '-- cursor: s=1' ;;";
    sandbox.fake_program("journalctl", &format!("{cursor} *) echo '{said}' ;; esac"));
    sandbox.fake_program("sleep", ":");
    sandbox.write("docker/daemon.json", "{}\n");
    let expected = Some(sha256(b"{}\n"));
    let write = Operation::WriteDaemonJson { expected, loaded: LoadedCopy::Write, text: NEW };
    operate(&sandbox, write).success();
    sandbox.write("docker/daemon.json", text);
    let ran = operate(&sandbox, Operation::ReloadDocker { record });
    let text = fs::read_to_string(sandbox.path("docker/daemon.json")).unwrap();
    (sandbox, ran, text)
}

const NEW: &str = "{\"debug\": true}\n";

fn a_file_that_dockerd_refuses_to_reload_is_restored() {
    // Messages of dockerd 20.10 (measured).
    for said in [
        "unable to configure the Docker daemon with file /etc/docker/daemon.json: unexpected EOF",
        "file configuration validation failed: bad attribute format: a",
        "Error reconfiguring the daemon: invalid mirror: unsupported scheme",
        "conflict labels for a=c and a=b",
    ] {
        let (sandbox, ran, text) = reload(said, true, NEW);
        assert!(ran.fails_with(4).contains(said), "{ran}");
        assert!(ran.stderr.contains("the previous file is restored"), "{ran}");
        assert_eq!(text, "{}\n", "{said}");
        let calls = fs::read_to_string(sandbox.path("calls")).unwrap();
        assert_eq!(calls.matches("reload\n").count(), 2, "{calls}");
        let loaded = fs::read_to_string(sandbox.path("record/daemon.json.loaded")).unwrap();
        assert_eq!(loaded, "{}\n", "{said}");
    }
    // The file is no longer the one that cai wrote.
    let (_, ran, text) = reload("Error reconfiguring the daemon", true, "{\"mtu\": 1}\n");
    assert!(!ran.fails_with(4).contains("restored"), "{ran}");
    assert_eq!(text, "{\"mtu\": 1}\n");
}

/// Another reload comes before a restart, which alone loads the rest.
fn only_the_reload_that_loads_every_key_is_recorded() {
    for (record, loaded, is_accepted) in [(true, NEW, true), (false, "{}\n", false)] {
        let (sandbox, ran, text) = reload("Reloaded configuration: {}", record, NEW);
        ran.success();
        assert_eq!(text, NEW);
        let copy = fs::read_to_string(sandbox.path("record/daemon.json.loaded")).unwrap();
        assert_eq!(copy, loaded);
        assert_eq!(!sandbox.path("record/daemon.json.previous").exists(), is_accepted);
    }
}

/// As the plan compares it: a version that `apt` was given would else be found to be another one.
fn a_version_is_all_of_a_packages_or_its_first_numbers() {
    const PACKAGES: &str = include_str!("../src/guest/scripts/packages.sh");
    let sandbox = Sandbox::new();
    sandbox.fake_program("dpkg", "");
    sandbox.fake_program(
        "apt-cache",
        "for it in 5:28.5.1-1~ubuntu.24.04~noble 24.0.7-0ubuntu4.1 24.0.7-0ubuntu4 5:20.10.24~3-0~debian 5:20.10.2~3-0~debian 20.10.1+dfsg1; do\n\
         echo \" $2 | $it | https://example.com Packages\"; done",
    );
    sandbox.write(
        "home/choose.sh",
        &format!("set -eu\n{PACKAGES}\nchosen=$(choice docker-ce)\necho \"$chosen\"\n"),
    );
    for (wanted, chosen) in [
        ("", ""),
        ("20.10", "=5:20.10.24~3-0~debian"),
        ("20.10.2", "=5:20.10.2~3-0~debian"),
        ("5:20.10.2~3-0~debian", "=5:20.10.2~3-0~debian"),
        ("20.10.1+dfsg1", "=20.10.1+dfsg1"),
        ("20.10.1", "=20.10.1+dfsg1"),
        ("20.10.2~3", "=5:20.10.2~3-0~debian"),
        ("24.0.7-0ubuntu4", "=24.0.7-0ubuntu4"),
        ("24.0.7", "=24.0.7-0ubuntu4.1"),
        ("28.5.1-1", "=5:28.5.1-1~ubuntu.24.04~noble"),
    ] {
        let ran = sandbox.run(&["sh", "choose.sh", "run", "source", wanted]);
        assert_eq!(ran.success().trim(), chosen, "{wanted}: {ran}");
    }
    let ran = sandbox.run(&["sh", "choose.sh", "run", "source", "20.1"]);
    let why = "cai: version 20.1 of docker-ce is not available. Available versions: 5:28.5.1-1~ubuntu.24.04~noble 24.0.7-0ubuntu4.1";
    assert!(ran.fails_with(1).contains(why), "{ran}");
}

fn a_file_is_put_there_as_a_whole_or_not_at_all() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("a b/$(c)/file");
    let target = path.to_str().unwrap();
    let push = |text: &str, sha256: &str| {
        sandbox.write("home/sent", text);
        let sent = sandbox.path("home/sent");
        let place = Operation::Place {
            sent: sent.to_str().unwrap(),
            to: target,
            sha256,
            mode: "640",
            owner: ("USER", "GROUP"),
        };
        let command = place.command(&Ssh::new("ssh".into(), Path::new("/"), &"a".parse().unwrap()));
        let Some(Input::Text(script)) = command.stdin else { panic!("it reads the script") };
        let line = command.args.last().unwrap().to_str().unwrap().replace("sudo -n ", "");
        let line = line.replace("USER", "\"$(id -u)\"").replace("GROUP", "\"$(id -g)\"");
        sandbox.write("home/script.sh", &script);
        sandbox.run(&["sh", "-c", &format!("{line} <script.sh")])
    };
    let sum = |text: &str| sha256(text.as_bytes());
    push("one\n", &sum("one\n")).success();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    let directory = fs::metadata(path.parent().unwrap()).unwrap();
    assert_eq!(directory.permissions().mode() & 0o7777, 0o755);
    // The connection ended, or the file changed after the plan.
    let ran = push("tw", &sum("two\n"));
    assert!(
        ran.fails_with(3).contains("differs from the planned one (checksum mismatch)"),
        "{ran}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
    push("three", &sum("three")).success();
    assert_eq!(fs::read_to_string(&path).unwrap(), "three");
    // A link is replaced, not its target; a directory stays.
    let other = sandbox.path("home/other");
    fs::write(&other, "other").unwrap();
    fs::remove_file(&path).unwrap();
    symlink(&other, &path).unwrap();
    push("four", &sum("four")).success();
    assert_eq!(fs::read_to_string(&other).unwrap(), "other");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    push("five", &sum("five")).fails_with(1);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left");
}
