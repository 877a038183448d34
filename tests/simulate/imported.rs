//! VMs that other people and tools made, imported into a file. An apply of that file changes nothing but takes
//! them into the record.

use std::path::{Path, PathBuf};

use containai::host::{Platform, System};
use containai::simulate::{Call, LINUX, SimulatedHost, World, run, store};

use super::adopted::ROOTFUL;
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_vm_of_limas_template_is_imported,
        a_vm_made_by_hand_is_imported,
        what_the_file_cannot_express_is_a_comment,
        a_stopped_vm_is_imported_without_its_guest,
        the_forward_of_another_tool_is_used,
        sysbox_is_declared_if_it_is_installed,
        files_beside_the_new_one_are_not_part_of_the_vm,
        a_secret_is_not_copied,
        a_vm_that_does_not_exist_is_an_error,
    ]
}

/// As a person writes it.
pub const BY_HAND: &str = "vmType: qemu\ncpus: 3\nmemory: 6GiB\ndisk: 40GiB\nimages:\n- location: /images/docker.img\n\
    mounts:\n- location: /src\n  writable: true\nenv:\n  TOKEN: hunter2\n\
    portForwards:\n- guestSocket: /var/run/docker.sock\n  hostSocket: '{{.Dir}}/sock/docker.sock'\n";

/// A saved world with a VM of this YAML, after these commands.
pub fn machine(yaml: &str, commands: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    save(&directory(&sandbox), "vm", yaml, commands);
    sandbox
}

/// Saves a world with a running VM of this name and YAML, after these commands.
pub fn save(directory: &Path, name: &str, yaml: &str, commands: &[&str]) {
    save_on(LINUX, directory, name, yaml, commands);
}

/// The same on a machine of this platform.
pub fn save_on(platform: Platform, directory: &Path, name: &str, yaml: &str, commands: &[&str]) {
    let host = SimulatedHost::new(&System, World::new(platform));
    let lines = [format!("limactl create --name={name} -"), format!("limactl start {name}")];
    for line in lines.iter().map(String::as_str).chain(commands.iter().copied()) {
        let words = shlex::split(line).unwrap();
        let call = Call { args: &words[1..], stdin: Some(yaml.as_bytes()), ..Call::default() };
        let reply = host.change(|world| run(world, &words[0], &call)).unwrap().unwrap();
        assert_eq!(reply.code, 0, "{line}: {reply:?}");
    }
    store::save(&System, directory, &host.world()).unwrap();
}

pub fn directory(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("home/world")
}

pub fn cai(sandbox: &Sandbox, words: &[&str]) -> Ran {
    let simulate = format!("--simulate={}", directory(sandbox).display());
    sandbox.cai(&[&[simulate.as_str()], words].concat())
}

pub fn world(sandbox: &Sandbox) -> World {
    store::load(&System, &directory(sandbox)).unwrap().unwrap()
}

/// Imports the VM and checks that the file changes nothing. Returns the file.
pub fn imported(sandbox: &Sandbox) -> String {
    cai(sandbox, &["import", "vm", "--out", "containai.toml"]).success();
    let text = std::fs::read_to_string(sandbox.path("home/containai.toml")).unwrap();
    let plan = cai(sandbox, &["plan"]);
    assert!(plan.success().contains("No changes."), "{plan}\n{text}");
    let before = world(sandbox).instances["vm"].clone();
    cai(sandbox, &["apply", "--yes"]).success();
    assert_eq!(world(sandbox).instances["vm"].yaml, before.yaml);
    let record = cai(sandbox, &["show"]);
    assert!(record.success().contains("vm.vm"), "{record}");
    text
}

/// The home of the simulated user.
pub const CONTEXT: &str = "docker context create lima-vm --docker host=unix:///home/dev.simulated/.lima/vm/sock/docker.sock";
pub const JOIN: [&str; 3] =
    ["limactl shell vm sudo usermod -aG docker dev", "limactl stop vm", "limactl start vm"];

