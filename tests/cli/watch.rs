//! `cai watch`: it renews the session and the forward, and does nothing stronger.

use containai::config;
use containai::simulate::{Fault, World};

use crate::support::fake_world::{FakeWorld, changes_something};
use crate::support::trials;
use crate::support::watch::Watch;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_dead_forward_is_renewed,
        nothing_stronger_is_done_and_it_is_said_once,
        what_it_does_not_fix_is_named,
        a_service_of_systemd_is_installed_and_removed,
        a_service_is_removed_without_a_valid_file,
        a_destroy_removes_the_service_of_its_vm,
    ]
}

const FILE: &str = "version = 1\n";

/// `cai watch` in this world.
fn watch(world: &FakeWorld) -> Watch {
    let mut command = world.sandbox.command(&["cai", "watch", "--interval", "1s"]);
    command.envs(world.variables());
    Watch::start(command)
}

fn strike(world: &mut World, fault: &str) {
    Fault::find(fault).unwrap().strike(world, &config::parse(FILE).unwrap());
}

fn a_dead_forward_is_renewed() {
    let world = FakeWorld::converged(FILE);
    let watch = watch(&world);
    world.change(|world| strike(world, "forward"));
    watch.says("; repaired");
    assert!(world.cai(&["plan"]).success().contains("No changes."));
    assert_eq!(watch.end(), [""; 0], "a healthy engine is not worth a line");
}

fn nothing_stronger_is_done_and_it_is_said_once() {
    let world = FakeWorld::converged(FILE);
    let watch = watch(&world);
    world.change(|world| strike(world, "vm-stopped"));
    watch.says("the VM is stopped; cai watch does not fix this: run cai doctor");
    world.calls();
    // It has looked again before it sees that someone started the VM.
    world.cai(&["start"]).success();
    let changes = world.calls().into_iter().filter(|it| changes_something(it));
    assert_eq!(changes.count(), 1, "only the start changed something");
    let said = watch.end();
    assert!(!said.iter().any(|line| line.contains("the VM is stopped")), "{said:?}");
}

fn what_it_does_not_fix_is_named() {
    for (fault, cause) in [
        ("group", "Z dev cannot open the Docker socket in the guest"),
        ("guest-socket", "Z the guest's Docker socket /var/run/docker.sock does not exist"),
        ("vm-absent", "Z the VM does not exist"),
        ("vm-stopped", "Z the VM is stopped"),
    ] {
        let world = FakeWorld::converged(FILE);
        world.change(|world| strike(world, fault));
        watch(&world).says(&format!("{cause}; cai watch does not fix this: run cai doctor"));
    }
}

fn a_service_of_systemd_is_installed_and_removed() {
    let world = FakeWorld::converged(FILE);
    let home = world.sandbox.home();
    world.sandbox.fake_program("systemctl", "echo \"$@\" >>\"$HOME/systemctl\"");
    world.cai(&["watch", "--install", "--interval", "1m"]).success();
    let unit = home.join(".config/systemd/user/cai-watch-containai-secure.service");
    let text = std::fs::read_to_string(&unit).unwrap();
    let file = home.join("containai.toml");
    let command = format!("\"--file\" \"{}\" \"watch\" \"--interval=60s\"\n", file.display());
    assert!(text.contains(&command) && text.contains("LIMA_HOME="), "{text}");
    let again = world.cai(&["watch", "--uninstall"]);
    assert!(again.stderr.contains("Deleted "), "{again}");
    assert!(!unit.exists());
    let calls = std::fs::read_to_string(home.join("systemctl")).unwrap();
    assert_eq!(
        calls,
        "--user daemon-reload\n--user enable cai-watch-containai-secure.service\n\
         --user restart cai-watch-containai-secure.service\n\
         --user disable --now cai-watch-containai-secure.service\n"
    );
    let gone = world.cai(&["watch", "--uninstall"]);
    assert!(gone.stderr.contains("does not exist"), "{gone}");
}

fn unit(world: &FakeWorld, vm: &str) -> std::path::PathBuf {
    world.sandbox.home().join(format!(".config/systemd/user/cai-watch-{vm}.service"))
}

fn a_service_is_removed_without_a_valid_file() {
    let world = FakeWorld::converged(FILE);
    world.sandbox.fake_program("systemctl", "echo \"$@\" >>\"$HOME/systemctl\"");
    let install = || world.cai(&["watch", "--install"]).success().to_owned();
    install();
    world.sandbox.write("home/containai.toml", "version = 1\n[vm]\nname = \"containai-second\"\n");
    world.cai(&["apply", "--yes"]).success();
    install();
    let broken = "version = 1\nnonsense\n";
    world.sandbox.write("home/containai.toml", broken);
    let ran = world.cai(&["watch", "--uninstall"]);
    let both = "several VMs have a service: containai-second, containai-secure";
    assert!(ran.fails_with(64).contains(both), "{ran}");
    let ran = world.cai(&["watch", "--uninstall", "containai-second"]);
    ran.success();
    assert!(
        !unit(&world, "containai-second").exists() && unit(&world, "containai-secure").exists(),
        "{ran}"
    );
    let ran = world.cai(&["watch", "--uninstall"]);
    ran.success();
    assert!(!unit(&world, "containai-secure").exists(), "{ran}");
    let ran = world.cai(&["watch", "--uninstall"]);
    assert!(ran.fails_with(3).contains("containai.toml:2"), "{ran}");
}

fn a_destroy_removes_the_service_of_its_vm() {
    let world = FakeWorld::converged(FILE);
    let systemctl = "echo \"$@\" >>\"$HOME/systemctl\"";
    world.sandbox.fake_program("systemctl", systemctl);
    world.cai(&["watch", "--install"]).success();
    let plan = world.cai(&["plan", "--destroy"]);
    assert!(plan.success().contains("  - watch_service.containai-secure\n"), "{plan}");
    assert!(plan.stdout.contains("Plan: 0 to add, 0 to change, 3 to destroy."), "{plan}");
    world.cai(&["destroy", "--allow-destroy", "containai-secure"]).success();
    assert!(!unit(&world, "containai-secure").exists());
    let calls = std::fs::read_to_string(world.sandbox.home().join("systemctl")).unwrap();
    let stop = "--user disable --now cai-watch-containai-secure.service\n";
    assert!(calls.ends_with(stop), "{calls}");
    let again = world.cai(&["destroy"]);
    again.success();
    assert!(again.stderr.starts_with("Nothing to destroy."), "{again}");
}
