//! Looks at the containers that a file names, where their engine answers: one `docker inspect` for
//! each engine, and for each container that runs one look and one question from inside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::ObserveError;
use super::files::read;
use crate::address::{Address, Kind};
use crate::config::{Config, SocketClient};
use crate::docker::client::{
    Accounts, Api, ClientCommands, ClientFacts, ComposeFacts, ComposeProgram, Inside, Inspected,
    Seen, SocketSeen, answer, is_version, override_path, processes_of_top,
};
use crate::facts::{Facts, Observation};
use crate::guest::{Document, probe};
use crate::host::{CommandError, CommandSpec, ExitStatus, Output, Probe, random};
use crate::model::ContextName;
use crate::parallel::each;
use crate::plan::Reason;

/// What is seen of the clients of a file, by their names in it. Without any, this asks nothing.
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
        let unseen = |client: &SocketClient| (client.name(), unobservable(reason.clone()));
        return Ok(clients.iter().map(unseen).collect());
    };
    let look = Look { probe, docker };
    let program = clients.iter().any(|it| it.compose_file.is_some()).then(|| look.compose());
    let contexts: BTreeSet<_> = clients.iter().map(|client| context(client, config)).collect();
    let engines = each(contexts.into_iter().collect::<Vec<_>>(), |context| {
        let own = |it: &&SocketClient| self::context(it, config) == context;
        let clients: Vec<_> = clients.iter().filter(own).collect();
        let containers = if *context == config.context.name {
            look.own_engine(facts, context, &clients)
        } else {
            look.containers(context, &clients)
        };
        (clients, context, containers)
    });
    let jobs: Vec<_> = engines
        .iter()
        .flat_map(|(clients, context, containers)| {
            clients.iter().map(move |client| (*client, *context, containers))
        })
        .collect();
    let seen = each(jobs, |(client, context, containers)| {
        let facts = look.client(client, context, containers, program.as_ref())?;
        Ok((client.name(), facts))
    });
    seen.into_iter().collect()
}

/// The context of the engine that runs a client.
fn context<'a>(client: &'a SocketClient, config: &'a Config) -> &'a ContextName {
    client.context.as_ref().unwrap_or(&config.context.name)
}

fn unobservable(reason: Reason) -> ClientFacts {
    let container = Observation::Unobservable(reason);
    ClientFacts { container, compose: None, health: None }
}

/// How many lines of a log are evidence.
const LOG_LINES: usize = 5;

/// The containers of an engine by their names, or why they cannot be listed.
type Containers = Result<BTreeMap<String, Inspected>, Reason>;

struct Look<'a> {
    probe: &'a dyn Probe,
    docker: PathBuf,
}

