//! A throw-away container: the script that starts it, and when it is started.

use containai::config;
use containai::simulate::Fault;
use serde_json::Value;

use crate::cli::fake;
use crate::support::documents;
use crate::support::fake_fault;
use crate::support::fake_world::FakeWorld;
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_container_is_made_of_files_of_the_guest_and_removed,
        a_container_that_does_not_start_is_told_in_the_daemons_words,
        a_container_that_does_not_start_is_a_finding,
        a_container_is_tried_where_it_is_asked_for_and_after_provisioning,
        without_a_daemon_no_container_is_tried,
        an_apply_whose_containers_do_not_start_says_so_in_its_one_document,
        an_interrupt_of_the_last_check_leaves_the_document,
        a_repair_after_which_no_container_starts_is_not_healthy,
    ]
}

const SCRIPT: &str = include_str!("../../src/guest/scripts/try-container.sh");

/// A guest whose docker notes what it is asked, and does this about `run`.
fn guest(run: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.fake_program(
        "docker",
        &format!(
            "echo \"$*\" >>\"$HOME/asked\"\ncase $1 in import) cat >\"$HOME/image.tar\" ;; run) {run} ;; esac\n"
        ),
    );
    sandbox.write("home/try.sh", SCRIPT);
    sandbox
}

fn asked(sandbox: &Sandbox) -> Vec<String> {
    let asked = std::fs::read_to_string(sandbox.path("home/asked")).unwrap();
    asked.lines().map(str::to_owned).collect()
}

fn a_container_is_made_of_files_of_the_guest_and_removed() {
    let sandbox = guest("");
    let ran = sandbox.run(&["sh", "try.sh", "try-container", "runc", "sysbox-runc"]);
    assert_eq!((ran.success(), ran.stderr.as_str()), ("runc\nsysbox-runc\n", ""));
    let asked = asked(&sandbox);
    let [import, runc, sysbox, rm, rmi] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(import.starts_with("import - cai-doctor-"), "{import}");
    for (run, runtime) in [(runc, "runc"), (sysbox, "sysbox-runc")] {
        assert!(run.starts_with("run --rm --network=none --name cai-doctor-"), "{run}");
        assert!(run.contains(&format!("--runtime={runtime} ")), "{run}");
    }
    assert!(rm.starts_with("rm -f cai-doctor-") && rmi.starts_with("rmi -f cai-doctor-"));
    // What it was made of can be run on its own.
    let list = sandbox.run(&["tar", "-tf", "image.tar"]);
    let program = runc.split(' ').find(|word| word.starts_with('/')).unwrap();
    assert!(list.success().lines().any(|line| line == &program[1..]), "{program}: {list}");
}

fn a_container_that_does_not_start_is_told_in_the_daemons_words() {
    let words =
        "docker: AppArmor enabled on system but the docker-default profile could not be loaded";
    let sandbox = guest(&format!("case \"$*\" in *=runc*) echo '{words}' >&2; exit 125 ;; esac"));
    let ran = sandbox.run(&["sh", "try.sh", "try-container", "runc", "sysbox-runc"]);
    assert_eq!(ran.fails_with(1), format!("runc: {words}\n"));
    let asked = asked(&sandbox);
    assert!(
        asked.iter().any(|line| line.contains("=sysbox-runc")),
        "the other is tried: {asked:?}"
    );
    assert!(asked.last().unwrap().starts_with("rmi -f"), "{asked:?}");
}

/// A fake engine where containers do not start.
fn apparmor() -> Sandbox {
    let sandbox = fake::engine();
    sandbox.cai(&["apply", "--yes"]).success();
    let fails = "case \"$*\" in *try-container*) echo 'runc: no AppArmor' >&2; exit 1 ;; esac\n";
    sandbox.fake_program("ssh", &format!("{fails}{}", fake::SSH));
    sandbox
}

fn a_container_that_does_not_start_is_a_finding() {
    let sandbox = apparmor();
    sandbox.cai(&["doctor"]).success();
    let ran = sandbox.cai(&["doctor", "--deep"]);
    ran.fails_with(1);
    for part in ["error container_start_failed", "did not start: runc: no AppArmor"] {
        assert!(ran.stdout.contains(part), "{part:?} is missing: {ran}");
    }
}

