//! The packages and services of the guest.

use std::collections::BTreeMap;

use super::Document;

/// A package that is neither installed nor removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its state as dpkg reports it, such as `half-configured`.
    pub status: String,
    /// Its version.
    pub version: String,
}

/// A service, with systemd's names for its states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// Its state.
    pub active: String,
    /// Whether it starts at boot.
    pub enabled: String,
}

/// The versions of the installed packages.
pub(super) fn installed(document: &Document) -> BTreeMap<String, String> {
    let installed = packages(document).filter(|[status, ..]| *status == "installed");
    installed.map(|[_, name, version]| (name.to_owned(), version.to_owned())).collect()
}

/// The packages with pending work.
pub(super) fn unfinished(document: &Document) -> BTreeMap<String, Unfinished> {
    let unfinished = packages(document).filter(|[status, ..]| !COMPLETE.contains(status));
    let named = |[status, name, version]: [&str; 3]| {
        let (status, version) = (status.to_owned(), version.to_owned());
        (name.to_owned(), Unfinished { status, version })
    };
    unfinished.map(named).collect()
}

/// The services that exist.
pub(super) fn units(text: &str) -> BTreeMap<String, Unit> {
    text.split("\n\n").filter_map(unit).collect()
}

/// The packages. dpkg-query fails if one of them is unknown, but still prints the others.
fn packages(document: &Document) -> impl Iterator<Item = [&str; 3]> {
    document.lines("packages").filter_map(package)
}

/// dpkg's states of a package without pending work.
const COMPLETE: [&str; 3] = ["installed", "not-installed", "config-files"];

/// Reads `status package version` from dpkg.
fn package(line: &str) -> Option<[&str; 3]> {
    let words = line.split_whitespace().collect::<Vec<_>>();
    // dpkg-query prints a longer line for an unknown package.
    <[&str; 3]>::try_from(words).ok()
}

/// One block of `systemctl show`.
fn unit(block: &str) -> Option<(String, Unit)> {
    let properties: BTreeMap<_, _> =
        block.lines().filter_map(|line| line.split_once('=')).collect();
    let property = |name| properties.get(name).copied().unwrap_or_default().to_owned();
    let loaded = properties.get("LoadState") != Some(&"not-found");
    let unit = Unit { active: property("ActiveState"), enabled: property("UnitFileState") };
    loaded.then(|| (property("Id"), unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_is_not_configured_is_not_installed() {
        let packages = "half-configured sysbox-ce 0.7.1.linux\nconfig-files docker-ce 5:28.5.1";
        let text = format!("@m packages\n{packages}\n\n@m = 0\n@m end");
        let document = Document::parse(&text, "m").unwrap();
        assert_eq!(installed(&document), BTreeMap::new());
        let (status, version) = ("half-configured".into(), "0.7.1.linux".into());
        let expected = Unfinished { status, version };
        assert_eq!(unfinished(&document), [("sysbox-ce".into(), expected)].into());
    }
}
