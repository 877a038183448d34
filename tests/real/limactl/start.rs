//! `limactl start`: starts the host agent and waits until it reports that the instance runs.
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use containai::simulate::Arguments;

use super::command_line::duration;
use super::instance::{Instance, Status};
use super::{Result, create, log, quote, unknown};

pub(super) fn start(arguments: &Arguments) -> Result<ExitCode> {
    let name = arguments.only()?;
    let timeout = duration(arguments.value("--timeout").unwrap_or("10m"))?;
    if name.contains('/') {
        return Err(unknown("`start` with a file; create the instance first"));
    }
    let shown = quote::name(name);
    let Some(instance) = Instance::inspect(name)? else {
        log::info(&format!(
            "Creating an instance {shown} from template:default (Not from template:{name})"
        ));
        log::warning(&format!(
            "This form is deprecated. Use `limactl create --name={name} template:default` instead"
        ));
        return Err("template `default.yaml` not found".to_owned());
    };
    if !instance.errors.is_empty() {
        log::line(
            "error",
            &format!("Instance {} has configuration errors", quote::go(name)),
            &[("error", &instance.errors.join("\n"))],
        );
    }
    instance.config()?;
    log::info(&format!("Using the existing instance {shown}"));
    if !instance.errors.is_empty() {
        return Err(format!("errors inspecting instance: {}", instance.error_list()));
    }
    if instance.status == Status::Running {
        log::info(&format!(
            "The instance {shown} is already running. Run `limactl shell {name}` to open the shell."
        ));
        return Ok(ExitCode::SUCCESS);
    }
    log::info(&format!("Starting the instance {shown} with internal VM driver \"qemu\""));
    create::prepare(&instance.dir, instance.config()?)?;
    let agent = spawn_host_agent(&instance)?;
    wait_until_running(&instance, agent, timeout)?;
    log::info(&format!("READY. Run `limactl shell {name}` to open the shell."));
    Ok(ExitCode::SUCCESS)
}

/// Starts this program again as the host agent. Its streams are files, so that a reader of our
/// streams does not wait until the instance stops.
fn spawn_host_agent(instance: &Instance) -> Result<Child> {
    let log = |name: &str| {
        let path = instance.dir.join(name);
        File::create(&path).map_err(|error| format!("open {}: {error}", path.display()))
    };
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    Command::new(program)
        .arg0("limactl")
        .args(["hostagent", "--pidfile"])
        .arg(instance.dir.join("ha.pid"))
        .arg(&instance.name)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log("ha.stdout.log")?)
        .stderr(log("ha.stderr.log")?)
        .spawn()
        .map_err(|error| format!("failed to start the host agent: {error}"))
}

fn wait_until_running(instance: &Instance, mut agent: Child, timeout: Duration) -> Result<()> {
    let hint = quote::name(&instance.dir.join("ha.stderr.log").to_string_lossy());
    let deadline = Instant::now() + timeout;
    let mut port_shown = false;
    loop {
        let ended = agent.try_wait().map_err(|error| error.to_string())?;
        let events = fs::read_to_string(instance.dir.join("ha.stdout.log")).unwrap_or_default();
        for event in events.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let status = &event["status"];
            if let (Some(port), false) = (status["sshLocalPort"].as_u64(), port_shown) {
                log::info(&format!("SSH Local Port: {port}"));
                port_shown = true;
            }
            if status["exiting"] == true {
                return Err(format!("exiting, status={status} (hint: see {hint})"));
            }
            if status["degraded"] == true {
                log::warning(&format!(
                    "DEGRADED. The VM seems running, but file sharing and port forwarding may not work. (hint: see {hint})"
                ));
                return Err(format!("degraded, status={status}"));
            }
            if status["running"] == true {
                return Ok(());
            }
        }
        if let Some(status) = ended {
            return Err(format!("host agent process has exited: {status}"));
        }
        if Instant::now() >= deadline {
            return Err("did not receive an event with the `running` status".to_owned());
        }
        sleep(Duration::from_millis(100));
    }
}
