//! The two programs that run compose files: Debian's docker-compose 1.29, and the plugin.

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::support::sandbox::{Ran, Sandbox};
use crate::support::slowest::trial;

use super::daemon::Daemon;

/// What runs a compose file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Composer {
    /// `docker-compose`, version 1.
    Standalone,
    /// `docker compose`, version 2 or later.
    Plugin,
}

impl Composer {
    pub const ALL: [Self; 2] = [Self::Standalone, Self::Plugin];

    /// Its name in those of trials.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standalone => "compose",
            Self::Plugin => "plugin",
        }
    }

    /// Whether it is here to be tested. For the plugin, a variable says where.
    pub fn is_there(self) -> bool {
        self == Self::Standalone || plugin().is_some()
    }

    /// A trial with each; one that is not here is told as ignored.
    pub fn trials(name: &str, run: fn(Self)) -> Vec<Trial> {
        let with = |composer: Self| {
            let trial = trial(format!("{name}_{}", composer.name()), move || run(composer));
            trial.with_ignored_flag(!composer.is_there())
        };
        Self::ALL.map(with).into()
    }

    /// Gives it to the user of a sandbox, beside whatever the system has.
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

    /// Makes and starts services, as their user does.
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

    /// Checks that it is the one that made a container.
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
