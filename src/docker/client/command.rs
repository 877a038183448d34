//! The command lines that look at containers, and those that make one anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{ComposeLabels, ComposeProgram};
use crate::host::CommandSpec;
use crate::model::{ContainerName, ContextName, ServiceName};

const LOOK: &str = concat!(include_str!("../../guest/section.sh"), include_str!("look.sh"));
const ASK: &str = concat!(include_str!("../../guest/section.sh"), include_str!("ask.sh"));
/// How much of a log is read. The two streams of a program come in no certain order.
const LOG_LINES: &str = "20";
/// Compose may have to pull or build the image.
const COMPOSE: Duration = Duration::from_secs(20 * 60);

/// Builds the command lines for the containers of one Docker context.
#[derive(Debug, Clone)]
pub struct ClientCommands {
    docker: PathBuf,
    context: ContextName,
}

impl ClientCommands {
    /// With this `docker`, for the engine of this context.
    pub fn new(docker: PathBuf, context: ContextName) -> Self {
        Self { docker, context }
    }

    fn docker(&self) -> CommandSpec {
        CommandSpec::new(&self.docker).args(["--context", self.context.as_str()])
    }

    /// All containers of these names, in one list.
    pub fn inspect<'a>(&self, names: impl IntoIterator<Item = &'a ContainerName>) -> CommandSpec {
        let names = names.into_iter().map(ContainerName::as_str);
        self.docker().args(["inspect", "--type", "container"]).args(names)
    }

    /// The script that looks at a container from inside, as its root.
    pub fn look(&self, name: &ContainerName, mark: &str, socket: &str) -> CommandSpec {
        self.docker()
            .args(["exec", "-u", "0", name.as_str()])
            .args(["sh", "-c", LOOK, "cai", mark, socket])
    }

    /// The script that asks the API, as this user with this group.
    pub fn ask(
        &self,
        name: &ContainerName,
        (uid, gid): (u32, u32),
        mark: &str,
        socket: &str,
        clients: &[String],
    ) -> CommandSpec {
        self.docker()
            .args(["exec", "-u", &format!("{uid}:{gid}"), name.as_str()])
            .args(["sh", "-c", ASK, "cai", mark, socket])
            .args(clients)
    }

    /// The same question without a shell, by a `docker` that the image may have.
    pub fn ask_directly(
        &self,
        name: &ContainerName,
        (uid, gid): (u32, u32),
        socket: &str,
    ) -> CommandSpec {
        self.docker()
            .args(["exec", "-u", &format!("{uid}:{gid}"), name.as_str()])
            .args(["docker", "-H", &format!("unix://{socket}"), "version"])
            .args(["--format", "ApiVersion={{.Server.APIVersion}}"])
    }

    /// Its processes, as the engine's machine sees them.
    pub fn top(&self, name: &ContainerName) -> CommandSpec {
        self.docker().args(["top", name.as_str(), "-eo", "pid,ruid,rgid,supgid"])
    }

    /// A file of a container as a tar archive, whether it runs or not. A socket is left out of it,
    /// but it is an error where there is nothing at the path.
    pub fn copy(&self, name: &ContainerName, path: &str) -> CommandSpec {
        self.docker().args(["cp", "-L", &format!("{name}:{path}"), "-"])
    }

    /// The last lines of its log, on either stream.
    pub fn log(&self, name: &ContainerName) -> CommandSpec {
        self.docker().args(["logs", "--tail", LOG_LINES, name.as_str()])
    }

    /// Its own health check's last word; `none` where it has none.
    pub fn health(&self, name: &ContainerName) -> CommandSpec {
        let format = "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}";
        self.docker().args(["inspect", "--type", "container", "--format", format, name.as_str()])
    }

    /// Whether `docker` has Compose.
    pub fn has_compose(&self) -> CommandSpec {
        CommandSpec::new(&self.docker).args(["compose", "version", "--short"])
    }

    /// Which version a `docker-compose` has.
    pub fn compose_version(&self, program: &Path) -> CommandSpec {
        CommandSpec::new(program).args(["version", "--short"])
    }

    /// Makes one service as its files say, and starts it; others stay as they are.
    ///
    /// Where the container was made by more files, it is made by all of them again, with the same
    /// variables, and paths from the same directory. The project is named as the container says:
    /// whatever gave it that name (a directory, a variable, a key of the file), another one would be
    /// a second container.
    pub fn up(
        &self,
        program: &ComposeProgram,
        file: &Path,
        own: Option<&Path>,
        made_by: Option<&ComposeLabels>,
        service: &ServiceName,
    ) -> CommandSpec {
        let mut command = match program {
            ComposeProgram::Plugin => self.docker().arg("compose"),
            ComposeProgram::Standalone(program) | ComposeProgram::First(program) => {
                CommandSpec::new(program).args(["--context", self.context.as_str()])
            }
        };
        if let Some(labels) = made_by {
            command = command.args(["-p", &labels.project]);
        }
        let known = made_by.filter(|labels| labels.files.iter().any(|other| other == file));
        let mut files = known.map_or_else(|| vec![file.to_owned()], |labels| labels.files.clone());
        if let Some(labels) = known {
            let usual = files.first().and_then(|first| first.parent());
            if let Some(directory) = labels.directory.as_deref().filter(|it| Some(*it) != usual) {
                command = command.arg("--project-directory").arg(directory);
            }
            for file in &labels.env_files {
                command = command.arg("--env-file").arg(file);
            }
        }
        files.retain(|file| Some(file.as_path()) != own);
        files.extend(own.map(Path::to_owned));
        for file in files {
            command = command.arg("-f").arg(file);
        }
        command.args(["up", "-d", "--no-deps", service.as_str()]).timeout(COMPOSE)
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
        let (commands, name) = (commands(), "manager".parse().unwrap());
        assert_eq!(
            commands.inspect([&name]).to_string(),
            "docker --context secure inspect --type container manager"
        );
        let asked = commands.ask(&name, (1001, 2375), "m", "/s", &["curl".into()]);
        assert_eq!(asked.args[..6], ["--context", "secure", "exec", "-u", "1001:2375", "manager"]);
        assert_eq!(asked.args[9..], ["cai", "m", "/s", "curl"]);
    }

    #[test]
    fn a_service_is_made_by_the_files_that_made_it_and_cais_own_last() {
        let labels = |files: &[&str]| ComposeLabels {
            project: "dind".into(),
            service: "m".into(),
            files: files.iter().map(PathBuf::from).collect(),
            directory: Some("/d".into()),
            env_files: Vec::new(),
        };
        let up = |program: &ComposeProgram, labels: Option<&ComposeLabels>| {
            let (file, own) = (Path::new("/d/a.yml"), Path::new("/d/a.cai.yml"));
            let service = "m".parse().unwrap();
            commands().up(program, file, Some(own), labels, &service).to_string()
        };
        assert_eq!(
            up(&ComposeProgram::Plugin, None),
            "docker --context secure compose -f /d/a.yml -f /d/a.cai.yml up -d --no-deps m"
        );
        let standalone = ComposeProgram::Standalone("/bin/docker-compose".into());
        assert_eq!(
            up(&standalone, Some(&labels(&["/d/a.yml", "/d/a.cai.yml", "/d/b.yml"]))),
            "docker-compose --context secure -p dind -f /d/a.yml -f /d/b.yml -f /d/a.cai.yml up -d \
             --no-deps m"
        );
        let elsewhere = ComposeLabels {
            directory: Some("/".into()),
            env_files: vec!["/d/prod.env".into()],
            ..labels(&["/d/a.yml"])
        };
        assert_eq!(
            up(&ComposeProgram::Plugin, Some(&elsewhere)),
            "docker --context secure compose -p dind --project-directory / --env-file /d/prod.env -f \
             /d/a.yml -f /d/a.cai.yml up -d --no-deps m"
        );
        // Files of another place or time say nothing of this one.
        assert_eq!(
            up(&ComposeProgram::Plugin, Some(&labels(&["/elsewhere/a.yml"]))),
            "docker --context secure compose -p dind -f /d/a.yml -f /d/a.cai.yml up -d --no-deps m"
        );
    }
}
