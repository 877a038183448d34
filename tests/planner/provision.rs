//! daemon.json, Docker and Sysbox in the guest, and how the running daemon loads changes.

use containai::config;
use containai::guest::{DOCKER_SERVICE, Engine, GuestFacts, LoadedJson, Section, Unit};
use containai::host::Ping;
use containai::model::address::Kind;
use containai::plan::{Action, Change, Disruption, Plan, Reason};
use containai::resource::facts::{Facts, HostFile};
use serde_json::json;

use super::{change, effects, plan, reasons, steps, stops};
use crate::support::machine::{bend_guest, config, config_with, healthy};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        keys_that_others_wrote_stay_in_daemon_json,
        a_key_that_can_be_reloaded_is_reloaded,
        a_key_that_cannot_restarts_the_daemon_and_keeps_containers,
        without_live_restore_the_plan_says_what_stops,
        a_bridge_with_containers_keeps_its_address_and_the_plan_says_so,
        a_seccomp_profile_with_another_text_restarts_the_daemon,
        a_daemon_that_never_took_its_file_over_does_so,
        a_file_that_is_no_json_stops_the_plan,
        a_default_runtime_that_is_not_defined_stops_the_plan,
        a_runtime_from_dockerds_command_line_may_be_the_default,
        a_failed_boot_script_is_run_again,
        a_socket_of_another_group_is_given_back,
        a_socket_that_others_may_open_is_closed,
        a_socket_gets_its_group_also_beside_what_an_installation_mends,
        a_socket_that_is_closed_to_its_group_is_opened_to_it,
        a_masked_service_is_drift,
        strategy_never_allows_what_stops_nothing,
        strategy_never_forbids_what_stops_something,
        what_strategy_never_forbids_is_named,
        another_version_of_docker_restarts_it_and_says_what_stops,
        strategy_vm_restarts_the_vm_for_everything,
        an_engine_of_another_package_is_told_and_left,
    ]
}

pub(super) fn named<'a>(plan: &'a Plan, address: &str) -> &'a Change {
    plan.changes.iter().find(|change| change.address.to_string() == address).unwrap()
}

/// Adds these keys to the file, and dockerd has loaded them.
pub(super) fn with_keys(facts: &mut Facts, keys: &str) {
    bend_guest(facts, |guest| {
        guest.daemon_json.text = Some(format!("{{\"live-restore\": true, {keys}}}"));
    });
}

/// The content that the plan writes to `daemon.json`.
pub(super) fn daemon_json(plan: &Plan) -> serde_json::Value {
    let change = named(plan, "provision.daemon");
    serde_json::from_str(change.after.text("/etc/docker/daemon.json").unwrap()).unwrap()
}

fn keys_that_others_wrote_stay_in_daemon_json() {
    let config = config_with("[docker.daemon]\ndebug = true\n");
    let mut facts = healthy(&config);
    with_keys(&mut facts, "\"labels\": [\"by=hand\"]");
    let plan = plan(&config, &facts);
    assert_eq!(
        daemon_json(&plan),
        serde_json::json!({"live-restore": true, "labels": ["by=hand"], "debug": true})
    );
}

fn a_key_that_can_be_reloaded_is_reloaded() {
    let config = config_with("[docker.daemon]\ndebug = true\n");
    let plan = plan(&config, &healthy(&config));
    assert_eq!(
        effects(&plan),
        [(Kind::PROVISION, Action::Update), (Kind::RESTART, Action::Refresh)]
    );
    let write = steps(named(&plan, "provision.daemon"));
    assert!(write[0].contains("write-daemon-json"), "{write:?}");
    let restart = change(&plan, Kind::RESTART);
    assert_eq!(restart.disruption, Disruption::Reload, "{}", reasons(restart));
    assert!(steps(restart)[0].contains("reload-docker"));
    assert_eq!(restart.fallback, None);
}

