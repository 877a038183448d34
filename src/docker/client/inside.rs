//! The state inside a container.

use std::collections::BTreeSet;

use super::Accounts;
use crate::guest::{Document, Section};

/// The state inside a running container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// The socket.
    pub socket: SocketSeen,
    /// The processes, including those of this inspection, which run as root.
    pub processes: Vec<Process>,
    /// The programs in the image that can send a request to Docker's API.
    pub clients: Vec<String>,
    /// The result of a real request through the socket.
    pub api: Api,
}

/// The socket in the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketSeen {
    /// The path does not exist.
    Missing,
    /// The path is not a socket. Docker creates a directory if the source of a mount does not exist.
    NotASocket,
    /// A socket.
    Socket {
        /// The permission bits.
        mode: u32,
        /// The owner's id.
        uid: u32,
        /// The group's id.
        gid: u32,
    },
    /// The path exists, but the image has no program that can inspect it.
    Unknown,
}

/// A process of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    /// Its pid.
    pub pid: u32,
    /// Its real uid.
    pub uid: u32,
    /// Its real gid.
    pub gid: u32,
    /// Its supplementary groups.
    pub groups: BTreeSet<u32>,
}

impl Process {
    /// Whether it has a group, as its real or as a supplementary one.
    pub fn has(&self, gid: u32) -> bool {
        self.gid == gid || self.groups.contains(&gid)
    }

    /// All its groups, starting with the real one.
    pub fn all_groups(&self) -> Vec<u32> {
        let others = self.groups.iter().filter(|group| **group != self.gid);
        std::iter::once(&self.gid).chain(others).copied().collect()
    }

    /// Whether the kernel lets it connect to a socket. This needs write permission, except for
    /// root.
    pub fn may_connect(&self, mode: u32, owner: u32, group: u32) -> bool {
        let bit = match self {
            _ if self.uid == 0 => return true,
            _ if self.uid == owner => 0o200,
            _ if self.has(group) => 0o020,
            _ => 0o002,
        };
        mode & bit != 0
    }
}

/// The result of a request to Docker's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Api {
    /// A daemon answered.
    Answers,
    /// The process is not permitted to connect; the client's message.
    Denied(String),
    /// The process may connect, but no daemon answered; the client's message.
    Silent(String),
    /// The request could not be sent; the reason.
    Untested(String),
}

impl Inside {
    /// Reads the output of the script `look.sh`.
    pub fn read(document: &Document) -> (Self, Accounts) {
        let text = |name| document.text(name).unwrap_or_default();
        let socket = match text("kind").trim() {
            "socket" => bits(text("bits")).unwrap_or(SocketSeen::Unknown),
            "missing" => SocketSeen::Missing,
            "other" => SocketSeen::NotASocket,
            _ => SocketSeen::Unknown,
        };
        let accounts = Accounts::parse(text("passwd"), text("group"));
        let inside = Self {
            socket,
            processes: text("processes").lines().filter_map(process).collect(),
            clients: text("clients").lines().map(str::to_owned).collect(),
            api: Api::Untested("no request was sent".into()),
        };
        (inside, accounts)
    }

    /// The process that uses the socket: the first with the user's id, else the main one.
    pub fn process(&self, uid: Option<u32>) -> Option<&Process> {
        let first = |of: &dyn Fn(&&Process) -> bool| {
            self.processes.iter().filter(of).min_by_key(|process| process.pid)
        };
        uid.and_then(|uid| first(&|process| process.uid == uid)).or_else(|| first(&|_| true))
    }
}

/// The output of `stat` (`660 0 2375`) or `ls` (`srw-rw---- 1 0 2375 …`).
fn bits(text: &str) -> Option<SocketSeen> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (mode, uid, gid) = match words.as_slice() {
        [mode, uid, gid] => (u32::from_str_radix(mode, 8).ok()?, uid, gid),
        [mode, _, uid, gid, ..] => (symbolic(mode), uid, gid),
        _ => return None,
    };
    Some(SocketSeen::Socket { mode: mode & 0o777, uid: uid.parse().ok()?, gid: gid.parse().ok()? })
}

fn symbolic(mode: &str) -> u32 {
    let bits = mode.chars().skip(1).take(9);
    bits.fold(0, |bits, letter| bits << 1 | u32::from(!matches!(letter, '-' | 'S' | 'T')))
}

