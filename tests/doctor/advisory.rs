//! Versions with known issues.

use std::path::Path;

use containai::config::{self, Config};
use containai::docker::Environment;
use containai::doctor::{
    AdvisoryLevel, Case, Code, Finding, Severity, known_advisories, reaches, unknown_advisories,
};
use containai::guest::Document;
use containai::plan::Plan;
use containai::reconcile::graph::Graph;
use containai::resource::facts::Facts;
use semver::Version;

use crate::support::machine::{bend_guest, bend_vm, config, healthy};
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub const CODE: Code = Code::VulnerableVersion;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        an_unsupported_combination_is_a_notice_with_its_advisory,
        a_version_with_a_known_fault_is_a_notice_with_its_advisory,
        a_package_of_a_distribution_is_unknown,
        the_examples_have_no_known_faults,
        a_severity_can_fail_the_diagnosis,
    ]
}

fn found(config: &Config, facts: &Facts, is_known: bool) -> Vec<Finding> {
    let graph = Graph::new(&[config]).unwrap();
    let plan = Plan::new(&graph, std::slice::from_ref(facts));
    let environment = &Environment::default();
    let case = Case { config, is_declared: true, facts, environment, plan: &plan };
    if is_known { known_advisories(&case) } else { unknown_advisories(&case) }
}

fn ids(findings: &[Finding]) -> Vec<String> {
    let id = |it: &Finding| it.observed.get("advisory")?.as_str().map(str::to_owned);
    findings.iter().filter_map(id).collect()
}

type Bend<'a> = Box<dyn Fn(&mut Facts) + 'a>;

fn a_version_with_a_known_fault_is_a_notice_with_its_advisory() {
    let config = config();
    let lima = |facts: &mut Facts, version: Version| {
        facts.tools.limactl = Some(("/bin/limactl".into(), version));
    };
    let package = |facts: &mut Facts, name: &str, version: &str| {
        bend_guest(facts, |guest| {
            guest.packages.clear();
            guest.packages.insert(name.into(), version.into());
        });
    };
    let runc = "CVE-2025-31133, CVE-2025-52565, CVE-2025-52881";
    let with_runc = |facts: &mut Facts, version: &str| {
        package(facts, "docker-ce", "5:29.5.2-1~debian.12~bookworm");
        bend_guest(facts, |guest| {
            guest.engine.get_or_insert_default().runc = Some(version.into());
        });
    };
    let cases: Vec<(Bend<'_>, Vec<&str>)> = vec![
        (Box::new(|facts| lima(facts, Version::new(2, 2, 0))), vec![]),
        (Box::new(|facts| lima(facts, Version::new(2, 1, 3))), vec!["lima-vm/lima#5293"]),
        (
            Box::new(|facts| {
                lima(facts, Version::new(2, 1, 2));
                bend_vm(facts, |vm| vm.vm_type = Some("qemu".into()));
            }),
            vec!["CVE-2026-53657", "lima-vm/lima#5293"],
        ),
        (
            Box::new(|facts| {
                lima(facts, Version::new(2, 1, 2));
                bend_vm(facts, |vm| vm.vm_type = Some("vz".into()));
            }),
            vec!["lima-vm/lima#5293"],
        ),
        (
            Box::new(|facts| package(facts, "docker-ce", "5:29.5.0-1~ubuntu.24.04~noble")),
            vec!["CVE-2026-41567, CVE-2026-41568, CVE-2026-42306"],
        ),
        (Box::new(|facts| package(facts, "docker-ce", "5:29.5.1-1~ubuntu.24.04~noble")), vec![]),
        (Box::new(|facts| package(facts, "sysbox-ce", "0.6.7.linux")), vec![runc]),
        (Box::new(|facts| package(facts, "sysbox-ce", "0.7.0.linux")), vec!["nestybox/sysbox#998"]),
        (Box::new(|facts| package(facts, "sysbox-ce", "0.7.1.linux")), vec![]),
        (Box::new(|facts| with_runc(facts, "v1.2.7-0-gaaaa")), vec![runc]),
        (Box::new(|facts| with_runc(facts, "v1.2.8-0-gaaaa")), vec![]),
        (Box::new(|facts| with_runc(facts, "v1.3.2-0-gaaaa")), vec![runc]),
        (Box::new(|facts| with_runc(facts, "v1.3.3-0-gaaaa")), vec![]),
        (Box::new(|facts| with_runc(facts, "v1.4.0-0-gaaaa")), vec![]),
    ];
    for (index, (bend, wanted)) in cases.iter().enumerate() {
        let mut facts = healthy(&config);
        lima(&mut facts, Version::new(2, 2, 0));
        bend(&mut facts);
        let findings = found(&config, &facts, true);
        assert_eq!(ids(&findings), *wanted, "case {index}");
        for finding in &findings {
            assert_eq!((finding.code, finding.severity), (CODE, Severity::Notice));
            assert!(finding.cause.contains(ids(std::slice::from_ref(finding))[0].as_str()));
        }
    }
}