fn a_container_is_tried_where_it_is_asked_for_and_after_provisioning() {
    let file = "version = 1\n[vm]\ncpus = 2\n";
    let machine = FakeWorld::new(file);
    let tried = |line: &[&str]| {
        machine.calls();
        let ran = machine.cai(line);
        ran.success();
        let calls = machine.calls();
        (calls.iter().filter(|call| call.contains("try-container")).count(), ran)
    };
    let strike = |fault: &str| {
        let config = config::parse(file).unwrap();
        machine.change(|world| Fault::find(fault).unwrap().strike(world, &config));
    };
    let (count, ran) = tried(&["apply", "--yes"]);
    assert_eq!(count, 1, "a new engine: {ran}");
    assert!(ran.stderr.contains("A container starts with: runc, sysbox-runc."), "{ran}");
    assert_eq!(tried(&["apply", "--yes"]).0, 0, "nothing has changed");
    strike("forward");
    assert_eq!(tried(&["apply", "--yes"]).0, 0, "provisioning has not changed");
    strike("daemon-json");
    assert_eq!(tried(&["apply", "--yes"]).0, 1);
    assert_eq!(tried(&["doctor"]).0, 0);
    let (count, ran) = tried(&["doctor", "--deep"]);
    assert_eq!(count, 1);
    assert!(ran.stdout.starts_with("Healthy."), "{ran}");
}

fn without_a_daemon_no_container_is_tried() {
    let machine = FakeWorld::new("version = 1\n");
    let ran = machine.cai(&["doctor", "--deep"]);
    ran.fails_with(1);
    assert!(ran.stderr.contains("No container was started"), "{ran}");
    assert!(!machine.calls().iter().any(|call| call.contains("try-container")));
}

fn an_apply_whose_containers_do_not_start_says_so_in_its_one_document() {
    let apply = |variables: &[(&str, &str)]| {
        let machine = FakeWorld::new("version = 1\n[vm]\ncpus = 2\n");
        let ran = machine.cai_with(&["apply", "--yes", "--json"], variables);
        let document = documents::report(&ran);
        assert_eq!(document["summary"]["failed"], 0, "{ran}");
        (document["findings"].clone(), ran)
    };
    let (findings, ran) = apply(&[]);
    ran.success();
    assert_eq!(findings, serde_json::json!([]));
    let (findings, ran) = apply(&[(fake_fault::VARIABLE, "Fails 1 try-container")]);
    let said = ran.fails_with(1);
    assert!(said.contains("error container_start_failed"), "{ran}");
    assert_eq!(findings.as_array().map(Vec::len), Some(1), "{ran}");
    assert_eq!(findings[0]["code"], "container_start_failed");
    assert_eq!(findings[0]["severity"], "error");
    assert!(findings[0]["cause"].as_str().unwrap().contains("the fault of a test"), "{ran}");
}

/// `cai` at its last check, whose container never starts: it has been interrupted so often.
fn interrupted_at_the_check(words: &[&str], interrupts: usize) -> (FakeWorld, Ran) {
    let machine = FakeWorld::new("version = 1\n[vm]\ncpus = 2\n");
    let fault = (fake_fault::VARIABLE, "Hangs 1 try-container");
    let variables = [&machine.variables()[..], &[fault]].concat();
    let sandbox = &machine.sandbox;
    let mut session = sandbox.start_on_terminal(words, &variables);
    session.see("Apply complete");
    let calls = sandbox.path("world/calls");
    while !std::fs::read_to_string(&calls).unwrap().contains("try-container") {
        std::thread::yield_now();
    }
    for number in 0..interrupts {
        session.interrupt();
        if number == 0 {
            session.see("press Ctrl-C again to stop now.");
        }
    }
    let ran = session.end();
    (machine, ran)
}

fn an_interrupt_of_the_last_check_leaves_the_document() {
    let (_machine, ran) = interrupted_at_the_check(&["apply", "--yes", "--json"], 2);
    let said = ran.fails_with(130);
    assert!(said.contains("Interrupted before cai checked that containers start"), "{ran}");
    let document = documents::report(&ran);
    assert!(document["summary"]["add"].as_u64() > Some(0), "{ran}");
    assert_eq!(document["findings"], serde_json::json!([]), "nobody saw that none starts: {ran}");
}

fn a_repair_after_which_no_container_starts_is_not_healthy() {
    let machine = FakeWorld::converged("version = 1\n[vm]\ncpus = 2\n");
    let config = config::parse("version = 1\n[vm]\ncpus = 2\n").unwrap();
    machine.change(|world| Fault::find("daemon-json").unwrap().strike(world, &config));
    let fault = (fake_fault::VARIABLE, "Fails 1 try-container");
    let ran = machine.cai_with(&["doctor", "--fix", "--yes", "--json"], &[fault]);
    ran.fails_with(1);
    let document: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|why| panic!("{why}: {ran}"));
    assert_eq!(document["healthy"], false, "{ran}");
    assert_eq!(document["findings"][0]["code"], "container_start_failed", "{ran}");
}
