//! `cai --simulate` and `cai simulate`, as a newcomer has them: no Lima, no Docker, no VM.

use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        values_that_cannot_be_meant_are_refused_or_explained,
        a_newcomer_gets_an_engine_breaks_it_and_mends_it,
        a_crashed_daemon_and_a_restart_of_the_vm_are_told_as_they_are,
        headers_and_summaries_say_that_they_are_simulated,
        nothing_real_is_touched,
        a_world_is_kept_where_it_is_asked_for,
        a_broken_world_is_told_and_can_be_reset,
        every_fault_is_listed_in_words,
        a_fault_that_breaks_nothing_is_refused,
        an_engine_that_nobody_can_use_here_is_not_offered,
        a_mac_is_simulated_anywhere,
        a_document_for_programs_says_that_it_is_simulated,
        what_to_type_next_is_for_the_same_host_and_file,
        every_log_can_be_shown_and_says_that_it_is_simulated,
        a_service_is_not_installed_for_a_simulated_host,
        a_simulated_host_is_watched_once,
    ]
}

/// A home with the smallest file.
fn home() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", "version = 1\n");
    sandbox
}

fn a_fault_that_breaks_nothing_is_refused() {
    let sandbox = home();
    let ran = sandbox.cai(&["simulate", "break", "mount"]);
    assert!(ran.fails_with(64).contains("add [[vm.mounts]]"), "{ran}");
    sandbox.cai(&["simulate", "break", "vm-stopped"]).success();
    for fault in ["vm-stopped", "forward"] {
        let ran = sandbox.cai(&["simulate", "break", fault]);
        let why = format!("`{fault}` has nothing to break");
        assert!(ran.fails_with(64).contains(&why), "{ran}");
        assert!(ran.stderr.contains("cai --simulate simulate show"), "{ran}");
    }
}

fn an_engine_that_nobody_can_use_here_is_not_offered() {
    let sandbox = home();
    let offered = sandbox.cai(&["--simulate", "apply", "--yes"]);
    offered.success();
    assert!(offered.stderr.contains("To use it, run: docker --context"), "{offered}");
    for fault in ["docker-missing", "session"] {
        sandbox.cai(&["simulate", "break", fault]).success();
    }
    let ran = sandbox.cai(&["--simulate", "apply", "--yes"]);
    ran.success();
    assert!(ran.stderr.contains("Apply complete: 0 added, 0 changed, 0 destroyed"), "{ran}");
    assert!(!ran.stderr.contains("To use it"), "{ran}");
}

fn a_newcomer_gets_an_engine_breaks_it_and_mends_it() {
    let sandbox = home();
    let plan = sandbox.cai(&["--simulate", "plan"]);
    assert!(plan.success().contains("+ vm.containai-secure"), "{plan}");
    sandbox.cai(&["--simulate", "apply", "--yes"]).success();
    let again = sandbox.cai(&["--simulate", "plan"]);
    assert!(again.success().contains("No changes."), "{again}");
    sandbox.cai(&["simulate", "break", "session"]).success();
    let plan = sandbox.cai(&["--simulate", "plan"]);
    assert!(plan.success().contains("after the current SSH session"), "{plan}");
    sandbox.cai(&["--simulate", "apply", "--yes"]).success();
    let again = sandbox.cai(&["plan", "--simulate"]);
    assert!(again.success().contains("No changes."), "{again}");
}

fn a_crashed_daemon_and_a_restart_of_the_vm_are_told_as_they_are() {
    let sandbox = home();
    sandbox.write("home/containai.toml", "version = 1\n[vm]\ncpus = 2\n");
    sandbox.cai(&["--simulate", "apply", "--yes"]).success();
    sandbox.cai(&["simulate", "break", "dockerd"]).success();
    sandbox.write("home/containai.toml", "version = 1\n[vm]\ncpus = 4\n");
    let plan = sandbox.cai(&["--simulate", "plan"]);
    for words in
        ["the VM is running, containers unknown", "# containers unknown", "Containers unknown."]
    {
        assert!(plan.success().replace("\n  ", " ").contains(words), "{words}: {plan}");
    }
    sandbox.cai(&["--simulate", "apply", "--yes"]).success();
}

fn what_to_type_next_is_for_the_same_host_and_file() {
    let sandbox = Sandbox::new();
    sandbox.write("home/a b.toml", "version = 1\n");
    let on = ["--simulate=world", "-f", "a b.toml"];
    let cai = |words: &[&str]| sandbox.cai(&[&on, words].concat());
    let told = |words: &str| format!("cai --simulate=world -f 'a b.toml' {words}");
    let ran = cai(&["apply"]);
    assert!(ran.fails_with(4).contains(&told("apply --yes")), "{ran}");
    let ran = cai(&["simulate", "break", "group"]);
    assert!(ran.stderr.contains(&told("plan")), "{ran}");
    let ran = cai(&["destroy"]);
    assert!(ran.fails_with(4).contains(&told("destroy --allow-destroy containai-secure")), "{ran}");
}

