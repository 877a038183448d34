//! The everyday commands: power, shell, logs, list, env, and parts of a plan.

use containai::model::digest::sha256;
use containai::simulate::{self, Call, File, World};
use serde_json::Value;

use crate::support::fake_world::FakeWorld;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_vm_stops_and_starts_and_nothing_else_changes,
        a_stop_names_the_containers_and_needs_consent,
        a_restart_starts_the_containers_again,
        a_vm_that_does_not_exist_is_the_same_error_everywhere,
        a_shell_runs_a_command_in_the_guest_and_has_its_exit_code,
        a_shell_needs_a_running_vm,
        logs_are_read_with_the_tools_of_the_guest,
        a_list_has_the_file_of_each_vm_and_marks_orphans,
        docker_host_is_set_and_unset_in_each_shell,
        a_target_limits_the_plan_to_what_it_needs,
        an_unknown_target_is_refused_with_the_addresses,
        a_saved_plan_keeps_its_targets_and_can_be_shown,
        a_plan_of_a_destroy_changes_nothing,
        a_misspelled_command_never_suggests_to_destroy,
        what_other_tools_call_an_option_is_explained,
        the_file_can_come_from_the_environment,
        the_vm_of_another_project_is_not_stopped_by_a_yes,
        a_restart_that_hides_data_is_refused,
        a_plan_of_a_part_says_so,
        a_value_with_a_secret_name_is_hidden_completely,
        what_cannot_be_listed_is_not_called_absent,
        quietly_a_success_says_nothing,
        quietly_a_result_is_still_printed,
    ]
}

const FILE: &str = "version = 1\n";
const VM: &str = "containai-secure";

fn keep(world: &mut World) {
    let args = ["--context", VM, "run", "-d", "--name", "keep", "registry"].map(str::to_owned);
    let reply = simulate::run(world, "docker", &Call { args: &args, ..Call::default() }).unwrap();
    assert_eq!(reply.code, 0, "{reply:?}");
}

fn a_vm_stops_and_starts_and_nothing_else_changes() {
    let world = FakeWorld::converged(FILE);
    world.calls();
    let stopped = world.cai(&["stop"]);
    stopped.success();
    assert!(stopped.stderr.contains("containai-secure is stopped"), "{stopped}");
    assert!(stopped.stderr.contains("the next `cai apply` starts it"), "{stopped}");
    let changed: Vec<String> = world.calls().into_iter().filter(|it| changes(it)).collect();
    assert_eq!(changed, ["limactl --tty=false stop containai-secure"]);
    let again = world.cai(&["stop"]);
    again.success();
    assert!(again.stderr.contains("is already stopped"), "{again}");
    assert!(world.cai(&["status"]).fails_with(1).is_empty());
    world.cai(&["start"]).success();
    assert!(world.cai(&["plan"]).success().contains("No changes."));
}

fn changes(call: &str) -> bool {
    crate::support::fake_world::changes_something(call)
}

fn quietly_a_success_says_nothing() {
    let world = FakeWorld::new(FILE);
    for words in [
        "validate",
        "apply --yes",
        "apply --yes",
        "stop --yes",
        "stop --yes",
        "start",
        "restart --yes",
        "setup --yes",
        "destroy --allow-destroy containai-secure",
        "destroy",
        "init --force",
        "simulate break group",
        "simulate reset",
    ] {
        let words: Vec<&str> = ["--quiet"].into_iter().chain(words.split(' ')).collect();
        let ran = world.cai(&words);
        assert_eq!((ran.success(), ran.stderr.as_str()), ("", ""), "{ran}");
    }
}

fn quietly_a_result_is_still_printed() {
    let world = FakeWorld::converged(FILE);
    let results =
        ["plan", "status", "list", "show", "doctor", "explain", "graph", "render", "schema", "env"];
    for command in results.into_iter().chain(["apply --json --yes", "validate --json"]) {
        let words: Vec<&str> = ["--quiet"].into_iter().chain(command.split(' ')).collect();
        let ran = world.cai(&words);
        assert!(!ran.success().is_empty() && ran.stderr.is_empty(), "{ran}");
    }
}