impl Look<'_> {
    /// Asks the file's own engine, where that answers anyway.
    fn own_engine(
        &self,
        facts: &Facts,
        context: &ContextName,
        clients: &[&SocketClient],
    ) -> Containers {
        let leads_here = format!("unix://{}", facts.docker_socket().display());
        let is_there = facts.context.as_ref().is_some_and(|context| context.host == leads_here);
        let answers = facts.socket.as_ref().is_some_and(crate::host::Ping::answers);
        if is_there && answers {
            self.containers(context, clients)
        } else {
            Err(Reason::After(Address::new(Kind::Context, context.as_str())))
        }
    }

    fn containers(&self, context: &ContextName, clients: &[&SocketClient]) -> Containers {
        let commands = self.commands(context);
        let names = clients.iter().map(|client| &client.container);
        let command = commands.inspect(names);
        let silent = |error: CommandError| Reason::EngineSilent(error.in_a_line());
        let output = self.probe.query(&command).map_err(silent)?;
        // Where some are missing it fails, and lists the others all the same.
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

    /// What runs compose files.
    fn compose(&self) -> Option<ComposeProgram> {
        let any: ContextName = "compose".parse().ok()?;
        let commands = self.commands(&any);
        if self.ran(&commands.has_compose()).is_some() {
            return Some(ComposeProgram::Plugin);
        }
        let program = self.probe.find_program("docker-compose")?;
        let version = self.ran(&commands.compose_version(&program));
        let is_first = version.is_some_and(|output| output.stdout.trim().starts_with("1."));
        Some(if is_first {
            ComposeProgram::First(program)
        } else {
            ComposeProgram::Standalone(program)
        })
    }

    fn client(
        &self,
        client: &SocketClient,
        context: &ContextName,
        containers: &Containers,
        program: Option<&Option<ComposeProgram>>,
    ) -> Result<ClientFacts, ObserveError> {
        let container = match containers {
            Err(reason) => Observation::Unobservable(reason.clone()),
            // The daemon takes the beginning of an identifier for a name, too.
            Ok(containers) => match containers.get(client.container.as_str()) {
                Some(inspected) => Observation::Present(self.container(client, context, inspected)),
                None => Observation::Absent,
            },
        };
        let runs = container.present().is_some_and(|seen| seen.inspected.state.runs());
        let url = client.health.as_ref().and_then(|health| health.url());
        let health = url.filter(|_| runs).map(|url| self.probe.get(url));
        let compose = match client.compose() {
            Some((file, _)) => Some(ComposeFacts {
                program: program.cloned().flatten(),
                override_text: read(self.probe, &override_path(&file))?,
                text: read(self.probe, Path::new(&file))?,
            }),
            None => None,
        };
        Ok(ClientFacts { container, compose, health })
    }

    /// Looks at a container, and again where it ended meanwhile: one that is restarted over and over
    /// runs for a moment each time, in which nothing is seen of it.
    fn container(
        &self,
        client: &SocketClient,
        context: &ContextName,
        inspected: &Inspected,
    ) -> Seen {
        let seen = self.container_once(client, context, inspected);
        if seen.inside.as_ref().is_none_or(|inside| !inside.processes.is_empty()) {
            return seen;
        }
        let name = client.container.as_str();
        let now = self.containers(context, &[client]).ok().and_then(|mut now| now.remove(name));
        match now {
            Some(mut now) if !now.state.runs() || now.state.started != inspected.state.started => {
                if now.state.runs() {
                    now.state.status = "restarting".into();
                }
                self.container_once(client, context, &now)
            }
            _ => seen,
        }
    }

    fn container_once(
        &self,
        client: &SocketClient,
        context: &ContextName,
        inspected: &Inspected,
    ) -> Seen {
        let commands = self.commands(context);
        let state = &inspected.state;
        let (inside, accounts) = if state.runs() {
            let (inside, accounts) = self.inside(client, &commands, inspected);
            (Some(inside), accounts)
        } else {
            (None, self.accounts(client, &commands))
        };
        let is_well = state.runs() && state.health.as_deref() != Some("unhealthy");
        let log = if is_well { Vec::new() } else { self.log(client, &commands) };
        Seen { inspected: inspected.clone(), accounts, inside, log }
    }

    /// Looks from inside, by the image's own shell, or by what there is without one.
    fn inside(
        &self,
        client: &SocketClient,
        commands: &ClientCommands,
        inspected: &Inspected,
    ) -> (Inside, Accounts) {
        let (name, socket) = (&client.container, client.socket.as_str());
        let mark = probe::mark(random());
        let output = self.ran(&commands.look(name, &mark, socket));
        let document = output.and_then(|output| Document::parse(&output.stdout, &mark).ok());
        let has_shell = document.is_some();
        let (mut inside, accounts) = match &document {
            Some(document) => Inside::read(document),
            None => (self.shellless(client, commands), self.accounts(client, commands)),
        };
        if inspected.host_pids {
            inside.processes = self.top(client, commands);
        }
        let uid =
            client.uid.or_else(|| Some(accounts.by_name(client.user.as_ref()?.as_str())?.uid));
        let Some(process) = inside.process(uid).cloned() else {
            inside.api = Api::Untested("its processes could not be seen".into());
            return (inside, accounts);
        };
        let gid = match inside.socket {
            SocketSeen::Missing | SocketSeen::NotASocket => return (inside, accounts),
            SocketSeen::Socket { gid, .. } => gid,
            SocketSeen::Unknown => client.gid,
        };
        // The process as a whole cannot be put on, but the one of its groups that counts can.
        let user = (process.uid, if process.has(gid) { gid } else { process.gid });
        inside.api = if has_shell {
            let mark = probe::mark(random());
            let command = commands.ask(name, user, &mark, socket, &inside.clients);
            let result = self.probe.query(&command).and_then(|output| {
                Document::parse(&output.stdout, &mark)
                    .map_err(|why| CommandError::unreadable(&command, output, why.to_string()))
            });
            match result {
                Ok(document) => answer(&document, &process, gid),
                Err(error) => Api::Untested(error.in_a_line()),
            }
        } else {
            self.ask_directly(client, commands, user)
        };
        (inside, accounts)
    }

    fn shellless(&self, client: &SocketClient, commands: &ClientCommands) -> Inside {
        let is_there = self.ran(&commands.copy(&client.container, &client.socket)).is_some();
        Inside {
            socket: if is_there { SocketSeen::Unknown } else { SocketSeen::Missing },
            processes: self.top(client, commands),
            clients: Vec::new(),
            api: Api::Untested("it was not asked".into()),
        }
    }

    fn ask_directly(
        &self,
        client: &SocketClient,
        commands: &ClientCommands,
        user: (u32, u32),
    ) -> Api {
        let command = commands.ask_directly(&client.container, user, &client.socket);
        match self.probe.query(&command) {
            Ok(output) if output.status.success() && is_version(&output.stdout) => Api::Answers,
            Ok(output) if output.stderr.contains("ermission denied while trying") => {
                Api::Denied(format!("docker: {}", output.stderr.trim()))
            }
            // The program cannot be started, or is not there; who says so, and where, differs.
            Ok(Output { status: ExitStatus::Code(126 | 127), .. }) => {
                Api::Untested("the image has neither a shell nor docker".into())
            }
            Ok(output) => Api::Silent(format!("docker: {}", output.stderr.trim())),
            Err(error) => Api::Untested(error.in_a_line()),
        }
    }

    fn top(
        &self,
        client: &SocketClient,
        commands: &ClientCommands,
    ) -> Vec<crate::docker::client::Process> {
        let output = self.ran(&commands.top(&client.container));
        output.map(|output| processes_of_top(&output.stdout)).unwrap_or_default()
    }

    fn accounts(&self, client: &SocketClient, commands: &ClientCommands) -> Accounts {
        let file = |path| {
            let output = self.ran(&commands.copy(&client.container, path));
            output.and_then(|output| text_in_tar(&output.stdout)).unwrap_or_default()
        };
        Accounts::parse(&file("/etc/passwd"), &file("/etc/group"))
    }

    fn log(&self, client: &SocketClient, commands: &ClientCommands) -> Vec<String> {
        let output = self.ran(&commands.log(&client.container));
        // What went wrong tends to be on the second stream.
        let lines = |output: Output| -> Vec<String> {
            let all = output.stdout.lines().chain(output.stderr.lines());
            let all = all.map(str::trim_end).filter(|line| !line.is_empty());
            let mut last: Vec<&str> = all.rev().take(LOG_LINES).collect();
            last.reverse();
            last.into_iter().map(str::to_owned).collect()
        };
        output.map(lines).unwrap_or_default()
    }

    /// What a command printed, if it succeeded. Without its answer less is known, and that is all.
    fn ran(&self, command: &CommandSpec) -> Option<Output> {
        self.probe.query(command).ok().filter(|output| output.status.success())
    }
}

fn failed(command: &CommandSpec, output: Output) -> CommandError {
    let failure = crate::host::Failure::Status(output);
    CommandError { command: command.clone().into(), failure }
}

/// The text of the first file in an archive. A container's files are no more trusted than its
/// output: an archive that is none holds nothing.
fn text_in_tar(archive: &str) -> Option<String> {
    let mut archive = tar::Archive::new(archive.as_bytes());
    let entry = archive.entries().ok()?.next()?.ok()?;
    std::io::read_to_string(entry).ok()
}
