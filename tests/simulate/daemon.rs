//! dockerd's configuration on the simulated host: loaded, refused, restored, hidden.

use containai::config::{self, Config};
use containai::host::{Host, System};
use containai::model::digest::sha256;
use containai::plan::{Change, Disruption, Plan};
use containai::reconcile::observe::observe;
use containai::resource::record::Record;
use containai::simulate::{Call, Fault, File, Guest, LINUX, SimulatedHost, World, run};
use serde_json::{Value, json};

use super::{apply, effects, failures, plan};
use crate::support::fake_world::FakeWorld;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        the_options_of_a_log_driver_are_what_the_file_says,
        options_that_another_log_driver_may_not_have_stop_the_plan,
        options_of_every_log_driver_stay,
        the_image_store_needs_a_restart_and_hides_what_is_stored,
        a_store_that_changes_hides_what_is_in_the_old_one,
        a_restart_for_another_reason_names_what_an_edited_file_hides,
        an_empty_store_hides_nothing,
        a_file_that_dockerd_does_not_start_with_is_put_back,
        a_file_that_dockerd_refuses_to_reload_is_put_back,
        a_key_that_dockerd_does_not_report_is_not_loaded,
        network_keys_are_added_only_where_they_fit,
        a_network_key_that_cai_chose_gives_way_to_the_files,
        hiding_data_needs_the_name_of_the_vm,
        hiding_data_of_a_stopped_vm_needs_its_name_as_well,
        a_log_driver_that_does_not_exist_is_found_without_a_container,
        a_file_that_dockerd_would_not_start_with_is_not_loaded_by_doctor,
        a_restart_says_what_a_key_of_someone_else_hides,
    ]
}

const FILE: &str = "/etc/docker/daemon.json";

fn config(daemon: &str) -> Config {
    let source = format!("version = 1\n[sysbox]\nenabled = false\n[docker.daemon]\n{daemon}\n");
    config::parse(&source).unwrap_or_else(|why| panic!("{daemon}: {why:?}"))
}

/// A host that was applied with this configuration.
fn host(daemon: &str) -> SimulatedHost<'static> {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    converges(&host, &config(daemon));
    host
}

#[track_caller]
fn converges(host: &SimulatedHost<'_>, config: &Config) {
    let report = apply(host, config);
    assert!(!report.failed(), "{}", failures(&report));
    let again = plan(host, config);
    assert!(again.is_empty(), "{}", effects(&again));
}

fn run_container(world: &mut World) {
    let args = ["--context", "containai-secure", "run", "-d", "--name", "agent", "registry"];
    let args = args.map(str::to_owned);
    let reply = run(world, "docker", &Call { args: &args, ..Call::default() }).unwrap();
    assert_eq!(reply.code, 0, "{reply:?}");
}

fn guest(host: &SimulatedHost<'_>) -> Guest {
    host.world().instances["containai-secure"].guest.clone().unwrap()
}

fn file(host: &SimulatedHost<'_>) -> Value {
    serde_json::from_str(&guest(host).files[FILE].text).unwrap()
}

fn restart(plan: &Plan) -> &Change {
    plan.changes.iter().find(|change| change.address.to_string().starts_with("restart.")).unwrap()
}

fn hidden(plan: &Plan) -> Vec<String> {
    plan.changes.iter().filter_map(|change| Some(change.hides.as_ref()?.to_string())).collect()
}

fn the_options_of_a_log_driver_are_what_the_file_says() {
    let host =
        host("log-driver = \"json-file\"\nlog-opts = { max-size = \"1m\", max-file = \"3\" }");
    converges(&host, &config("log-driver = \"journald\"\nlog-opts = { tag = \"x\" }"));
    assert_eq!(file(&host)["log-opts"], json!({"tag": "x"}));
    assert_eq!(guest(&host).dockerd.unwrap().loaded["log-driver"], "journald");
}

