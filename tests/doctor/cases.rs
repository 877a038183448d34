//! Diagnosing is a pure function: facts go in, findings come out. The table of all is beside it.

use containai::config::{self, Config};
use containai::docker::{ContextMetadata, Environment};
use containai::doctor::{Case, Code, Finding, Severity, diagnose, is_healthy, repair_plan};
use containai::host::Ping;
use containai::lima::{Agent, Status};
use containai::plan::Plan;
use containai::reconcile::graph::Graph;
use containai::resource::facts::Facts;

use super::table::{Bent, CASES, SYSBOX, fail_dockerd, install_sysbox, leave_docker};
use crate::support::machine::{bend_guest, bend_vm, config, config_with, healthy, put_down};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_healthy_machine_has_no_finding,
        each_case_has_its_code_and_no_other,
        what_comes_of_a_cause_is_no_finding_of_its_own,
        two_causes_are_two_findings,
        a_missing_sysbox_explains_its_own_runtime_alone,
        what_is_broken_is_repaired_before_what_differs,
        without_a_file_only_failures_are_findings,
        a_vm_that_should_not_run_is_healthy_when_it_does_not,
        a_mistake_of_the_start_is_none_until_it_is_over,
        a_context_of_somebody_else_is_not_repaired,
    ]
}

fn plan(config: &Config, facts: &Facts) -> Plan {
    Plan::new(&Graph::new(&[config]).unwrap(), std::slice::from_ref(facts))
}

fn find(config: &Config, facts: &Facts, environment: &Environment, declared: bool) -> Vec<Finding> {
    let plan = plan(config, facts);
    diagnose(&Case { config, is_declared: declared, facts, environment, plan: &plan })
}

fn found(config: &Config, facts: &Facts) -> Vec<Finding> {
    find(config, facts, &Environment::default(), true)
}

fn codes(findings: &[Finding]) -> Vec<Code> {
    findings.iter().map(|finding| finding.code).collect()
}

fn file(case: &Bent) -> Config {
    match case.file {
        "#distro" => config::parse("version = 1\n[sysbox]\nenabled = false\n").unwrap(),
        lines => config_with(lines),
    }
}

fn a_healthy_machine_has_no_finding() {
    let config = config();
    assert_eq!(found(&config, &healthy(&config)), []);
    let config = config_with(SYSBOX);
    let mut facts = healthy(&config);
    bend_guest(&mut facts, install_sysbox);
    assert_eq!(found(&config, &facts), []);
}

fn each_case_has_its_code_and_no_other() {
    let mut wrong = Vec::new();
    for (index, case) in CASES.iter().enumerate() {
        let config = file(case);
        let mut facts = healthy(&config);
        let mut environment = Environment::default();
        (case.bend)(&mut facts, &mut environment);
        let findings = find(&config, &facts, &environment, true);
        let name = format!("case {index}, {}", case.code);
        let [finding] = findings.as_slice() else {
            wrong.push(format!("{name}: {findings:#?}"));
            continue;
        };
        let (evidence, value) = case.evidence;
        let seen = finding.observed.get(evidence).map(ToString::to_string).unwrap_or_default();
        let is = (finding.code, finding.severity, finding.fixable, seen.as_str());
        if is != (case.code, case.severity, case.fixable, value) {
            wrong.push(format!("{name}: {finding:#?}"));
        }
        let (why, remedy) = (&finding.cause, &finding.remedy);
        assert!(!why.is_empty() && !remedy.is_empty(), "{name}: {finding:#?}");
        assert_eq!(finding.fixable, remedy == "cai doctor --fix", "{name}: {remedy}");
        assert_eq!(is_healthy(&findings), case.severity == Severity::Notice, "{name}");
        let environment = &environment;
        let plan = plan(&config, &facts);
        let case =
            Case { config: &config, is_declared: true, facts: &facts, environment, plan: &plan };
        assert_eq!(repair_plan(&case, &findings).unwrap().is_some(), finding.fixable, "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn what_comes_of_a_cause_is_no_finding_of_its_own() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, leave_docker);
    facts.socket = Some(Ping::Closed);
    let findings = found(&config, &facts);
    let says = findings[0].consequences.join("\n");
    for consequence in
        ["closes connections without an answer", "dev cannot open /var/run/docker.sock"]
    {
        assert!(says.contains(consequence), "{says}");
    }
    put_down(&mut facts, Status::Stopped);
    let findings = found(&config, &facts);
    let says = findings[0].consequences.join("\n");
    for consequence in ["nothing answers on", "the Docker context containai-secure does not work"] {
        assert!(says.contains(consequence), "{says}");
    }
}

fn two_causes_are_two_findings() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, |guest| {
        leave_docker(guest);
        fail_dockerd(guest);
    });
    facts.socket = None;
    facts.context = None;
    let findings = found(&config, &facts);
    assert_eq!(
        codes(&findings),
        [Code::DockerdDown, Code::GroupMissing, Code::ContextMissing],
        "from the outside in"
    );
}

