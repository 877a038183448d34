//! Observes a container from inside, and reads its files.

use super::ClientObserver;
use crate::config::SocketClient;
use crate::docker::client::{
    Accounts, Api, ClientCommands, ExistingContainer, Inside, Inspected, Process, SocketSeen,
    answer, is_version, processes_of_top,
};
use crate::guest::{Document, probe};
use crate::host::{CommandError, ExitStatus, Output, random};
use crate::plan::Observation;
use crate::resource::socket_client::{self, ClientFacts};

impl ClientObserver<'_> {
    /// Inspects a container from inside, with the image's shell or, without one, with docker
    /// commands.
    pub(super) fn inside(
        &self,
        client: &SocketClient,
        commands: &ClientCommands,
        inspected: &Inspected,
    ) -> (Inside, Accounts) {
        let (name, socket) = (inspected.name.as_str(), client.socket.as_str());
        let mark = probe::mark(random());
        let output = self.ran(&commands.look(name, &mark, socket));
        let document = output.and_then(|output| Document::parse(&output.stdout, &mark).ok());
        let has_shell = document.is_some();
        let (mut inside, accounts) = match &document {
            Some(document) => Inside::read(document),
            None => (self.shellless(client, name, commands), self.accounts(name, commands)),
        };
        if inspected.host_pids {
            inside.processes = self.top(name, commands);
        }
        let uid =
            client.uid.or_else(|| Some(accounts.by_name(client.user.as_ref()?.as_str())?.uid));
        let Some(process) = inside.process(uid).cloned() else {
            inside.api = Api::Untested("its processes could not be listed".into());
            return (inside, accounts);
        };
        let gid = match inside.socket {
            SocketSeen::Missing | SocketSeen::NotASocket => return (inside, accounts),
            SocketSeen::Socket { gid, .. } => gid,
            SocketSeen::Unknown => self.expected_gid(client, inspected),
        };
        // `docker exec` cannot reproduce all groups of the process, but it can use the relevant
        // one.
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
            self.ask_directly(client, name, commands, user)
        };
        (inside, accounts)
    }

    /// The expected gid of a socket that cannot be inspected.
    fn expected_gid(&self, client: &SocketClient, inspected: &Inspected) -> u32 {
        let (accounts, inside) = (Accounts::default(), None);
        let seen =
            ExistingContainer { inspected: inspected.clone(), accounts, inside, log: Vec::new() };
        let container = Observation::Present(seen);
        let engine = client.context.is_none().then(|| self.engine.clone());
        socket_client::gid(client, &ClientFacts { container, compose: None, health: None, engine })
    }

    fn shellless(&self, client: &SocketClient, name: &str, commands: &ClientCommands) -> Inside {
        let is_there = self.ran(&commands.copy(name, &client.socket)).is_some();
        Inside {
            socket: if is_there { SocketSeen::Unknown } else { SocketSeen::Missing },
            processes: self.top(name, commands),
            clients: Vec::new(),
            api: Api::Untested("no request was sent".into()),
        }
    }

    fn ask_directly(
        &self,
        client: &SocketClient,
        name: &str,
        commands: &ClientCommands,
        user: (u32, u32),
    ) -> Api {
        let command = commands.ask_directly(name, user, &client.socket);
        match self.probe.query(&command) {
            Ok(output) if output.status.success() && is_version(&output.stdout) => Api::Answers,
            Ok(output) if output.stderr.contains("ermission denied while trying") => {
                Api::Denied(format!("docker: {}", output.stderr.trim()))
            }
            // The program does not exist or cannot be started. The message depends on the runtime.
            Ok(Output { status: ExitStatus::Code(126 | 127), .. }) => {
                Api::Untested("the image has neither a shell nor docker".into())
            }
            Ok(output) => Api::Silent(format!("docker: {}", output.stderr.trim())),
            Err(error) => Api::Untested(error.in_a_line()),
        }
    }

    fn top(&self, name: &str, commands: &ClientCommands) -> Vec<Process> {
        let output = self.ran(&commands.top(name));
        output.map(|output| processes_of_top(&output.stdout)).unwrap_or_default()
    }

    pub(super) fn accounts(&self, name: &str, commands: &ClientCommands) -> Accounts {
        let file = |path| {
            let output = self.ran(&commands.copy(name, path));
            output.and_then(|output| text_in_tar(&output.stdout)).unwrap_or_default()
        };
        Accounts::parse(&file("/etc/passwd"), &file("/etc/group"))
    }
}

/// The text of the first file in an archive. The container's files are not trusted: an invalid
/// archive counts as empty.
fn text_in_tar(archive: &str) -> Option<String> {
    let mut archive = tar::Archive::new(archive.as_bytes());
    let entry = archive.entries().ok()?.next()?.ok()?;
    std::io::read_to_string(entry).ok()
}