fn options_that_another_log_driver_may_not_have_stop_the_plan() {
    let host = host("log-driver = \"journald\"\nlog-opts = { tag = \"x\", env = \"a\" }");
    // They would go with their line if the record said that `cai` set them.
    let facts = observe(&host, &config("")).unwrap();
    host.remove_file(&Record::path(&facts.directory)).unwrap();
    // Options that the other driver has are kept.
    converges(&host, &config("log-driver = \"syslog\""));
    let planned = plan(&host, &config("log-driver = \"local\""));
    let problem = planned.changes.iter().find_map(|it| it.problem.as_ref()).expect("a problem");
    let options = "options that log driver local does not accept: tag, env";
    assert!(problem.to_string().contains(options), "{problem}");
    assert!(problem.hint().contains("log-opts = {} removes all options"), "{}", problem.hint());
    converges(&host, &config("log-driver = \"local\"\nlog-opts = {}"));
    assert_eq!(file(&host)["log-opts"], json!({}));
    // Declared options are not left over, even if they are the present ones.
    for driver in ["journald", "gelf"] {
        let declared = format!("log-driver = \"{driver}\"\nlog-opts = {{ tag = \"x\" }}");
        converges(&host, &config(&declared));
    }
    converges(&host, &config("log-driver = \"none\""));
}

/// dockerd reads these options itself.
fn options_of_every_log_driver_stay() {
    let options =
        "{ mode = \"non-blocking\", max-buffer-size = \"4m\", cache-disabled = \"true\" }";
    let host = host(&format!("log-driver = \"journald\"\nlog-opts = {options}"));
    let before = file(&host)["log-opts"].clone();
    // They would go with their line if the record said that `cai` set them.
    let facts = observe(&host, &config("")).unwrap();
    host.remove_file(&Record::path(&facts.directory)).unwrap();
    // The options of `gelf` are not known.
    for driver in ["json-file", "gelf"] {
        converges(&host, &config(&format!("log-driver = \"{driver}\"")));
        assert_eq!(file(&host)["log-opts"], before, "{driver}");
    }
}

fn the_image_store_needs_a_restart_and_hides_what_is_stored() {
    let host = host("");
    host.change(run_container).unwrap();
    let buildkit = config("features = { buildkit = true }");
    assert_eq!(restart(&plan(&host, &buildkit)).disruption, Disruption::Reload);
    let config = config("features = { containerd-snapshotter = true }");
    let planned = plan(&host, &config);
    assert_eq!(restart(&planned).disruption, Disruption::DaemonRestart);
    let hides = "1 container, 1 image, 0 volumes will no longer be visible because these keys change: \
                 features.containerd-snapshotter";
    // live-restore keeps the container running through the restart.
    let unreachable = format!("{hides}; still running, but Docker can no longer manage: agent");
    assert_eq!(hidden(&planned), [hides.to_owned(), unreachable]);
    converges(&host, &config);
    assert!(guest(&host).place.unwrap().containerd);
}

fn a_store_that_changes_hides_what_is_in_the_old_one() {
    for (line, key) in [
        ("data-root = \"/srv/docker\"", "data-root"),
        ("userns-remap = \"default\"", "userns-remap"),
        ("storage-driver = \"vfs\"", "storage-driver"),
    ] {
        let host = host("");
        host.change(run_container).unwrap();
        let planned = plan(&host, &config(line));
        let counts = format!(
            "1 container, 1 image, 0 volumes will no longer be visible because these keys change: {key}"
        );
        assert!(
            hidden(&planned).iter().all(|told| told.starts_with(&counts)),
            "{:?}",
            hidden(&planned)
        );
        assert_eq!(hidden(&planned).len(), 2, "{line}");
        converges(&host, &config(line));
        assert_eq!(guest(&host).containers, [], "{line}: the new store is empty");
        assert_eq!(guest(&host).stores[0].containers[0].name, "agent", "{line}: nothing is lost");
    }
}

