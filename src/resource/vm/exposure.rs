//! Finds the writable mounts that expose more than a project.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::Config;
use crate::model::{clean_path, in_home};
use crate::plan::Exposure;
use crate::resource::facts::Facts;

/// The parts of a home directory that give access to more than themselves.
const PARTS: [(&str, &str); 9] = [
    (".ssh", "your SSH keys (~/.ssh)"),
    (".docker", "your registry logins and Docker's plugins (~/.docker)"),
    (".bashrc", "your shell's start files"),
    (".bash_profile", "your shell's start files"),
    (".profile", "your shell's start files"),
    (".zshrc", "your shell's start files"),
    (".zshenv", "your shell's start files"),
    (".zprofile", "your shell's start files"),
    (".config/fish", "your shell's start files"),
];

/// The places on this machine that a mount must not expose unnoticed.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The user's home directory.
    pub home: Option<&'a Path>,
    /// Lima's directory, with the YAML and the keys of every VM.
    pub lima_home: Option<&'a Path>,
    /// The file that declares the VM.
    pub file: Option<&'a Path>,
}

impl<'a> Places<'a> {
    /// The places on an observed machine.
    pub(super) fn of(config: &'a Config, facts: &'a Facts) -> Self {
        let (home, lima_home) = (facts.home.as_deref(), facts.directory.parent());
        // A file that names no mounts always mounts its own directory.
        let file = config.file.as_deref().filter(|_| !config.vm.left_out.mounts);
        Self { home, lima_home, file }
    }
    /// What the writable ones of these mounts expose: entries of Lima's YAML, in their order.
    pub fn exposed(&self, mounts: Option<&Value>) -> Vec<Exposure> {
        let mounts = mounts.and_then(Value::as_array).into_iter().flatten();
        let writable = mounts.filter(|mount| mount.get("writable") == Some(&true.into()));
        let locations = writable.filter_map(|mount| mount.get("location")?.as_str());
        locations.filter_map(|location| self.exposure(location)).collect()
    }

    fn exposure(&self, location: &str) -> Option<Exposure> {
        let mounted = self.expanded(location)?;
        let contains = |path: &Path| path.starts_with(&mounted);
        let shares = |path: &Path| contains(path) || mounted.starts_with(path);
        let is_root = mounted == Path::new("/");
        let is_limas = self.lima_home.is_some_and(|lima| mounted.starts_with(lima));
        let mut things: Vec<String> = Vec::new();
        if is_root {
            things.push("every file on this machine that you can change".into());
        } else if self.home.is_some_and(contains) {
            things.push(
                "your home directory, with your SSH keys, shell start files and Docker logins"
                    .into(),
            );
        } else if let Some(home) = self.home {
            let parts = PARTS.iter().filter(|(part, _)| shares(&home.join(part)));
            things.extend(parts.map(|(_, what)| (*what).to_owned()));
            things.dedup();
        }
        if !is_root && self.lima_home.is_some_and(shares) {
            things.push("Lima's VMs and their keys".into());
        }
        if let Some(file) = self.file.filter(|file| !is_root && contains(file)) {
            let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
            things.push(format!("{name}, which decides what the next `cai apply` does"));
        }
        let location = location.to_owned();
        let exposure = Exposure { location, things, needs_consent: is_root || is_limas };
        (!exposure.things.is_empty()).then_some(exposure)
    }

    /// The directory of a mount, as Lima expands it; `None` for a template of Lima.
    fn expanded(&self, location: &str) -> Option<PathBuf> {
        let path = self.home.and_then(|home| in_home(location, home));
        let path = path.unwrap_or_else(|| location.into());
        let path = path.to_str().filter(|path| path.starts_with('/'))?;
        Some(clean_path(path).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn exposed(location: &str, writable: bool) -> Vec<Exposure> {
        let places = Places {
            home: Some(Path::new("/home/dev")),
            lima_home: Some(Path::new("/home/dev/.lima")),
            file: Some(Path::new("/home/dev/project/containai.toml")),
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
            assert_eq!(exposed(location, false), [], "{location}, read-only");
        }
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
