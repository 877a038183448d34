//! What leaves the file leaves the machine, if `cai` put it there.

use std::collections::BTreeMap;

use containai::config::{self, Config};
use containai::docker::Environment;
use containai::doctor::{Case, Code, diagnose};
use containai::host::{Host, System};
use containai::plan::Action;
use containai::reconcile::observe::observe;
use containai::resource::record::{Origin, Record};
use containai::simulate::{Call, Fault, Guest, LINUX, SimulatedHost, World, run};

use super::{apply, effects, failures, plan};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        all_that_was_declared_goes_line_by_line,
        what_was_there_before_is_released_and_stays,
        a_vm_without_a_record_is_adopted_and_loses_nothing,
        sysbox_takes_its_containers_along,
        a_log_driver_that_does_not_exist_is_removed_with_its_line,
        a_sensitive_variable_is_removed_with_its_line,
        a_variable_is_named_and_removed_without_lima,
        a_membership_is_removed_from_a_stopped_vm,
        the_last_key_of_daemon_json_is_removed_from_a_stopped_vm,
        a_default_runtime_is_removed_with_sysbox,
        a_renamed_vm_is_named_and_stays,
        a_current_context_is_not_removed,
        another_file_for_the_same_vm_is_named,
    ]
}

/// Each kind of line, and what removes it: the lines that a file has in its tables, by table.
pub const LINES: [(&str, &str); 9] = [
    ("vm", "env = { TEAM = \"blue\" }"),
    ("vm.lima", "message = \"by the team\""),
    ("docker.daemon", "log-driver = \"journald\""),
    ("docker.daemon", "mtu = 1400"),
    ("sysbox", "enabled = true"),
    ("context", "name = \"of-the-team\""),
    ("[groups]", "name = \"agents\"\ngid = 4242"),
    ("[users]", "name = \"bob\"\nuid = 2001\ngroups = [\"docker\", \"agents\"]"),
    ("[users]", "name = \"@lima\"\ngroups = [\"docker\"]"),
];

/// A file with these lines.
pub fn file(lines: &[(&str, &str)]) -> Config {
    let mut text = "version = 1\n".to_owned();
    if !lines.iter().any(|(table, _)| *table == "sysbox") {
        text.push_str("[sysbox]\nenabled = false\n");
    }
    let mut table = "";
    for (own, line) in lines {
        if *own != table || own.starts_with('[') {
            text.extend(["[", own, "]\n"]);
        }
        table = own;
        text.extend([line, "\n"]);
    }
    config::parse(&text).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

pub fn applied(host: &SimulatedHost<'_>, config: &Config) {
    let report = apply(host, config);
    assert!(!report.failed(), "{}", failures(&report));
    assert!(plan(host, config).is_empty(), "{}", effects(&plan(host, config)));
}

pub fn guest(world: &World) -> Guest {
    world.instances["containai-secure"].guest.clone().unwrap()
}

/// All that `cai` may change, without times and the order of keys.
pub fn snapshot(host: &SimulatedHost<'_>) -> Vec<String> {
    let world = host.world();
    let guest = guest(&world);
    let mut yaml: BTreeMap<String, serde_json::Value> =
        serde_yaml::from_str(&world.instances["containai-secure"].yaml).unwrap();
    // A running VM is not restarted for another boot script.
    yaml.remove("provision");
    // Those that [egress] installs stay.
    let stays = |name: &&String| ["dnsmasq-base", "nftables"].contains(&name.as_str());
    let packages: Vec<&String> = guest.packages.keys().filter(|name| !stays(name)).collect();
    let daemon: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(&guest.files["/etc/docker/daemon.json"].text).unwrap();
    vec![
        format!("{:#?}", guest.users),
        format!("{:#?}", guest.groups),
        format!("{packages:?}"),
        format!("{daemon:?}"),
        format!("{yaml:?}"),
        format!("{:?}", world.contexts.values().collect::<Vec<_>>()),
    ]
}

pub fn record(host: &SimulatedHost<'_>, config: &Config) -> Record {
    observe(host, config).unwrap().record.unwrap()
}

fn all_that_was_declared_goes_line_by_line() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let minimal = [("[users]", "name = \"@lima\"\ngroups = [\"docker\"]")];
    applied(&host, &file(&minimal));
    let before = snapshot(&host);
    let daemon = guest(&host.world()).files["/etc/docker/daemon.json"].text.clone();
    let mut lines = LINES.to_vec();
    applied(&host, &file(&lines));
    assert_ne!(snapshot(&host), before);
    // The login user stays, as in the minimal file.
    while lines.len() > 1 {
        let (_, line) = lines.remove(lines.len() - 2);
        let config = file(&lines);
        let plan = plan(&host, &config);
        assert!(!plan.is_empty(), "{line}");
        assert!(
            effects(&plan).contains("no longer in containai.toml"),
            "{line}:\n{}",
            effects(&plan)
        );
        applied(&host, &config);
    }
    let text = |host: &SimulatedHost<'_>| {
        guest(&host.world()).files["/etc/docker/daemon.json"].text.clone()
    };
    assert_eq!(text(&host), daemon);
    for (now, before) in snapshot(&host).iter().zip(&before) {
        assert_eq!(now, before);
    }
}