/// Someone named another store in the guest's file, and dockerd has not started with it yet.
fn a_restart_for_another_reason_names_what_an_edited_file_hides() {
    let host = host("");
    host.change(run_container).unwrap();
    let edit = |world: &mut World| {
        let now = world.clock + 60;
        world.clock = now;
        let vm = world.instances.get_mut("containai-secure").unwrap();
        let file = vm.guest.as_mut().unwrap().files.get_mut(FILE).unwrap();
        file.text = "{\"live-restore\": true, \"data-root\": \"/srv/docker\"}\n".into();
        file.modified = now;
    };
    host.change(edit).unwrap();
    let expected = "1 container, 1 image, 0 volumes will no longer be visible because these keys change: data-root";
    let source = "version = 1\n[vm]\ncpus = 2\n[sysbox]\nenabled = false\n";
    let planned = plan(&host, &config::parse(source).unwrap());
    assert_eq!(hidden(&planned), [expected], "{}", effects(&planned));
    let [change] = planned.changes.iter().filter(|it| it.hides.is_some()).collect::<Vec<_>>()[..]
    else {
        panic!("{}", effects(&planned))
    };
    assert_eq!(change.disruption, Disruption::VmRestart);
    assert!(change.restarted().is_empty(), "the new store does not have the container");
    // A reload leaves dockerd on its store.
    let reload = plan(&host, &config("debug = true"));
    assert_eq!(restart(&reload).disruption, Disruption::Reload);
    assert_eq!(hidden(&reload), [""; 0]);
}

fn an_empty_store_hides_nothing() {
    let host = host("");
    assert_eq!(hidden(&plan(&host, &config("data-root = \"/srv/docker\""))), [""; 0]);
    // The driver that is in use already is named.
    host.change(run_container).unwrap();
    assert_eq!(hidden(&plan(&host, &config("storage-driver = \"overlay2\""))), [""; 0]);
    for same in ["/var/lib/docker/", "/var/./lib//docker", "/var/lib/docker/../docker"] {
        let config = config(&format!("data-root = \"{same}\""));
        assert_eq!(hidden(&plan(&host, &config)), [""; 0], "{same}");
    }
}

fn a_file_that_dockerd_does_not_start_with_is_put_back() {
    let host = host("debug = true");
    host.change(run_container).unwrap();
    let before = guest(&host).files[FILE].text.clone();
    let config = config("debug = true\nuserns-remap = \"nosuch\"");
    let report = apply(&host, &config);
    let why = failures(&report);
    for part in ["dockerd does not start", "unable to find entry \"nosuch\"", "is restored"] {
        assert!(why.contains(part), "{part:?} is missing: {why}");
    }
    assert_eq!(guest(&host).files[FILE].text, before);
    assert!(guest(&host).dockerd.is_some(), "dockerd is down");
    assert!(guest(&host).containers[0].running, "a container was stopped");
    let again = plan(&host, &config);
    assert!(effects(&again).contains("provision.daemon"), "it is not planned again");
}

fn a_file_that_dockerd_refuses_to_reload_is_put_back() {
    let host = host("debug = true");
    let before = guest(&host).files[FILE].text.clone();
    // dockerd 20.10 refuses a path, newer versions accept it: no check of the file can tell.
    let config = config("registry-mirrors = [\"https://m.example/sub\"]");
    let why = failures(&apply(&host, &config));
    for part in ["invalid mirror: path", "the previous file is restored"] {
        assert!(why.contains(part), "{part:?} is missing: {why}");
    }
    assert_eq!(guest(&host).files[FILE].text, before);
    assert!(effects(&plan(&host, &config)).contains("provision.daemon"), "it is not planned again");
}

fn a_key_that_dockerd_does_not_report_is_not_loaded() {
    let host = host("labels = [\"a=b\"]");
    // The times of the files say that it is loaded.
    host.change(|world| {
        let instance = world.instances.get_mut("containai-secure").unwrap();
        let dockerd = instance.guest.as_mut().unwrap().dockerd.as_mut().unwrap();
        dockerd.loaded.insert("labels".into(), json!(["a=c"]));
    })
    .unwrap();
    let config = config("labels = [\"a=b\"]");
    let planned = plan(&host, &config);
    assert!(effects(&planned).contains("labels"), "{}", effects(&planned));
    assert_eq!(restart(&planned).disruption, Disruption::DaemonRestart, "a reload did not load it");
    converges(&host, &config);
}

