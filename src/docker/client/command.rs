//! The command lines that inspect containers, and those that recreate them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::inspect::{LABEL, LABELS};
use super::{ComposeProgram, ComposeProject};
use crate::host::CommandSpec;
use crate::model::{ContextName, ServiceName};

const LOOK: &str = concat!(include_str!("../../guest/section.sh"), include_str!("look.sh"));
const ASK: &str = concat!(include_str!("../../guest/section.sh"), include_str!("ask.sh"));
/// The number of log lines that are read. The order of the two streams is not defined.
const LOG_LINES: &str = "20";
/// The time limit of Compose, which may pull or build the image.
const COMPOSE: Duration = Duration::from_secs(20 * 60);

/// Builds the command lines for the containers of one Docker context.
#[derive(Debug, Clone)]
pub struct ClientCommands {
    docker: PathBuf,
    context: ContextName,
}

impl ClientCommands {
    /// Uses this `docker`, and the engine of this context.
    pub fn new(docker: PathBuf, context: ContextName) -> Self {
        Self { docker, context }
    }

    fn docker(&self) -> CommandSpec {
        CommandSpec::new(&self.docker).args(["--context", self.context.as_str()])
    }

    /// Inspects all containers of these names.
    pub fn inspect<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> CommandSpec {
        self.docker().args(["inspect", "--type", "container"]).args(names)
    }

    /// Runs the script that inspects a container from inside, as root.
    pub fn look(&self, name: &str, mark: &str, socket: &str) -> CommandSpec {
        self.docker().args(["exec", "-u", "0", name]).args(["sh", "-c", LOOK, "cai", mark, socket])
    }

    /// Runs the script that sends a request to the API, as this user and group.
    pub fn ask(
        &self,
        name: &str,
        (uid, gid): (u32, u32),
        mark: &str,
        socket: &str,
        clients: &[String],
    ) -> CommandSpec {
        self.docker()
            .args(["exec", "-u", &format!("{uid}:{gid}"), name])
            .args(["sh", "-c", ASK, "cai", mark, socket])
            .args(clients)
    }

    /// The same request without a shell, with a `docker` that the image may have.
    pub fn ask_directly(&self, name: &str, (uid, gid): (u32, u32), socket: &str) -> CommandSpec {
        self.docker()
            .args(["exec", "-u", &format!("{uid}:{gid}"), name])
            .args(["docker", "-H", &format!("unix://{socket}"), "version"])
            .args(["--format", "ApiVersion={{.Server.APIVersion}}"])
    }

    /// Its processes, as the engine's machine lists them.
    pub fn top(&self, name: &str) -> CommandSpec {
        self.docker().args(["top", name, "-eo", "pid,ruid,rgid,supgid"])
    }

    /// Copies a file of a running or stopped container as a tar archive. The archive omits a
    /// socket, but a path that does not exist is an error.
    pub fn copy(&self, name: &str, path: &str) -> CommandSpec {
        self.docker().args(["cp", "-L", &format!("{name}:{path}"), "-"])
    }

    /// The last lines of its log, from both streams.
    pub fn log(&self, name: &str) -> CommandSpec {
        self.docker().args(["logs", "--tail", LOG_LINES, name])
    }

    /// The status of its health check; `none` without one.
    pub fn health(&self, name: &str) -> CommandSpec {
        let format = "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}";
        self.docker().args(["inspect", "--type", "container", "--format", format, name])
    }

    /// Whether `docker` has Compose.
    pub fn has_compose(&self) -> CommandSpec {
        CommandSpec::new(&self.docker).args(["compose", "version", "--short"])
    }

    /// The version of a `docker-compose`.
    pub fn compose_version(&self, program: &Path) -> CommandSpec {
        CommandSpec::new(program).args(["version", "--short"])
    }

    /// The containers that Compose created for a service, running or not, except those of
    /// `compose run`: see [`MadeContainer::parse`](super::MadeContainer::parse).
    pub fn of_service(&self, service: &ServiceName) -> CommandSpec {
        let filter = |label: &str, value: &str| format!("label={LABEL}{label}={value}");
        let labels = LABELS.map(|name| format!("\t{{{{.Label \"{LABEL}{name}\"}}}}"));
        self.docker()
            .args(["ps", "--all", "--filter", &filter("service", service.as_str())])
            .args(["--filter", &filter("oneoff", "False")])
            .args(["--format", &format!("{{{{.Names}}}}{}", labels.concat())])
    }

