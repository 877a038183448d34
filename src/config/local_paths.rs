//! Local paths in the file. They are relative to the file, not to the current directory.

use std::path::Path;

use super::Config;

impl Config {
    /// Makes each local path absolute. `~/` is the home directory; other paths are relative to
    /// `directory`, which contains the file. Without a home directory, `~/` is kept.
    #[must_use]
    pub fn located(mut self, directory: &Path, home: Option<&Path>) -> Self {
        let locate = |path: &mut String| {
            let absolute = match (path.strip_prefix("~/"), home) {
                (Some(rest), Some(home)) => home.join(rest),
                (Some(_), None) => return,
                (None, _) => directory.join(&*path),
            };
            // A path that is not UTF-8 is kept unchanged; then the file is reported as missing.
            if let Some(text) = absolute.to_str() {
                text.clone_into(path);
            }
        };
        self.local_paths().for_each(locate);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_paths_are_found_from_the_file() {
        let config = crate::config::parse(
            "version = 1\n[docker]\nseccomp_profile = \"./s.json\"\n[[sysbox.packages]]\n\
             arch = \"x86_64\"\nurl = \"~/p.deb\"\nsha256 = \"aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44\"\n\
             [[sysbox.packages]]\narch = \"aarch64\"\nurl = \"https://x.example/p.deb\"\n\
             sha256 = \"aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44\"\n\
             [[socket_clients]]\ncontainer = \"manager\"\ncompose_file = \"./dind.yml\"\n\
             service = \"manager\"\n",
        )
        .unwrap()
        .located(Path::new("/team"), Some(Path::new("/home/dev")));
        assert_eq!(config.docker.seccomp_profile.as_deref(), Some("/team/./s.json"));
        let urls: Vec<&str> =
            config.sysbox.packages.iter().map(|package| package.url.as_str()).collect();
        let compose = config.socket_clients[0].compose_file.as_deref();
        assert_eq!(compose, Some("/team/./dind.yml"));
        assert_eq!(urls, ["/home/dev/p.deb", "https://x.example/p.deb"]);
    }
}
