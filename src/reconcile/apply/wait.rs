//! Waits for the result of a step.

use std::time::Duration;

use super::ApplyError;
use crate::host::Host;
use crate::lima::Agent;
use crate::plan::{Ready, Wait};

/// The interval between two checks.
const EVERY: Duration = Duration::from_millis(500);

/// Checks until it is ready, at least once, up to its time limit or the given one.
pub(super) fn ready(
    host: &dyn Host,
    wait: &Wait,
    limit: Option<Duration>,
) -> Result<(), ApplyError> {
    let Wait { until, at_most } = wait;
    let at_most = limit.unwrap_or(*at_most);
    let mut waited = Duration::ZERO;
    loop {
        let last = match until {
            Ready::Says { command, words } => {
                let output = host.query(command)?.successful(command)?;
                let said = output.stdout.trim();
                if words.contains(&said) {
                    return Ok(());
                }
                said.to_owned()
            }
            Ready::Answers(url) => match host.get(url) {
                Ok(()) => return Ok(()),
                Err(why) => why,
            },
            // The result of the start is observed afterwards. An agent that was killed writes no
            // event.
            Ready::Started { events, socket } => match host.read_file(events) {
                _ if !host.listens(socket) => return Ok(()),
                Ok(text) if text.as_deref().and_then(Agent::read) != Some(Agent::Starting) => {
                    return Ok(());
                }
                Ok(_) => "Lima's host agent has not reported that the start finished".to_owned(),
                Err(why) => why.to_string(),
            },
        };
        if host.interrupted() {
            return Err(ApplyError::Interrupted);
        }
        if waited >= at_most {
            return Err(ApplyError::NotReady { what: until.to_string(), after: waited, last });
        }
        host.pause(EVERY);
        waited += EVERY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::System;
    use crate::simulate::{Instance, LINUX, SimulatedHost, World};

    #[test]
    fn what_never_gets_ready_fails_when_its_time_is_over() {
        let host = SimulatedHost::new(&System, World::new(LINUX));
        let until = Ready::Answers("http://localhost:1/health".into());
        let error =
            ready(&host, &Wait { until, at_most: Duration::from_secs(180) }, None).unwrap_err();
        let words = error.to_string();
        assert!(words.starts_with("not ready after 3"), "{words}");
        assert!(words.contains("http://localhost:1/health"), "{words}");
    }

    #[test]
    fn a_start_is_waited_for_as_long_as_its_host_agent_lives() {
        for (agent, waits) in [(Some(1), true), (None, false)] {
            let mut world = World::new(LINUX);
            let instance = Instance {
                yaml: String::new(),
                protected: false,
                ssh_port: 0,
                agent,
                driver: Some(2),
                boots: 1,
                master: None,
                docker_socket: None,
                docker_socket_path: None,
                guest: None,
            };
            world.instances.insert("vm".into(), instance);
            let events = world.computer.home.join("events");
            let starting = "{\"status\":{\"sshLocalPort\":60022}}\n";
            world.files.insert(events.clone(), starting.into());
            let socket = Agent::socket(&world.computer.lima_home.join("vm"));
            let host = SimulatedHost::new(&System, world);
            let until = Ready::Started { events, socket };
            let waited = ready(&host, &Wait { until, at_most: Duration::from_secs(60) }, None);
            assert_eq!(waited.is_err(), waits, "{agent:?}: {waited:?}");
        }
    }
}
