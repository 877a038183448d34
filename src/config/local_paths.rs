//! Local paths in the file. They are relative to the file, not to the current directory.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Config, Mount};
use crate::model::{clean_path, in_home};

impl Config {
    /// Makes each local path absolute. A relative path starts at the directory of the file that sets it, or at
    /// `directory` for a text without a file. `~/` is the home directory, and is kept if that is unknown. A
    /// configuration without mounts gets `directory`.
    #[must_use]
    pub fn located(mut self, directory: &Path, home: Option<&Path>) -> Self {
        let origin = self.origin.clone();
        let locate = |(key, path): (String, &mut String)| {
            let place = origin.place(&key).and_then(|place| place.layer.path.parent());
            let directory = place.unwrap_or(directory);
            let absolute = match (path.starts_with("~/"), home) {
                (true, None) => return,
                (_, home) => home.and_then(|home| in_home(path, home)),
            };
            let absolute = absolute.unwrap_or_else(|| directory.join(&*path));
            // A path that is not UTF-8 is kept unchanged; then the file is reported as missing.
            if let Some(text) = absolute.to_str() {
                text.clone_into(path);
            }
        };
        self.local_paths().into_iter().for_each(locate);
        // Lima's YAML cannot hold a path that is not UTF-8.
        if let (true, Some(directory)) = (self.vm.left_out.mounts, directory.to_str()) {
            self.vm.mounts = vec![Mount::writable(&clean_path(directory))];
        }
        self
    }

    /// The merged document without secrets. Call it after `located`: local paths from files in other
    /// directories are then absolute.
    pub fn merged(&mut self) -> toml::Table {
        let origin = self.origin.clone();
        let own = origin.sources.directory(0);
        let paths = self.local_paths().into_iter().filter_map(|(key, path)| {
            let span = origin.span(&key)?;
            (origin.sources.directory(span.start) != own).then(|| (key, path.clone()))
        });
        let paths: BTreeMap<String, String> = paths.collect();
        origin.document(&|key, text| paths.get(key).cloned().or_else(|| self.masked(key, text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_paths_are_found_from_the_file() {
        let config = crate::config::parse(
            "version = 1\n[docker]\nseccomp_profile = \"./s.json\"\n[docker.repository]\nurl = \"https://m.example/linux\"\n\
             key = \"./docker.asc\"\n[[sysbox.packages]]\n\
             arch = \"x86_64\"\nurl = \"~/p.deb\"\nsha256 = \"aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44\"\n\
             [[sysbox.packages]]\narch = \"aarch64\"\nurl = \"https://x.example/p.deb\"\n\
             sha256 = \"aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44\"\n\
             [[socket_clients]]\ncontainer = \"manager\"\ncompose_file = \"./dind.yml\"\n\
             service = \"manager\"\n",
        )
        .unwrap()
        .located(Path::new("/team"), Some(Path::new("/home/dev")));
        assert_eq!(config.docker.seccomp_profile.as_deref(), Some("/team/./s.json"));
        let repository = config.docker.repository.as_ref().unwrap();
        assert_eq!(repository.local_key(), Some("/team/./docker.asc"));
        let urls: Vec<&str> =
            config.sysbox.packages.iter().map(|package| package.url.as_str()).collect();
        let compose = config.socket_clients[0].compose_file.as_deref();
        assert_eq!(compose, Some("/team/./dind.yml"));
        assert_eq!(urls, ["/home/dev/p.deb", "https://x.example/p.deb"]);
    }

    #[test]
    fn a_file_without_mounts_gets_its_directory() {
        let mounts = |text: &str| {
            let config = crate::config::parse(&format!("version = 1\n{text}")).unwrap();
            let config = config.located(Path::new("/srv/project/."), Some(Path::new("/home/dev")));
            let mounts = config.vm.mounts.into_iter();
            mounts.map(|mount| (mount.location, mount.writable)).collect::<Vec<_>>()
        };
        assert_eq!(mounts(""), [("/srv/project".to_owned(), true)]);
        assert_eq!(mounts("[vm]\nmounts = []"), []);
        assert_eq!(mounts("[[vm.mounts]]\nlocation = \"/src\""), [("/src".to_owned(), false)]);
    }
}