fn a_missing_sysbox_explains_its_own_runtime_alone() {
    let config =
        config_with(&format!("{SYSBOX}[docker.daemon.runtimes.crun]\npath = \"/usr/bin/crun\"\n"));
    // Purging the package removed its runtime. crun matches the file, or differs from it.
    for (path, expected) in [
        ("/usr/bin/crun", &[Code::SysboxMissing][..]),
        ("/usr/local/bin/crun", &[Code::SysboxMissing, Code::DaemonJsonDrift]),
    ] {
        let mut facts = healthy(&config);
        bend_guest(&mut facts, |guest| {
            install_sysbox(guest);
            guest.packages.remove("sysbox-ce");
            guest.units.retain(|name, _| !name.starts_with("sysbox"));
            let text = guest.daemon_json.text.as_mut().unwrap();
            let own = "\"sysbox-runc\": {\"path\": \"/usr/bin/sysbox-runc\"}";
            assert!(text.contains(own), "{text}");
            *text = text.replace(own, &format!("\"crun\": {{\"path\": \"{path}\"}}"));
        });
        let findings = found(&config, &facts);
        assert_eq!(codes(&findings), expected, "{path}: {findings:#?}");
        if let Some(drift) = findings.get(1) {
            assert_eq!(drift.observed["keys"], serde_json::json!(["runtimes"]));
        }
    }
}

fn what_is_broken_is_repaired_before_what_differs() {
    let config = config();
    let mut facts = healthy(&config);
    bend_vm(&mut facts, |vm| {
        vm.yaml.insert("cpus".into(), 2.into());
    });
    facts.socket = Some(Ping::Refused);
    let environment = Environment::default();
    let plan = plan(&config, &facts);
    let case = Case {
        config: &config,
        is_declared: true,
        facts: &facts,
        environment: &environment,
        plan: &plan,
    };
    let mut findings = diagnose(&case);
    assert_eq!(codes(&findings), [Code::ForwardDead, Code::VmDrift]);
    let treated = |findings: &[Finding]| {
        let (_, plan) = repair_plan(&case, findings).unwrap().unwrap();
        plan.effective().map(|change| change.address.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(treated(&findings), ["socket.containai-secure"]);
    let drift = findings.split_off(1);
    assert_eq!(treated(&drift)[0], "vm.containai-secure");
}

fn without_a_file_only_failures_are_findings() {
    let ours = config::parse("version = 1").unwrap();
    // An engine that somebody else's file made: no Sysbox, other sizes, another user's groups.
    let theirs = config();
    let environment = Environment::default();
    assert_eq!(find(&ours, &healthy(&theirs), &environment, false), []);
    for case in CASES.iter().filter(|case| case.file.is_empty()) {
        let mut facts = healthy(&theirs);
        let mut environment = Environment::default();
        (case.bend)(&mut facts, &mut environment);
        let is_drift = match case.code {
            Code::VmDrift | Code::VmOverridden | Code::MountExposes => true,
            // In the other cases, dockerd would not start.
            Code::DaemonJsonDrift => case.fixable,
            _ => false,
        };
        let findings = find(&ours, &facts, &environment, false);
        let wanted = if is_drift { vec![] } else { vec![case.code] };
        assert_eq!(codes(&findings), wanted, "{findings:#?}");
    }
    let mut facts = healthy(&theirs);
    put_down(&mut facts, Status::Stopped);
    let findings = find(&ours, &facts, &environment, false);
    assert_eq!(findings[0].remedy, "limactl start containai-secure");
}

fn a_vm_that_should_not_run_is_healthy_when_it_does_not() {
    let config = config::parse("version = 1\n[vm]\nrunning = false\n").unwrap();
    let mut facts = healthy(&config);
    put_down(&mut facts, Status::Stopped);
    assert_eq!(found(&config, &facts), []);
}

fn a_mistake_of_the_start_is_none_until_it_is_over() {
    let config = config();
    let mut facts = healthy(&config);
    bend_guest(&mut facts, fail_dockerd);
    facts.socket = None;
    facts.agent = Some(Agent::Starting);
    let findings = found(&config, &facts);
    assert_eq!(codes(&findings), [Code::VmStarting]);
    assert!(findings[0].consequences[0].contains("dockerd is not running"), "{findings:#?}");
    facts.agent = Some(Agent::Started);
    assert_eq!(codes(&found(&config, &facts)), [Code::DockerdDown]);
    // Lima's probes may not be through, and yet all is well.
    let healthy = Facts { agent: Some(Agent::Starting), ..healthy(&config) };
    assert_eq!(found(&config, &healthy), []);
}

fn a_context_of_somebody_else_is_not_repaired() {
    let config = config_with("[context]\nname = \"mine\"\n");
    let mut facts = healthy(&config);
    facts.context =
        Some(ContextMetadata { host: "tcp://192.0.2.1:2375".into(), description: "x".into() });
    let findings = found(&config, &facts);
    assert_eq!(codes(&findings), [Code::ContextEndpoint]);
    assert!(!findings[0].fixable && findings[0].remedy.contains("docker context rm mine"));
}
