//! The two programs that run Compose files: Debian's docker-compose 1.29 and the plugin.

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::support::sandbox::{Ran, Sandbox};
use crate::support::slowest::trial;

use super::daemon::Daemon;

/// A program that runs Compose files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Composer {
    /// `docker-compose`, version 1.
    Standalone,
    /// `docker compose`, version 2 or later.
    Plugin,
}

impl Composer {
    pub const ALL: [Self; 2] = [Self::Standalone, Self::Plugin];

    /// Its name in the names of trials.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standalone => "compose",
            Self::Plugin => "plugin",
        }
    }

    /// Whether it is installed. For the plugin, a variable names its path.
    pub fn is_there(self) -> bool {
        self == Self::Standalone || plugin().is_some()
    }

    /// A trial with each Compose. If one is not installed, its trial is ignored.
    pub fn trials(
        group: &str,
        name: &str,
        run: impl Fn(Self) + Copy + Send + 'static,
    ) -> Vec<Trial> {
        Self::trials_of(&Self::ALL, group, name, run)
    }

    /// The same with only these in the normal run. The soak test has the rest: ignored, with `soak` in their names.
    /// The start of Compose 1 takes more processor time than all else that a trial does.
    pub fn trials_of(
        chosen: &[Self],
        group: &str,
        name: &str,
        run: impl Fn(Self) + Copy + Send + 'static,
    ) -> Vec<Trial> {
        let with = |composer: Self| {
            let is_chosen = chosen.contains(&composer);
            let soak = if is_chosen { "" } else { "soak::" };
            let name = format!("client::{group}::{soak}{name}_{}", composer.name());
            let trial = trial(name, move || run(composer));
            trial.with_ignored_flag(!(is_chosen && composer.is_there()))
        };
        Self::ALL.map(with).into()
    }

    /// Makes it available to the user of a sandbox, in addition to the system's programs.
    pub fn equip(self, sandbox: &Sandbox) {
        if self == Self::Plugin {
            let plugin = plugin().expect("CAI_TEST_COMPOSE_PLUGIN");
            let directory = plugin.parent().unwrap().display();
            let config = format!(
                "{{\n\t\"currentContext\": \"desktop-linux\",\n\t\"cliPluginsExtraDirs\": [\"{directory}\"]\n}}\n"
            );
            sandbox.write("home/.docker/config.json", &config);
        }
    }

    /// Creates and starts services as their user.
    #[track_caller]
    pub fn up(self, daemon: &Daemon, sandbox: &Sandbox, arguments: &[&str]) -> Ran {
        let program: &[&str] = match self {
            Self::Standalone => &["docker-compose"],
            Self::Plugin => &["docker", "compose"],
        };
        let config = sandbox.path("home/.docker");
        let config = format!("DOCKER_CONFIG={}", config.display());
        let ran = daemon.command(&[&["env", &config], program, arguments, &["up", "-d"]].concat());
        ran.success();
        ran
    }

    /// Checks that it created a container.
    #[track_caller]
    pub fn made(self, daemon: &Daemon, container: &str) {
        let format = "{{index .Config.Labels \"com.docker.compose.version\"}}";
        let version = daemon.docker(&["inspect", "--format", format, container]);
        assert_eq!(version.starts_with("1."), self == Self::Standalone, "made by {version}");
    }
}

fn plugin() -> Option<PathBuf> {
    let path = std::env::var_os("CAI_TEST_COMPOSE_PLUGIN").filter(|path| !path.is_empty())?;
    Some(Path::new(&path).to_owned())
}