fn a_stop_names_the_containers_and_needs_consent() {
    let world = FakeWorld::converged(FILE);
    world.change(keep);
    world.calls();
    let refused = world.cai(&["stop"]);
    assert!(refused.fails_with(4).contains("Stops 1 container: keep"), "{refused}");
    assert!(refused.stderr.contains("cai stop --yes"), "{refused}");
    assert!(!world.calls().iter().any(|it| changes(it)), "nothing was changed");
    let mut session = world.sandbox.start_on_terminal(&["stop"], &world.variables());
    session.see("is accepted:");
    session.answer("no");
    let typed = session.end();
    assert!(typed.fails_with(4).contains("Stops 1 container: keep. Stop the VM?"), "{typed}");
    world.cai(&["stop", "--yes"]).success();
}

fn a_restart_starts_the_containers_again() {
    let world = FakeWorld::converged(FILE);
    world.change(keep);
    let ran = world.cai(&["restart", "--yes"]);
    ran.success();
    assert!(ran.stderr.contains("containai-secure is running again"), "{ran}");
    let guest = world.world().instances[VM].guest.clone().unwrap();
    assert!(guest.containers.iter().any(|it| it.name == "keep"), "{:?}", guest.containers);
    assert!(world.cai(&["plan"]).success().contains("No changes."));
}

fn a_vm_that_does_not_exist_is_the_same_error_everywhere() {
    let world = FakeWorld::new(FILE);
    for words in [
        "start",
        "stop",
        "restart",
        "shell",
        "logs docker",
        "logs provision",
        "logs vm",
        "logs vm -f",
    ] {
        let ran = world.cai(&words.split(' ').collect::<Vec<_>>());
        let error =
            "error: vm.containai-secure: the VM does not exist\nhelp: create it with `cai apply`\n";
        assert_eq!(ran.fails_with(1), error, "{ran}");
    }
}

fn a_shell_runs_a_command_in_the_guest_and_has_its_exit_code() {
    let world = FakeWorld::converged(FILE);
    let ran = world.cai(&["shell", "--", "id", "-un"]);
    assert_eq!(ran.success(), "dev\n");
    let ran = world.cai(&["shell", "--", "cat", "/nothing"]);
    assert_ne!(ran.status.code(), Some(0), "{ran}");
    // The sandbox's home is mounted at the same path.
    let home = world.sandbox.home().display().to_string();
    let calls = world.calls();
    let directory = format!("--workdir {home} containai-secure id -un");
    assert!(calls.iter().any(|call| call.contains(&directory)), "{calls:?}");
}

fn a_shell_needs_a_running_vm() {
    let world = FakeWorld::converged(FILE);
    world.cai(&["stop"]).success();
    // Its host agent has not written a log here.
    for words in ["shell", "logs docker", "logs vm", "logs vm -f"] {
        let ran = world.cai(&words.split(' ').collect::<Vec<_>>());
        let error =
            "error: vm.containai-secure: the VM is stopped\nhelp: start it with `cai start`\n";
        assert_eq!(ran.fails_with(1), error, "{ran}");
    }
    world.sandbox.write("lima/containai-secure/ha.stderr.log", "the last words\n");
    assert_eq!(world.cai(&["logs", "vm"]).success(), "the last words\n");
}

fn logs_are_read_with_the_tools_of_the_guest() {
    let world = FakeWorld::converged(FILE);
    world.calls();
    world.cai(&["logs"]);
    world.cai(&["logs", "docker", "-f"]);
    world.cai(&["logs", "provision"]);
    let calls = world.calls();
    for words in [
        "sudo journalctl --no-pager -u docker.service -n 200",
        "sudo journalctl --no-pager -u docker.service -n 200 -f",
        "sudo tail -n 200 /var/log/cloud-init-output.log",
    ] {
        let end = format!("shell --workdir / containai-secure {words}");
        assert!(calls.iter().any(|call| call.ends_with(&end)), "{words}: {calls:?}");
    }
}

fn a_list_has_the_file_of_each_vm_and_marks_orphans() {
    let world = FakeWorld::new("version = 1\n[vm]\nname = \"containai-first\"\n");
    assert!(world.cai(&["list"]).success().contains("cai manages no VM on this machine."));
    world.cai(&["apply", "--yes"]).success();
    let second = "version = 1\n[vm]\nname = \"containai-second\"\n";
    world.sandbox.write("home/second.toml", second);
    world.cai(&["apply", "--yes", "-f", "second.toml"]).success();
    world.sandbox.write("home/containai.toml", second);
    let home = world.sandbox.home().display().to_string();
    let listed = world.cai(&["list"]);
    let lines: Vec<&str> = listed.success().lines().collect();
    assert_eq!(lines.len(), 3, "{listed}");
    let orphan = "(orphan: the file declares containai-second)";
    assert_eq!(lines[1], format!("containai-first   Running  {home}/containai.toml {orphan}"));
    assert_eq!(lines[2], format!("containai-second  Running  {home}/second.toml"));
    std::fs::remove_file(world.sandbox.home().join("second.toml")).unwrap();
    let json: Value = serde_json::from_str(world.cai(&["list", "--json"]).success()).unwrap();
    let orphan = &json["machines"][1]["orphan"];
    assert!(orphan.as_str().unwrap().contains("does not exist"), "{json}");
}

