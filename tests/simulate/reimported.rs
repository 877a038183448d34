//! Imports of VMs that have more than a file of `cai` can express: what an earlier apply added, and keys of others.

use containai::host::System;
use containai::simulate::{MACOS, store};

use super::imported::{BY_HAND, CONTEXT, JOIN, cai, directory, imported, machine, save_on, world};
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_lost_file_that_the_vm_expresses_is_imported,
        a_lost_file_with_more_than_the_vm_expresses_is_not_imported,
        the_networks_of_an_installed_sysbox_stay,
        an_option_of_a_mount_that_the_file_lacks_is_named,
        a_change_that_is_blocked_is_not_announced,
        mounts_that_leave_the_file_are_kept,
        rosetta_without_its_second_key_stays,
        a_context_of_its_own_name_is_imported,
        an_adopted_vm_is_replaced_by_one_that_works,
        a_forward_of_another_socket_is_told_and_not_refused,
        a_managed_vm_must_run,
        a_forward_that_leaves_the_file_is_removed,
        a_forward_of_others_in_another_form_stays,
    ]
}

const SMALL: &str = "version = 1\n[vm]\nname = \"vm\"\nimages = [{ location = \"/images/docker.img\" }]\n\
    [docker]\nsource = \"preinstalled\"\n";

/// A VM that `cai` created from this file, which is lost.
fn lost(file: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", file);
    cai(&sandbox, &["apply", "--yes"]).success();
    std::fs::remove_file(sandbox.path("home/containai.toml")).unwrap();
    sandbox
}

fn a_lost_file_that_the_vm_expresses_is_imported() {
    let declared = "[[groups]]\nname = \"builders\"\n[[users]]\nname = \"@lima\"\ngroups = [\"docker\", \"builders\"]\n\
        [[users]]\nname = \"bob\"\ngroups = [\"builders\"]\n[vm.lima]\nnestedVirtualization = true\n\
        [[vm.port_forwards]]\nguest_port = 80\nhost_port = 8080\n";
    let file =
        SMALL.replace("[docker]", "data_disk = \"100GiB\"\nforward = \"declared\"\n[docker]");
    let sandbox = lost(&format!("{file}{declared}"));
    let text = imported(&sandbox);
    for line in [
        "data_disk = \"100GiB\"",
        "forward = \"declared\"",
        "nestedVirtualization = true",
        "guest_port = 80",
        "name = \"builders\"",
        "name = \"bob\"",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is missing:\n{text}");
    }
    // What `cai` adds to its own VM and to daemon.json is not the user's.
    for own in ["adopted", "[docker.daemon]", "additionalDisks"] {
        assert!(!text.contains(own), "{own}:\n{text}");
    }
}

fn a_lost_file_with_more_than_the_vm_expresses_is_not_imported() {
    let sandbox = lost(&format!(
        "{SMALL}[egress]\nallow = [\"example.com\"]\n[vm.env]\nTOKEN = \"x\"\n\
         [[files]]\npath = \"/etc/foo.conf\"\ncontent = \"a\"\n"
    ));
    let before = world(&sandbox);
    let ran = cai(&sandbox, &["import", "vm", "--out", "containai.toml"]);
    let why = ran.fails_with(4);
    for part in [
        "containai.toml was applied to the VM vm",
        "env.TOKEN of vm.vm",
        "egress.containers",
        "file./etc/foo.conf",
        "dns of provision.daemon",
        "restore that file",
    ] {
        assert!(why.contains(part), "{part}: {ran}");
    }
    assert!(!sandbox.path("home/containai.toml").exists());
    assert_eq!(world(&sandbox), before);
    // Without the record nothing is removed, and the resolver of the rules is not the user's choice.
    let mut world = before;
    world.files.retain(|path, _| !path.ends_with("cai.json"));
    store::save(&System, &directory(&sandbox), &world).unwrap();
    let ran = cai(&sandbox, &["import", "vm"]);
    assert!(!ran.success().contains("192.0.2.53"), "{ran}");
}

