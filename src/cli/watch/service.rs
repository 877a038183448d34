//! `cai watch` as a service of the user: a systemd unit, or a launchd agent on macOS.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::error::Error;
use crate::cli::file::File;
use crate::cli::terminal::Terminal;
use crate::host::{CommandSpec, Host, Os, Probe};

/// The variables of this shell that the service needs.
const VARIABLES: [&str; 6] =
    ["PATH", "HOME", "LIMA_HOME", "DOCKER_CONFIG", "XDG_STATE_HOME", "XDG_DATA_HOME"];
/// Readable by everyone, like other services.
const MODE: u32 = 0o644;

/// A service, as its manager reads it.
struct Service {
    path: PathBuf,
    text: String,
    /// The commands that start it.
    start: Vec<CommandSpec>,
    /// The commands that stop it, before its file is deleted.
    stop: Vec<CommandSpec>,
}

pub(super) fn install(
    host: &dyn Host,
    file: &File,
    interval: Option<Duration>,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let service = Service::new(host, file, interval)?;
    let failed = |source| Error::WriteFile { path: service.path.clone(), source };
    if let Some(directory) = service.path.parent() {
        host.make_directory(directory).map_err(failed)?;
    }
    host.write_file(&service.path, &service.text, MODE).map_err(failed)?;
    run(host, &service.start)?;
    let path = service.path.display();
    terminal.talk(&format!("Installed {path}. To remove it, run cai watch --uninstall."));
    Ok(())
}

pub(super) fn uninstall(
    host: &dyn Host,
    file: &File,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let service = Service::new(host, file, None)?;
    let path = service.path.display().to_string();
    if host.canonical(&service.path).is_err() {
        terminal.talk(&format!("{path} does not exist."));
        return Ok(());
    }
    run(host, &service.stop)?;
    host.remove_file(&service.path)
        .map_err(|source| Error::WriteFile { path: service.path.clone(), source })?;
    terminal.talk(&format!("Deleted {path}."));
    Ok(())
}

fn run(host: &dyn Host, commands: &[CommandSpec]) -> Result<(), Error> {
    commands.iter().try_for_each(|command| {
        host.execute(command, &|_| ())
            .map(|_| ())
            .map_err(|source| Error::Service(Box::new(source)))
    })
}

impl Service {
    fn new(probe: &dyn Probe, file: &File, interval: Option<Duration>) -> Result<Self, Error> {
        let missing = |what: &str| Error::Usage {
            why: format!("{what} is not on PATH"),
            hint: "the service needs its path; install it in a directory of PATH".into(),
        };
        let find = |name: &str| probe.find_program(name).ok_or_else(|| missing(name));
        let home = probe.env("HOME").map(PathBuf::from).unwrap_or_default();
        let words = [
            find("cai")?.display().to_string(),
            "--file".into(),
            file.saved.path.clone(),
            "watch".into(),
        ];
        let interval = interval.map(|it| format!("--interval={}s", it.as_secs()));
        let words: Vec<String> = words.into_iter().chain(interval).collect();
        let variables: Vec<(&str, String)> = VARIABLES
            .into_iter()
            .filter_map(|name| Some((name, probe.env(name)?.to_string_lossy().into_owned())))
            .collect();
        let vm = &file.config.vm.name;
        if probe.platform().os == Os::MacOs {
            let label = format!("cai.watch.{vm}");
            let path = home.join("Library/LaunchAgents").join(format!("{label}.plist"));
            let launchctl = CommandSpec::new(find("launchctl")?);
            let call = |verb: &str| launchctl.clone().args([verb, "-w"]).arg(&path);
            let (start, stop) = (vec![call("load")], vec![call("unload")]);
            return Ok(Self { text: plist(&label, &words, &variables), start, stop, path });
        }
        let unit = format!("cai-watch-{vm}.service");
        let config = probe.env("XDG_CONFIG_HOME").map(PathBuf::from);
        let config = config.unwrap_or_else(|| home.join(".config"));
        let systemctl = CommandSpec::new(find("systemctl")?).arg("--user");
        let call = |words: &[&str]| systemctl.clone().args(words);
        Ok(Self {
            path: config.join("systemd/user").join(&unit),
            text: systemd_unit(vm.as_str(), &words, &variables),
            start: vec![
                call(&["daemon-reload"]),
                call(&["enable", &unit]),
                call(&["restart", &unit]),
            ],
            stop: vec![call(&["disable", "--now", &unit])],
        })
    }
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

fn plist(label: &str, words: &[String], variables: &[(&str, String)]) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let string = |text: &str| format!("    <string>{}</string>\n", escaped(text));
    let arguments: Vec<String> = words.iter().map(|word| string(word)).collect();
    let arguments = arguments.concat();
    let entry =
        |(name, value): &(&str, String)| format!("    <key>{name}</key>\n{}", string(value));
    let environment = variables.iter().map(entry).collect::<Vec<_>>().concat();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n  <key>Label</key>\n  <string>{label}</string>\n  \
         <key>ProgramArguments</key>\n  <array>\n{arguments}  </array>\n  \
         <key>EnvironmentVariables</key>\n  <dict>\n{environment}  </dict>\n  \
         <key>RunAtLoad</key>\n  <true/>\n  <key>KeepAlive</key>\n  <true/>\n</dict>\n</plist>\n"
    )
}
