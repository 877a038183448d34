//! The progress of a start, from the events that the host agent writes for `limactl start`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The progress of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// The guest is booting, or Lima's probes have not succeeded yet.
    Starting,
    /// The start has ended, successfully or not.
    Started,
    /// The host agent is about to exit.
    Exiting,
}

impl Agent {
    /// The file of its events. `limactl start` recreates it.
    pub fn events(directory: &Path) -> PathBuf {
        directory.join("ha.stdout.log")
    }

    /// Its socket, on which it listens from before its first event until it exits.
    pub fn socket(directory: &Path) -> PathBuf {
        directory.join("ha.sock")
    }

    /// Reads the last event; each line is a JSON object. `None` if the text has no event of the
    /// known format.
    pub fn read(events: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct AgentEvent {
            status: AgentStatus,
        }
        #[derive(Deserialize)]
        struct AgentStatus {
            #[serde(default)]
            running: bool,
            #[serde(default)]
            exiting: bool,
        }
        let last =
            events.lines().rev().find_map(|line| serde_json::from_str::<AgentEvent>(line).ok());
        last.map(|AgentEvent { status }| match status {
            AgentStatus { exiting: true, .. } => Self::Exiting,
            AgentStatus { running: true, .. } => Self::Started,
            AgentStatus { .. } => Self::Starting,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_counts() {
        let booting = "{\"time\":\"2026-11-21T07:00:00Z\",\"status\":{\"sshLocalPort\":60022}}\n";
        let running = "{\"time\":\"…\",\"status\":{\"running\":true,\"sshLocalPort\":60022}}\n";
        let exiting = "{\"time\":\"…\",\"status\":{\"exiting\":true}}\n";
        assert_eq!(Agent::read(booting), Some(Agent::Starting));
        assert_eq!(Agent::read(&[booting, running].concat()), Some(Agent::Started));
        assert_eq!(Agent::read(&[booting, exiting].concat()), Some(Agent::Exiting));
        for none in ["", "hello\n", "{\"level\":\"info\",\"msg\":\"x\"}\n"] {
            assert_eq!(Agent::read(none), None, "{none}");
        }
    }
}