fn the_networks_of_an_installed_sysbox_stay() {
    let sandbox = lost(SMALL);
    let mut world = world(&sandbox);
    world.files.retain(|path, _| !path.ends_with("cai.json"));
    let vm = world.instances.get_mut("vm").unwrap();
    // Without the mark of a VM that `cai` created.
    vm.yaml = vm.yaml.split_once('\n').unwrap().1.to_owned();
    let daemon_json = vm.guest.as_mut().unwrap().files.get_mut("/etc/docker/daemon.json").unwrap();
    daemon_json.text =
        "{\"runtimes\": {\"sysbox-runc\": {\"path\": \"/usr/bin/sysbox-runc\"}}}\n".into();
    store::save(&System, &directory(&sandbox), &world).unwrap();
    sandbox.write("home/containai.toml", &format!("{SMALL}[sysbox]\nenabled = false\n"));
    cai(&sandbox, &["restart"]);
    std::fs::remove_file(sandbox.path("home/containai.toml")).unwrap();
    let text = imported(&sandbox);
    assert!(text.contains("adopted = true") && text.contains("enabled = true"), "{text}");
}

fn an_option_of_a_mount_that_the_file_lacks_is_named() {
    let yaml = BY_HAND.replace(
        "- location: /src\n",
        "- location: /opt/data\n  9p:\n    cache: none\n- location: /src\n",
    );
    let sandbox = machine(&yaml, &[&JOIN[..], &[CONTEXT]].concat());
    let text = imported(&sandbox);
    assert!(
        text.contains(
            "# The file cannot express the mount `/opt/data` (it sets 9p), so `vm.mounts` stays"
        ),
        "{text}"
    );
    assert!(!text.contains("[[vm.mounts]]"), "{text}");
}

fn a_change_that_is_blocked_is_not_announced() {
    let sandbox = machine(&BY_HAND.replace("sock/docker.sock", "sock/other.sock"), &JOIN);
    let mut world = world(&sandbox);
    let vm = world.instances.get_mut("vm").unwrap();
    vm.yaml =
        format!("mountType: sshfs\n{}", vm.yaml).replace("/var/run/docker.sock", "/run/other.sock");
    store::save(&System, &directory(&sandbox), &world).unwrap();
    let ran = cai(&sandbox, &["import", "vm"]);
    let text = ran.success();
    assert!(text.contains("# vm.vm cannot be applied: "), "{text}");
    assert!(!text.contains("changes vm.vm"), "{text}");
    let unchanged = text.lines().find(|line| line.contains("stay unchanged: mountType")).unwrap();
    assert!(!unchanged.contains("portForwards"), "{text}");
}

fn mounts_that_leave_the_file_are_kept() {
    let sandbox =
        machine(&BY_HAND.replace("  writable: true\n", ""), &[&JOIN[..], &[CONTEXT]].concat());
    let text = imported(&sandbox);
    let without = text.replace("[[vm.mounts]]\nlocation = \"/src\"\n", "");
    assert_ne!(text, without);
    sandbox.write("home/containai.toml", &without);
    let plan = cai(&sandbox, &["plan"]);
    let plan = plan.success().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plan.contains("no longer in containai.toml, but kept because"), "{plan}");
    assert!(plan.contains("mounts"), "{plan}");
}

fn rosetta_without_its_second_key_stays() {
    for (more, is_declared) in [("", false), ("  binfmt: true\n", true)] {
        let sandbox = Sandbox::new();
        let yaml = format!("{BY_HAND}rosetta:\n  enabled: true\n{more}");
        save_on(MACOS, &directory(&sandbox), "vm", &yaml.replace("qemu", "vz"), &[]);
        let ran = cai(&sandbox, &["import", "vm"]);
        let text = ran.success();
        assert_eq!(text.contains("rosetta = true"), is_declared, "{text}");
        assert_eq!(text.contains("cannot express `vm.rosetta`"), !is_declared, "{text}");
        assert!(!text.contains("changes vm.vm") && !text.contains("unchanged: rosetta"), "{text}");
    }
}

fn a_context_of_its_own_name_is_imported() {
    let sandbox = lost(&format!("{SMALL}[context]\nname = \"work\"\n"));
    let text = imported(&sandbox);
    assert!(text.contains("[context]\nname = \"work\""), "{text}");
}

