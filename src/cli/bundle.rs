//! `cai doctor --bundle`: gathers what a bug report needs.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::Terminal;
use super::version::VersionDocument;
use crate::cli::error::Error;
use crate::config::Config;
use crate::doctor::{Bundle, Finding, Unpinned};
use crate::host::{CommandSpec, Host, Probe};
use crate::lima::Ssh;
use crate::model::printable;
use crate::plan::{Declared, Plan, PlanDocument};
use crate::reconcile::observe::lima_home;
use crate::report::DoctorDocument;
use crate::resource::facts::Facts;

/// Lima's logs in an instance's directory.
const LOGS: [&str; 5] =
    ["ha.stderr.log", "ha.stdout.log", "serial.log", "serialp.log", "serialv.log"];

/// How many bytes at the end of a log are read. The bundle keeps fewer, so its first line is
/// complete.
const LOG_END: u64 = 1 << 20;

/// The engine that a bundle describes.
pub(super) struct Subject<'a> {
    /// The configuration. If the file is invalid, its most likely meaning; `None` if the VM is
    /// unknown.
    pub(super) config: Option<&'a Config>,
    /// The file, if it exists.
    pub(super) file: Option<&'a str>,
    pub(super) declared: Declared<'a>,
    pub(super) findings: &'a [Finding],
    /// What the file does not pin.
    pub(super) unpinned: &'a [Unpinned],
    /// The facts and their plan, if the machine could be observed.
    pub(super) seen: Option<&'a (Facts, Plan)>,
}

/// Writes the bundle. An existing file is not overwritten.
pub(super) fn write(
    host: &dyn Host,
    probe: &dyn Probe,
    subject: &Subject<'_>,
    path: &Path,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => Error::Refused {
            why: format!("{} already exists", printable(&path.to_string_lossy())),
            hint: "name another file for the bundle, or delete the existing one".into(),
        },
        _ => Error::WriteFile { path: path.to_owned(), source },
    };
    let bytes = gather(probe, subject, terminal)?.pack().map_err(failed)?;
    host.write_new(path, &bytes, 0o600).map_err(failed)?;
    terminal.talk(&format!("Wrote {}. Review it before you share it.", path.display()));
    Ok(())
}

fn gather(probe: &dyn Probe, subject: &Subject<'_>, terminal: &Terminal) -> Result<Bundle, Error> {
    let Subject { config, seen, .. } = *subject;
    let home = probe.env("HOME").map(|home| home.to_string_lossy().into_owned());
    let facts = seen.map(|(facts, _)| facts);
    let directory = config.and_then(|config| directory(probe, config, facts));
    let mut secrets = config.map(|config| secrets(config, facts)).unwrap_or_default();
    secrets.extend(directory.iter().flat_map(|directory| variables(probe, directory)));
    let redactor = terminal.hidden().redactor().clone();
    let mut bundle = Bundle::new(redactor.stricter(home.as_deref(), secrets));
    bundle.text("versions.txt", &versions(probe, facts, terminal));
    let findings = DoctorDocument::new(subject.file, subject.findings, subject.unpinned);
    bundle.document("findings.json", &terminal.marked(value(&findings)?));
    if let Some((_, plan)) = seen {
        let plan = PlanDocument::new(plan, std::slice::from_ref(&subject.declared));
        bundle.document("plan.json", &terminal.marked(value(&plan)?));
    }
    if let Some(directory) = directory {
        lima(probe, &directory, &mut bundle);
    }
    if let (Some(config), Some(facts)) = (config, facts) {
        guest(probe, config, facts, &mut bundle);
    }
    Ok(bundle)
}

fn value(document: &impl serde::Serialize) -> Result<Value, Error> {
    serde_json::to_value(document).map_err(|error| Error::Output(error.into()))
}

/// The values of the guest's environment, from the file and from the VM's YAML, and all other
/// secrets.
fn secrets(config: &Config, facts: Option<&Facts>) -> Vec<String> {
    let yaml = facts.and_then(|facts| facts.vm.present()?.yaml.get("env")?.as_object());
    let own = yaml.into_iter().flat_map(|env| env.values()).filter_map(Value::as_str);
    let declared = config.vm.env.values().filter_map(|variable| variable.value.clone());
    let seen = facts.map(|facts| facts.secrets(config)).unwrap_or_default();
    declared.chain(own.map(str::to_owned)).chain(seen).collect()
}

