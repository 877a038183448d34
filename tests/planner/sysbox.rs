//! Sysbox in the guest: its package, its services, and the containers that stop with them.

use containai::config::Config;
use containai::guest::{Container, DOCKER_SERVICE, Unfinished};
use containai::host::Input;
use containai::lima::Status;
use containai::model::address::Kind;
use containai::plan::{Action, Change, Declared, Disruption, Plan, StepAction, Unshown};
use containai::report::{self, Layout};
use containai::resource::facts::Facts;
use serde_json::json;

use super::provision::{daemon_json, named, with_keys};
use super::{change, plan, reasons, steps, stops};
use crate::support::machine::{bend_guest, config_with, container, healthy, put_down};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        sysbox_is_installed_after_its_network_keys_are_there,
        sysbox_is_never_the_default_unless_the_file_says_so,
        a_plan_of_a_stopped_vm_names_the_keys_that_it_may_set,
        an_upgrade_of_sysbox_names_the_containers_that_it_stops,
        a_restart_of_sysboxs_services_is_none_of_dockerd,
        sysbox_of_an_unknown_machine_stops_the_plan,
        a_version_is_what_dpkg_reports,
        a_half_configured_package_is_explained_and_not_removed,
        containers_start_again_in_the_order_in_which_they_were_started,
        a_container_that_goes_when_it_stops_is_not_said_to_start_again,
        what_an_interrupted_run_left_stopped_is_started,
    ]
}

const SYSBOX: &str = "[sysbox]\nenabled = true\n";

/// A machine with Sysbox as declared.
fn sysboxed(config: &Config) -> Facts {
    let mut facts = healthy(config);
    with_keys(
        &mut facts,
        "\"runtimes\": {\"sysbox-runc\": {\"path\": \"/usr/bin/sysbox-runc\"}}, \
         \"bip\": \"172.20.0.1/16\", \"default-address-pools\": []",
    );
    bend_guest(&mut facts, |guest| {
        guest.packages.insert("sysbox-ce".into(), "0.7.1.linux".into());
        for unit in ["sysbox.service", "sysbox-mgr.service", "sysbox-fs.service"] {
            guest.units.insert(unit.into(), guest.units[DOCKER_SERVICE].clone());
        }
    });
    facts
}

fn sysbox_is_installed_after_its_network_keys_are_there() {
    let config = config_with(SYSBOX);
    let plan = plan(&config, &healthy(&config));
    let order: Vec<String> = plan.effective().map(|change| change.address.to_string()).collect();
    assert_eq!(order, ["provision.daemon", "provision.sysbox", "restart.containai-secure"]);
    let keys = daemon_json(&plan);
    assert_eq!(keys["runtimes"]["sysbox-runc"]["path"], "/usr/bin/sysbox-runc");
    assert!(keys["bip"].is_string() && keys["default-address-pools"].is_array(), "{keys}");
    let sysbox = named(&plan, "provision.sysbox");
    let install = &steps(sysbox)[0];
    let checksum = "9d6d5484f980d0a17f86c492c1262015c2afb66280bdb97215b79fde6a0261c5";
    assert!(install.contains("fetch-sysbox 0.7.1") && install.contains(checksum), "{install}");
    assert_eq!(sysbox.disruption, Disruption::None);
    assert!(super::plan(&config, &sysboxed(&config)).is_empty(), "and then nothing is left");
}

fn sysbox_is_never_the_default_unless_the_file_says_so() {
    let config = config_with(SYSBOX);
    let mut facts = sysboxed(&config);
    bend_guest(&mut facts, |guest| {
        let text = guest.daemon_json.text.take().unwrap();
        let with_default = text.replace("{\"live", "{\"default-runtime\": \"sysbox-runc\", \"live");
        guest.daemon_json.text = Some(with_default);
    });
    let drift = plan(&config, &facts);
    assert_eq!(daemon_json(&drift)["default-runtime"], "runc");
    let wanted = config_with("[sysbox]\nenabled = true\ndefault_runtime = true\n");
    assert!(plan(&wanted, &facts).is_empty());
}

