//! The command line of each operation: its script, and the values that the script gets.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::input::whole;
use super::{Contents, LoadedCopy, Operation};
use crate::guest::data_disk::{DATA, DIRECTORIES, MARKER};
use crate::guest::repository::SigningKey;
use crate::guest::{GuestFile, provisioning};
use crate::host::CommandSpec;
use crate::lima::Ssh;

/// The time limit of an installation, for slow guests.
const INSTALL: Duration = Duration::from_secs(30 * 60);
/// The time limit of a container test; creating an image and starting two containers takes some
/// seconds in a slow guest.
const TRY: Duration = Duration::from_secs(3 * 60);
/// The function of scripts whose files must not be older than the running daemon.
const NOT_OLDER: &str = include_str!("../scripts/not-older.sh");
/// The functions of scripts that write daemon.json or restore the previous one.
const DAEMON_JSON: &str = include_str!("../scripts/daemon-json.sh");
/// The end of each script that starts Sysbox's services.
const CHECK_SYSBOX: &str = include_str!("../scripts/sysbox-check.sh");
/// The functions of scripts that install or remove Sysbox's package.
const SYSBOX_PACKAGE: &str = include_str!("../scripts/sysbox-package.sh");
/// The functions of scripts that stop Docker to move its data.
const STOP_DOCKER: &str = include_str!("../scripts/stop-docker.sh");
/// The functions of scripts that write files.
const WRITE_FILES: &str = include_str!("../scripts/write-files.sh");

impl Operation<'_> {
    /// The command line of the operation.
    pub fn command(&self, ssh: &Ssh) -> CommandSpec {
        let script_that_reads = |name: &str, values: &[&str], text: String, input: &str| {
            let line = [&["sudo", "-n", "sh", "-s", "--", name], values].concat();
            ssh.run(&line).stdin(whole(&text, input)).timeout(INSTALL)
        };
        let script = |name: &str, values: &[&str], text| script_that_reads(name, values, text, "");
        match self {
            Self::Docker { source, version, has_repository } => {
                let mut values = vec![provisioning::name(*source), version.unwrap_or_default()];
                values.extend(has_repository.then_some("declared"));
                script("docker", &values, provisioning::script(*source))
            }
            Self::WriteRepository { url, key, fingerprint } => {
                let (key, text) = match key {
                    SigningKey::OfRepository => ("", ""),
                    SigningKey::Url(url) => (*url, ""),
                    SigningKey::Text(text) => ("-", *text),
                };
                let body = provisioning::repository_script();
                script_that_reads("write-repository", &[url, key, fingerprint], body, text)
            }
            Self::WriteDaemonJson { expected, loaded, text } => {
                let loaded = match loaded {
                    LoadedCopy::Write => "current",
                    LoadedCopy::Keep => "keep",
                };
                let values = [expected.as_deref().unwrap_or("absent"), loaded];
                let body = include_str!("../scripts/write-daemon-json.sh");
                let body = [NOT_OLDER, DAEMON_JSON, body].concat();
                script_that_reads("write-daemon-json", &values, body, text)
            }
            Self::ReloadDocker { record } => {
                let body = include_str!("../scripts/reload-docker.sh");
                let value = if *record { "record" } else { "keep" };
                script("reload-docker", &[value], [NOT_OLDER, DAEMON_JSON, body].concat())
            }
            Self::RestartDocker { restore } => {
                let body = include_str!("../scripts/restart-docker.sh");
                let value = if *restore { "restore" } else { "keep" };
                script("restart-docker", &[value], [DAEMON_JSON, body].concat())
            }
            Self::Send { from, to } => {
                let line = ["sudo", "-n", "install", "-D", "-m", "600", "/dev/stdin", to];
                let command = ssh.run(&line).timeout(INSTALL);
                match from {
                    Contents::Text(text) => command.stdin(*text),
                    Contents::File(path) => command.stdin_file(*path),
                }
            }
            Self::Place { sent, to, sha256: sum, mode, owner: (user, group) } => {
                let body = include_str!("../scripts/place-file.sh").into();
                script("place-file", &[sent, to, sum, mode, user, group], body)
            }
            Self::Egress(files) => {
                let body = [WRITE_FILES, include_str!("../scripts/egress.sh")].concat();
                script_that_reads("egress", &[], body, &lines_of(files))
            }
            Self::Settings { of, files, delete } => {
                let body = [WRITE_FILES, include_str!("../scripts/settings.sh")].concat();
                let values = [&[of.name()], *delete].concat();
                script_that_reads("settings", &values, body, &lines_of(files))
            }
            Self::RemoveEgress(paths) => {
                script("remove-egress", paths, include_str!("../scripts/remove-egress.sh").into())
            }
            Self::MoveData { disk, files } => {
                let pairs = DIRECTORIES.map(|(name, path)| format!("{name}={path}"));
                let fixed = [*disk, DATA, MARKER].into_iter();
                let values: Vec<&str> = fixed.chain(pairs.iter().map(String::as_str)).collect();
                let body = include_str!("../scripts/data-disk.sh");
                let body = [STOP_DOCKER, WRITE_FILES, body].concat();
                script_that_reads("data-disk", &values, body, &lines_of(files))
            }
            Self::RemoveDataDisk(paths) => {
                let body = [STOP_DOCKER, include_str!("../scripts/remove-data-disk.sh")].concat();
                script("remove-data-disk", paths, body)
            }
            Self::FetchSysbox { version, sha256, sources } => {
                let body = include_str!("../scripts/fetch-sysbox.sh").into();
                let sources = sources.join("\n");
                script_that_reads("fetch-sysbox", &[version, sha256], body, &sources)
            }
            Self::InstallSysbox { version, replaces } => {
                let body = include_str!("../scripts/install-sysbox.sh");
                let body = [DAEMON_JSON, CHECK_SYSBOX, SYSBOX_PACKAGE, body].concat();
                script("install-sysbox", &[version, replaces.unwrap_or_default()], body)
            }
            Self::RemoveSysbox => {
                let body = [SYSBOX_PACKAGE, include_str!("../scripts/remove-sysbox.sh")].concat();
                script("remove-sysbox", &[], body)
            }
            Self::RestartSysbox => {
                let body =
                    [DAEMON_JSON, CHECK_SYSBOX, include_str!("../scripts/restart-sysbox.sh")]
                        .concat();
                script("restart-sysbox", &[], body)
            }
            Self::RememberContainers(containers) => {
                let body = include_str!("../scripts/remember-containers.sh").into();
                let lines: Vec<String> = containers.iter().map(ToString::to_string).collect();
                script_that_reads("remember-containers", &[], body, &(lines.join("\n") + "\n"))
            }
            Self::StartContainers => script(
                "start-containers",
                &[],
                include_str!("../scripts/start-containers.sh").into(),
            ),
            Self::TryContainer(runtimes) => {
                let text = include_str!("../scripts/try-container.sh").into();
                script("try-container", runtimes, text).timeout(TRY)
            }
            Self::TryEgress { name, port } => {
                let text = include_str!("../scripts/try-egress.sh").into();
                script("try-egress", &[name, &port.to_string()], text).timeout(TRY)
            }
            Self::System(words) => ssh.run(&[&["sudo", "-n"], *words].concat()),
        }
    }
}

/// Files for a script: a line with the path, the mode and the contents as Base64 for each.
fn lines_of(files: &[GuestFile]) -> String {
    let line = |it: &GuestFile| format!("{} {} {}\n", it.path, it.mode, STANDARD.encode(&it.text));
    files.iter().map(line).collect()
}