/// `1 1001 1001 1001 2375`.
fn process(line: &str) -> Option<Process> {
    let mut numbers = line.split_whitespace().map(str::parse);
    let mut next = || numbers.next()?.ok();
    let (pid, uid, gid) = (next()?, next()?, next()?);
    Some(Process { pid, uid, gid, groups: numbers.map_while(Result::ok).collect() })
}

/// Reads the processes from the output of `docker top -eo pid,ruid,rgid,supgid`.
pub(crate) fn top(text: &str) -> Vec<Process> {
    let line = |line: &str| process(&line.replace(',', " "));
    text.lines().skip(1).filter_map(line).collect()
}

/// Whether a text is a daemon's answer to `GET /version`, or the output of `docker version`.
pub(crate) fn is_version(text: &str) -> bool {
    let after =
        |mark: &str| text.split_once(mark).map(|(_, rest)| rest.trim_start_matches([' ', '"']));
    let value = after("\"ApiVersion\":").or_else(|| after("ApiVersion="));
    value.is_some_and(|value| value.starts_with(|first: char| first.is_ascii_digit()))
}

/// The result of `ask.sh` for a process, if the socket has this group.
pub(crate) fn answer(document: &Document, process: &Process, gid: u32) -> Api {
    let asked = document
        .sections()
        .filter_map(|(name, section)| Some((name.strip_prefix("ask-")?, section)));
    // 126 and 127: the program does not support sockets, or does not exist.
    let asked: Vec<_> = asked.filter(|(_, section)| !matches!(section.status, 126 | 127)).collect();
    let is_alike = document.text("groups").is_none_or(|groups| {
        let has = groups.split_whitespace().any(|group| group.parse() == Ok(gid));
        process.uid == 0 || has == process.has(gid)
    });
    if !is_alike {
        return Api::Untested(
            "docker exec gives its process a group that the container's main process does not have"
                .into(),
        );
    }
    // A docker command that fails still prints the format.
    let answered = |section: &Section| section.status == 0 && is_version(&section.text);
    if asked.iter().any(|(_, section)| answered(section)) {
        return Api::Answers;
    }
    let writable = document.section("writable").is_some_and(|section| section.status == 0);
    let words = asked.first().map(|(name, section)| {
        let last = section.text.lines().rev().find(|line| !line.trim().is_empty());
        format!("{name}: {}", last.unwrap_or("no answer").trim())
    });
    match (writable, words) {
        (false, words) => {
            Api::Denied(words.unwrap_or_else(|| "it cannot write to the socket".into()))
        }
        (true, Some(words)) => Api::Silent(words),
        (true, None) => Api::Untested(
            "it can write to the socket, but the image does not include a client to test it".into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_read_as_stat_and_ls_print_it() {
        let expected = Some(SocketSeen::Socket { mode: 0o660, uid: 0, gid: 2375 });
        assert_eq!(bits("660 0 2375\n"), expected);
        assert_eq!(bits("srw-rw---- 1 0 2375 0 Aug 16 20:18 /var/run/docker.sock"), expected);
        assert_eq!(bits("sh: stat: not found"), None);
    }

    #[test]
    fn processes_are_read_as_proc_and_ps_tell_them() {
        let expected = Process { pid: 1, uid: 1001, gid: 1001, groups: [1001, 2375].into() };
        assert_eq!(process("1 1001 1001 1001 2375 "), Some(expected.clone()));
        assert_eq!(top("PID RUID RGID SUPGID\n1  1001 1001 1001,2375\n"), [expected]);
        assert_eq!(top("PID RUID RGID SUPGID\n7 0 0 -\n")[0].groups, BTreeSet::new());
        assert_eq!(process("   "), None);
    }

    #[test]
    fn the_kernel_looks_at_the_first_class_that_fits() {
        let process = |uid, groups: &[u32]| Process {
            pid: 1,
            uid,
            gid: uid,
            groups: groups.iter().copied().collect(),
        };
        assert!(process(1001, &[2375]).may_connect(0o660, 0, 2375));
        assert!(!process(1001, &[999]).may_connect(0o660, 0, 2375));
        assert!(process(1001, &[]).may_connect(0o666, 0, 2375));
        assert!(!process(1001, &[2375]).may_connect(0o606, 0, 2375), "a member is not others");
        assert!(process(1001, &[]).may_connect(0o600, 1001, 2375));
        assert!(process(0, &[]).may_connect(0o000, 5, 5));
    }
}
