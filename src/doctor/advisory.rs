//! Installed versions with known issues.

use std::sync::LazyLock;

use clap::ValueEnum;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::guest::provisioning::SYSBOX_PACKAGE;
use crate::plan::{Code, Finding, Severity};
use crate::resource::{Case, ProvisionSysbox};

/// The name of the severity in the evidence. The finding itself is a notice.
const LEVEL: &str = "advisory_severity";

/// How bad a known issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum AdvisoryLevel {
    /// It may stop working.
    Low,
    /// It weakens a boundary under certain conditions.
    Medium,
    /// It breaks a boundary.
    High,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    advisories: Vec<Advisory>,
    combinations: Vec<Combination>,
}

/// A combination that is not supported.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Combination {
    when: When,
    id: String,
    url: String,
    severity: AdvisoryLevel,
    means: String,
    remedy: String,
}

/// How a combination is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum When {
    /// dockerd remaps user namespaces, and Sysbox is installed.
    UsernsRemap,
    /// Sysbox is installed in a guest whose AppArmor lacks its rule.
    NoApparmorRule,
}

/// A known issue.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advisory {
    component: String,
    /// Lima's driver that it concerns; all, if it is missing.
    only: Option<String>,
    affected: VersionReq,
    id: String,
    url: String,
    severity: AdvisoryLevel,
    means: String,
    remedy: String,
}

/// The data are part of the program, and a test parses them.
static DATA: LazyLock<Data> =
    LazyLock::new(|| toml::from_str(include_str!("advisories.toml")).unwrap_or_default());

/// An installed component.
struct Installed {
    component: &'static str,
    name: &'static str,
    /// The reported version.
    reported: String,
    version: ReportedVersion,
}

/// What a reported version tells.
enum ReportedVersion {
    /// The upstream version.
    Upstream(Version),
    /// A package of a distribution, which may have fixes that its version does not show.
    Distribution,
    /// No version, such as a commit.
    Unreadable,
}

/// The known issues of what is installed.
pub fn known_advisories(case: &Case<'_>) -> Vec<Finding> {
    let driver = case.facts.vm.present().and_then(|vm| vm.vm_type.as_deref());
    let mut findings = Vec::new();
    for installed in installed(case) {
        let ReportedVersion::Upstream(version) = &installed.version else { continue };
        let known = DATA.advisories.iter().filter(|it| {
            it.component == installed.component
                && it.affected.matches(version)
                && it.only.as_deref().is_none_or(|only| driver == Some(only))
        });
        findings.extend(known.map(|it| vulnerable(&installed, it)));
    }
    findings.extend(unsupported(case));
    findings
}

/// The combinations with Sysbox that are not supported.
fn unsupported(case: &Case<'_>) -> Vec<Finding> {
    let Some(guest) = case.facts.guest.present() else { return Vec::new() };
    let Some(version) = guest.packages.get(SYSBOX_PACKAGE) else { return Vec::new() };
    let remaps = |keys: &Map<String, Value>| keys.get("userns-remap").is_some_and(|it| it != "");
    let is_so = |when| match when {
        When::UsernsRemap => remaps(&guest.daemon_json.loaded_keys()),
        When::NoApparmorRule => ProvisionSysbox::lacks_apparmor_rule(guest),
    };
    let found = DATA.combinations.iter().filter(|it| is_so(it.when));
    let finding = |it: &Combination| {
        known("sysbox", version, it.severity, [&it.id, &it.url])
            .because(format!("{} ({})", it.means, it.id))
            .by_hand(it.remedy.as_str())
    };
    found.map(finding).collect()
}

/// The packages whose version does not show their faults.
pub fn unknown_advisories(case: &Case<'_>) -> Vec<Finding> {
    let installed = installed(case).into_iter();
    installed
        .filter(|it| matches!(it.version, ReportedVersion::Distribution))
        .map(|it| unknown(&it))
        .collect()
}

/// Whether a finding is about a fault of at least this level.
pub fn reaches(finding: &Finding, level: AdvisoryLevel) -> bool {
    let found = finding.observed.get(LEVEL).cloned();
    let found = found.and_then(|it| serde_json::from_value::<AdvisoryLevel>(it).ok());
    finding.code == Code::VulnerableVersion && found.is_some_and(|found| found >= level)
}

fn notice() -> Finding {
    Finding::new(Code::VulnerableVersion, None).severity(Severity::Notice)
}

/// A notice with its advisory: the id and the URL.
fn known(component: &str, version: &str, level: AdvisoryLevel, [id, url]: [&String; 2]) -> Finding {
    notice()
        .saw("component", component)
        .saw("version", version)
        .saw(LEVEL, serde_json::to_value(level).unwrap_or_default())
        .saw("advisory", id.as_str())
        .saw("url", url.as_str())
}

fn vulnerable(installed: &Installed, advisory: &Advisory) -> Finding {
    let Installed { component, name, reported, .. } = installed;
    let Advisory { id, url, severity, means, remedy, .. } = advisory;
    known(component, reported, *severity, [id, url])
        .because(format!("{name} {reported}: {means} ({id})"))
        .by_hand(remedy.as_str())
}

fn unknown(installed: &Installed) -> Finding {
    let Installed { component, name, reported, .. } = installed;
    notice()
        .saw("component", *component)
        .saw("version", reported.as_str())
        .because(format!(
            "{name} {reported} comes from the distribution: its version does not show which fixes it \
             contains"
        ))
        .by_hand("see the distribution's security tracker, and install its updates in the VM")
}

fn installed(case: &Case<'_>) -> Vec<Installed> {
    let mut all = Vec::new();
    if let Some((_, version)) = &case.facts.tools.limactl {
        // A range does not match a pre-release, which has the faults of earlier releases.
        let release = Version::new(version.major, version.minor, version.patch);
        let (reported, version) = (version.to_string(), ReportedVersion::Upstream(release));
        all.push(Installed { component: "lima", name: "Lima", reported, version });
    }
    let Some(guest) = case.facts.guest.present() else { return all };
    for (package, component, name) in [
        ("docker-ce", "docker", "Docker Engine"),
        ("docker.io", "docker", "docker.io"),
        (SYSBOX_PACKAGE, "sysbox", "Sysbox"),
    ] {
        if let Some(reported) = guest.packages.get(package) {
            let is_distributions = package == "docker.io";
            let version =
                if is_distributions { ReportedVersion::Distribution } else { released(reported) };
            all.push(Installed { component, name, reported: reported.clone(), version });
        }
    }
    // A distribution's runc does not report a release.
    let runc = guest.engine.as_ref().and_then(|engine| engine.runc.clone());
    if let Some(reported) = runc.filter(|_| guest.packages.contains_key("docker-ce")) {
        let version = released(&reported);
        all.push(Installed { component: "runc", name: "runc", reported, version });
    }
    all
}

fn released(reported: &str) -> ReportedVersion {
    upstream(reported).map_or(ReportedVersion::Unreadable, ReportedVersion::Upstream)
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
        assert!(DATA.advisories.len() >= 7 && DATA.combinations.len() >= 2);
        for it in &DATA.advisories {
            assert!(
                ["lima", "docker", "runc", "sysbox"].contains(&it.component.as_str()),
                "{it:?}"
            );
            assert!(it.url.starts_with("https://"), "{it:?}");
            assert!(!it.means.ends_with('.') && !it.remedy.ends_with('.'), "{it:?}");
        }
        for it in &DATA.combinations {
            assert!(it.url.starts_with("https://") && !it.remedy.ends_with('.'), "{it:?}");
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
