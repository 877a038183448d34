//! Observes the containers that a file names: one `docker inspect` per engine that answers, and one
//! inspection and one API request inside each running container.

mod inside;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread;

use super::ObserveError;
use super::compose::{Compose, MadeBy};
use crate::config::{Config, SocketClient};
use crate::docker::client::{ClientCommands, ExistingContainer, Inspected, MadeContainer};
use crate::host::parallel::{each, join};
use crate::host::{CommandError, CommandSpec, Output, Probe};
use crate::model::address::{Address, Kind};
use crate::model::{ContextName, UnixName};
use crate::plan::Observation;
use crate::plan::Reason;
use crate::resource::facts::Facts;
use crate::resource::socket_client::{ClientFacts, ComposeFacts, EngineSockets};

/// The facts about the clients of a file, by name. Without clients, no command runs.
pub(super) fn clients(
    probe: &dyn Probe,
    config: &Config,
    facts: &Facts,
) -> Result<BTreeMap<String, ClientFacts>, ObserveError> {
    let clients = &config.socket_clients;
    if clients.is_empty() {
        return Ok(BTreeMap::new());
    }
    let Some(docker) = facts.tools.docker.clone() else {
        let reason = Reason::EngineSilent("the docker command is not on PATH".into());
        let unseen = |client: &SocketClient| {
            let container = Observation::Unobservable(reason.clone());
            let facts = ClientFacts { container, compose: None, health: None, engine: None };
            (client.name(), facts)
        };
        return Ok(clients.iter().map(unseen).collect());
    };
    let look = ClientObserver { probe, docker, engine: engine_sockets(config, facts) };
    let contexts: BTreeSet<_> = clients.iter().map(|client| context(client, config)).collect();
    let (compose, engines) = thread::scope(|scope| {
        let uses_compose = clients.iter().any(|it| it.compose_file.is_some());
        let compose = uses_compose.then(|| {
            let commands = look.commands(&config.context.name);
            scope.spawn(|| Compose::find(probe, commands))
        });
        let engines = each(contexts.into_iter().collect::<Vec<_>>(), |context| {
            let own = clients.iter().filter(|it| self::context(it, config) == context);
            let names = own.filter_map(|client| Some(client.container.as_ref()?.as_str()));
            let names: Vec<&str> = names.collect();
            let containers = if *context == config.context.name {
                look.own_engine(facts, context, &names)
            } else {
                look.containers(context, &names)
            };
            (context, containers)
        });
        (compose.map(join), engines.into_iter().collect::<BTreeMap<_, _>>())
    });
    let jobs: Vec<_> = clients
        .iter()
        .map(|client| ClientJob { client, context: context(client, config), engines: &engines })
        .collect();
    look.all(&jobs, compose.as_ref())
}

/// The context of the engine that runs a client.
fn context<'a>(client: &'a SocketClient, config: &'a Config) -> &'a ContextName {
    client.context.as_ref().unwrap_or(&config.context.name)
}

/// The sockets of the file's own engine.
fn engine_sockets(config: &Config, facts: &Facts) -> EngineSockets {
    let docker = config.groups.iter().find(|group| group.name == UnixName::docker());
    let seen = || Some(facts.guest.present()?.socket.as_ref()?.gid);
    let gid = docker.and_then(|group| group.gid).or_else(seen);
    EngineSockets { forwarded: facts.docker_socket(), gid }
}

/// The number of log lines that are kept as evidence.
const LOG_LINES: usize = 5;

/// The containers of an engine by name, or why they cannot be listed.
type Containers = Result<BTreeMap<String, Inspected>, Reason>;

/// A client, and the engines.
#[derive(Clone, Copy)]
struct ClientJob<'a> {
    client: &'a SocketClient,
    context: &'a ContextName,
    engines: &'a BTreeMap<&'a ContextName, Containers>,
}

