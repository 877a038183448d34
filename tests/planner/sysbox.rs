//! Sysbox in the guest: its package, its services, and who stops with them.

use containai::config::Config;
use containai::facts::Facts;
use containai::guest::DOCKER_SERVICE;
use containai::plan::Disruption;

use super::provision::{daemon_json, named, with_keys};
use super::{effects, plan, steps, stops};
use crate::support::machine::{bend_guest, config_with, container, healthy};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        sysbox_is_installed_after_its_network_keys_are_there,
        sysbox_is_never_the_default_unless_the_file_says_so,
        an_upgrade_of_sysbox_names_the_containers_that_it_stops,
        an_upgrade_of_sysbox_finds_its_network_keys,
        a_restart_of_sysboxs_services_is_none_of_dockerd,
        sysbox_of_an_unknown_machine_stops_the_plan,
        a_vendors_build_and_debians_revision_are_told_apart,
    ]
}

const SYSBOX: &str = "[sysbox]\nenabled = true\n";

/// A machine that has Sysbox as the file says.
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
    assert!(steps(sysbox)[0].contains("docker stop id-of-inner"), "{:?}", steps(sysbox));
    assert_eq!(sysbox.disruption, Disruption::SysboxRestart);
}

/// The package of another version looks for its network keys by text, too, and gives up without them.
fn an_upgrade_of_sysbox_finds_its_network_keys() {
    let config = config_with(SYSBOX);
    for (installed, is_rewritten) in [("0.6.7.linux", true), ("0.7.1.linux", false)] {
        let mut facts = sysboxed(&config);
        bend_guest(&mut facts, |guest| {
            guest.packages.insert("sysbox-ce".into(), installed.into());
        });
        let plan = plan(&config, &facts);
        let mut changes = plan.effective();
        match changes.find(|change| change.address.to_string() == "provision.daemon") {
            None => assert!(!is_rewritten, "{installed}: {:?}", effects(&plan)),
            Some(daemon) => {
                let text = daemon.after.text("/etc/docker/daemon.json").unwrap();
                let found = text.lines().any(|line| line.starts_with("    \"bip\": \"1"));
                assert!(is_rewritten && found, "{installed}: {text}");
            }
        }
    }
}

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
    let steps = steps(sysbox);
    assert!(steps[0].contains("docker stop id-of-inner"), "{steps:?}");
    assert!(steps[1].contains("systemctl restart sysbox.service"), "{steps:?}");
    assert_eq!((steps.len(), plan.disrupting(Disruption::DaemonRestart)), (2, 0));
    // What was shown allows no more than what stops with Sysbox.
    let mut more = sysbox.clone();
    more.stops.as_mut().unwrap().push(container("another", "sysbox-runc"));
    assert!(sysbox.allows(sysbox) && !sysbox.allows(&more));
}

fn sysbox_of_an_unknown_machine_stops_the_plan() {
    let config = config_with(SYSBOX);
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| guest.arch = "riscv64".into());
    let plan = plan(&config, &facts);
    let problem = named(&plan, "provision.sysbox").problem.as_ref().unwrap();
    assert_eq!(problem.to_string(), "Sysbox has no package for riscv64");
}

fn a_vendors_build_and_debians_revision_are_told_apart() {
    let config = config_with(SYSBOX);
    for (installed, is_wanted) in [("0.7.0", true), ("0.7.0+vendor.1-0.linux", false)] {
        let mut facts = sysboxed(&config);
        bend_guest(&mut facts, |guest| {
            guest.packages.insert("sysbox-ce".into(), installed.into());
        });
        assert_eq!(plan(&config, &facts).is_empty(), is_wanted, "{installed}");
    }
}