fn network_keys_are_added_only_where_they_fit() {
    let with_sysbox = |daemon: &str| {
        let source = format!("version = 1\n[docker.daemon]\n{daemon}\n");
        let host = SimulatedHost::new(&System, World::new(LINUX));
        converges(&host, &config::parse(&source).unwrap());
        file(&host)
    };
    let pools = with_sysbox("default-address-pools = [{ base = \"172.16.0.0/12\", size = 24 }]");
    assert_eq!(pools["bip"], "10.220.0.1/16");
    let bridge = with_sysbox("bip = \"172.25.0.1/16\"");
    assert_eq!(bridge["default-address-pools"][0]["base"], "172.26.0.0/16");
}

/// On an engine that cai made, the value that it chose gives way to the user's.
fn a_network_key_that_cai_chose_gives_way_to_the_files() {
    let converted = |daemon: &str, fault: Option<&str>| {
        let host = SimulatedHost::new(&System, World::new(LINUX));
        let plain = config::parse("version = 1\n").unwrap();
        converges(&host, &plain);
        let fault = fault.map(|fault| Fault::find(fault).unwrap());
        host.change(|world| fault.map(|fault| assert!(fault.strike(world, &plain)))).unwrap();
        let source = format!("version = 1\n[docker.daemon]\n{daemon}\n");
        converges(&host, &config::parse(&source).unwrap());
        file(&host)
    };
    // Also where the plan cannot see the file.
    for fault in [None, Some("vm-stopped")] {
        let bridge = converted("bip = \"172.25.0.1/16\"", fault);
        assert_eq!(bridge["default-address-pools"][0]["base"], "172.26.0.0/16");
        let none = converted("bridge = \"none\"", fault);
        assert_eq!(none.get("bip"), None, "dockerd does not start with both");
    }
}

const WITHOUT_SYSBOX: &str = "version = 1\n[sysbox]\nenabled = false\n";

/// A running container, and a daemon.json that somebody edited and dockerd has not loaded.
fn edited(file: &str, keys: &str) -> FakeWorld {
    let world = FakeWorld::converged(file);
    world.change(|world| {
        run_container(world);
        world.clock += 60;
        let guest = world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap();
        let text = format!("{{\"live-restore\": true, {keys}}}\n");
        let (sha256, modified) = (sha256(text.as_bytes()), world.clock);
        guest.files.insert(FILE.into(), File { text, sha256, modified, ..File::default() });
    });
    world
}

fn a_file_that_dockerd_would_not_start_with_is_not_loaded_by_doctor() {
    let container = |world: &FakeWorld| {
        let guest = world.world().instances["containai-secure"].guest.clone().unwrap();
        (guest.dockerd.is_some(), guest.containers[0].running, guest.containers[0].started)
    };
    // With Sysbox, dockerd must also load keys that cai owns.
    for file in [WITHOUT_SYSBOX, "version = 1\n"] {
        let world = edited(file, "\"default-runtime\": \"crun\"");
        let before = container(&world);
        // Other processors would need a restart of the VM, after which dockerd does not start.
        world.sandbox.write("home/containai.toml", &format!("{file}[vm]\ncpus = 3\n"));
        let fixed = world.cai(&["doctor", "--fix", "--yes"]);
        assert!(fixed.stdout.contains("crun"), "{fixed}");
        assert_eq!(container(&world), before, "{fixed}");
        // A stale session needs neither.
        let config = config::parse(file).unwrap();
        world.change(|world| assert!(Fault::find("session").unwrap().strike(world, &config)));
        let fixed = world.cai(&["doctor", "--fix", "--yes"]);
        assert!(fixed.stderr.contains("open a new session ... done"), "{fixed}");
        let left = world.cai(&["doctor"]);
        assert!(!left.stdout.contains("session_stale"), "{left}");
        assert_eq!(container(&world), before, "{fixed}");
    }
}

fn a_restart_says_what_a_key_of_someone_else_hides() {
    let world = edited(WITHOUT_SYSBOX, "\"data-root\": \"/mnt/x\"");
    world
        .sandbox
        .write("home/containai.toml", &format!("{WITHOUT_SYSBOX}[docker.daemon]\nmtu = 1400\n"));
    let plan = world.cai(&["plan"]);
    let text = plan.success().replace("\n      #", "");
    let hidden =
        "1 container, 1 image, 0 volumes will no longer be visible because these keys change";
    for part in [hidden, "data-root", "agent"] {
        assert!(text.contains(part), "{part:?} is missing: {plan}");
    }
}

