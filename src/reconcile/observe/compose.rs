//! Asks Compose for the configuration of the file's services, once per project, and only if the
//! file names compose files.

use std::path::{Path, PathBuf};

use super::ObserveError;
use super::files::read;
use crate::config::SocketClient;
use crate::docker::client::{
    ClientCommands, ComposeError, ComposeLabels, ComposeProgram, ComposeProject, ComposeService,
    override_path,
};
use crate::host::parallel::each;
use crate::host::{CommandError, CommandSpec, Probe};
use crate::model::ServiceName;
use crate::model::redact;
use crate::model::shortened;
use crate::resource::socket_client::ComposeFacts;

/// A client, and the labels of its container.
pub(super) type MadeBy<'a> = (&'a SocketClient, Option<&'a ComposeLabels>);

/// The longest message of Compose that is shown, in lines and in characters.
const LINES: usize = 3;
const SHOWN: usize = 500;

pub(super) struct Compose<'a> {
    probe: &'a dyn Probe,
    commands: ClientCommands,
    program: Option<ComposeProgram>,
}

impl<'a> Compose<'a> {
    /// Finds the program that runs compose files.
    pub(super) fn find(probe: &'a dyn Probe, commands: ClientCommands) -> Self {
        let mut compose = Self { probe, commands, program: None };
        compose.program = compose.program();
        compose
    }

    fn program(&self) -> Option<ComposeProgram> {
        if self.print(&self.commands.has_compose()).is_ok() {
            return Some(ComposeProgram::Plugin);
        }
        let program = self.probe.find_program("docker-compose")?;
        let version = self.print(&self.commands.compose_version(&program));
        Some(if version.is_ok_and(|version| version.trim().starts_with("1.")) {
            ComposeProgram::First(program)
        } else {
            ComposeProgram::Standalone(program)
        })
    }