fn a_key_that_cannot_restarts_the_daemon_and_keeps_containers() {
    let config = config_with("[docker.daemon]\nbip = \"10.9.0.1/24\"\n");
    let plan = plan(&config, &healthy(&config));
    let restart = change(&plan, Kind::RESTART);
    assert_eq!(restart.disruption, Disruption::DaemonRestart);
    assert_eq!(stops(restart), [""; 0], "live-restore keeps them");
    let steps = steps(restart);
    // The reload loads live-restore before dockerd stops. It does not count as loading the other
    // key, which needs the restart.
    assert!(steps[0].ends_with("reload-docker keep'"), "{steps:?}");
    assert!(steps[1].contains("restart-docker"), "{steps:?}");
}

fn without_live_restore_the_plan_says_what_stops() {
    let config = config_with("[docker.daemon]\nbip = \"10.9.0.1/24\"\nlive-restore = false\n");
    let plan = plan(&config, &healthy(&config));
    assert_eq!(stops(change(&plan, Kind::RESTART)), ["agent-1"]);
}

fn a_bridge_with_containers_keeps_its_address_and_the_plan_says_so() {
    let config = config_with("[docker.daemon]\nbip = \"10.9.0.1/24\"\n");
    let mut facts = healthy(&config);
    let why = "dockerd keeps its bridge address";
    assert!(reasons(change(&plan(&config, &facts), Kind::RESTART)).contains(why));
    bend_guest(&mut facts, |guest| guest.containers = Some(vec![]));
    assert!(!reasons(change(&plan(&config, &facts), Kind::RESTART)).contains(why));
}

fn a_seccomp_profile_with_another_text_restarts_the_daemon() {
    let mut config = config();
    config.docker.seccomp_profile = Some("/p.json".into());
    let mut facts = healthy(&config);
    let keys = "{\"live-restore\": true, \"seccomp-profile\": \"/etc/docker/cai-seccomp.json\"}";
    facts.files = [("/p.json".into(), HostFile { sha256: "new".into(), text: None })].into();
    bend_guest(&mut facts, |guest| {
        guest.daemon_json.text = Some(keys.into());
        guest.seccomp_profile = Some("old".into());
    });
    let due = |facts: &Facts| {
        let plan = plan(&config, facts);
        let restart = change(&plan, Kind::RESTART);
        assert_eq!(restart.disruption, Disruption::DaemonRestart);
        (reasons(restart), effects(&plan).len())
    };
    assert_eq!(due(&facts), ("dockerd must be restarted to load: seccomp-profile".into(), 2));
    // The apply was interrupted between these two steps.
    bend_guest(&mut facts, |guest| {
        guest.seccomp_profile = Some("new".into());
        guest.daemon_json.profile_is_newer = true;
    });
    let predates = "dockerd must be restarted to load: seccomp-profile";
    assert_eq!(due(&facts), (predates.into(), 1));
    bend_guest(&mut facts, |guest| guest.daemon_json.profile_is_newer = false);
    assert!(plan(&config, &facts).is_empty());
}

fn a_daemon_that_never_took_its_file_over_does_so() {
    let config = config_with("[docker.daemon]\ndebug = true\n");
    for (loaded, disruption) in [
        (LoadedJson::Older("{\"live-restore\": true}".into()), Disruption::Reload),
        // Whether a reload is enough is unknown. live-restore and debug are reloadable.
        (LoadedJson::Unknown, Disruption::Reload),
    ] {
        let mut facts = healthy(&config);
        with_keys(&mut facts, "\"debug\": true");
        bend_guest(&mut facts, |guest| guest.daemon_json.loaded = loaded);
        let plan = plan(&config, &facts);
        assert_eq!(effects(&plan), [(Kind::RESTART, Action::Refresh)]);
        assert_eq!(change(&plan, Kind::RESTART).disruption, disruption);
    }
}