fn a_plan_of_a_stopped_vm_names_the_keys_that_it_may_set() {
    let config = config_with(&format!("{SYSBOX}[docker.daemon]\nlog-driver = \"local\"\n"));
    let mut stopped = sysboxed(&config);
    put_down(&mut stopped, Status::Stopped);
    let plan_of_stopped = plan(&config, &stopped);
    assert_eq!(
        daemon_json(&plan_of_stopped),
        json!({
            "live-restore": true,
            "log-driver": "local",
            "runtimes": {"sysbox-runc": {"path": "/usr/bin/sysbox-runc"}},
        })
    );
    let shown = named(&plan_of_stopped, "provision.daemon");
    let may = "may also set bip, default-address-pools, default-runtime (known after apply)";
    assert!(reasons(shown).contains(may), "{}", reasons(shown));
    for text in [
        "{}",
        r#"{"default-runtime": "sysbox-runc"}"#,
        r#"{"default-address-pools": [{"base": "172.20.0.0/16", "size": 24}]}"#,
    ] {
        let mut facts = sysboxed(&config);
        bend_guest(&mut facts, |guest| guest.daemon_json.text = Some(text.into()));
        let now = plan(&config, &facts);
        assert_eq!(shown.lacks(named(&now, "provision.daemon"), false), None, "{text}");
    }
    let own = config_with("[sysbox]\nenabled = true\ndefault_runtime = true\n");
    let own = plan(&own, &stopped);
    assert_eq!(daemon_json(&own)["default-runtime"], "sysbox-runc");
    assert!(!reasons(named(&own, "provision.daemon")).contains("default-runtime"));
}

fn an_upgrade_of_sysbox_names_the_containers_that_it_stops() {
    let config = config_with(SYSBOX);
    let mut facts = sysboxed(&config);
    bend_guest(&mut facts, |guest| {
        guest.packages.insert("sysbox-ce".into(), "0.6.7.linux".into());
        let containers = guest.containers.as_mut().unwrap();
        containers.push(container("inner", "sysbox-runc"));
    });
    let plan = plan(&config, &facts);
    let sysbox = named(&plan, "provision.sysbox");
    assert_eq!(stops(sysbox), ["inner"], "runc's containers are not its business");
    // Nothing stops before the package is downloaded. dpkg gets the version as it reports it.
    let order = [
        "fetch-sysbox",
        "remember-",
        "stop id-of-inner",
        "install-sysbox 0.7.1 0.6.7.linux",
        "start-",
    ];
    follow(sysbox, &order);
    assert_eq!(sysbox.disruption, Disruption::SysboxRestart);
    let rescued: Vec<bool> = sysbox.steps.iter().map(|step| !step.rescue.is_empty()).collect();
    assert_eq!(
        rescued,
        [false, false, true, true, false],
        "a failed step leaves a container stopped"
    );
}

/// The package of another version also searches for its network keys as text, and fails without
/// them.
fn a_restart_of_sysboxs_services_is_none_of_dockerd() {
    let config = config_with(SYSBOX);
    let mut facts = sysboxed(&config);
    bend_guest(&mut facts, |guest| {
        guest.units.get_mut("sysbox-fs.service").unwrap().active = "failed".into();
        guest.containers.as_mut().unwrap().push(container("inner", "sysbox-runc"));
    });
    let plan = plan(&config, &facts);
    let sysbox = named(&plan, "provision.sysbox");
    assert_eq!((sysbox.disruption, stops(sysbox)), (Disruption::SysboxRestart, vec!["inner"]));
    follow(sysbox, &["remember-", "docker stop id-of-inner", "restart-sysbox", "start-containers"]);
    assert_eq!(plan.disrupting(Disruption::DaemonRestart), 0);
    // An approved plan does not allow more than what stops with Sysbox.
    let mut more = sysbox.clone();
    more.stops.as_mut().unwrap().push(container("another", "sysbox-runc"));
    assert_eq!(sysbox.lacks(sysbox, false), None);
    assert_eq!(sysbox.lacks(&more, false), Some(Unshown::Stops(vec!["another".into()])));
}

fn sysbox_of_an_unknown_machine_stops_the_plan() {
    let config = config_with(SYSBOX);
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| guest.arch = "riscv64".into());
    let plan = plan(&config, &facts);
    let problem = named(&plan, "provision.sysbox").problem.as_ref().unwrap();
    assert_eq!(problem.to_string(), "Sysbox is not available for riscv64");
}

/// dpkg reports `0.7.1.linux`. A plan that mistakes this for another version would remove the right
/// one.
fn a_version_is_what_dpkg_reports() {
    let config = config_with(SYSBOX);
    for (installed, is_wanted) in [
        ("0.7.1.linux", true),
        ("0.7.1-0.linux", true),
        ("0.7.1", true),
        ("0.7.0.linux", false),
        ("0.7.1+vendor.1.linux", false),
    ] {
        let mut facts = sysboxed(&config);
        bend_guest(&mut facts, |guest| {
            guest.packages.insert("sysbox-ce".into(), installed.into());
        });
        assert_eq!(plan(&config, &facts).is_empty(), is_wanted, "{installed}");
    }
}

/// Checks that each step of a change contains the corresponding text.
#[track_caller]
fn follow(change: &Change, words: &[&str]) {
    let steps = steps(change);
    assert_eq!(steps.len(), words.len(), "{steps:?}");
    for (step, words) in steps.iter().zip(words) {
        assert!(step.contains(words), "{words}: {step}");
    }
}