/// The values of the guest's environment in the VM's YAML. Needed if the machine could not be
/// observed.
fn variables(probe: &dyn Probe, directory: &Path) -> Vec<String> {
    let text = probe.read_file(&directory.join("lima.yaml")).ok().flatten().unwrap_or_default();
    let yaml: Value = serde_yaml::from_str(&text).unwrap_or_default();
    let env = yaml.get("env").and_then(Value::as_object).cloned().unwrap_or_default();
    env.values().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn directory(probe: &dyn Probe, config: &Config, facts: Option<&Facts>) -> Option<PathBuf> {
    match facts {
        Some(facts) => Some(facts.directory.clone()),
        None => Some(lima_home(probe).ok()?.join(config.vm.name.as_str())),
    }
}

/// The versions of the tools, one on each line.
fn versions(probe: &dyn Probe, facts: Option<&Facts>, terminal: &Terminal) -> String {
    let limactl = facts.and_then(|facts| facts.tools.limactl.as_ref());
    let limactl = limactl.map(|(path, version)| format!("{version} ({})", path.display()));
    let kind = if terminal.simulates() { " (simulated)" } else { "" };
    let mut lines = vec![
        format!("cai: {}", VersionDocument::new()),
        format!("host: {}{kind}", probe.platform()),
        format!("limactl: {}", limactl.unwrap_or_else(|| said(probe, "limactl", "--version"))),
    ];
    for (program, flag) in [("docker", "--version"), ("ssh", "-V"), ("uname", "-srm")] {
        lines.push(format!("{program}: {}", said(probe, program, flag)));
    }
    lines.join("\n") + "\n"
}

/// The output of a program, or the reason why there is none.
fn said(probe: &dyn Probe, program: &str, flag: &str) -> String {
    match probe.find_program(program) {
        Some(path) => output(probe, &CommandSpec::new(path).arg(flag)).trim().replace('\n', "; "),
        None => "not on PATH".into(),
    }
}

/// Both streams of a read-only command, even if it fails.
fn output(probe: &dyn Probe, command: &CommandSpec) -> String {
    match probe.query(command) {
        Ok(output) if output.status.success() => output.stdout + &output.stderr,
        Ok(output) => format!("{}{}({})\n", output.stdout, output.stderr, output.status),
        Err(error) => format!("{}\n", error.in_a_line()),
    }
}

fn lima(probe: &dyn Probe, directory: &Path, bundle: &mut Bundle) {
    let missed = |why: io::Error| format!("This file could not be read: {why}.\n");
    match probe.read_file(&directory.join("lima.yaml")) {
        Ok(yaml) => yaml.iter().for_each(|yaml| bundle.yaml("lima/lima.yaml", yaml)),
        Err(why) => bundle.text("lima/lima.yaml", &missed(why)),
    }
    for name in LOGS {
        let log = match probe.read_end(&directory.join(name), LOG_END) {
            Ok(None) => continue,
            Ok(Some(log)) => String::from_utf8_lossy(&log).into_owned(),
            Err(why) => missed(why),
        };
        bundle.text(&format!("lima/{name}"), &log);
    }
}

/// The facts about the guest, and the ends of its logs.
fn guest(probe: &dyn Probe, config: &Config, facts: &Facts, bundle: &mut Bundle) {
    let Some(guest) = facts.guest.present() else { return };
    let units: Map<String, Value> = guest
        .units
        .iter()
        .map(|(name, unit)| (name.clone(), json!({"active": unit.active, "at_boot": unit.enabled})))
        .collect();
    bundle.document("guest/units.json", &units.into());
    bundle.document("guest/packages.json", &json!(guest.packages));
    if let Some(text) = &guest.daemon_json.text {
        bundle.yaml("guest/daemon.json", text);
    }
    let Some(program) = facts.tools.ssh.clone() else { return };
    let ssh = Ssh::new(program, &facts.directory, &config.vm.name);
    let journal = |unit: &str| {
        let words = ["sudo", "-n", "journalctl", "-u", unit, "-n", "300", "-q", "--no-pager"];
        output(probe, &ssh.look(&words))
    };
    for unit in ["docker.service", "containerd.service", "sysbox*"] {
        let name = unit.trim_end_matches('*').trim_end_matches(".service");
        bundle.text(&format!("guest/journal-{name}.txt"), &journal(unit));
    }
    let log = ["sudo", "-n", "tail", "-n", "300", "/var/log/cloud-init-output.log"];
    bundle.text("guest/cloud-init-output.txt", &output(probe, &ssh.look(&log)));
}
