//! The disk with Docker's data on the simulated host: it outlives the VM, and nothing on it is lost.

use containai::host::{Host, System};
use containai::lima::{DISKS, Disk};
use containai::plan::Plan;
use containai::reconcile::observe::observe;
use containai::resource::record::Record;
use containai::simulate::{Call, Guest, LINUX, SimulatedHost, World, run};

use super::{apply, effects, failures, plan};
use crate::support::fake_world::FakeWorld;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        data_is_copied_to_the_disk_and_outlives_the_vm,
        a_disk_grows_and_never_shrinks,
        a_disk_that_leaves_the_file_keeps_its_data,
        a_disk_with_data_hides_the_data_of_the_vm,
        a_vm_that_is_stopped_keeps_the_disk_that_it_mounts,
        disks_of_others_stay,
        a_disk_of_a_running_vm_stops_the_plan,
        dockerd_does_not_start_without_its_disk,
        a_vm_without_a_record_keeps_the_disk_that_it_mounts,
        data_that_is_elsewhere_stops_the_plan,
        a_renamed_vm_says_which_disk_has_its_data,
        a_new_vm_says_which_disk_has_the_data_of_the_former_one,
        an_incomplete_disk_is_no_missing_disk,
    ]
}

const VM: &str = "containai-secure";
const PLAIN: &str = "version = 1\n[sysbox]\nenabled = false\n";
/// The loss of a replacement, on the lines of a plan.
const KEPT: &str = "everything in the VM is lost, except Docker's data";

fn file(vm: &str) -> String {
    format!("{PLAIN}[vm]\n{vm}\n")
}

/// A host that was applied with this file and runs a container.
fn host(text: &str) -> SimulatedHost<'static> {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    converges(&host, text);
    host.change(run_container).unwrap();
    host
}

fn config(text: &str) -> containai::config::Config {
    containai::config::parse(text).unwrap_or_else(|why| panic!("{text}: {why:?}"))
}

#[track_caller]
fn converges(host: &SimulatedHost<'_>, text: &str) {
    let config = config(text);
    let report = apply(host, &config);
    assert!(!report.failed(), "{}", failures(&report));
    let again = plan(host, &config);
    assert!(again.is_empty(), "{}", effects(&again));
}

fn run_container(world: &mut World) {
    call(world, "docker", &["--context", VM, "run", "-d", "--name", "agent", "registry"]);
}

#[track_caller]
fn call(world: &mut World, program: &str, args: &[&str]) {
    let args: Vec<String> = args.iter().map(|&it| it.to_owned()).collect();
    let reply = run(world, program, &Call { args: &args, ..Call::default() }).unwrap();
    assert_eq!(reply.code, 0, "{reply:?}");
}

fn guest(host: &SimulatedHost<'_>) -> Guest {
    host.world().instances[VM].guest.clone().unwrap()
}

fn disk() -> String {
    Disk::name_for(&VM.parse().unwrap())
}

fn hides(plan: &Plan) -> bool {
    plan.changes.iter().any(|change| change.hides.is_some())
}

fn runs(guest: &Guest) -> bool {
    guest.containers.iter().any(|it| it.name == "agent" && it.running)
}

/// The plan, without the line breaks in its comments.
#[track_caller]
fn planned(world: &FakeWorld, arguments: &[&str]) -> String {
    world.cai(arguments).success().replace("\n      #", "")
}