fn hiding_data_needs_the_name_of_the_vm() {
    let world = FakeWorld::converged(WITHOUT_SYSBOX);
    world.change(run_container);
    let text = format!("{WITHOUT_SYSBOX}[docker.daemon]\ndata-root = \"/srv/docker\"\n");
    world.sandbox.write("home/containai.toml", &text);
    let plan = world.cai(&["plan"]);
    let needs = "Loses data or containers: apply needs --allow-replace containai-secure.";
    assert!(plan.success().contains(needs), "{plan}");
    let refused = world.cai(&["apply", "--yes"]);
    let why = refused.fails_with(4);
    for part in
        ["1 container, 1 image, 0 volumes will no longer be", "--allow-replace containai-secure"]
    {
        assert!(why.contains(part), "{part:?} is missing: {refused}");
    }
    let found = world.cai(&["doctor"]);
    assert!(found.stdout.contains("cai apply --allow-replace containai-secure"), "{found}");
    world.cai(&["doctor", "--fix", "--yes"]);
    let daemon_json = |world: &World| {
        world.instances["containai-secure"].guest.as_ref().unwrap().files[FILE].text.clone()
    };
    assert!(!daemon_json(&world.world()).contains("data-root"), "it was applied all the same");
    world.cai(&["apply", "--yes", "--allow-replace", "containai-secure"]).success();
    assert!(daemon_json(&world.world()).contains("data-root"));
}

fn hiding_data_of_a_stopped_vm_needs_its_name_as_well() {
    let stopped = || {
        let world = FakeWorld::converged(WITHOUT_SYSBOX);
        let config = config::parse(WITHOUT_SYSBOX).unwrap();
        world.change(|world| {
            run_container(world);
            assert!(Fault::find("vm-stopped").unwrap().strike(world, &config));
        });
        let text = format!("{WITHOUT_SYSBOX}[docker.daemon]\ndata-root = \"/srv/docker\"\n");
        world.sandbox.write("home/containai.toml", &text);
        world
    };
    let is_applied = |world: &FakeWorld| {
        let guest = world.world().instances["containai-secure"].guest.clone().unwrap();
        guest.files[FILE].text.contains("data-root")
    };

    let world = stopped();
    let planned = world.cai(&["plan"]);
    assert!(planned.success().contains("may change data-root"), "{planned}");
    // Whether data is hidden is known once the VM runs.
    let refused = world.cai(&["apply", "--yes"]);
    let why = refused.fails_with(1);
    for part in [
        "provision.daemon: not applied: in the VM containai-secure, 1 container, 1 image, 0 volumes will",
        "run the same command with --allow-replace containai-secure",
    ] {
        assert!(why.contains(part), "{part:?} is missing: {refused}");
    }
    assert!(!is_applied(&world), "it was applied without consent");

    let world = stopped();
    let refused = world.cai(&["apply", "--yes", "--allow-replace", "another"]);
    refused.fails_with(1);
    assert!(!is_applied(&world), "it was applied with the name of another VM");

    let world = stopped();
    world.cai(&["apply", "--yes", "--allow-replace", "containai-secure"]).success();
    assert!(is_applied(&world));
    assert_eq!(world.cai(&["plan", "--detailed-exitcode"]).status.code(), Some(0));
}

fn a_log_driver_that_does_not_exist_is_found_without_a_container() {
    let world = FakeWorld::converged(WITHOUT_SYSBOX);
    world.change(|world| {
        let instance = world.instances.get_mut("containai-secure").unwrap();
        let dockerd = instance.guest.as_mut().unwrap().dockerd.as_mut().unwrap();
        dockerd.loaded.insert("log-driver".into(), json!("nosuch"));
    });
    let found = world.cai(&["doctor"]);
    found.fails_with(1);
    for part in
        ["error container_start_failed", "the log driver nosuch in daemon.json does not exist"]
    {
        assert!(found.stdout.contains(part), "{part:?} is missing: {found}");
    }
}
