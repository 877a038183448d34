//! The commands of a guest: those that cai and its probe run, and common ones for interactive use.
//! A command that is not in [`PROGRAMS`] fails with exit code 127 and says that it is not
//! supported.

use super::{Caller, DOCKER_SERVICE, Guest, api, client, data_disk, document, scripts};
use crate::guest::egress::PROGRAM;
use crate::simulate::log::timestamp;
use crate::simulate::reply::Reply;

/// A command of the guest, with its arguments.
type GuestProgram = fn(&mut Guest, &[String], Caller<'_>) -> Reply;

const PROGRAMS: &[(&str, GuestProgram)] = &[
    (PROGRAM, |_, _, _| Reply::line("(the simulated guest refuses no connections)")),
    ("cat", |guest, words, _| guest.about_files("cat", words, |_, file| file.text.clone())),
    ("chgrp", |guest, words, caller| guest.chgrp(words, caller)),
    ("command", |guest, words, _| guest.command_v(words)),
    ("daemon_log", |guest, _, _| guest.daemon_log()),
    ("dd", |guest, words, caller| guest.receive("dd", words, caller)),
    ("docker", client::in_guest),
    ("dpkg", |guest, _, _| Reply::line(guest.arch.clone())),
    ("dpkg-query", |guest, words, _| guest.dpkg_query(words)),
    ("findmnt", |guest, words, _| data_disk::mounts(guest, words)),
    ("getconf", |guest, _, _| {
        Reply::line(guest.machine.as_ref().map_or(0, |it| it.cpus).to_string())
    }),
    ("getent", |guest, words, _| guest.getent(words)),
    ("gpasswd", |guest, words, caller| guest.account_command("gpasswd", words, caller)),
    ("grep", |guest, words, _| guest.grep(words)),
    ("groupadd", |guest, words, caller| guest.account_command("groupadd", words, caller)),
    ("groupdel", |guest, words, caller| guest.account_command("groupdel", words, caller)),
    ("groupmod", |guest, words, caller| guest.account_command("groupmod", words, caller)),
    ("id", |guest, words, caller| guest.id(words, caller)),
    ("head", |guest, words, _| guest.about_files("head", words, |_, file| file.text.clone())),
    ("install", |guest, words, caller| guest.receive("install", words, caller)),
    ("journalctl", |guest, _, _| Reply { stdout: guest.log_tail(), ..Reply::done() }),
    ("nft", |guest, _, caller| guest.nft(caller)),
    ("perl", api::answers),
    ("provision_log", |guest, _, _| guest.provision_log()),
    ("restart_due", |guest, _, _| guest.restart_due()),
    ("rm", |guest, words, caller| guest.rm(words, caller)),
    ("sh", scripts::sh),
    ("sha256sum", |guest, words, _| {
        guest.about_files("sha256sum", words, |path, file| format!("{}  {path}\n", file.sha256))
    }),
    ("stat", |guest, words, _| guest.stat(words)),
    ("stopped_containers", |guest, _, _| guest.stopped_containers()),
    ("sync", |_, _, _| Reply::done()),
    ("systemctl", |guest, words, caller| guest.systemctl_or_show(words, caller)),
    ("tail", |guest, words, _| guest.tail(words)),
    ("true", |_, _, _| Reply::done()),
    ("useradd", |guest, words, caller| guest.account_command("useradd", words, caller)),
    ("userdel", |guest, words, caller| guest.account_command("userdel", words, caller)),
    ("usermod", |guest, words, caller| guest.account_command("usermod", words, caller)),
];

/// Runs a line as the user's login shell does.
pub(in crate::simulate) fn run(guest: &mut Guest, line: &str, caller: Caller<'_>) -> Reply {
    match shlex::split(line) {
        Some(words) => run_words(guest, &words, caller),
        None => {
            Reply::failed(2, "bash: -c: line 1: unexpected EOF while looking for matching quote")
        }
    }
}

pub(super) fn run_words(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let Some((name, rest)) = words.split_first() else {
        return Reply::done();
    };
    match name.as_str() {
        "sudo" => {
            let rest = rest.strip_prefix(&["-n".to_owned()]).unwrap_or(rest);
            return run_words(guest, rest, Caller { root: true, ..caller });
        }
        // Commands take no time here.
        "timeout" => return run_words(guest, rest.get(1..).unwrap_or_default(), caller),
        _ => {}
    }
    if document::is_probe(name, rest, caller) {
        return document::print(guest, rest, caller);
    }
    match PROGRAMS.iter().find(|(own, _)| own == name) {
        Some((_, program)) => program(guest, rest, caller),
        None => Reply::unknown("guest", &format!("the command `{name}`")),
    }
}

impl Guest {
    /// `chgrp GROUP /var/run/docker.sock`
    fn chgrp(&mut self, words: &[String], caller: Caller<'_>) -> Reply {
        let [group, path] = words else { return Reply::unknown("chgrp", "these arguments") };
        match (self.groups.get(group), self.socket) {
            _ if !caller.root => Reply::failed(1, "chgrp: Operation not permitted"),
            (None, _) => Reply::failed(1, format!("chgrp: invalid group: '{group}'")),
            (Some(group), Some(_)) if path.ends_with("docker.sock") => {
                self.socket = Some(group.gid);
                Reply::done()
            }
            _ => Reply::failed(
                1,
                format!("chgrp: cannot access '{path}': No such file or directory"),
            ),
        }
    }

    /// `rm -f PATHS`
    fn rm(&mut self, words: &[String], caller: Caller<'_>) -> Reply {
        match words {
            [flag, paths @ ..] if flag == "-f" && caller.root => {
                self.files.retain(|path, _| !paths.contains(path));
                Reply::done()
            }
            _ => Reply::unknown("rm", "these arguments"),
        }
    }

    /// Writes standard input to a file: `dd of=PATH` or `install … /dev/stdin PATH`.
    fn receive(&mut self, name: &str, words: &[String], caller: Caller<'_>) -> Reply {
        let last = words.last().map(String::as_str).unwrap_or_default();
        let path =
            words.iter().find_map(|word| word.strip_prefix("of=")).unwrap_or(last).to_owned();
        if !caller.root {
            return Reply::failed(1, format!("{name}: cannot open '{path}': Permission denied"));
        }
        self.write(&path, caller.stdin.unwrap_or_default(), caller.now);
        Reply::done()
    }

    /// The start time of a unit's process, in systemd's format.
    fn started(&self, unit: &str) -> String {
        let daemon = self.dockerd.as_ref().filter(|_| unit == DOCKER_SERVICE);
        daemon.map_or(String::new(), |daemon| {
            let day = usize::try_from(daemon.started / 86_400 % 7).unwrap_or_default();
            // January 1, 1970 was a Thursday.
            let day = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][day];
            format!("{day} {} UTC", timestamp(daemon.started).replace(['T', 'Z'], " ").trim_end())
        })
    }

    fn systemctl_or_show(&mut self, words: &[String], caller: Caller<'_>) -> Reply {
        if words.first().is_none_or(|verb| verb != "show") {
            return self.systemctl(words, caller);
        }
        let blocks: Vec<String> = words[1..]
            .iter()
            .filter(|word| !word.starts_with('-'))
            .map(|name| match self.units.get(name) {
                Some(unit) => format!(
                    "ExecMainStartTimestamp={}\nId={name}\nLoadState=loaded\nActiveState={}\n\
                     UnitFileState={}\nInvocationID={}",
                    self.started(name),
                    unit.active,
                    unit.enabled,
                    self.invocation(name)
                ),
                None => {
                    format!("Id={name}\nLoadState=not-found\nActiveState=inactive\nUnitFileState=")
                }
            })
            .collect();
        Reply::line(blocks.join("\n\n"))
    }
}
