//! `cai watch` as a service of the user: a systemd unit, or a launchd agent on macOS.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::error::Error;
use crate::cli::file::ConfigFile;
use crate::cli::terminal::Terminal;
use crate::host::{CommandSpec, Host, Os, Probe};
use crate::model::{VmName, listed};
use crate::reconcile::observe::{installed_watch_service, managed_vms, watch_service};
use crate::resource::WatchService;

/// The variables of this shell that the service needs.
const VARIABLES: [&str; 6] =
    ["PATH", "HOME", "LIMA_HOME", "DOCKER_CONFIG", "XDG_STATE_HOME", "XDG_DATA_HOME"];
/// Readable by everyone, like other services.
const MODE: u32 = 0o644;

pub(super) fn install(
    host: &dyn Host,
    file: &ConfigFile,
    interval: Option<Duration>,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let service = found(host, &file.config.vm.name)?;
    let text = text(host, file, &service, interval)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::WriteFile { path, source }
    };
    for directory in [service.path.parent(), logs(host).as_deref()].into_iter().flatten() {
        host.make_directory(directory).map_err(failed(directory))?;
    }
    host.write_file(&service.path, &text, MODE).map_err(failed(&service.path))?;
    run(host, &service.start())?;
    let path = service.path.display();
    terminal.talk(&format!("Installed {path}. To remove it, run cai watch --uninstall."));
    Ok(())
}

/// Removes the service of a VM: of this one, of the file's, or the only one.
pub(super) fn uninstall(
    host: &dyn Host,
    named: Option<&VmName>,
    of_file: Result<VmName, Error>,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let vm = match (named, of_file) {
        (Some(vm), _) => vm.clone(),
        (None, Ok(vm)) => vm,
        (None, Err(error)) => only_one(host, error)?,
    };
    let service = found(host, &vm)?;
    let path = service.path.display().to_string();
    if host.canonical(&service.path).is_err() {
        terminal.talk(&format!("{path} does not exist."));
        return Ok(());
    }
    run(host, &[service.stop()])?;
    host.remove_file(&service.path)
        .map_err(|source| Error::WriteFile { path: service.path.clone(), source })?;
    terminal.talk(&format!("Deleted {path}."));
    Ok(())
}

/// The only VM that has a service. `error` is why the file does not name one.
fn only_one(host: &dyn Host, error: Error) -> Result<VmName, Error> {
    let vms = managed_vms(host)?.unwrap_or_default();
    let names = vms.into_iter().filter_map(|vm| vm.name.parse::<VmName>().ok());
    let names: Vec<VmName> =
        names.filter(|vm| installed_watch_service(host, vm).is_some()).collect();
    match names.as_slice() {
        [] => Err(error),
        [vm] => Ok(vm.clone()),
        several => Err(Error::Usage {
            why: format!("several VMs have a service: {}", listed(several)),
            hint: "name the VM: `cai watch --uninstall VM`".into(),
        }),
    }
}

fn run(host: &dyn Host, commands: &[CommandSpec]) -> Result<(), Error> {
    commands.iter().try_for_each(|command| {
        host.execute(command, &|_| ())
            .map(|_| ())
            .map_err(|source| Error::Service(Box::new(source)))
    })
}

fn missing(what: &str) -> Error {
    Error::Usage {
        why: format!("{what} is not on PATH"),
        hint: "the service needs its path; install it in a directory of PATH".into(),
    }
}

fn found(host: &dyn Host, vm: &VmName) -> Result<WatchService, Error> {
    let manager = WatchService::manager(host.platform().os);
    watch_service(host, vm).ok_or_else(|| missing(manager))
}

/// The directory of the logs of launchd agents. systemd keeps the output of a unit in its journal.
fn logs(probe: &dyn Probe) -> Option<PathBuf> {
    let home = probe.env("HOME").map(PathBuf::from)?;
    (probe.platform().os == Os::MacOs).then(|| home.join("Library/Logs/cai"))
}

/// The file of a service, as its manager reads it.
fn text(
    probe: &dyn Probe,
    file: &ConfigFile,
    service: &WatchService,
    interval: Option<Duration>,
) -> Result<String, Error> {
    let program = probe.find_program("cai").ok_or_else(|| missing("cai"))?;
    let words =
        [program.display().to_string(), "--file".into(), file.saved.path.clone(), "watch".into()];
    let interval = interval.map(|it| format!("--interval={}s", it.as_secs()));
    let words: Vec<String> = words.into_iter().chain(interval).collect();
    let variables: Vec<(&str, String)> = VARIABLES
        .into_iter()
        .filter_map(|name| Some((name, probe.env(name)?.to_string_lossy().into_owned())))
        .collect();
    let vm = &file.config.vm.name;
    Ok(match logs(probe) {
        Some(logs) => {
            plist(&service.name, &words, &variables, &logs.join(format!("watch-{vm}.log")))
        }
        None => systemd_unit(vm.as_str(), &words, &variables),
    })
}

fn systemd_unit(vm: &str, words: &[String], variables: &[(&str, String)]) -> String {
    // systemd.service(5): quotes, backslashes, specifiers and variables.
    let quoted = |word: &str| {
        let word = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
        format!("\"{word}\"")
    };
    let command: Vec<String> = words.iter().map(|word| quoted(word).replace('$', "$$")).collect();
    let mut text = format!(
        "# Written by cai.\n[Unit]\nDescription=Keeps the Docker socket of the Lima VM {vm} usable\n\n\
         [Service]\nExecStart={}\nRestart=on-failure\nRestartSec=60\n",
        command.join(" ")
    );
    for (name, value) in variables {
        let _ = writeln!(text, "Environment={}", quoted(&format!("{name}={value}")));
    }
    text + "\n[Install]\nWantedBy=default.target\n"
}

fn plist(label: &str, words: &[String], variables: &[(&str, String)], log: &Path) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let string = |text: &str| format!("    <string>{}</string>\n", escaped(text));
    let arguments: Vec<String> = words.iter().map(|word| string(word)).collect();
    let arguments = arguments.concat();
    let entry =
        |(name, value): &(&str, String)| format!("    <key>{name}</key>\n{}", string(value));
    let environment = variables.iter().map(entry).collect::<Vec<_>>().concat();
    let log = format!("  <string>{}</string>\n", escaped(&log.to_string_lossy()));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n  <key>Label</key>\n  <string>{label}</string>\n  \
         <key>ProgramArguments</key>\n  <array>\n{arguments}  </array>\n  \
         <key>EnvironmentVariables</key>\n  <dict>\n{environment}  </dict>\n  \
         <key>StandardOutPath</key>\n{log}  <key>StandardErrorPath</key>\n{log}  \
         <key>RunAtLoad</key>\n  <true/>\n  <key>KeepAlive</key>\n  <true/>\n</dict>\n</plist>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_has_a_log() {
        let log = Path::new("/Users/a&b/Library/Logs/cai/watch-vm.log");
        let text = plist("cai.watch.vm", &["/bin/cai".into()], &[], log);
        for key in ["StandardOutPath", "StandardErrorPath"] {
            let line = "<string>/Users/a&amp;b/Library/Logs/cai/watch-vm.log</string>\n";
            assert!(text.contains(&format!("  <key>{key}</key>\n  {line}")), "{text}");
        }
    }
}