fn what_was_there_before_is_released_and_stays() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let minimal = file(&LINES[8..]);
    applied(&host, &minimal);
    host.change(|world| {
        let guest = world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap();
        let bob = guest.users["dev"].clone();
        guest.users.insert("bob".into(), containai::simulate::Account { uid: 2001, ..bob });
    })
    .unwrap();
    applied(
        &host,
        &file(&[LINES[7], LINES[8]].map(|(table, line)| {
            (table, if line.contains("bob") { "name = \"bob\"\nuid = 2001" } else { line })
        })),
    );
    let plan = plan(&host, &minimal);
    let change = plan.effective().next().unwrap();
    assert_eq!((change.address.to_string().as_str(), change.action), ("user.bob", Action::Release));
    assert!(effects(&plan).contains("not created by cai"), "{}", effects(&plan));
    applied(&host, &minimal);
    assert!(guest(&host.world()).users.contains_key("bob"));
    assert!(record(&host, &minimal).entry(&"user.bob".parse().unwrap()).is_none());
}

fn a_vm_without_a_record_is_adopted_and_loses_nothing() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let full = file(&LINES);
    applied(&host, &full);
    let path = Record::path(&observe(&host, &full).unwrap().directory);
    host.remove_file(&path).unwrap();
    // Nobody can know what a file said when it was applied last.
    let changed = effects(&plan(&host, &file(&LINES[4..])));
    assert!(!changed.contains("no longer in"), "{changed}");
    containai::reconcile::record::adopt(
        &host,
        &[&full],
        &containai::reconcile::graph::Graph::new(&[&full]).unwrap(),
        &[observe(&host, &full).unwrap()],
    )
    .unwrap();
    let adopted = record(&host, &full);
    let origin = |address: &str| adopted.entry(&address.parse().unwrap()).unwrap().origin;
    assert_eq!(origin("user.bob"), Origin::Found);
    // `cai` wrote the whole lima.yaml of a VM that has its mark.
    assert_eq!(origin("vm.containai-secure"), Origin::Created);
    let env = &adopted.entry(&"vm.containai-secure".parse().unwrap()).unwrap().keys["env.TEAM"];
    assert_eq!(env.origin, Origin::Created);
}

