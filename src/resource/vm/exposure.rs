//! Finds the mounts that expose more than a project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::Config;
use crate::config::layers::{child, element};
use crate::model::{clean_path, in_home};
use crate::plan::Exposure;
use crate::resource::facts::Facts;

/// The parts of a home directory that give access to more than themselves, and whether reading them is
/// enough.
const PARTS: [(&str, &str, bool); 24] = [
    (".ssh", "your SSH keys (~/.ssh)", true),
    (".gnupg", "your GnuPG keys (~/.gnupg)", true),
    (".docker", "your registry logins and Docker's plugins (~/.docker)", true),
    (".aws", CLOUD, true),
    (".azure", CLOUD, true),
    (".config/gcloud", CLOUD, true),
    (".kube", CLOUD, true),
    (".config/gh", LOGINS, true),
    (".netrc", LOGINS, true),
    (".npmrc", LOGINS, true),
    (".git-credentials", LOGINS, true),
    (".gitconfig", "your Git configuration", false),
    (".config/git", "your Git configuration", false),
    (".bashrc", START_FILES, false),
    (".bash_profile", START_FILES, false),
    (".bash_login", START_FILES, false),
    (".profile", START_FILES, false),
    (".zshrc", START_FILES, false),
    (".zshenv", START_FILES, false),
    (".zprofile", START_FILES, false),
    (".config/fish", START_FILES, false),
    (".config/systemd", "programs that start when you log in", false),
    (".config/autostart", "programs that start when you log in", false),
    ("Library/LaunchAgents", "programs that start when you log in", false),
];
const CLOUD: &str = "your cloud credentials";
const LOGINS: &str = "your logins for Git and package registries";
const START_FILES: &str = "your shell's start files";

/// The places on this machine that a mount must not expose unnoticed.
#[derive(Debug, Clone)]
pub struct Places<'a> {
    /// The user's home directory.
    pub home: Option<&'a Path>,
    /// Lima's directory, with the YAML and the keys of every VM.
    pub lima_home: Option<&'a Path>,
    /// The files that declare the VM.
    pub files: Vec<&'a Path>,
    /// The directories of mounts that are elsewhere than their locations say.
    pub links: Option<&'a BTreeMap<String, PathBuf>>,
}

impl<'a> Places<'a> {
    /// The places on an observed machine.
    pub(super) fn of(config: &'a Config, facts: &'a Facts) -> Self {
        Self::new(config, facts.home.as_deref(), facts.directory.parent())
    }

    /// The places that matter to a file.
    pub fn new(config: &'a Config, home: Option<&'a Path>, lima_home: Option<&'a Path>) -> Self {
        let own = config.file.as_deref();
        let layers = config.origin.sources.others().map(|layer| layer.path.as_path());
        // A file that names no mounts always mounts its own directory.
        let always = own.and_then(Path::parent).filter(|_| config.vm.left_out.mounts);
        let files = own.into_iter().chain(layers);
        let files =
            files.filter(|file| always.is_none_or(|always| !file.starts_with(always))).collect();
        Self { home, lima_home, files, links: Some(&config.links) }
    }
    /// What these mounts expose: entries of Lima's YAML, in their order.
    pub fn exposed(&self, mounts: Option<&Value>) -> Vec<Exposure> {
        let mounts = mounts.and_then(Value::as_array).into_iter().flatten();
        let exposures = mounts.filter_map(|mount| {
            let writable = mount.get("writable") == Some(&true.into());
            self.exposure(mount.get("location")?.as_str()?, writable)
        });
        exposures.collect()
    }

    fn exposure(&self, location: &str, writable: bool) -> Option<Exposure> {
        let real = self.links.and_then(|links| links.get(location)).cloned();
        let places = [self.expanded(location), real].into_iter().flatten();
        let exposures = places.filter_map(|mounted| self.exposes(&mounted, location, writable));
        exposures.max_by_key(|it| (it.needs_consent, it.things.len()))
    }