fn a_vm_of_limas_template_is_imported() {
    let sandbox = machine(ROOTFUL, &[CONTEXT]);
    let text = imported(&sandbox);
    // Its user owns the socket and is in no group, and someone else wrote its daemon.json.
    for line in ["adopted = true", "location = \"~\"", "name = \"lima-vm\"", "groups = []"] {
        assert!(text.lines().any(|it| it == line), "{line} is missing:\n{text}");
    }
    assert!(text.contains("stay unchanged: containerd, provision, probes"), "{text}");
    // A key of the file that leaves it later is removed.
    sandbox.write("home/containai.toml", &format!("{text}\n[docker.daemon]\nmtu = 1400\n"));
    cai(&sandbox, &["apply", "--yes"]).success();
    sandbox.write("home/containai.toml", &text);
    let plan = cai(&sandbox, &["plan"]);
    assert!(plan.success().contains("mtu"), "{plan}");
    cai(&sandbox, &["apply", "--yes"]).success();
    let plan = cai(&sandbox, &["plan"]);
    assert!(plan.success().contains("No changes."), "{plan}");
}

fn a_vm_made_by_hand_is_imported() {
    let sandbox = machine(BY_HAND, &[&JOIN[..], &[CONTEXT]].concat());
    let text = imported(&sandbox);
    let expected = "\
# These keys of Lima's YAML stay unchanged: portForwards.
# These variables of the VM stay unchanged, and their values, which may be secret, are not copied:
# TOKEN. To manage one, add it to [vm.env].

version = 1

[vm]
name = \"vm\"
adopted = true
protect = false
type = \"qemu\"
memory = \"6GiB\"
disk = \"40GiB\"
cpus = 3

[[vm.images]]
location = \"/images/docker.img\"

[[vm.mounts]]
location = \"/src\"
writable = true

[docker]
source = \"distro\"

[sysbox]
enabled = false

[context]
name = \"lima-vm\"
";
    assert_eq!(text, expected);
    // A secret is not even in the differences of files.
    sandbox.write("home/containai.toml", &text.replace("cpus = 3", "cpus = 2"));
    let ran = cai(&sandbox, &["import", "vm", "--out", "containai.toml"]);
    let refused = ran.fails_with(4);
    assert!(refused.contains("containai.toml was not changed"), "{ran}");
    assert!(ran.stdout.contains("- cpus = 2\n+ cpus = 3\n"), "{ran}");
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
    cai(&sandbox, &["import", "vm", "--out", "containai.toml", "--yes"]).success();
    let again = cai(&sandbox, &["import", "vm", "--out", "containai.toml"]);
    again.success();
    assert!(again.stderr.contains("is up to date"), "{again}");
}

fn what_the_file_cannot_express_is_a_comment() {
    // Another tool's context has the name of the VM, and nobody may use the socket.
    let foreign = "docker context create vm --docker host=unix:///elsewhere/docker.sock";
    let yaml = BY_HAND.replace("location: /src", "location: '/a, b'");
    let sandbox = machine(&yaml, &[foreign]);
    let ran = cai(&sandbox, &["import", "vm"]);
    let text = ran.success();
    assert!(text.contains("name = \"cai-vm\""), "{text}");
    assert!(text.contains("# `cai apply` creates context.cai-vm."), "{text}");
    assert!(text.contains("# The file cannot express the mount `/a, b` ("), "{text}");
    assert!(!text.contains("[[vm.mounts]]"), "{text}");
}

fn sysbox_is_declared_if_it_is_installed() {
    let sandbox = machine(BY_HAND, &[&JOIN[..], &[CONTEXT]].concat());
    // A second VM of cai itself has everything that cai installs.
    sandbox.write(
        "home/containai.toml",
        "version = 1\n[vm]\nname = \"vm\"\n[context]\nname = \"lima-vm\"\n",
    );
    cai(&sandbox, &["apply", "--yes"]).success();
    let declared = cai(&sandbox, &["import", "vm", "--out", "other.toml"]);
    assert!(declared.fails_with(4).contains("is declared by"), "{declared}");
    std::fs::remove_file(sandbox.path("home/containai.toml")).unwrap();
    let ran = cai(&sandbox, &["import", "vm"]);
    let text = ran.success();
    assert!(text.contains("[sysbox]\nenabled = true"), "{text}");
    assert!(text.contains("live-restore = true"), "{text}");
    assert!(!text.contains("sysbox-runc"), "{text}");
}

fn files_beside_the_new_one_are_not_part_of_the_vm() {
    let sandbox = machine(BY_HAND, &[&JOIN[..], &[CONTEXT]].concat());
    sandbox.write("home/containai.local.toml", "[vm]\nname = \"other\"\ncpus = 9\n");
    let ran = cai(&sandbox, &["import", "vm"]);
    let text = ran.success();
    assert!(text.contains("cpus = 3") && text.contains("name = \"vm\""), "{text}");
    assert!(
        text.contains("# These files also apply, and can change the plan: containai.local.toml."),
        "{text}"
    );
}