/// The plan's text about one change.
fn said(config: &Config, plan: &Plan, facts: &Facts) -> String {
    let declared = [Declared { file: "containai.toml", layers: &[], vm: config.vm.name.as_str() }];
    let layout = Layout { width: 200, ..Layout::default() };
    report::plan(plan, &declared, std::slice::from_ref(facts), layout)
}

fn half_configured(config: &Config, version: &str) -> Facts {
    let mut facts = sysboxed(config);
    bend_guest(&mut facts, |guest| {
        guest.packages.remove("sysbox-ce");
        let (status, version) = ("half-configured".into(), version.into());
        guest.unfinished.insert("sysbox-ce".into(), Unfinished { status, version });
        for unit in ["sysbox.service", "sysbox-mgr.service", "sysbox-fs.service"] {
            guest.units.get_mut(unit).unwrap().active = "inactive".into();
        }
    });
    facts
}

fn a_half_configured_package_is_explained_and_not_removed() {
    let config = config_with(SYSBOX);
    let facts = half_configured(&config, "0.7.1.linux");
    let plan = plan(&config, &facts);
    let sysbox = named(&plan, "provision.sysbox");
    assert_eq!(sysbox.changed(), ["services", "package"]);
    assert!(reasons(sysbox).contains("sysbox-ce is incomplete (half-configured)"));
    follow(sysbox, &["fetch-sysbox", "install-sysbox 0.7.1 ''"]);
    // Another version is removed first.
    let facts = half_configured(&config, "0.7.0.linux");
    let plan = super::plan(&config, &facts);
    follow(named(&plan, "provision.sysbox"), &["fetch-sysbox", "install-sysbox 0.7.1 0.7.0.linux"]);
}

/// The containers that the first step records, in order.
fn noted(change: &Change) -> Vec<String> {
    let StepAction::Run(command) = &change.steps[0].operation else { panic!("{:?}", change.steps) };
    let Some(Input::Text(script)) = &command.stdin else { panic!("it reads nothing") };
    let note = containai::guest::input(script).unwrap();
    note.lines().map(|line| line.split('|').nth(1).unwrap().to_owned()).collect()
}

fn containers_start_again_in_the_order_in_which_they_were_started() {
    let config = config_with(SYSBOX);
    let mut facts = sysboxed(&config);
    let day = "2026-11-21T10:00:0";
    bend_guest(&mut facts, |guest| {
        guest.units.get_mut("sysbox-mgr.service").unwrap().active = "inactive".into();
        // Docker lists the newest first and omits trailing zeros of fractions.
        for (name, second) in [("third", "1Z"), ("second", "0.75Z"), ("first", "0.7Z")] {
            let started = format!("{day}{second}");
            let it = Container { started, ..container(name, "sysbox-runc") };
            guest.containers.as_mut().unwrap().push(it);
        }
        let left = Container { started: format!("{day}0.72Z"), ..container("left", "sysbox-runc") };
        guest.stopped_by_cai.push(left);
    });
    let plan = plan(&config, &facts);
    let sysbox = named(&plan, "provision.sysbox");
    assert_eq!(noted(sysbox), ["first", "left", "second", "third"]);
    let said = said(&config, &plan, &facts);
    assert!(said.contains("restarts 3 containers: first, second, third"), "{said}");
}

fn a_container_that_goes_when_it_stops_is_not_said_to_start_again() {
    let config = config_with(SYSBOX);
    let mut facts = sysboxed(&config);
    bend_guest(&mut facts, |guest| {
        guest.units.get_mut("sysbox-mgr.service").unwrap().active = "inactive".into();
        let containers = guest.containers.as_mut().unwrap();
        containers.push(container("keep", "sysbox-runc"));
        containers.push(Container { auto_remove: true, ..container("once", "sysbox-runc") });
    });
    let plan = plan(&config, &facts);
    assert_eq!(noted(named(&plan, "provision.sysbox")), ["keep"]);
    let said = said(&config, &plan, &facts);
    let line = "restarts 1 container: keep; stops 1 container: once";
    assert!(said.contains(line), "{said}");
}

fn what_an_interrupted_run_left_stopped_is_started() {
    // No restart is needed, so every restart strategy allows it.
    for strategy in ["auto", "never", "vm"] {
        let config = config_with(&format!("[restart]\nstrategy = \"{strategy}\"\n"));
        let mut facts = healthy(&config);
        assert!(plan(&config, &facts).is_empty());
        bend_guest(&mut facts, |guest| guest.stopped_by_cai.push(container("keep", "runc")));
        let plan = plan(&config, &facts);
        let restart = change(&plan, Kind::RESTART);
        assert_eq!((restart.action, restart.disruption), (Action::Refresh, Disruption::None));
        assert!(reasons(restart).contains("cai stopped keep and did not start it again"));
        follow(restart, &["remember-containers", "start-containers"]);
        assert_eq!(noted(restart), ["keep"]);
    }
}
