//! Settings that dockerd reads only when it starts, if a change of them is interrupted.

use containai::config::{self, Config};
use containai::docker::Environment;
use containai::doctor::{Case, diagnose};
use containai::host::System;
use containai::plan::Disruption;
use containai::reconcile::observe::observe;
use containai::simulate::{Guest, LINUX, SimulatedHost, World};

use super::removal::applied;
use super::{effects, plan};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_restart_that_is_due_is_found_until_it_happened,
        an_incomplete_store_is_completed,
        a_proxy_and_a_certificate_come_before_what_is_downloaded,
    ]
}

const NOTE: &str = "/var/lib/cai/restart-due/certificates";
const INCOMPLETE: &str = "/var/lib/cai/certificates-incomplete";

fn with_trust(more: &str) -> Config {
    let certificate = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/corp-ca.pem");
    config::parse(&format!("version = 1\n[[trust]]\ncertificate = {certificate:?}\n{more}"))
        .unwrap()
}

fn write(host: &SimulatedHost<'_>, path: &str, text: impl Fn(&Guest) -> String) {
    host.change(|world| {
        let guest = world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap();
        let text = text(guest);
        guest.files.insert(path.into(), containai::simulate::File { text, ..Default::default() });
    })
    .unwrap();
}

fn a_restart_that_is_due_is_found_until_it_happened() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let config = with_trust("");
    applied(&host, &config);
    // Another invocation of dockerd has not read them.
    write(&host, NOTE, |_| "another\n".into());
    assert!(plan(&host, &config).is_empty());
    let invocation = |guest: &Guest| format!("{:032x}\n", guest.dockerd.as_ref().unwrap().started);
    write(&host, NOTE, invocation);
    let due = plan(&host, &config);
    let changes: Vec<_> = due.effective().collect();
    assert_eq!(changes.len(), 1, "{}", effects(&due));
    assert_eq!(changes[0].disruption, Disruption::DaemonRestart);
    let reason = "dockerd must be restarted to load: the certificates";
    assert!(changes[0].reasons.iter().any(|it| it.to_string() == reason), "{}", effects(&due));
    let (facts, environment) = (observe(&host, &config).unwrap(), Environment::default());
    let case = Case {
        config: &config,
        is_declared: true,
        facts: &facts,
        environment: &environment,
        plan: &due,
    };
    let findings = diagnose(&case);
    assert!(findings.iter().any(|it| it.cause == reason), "{findings:?}");
    applied(&host, &config);
}

fn an_incomplete_store_is_completed() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let config = with_trust("");
    applied(&host, &config);
    write(&host, INCOMPLETE, |_| String::new());
    assert!(effects(&plan(&host, &config)).contains("trust.corp-ca"));
    applied(&host, &config);
    // The file is deleted, but the store may still have the certificate.
    let without = config::parse("version = 1").unwrap();
    host.change(|world| {
        let guest = world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap();
        guest.files.retain(|path, _| !path.contains("cai-corp-ca"));
    })
    .unwrap();
    write(&host, INCOMPLETE, |_| String::new());
    assert!(effects(&plan(&host, &without)).contains("trust.corp-ca"));
    applied(&host, &without);
    let guest = super::removal::guest(&host.world());
    assert!(!guest.files.contains_key(INCOMPLETE));
}

fn a_proxy_and_a_certificate_come_before_what_is_downloaded() {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let config =
        with_trust("[proxy]\nhttps = \"http://p:1\"\n[egress]\nallow = [\"github.com\"]\n");
    let plan = plan(&host, &config);
    let order: Vec<String> = plan.changes.iter().map(|it| it.address.to_string()).collect();
    let at = |name: &str| order.iter().position(|it| it == name).unwrap();
    for later in ["egress.containers", "provision.docker", "provision.sysbox"] {
        assert!(
            at("proxy.guest") < at("trust.corp-ca") && at("trust.corp-ca") < at(later),
            "{order:?}"
        );
    }
    // The boot script would need them.
    let boot = plan.changes.iter().find(|it| it.address.to_string() == "vm.containai-secure");
    let boot = serde_json::to_string(&boot.unwrap().after).unwrap();
    assert!(!boot.contains("apt-get"), "{boot}");
}