fn a_file_that_is_no_json_stops_the_plan() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| guest.daemon_json.text = Some("{\"debug\": tru".into()));
    let plan = plan(&config, &facts);
    let problem = named(&plan, "provision.daemon").problem.as_ref().unwrap();
    assert!(problem.to_string().contains("/etc/docker/daemon.json"), "{problem}");
}

fn a_default_runtime_that_is_not_defined_stops_the_plan() {
    // Both without and with a change to a declared key.
    for config in [config(), config_with("[docker.daemon]\ndebug = true\n")] {
        let planned = |keys: &str| {
            let mut facts = healthy(&config);
            with_keys(&mut facts, keys);
            plan(&config, &facts)
        };
        let broken = planned("\"default-runtime\": \"crun\"");
        let [(address, problem)] = broken.problems().collect::<Vec<_>>()[..] else {
            panic!("{broken:?}")
        };
        let expected =
            "default-runtime in /etc/docker/daemon.json names crun, which is not defined";
        assert!(problem.to_string().starts_with(expected), "{problem}");
        assert_eq!(
            problem.hint(),
            "in the guest, define crun under \"runtimes\" in that file, or remove \
             \"default-runtime\" from it"
        );
        assert!(broken.effective().any(|change| change.address == *address), "it is not shown");
        for good in [
            "\"default-runtime\": \"crun\", \"runtimes\": {\"crun\": {\"path\": \"crun\"}}",
            "\"default-runtime\": \"io.containerd.kata.v2\"",
            "\"default-runtime\": \"runc\"",
            "\"default-runtime\": \"\"",
        ] {
            assert_eq!(planned(good).problems().count(), 0, "{good}");
        }
        assert_eq!(planned("\"default-runtime\": 5").problems().count(), 1, "a number");
    }
}

fn a_runtime_from_dockerds_command_line_may_be_the_default() {
    let config = config();
    let mut facts = healthy(&config);
    with_keys(&mut facts, "\"default-runtime\": \"nvidia\"");
    let runtimes = json!({"runtimes": {"nvidia": {}, "runc": {}}});
    let in_force = runtimes.as_object().unwrap().clone();
    bend_guest(&mut facts, |guest| {
        guest.engine = Some(Engine { in_force, ..Engine::default() });
    });
    assert_eq!(plan(&config, &facts).problems().count(), 0);
}

fn a_failed_boot_script_is_run_again() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| guest.provision_failed = Some("100".into()));
    let plan = plan(&config, &facts);
    let docker = named(&plan, "provision.docker");
    assert_eq!(docker.changed(), ["boot_script"]);
    assert!(steps(docker)[0].contains("sh -s -- docker preinstalled"), "{:?}", steps(docker));
}

fn a_socket_of_another_group_is_given_back() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| guest.socket.as_mut().unwrap().group = "root".into());
    let plan = plan(&config, &facts);
    let docker = named(&plan, "provision.docker");
    assert!(steps(docker)[0].contains("chgrp docker /var/run/docker.sock"), "{:?}", steps(docker));
    assert_eq!(docker.steps.len(), 1, "nothing else is the matter");
}

fn a_masked_service_is_drift() {
    let config = config();
    for (enabled, drifts) in
        [("masked", true), ("disabled", true), ("static", false), ("alias", false)]
    {
        let mut facts = healthy(&config);
        let unit = Unit { active: "active".into(), enabled: enabled.into() };
        bend_guest(&mut facts, |guest| {
            guest.units.insert(DOCKER_SERVICE.into(), unit);
        });
        assert_eq!(!plan(&config, &facts).is_empty(), drifts, "{enabled}");
    }
}