fn docker_host_is_set_and_unset_in_each_shell() {
    let world = FakeWorld::converged(FILE);
    let socket = world.sandbox.path("lima/containai-secure/sock/docker.sock");
    let posix = format!("export DOCKER_HOST=unix://{}\n", socket.display());
    let env = |words: &[&str]| world.cai(&[&["env"], words].concat()).success().to_owned();
    assert!(env(&["--shell", "bash"]).starts_with(&posix), "{}", env(&[]));
    assert!(env(&["--shell", "zsh"]).starts_with(&posix));
    let fish = format!("set -gx DOCKER_HOST unix://{}\n", socket.display());
    assert!(env(&["--shell", "fish"]).starts_with(&fish));
    let by_variable = world.cai_with(&["env"], &[("SHELL", "/usr/bin/fish")]);
    assert!(by_variable.success().starts_with(&fish), "{by_variable}");
    assert_eq!(env(&["--unset", "--shell", "zsh"]), "unset DOCKER_HOST\n");
    assert_eq!(env(&["--unset", "--shell", "fish"]), "set -e DOCKER_HOST\n");
    let json: Value = serde_json::from_str(&env(&["--unset", "--json"])).unwrap();
    assert!(json["DOCKER_HOST"].is_null() && json.get("DOCKER_HOST").is_some(), "{json}");
    // The shell evaluates it.
    let script = "eval \"$(cai env)\"; echo \"$DOCKER_HOST\"";
    let mut shell = world.sandbox.command(&["sh", "-c", script]);
    let output = shell.envs(world.variables()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed, format!("unix://{}\n", socket.display()));
    let world = FakeWorld::new(FILE);
    let ran = world.cai(&["env"]);
    ran.success();
    assert!(ran.stderr.contains("does not exist"), "{ran}");
}

/// A file with two changes that do not depend on each other.
const TWO: &str = "version = 1\n[[groups]]\nname = \"builders\"\n[[users]]\nname = \"@lima\"\n\
                   groups = [\"docker\"]\n[[users]]\nname = \"agent\"\ngroups = [\"builders\"]\n\
                   [[groups]]\nname = \"testers\"\n";

fn a_target_limits_the_plan_to_what_it_needs() {
    let world = FakeWorld::converged(FILE);
    world.sandbox.write("home/containai.toml", TWO);
    let ran = world.cai(&["plan", "--target", "group_membership.agent.builders"]);
    let plan = ran.success();
    for address in ["group.builders", "user.agent", "group_membership.agent.builders"] {
        assert!(plan.contains(&format!(" + {address}\n")), "{address}: {ran}");
    }
    assert!(!plan.contains("testers"), "{ran}");
    world.cai(&["apply", "--yes", "--target", "group_membership.agent.builders"]).success();
    let rest = world.cai(&["plan"]);
    assert!(rest.success().contains(" + group.testers\n"), "{rest}");
    assert!(rest.stdout.contains("Plan: 1 to add, 0 to change, 0 to destroy."), "{rest}");
}

fn an_unknown_target_is_refused_with_the_addresses() {
    let world = FakeWorld::converged(FILE);
    let ran = world.cai(&["plan", "--target", "user.nobody"]);
    let why = "--target user.nobody: no resource has this address";
    assert!(ran.fails_with(64).contains(why), "{ran}");
    assert!(ran.stderr.contains("provision.docker"), "{ran}");
}