    /// The facts about each client's compose file; `None` for clients without one.
    pub(super) fn files(
        &self,
        clients: &[MadeBy<'_>],
    ) -> Result<Vec<Option<ComposeFacts>>, ObserveError> {
        let projects: Vec<Option<ComposeProject>> =
            clients.iter().map(|client| self.project(client)).collect();
        let mut groups: Vec<(&ComposeProject, Vec<usize>)> = Vec::new();
        for (index, project) in projects.iter().enumerate() {
            let Some(project) = project.as_ref().filter(|_| self.is_there(clients[index].0)) else {
                continue;
            };
            match groups.iter_mut().find(|(other, _)| *other == project) {
                Some((_, members)) => members.push(index),
                None => groups.push((project, vec![index])),
            }
        }
        let described = each(groups, |(project, members)| {
            let clients: Vec<_> = members.iter().map(|index| clients[*index].0).collect();
            members.into_iter().zip(self.services(project, &clients)).collect::<Vec<_>>()
        });
        let mut services: Vec<_> = clients.iter().map(|_| Err(ComposeError::Missing)).collect();
        for (index, service) in described.into_iter().flatten() {
            services[index] = service;
        }
        let facts = clients.iter().zip(projects).zip(services);
        let facts = facts.map(|(((client, _), project), service)| {
            let Some((file, _)) = client.compose() else { return Ok(None) };
            let override_text = read(self.probe, &override_path(&file))?;
            Ok(Some(ComposeFacts { project, service, override_text }))
        });
        facts.collect()
    }

    /// The same for one client, once its container is known. Returns the known facts if nothing
    /// changed.
    pub(super) fn again(
        &self,
        client: &MadeBy<'_>,
        known: Option<ComposeFacts>,
    ) -> Result<Option<ComposeFacts>, ObserveError> {
        let project = known.as_ref().and_then(|known| known.project.as_ref());
        let same = |other: ComposeProject| {
            let name = project.and_then(|project| project.name.clone());
            ComposeProject { name, ..other }
        };
        match self.project(client) {
            Some(now) if Some(&same(now.clone())) == project => {
                // Only the name is new, and Compose chose it.
                Ok(known.map(|known| ComposeFacts { project: Some(now), ..known }))
            }
            Some(_) => Ok(self.files(&[*client])?.pop().flatten()),
            None => Ok(known),
        }
    }

    fn project(&self, (client, made_by): &MadeBy<'_>) -> Option<ComposeProject> {
        let ((file, _), program) = (client.compose()?, self.program.clone()?);
        let exists = |path: &Path| self.probe.canonical(path).is_ok();
        Some(ComposeProject::new(program, &file, *made_by, &exists))
    }

    fn is_there(&self, client: &SocketClient) -> bool {
        client.compose().is_some_and(|(file, _)| self.probe.canonical(&file).is_ok())
    }

    /// The services of several clients of one project. If Compose refuses all together, each is
    /// read separately, so a missing service does not affect the others.
    fn services(
        &self,
        project: &ComposeProject,
        clients: &[&SocketClient],
    ) -> Vec<Result<ComposeService, ComposeError>> {
        let names: Vec<&ServiceName> =
            clients.iter().filter_map(|it| it.service.as_ref()).collect();
        match self.config(project, &names) {
            Ok(text) => clients
                .iter()
                .zip(names)
                .map(|(client, name)| self.service(project, client, &text, name))
                .collect(),
            Err(error) if clients.len() == 1 => vec![Err(error)],
            Err(_) => clients.iter().flat_map(|client| self.services(project, &[client])).collect(),
        }
    }

    fn config(
        &self,
        project: &ComposeProject,
        services: &[&ServiceName],
    ) -> Result<String, ComposeError> {
        self.print(&self.commands.config(project, services)).map_err(ComposeError::Refused)
    }

    fn service(
        &self,
        project: &ComposeProject,
        client: &SocketClient,
        text: &str,
        name: &ServiceName,
    ) -> Result<ComposeService, ComposeError> {
        let mut service = ComposeService::read(text, &project.program, name)?;
        if service.project.is_none() {
            service.project = project.name.clone().or_else(|| self.default_name(project));
        }
        let is_named = client.volume.as_ref().filter(|volume| !volume.is_path());
        if let Some(volume) = is_named
            && !service.volumes.contains_key(volume.as_str())
            && !service.mounts.iter().any(|mount| service.is_mount_of(mount, volume))
        {
            let declared = self.print(&self.commands.volumes(project)).unwrap_or_default();
            service.volumes.extend(declared.lines().map(|name| (name.to_owned(), None)));
        }
        Ok(service)
    }

    /// The project's name by the rules of Compose 1, which does not print it.
    fn default_name(&self, project: &ComposeProject) -> Option<String> {
        const VARIABLE: &str = "COMPOSE_PROJECT_NAME";
        let directory: PathBuf = match &project.directory {
            Some(directory) => directory.clone(),
            None => project.files.first()?.parent()?.to_owned(),
        };
        let variable = self.probe.env(VARIABLE).map(|name| name.to_string_lossy().into_owned());
        let in_file = || {
            let text = read(self.probe, &directory.join(".env")).ok()??;
            let line = text.lines().find_map(|line| line.strip_prefix(VARIABLE)?.strip_prefix('='));
            line.map(|name| name.trim().to_owned())
        };
        let name = variable.or_else(in_file).filter(|name| !name.is_empty());
        let name = name.or_else(|| Some(directory.file_name()?.to_string_lossy().into_owned()))?;
        let is_allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        Some(name.to_lowercase().chars().filter(is_allowed).collect())
    }

    /// A command's output, or its error. The output may contain secrets, so no message quotes it.
    fn print(&self, command: &CommandSpec) -> Result<String, String> {
        let error = |error: CommandError| error.to_string();
        let output = self.probe.query(command).map_err(error)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let is_warning = |line: &&str| {
            line.is_empty()
                || line.contains("level=warning")
                || line.ends_with("Defaulting to a blank string.")
        };
        let lines = output.stderr.lines().map(str::trim).filter(|line| !is_warning(line));
        let said = lines.take(LINES).map(redact::foreign).collect::<Vec<_>>().join(" ");
        if said.is_empty() {
            return output.successful(command).map(|output| output.stdout).map_err(error);
        }
        Err(format!("Compose reported: {}", shortened(&said, SHOWN)))
    }
}
