//! Commands of the guest that only read.

use std::fmt::Write as _;

use super::packages::{DISTRO, DOCKER_CE};
use super::scripts::STOPPED_CONTAINERS;
use super::{Caller, DOCKER_SERVICE, File, Guest, PROVISION_FAILED, PROVISION_LOG, ROOT};
use crate::simulate::reply::Reply;

/// The SHA-256 checksum of empty input.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

impl Guest {
    /// Prints a line about each argument that is an existing file.
    pub(super) fn about_files(
        &self,
        name: &str,
        words: &[String],
        what: impl Fn(&str, &File) -> String,
    ) -> Reply {
        let mut reply = Reply::done();
        for path in words.iter().filter(|word| word.starts_with('/')) {
            if let Some(file) = self.files.get(path) {
                reply.stdout.push_str(&what(path, file));
            } else {
                reply.code = 1;
                reply = reply.saying(&format!("{name}: {path}: No such file or directory"));
            }
        }
        reply
    }

    /// `tail -n NUMBER [-F] PATH`
    pub(super) fn tail(&self, words: &[String]) -> Reply {
        let is_log = words.last().is_some_and(|path| path == PROVISION_LOG);
        if is_log && !self.files.contains_key(PROVISION_LOG) {
            return Reply::line("provisioning succeeded (simulated; no script was run)");
        }
        self.about_files("tail", words, |_, file| file.text.clone())
    }

    pub(super) fn command_v(&self, words: &[String]) -> Reply {
        match words {
            [_, program] if program == "dockerd" && self.dockerd_installed() => {
                Reply::line("/usr/bin/dockerd")
            }
            _ => Reply { code: 127, ..Reply::done() },
        }
    }

    pub(super) fn dpkg_query(&self, words: &[String]) -> Reply {
        let mut reply = Reply::done();
        let names = words.iter().filter(|word| !word.starts_with('-'));
        for name in names {
            if let Some(version) = self.packages.get(name) {
                let is_half = self.half_configured.contains(name);
                let status = if is_half { "half-configured" } else { "installed" };
                // Writing to a string cannot fail.
                let _ = writeln!(reply.stdout, "{status} {name} {version}");
            } else {
                reply.code = 1;
                reply = reply.saying(&format!("dpkg-query: no packages found matching {name}"));
            }
        }
        reply
    }

    pub(super) fn getent(&self, words: &[String]) -> Reply {
        let lines: Vec<String> = match words.first().map(String::as_str) {
            Some("group") => self
                .groups
                .iter()
                .map(|(name, group)| format!("{name}:x:{}:{}", group.gid, group.members.join(",")))
                .collect(),
            Some("passwd") => self
                .users
                .iter()
                .map(|(name, it)| {
                    format!("{name}:x:{}:{}::{}:{}", it.uid, it.gid, it.home, it.shell)
                })
                .collect(),
            _ => return Reply::unknown("getent", "this database"),
        };
        Reply::line(lines.join("\n"))
    }

    /// `grep MemTotal /proc/meminfo`. The kernel reserves 4 % of the memory (measured: 1967 of 2048
    /// MiB). Otherwise, a search of apt's entries.
    pub(super) fn grep(&self, words: &[String]) -> Reply {
        if words.first().is_some_and(|options| options.starts_with("-r")) {
            return self.grep_sources(words);
        }
        if words.first().is_some_and(|option| option == "-s") {
            // `grep -s -H -c -e sysboxfs -e ^ID=ubuntu FILES`
            let count = |path: &str, file: &File| {
                let lines = file.text.lines();
                let found =
                    lines.filter(|it| it.contains("sysboxfs") || it.starts_with("ID=ubuntu"));
                format!("{path}:{}\n", found.count())
            };
            let counted = self.about_files("grep", words, count);
            return Reply { stderr: String::new(), ..counted };
        }
        match (words, &self.machine) {
            ([what, _], Some(machine)) if what == "MemTotal" => {
                let kilobytes = machine.memory / 1024 / 100 * 96;
                Reply::line(format!("MemTotal:       {kilobytes} kB"))
            }
            _ => Reply::unknown("grep", "this pattern"),
        }
    }

