//! `docker exec`, `cp` and `logs`. The names of sections are read from the scripts that cai runs in
//! a container, so that a new section takes effect here.

use std::fmt::Write as _;

use super::container::{Client, Container};
use super::{DOCKER, Guest};
use crate::simulate::reply::Reply;

impl Guest {
    fn named(&self, name: &str) -> Result<(&Container, Client), Reply> {
        let missing = || Reply::failed(1, format!("Error: No such container: {name}"));
        let container = self.containers.iter().find(|it| it.name == name).ok_or_else(missing)?;
        Ok((container, container.client.clone().unwrap_or_default()))
    }

    /// `docker exec -u USER[:GROUP] NAME sh -c SCRIPT cai MARK SOCKET [CLIENT…]`
    pub(super) fn docker_exec(&self, words: &[String]) -> Reply {
        let [flag, user, name, shell, option, script, _, mark, socket, asked @ ..] = words else {
            return Reply::unknown(DOCKER, "this `exec`");
        };
        if [flag.as_str(), shell, option] != ["-u", "sh", "-c"] {
            return Reply::unknown(DOCKER, "this `exec`");
        }
        let (container, client) = match self.named(name) {
            Ok(found) => found,
            Err(reply) => return reply,
        };
        if let Some(why) = not_running(container) {
            return Reply::failed(1, format!("Error response from daemon: {why}"));
        }
        let (uid, gid) = user.split_once(':').unwrap_or((user, "0"));
        let process = client.process(uid.parse().ok().zip(gid.parse().ok()));
        let seen = self.socket_in(&client, socket);
        let permitted = seen.is_some_and(|it| process.may_connect(0o660, 0, it.gid));
        let [passwd, group] = client.accounts();
        let numbers =
            |groups: Vec<u32>| groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let main = client.process(None);
        let section = |name: &str| match (name, seen) {
            ("kind", None) if self.is_made_directory(&client, socket) => Reply::line("other"),
            ("kind", None) => Reply::line("missing"),
            ("kind", Some(_)) => Reply::line("socket"),
            ("bits", None) => Reply::failed(1, format!("ls: {socket}: No such file or directory")),
            ("bits", Some(socket)) => Reply::line(format!("660 0 {}", socket.gid)),
            ("processes", _) => Reply::line(format!(
                "1 {} {} {}\n9 0 0 0",
                main.uid,
                main.gid,
                numbers(main.all_groups())
            )),
            ("passwd", _) => Reply::line(&passwd),
            ("group", _) => Reply::line(&group),
            ("clients", _) => Reply::line(DOCKER),
            ("groups", _) => {
                Reply::line(format!("{}\n{}", process.gid, numbers(process.all_groups())))
            }
            ("writable", _) if permitted => Reply::done(),
            ("writable", _) => Reply { code: 1, ..Reply::done() },
            ("ask-docker", Some(it)) if permitted && it.answers => Reply::line("ApiVersion=1.41"),
            ("ask-docker", Some(_)) if !permitted => Reply::failed(1, denied(socket)),
            ("ask-docker", _) => Reply::failed(
                1,
                format!(
                    "Cannot connect to the Docker daemon at unix://{socket}. Is the docker daemon \
                     running?"
                ),
            ),
            _ => Reply::unknown("container", name),
        };
        let own =
            script.lines().filter_map(|line| line.strip_prefix("section ")?.split(' ').next());
        let names = own.map(str::to_owned).chain(asked.iter().map(|it| format!("ask-{it}")));
        document(mark, names, section)
    }

    /// `docker cp -L NAME:PATH -`, which prints a tar archive of one file.
    pub(super) fn docker_cp(&self, words: &[String]) -> Reply {
        let [_, from, _] = words else { return Reply::unknown(DOCKER, "this `cp`") };
        let (name, path) = from.split_once(':').unwrap_or((from, ""));
        let client = match self.named(name) {
            Ok((_, client)) => client,
            Err(reply) => return reply,
        };
        let [passwd, group] = client.accounts();
        let text = match path {
            "/etc/passwd" => passwd,
            "/etc/group" => group,
            _ => {
                let message = format!(
                    "Error response from daemon: Could not find the file {path} in container {name}"
                );
                return Reply::failed(1, message);
            }
        };
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        let file = path.trim_start_matches("/etc/");
        let written = archive.append_data(&mut header, file, text.as_bytes());
        match written.and_then(|()| archive.into_inner()) {
            Ok(bytes) => {
                let stdout = String::from_utf8_lossy(&bytes).into_owned();
                Reply { stdout, ..Reply::done() }
            }
            Err(error) => Reply::failed(1, error.to_string()),
        }
    }

    /// `docker logs --tail N NAME`
    pub(super) fn docker_logs(&self, words: &[String]) -> Reply {
        let name = words.last().map(String::as_str).unwrap_or_default();
        match self.named(name) {
            Ok((_, client)) if client.restarting => {
                Reply::done().saying(&denied("/var/run/docker.sock"))
            }
            Ok(_) => Reply::done(),
            Err(reply) => reply,
        }
    }
}

fn denied(socket: &str) -> String {
    format!(
        "permission denied while trying to connect to the Docker daemon socket at unix://{socket}"
    )
}

/// Why nothing can run in a container, in Docker's words.
fn not_running(container: &Container) -> Option<String> {
    let id = &container.id;
    match container.status() {
        "running" => None,
        "restarting" => {
            Some(format!("Container {id} is restarting, wait until the container is running"))
        }
        _ => Some(format!("container {id} is not running")),
    }
}

/// The document of a script: what each of its sections prints.
fn document(
    mark: &str,
    names: impl Iterator<Item = String>,
    section: impl Fn(&str) -> Reply,
) -> Reply {
    let mut reply = Reply::done();
    for name in names {
        let Reply { stdout, stderr, code, .. } = section(&name);
        // Writing to a string cannot fail.
        let _ = writeln!(reply.stdout, "@{mark} {name}\n{stdout}{stderr}\n@{mark} = {code}");
    }
    let _ = writeln!(reply.stdout, "@{mark} end");
    reply
}
