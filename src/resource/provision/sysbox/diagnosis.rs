//! Why no container can start with Sysbox, or every container does.

use super::UNITS;
use crate::guest::provisioning::SYSBOX_PACKAGE;
use crate::guest::{GuestFacts, Unfinished};
use crate::model::daemon_key::SYSBOX_RUNTIME;
use crate::model::listed;
use crate::plan::{Code, Finding, Severity};
use crate::resource::Case;

/// Finds faults of Sysbox if the file enables it. Without a file, if it is installed.
pub(in crate::resource) fn diagnose(case: &Case<'_>, guest: &GuestFacts) -> Vec<Finding> {
    if !guest.dockerd_installed {
        return Vec::new();
    }
    let is_installed = guest.packages.contains_key(SYSBOX_PACKAGE);
    let is_unfinished = guest.unfinished.contains_key(SYSBOX_PACKAGE);
    let is_configured = guest.daemon_json.keys().is_ok_and(|keys| {
        keys.get("runtimes").is_some_and(|runtimes| runtimes.get(SYSBOX_RUNTIME).is_some())
    });
    let is_wanted =
        if case.is_declared { case.config.sysbox.enabled } else { is_installed || is_configured };
    let is_wanted = is_wanted || is_unfinished;
    let mut findings = Vec::new();
    if is_wanted {
        findings.extend(missing(case, guest, is_installed, is_configured));
    }
    if guest.runtimes.first().is_some_and(|default| default == SYSBOX_RUNTIME)
        && !case.config.sysbox.default_runtime
    {
        findings.push(default(case, guest));
    }
    findings
}

fn missing(
    case: &Case<'_>,
    guest: &GuestFacts,
    is_installed: bool,
    is_configured: bool,
) -> Option<Finding> {
    let states: Vec<String> = UNITS
        .iter()
        .map(|name| {
            let state = guest.units.get(*name).map_or("not found", |unit| unit.active.as_str());
            format!("{name} {state}")
        })
        .collect();
    let seen = |code| {
        Finding::new(code, Case::sysbox())
            .saw("package", guest.packages.get(SYSBOX_PACKAGE).cloned())
            .saw("services", states.clone())
            .saw("runtimes", guest.runtimes.clone())
            .repaired_by([Case::daemon(), Case::sysbox(), case.restart()])
            .by_hand("cai apply")
    };
    if let Some(Unfinished { status, version }) = guest.unfinished.get(SYSBOX_PACKAGE) {
        let by_hand = "in the guest, run sudo dpkg --configure -a; if that fails, run sudo dpkg --purge sysbox-ce";
        return Some(
            seen(Code::SysboxUnfinished)
                .saw("package", format!("{version} {status}"))
                .because(format!("dpkg reports sysbox-ce {version} as {status}, not installed"))
                .so("no container can start with sysbox-runc, and apt-get fails in the guest")
                .by_hand(by_hand),
        );
    }
    if !is_installed {
        return Some(
            seen(Code::SysboxMissing)
                .because("the package sysbox-ce is not installed in the guest")
                .so("no container can start with sysbox-runc"),
        );
    }
    let down: Vec<&str> = UNITS.into_iter().filter(|unit| !guest.is_active(unit)).collect();
    if !down.is_empty() {
        let verb = if down.len() == 1 { "is" } else { "are" };
        return Some(
            seen(Code::SysboxServicesDown)
                .because(format!("{} {verb} not active in the guest", listed(&down)))
                .so("no container can start with sysbox-runc, and running ones may not work"),
        );
    }
    // If its configuration lacks it or was not loaded, another finding says so.
    let is_explained = case.effect(&Case::daemon()).is_some()
        || case.effect(&case.restart()).is_some()
        || !is_configured;
    let is_known = guest.runtimes.iter().any(|name| name == SYSBOX_RUNTIME);
    (guest.docker_answers() && !is_known && !is_explained).then(|| {
        seen(Code::SysboxMissing)
            .because("dockerd does not know the runtime sysbox-runc, although daemon.json has it")
            .by_hand("restart dockerd in the guest: sudo systemctl restart docker")
    })
}

fn default(case: &Case<'_>, guest: &GuestFacts) -> Finding {
    let finding = Finding::new(Code::SysboxDefault, Case::daemon())
        .saw("default_runtime", SYSBOX_RUNTIME)
        .saw("runtimes", guest.runtimes.clone())
        .because("dockerd uses sysbox-runc for every container that names no runtime")
        .repaired_by([Case::daemon(), case.restart()]);
    // The engine's own file, which is not here, may say so.
    let finding = finding.by_hand("run `cai apply` with the engine's containai.toml");
    if case.is_declared { finding } else { finding.severity(Severity::Notice) }
}