fn data_is_copied_to_the_disk_and_outlives_the_vm() {
    let world = FakeWorld::converged(PLAIN);
    world.change(run_container);
    let declare = |text: &str| world.sandbox.write("home/containai.toml", text);
    declare(&file("data_disk = \"100GiB\""));
    let text = planned(&world, &["plan"]);
    for part in [
        "+ data_disk.containai-secure",
        "Docker stops while its data is copied to the Lima disk cai-",
        "restarts 1 container: agent",
    ] {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
    // Nothing is lost, so no consent is needed.
    world.cai(&["apply", "--yes"]).success();
    assert!(world.cai(&["plan"]).success().starts_with("No changes."));
    let of_vm = |world: &FakeWorld| world.world().instances[VM].guest.clone().unwrap();
    assert!(runs(&of_vm(&world)));
    assert_eq!(world.world().disks[&disk()].size, 100 << 30);

    let image = "images = [{ location = \"https://images.example/other.img\" }]";
    declare(&file(&format!("data_disk = \"100GiB\"\n{image}")));
    let text = planned(&world, &["plan"]);
    for part in [KEPT, &disk(), "1 container, 1 image", "-/+ vm.containai-secure"] {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
    let refused = world.cai(&["apply", "--yes"]);
    let why = refused.fails_with(4).replace("\n  ", " ");
    assert!(why.contains("Docker's data on the Lima disk"), "{refused}");
    assert!(!text.contains("current architecture"), "{text}");
    let arch = if cfg!(target_arch = "aarch64") { "x86_64" } else { "aarch64" };
    declare(&file(&format!("data_disk = \"100GiB\"\narch = \"{arch}\"")));
    let text = planned(&world, &["plan"]);
    assert!(
        text.contains("images and containers that are kept are for the VM's current"),
        "{text}"
    );
    declare(&file(&format!("data_disk = \"100GiB\"\n{image}")));
    world.cai(&["apply", "--yes", "--allow-replace", VM]).success();
    let replaced = of_vm(&world);
    assert!(replaced.containers.iter().any(|it| it.name == "agent"), "{replaced:?}");
    assert!(replaced.images.contains("registry"));

    let text = planned(&world, &["plan", "--destroy"]);
    assert!(text.contains(KEPT), "{text}");
    world.cai(&["destroy", "--allow-destroy", VM]).success();
    let again = planned(&world, &["plan"]);
    let uses = format!("uses the existing Lima disk {}", disk());
    assert!(again.contains(&uses), "{again}");
    world.cai(&["apply", "--yes"]).success();
    assert!(of_vm(&world).images.contains("registry"));
}

fn a_disk_grows_and_never_shrinks() {
    let host = host(&file("data_disk = \"10GiB\""));
    let smaller = plan(&host, &config(&file("data_disk = \"9GiB\"")));
    let (_, problem) = smaller.problems().next().expect("a problem");
    let why = format!("the Lima disk {} cannot shrink from 10GiB to 9GiB", disk());
    assert_eq!(problem.to_string(), why);
    let boots = host.world().instances[VM].boots;
    converges(&host, &file("data_disk = \"20GiB\""));
    assert_eq!(host.world().disks[&disk()].size, 20 << 30);
    assert_eq!(host.world().instances[VM].boots, boots + 1);
    assert!(runs(&guest(&host)));
}

fn a_disk_that_leaves_the_file_keeps_its_data() {
    let world = FakeWorld::converged(&file("data_disk = \"10GiB\""));
    world.change(run_container);
    world.sandbox.write("home/containai.toml", PLAIN);
    let text = planned(&world, &["plan"]);
    for part in [
        "- data_disk.containai-secure  no longer in containai.toml",
        "the data stays on the Lima disk",
        "1 container, 1 image, 0 volumes will no longer be visible",
        "--allow-replace containai-secure",
    ] {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
    world.cai(&["apply", "--yes"]).fails_with(4);
    world.cai(&["apply", "--yes", "--allow-replace", VM]).success();
    assert!(world.cai(&["plan"]).success().starts_with("No changes."));
    let without = world.world();
    let instance = &without.instances[VM];
    assert!(!instance.yaml.contains(DISKS), "{}", instance.yaml);
    assert!(instance.guest.as_ref().unwrap().images.is_empty());
    // The VM's own disk is empty, so this hides nothing.
    world.sandbox.write("home/containai.toml", &file("data_disk = \"10GiB\""));
    world.cai(&["apply", "--yes"]).success();
    assert!(world.world().instances[VM].guest.as_ref().unwrap().images.contains("registry"));
}

fn a_disk_with_data_hides_the_data_of_the_vm() {
    let host = host(&file("data_disk = \"10GiB\""));
    converges(&host, PLAIN);
    host.change(run_container).unwrap();
    assert!(hides(&plan(&host, &config(&file("data_disk = \"10GiB\"")))));
}

fn a_vm_that_is_stopped_keeps_the_disk_that_it_mounts() {
    let host = host(&file("data_disk = \"10GiB\""));
    host.change(|world| call(world, "limactl", &["stop", VM])).unwrap();
    let stopped = plan(&host, &config(PLAIN));
    let (address, problem) = stopped.problems().next().expect("a problem");
    assert_eq!(address.to_string(), "vm.containai-secure");
    assert!(problem.hint().contains("cai start"), "{}", problem.hint());
    // A file that keeps the VM stopped does not look inside it.
    converges(&host, &file("running = false"));
    assert!(host.world().instances[VM].yaml.contains(DISKS));
    host.change(|world| call(world, "limactl", &["start", VM])).unwrap();
    converges(&host, PLAIN);
    assert!(!host.world().instances[VM].yaml.contains(DISKS));
}

fn disks_of_others_stay() {
    let host = host(PLAIN);
    host.change(|world| {
        call(world, "limactl", &["disk", "create", "own", "--size", "1GiB"]);
        call(world, "limactl", &["stop", VM]);
        call(world, "limactl", &["edit", VM, "--set", ".additionalDisks = [\"own\"]"]);
        call(world, "limactl", &["start", VM]);
    })
    .unwrap();
    converges(&host, &file("data_disk = \"10GiB\""));
    let disks = |host: &SimulatedHost<'_>| -> Vec<String> {
        let yaml: serde_json::Value =
            serde_yaml::from_str(&host.world().instances[VM].yaml).unwrap();
        let entries = yaml[DISKS].as_array().unwrap();
        entries.iter().map(|it| Disk::named_by(it).unwrap().to_owned()).collect()
    };
    assert_eq!(disks(&host), ["own".to_owned(), disk()]);
    converges(&host, PLAIN);
    assert_eq!(disks(&host), ["own"]);
}

fn a_disk_of_a_running_vm_stops_the_plan() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    converges(&host, &format!("{PLAIN}[vm]\nname = \"other\"\n"));
    host.change(|world| {
        call(world, "limactl", &["disk", "create", &disk(), "--size", "10GiB"]);
        call(world, "limactl", &["stop", "other"]);
        let set = format!(".additionalDisks = [\"{}\"]", disk());
        call(world, "limactl", &["edit", "other", "--set", &set]);
        call(world, "limactl", &["start", "other"]);
    })
    .unwrap();
    let planned = plan(&host, &config(&file("data_disk = \"10GiB\"")));
    let (_, problem) = planned.problems().next().expect("a problem");
    assert_eq!(problem.to_string(), format!("the VM other uses the Lima disk {}", disk()));
}

fn dockerd_does_not_start_without_its_disk() {
    let world = FakeWorld::converged(&file("data_disk = \"10GiB\""));
    world.change(run_container);
    world.change(|world| {
        call(world, "limactl", &["stop", VM]);
        call(world, "limactl", &["edit", VM, "--set", "del(.additionalDisks)"]);
        let args = ["start", VM].map(str::to_owned);
        run(world, "limactl", &Call { args: &args, ..Call::default() }).unwrap();
        let guest = world.instances[VM].guest.as_ref().unwrap();
        assert!(guest.machine.is_some() && guest.dockerd.is_none(), "{guest:?}");
    });
    // Nothing was stored elsewhere, so no consent is needed.
    world.cai(&["apply", "--yes"]).success();
    assert!(world.world().instances[VM].guest.as_ref().unwrap().images.contains("registry"));
}

fn a_vm_without_a_record_keeps_the_disk_that_it_mounts() {
    let host = host(&file("data_disk = \"10GiB\""));
    let facts = observe(&host, &config(PLAIN)).unwrap();
    host.remove_file(&Record::path(&facts.directory)).unwrap();
    for _ in 0..2 {
        converges(&host, PLAIN);
        assert!(host.world().instances[VM].yaml.contains(DISKS));
        assert!(guest(&host).images.contains("registry"));
    }
}

fn data_that_is_elsewhere_stops_the_plan() {
    let host = host(&format!("{PLAIN}[docker.daemon]\ndata-root = \"/srv/docker\"\n"));
    let facts = observe(&host, &config(PLAIN)).unwrap();
    // Someone else's key.
    host.remove_file(&Record::path(&facts.directory)).unwrap();
    let planned = plan(&host, &config(&file("data_disk = \"10GiB\"")));
    let (address, problem) = planned.problems().next().expect("a problem");
    assert_eq!(address.to_string(), "data_disk.containai-secure");
    assert_eq!(
        problem.to_string(),
        "dockerd keeps its data in /srv/docker, not in /var/lib/docker"
    );
}

fn a_renamed_vm_says_which_disk_has_its_data() {
    let host = host(&file("data_disk = \"10GiB\""));
    host.change(|world| {
        call(world, "limactl", &["stop", VM]);
        let instance = world.instances.remove(VM).unwrap();
        world.instances.insert("dev".into(), instance);
        let lima = world.computer.lima_home.clone();
        let files = std::mem::take(&mut world.files).into_iter();
        let renamed = files.map(|(path, text)| match path.strip_prefix(lima.join(VM)) {
            Ok(rest) => (lima.join("dev").join(rest), text),
            Err(_) => (path, text),
        });
        world.files = renamed.collect();
        call(world, "limactl", &["start", "dev"]);
    })
    .unwrap();
    let planned = plan(&host, &config(&file("name = \"dev\"\ndata_disk = \"10GiB\"")));
    let text = effects(&planned);
    assert!(text.contains(&format!("stays on the Lima disk {}", disk())), "{text}");
    assert!(!text.contains("stays on the Lima disk cai-dev"), "{text}");
}

fn a_new_vm_says_which_disk_has_the_data_of_the_former_one() {
    let world = FakeWorld::converged(&file("data_disk = \"10GiB\""));
    world.sandbox.write("home/containai.toml", &file("name = \"dev\"\ndata_disk = \"10GiB\""));
    let text = planned(&world, &["plan"]);
    assert!(text.contains(&format!("its Docker data is on the Lima disk {}", disk())), "{text}");
    assert!(text.contains(&format!("&& limactl disk delete {}", disk())), "{text}");
}

/// Lima creates the directory of a disk before its file. It neither lists such a disk nor creates it.
fn an_incomplete_disk_is_no_missing_disk() {
    let world = FakeWorld::converged(PLAIN);
    world.sandbox.write("home/containai.toml", &file("data_disk = \"100GiB\""));
    let directory = format!("lima/_disks/{}", disk());
    world.sandbox.directory(&directory);
    for arguments in [&["plan"][..], &["apply", "--yes"]] {
        let ran = world.cai(arguments);
        let error = ran.fails_with(1);
        let said = format!("`limactl disk list --json {0}` does not list the disk of", disk());
        assert!(error.contains(&said) && error.contains("delete its directory"), "{ran}");
    }
    std::fs::remove_dir(world.sandbox.path(&directory)).unwrap();
    world.cai(&["apply", "--yes"]).success();
}