    /// The configuration of services. No engine is asked, so its context need not exist yet.
    pub fn config(&self, project: &ComposeProject, services: &[&ServiceName]) -> CommandSpec {
        let command = self.compose(project, "default").arg("config");
        // It supports neither JSON output nor a selection of services.
        if matches!(project.program, ComposeProgram::First(_)) {
            return command;
        }
        let services = services.iter().map(|service| service.as_str());
        command.args(["--format", "json"]).args(services)
    }

    /// The names of the volumes that a project declares, also those that no service uses.
    pub fn volumes(&self, project: &ComposeProject) -> CommandSpec {
        // When the plugin interpolates variables, it omits unused volumes.
        self.compose(project, "default").args(["config", "--no-interpolate", "--volumes"])
    }

    /// Creates one service from its files, with `cai`'s override last, and starts it. Other
    /// services are not touched.
    pub fn up(
        &self,
        project: &ComposeProject,
        own: Option<&Path>,
        service: &ServiceName,
    ) -> CommandSpec {
        let command = self.compose(project, self.context.as_str());
        let own = own.into_iter().flat_map(|file| ["-f".as_ref(), file.as_os_str()]);
        let command = command.args(own.collect::<Vec<&std::ffi::OsStr>>());
        command.args(["up", "-d", "--no-deps", service.as_str()]).timeout(COMPOSE)
    }

    fn compose(&self, project: &ComposeProject, context: &str) -> CommandSpec {
        let command = match &project.program {
            ComposeProgram::Plugin => {
                CommandSpec::new(&self.docker).args(["--context", context, "compose"])
            }
            ComposeProgram::Standalone(program) | ComposeProgram::First(program) => {
                CommandSpec::new(program).args(["--context", context])
            }
        };
        command.args(project.options())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands() -> ClientCommands {
        ClientCommands::new("/bin/docker".into(), "secure".parse().unwrap())
    }

    #[test]
    fn every_question_names_its_context() {
        let (commands, name) = (commands(), "manager");
        assert_eq!(
            commands.inspect([name]).to_string(),
            "docker --context secure inspect --type container manager"
        );
        let asked = commands.ask(name, (1001, 2375), "m", "/s", &["curl".into()]);
        assert_eq!(asked.args[..6], ["--context", "secure", "exec", "-u", "1001:2375", "manager"]);
        assert_eq!(asked.args[9..], ["cai", "m", "/s", "curl"]);
    }

    #[test]
    fn a_service_is_read_and_made_by_the_same_project() {
        let project = |program| ComposeProject {
            program,
            name: Some("dind".into()),
            directory: None,
            env_files: Vec::new(),
            files: vec!["/d/a.yml".into(), "/d/b.yml".into()],
        };
        let service: ServiceName = "m".parse().unwrap();
        let up = |program| {
            commands().up(&project(program), Some(Path::new("/d/a.cai.yml")), &service).to_string()
        };
        let config = |program| commands().config(&project(program), &[&service]).to_string();
        assert_eq!(
            up(ComposeProgram::Plugin),
            "docker --context secure compose -p dind -f /d/a.yml -f /d/b.yml -f /d/a.cai.yml up -d \
             --no-deps m"
        );
        assert_eq!(
            config(ComposeProgram::Plugin),
            "docker --context default compose -p dind -f /d/a.yml -f /d/b.yml config --format json m"
        );
        let first = || ComposeProgram::First("/bin/docker-compose".into());
        assert_eq!(
            up(first()),
            "docker-compose --context secure -p dind -f /d/a.yml -f /d/b.yml -f /d/a.cai.yml up -d \
             --no-deps m"
        );
        assert_eq!(
            config(first()),
            "docker-compose --context default -p dind -f /d/a.yml -f /d/b.yml config"
        );
    }
}