fn another_version_of_docker_restarts_it_and_says_what_stops() {
    let installed = |facts: &mut Facts, version: &str| {
        bend_guest(facts, |guest| {
            guest.packages.insert("docker-ce".into(), version.into());
        });
    };
    let planned = |rest: &str, version: &str, daemon: &str| {
        let source = "[docker]\nsource = \"docker-ce\"\n";
        let config = config::parse(&format!(
            "version = 1\n{source}{rest}\n[docker.daemon]\n{daemon}\n[sysbox]\nenabled = false\n"
        ))
        .unwrap();
        let mut facts = healthy(&config);
        installed(&mut facts, version);
        named(&plan(&config, &facts), "provision.docker").clone()
    };
    let ubuntu = "5:28.5.2-1~ubuntu.24.04~noble";
    // A version matches in full or by its first numbers, but not by digits elsewhere in it.
    for same in ["28.5.2", "28.5", "28", "28.5.2-1", "5:28.5.2-1~ubuntu.24.04~noble"] {
        let change = planned(&format!("version = \"{same}\""), ubuntu, "");
        assert!(change.is_without_effect(), "{same}: {change:?}");
    }
    for other in ["24.04", "8.5.2", "28.5.1", "2"] {
        let change = planned(&format!("version = \"{other}\""), ubuntu, "");
        assert_eq!(change.disruption, Disruption::DaemonRestart, "{other}: {change:?}");
        assert_eq!(stops(&change), [""; 0], "live-restore keeps them");
    }
    // A full revision is pinned exactly.
    let pinned = planned("version = \"24.0.7-0ubuntu4\"", "24.0.7-0ubuntu4.1", "");
    assert!(!pinned.is_without_effect());
    let change = planned("version = \"27.5.1\"", ubuntu, "live-restore = false");
    assert_eq!(stops(&change), ["agent-1"]);
    let never = "live-restore = false\n[restart]\nstrategy = \"never\"";
    assert!(planned("version = \"27.5.1\"", ubuntu, never).problem.is_some());
}

fn a_socket_that_others_may_open_is_closed() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        guest.socket.as_mut().unwrap().mode = "666".into();
    });
    let in_guest = plan(&config, &facts);
    let docker = named(&in_guest, "provision.docker");
    assert!(steps(docker)[0].ends_with("chmod 660 /var/run/docker.sock'"), "{:?}", steps(docker));
    assert_eq!(docker.changed(), ["socket_access"]);
    let facts = Facts { exposed: true, ..healthy(&config) };
    let on_host = plan(&config, &facts);
    let socket = change(&on_host, Kind::SOCKET);
    assert_eq!(effects(&on_host), [(Kind::SOCKET, Action::Update)]);
    assert!(reasons(socket).contains("other users of this machine can open"), "{socket:?}");
    assert!(steps(socket)[2].contains("-O forward"), "{:?}", steps(socket));
}

fn a_socket_gets_its_group_also_beside_what_an_installation_mends() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        guest.provision_failed = Some("100".into());
        let socket = guest.socket.as_mut().unwrap();
        (socket.group, socket.gid) = ("root".into(), 0);
    });
    facts.socket = Some(Ping::Closed);
    let plan = plan(&config, &facts);
    let steps = steps(named(&plan, "provision.docker"));
    let last = steps.last().unwrap();
    assert!(last.ends_with("chgrp docker /var/run/docker.sock'"), "{steps:?}");
    assert_eq!(steps.len(), 2, "{steps:?}");
}

fn a_socket_that_is_closed_to_its_group_is_opened_to_it() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        guest.socket.as_mut().unwrap().mode = "600".into();
    });
    facts.socket = Some(Ping::Closed);
    let plan = plan(&config, &facts);
    let docker = named(&plan, "provision.docker");
    assert!(steps(docker)[0].ends_with("chmod 660 /var/run/docker.sock'"), "{:?}", steps(docker));
    assert_eq!(docker.changed(), ["socket_access"]);
    assert_eq!(
        effects(&plan),
        [(Kind::PROVISION, Action::Update), (Kind::SOCKET, Action::Deferred)]
    );
    assert_eq!(plan.problems().count(), 0);
}