/// The replacement forwards the socket as any new VM does.
fn an_adopted_vm_is_replaced_by_one_that_works() {
    let sandbox = machine(BY_HAND, &[&JOIN[..], &[CONTEXT]].concat());
    let text = imported(&sandbox);
    let other = text.replace("/images/docker.img", "/images/other.img");
    assert_ne!(other, text);
    sandbox.write("home/containai.toml", &other);
    cai(&sandbox, &["apply", "--yes", "--allow-replace", "vm"]).success();
    let yaml = world(&sandbox).instances["vm"].yaml.clone();
    assert!(yaml.contains("other.img") && yaml.contains("sock/docker.sock"), "{yaml}");
    let plan = cai(&sandbox, &["plan"]);
    assert!(!plan.success().contains("portForwards"), "{plan}");
}

/// As Lima's rootless template makes one: it has the place of the forward that cai adds.
fn a_forward_of_another_socket_is_told_and_not_refused() {
    let rootless = BY_HAND.replace("/var/run/docker.sock", "/run/user/501/docker.sock");
    let sandbox = machine(&rootless, &[&JOIN[..], &[CONTEXT]].concat());
    let ran = cai(&sandbox, &["import", "vm"]);
    assert!(ran.success().contains("`cai apply` changes vm.vm: portForwards"), "{ran}");
}

fn a_managed_vm_must_run() {
    let sandbox = lost(SMALL);
    sandbox.write("home/containai.toml", SMALL);
    cai(&sandbox, &["stop"]).success();
    std::fs::remove_file(sandbox.path("home/containai.toml")).unwrap();
    let ran = cai(&sandbox, &["import", "vm"]);
    assert!(ran.fails_with(4).contains("start it with `limactl start vm`"), "{ran}");
}

/// The file declares it with its defaults, so it is found and not created.
fn a_forward_of_others_in_another_form_stays() {
    let foreign = BY_HAND.replace(
        "portForwards:\n",
        "portForwards:\n- guestPort: 9\n  hostPort: 9009\n  hostIP: 127.0.0.1\n",
    );
    let sandbox = machine(&foreign, &[&JOIN[..], &[CONTEXT]].concat());
    let text = imported(&sandbox);
    let declared = "[[vm.port_forwards]]\nguest_port = 9\nhost_port = 9009\n\
                    [[vm.port_forwards]]\nguest_port = 70\n";
    for file in [format!("{text}\n{declared}"), text] {
        sandbox.write("home/containai.toml", &file);
        cai(&sandbox, &["apply", "--yes"]).success();
        let shown = cai(&sandbox, &["show"]);
        assert!(!shown.success().contains("creation interrupted"), "{shown}");
    }
    let yaml = world(&sandbox).instances["vm"].yaml.clone();
    assert!(yaml.contains("9009") && !yaml.contains("70"), "{yaml}");
}

fn a_forward_that_leaves_the_file_is_removed() {
    let foreign = BY_HAND.replace("portForwards:\n", "portForwards:\n- guestPort: 53\n");
    let sandbox = machine(&foreign, &[&JOIN[..], &[CONTEXT]].concat());
    let text = imported(&sandbox);
    let before = world(&sandbox).instances["vm"].yaml.clone();
    let forwards = "[[vm.port_forwards]]\nguest_port = 80\nhost_port = 8080\n\n[[vm.port_forwards]]\nguest_port = 53\n";
    sandbox.write("home/containai.toml", &format!("{text}\n{forwards}"));
    cai(&sandbox, &["apply", "--yes"]).success();
    // Its file can be written again.
    std::fs::remove_file(sandbox.path("home/containai.toml")).unwrap();
    assert!(imported(&sandbox).contains("host_port = 8080"));
    sandbox.write("home/containai.toml", &text);
    let plan = cai(&sandbox, &["plan"]);
    assert!(plan.success().contains("\"hostPort\":8080"), "{plan}");
    cai(&sandbox, &["apply", "--yes"]).success();
    let keys = |yaml: &str| serde_yaml::from_str::<serde_json::Value>(yaml).unwrap();
    assert_eq!(keys(&world(&sandbox).instances["vm"].yaml), keys(&before));
    let plan = cai(&sandbox, &["plan"]);
    assert!(plan.success().contains("No changes."), "{plan}");
}