    pub(super) fn id(&self, words: &[String], caller: Caller<'_>) -> Reply {
        let uid = self.users.get(&self.user).map_or(0, |account| account.uid);
        let primary = self.users.get(&self.user).map_or(0, |account| account.gid);
        let mut gids = vec![primary];
        gids.extend(caller.session.iter().filter(|gid| **gid != primary));
        let name_of = |gid: u32| self.groups.iter().find(|(_, group)| group.gid == gid);
        match words.first().map(String::as_str) {
            Some("-un") => Reply::line(self.user.clone()),
            Some("-G") => {
                let numbers: Vec<String> = gids.iter().map(ToString::to_string).collect();
                Reply::line(numbers.join(" "))
            }
            Some("-Gn") => {
                let names: Vec<String> = gids
                    .iter()
                    .map(|&gid| name_of(gid).map_or(gid.to_string(), |(name, _)| name.clone()))
                    .collect();
                let mut reply = Reply::line(names.join(" "));
                if let Some(gid) = gids.iter().find(|gid| name_of(**gid).is_none()) {
                    reply.code = 1;
                    reply = reply.saying(&format!("id: cannot find name for group ID {gid}"));
                }
                reply
            }
            None => {
                let shown = |gid: &u32| {
                    name_of(*gid).map_or(gid.to_string(), |(name, _)| format!("{gid}({name})"))
                };
                let groups: Vec<String> = gids.iter().map(shown).collect();
                let user = &self.user;
                Reply::line(format!(
                    "uid={uid}({user}) gid={} groups={}",
                    shown(&primary),
                    groups.join(",")
                ))
            }
            Some(_) => Reply::unknown("id", "these arguments"),
        }
    }

    /// `stat [-L] -c FORMAT PATHS` for the socket and for files.
    pub(super) fn stat(&self, words: &[String]) -> Reply {
        let path = words.last().map(String::as_str).unwrap_or_default();
        if path.ends_with("docker.sock") {
            let Some(gid) = self.socket else {
                let message = format!("stat: cannot statx '{path}': No such file or directory");
                return Reply::failed(1, message);
            };
            let name = self.groups.iter().find(|(_, group)| group.gid == gid);
            let name = name.map_or("UNKNOWN", |(name, _)| name);
            let owner = self.socket_owner.as_deref().unwrap_or(ROOT);
            let uid = self.users.get(owner).map_or(0, |account| account.uid);
            return Reply::line(format!("socket|660|{owner}|{uid}|{name}|{gid}"));
        }
        let format = words.iter().skip_while(|word| *word != "-c").nth(1);
        let format = format.cloned().unwrap_or_default();
        self.about_files("stat: cannot statx", words, |path, file| {
            let root = (ROOT.to_owned(), ROOT.to_owned());
            let (user, group) = file.owner.as_ref().unwrap_or(&root);
            let kind = if file.sha256 == EMPTY { "regular empty file" } else { "regular file" };
            let line = format.replace("%Y", &file.modified.to_string()).replace("%F", kind);
            let line = line.replace("%a", file.mode.as_deref().unwrap_or("644"));
            line.replace("%U", user).replace("%G", group).replace("%n", path) + "\n"
        })
    }

    /// cai's function that prints dockerd's log if dockerd is not healthy.
    pub(super) fn daemon_log(&self) -> Reply {
        let is_well = self.is_active(DOCKER_SERVICE) && self.socket.is_some();
        let stdout = if is_well { String::new() } else { self.log_tail() };
        Reply { stdout, ..Reply::done() }
    }

    /// cai's function that prints the record of containers that it stopped.
    pub(super) fn stopped_containers(&self) -> Reply {
        let note = self.text(STOPPED_CONTAINERS).unwrap_or_default();
        Reply { stdout: note.to_owned(), ..Reply::done() }
    }

    /// cai's function that prints the provisioning log if provisioning failed.
    pub(super) fn provision_log(&self) -> Reply {
        let log = self.text(PROVISION_FAILED).and_then(|_| self.text(PROVISION_LOG));
        Reply { stdout: log.unwrap_or_default().to_owned(), ..Reply::done() }
    }

    pub(super) fn log_tail(&self) -> String {
        let skipped = self.log.len().saturating_sub(15);
        self.log[skipped..].join("\n") + "\n"
    }

    /// Whether the Docker package is an old version, which has one more built-in runtime.
    pub(super) fn is_old_docker(&self) -> bool {
        let version = self.packages.get(DISTRO.0).or_else(|| self.packages.get(DOCKER_CE));
        version.is_some_and(|version| version.starts_with("20.") || version.starts_with("5:20."))
    }
}