impl<'a> ClientJob<'a> {
    fn containers(self) -> Result<&'a BTreeMap<String, Inspected>, Reason> {
        match self.engines.get(self.context) {
            Some(Ok(containers)) => Ok(containers),
            Some(Err(reason)) => Err(reason.clone()),
            None => Ok(const { &BTreeMap::new() }),
        }
    }

    /// The container with the declared name. The daemon also accepts the start of an id as a name.
    fn named(self) -> Option<&'a Inspected> {
        self.containers().ok()?.get(self.client.container.as_ref()?.as_str())
    }

    fn made_by(self) -> MadeBy<'a> {
        (self.client, self.named().and_then(|container| container.compose.as_ref()))
    }
}

/// Observes the clients of the files.
struct ClientObserver<'a> {
    probe: &'a dyn Probe,
    docker: PathBuf,
    engine: EngineSockets,
}

impl ClientObserver<'_> {
    /// Reads the compose files, and in parallel inspects the containers that the file names.
    fn all(
        &self,
        jobs: &[ClientJob<'_>],
        compose: Option<&Compose<'_>>,
    ) -> Result<BTreeMap<String, ClientFacts>, ObserveError> {
        let (files, seen) = thread::scope(|scope| {
            let clients: Vec<MadeBy<'_>> = jobs.iter().map(|job| job.made_by()).collect();
            let files = compose.map(|compose| scope.spawn(move || compose.files(&clients)));
            let seen = each(jobs, |job| job.named().map(|it| self.container(job, it)));
            (files.map(join), seen)
        });
        let files = match files {
            Some(files) => files?,
            None => jobs.iter().map(|_| None).collect(),
        };
        let looked_at: Vec<_> = jobs.iter().zip(files).zip(seen).collect();
        let facts = each(looked_at, |((job, files), seen)| {
            let facts = self.client(job, compose, files, seen)?;
            Ok((job.client.name(), facts))
        });
        facts.into_iter().collect()
    }

    /// Asks the file's engine if its socket is known to answer.
    fn own_engine(&self, facts: &Facts, context: &ContextName, names: &[&str]) -> Containers {
        let leads_here = format!("unix://{}", facts.docker_socket().display());
        let is_there = facts.context.as_ref().is_some_and(|context| context.host == leads_here);
        let answers = facts.socket.as_ref().is_some_and(crate::host::Ping::answers);
        if is_there && answers {
            self.containers(context, names)
        } else {
            Err(Reason::After(Address::new(Kind::CONTEXT, context.as_str())))
        }
    }

    fn containers(&self, context: &ContextName, names: &[&str]) -> Containers {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let command = self.commands(context).inspect(names.iter().copied());
        let silent = |error: CommandError| Reason::EngineSilent(error.in_a_line());
        let output = self.probe.query(&command).map_err(silent)?;
        // If some containers do not exist, the command fails but still lists the others.
        let is_about_missing = |line: &str| line.to_ascii_lowercase().contains("no such container");
        let mut complaints =
            output.stderr.lines().filter(|line| !line.trim().is_empty()).peekable();
        let lists_others = complaints.peek().is_some() && complaints.all(is_about_missing);
        if !output.status.success() && !lists_others {
            return Err(silent(failed(&command, output)));
        }
        Inspected::parse(&output.stdout)
            .map_err(|why| silent(CommandError::unreadable(&command, output, why.to_string())))
    }

    fn commands(&self, context: &ContextName) -> ClientCommands {
        ClientCommands::new(self.docker.clone(), context.clone())
    }

    fn client(
        &self,
        job: &ClientJob<'_>,
        compose: Option<&Compose<'_>>,
        mut files: Option<ComposeFacts>,
        seen: Option<ExistingContainer>,
    ) -> Result<ClientFacts, ObserveError> {
        let container = match (job.containers(), seen) {
            (Err(reason), _) => Observation::Unobservable(reason),
            (Ok(_), Some(seen)) => Observation::Present(seen),
            (Ok(_), None) => match self.of_service(job, files.as_ref()) {
                Err(reason) => Observation::Unobservable(reason),
                Ok(None) => Observation::Absent,
                Ok(Some(inspected)) => {
                    // The container may have been created with Compose options that are not known
                    // yet.
                    let made_by = (job.client, inspected.compose.as_ref());
                    if let Some(compose) = compose {
                        files = compose.again(&made_by, files)?;
                    }
                    Observation::Present(self.container(job, &inspected))
                }
            },
        };
        let runs = container.present().is_some_and(|seen| seen.inspected.state.runs());
        let url = job.client.health.as_ref().and_then(|health| health.url());
        let health = url.filter(|_| runs).map(|url| self.probe.get(url));
        let engine = job.client.context.is_none().then(|| self.engine.clone());
        Ok(ClientFacts { container, compose: files, health, engine })
    }

    /// The container that Compose created for a client's service, matched by project, else by file.
    /// If there are several, the one with the lowest number.
    fn of_service(
        &self,
        job: &ClientJob<'_>,
        files: Option<&ComposeFacts>,
    ) -> Result<Option<Inspected>, Reason> {
        let (Some((file, service)), Some(files)) = (job.client.compose(), files) else {
            return Ok(None);
        };
        let command = self.commands(job.context).of_service(service);
        let result = self.probe.query(&command).and_then(|output| output.successful(&command));
        let output = result.map_err(|error| Reason::EngineSilent(error.in_a_line()))?;
        let project = files.service.as_ref().ok().and_then(|it| it.project.as_ref());
        let resolved = |path: &Path| self.probe.canonical(path).unwrap_or_else(|_| path.to_owned());
        let rank = |made: &MadeContainer| {
            let is_of_project = Some(&made.labels.project) == project;
            let mut files = made.labels.files.iter();
            let is_of_file = files.any(|other| resolved(other) == resolved(&file));
            (is_of_project || is_of_file).then_some((!is_of_project, made.number))
        };
        let made = MadeContainer::parse(&output.stdout);
        let ranked = made.iter().filter_map(|made| Some((rank(made)?, made)));
        let Some((_, made)) = ranked.min_by_key(|(rank, _)| *rank) else { return Ok(None) };
        let mut found = self.containers(job.context, &[&made.name])?;
        Ok(found.remove(&made.name))
    }

    /// Observes a container, and a second time if it ended meanwhile: a container that is restarted
    /// again and again runs only for a moment each time.
    fn container(&self, job: &ClientJob<'_>, inspected: &Inspected) -> ExistingContainer {
        let seen = self.container_once(job, inspected);
        if seen.inside.as_ref().is_none_or(|inside| !inside.processes.is_empty()) {
            return seen;
        }
        let name = inspected.name.as_str();
        let now = self.containers(job.context, &[name]).ok().and_then(|mut now| now.remove(name));
        match now {
            Some(mut now) if !now.state.runs() || now.state.started != inspected.state.started => {
                if now.state.runs() {
                    now.state.status = "restarting".into();
                }
                self.container_once(job, &now)
            }
            _ => seen,
        }
    }

    fn container_once(&self, job: &ClientJob<'_>, inspected: &Inspected) -> ExistingContainer {
        let commands = self.commands(job.context);
        let (state, name) = (&inspected.state, inspected.name.as_str());
        let (inside, accounts) = if state.runs() {
            let (inside, accounts) = self.inside(job.client, &commands, inspected);
            (Some(inside), accounts)
        } else {
            (None, self.accounts(name, &commands))
        };
        let is_well = state.runs() && state.health.as_deref() != Some("unhealthy");
        let log = if is_well { Vec::new() } else { self.log(name, &commands) };
        ExistingContainer { inspected: inspected.clone(), accounts, inside, log }
    }

    fn log(&self, name: &str, commands: &ClientCommands) -> Vec<String> {
        let output = self.ran(&commands.log(name));
        // Error messages are usually on the second stream.
        let lines = |output: Output| -> Vec<String> {
            let all = output.stdout.lines().chain(output.stderr.lines());
            let all = all.map(str::trim_end).filter(|line| !line.is_empty());
            let mut last: Vec<&str> = all.rev().take(LOG_LINES).collect();
            last.reverse();
            last.into_iter().map(str::to_owned).collect()
        };
        output.map(lines).unwrap_or_default()
    }

    /// The output of a command if it succeeded. Without it, fewer facts are known.
    fn ran(&self, command: &CommandSpec) -> Option<Output> {
        self.probe.query(command).ok().filter(|output| output.status.success())
    }
}

fn failed(command: &CommandSpec, output: Output) -> CommandError {
    let failure = crate::host::Failure::Status(output);
    CommandError { command: command.clone().into(), failure }
}
