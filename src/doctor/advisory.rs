//! Installed versions with known faults, and combinations that are not supported.

use std::sync::LazyLock;

use clap::ValueEnum;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use crate::model::daemon_key::SYSBOX_RUNTIME;
use crate::plan::{Code, Finding, Severity};
use crate::resource::Case;

/// How bad a known fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It may stop working.
    Low,
    /// It weakens a boundary under certain conditions.
    Medium,
    /// It breaks a boundary.
    High,
}

#[derive(Deserialize)]
struct Data {
    advisories: Vec<Advisory>,
}

/// A known fault.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advisory {
    component: String,
    /// Lima's driver that it concerns; all, if it is missing.
    only: Option<String>,
    affected: VersionReq,
    id: String,
    url: String,
    severity: Level,
    means: String,
    remedy: String,
}

/// The data are part of the program, and a test parses them.
static ADVISORIES: LazyLock<Vec<Advisory>> = LazyLock::new(|| {
    let data: Result<Data, _> = toml::from_str(include_str!("advisories.toml"));
    data.map(|data| data.advisories).unwrap_or_default()
});

/// An installed component.
struct Installed {
    component: &'static str,
    name: &'static str,
    /// The version as it is reported.
    reported: String,
    /// The upstream version; `None` for a package of a distribution, which may have fixes that its
    /// version does not tell.
    upstream: Option<Version>,
}

/// The known faults of what is installed. Those of a distribution's packages are unknown, which is only
/// reported if `tells_unknown`.
pub fn advisories(case: &Case<'_>, tells_unknown: bool) -> Vec<Finding> {
    let driver = case.facts.vm.present().and_then(|vm| vm.vm_type.as_deref());
    let mut findings = Vec::new();
    for installed in installed(case) {
        let Some(version) = &installed.upstream else {
            findings.extend(tells_unknown.then(|| unknown(&installed)));
            continue;
        };
        let known = ADVISORIES.iter().filter(|it| {
            it.component == installed.component
                && it.affected.matches(version)
                && it.only.as_deref().is_none_or(|only| driver == Some(only))
        });
        findings.extend(known.map(|it| vulnerable(&installed, it)));
    }
    findings.extend(remapped(case));
    findings
}

/// Whether a finding is about a fault of at least this level.
pub fn reaches(finding: &Finding, level: Level) -> bool {
    let found = finding.observed.get("severity").cloned();
    let found = found.and_then(|it| serde_json::from_value::<Level>(it).ok());
    finding.code == Code::VulnerableVersion && found.is_some_and(|found| found >= level)
}

fn notice() -> Finding {
    Finding::new(Code::VulnerableVersion, None).severity(Severity::Notice)
}

fn vulnerable(installed: &Installed, advisory: &Advisory) -> Finding {
    let Installed { component, name, reported, .. } = installed;
    let Advisory { id, url, severity, means, remedy, .. } = advisory;
    notice()
        .saw("component", *component)
        .saw("version", reported.as_str())
        .saw("severity", serde_json::to_value(severity).unwrap_or_default())
        .saw("advisory", id.as_str())
        .saw("url", url.as_str())
        .because(format!("{name} {reported}: {means} ({id})"))
        .by_hand(remedy.as_str())
}

fn unknown(installed: &Installed) -> Finding {
    let Installed { component, name, reported, .. } = installed;
    notice()
        .saw("component", *component)
        .saw("version", reported.as_str())
        .because(format!(
            "{name} {reported} is a package of the distribution, whose version does not tell which fixes it has"
        ))
        .by_hand("see the distribution's security tracker, and install its updates in the VM")
}

/// Sysbox's developers do not test it.
fn remapped(case: &Case<'_>) -> Option<Finding> {
    let guest = case.facts.guest.present()?;
    let remap = guest.daemon_json.keys().ok()?.get("userns-remap").cloned()?;
    let has_sysbox = guest.runtimes.iter().any(|name| name == SYSBOX_RUNTIME);
    (has_sysbox && remap != "").then(|| {
        notice()
            .saw("component", "sysbox")
            .saw("severity", "medium")
            .saw("url", "https://github.com/nestybox/sysbox/issues/1007")
            .because("Sysbox together with userns-remap is not supported (nestybox/sysbox#1007)")
            .by_hand("remove `userns-remap` from [docker.daemon]")
    })
}

fn installed(case: &Case<'_>) -> Vec<Installed> {
    let mut all = Vec::new();
    if let Some((_, version)) = &case.facts.tools.limactl {
        let (reported, upstream) = (version.to_string(), Some(version.clone()));
        all.push(Installed { component: "lima", name: "Lima", reported, upstream });
    }
    let Some(guest) = case.facts.guest.present() else { return all };
    for (package, component, name, is_upstream) in [
        ("docker-ce", "docker", "Docker Engine", true),
        ("docker.io", "docker", "docker.io", false),
        ("sysbox-ce", "sysbox", "Sysbox", true),
    ] {
        if let Some(reported) = guest.packages.get(package) {
            let upstream = upstream(reported).filter(|_| is_upstream);
            all.push(Installed { component, name, reported: reported.clone(), upstream });
        }
    }
    // A distribution's runc does not report a release.
    let runc = guest.engine.as_ref().and_then(|engine| engine.runc.clone());
    if let Some(reported) = runc.filter(|_| guest.packages.contains_key("docker-ce")) {
        let upstream = upstream(&reported);
        all.push(Installed { component: "runc", name: "runc", reported, upstream });
    }
    all
}

/// The release in a version such as `5:28.5.2-1~ubuntu.24.04~noble`, `0.7.0.linux` or `v1.3.3-0-gd842d77`.
fn upstream(reported: &str) -> Option<Version> {
    let text = reported.split_once(':').map_or(reported, |(_, rest)| rest);
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
    let mut numbers = text[..end].split('.').map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    Some(Version::new(next()?, next()?, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_are_valid_and_each_has_a_source() {
        assert!(ADVISORIES.len() >= 7);
        for it in ADVISORIES.iter() {
            assert!(
                ["lima", "docker", "runc", "sysbox"].contains(&it.component.as_str()),
                "{it:?}"
            );
            assert!(it.url.starts_with("https://"), "{it:?}");
            assert!(!it.means.ends_with('.') && !it.remedy.ends_with('.'), "{it:?}");
        }
    }

    #[test]
    fn a_release_is_read_from_the_versions_of_packages() {
        for (reported, release) in [
            ("5:28.5.2-1~ubuntu.24.04~noble", Some("28.5.2")),
            ("0.7.0.linux", Some("0.7.0")),
            ("v1.3.3-0-gd842d77", Some("1.3.3")),
            ("2.2.0", Some("2.2.0")),
            ("", None),
            ("d842d77", None),
        ] {
            let found = upstream(reported).map(|version| version.to_string());
            assert_eq!(found.as_deref(), release, "{reported}");
        }
    }
}