fn headers_and_summaries_say_that_they_are_simulated() {
    let sandbox = home();
    let mut text = String::new();
    for arguments in [
        &["--simulate", "plan"][..],
        &["--simulate", "apply"],
        &["--simulate", "apply", "--yes"],
        &["--simulate", "status"],
        &["--simulate", "doctor"],
        &["--simulate", "show"],
        &["--simulate", "stop"],
        &["--simulate", "destroy"],
    ] {
        let ran = sandbox.cai(arguments);
        text.extend([ran.stdout, ran.stderr]);
    }
    for start in [
        "containai-secure · containai.toml · the VM does not exist\n",
        "Plan: 7 to add",
        "error: not applied",
        "Apply complete: ",
        "containai-secure: VM Running",
        "Healthy.",
        "containai-secure is stopped",
        "Plan: 0 to add, 0 to change, 2 to destroy.",
        "error: nothing was destroyed",
    ] {
        assert!(text.contains(&format!("[simulated] {start}")), "{start}: {text}");
        assert!(!text.contains(&format!("\n{start}")), "{start}: {text}");
    }
    // Commands that were not run do not look like those that were.
    let traced = sandbox.cai(&["--simulate", "--verbose", "plan"]);
    let commands: Vec<&str> =
        traced.stderr.lines().filter(|line| line.contains("limactl")).collect();
    assert!(!commands.is_empty(), "{traced}");
    assert!(commands.iter().all(|line| line.starts_with("[simulated] ")), "{traced}");
    let real = sandbox.cai(&["validate"]);
    assert_eq!(real.success(), "containai.toml is valid.\n");
}

fn nothing_real_is_touched() {
    // The sandbox itself compares the user's Docker around every command; here the rest of it.
    let sandbox = home();
    sandbox.fake_program("limactl", "echo called >\"$HOME/calls\"; exit 9\n");
    sandbox.cai(&["--simulate", "apply", "--yes"]).success();
    let mut entries: Vec<String> = std::fs::read_dir(sandbox.home())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    entries.sort();
    assert_eq!(entries, [".docker", ".local", "containai.toml"]);
    let mode = std::fs::metadata(sandbox.path("home/.local/state/cai/simulated/world.json"));
    assert!(mode.unwrap().is_file());
}

fn a_world_is_kept_where_it_is_asked_for() {
    let sandbox = home();
    sandbox.cai(&["--simulate=worlds/one", "apply", "--yes"]).success();
    assert!(sandbox.path("home/worlds/one/world.json").is_file());
    let other = sandbox.cai(&["--simulate=worlds/two", "plan"]);
    assert!(other.success().contains("the VM does not exist"), "{other}");
    let variables = [("XDG_STATE_HOME", sandbox.path("state"))];
    let variables = variables.each_ref().map(|(name, path)| (*name, path.to_str().unwrap()));
    sandbox.cai_with(&["simulate", "reset"], &variables).success();
    assert!(sandbox.path("state/cai/simulated/world.json").is_file());
}

fn a_broken_world_is_told_and_can_be_reset() {
    let sandbox = home();
    sandbox.directory("home/w");
    for text in ["{\"format\":", "{\"format\":99}"] {
        sandbox.write("home/w/world.json", text);
        let ran = sandbox.cai(&["--simulate=w", "plan"]);
        assert!(ran.fails_with(1).contains("w/world.json"), "{ran}");
        sandbox.cai(&["--simulate=w", "simulate", "reset"]).success();
        sandbox.cai(&["--simulate=w", "plan"]).success();
    }
}

fn every_fault_is_listed_in_words() {
    let sandbox = home();
    sandbox.write("home/containai.toml", "version = 1\n[[vm.mounts]]\nlocation = \"~\"\n");
    let list = sandbox.cai(&["simulate", "list"]);
    for name in "vm-absent vm-stopped vm-broken group session forward dockerd guest-socket \
                 sysbox-missing sysbox-default daemon-json cpus mount context-missing \
                 context-endpoint lima-missing docker-missing provision-failed \
                 host-socket-permission"
        .split_whitespace()
    {
        let found =
            list.success().lines().find(|line| line.split_whitespace().next() == Some(name));
        assert!(found.is_some_and(|line| line.split_whitespace().count() > 3), "{name}: {list}");
        sandbox.cai(&["simulate", "break", name]).success();
        sandbox.cai(&["simulate", "reset"]).success();
    }
    let ran = sandbox.cai(&["simulate", "break", "nosuch"]);
    assert!(ran.fails_with(64).contains("host-socket-permission"), "{ran}");
}