fn sysbox_takes_its_containers_along() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    applied(&host, &file(&[LINES[4], LINES[8]]));
    host.change(|world| {
        for (name, runtime) in [("nested", "sysbox-runc"), ("plain", "runc")] {
            let runtime = format!("--runtime={runtime}");
            let line =
                ["--context", "containai-secure", "run", "-d", &runtime, "--name", name, "i"];
            let args = line.map(str::to_owned);
            let reply = run(world, "docker", &Call { args: &args, ..Call::default() });
            assert_eq!(reply.map(|reply| reply.code), Some(0), "{name}");
        }
    })
    .unwrap();
    let minimal = file(&LINES[8..]);
    let plan = plan(&host, &minimal);
    let removal = plan.effective().find(|change| change.action == Action::Delete).unwrap();
    assert_eq!(removal.address.to_string(), "provision.sysbox");
    assert!(removal.strands_containers());
    let stops: Vec<_> = removal.stops.iter().flatten().map(|it| it.name.as_str()).collect();
    assert_eq!(stops, ["nested"]);
    assert!(removal.restarted().is_empty());
    applied(&host, &minimal);
    let guest = guest(&host.world());
    let running: Vec<_> =
        guest.containers.iter().filter(|it| it.running).map(|it| &it.name).collect();
    assert_eq!(running, ["plain"]);
    assert!(!guest.packages.contains_key("sysbox-ce"));
}

/// What the doctor finds.
fn found(host: &SimulatedHost<'_>, config: &Config) -> Vec<Code> {
    let facts = observe(host, config).unwrap();
    let plan = plan(host, config);
    let environment = &Environment::default();
    let case = Case { config, is_declared: true, facts: &facts, environment, plan: &plan };
    diagnose(&case).iter().map(|finding| finding.code).collect()
}

/// A key that was removed is no longer in force, and containers start again.
fn a_log_driver_that_does_not_exist_is_removed_with_its_line() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let wrong = file(&[("docker.daemon", "log-driver = \"no/such:latest\""), LINES[8]]);
    apply(&host, &wrong);
    assert_eq!(guest(&host.world()).dockerd.unwrap().loaded["log-driver"], "no/such:latest");
    let minimal = file(&LINES[8..]);
    assert_ne!(found(&host, &minimal), [], "no container can start");
    applied(&host, &minimal);
    assert_eq!(guest(&host.world()).dockerd.unwrap().loaded.get("log-driver"), None);
    assert_eq!(found(&host, &minimal), []);
}

/// The value is gone from the VM, and was never in the record.
fn a_sensitive_variable_is_removed_with_its_line() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let variable = "env = { TOKEN = { value = \"hunter2hunter2\", sensitive = true } }";
    let config = file(&[("vm", variable), LINES[8]]);
    applied(&host, &config);
    let record = record(&host, &config).text();
    assert!(record.contains("env.TOKEN") && !record.contains("hunter2"), "{record}");
    let minimal = file(&LINES[8..]);
    assert!(
        !format!("{:?}", plan(&host, &minimal).effective().next().unwrap().shown())
            .contains("hunter2")
    );
    applied(&host, &minimal);
    assert!(!host.world().instances["containai-secure"].yaml.contains("hunter2"));
}

/// The plan cannot see the VM, and the record says which keys go.
fn a_variable_is_named_and_removed_without_lima() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let config = file(&[LINES[0], LINES[8]]);
    applied(&host, &config);
    for fault in ["vm-stopped", "lima-missing"] {
        let fault = Fault::find(fault).unwrap();
        host.change(|world| assert!(fault.strike(world, &config))).unwrap();
    }
    let minimal = file(&LINES[8..]);
    let planned = effects(&plan(&host, &minimal));
    assert!(planned.contains("no longer in containai.toml: env.TEAM"), "{planned}");
    applied(&host, &minimal);
    assert!(!host.world().instances["containai-secure"].yaml.contains("TEAM"));
}

/// The user stays and leaves a group. The plan of a stopped VM says so, and its apply does it.
fn a_membership_is_removed_from_a_stopped_vm() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let robot = |groups: &str| {
        let lima = "[[users]]\nname = \"@lima\"\ngroups = [\"docker\"]\n";
        let text = format!("version = 1\n{lima}[[users]]\nname = \"robot\"\ngroups = [{groups}]\n");
        config::parse(&text).unwrap()
    };
    applied(&host, &robot("\"docker\""));
    let without = robot("");
    host.change(|world| assert!(Fault::find("vm-stopped").unwrap().strike(world, &without)))
        .unwrap();
    applied(&host, &without);
    let members = guest(&host.world()).groups["docker"].members.clone();
    assert!(!members.iter().any(|it| it == "robot"), "{members:?}");
}

