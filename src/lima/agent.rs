//! What Lima's host agent says of a start, in the events that it writes for `limactl start`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// How far a start has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// The guest is not through with its boot, or Lima not with its probes.
    Starting,
    /// The start is over, well or not.
    Started,
    /// The host agent is about to end.
    Exiting,
}

impl Agent {
    /// Where its events are. `limactl start` makes the file anew.
    pub fn events(directory: &Path) -> PathBuf {
        directory.join("ha.stdout.log")
    }

    /// Where it listens, from before its first event to its end.
    pub fn socket(directory: &Path) -> PathBuf {
        directory.join("ha.sock")
    }

    /// What the last of the events says: one JSON object on each line. `None` where there is none,
    /// so that a Lima which writes something else is no evidence of anything.
    pub fn read(events: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Event {
            status: Status,
        }
        #[derive(Deserialize)]
        struct Status {
            #[serde(default)]
            running: bool,
            #[serde(default)]
            exiting: bool,
        }
        let last = events.lines().rev().find_map(|line| serde_json::from_str::<Event>(line).ok());
        last.map(|Event { status }| match status {
            Status { exiting: true, .. } => Self::Exiting,
            Status { running: true, .. } => Self::Started,
            Status { .. } => Self::Starting,
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