fn an_unsupported_combination_is_a_notice_with_its_advisory() {
    let config = config();
    let apparmor = |lines: &str| {
        let text = format!("@m sysbox_apparmor\n{lines}\n@m = 0\n@m end\n");
        Document::parse(&text, "m").unwrap()
    };
    let profile = "/etc/apparmor.d/fusermount3";
    let local = "/etc/apparmor.d/local/fusermount3";
    for (ubuntu, counts, lacks) in [
        (1, format!("{profile}:0\n{local}:0"), true),
        (1, format!("{profile}:0"), true),
        (1, format!("{profile}:0\n{local}:3"), false),
        (1, String::new(), false),
        (0, format!("{profile}:0\n{local}:0"), false),
    ] {
        let mut facts = healthy(&config);
        facts.tools.limactl = Some(("/bin/limactl".into(), Version::new(2, 2, 0)));
        bend_guest(&mut facts, |guest| {
            guest.packages.clear();
            guest.packages.insert("sysbox-ce".into(), "0.7.1.linux".into());
            guest.document = apparmor(&format!("/etc/os-release:{ubuntu}\n{counts}"));
        });
        let wanted: &[&str] = if lacks { &["nestybox/sysbox#947"] } else { &[] };
        assert_eq!(ids(&found(&config, &facts, true)), wanted, "{ubuntu} {counts}");
    }
    let mut facts = healthy(&config);
    facts.tools.limactl = Some(("/bin/limactl".into(), Version::new(2, 2, 0)));
    bend_guest(&mut facts, |guest| {
        guest.packages.clear();
        guest.daemon_json.text = Some("{\"userns-remap\": \"default\"}".into());
    });
    assert_eq!(found(&config, &facts, true), []);
    bend_guest(&mut facts, |guest| {
        guest.packages.insert("sysbox-ce".into(), "0.7.1.linux".into());
    });
    let findings = found(&config, &facts, true);
    assert_eq!(ids(&findings), ["nestybox/sysbox#1007"]);
    assert!(
        reaches(&findings[0], AdvisoryLevel::Medium) && !reaches(&findings[0], AdvisoryLevel::High)
    );
}

fn a_package_of_a_distribution_is_unknown() {
    let config = config();
    let mut facts = healthy(&config);
    facts.tools.limactl = Some(("/bin/limactl".into(), Version::new(2, 2, 0)));
    bend_guest(&mut facts, |guest| {
        guest.packages.clear();
        guest.packages.insert("docker.io".into(), "20.10.24+dfsg1-1+deb12u1".into());
    });
    assert_eq!(found(&config, &facts, true), []);
    let findings = found(&config, &facts, false);
    assert_eq!(findings.len(), 1);
    assert!(findings[0].cause.contains("20.10.24+dfsg1-1+deb12u1 comes from the distribution"));
    assert!(!reaches(&findings[0], AdvisoryLevel::Low));
}

/// Except the first design, which names an old Sysbox on purpose.
fn the_examples_have_no_known_faults() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for name in ["minimal", "team/base", "every-option", "air-gapped", "hardened"] {
        let text = std::fs::read_to_string(examples.join(format!("{name}.toml"))).unwrap();
        let config = config::parse(&text).unwrap();
        let mut facts = healthy(&config);
        facts.tools.limactl = Some(("/bin/limactl".into(), config::Lima::RELEASE));
        let docker = config.docker.version.as_ref().map(ToString::to_string);
        bend_guest(&mut facts, |guest| {
            guest.packages.clear();
            guest.packages.extend(docker.map(|version| ("docker-ce".to_owned(), version)));
            let sysbox = format!("{}.linux", config.sysbox.version);
            guest.packages.insert("sysbox-ce".into(), sysbox);
        });
        assert_eq!(found(&config, &facts, true), [], "{name}");
    }
}

fn a_severity_can_fail_the_diagnosis() {
    let sandbox = Sandbox::new();
    let file = |sysbox: &str| {
        let text = std::fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/seed.toml"),
        );
        let text = text.unwrap();
        let text = if sysbox == "0.6.7" { text } else { "version = 1\n".into() };
        sandbox.write("home/containai.toml", &text);
        sandbox.cai(&["--simulate", "apply", "--yes"]).success();
    };
    file("0.7.1");
    sandbox.cai(&["--simulate", "doctor", "--fail-on", "low"]).success();
    file("0.6.7");
    let found = sandbox.cai(&["--simulate", "doctor"]);
    assert!(found.success().contains("vulnerable_version"), "{found}");
    sandbox.cai(&["--simulate", "doctor", "--fail-on", "high"]).fails_with(1);
    sandbox.cai(&["--simulate", "doctor", "--fail-on", "severe"]).fails_with(64);
}