/// `cai` chooses no keys for an adopted VM. The plan cannot see the file that loses its keys.
fn the_last_key_of_daemon_json_is_removed_from_a_stopped_vm() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    applied(&host, &file(&[LINES[3], LINES[8]]));
    let without = file(&[("vm", "adopted = true"), LINES[8]]);
    host.change(|world| assert!(Fault::find("vm-stopped").unwrap().strike(world, &without)))
        .unwrap();
    applied(&host, &without);
    let loaded = guest(&host.world()).dockerd.unwrap().loaded;
    assert_eq!((loaded.get("mtu"), loaded.get("live-restore")), (None, None));
}

/// Plan, doctor and apply agree.
fn a_default_runtime_is_removed_with_sysbox() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    applied(&host, &file(&[("sysbox", "default_runtime = true"), LINES[8]]));
    let without = file(&LINES[8..]);
    assert!(!plan(&host, &without).is_empty());
    assert_ne!(found(&host, &without), []);
    applied(&host, &without);
    assert_eq!(found(&host, &without), []);
    let dockerd = guest(&host.world()).dockerd.unwrap();
    assert_eq!(dockerd.loaded.get("default-runtime"), None);
}

/// A file at this path.
fn at(path: &str, lines: &[(&str, &str)]) -> Config {
    Config { file: Some(path.into()), ..file(lines) }
}

/// A VM is only deleted on command.
fn a_renamed_vm_is_named_and_stays() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    applied(&host, &at("/team/containai.toml", &LINES[8..]));
    let lines = [("vm", "name = \"other\""), LINES[8]];
    // Another file has nothing to do with it.
    assert!(!effects(&plan(&host, &at("/else/containai.toml", &lines))).contains("limactl"));
    let renamed = at("/team/containai.toml", &lines);
    let says = effects(&plan(&host, &renamed));
    for words in [
        "the VM containai-secure is no longer in the file, and cai does not delete it",
        "limactl unprotect containai-secure && limactl delete --force containai-secure",
        "docker context rm containai-secure",
    ] {
        assert!(says.contains(words), "{words}: {says}");
    }
    applied(&host, &renamed);
    assert!(host.world().instances.contains_key("containai-secure"));
}

fn a_current_context_is_not_removed() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    applied(&host, &file(&[("context", "name = \"old\""), LINES[8]]));
    let renamed = file(&[("context", "name = \"new\""), LINES[8]]);
    let config = host.world().computer.docker_config.join("config.json");
    let use_context = |name: &str| {
        let text = format!("{{\"currentContext\": \"{name}\"}}");
        host.change(|world| world.files.insert(config.clone(), text)).unwrap();
    };
    use_context("old");
    let blocked = plan(&host, &renamed);
    let (address, problem) = blocked.problems().next().unwrap();
    assert_eq!(address.to_string(), "context.old");
    assert!(problem.hint().contains("docker context use default"), "{}", problem.hint());
    use_context("default");
    applied(&host, &renamed);
    let contexts: String = host.world().contexts.into_values().collect();
    assert!(contexts.contains("\"new\"") && !contexts.contains("\"old\""), "{contexts}");
}

fn another_file_for_the_same_vm_is_named() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    applied(&host, &at("/team/containai.toml", &LINES[6..]));
    let plan = plan(&host, &at("/else/containai.toml", &LINES[8..]));
    let reasons = plan.changes.iter().flat_map(|change| &change.reasons);
    let reasons: Vec<String> = reasons.map(ToString::to_string).collect();
    let said = "/team/containai.toml was applied to this VM last";
    assert!(reasons.iter().any(|reason| reason.starts_with(said)), "{reasons:?}");
    assert!(effects(&plan).contains("Delete user.bob"), "{}", effects(&plan));
}
