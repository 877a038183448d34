//! Scripts that root runs. cai's scripts are recognized by name or contents. `sh -c` supports only
//! a few simple commands.

mod daemon;
mod sysbox;

use self::daemon::{LOADED, reload_docker, restart_docker, write_daemon_json};
use self::sysbox::{fetch_sysbox, install_sysbox, is_apart};
use super::packages::{DISTRO, DOCKER_CE, DOCKER_CE_SUFFIX, DOCKER_CE_VERSION, SYSBOX_UNITS};
use super::{
    Caller, DOCKER_SERVICE, DOCKER_SOCKET, File, Guest, PROVISION_FAILED, ROOT, apt, data_disk,
    egress, settings, shell,
};
use crate::guest::input;
use crate::simulate::reply::Reply;

/// The simulation of a named script of cai. It gets the arguments after the name.
type Script = fn(&mut Guest, &[String], Caller<'_>) -> Reply;

const SCRIPTS: &[(&str, Script)] = &[
    ("docker", |guest, words, caller| guest.provision(caller.script(), words, caller.now)),
    ("write-repository", apt::write_repository),
    ("write-daemon-json", write_daemon_json),
    ("reload-docker", reload_docker),
    ("restart-docker", restart_docker),
    ("place-file", place_file),
    ("egress", |guest, _, caller| egress::install(guest, caller)),
    ("settings", |guest, words, caller| settings::change(guest, words, caller)),
    ("try-egress", |guest, words, _| egress::attempt(guest, words)),
    ("remove-egress", |guest, paths, _| egress::remove(guest, paths)),
    ("data-disk", data_disk::move_data),
    ("remove-data-disk", |guest, paths, _| data_disk::remove(guest, paths)),
    ("fetch-sysbox", fetch_sysbox),
    ("install-sysbox", install_sysbox),
    ("remove-sysbox", |guest, _, caller| {
        guest.purge_sysbox(is_apart(caller), caller.now);
        Reply::done()
    }),
    ("restart-sysbox", |guest, _, caller| {
        guest.systemctl_words(&["restart", "sysbox.service"], caller)
    }),
    ("remember-containers", |guest, _, caller| {
        let note = input(caller.script()).unwrap_or_default();
        guest.write(STOPPED_CONTAINERS, note, caller.now);
        Reply::done()
    }),
    ("start-containers", |guest, _, caller| guest.start_containers(caller.now)),
    ("try-container", |guest, runtimes, caller| guest.try_containers(runtimes, caller.now)),
];

/// The containers that cai stopped and will start again, one per line.
pub(super) const STOPPED_CONTAINERS: &str = "/var/lib/cai/stopped-containers";

/// `sh -s -- NAME ARGUMENTS…` with a script of cai, `sh -s` with its provisioning script, or `sh -c
/// TEXT`.
pub(super) fn sh(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    match words {
        [flag, text, ..] if flag == "-c" => inline(guest, text, caller),
        [flag] if flag == "-s" && caller.root => guest.provision(caller.script(), &[], caller.now),
        [flag, dashes, name, words @ ..] if flag == "-s" && dashes == "--" && caller.root => {
            match SCRIPTS.iter().find(|(own, _)| own == name) {
                Some((_, script)) => script(guest, words, caller),
                None => Reply::unknown("guest", &format!("the script `{name}`")),
            }
        }
        _ => Reply::unknown("guest", "this use of sh"),
    }
}

/// `exit N`, `echo WORDS [>&2]` and commands, separated by `;`.
fn inline(guest: &mut Guest, text: &str, caller: Caller<'_>) -> Reply {
    let mut all = Reply::done();
    for command in text.split(';').map(str::trim) {
        let answer = match command.split_once(' ') {
            Some(("exit", code)) => return Reply { code: code.parse().unwrap_or(2), ..all },
            Some(("echo", words)) => match words.strip_suffix(">&2") {
                Some(words) => Reply { stderr: words.trim().to_owned() + "\n", ..Reply::done() },
                None => Reply::line(words),
            },
            _ => shell::run(guest, command, caller),
        };
        all.code = answer.code;
        all.stdout.push_str(&answer.stdout);
        all.stderr.push_str(&answer.stderr);
    }
    all
}

impl Guest {
    fn systemctl_words(&mut self, words: &[&str], caller: Caller<'_>) -> Reply {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        self.systemctl(&words, Caller { root: true, ..caller })
    }

    /// Starts the recorded containers again, in order, and skips deleted ones.
    fn start_containers(&mut self, now: u64) -> Reply {
        let note = self.text(STOPPED_CONTAINERS).unwrap_or_default().to_owned();
        if !note.is_empty() && !self.knock(now) {
            return Reply::failed(1, "cai: dockerd does not answer");
        }
        let (mut left, mut reply) = (String::new(), Reply::done());
        for (second, line) in (0..).zip(note.lines()) {
            let id = line.split('|').next();
            let known = self.containers.iter().find(|it| Some(it.id.as_str()) == id);
            let Some(container) = known.filter(|it| !it.running).cloned() else { continue };
            let services = || SYSBOX_UNITS.iter().all(|unit| self.is_active(unit));
            if container.runtime == "sysbox-runc" && !services() {
                let name = container.name;
                left.push_str(line);
                left.push('\n');
                reply = reply.saying(&format!("cai: the container {name} does not start"));
                continue;
            }
            self.start_container(&container.name, now + second);
        }
        if left.is_empty() {
            self.files.remove(STOPPED_CONTAINERS);
            return reply;
        }
        self.write(STOPPED_CONTAINERS, left, now);
        Reply { code: 1, ..reply }
    }

    /// Installs Docker if it is missing or if another version is required. The package restarts a
    /// running daemon. Returns whether it was installed now.
    fn provide_docker(
        &mut self,
        package: &str,
        wanted: Option<String>,
        newest: &str,
        now: u64,
    ) -> bool {
        let there = self.packages.get(package);
        let as_wanted = wanted.is_none() || there == wanted.as_ref();
        if self.dockerd_installed() && as_wanted {
            return false;
        }
        self.install_docker((package, wanted.as_deref().unwrap_or(newest)));
        if self.dockerd.is_some() {
            self.stop_unit(DOCKER_SERVICE);
            self.start_unit(DOCKER_SERVICE, now);
        }
        true
    }

    /// Runs a provisioning script. It is recognized by its contents: whether it installs Docker,
    /// and whether it starts Docker. Any other script does nothing here. Its arguments are the source,
    /// the version, and `declared` if the file declares a repository.
    pub(in crate::simulate) fn provision(
        &mut self,
        script: &str,
        words: &[String],
        now: u64,
    ) -> Reply {
        let version = words.get(1).filter(|version| !version.is_empty());
        let of_cai = script.contains(PROVISION_FAILED);
        if of_cai {
            self.files.remove(PROVISION_FAILED);
        }
        let installs = script.contains("apt-get") && script.contains("install");
        if installs && self.adds_conflicting_source(script) && !self.dockerd_installed() {
            self.write(PROVISION_FAILED, "100\n", now);
            let message = "E: Conflicting values set for option Signed-By regarding source \
                https://download.docker.com/linux/ubuntu/ noble: /etc/apt/keyrings/docker.asc != \
                /etc/apt/keyrings/docker.gpg\nE: The list of sources could not be read.";
            return Reply::failed(100, message);
        }
        // `packages.sh` starts with this check. `set -e` ends the script unless the failure is handled.
        if installs
            && let Err(why) = self.configure_sysbox(false, now)
            && !script.contains("dpkg --configure -a || true")
        {
            self.write(PROVISION_FAILED, "1\n", now);
            return Reply::failed(1, why);
        }
        if installs && script.contains(DOCKER_CE) {
            let version = version.map(|version| format!("5:{version}{DOCKER_CE_SUFFIX}"));
            let was_installed = self.provide_docker(DOCKER_CE, version, DOCKER_CE_VERSION, now);
            if was_installed && words.len() < 3 {
                self.add_dockers_repository(now);
            }
        } else if installs && script.contains(DISTRO.0) {
            self.provide_docker(DISTRO.0, version.cloned(), DISTRO.1, now);
        } else if !self.dockerd_installed() && script.contains("exit 0") {
            // The boot script of a file that names a version or a repository: Docker is installed later.
            return Reply::done();
        }
        if !script.contains("systemctl enable --now docker") {
            return Reply::done();
        }
        for unit in [DOCKER_SOCKET, DOCKER_SERVICE] {
            if let Some(unit) = self.units.get_mut(unit) {
                "enabled".clone_into(&mut unit.enabled);
            }
        }
        if self.start_unit(DOCKER_SERVICE, now) {
            if script.contains(LOADED) {
                self.remember_start(now);
            }
            return Reply::done();
        }
        if of_cai {
            self.write(PROVISION_FAILED, "1\n", now);
        }
        let why = self.log.last().cloned().unwrap_or_default();
        Reply::failed(1, format!("Job for {DOCKER_SERVICE} failed. {why}"))
    }
}

/// `SENT PLACE SHA256 MODE USER GROUP`
fn place_file(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let [sent, path, sha256, mode, user, group] = words else {
        return Reply::unknown("guest", "these arguments of place-file");
    };
    let Some(file) = guest.files.remove(sent) else {
        return Reply::failed(1, format!("sha256sum: {sent}: No such file or directory"));
    };
    if file.sha256 != *sha256 {
        return Reply::failed(
            3,
            format!("the file sent for {path} differs from the planned one (checksum mismatch)"),
        );
    }
    if !guest.users.contains_key(user) {
        return Reply::failed(1, format!("install: invalid user: '{user}'"));
    }
    if !guest.groups.contains_key(group) {
        return Reply::failed(1, format!("install: invalid group: '{group}'"));
    }
    let is_root = user == ROOT && group == ROOT;
    let owner = (!is_root).then(|| (user.clone(), group.clone()));
    let mode = (mode != "644").then(|| mode.clone());
    guest.files.insert(path.clone(), File { modified: caller.now, mode, owner, ..file });
    Reply::done()
}