    fn exposes(&self, mounted: &Path, location: &str, writable: bool) -> Option<Exposure> {
        let contains = |path: &Path| path.starts_with(mounted);
        let shares = |path: &Path| contains(path) || mounted.starts_with(path);
        let is_root = mounted == Path::new("/");
        let mut things: Vec<String> = Vec::new();
        if is_root {
            things.push("every file on this machine that you can access".into());
        } else if self.home.is_some_and(contains) {
            things.push("your home directory, with your SSH keys and logins".into());
        } else if let Some(home) = self.home {
            let parts = PARTS.iter().filter(|(_, _, is_secret)| writable || *is_secret);
            let parts = parts.filter(|(part, ..)| shares(&home.join(part)));
            things.extend(parts.map(|(_, what, _)| (*what).to_owned()));
            things.dedup();
        }
        if !is_root && self.lima_home.is_some_and(shares) {
            things.push("Lima's VMs and their keys".into());
        }
        let file = self.files.iter().find(|file| writable && !is_root && contains(file));
        if let Some(file) = file {
            let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
            things.push(format!("{name}, which decides what the next `cai apply` does"));
        }
        // A home directory contains Lima's, but many existing files mount it, so that is only a warning.
        let is_limas = self.lima_home.is_some_and(|lima| mounted.starts_with(lima));
        let needs_consent = writable && (is_root || is_limas);
        let location = location.to_owned();
        let place = None;
        (!things.is_empty()).then_some(Exposure {
            location,
            writable,
            things,
            needs_consent,
            place,
        })
    }

    /// The directory of a mount, as Lima expands it; `None` for a template of Lima.
    fn expanded(&self, location: &str) -> Option<PathBuf> {
        let path = self.home.and_then(|home| in_home(location, home));
        let path = path.unwrap_or_else(|| location.into());
        let path = path.to_str().filter(|path| path.starts_with('/'))?;
        Some(clean_path(path).into())
    }
}

/// The key of a mount in the file.
pub fn mount_key(config: &Config, location: &str) -> String {
    let index = config.vm.mounts.iter().position(|mount| mount.location == location);
    let entry = index.map(|index| child(&element("vm.mounts", index), "location"));
    entry.unwrap_or_else(|| "vm.mounts".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn exposed(location: &str, writable: bool) -> Vec<Exposure> {
        let places = Places {
            home: Some(Path::new("/home/dev")),
            lima_home: Some(Path::new("/home/dev/.lima")),
            files: vec![Path::new("/home/dev/project/containai.toml")],
            links: None,
        };
        places.exposed(Some(&json!([{"location": location, "writable": writable}])))
    }

    #[test]
    fn a_mount_is_judged_by_what_it_contains() {
        for (location, things, needs_consent) in [
            ("/", &["every file"][..], true),
            ("~", &["your home directory", "Lima's VMs", "containai.toml"], false),
            ("/home", &["your home directory", "Lima's VMs", "containai.toml"], false),
            ("~/.ssh", &["your SSH keys"], false),
            ("~/.ssh/keys/", &["your SSH keys"], false),
            ("~/.docker", &["your registry logins"], false),
            ("~/x/../.bashrc", &["your shell's start files"], false),
            ("~/.lima/team", &["Lima's VMs"], true),
            ("/home/dev/project", &["containai.toml"], false),
        ] {
            let [exposure] = exposed(location, true).try_into().expect(location);
            assert_eq!(exposure.things.len(), things.len(), "{location}: {exposure}");
            for (thing, start) in exposure.things.iter().zip(things) {
                assert!(thing.starts_with(start), "{location}: {thing}");
            }
            assert_eq!(exposure.needs_consent, needs_consent, "{location}");
            let things = exposed(location, false).into_iter().flat_map(|it| it.things);
            let is_secret = !location.ends_with("project") && !location.ends_with("bashrc");
            assert_eq!(things.count() > 0, is_secret, "{location}, read-only");
            assert!(!exposed(location, false).iter().any(|it| it.needs_consent), "{location}");
        }
    }

    #[test]
    fn a_link_is_judged_by_its_target() {
        let links = BTreeMap::from([("/srv/keys".to_owned(), PathBuf::from("/home/dev/.ssh"))]);
        let places = Places {
            home: Some(Path::new("/home/dev")),
            lima_home: Some(Path::new("/home/dev/.lima")),
            files: Vec::new(),
            links: Some(&links),
        };
        let exposed = places.exposed(Some(&json!([{"location": "/srv/keys"}])));
        assert_eq!(exposed.len(), 1);
        assert_eq!(exposed[0].location, "/srv/keys");
        assert!(exposed[0].things[0].starts_with("your SSH keys"), "{}", exposed[0]);
    }

    #[test]
    fn an_ordinary_directory_exposes_nothing() {
        for location in
            ["/tmp/lima", "~/other", "/home/dev/project/src", "/home/deva", "{{.Dir}}/x"]
        {
            assert_eq!(exposed(location, true), [], "{location}");
        }
    }
}
