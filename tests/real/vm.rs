//! Scenarios about the machine itself: its boot, hardware and shutdown. They need a virtual machine.

use std::process::{Output, Stdio};

use containai::doctor::Code;

use super::doctor::{finding, is_healthy};
use super::engine::{Engine, NAME, shared};
use super::faults::saw;
use super::kill::killed;
use super::process::{self, Frozen};
use super::sleep::{is_unreachable, sleeps};
use super::with_real_limactl;
use crate::support::tally::{ASLEEP, REAL_KILLED};
use crate::support::trials;
use crate::support::watch::Watch;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        the_first_hour_of_a_user,
        a_change_of_memory_and_disk_is_one_restart,
        a_vm_that_sleeps_is_a_finding_and_wakes_up_well,
    ]
}

/// The commands of the README's first hour, in their order: the shared engine was created with `init` and
/// `apply`, and the end of the suite destroys it. `cli::first_hour` has the transcript of a simulated one.
fn the_first_hour_of_a_user() {
    let engine = shared();
    let (plan, apply) = engine.first.as_ref().unwrap();
    assert!(plan.success().contains("the VM does not exist"), "{plan}");
    assert!(plan.success().contains("session refresh"), "{plan}");
    assert!(plan.success().contains("\u{1b}["), "no colors: {plan}");
    assert!(plan.success().contains("context.containai-secure"), "{plan}");
    apply.success();
    engine.works();
    let container = engine.container("keeper");
    engine.guest("sudo gpasswd --delete \"$(id -un)\" docker >/dev/null");
    engine.cai(&["doctor"]).fails_with(1);
    engine.cai(&["doctor", "--fix", "--yes"]).success();
    assert_eq!(engine.running(), container, "the container did not live on");
    engine.cai(&["status"]).success();
    let list = engine.cai(&["list"]);
    assert!(list.success().contains(NAME), "{list}");
    let shell = engine.cai(&["shell", "--", "id", "-nG"]);
    assert!(shell.success().split_whitespace().any(|group| group == "docker"), "{shell}");
    let env = engine.cai(&["env", "--shell", "bash"]);
    let script = format!("{}docker ps --quiet --no-trunc", env.success());
    let docker = engine.command(&["sh", "-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&docker.stdout).trim(), container);
    let watch = Watch::start(engine.command(&["cai", "watch"]));
    assert_eq!(watch.end(), [""; 0], "a healthy engine is not worth a line");
    // It would stop the container, and nobody can be asked.
    engine.cai(&["stop"]).fails_with(4);
    engine.cai(&["restart", "--yes"]).success();
    assert_eq!(engine.running(), container, "the container was not started again");
    engine.works();
}

fn a_change_of_memory_and_disk_is_one_restart() {
    let engine = shared();
    engine.container_with("keeper", "--pid=");
    let number = |script: &str| -> u64 { engine.guest(script).parse().unwrap() };
    let memory = "grep -o '[0-9]*' /proc/meminfo | head -1";
    let filesystem = "df --output=size -k / | tail -1 | tr -d ' '";
    let before = (number(memory), number(filesystem), engine.boots());
    let image = engine.docker(&["images", "--quiet"]).success().to_owned();
    let container = engine.running();
    engine.resize("3GiB", "10GiB", "4GiB");
    engine.plan_says(&[
        "~ vm.containai-secure  VM restart",
        // The names are padded to the width of the longest one.
        "memory          = \"2GiB\" -> \"3GiB\"",
        "disk            = \"8GiB\" -> \"10GiB\"",
        "+ data_disk.containai-secure  dockerd restart",
        "Docker stops while its data is copied to the Lima disk",
        "restarts 1 container: keeper",
        "Restarts the VM.",
    ]);
    engine.apply_mends();
    // Docker's data is on the other disk, and complete.
    let source = "findmnt --noheadings --output=SOURCE,FSROOT --raw /var/lib/docker";
    assert_eq!(engine.guest(source), "/dev/vdc[/docker] /docker");
    assert_eq!(engine.guest("sudo ls /var/lib | grep -c cai-moved || true"), "0");
    assert_eq!(engine.docker(&["images", "--quiet"]).success(), image);
    assert_eq!(engine.running(), container, "the container was not started again");
    let after = (number(memory), number(filesystem), engine.boots());
    assert!(after.0 > before.0 + (900 << 10), "{before:?} before, {after:?} after");
    assert!(after.1 > before.1 + (1800 << 10), "{before:?} before, {after:?} after");
    assert_eq!(after.2, before.2 + 1, "it was restarted more than once");
    // The container's process ignores SIGTERM, like any PID 1 without a handler for it.
    let ended = "sudo journalctl --boot=-1 --output=cat --quiet | grep -c 'Stopped docker-.*scope'";
    assert_eq!(engine.guest(ended), "1", "the container ran until the machine was shut down");
}

fn a_vm_that_sleeps_is_a_finding_and_wakes_up_well() {
    // The commands run at the same time, because each waits until its timeout.
    let look = |engine: &Engine| {
        let begin = |word: &str| {
            let mut command = engine.command(&["cai", word]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let looks = ["status", "plan"].map(begin);
        is_unreachable(engine, &[]);
        for (look, code) in looks.into_iter().zip([1, 0]) {
            let Output { status, stdout, stderr } = look.wait_with_output().unwrap();
            let said = [stdout, stderr].concat();
            let said = String::from_utf8_lossy(&said);
            println!("{said}-- {status}\n");
            assert_eq!(status.code(), Some(code), "{said}");
            let runs = said.contains("VM Running") || said.contains("the VM is running");
            assert!(runs && !said.contains("No changes"), "{said}");
        }
    };
    ASLEEP.case(|| sleeps(process::machine, look));
}

/// A wrapper around ssh: cai cannot reach the guest before Lima reports that the VM has started.
const DEAF: &str = r#"
PATH=${PATH#*:}
case "$*" in
*ControlMaster=no*)
  grep -q '"running":true' "$LIMA_HOME/containai-secure/ha.stdout.log" || exit 255 ;;
esac
exec ssh "$@"
"#;

/// Checks what `doctor` and `plan` report while the VM starts, and that `apply` waits for the start. With the
/// stand-in for `limactl`, the VM boots without a network, and its engine works all the same.
pub fn starting() {
    let engine = shared();
    engine.limactl(&["stop", NAME]).success();
    killed(&engine, "during 1", &[("CAI_TEST_LIMACTL_NO_NETWORK", "1")]);
    engine.awaits_status("Running");
    // Keeps the VM from finishing its start before `doctor` has looked.
    let machine = Frozen::new(process::machine(&engine));
    let finding = finding(&engine, &["--timeout=5s"], Code::VmStarting);
    assert!(saw(&finding, "ssh_master", "false"), "{finding:#}");
    assert_eq!(finding["fixable"], false, "{finding:#}");
    drop(machine);
    let path = engine.front("ssh", DEAF);
    let plan = engine.cai_with(&["plan"], &[("PATH", &path)]);
    assert!(plan.success().contains("\"Starting\" -> \"Running\""), "{plan}");
    REAL_KILLED.case(|| {
        let apply = engine.cai_with(&["apply", "--yes"], &[("PATH", &path)]);
        apply.success();
        assert!(apply.stderr.contains("wait until the VM has started ... done"), "{apply}");
        is_healthy(&engine, &[]);
        engine.works();
        if !with_real_limactl() {
            // The name server that DHCP names does not answer.
            engine.guest("! timeout 5 bash -c '</dev/tcp/192.168.5.3/53' 2>/dev/null");
        }
        engine.container("keeper");
        assert_ne!(engine.running(), "", "the engine starts no container");
    });
}

/// Checks what `doctor` reports about a VM that does not answer, and that its remedy works.
pub fn unreachable() {
    let engine = shared();
    let boots = engine.boots();
    let machine = Frozen::new(process::machine(&engine));
    let finding = finding(&engine, &["--timeout=5s"], Code::VmUnreachable);
    assert!(saw(&finding, "ssh", "did not finish"), "{finding:#}");
    assert!(saw(&finding, "host_agent", "reported that the VM has started"), "{finding:#}");
    assert_eq!(finding["fixable"], false, "{finding:#}");
    // The remedy is run exactly as printed.
    let remedy = finding["remedy"].as_str().unwrap();
    let mended = engine.command(&["sh", "-c", remedy]).status().unwrap();
    assert!(mended.success(), "{remedy}: {mended}");
    drop(machine);
    is_healthy(&engine, &[]);
    engine.works();
    assert_eq!(engine.boots() - boots, 1, "restarts of the VM");
}