fn a_saved_plan_keeps_its_targets_and_can_be_shown() {
    let world = FakeWorld::converged(FILE);
    world.sandbox.write("home/containai.toml", TWO);
    let planned = world.cai(&["plan", "--target", "group.testers", "--out", "next.plan"]);
    planned.success();
    let shown = world.cai(&["show", "next.plan"]);
    assert_eq!(shown.success(), planned.stdout, "as it was when it was saved");
    let json: Value =
        serde_json::from_str(world.cai(&["show", "next.plan", "--json"]).success()).unwrap();
    assert_eq!(json["summary"]["add"], 1, "{json}");
    world.cai(&["apply", "next.plan"]).success();
    let rest = world.cai(&["plan"]);
    assert!(!rest.success().contains("group.testers"), "{rest}");
    assert!(rest.stdout.contains(" + group.builders\n"), "{rest}");
    for command in ["show", "apply"] {
        let ran = world.cai(&[command, "containai.toml"]);
        let why = "error: containai.toml cannot be used\n";
        assert!(ran.fails_with(3).starts_with(why), "{ran}");
        let ran = world.cai(&[command, "containai.toml", "--json"]);
        assert!(ran.stdout.contains("\"containai.toml\""), "{ran}");
        world.cai(&[command, "nosuch.plan"]).fails_with(3);
        // Nobody is told to change the mode of a directory.
        let ran = world.cai(&[command, "/tmp"]);
        assert!(ran.fails_with(3).contains("/tmp could not be read"), "{ran}");
    }
}

fn a_plan_of_a_destroy_changes_nothing() {
    let world = FakeWorld::converged(FILE);
    world.change(keep);
    world.calls();
    let ran = world.cai(&["plan", "--destroy", "--detailed-exitcode"]);
    ran.fails_with(2);
    assert!(ran.stdout.contains("- vm.containai-secure"), "{ran}");
    let lost = "everything in the VM is lost: 1 container, 1 image, 0 volumes, and all files";
    assert!(ran.stdout.replace("\n      # ", " ").contains(lost), "{ran}");
    assert!(ran.stdout.contains("2 to destroy. Stops 1 container: keep"), "{ran}");
    assert!(!world.calls().iter().any(|it| changes(it)));
}

fn a_misspelled_command_never_suggests_to_destroy() {
    let world = FakeWorld::new(FILE);
    for word in ["destory", "destroyy", "dstroy"] {
        let ran = world.cai(&[word]);
        ran.fails_with(64);
        assert!(!ran.stderr.contains("'destroy'"), "{ran}");
    }
    let ran = world.cai(&["aply"]);
    assert!(ran.fails_with(64).contains("'apply'"), "{ran}");
}

fn what_other_tools_call_an_option_is_explained() {
    let world = FakeWorld::new(FILE);
    for (words, tip) in [
        ("shell docker ps -a", "tip: write `cai shell -- docker ps -a`"),
        ("shell docker ps", "tip: write `cai shell -- docker ps`"),
        ("apply --auto-approve", "tip: use --yes"),
        ("apply -auto-approve", "tip: use --yes"),
        ("plan -out F", "tip: use --out"),
        ("plan -out=F", "tip: use --out"),
        ("plan -destroy", "tip: use --destroy"),
        ("plan --no-color", "tip: use --color never"),
    ] {
        let ran = world.cai(&words.split(' ').collect::<Vec<_>>());
        assert!(ran.fails_with(64).contains(tip), "{tip}: {ran}");
        assert_eq!(ran.stderr.matches("tip:").count(), 1, "{ran}");
    }
    // clap's own tips stay.
    let ran = world.cai(&["plan", "--destory"]);
    assert!(ran.fails_with(64).contains("a similar argument exists: '--destroy'"), "{ran}");
}

fn the_file_can_come_from_the_environment() {
    let world = FakeWorld::converged(FILE);
    world.sandbox.write("home/other.toml", "version = 1\n[vm]\nname = \"other\"\n");
    let ran = world.cai_with(&["plan"], &[("CAI_FILE", "other.toml")]);
    assert!(ran.success().contains("+ vm.other"), "{ran}");
    // The command line has the last word.
    let ran = world.cai_with(&["plan", "-f", "containai.toml"], &[("CAI_FILE", "other.toml")]);
    assert!(ran.success().contains("No changes."), "{ran}");
    // A saved plan names its files itself.
    world.cai(&["plan", "--out", "next.plan"]).success();
    world.cai_with(&["show", "next.plan"], &[("CAI_FILE", "other.toml")]).success();
    world.cai(&["show", "next.plan", "-f", "other.toml"]).fails_with(64);
    // An empty variable, as GitHub Actions sets it for an undefined one, counts as unset.
    let ran = world.cai_with(&["plan"], &[("CAI_FILE", ""), ("CAI_SIMULATE", "")]);
    assert!(ran.success().starts_with("No changes."), "{ran}");
    world.cai_with(&["-f", "", "plan"], &[("CAI_FILE", "")]).fails_with(64);
    let ran = world.cai_with(&["plan"], &[("CAI_SIMULATE", "there")]);
    assert!(ran.success().contains("[simulated] containai-secure"), "{ran}");
    assert!(world.sandbox.home().join("there").is_dir() || ran.success().contains("not exist"));
}