fn a_mac_is_simulated_anywhere() {
    let sandbox = home();
    sandbox.cai(&["simulate", "reset", "--platform", "macos"]).success();
    sandbox.cai(&["--simulate", "apply", "--yes"]).success();
    let show = sandbox.cai(&["simulate", "show"]);
    assert!(show.success().contains("macOS on aarch64"), "{show}");
    assert!(show.stdout.contains("/Users/dev.simulated/.lima"), "{show}");
    // 104 bytes are all that a socket's path may have there.
    sandbox.write("home/long.toml", &format!("version = 1\n[vm]\nname = \"{}\"\n", "x".repeat(60)));
    let ran = sandbox.cai(&["-f", "long.toml", "--simulate", "apply", "--yes"]);
    assert!(ran.fails_with(1).contains("the limit for a socket is 103"), "{ran}");
}

fn a_document_for_programs_says_that_it_is_simulated() {
    let sandbox = home();
    for arguments in [
        &["--simulate", "--json", "plan"][..],
        &["--simulate", "--json", "status"],
        &["--json", "simulate", "list"],
        &["--json", "--quiet", "simulate", "break", "group"],
        &["--json", "simulate", "show"],
        &["--simulate", "--json", "env"],
    ] {
        let ran = sandbox.cai(arguments);
        let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(document["simulated"], true, "{ran}");
        assert_eq!(document["format_version"], 1, "{ran}");
    }
    let real = sandbox.cai(&["--json", "validate"]);
    assert!(!real.success().contains("simulated"), "{real}");
}

fn every_log_can_be_shown_and_says_that_it_is_simulated() {
    let sandbox = home();
    let absent = sandbox.cai(&["--simulate", "logs", "vm"]);
    assert!(absent.fails_with(1).contains("the VM does not exist"), "{absent}");
    sandbox.cai(&["--simulate", "apply", "--yes"]).success();
    for log in ["docker", "vm", "provision"] {
        for follow in [&[][..], &["-f"]] {
            let ran = sandbox.cai(&[&["--simulate", "logs", log], follow].concat());
            assert!(!ran.success().is_empty(), "{ran}");
            assert!(ran.stderr.contains("[simulated] Log of the simulated host:"), "{ran}");
        }
    }
    sandbox.cai(&["simulate", "break", "provision-failed"]).success();
    sandbox.cai(&["--simulate", "logs", "provision"]).success();
}

fn a_service_is_not_installed_for_a_simulated_host() {
    let sandbox = home();
    for option in ["--install", "--uninstall"] {
        let ran = sandbox.cai(&["--simulate", "watch", option]);
        let why = "`cai watch --install` and `--uninstall` do not work on a simulated host";
        assert!(ran.fails_with(64).contains(why), "{ran}");
    }
}

fn a_simulated_host_is_watched_once() {
    let sandbox = home();
    sandbox.cai(&["simulate", "break", "forward"]).success();
    let ran = sandbox.cai(&["--simulate", "watch"]);
    assert!(ran.success().contains("; repaired\n"), "{ran}");
    assert!(ran.stdout.ends_with("stopped watching: this host is simulated\n"), "{ran}");
    let again = sandbox.cai(&["--simulate", "plan"]);
    assert!(again.success().contains("No changes."), "{again}");
}

fn values_that_cannot_be_meant_are_refused_or_explained() {
    let sandbox = Sandbox::new();
    let said = |lines: &str, code: i32, texts: &[&str]| {
        sandbox.write("home/containai.toml", &format!("version = 1\n{lines}"));
        let ran = sandbox.cai(&["--simulate", "plan"]);
        assert_eq!(ran.status.code(), Some(code), "{ran}");
        let all = format!("{}{}", ran.stdout, ran.stderr);
        for text in texts {
            assert!(all.contains(text), "{text:?} is missing: {ran}");
        }
    };
    said("vm.cpus = 100000", 3, &["write a number from 1 to 4096"]);
    said("vm.memory = \"1B\"", 3, &["write 256MiB or more"]);
    said("vm.disk = \"1KiB\"", 3, &["write 2GiB or more"]);
    said("users = [{ name = \"ci\", groups = [\"dokcer\"] }]", 3, &["did you mean `docker`?"]);
    said("vm.cpus = 64", 0, &["# the file gives the VM 64 CPUs, but this machine has 8"]);
    let refused = ["means \">=1.1, <2.0\"", "write version = \">=1.1\""];
    said("lima.version = \"1.1\"", 1, &refused);
}