fn a_secret_is_not_copied() {
    let yaml =
        BY_HAND.replace("/images/docker.img", "https://joe:hunter2@images.example/docker.img");
    let sandbox = machine(&yaml, &JOIN);
    let ran = cai(&sandbox, &["import", "vm", "--out", "vm.toml"]);
    ran.success();
    let text = std::fs::read_to_string(sandbox.path("home/vm.toml")).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("images.example"), "{text}");
    assert!(text.contains("# `vm.images` may contain a secret"), "{text}");
    // Nor are those of an existing file shown.
    let old = "version = 1\n[vm.env]\nPW = { value = \"s3cr3tpw\", sensitive = true }\n";
    sandbox.write("home/vm.toml", old);
    let ran = cai(&sandbox, &["import", "vm", "--out", "vm.toml"]);
    assert!(
        ran.fails_with(4).contains("was not changed") && !ran.stdout.contains("s3cr3tpw"),
        "{ran}"
    );
}

/// The shape of Colima's YAML (read in its `environment/vm/lima/yaml.go`, not measured).
const COLIMA: &str = "vmType: qemu\narch: x86_64\nimages:\n- location: /images/docker.img\n  arch: x86_64\ncpus: 2\n\
    memory: 2048MiB\ndisk: 20GiB\nmounts:\n- location: /src/\n  mountPoint: /src/\n  writable: true\n\
    mountType: 9p\nssh:\n  loadDotSSHPubKeys: false\n  forwardAgent: false\n\
    containerd:\n  system: false\n  user: false\ndns: []\nfirmware:\n  legacyBIOS: false\n\
    hostResolver:\n  enabled: true\n  hosts:\n    host.docker.internal: host.lima.internal\nportForwards:\n\
    - guestSocket: /var/run/docker.sock\n  hostSocket: /home/dev.simulated/.colima/default/docker.sock\n  proto: tcp\n\
    - guestSocket: /var/run/docker.sock\n  hostSocket: /home/dev.simulated/.colima/docker.sock\n  proto: tcp\n\
    - guestIP: 127.0.0.1\n  guestPortRange: [1, 65535]\n  hostIP: 127.0.0.1\n  hostPortRange: [1, 65535]\n  proto: tcp\n\
    provision:\n- mode: system\n  script: sysctl -w fs.inotify.max_user_watches=1048576\n";

/// Colima forwards the socket to its own directory.
fn the_forward_of_another_tool_is_used() {
    let socket = "/home/dev.simulated/.colima/default/docker.sock";
    let context = format!("docker context create vm --docker host=unix://{socket}");
    let sandbox = machine(COLIMA, &[&JOIN[..], &[&context]].concat());
    let text = imported(&sandbox);
    assert!(!text.contains("cai apply"), "{text}");
    assert!(cai(&sandbox, &["env"]).success().contains(socket));
    cai(&sandbox, &["doctor"]).success();
    // A dead forward is renewed at the same path.
    cai(&sandbox, &["simulate", "break", "forward"]).success();
    let doctor = cai(&sandbox, &["doctor"]);
    doctor.fails_with(1);
    assert!(doctor.stdout.contains(&format!("# path: {socket}")), "{doctor}");
    cai(&sandbox, &["apply", "--yes"]).success();
    cai(&sandbox, &["doctor"]).success();
    // A VM of `cai` itself has the usual place.
    let own = text.replace("adopted = true\n", "");
    sandbox.write("home/containai.toml", &own);
    let plan = cai(&sandbox, &["plan"]);
    assert!(plan.stdout.contains("+   hostSocket: '{{.Dir}}/sock/docker.sock'"), "{plan}");
}

fn a_stopped_vm_is_imported_without_its_guest() {
    let sandbox = machine(BY_HAND, &["limactl stop vm", CONTEXT]);
    let text = imported(&sandbox);
    assert!(
        text.contains("running = false") && text.contains("# The VM was not running"),
        "{text}"
    );
}

fn a_vm_that_does_not_exist_is_an_error() {
    let sandbox = machine(BY_HAND, &[]);
    let ran = cai(&sandbox, &["import", "other"]);
    assert!(ran.fails_with(4).contains("the VM other does not exist"), "{ran}");
    assert_eq!(ran.stdout, "", "{ran}");
}