fn the_vm_of_another_project_is_not_stopped_by_a_yes() {
    let world = FakeWorld::converged(FILE);
    world.sandbox.directory("home/second");
    world.sandbox.write("home/second/containai.toml", FILE);
    world.calls();
    let first = world.sandbox.home().join("containai.toml").display().to_string();
    let both = format!("{VM} was last applied from {first}, not from second/containai.toml");
    for command in ["stop", "restart"] {
        for arguments in [&[command][..], &[command, "--yes"]] {
            let ran = world.cai(&[&["-C", "second"], arguments].concat());
            assert!(ran.fails_with(4).contains(&both), "{ran}");
            let hint = format!("run `cai -C second -f {first} {command} --yes`");
            assert!(ran.stderr.contains(&hint), "{hint}: {ran}");
        }
    }
    for (command, answer) in [("stop", "no"), ("destroy", "no")] {
        let words = ["-C", "second", command];
        let mut session = world.sandbox.start_on_terminal(&words, &world.variables());
        session.see(if command == "stop" { "is accepted:" } else { "to destroy it:" });
        session.answer(answer);
        let ran = session.end();
        let asked = ran.stderr.lines().find(|line| line.contains(&both));
        assert!(asked.is_some_and(|line| line.contains("Stops no containers.")), "{ran}");
        assert!(!world.calls().iter().any(|it| changes(it)), "{ran}");
    }
    world.cai(&["-C", "second", "-f", &first, "stop", "--yes"]).success();
    // Once this file is applied, it is the file of the VM.
    world.cai(&["-C", "second", "apply", "--yes"]).success();
    world.cai(&["-C", "second", "stop", "--yes"]).success();
}

fn a_restart_that_hides_data_is_refused() {
    let world = FakeWorld::converged(FILE);
    world.change(keep);
    world.change(|world| {
        world.clock += 60;
        let modified = world.clock;
        let guest = world.instances.get_mut(VM).unwrap().guest.as_mut().unwrap();
        let text = "{\"live-restore\": true, \"data-root\": \"/srv/docker\"}\n".to_owned();
        let sha256 = sha256(text.as_bytes());
        let file = File { text, sha256, modified, ..File::default() };
        guest.files.insert("/etc/docker/daemon.json".into(), file);
    });
    world.calls();
    let ran = world.cai(&["restart", "--yes"]);
    let why = "will no longer be visible because these keys change: data-root";
    assert!(ran.fails_with(4).contains(why), "{ran}");
    assert!(!world.calls().iter().any(|it| changes(it)), "{ran}");
}

fn a_plan_of_a_part_says_so() {
    let world = FakeWorld::converged(FILE);
    world.sandbox.write("home/containai.toml", TWO);
    let ran = world.cai(&["plan", "--target", "vm.containai-secure"]);
    let text = ran.success().replace("\n  ", " ");
    assert!(text.contains("No changes. vm.containai-secure matches containai.toml."), "{ran}");
    assert!(text.contains("Limited: only vm.containai-secure"), "{ran}");
    let two = ["plan", "--destroy", "-f", "containai.toml", "-f", "other.toml"];
    assert!(world.cai(&two).fails_with(64).contains("--file only once"));
}

fn a_value_with_a_secret_name_is_hidden_completely() {
    let file = |value: &str| format!("version = 1\n[vm.env]\nDB_PASSWORD = \"{value}\"\n");
    let world = FakeWorld::new(&file("correct horse"));
    let ran = world.cai(&["plan"]);
    assert!(ran.success().contains("DB_PASSWORD: \"(sensitive value)\""), "{ran}");
    assert!(!ran.stdout.contains("horse"), "{ran}");
    world.cai(&["apply", "--yes"]).success();
    world.sandbox.write("home/containai.toml", &file("battery staple"));
    let ran = world.cai(&["plan"]);
    assert!(ran.success().contains("+ DB_PASSWORD: (sensitive value, changed)"), "{ran}");
    assert!(!ran.stdout.contains("horse") && !ran.stdout.contains("staple"), "{ran}");
}

fn what_cannot_be_listed_is_not_called_absent() {
    let world = FakeWorld::converged(FILE);
    std::fs::remove_file(world.sandbox.path("bin/limactl")).unwrap();
    let ran = world.cai(&["list"]);
    assert!(ran.fails_with(4).contains("limactl is not installed"), "{ran}");
}