/// The problem of a plan with `strategy = "never"` for a machine changed by `bend`.
fn never(lines: &str, bend: impl FnOnce(&mut GuestFacts)) -> Option<String> {
    let config = config_with(&format!("{lines}\n[restart]\nstrategy = \"never\"\n"));
    let mut facts = healthy(&config);
    bend_guest(&mut facts, bend);
    let plan = plan(&config, &facts);
    let mut problems = plan.problems().map(|(address, problem)| format!("{address}: {problem}"));
    problems.next()
}

fn strategy_never_allows_what_stops_nothing() {
    assert_eq!(never("[docker.daemon]\ndebug = true", |_| {}), None, "a reload");
    let bip = "[docker.daemon]\nbip = \"10.9.0.1/24\"";
    assert_eq!(never(bip, |_| {}), None, "live-restore keeps the containers");
    let without = "[docker.daemon]\nlive-restore = false\nbip = \"10.9.0.1/24\"";
    assert_eq!(never(without, |guest| guest.containers = Some(vec![])), None, "nothing runs");
    let stale = |guest: &mut GuestFacts| guest.session_groups.retain(|it| it != "docker");
    assert_eq!(never("", stale), None, "a session refresh");
}

fn strategy_never_forbids_what_stops_something() {
    let why = "but the file has strategy = \"never\" under [restart]";
    let without = "[docker.daemon]\nlive-restore = false\nbip = \"10.9.0.1/24\"";
    let restart = format!("restart.containai-secure: a dockerd restart is required, {why}");
    assert_eq!(never(without, |_| {}), Some(restart.clone()));
    assert_eq!(never(without, |guest| guest.containers = None), Some(restart), "not listed");
    let vm = format!("restart.containai-secure: a VM restart is required, {why}");
    assert_eq!(never("", |guest| guest.cpus = Some(1)), Some(vm));
    let silent = |guest: &mut GuestFacts| {
        guest.docker_as_root = Some(Section { text: "no answer".into(), status: 1 });
    };
    let docker = format!("provision.docker: a dockerd restart is required, {why}");
    assert_eq!(never("", silent), Some(docker));
}

fn what_strategy_never_forbids_is_named() {
    let config = config_with(
        "[docker.daemon]\nlive-restore = false\nbip = \"10.9.0.1/24\"\n[restart]\nstrategy = \"never\"\n",
    );
    let plan = plan(&config, &healthy(&config));
    let restart = change(&plan, Kind::RESTART);
    assert_eq!(stops(restart), ["agent-1"]);
    assert_eq!(steps(restart), [""; 0]);
}

fn strategy_vm_restarts_the_vm_for_everything() {
    let config = config_with("[docker.daemon]\ndebug = true\n[restart]\nstrategy = \"vm\"\n");
    let plan = plan(&config, &healthy(&config));
    let restart = change(&plan, Kind::RESTART);
    assert_eq!(restart.disruption, Disruption::VmRestart);
    assert_eq!(stops(restart), ["agent-1"]);
}

fn an_engine_of_another_package_is_told_and_left() {
    let declared = |docker: &str| {
        let file = format!("version = 1\n[sysbox]\nenabled = false\n[docker]\n{docker}");
        config::parse(&file).unwrap()
    };
    let planned = |docker: &str| {
        let config = declared(docker);
        let plan = plan(&config, &healthy(&config));
        named(&plan, "provision.docker").clone()
    };
    // The engine of the healthy machine is docker.io.
    let change = planned("source = \"docker-ce\"");
    assert_eq!(change.action, Action::NoOp);
    let told = Reason::OtherPackage { installed: "docker.io".into(), source: "docker-ce" };
    assert_eq!(change.reasons, [told]);
    assert_eq!(planned("source = \"distro\"").reasons, []);
    // The requested version applies to the package, which is then installed.
    let change = planned("source = \"docker-ce\"\nversion = \"28.5.1\"");
    assert_eq!(change.action, Action::Update);
    assert!(!change.reasons.iter().any(Reason::is_remark), "{:?}", change.reasons);
}
