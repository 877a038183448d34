//! Provisioning entries of `mode: yq`, which set keys of files in the guest.

use serde_json::Value;

use super::{DOCKER_SERVICE, DOCKER_SOCKET, Guest};
use crate::simulate::limactl::expression;

/// A provisioning entry of `mode: yq`, its templates expanded.
#[derive(Debug, Clone)]
pub(in crate::simulate) struct YqEntry {
    /// The path of the file.
    pub(in crate::simulate) path: String,
    /// The assignments.
    pub(in crate::simulate) expression: String,
    /// Whether the file is INI instead of JSON.
    pub(in crate::simulate) is_ini: bool,
}

/// Formats sections and their keys as an INI file.
fn ini(sections: &Value) -> String {
    let sections = sections.as_object().into_iter().flatten();
    let section = |(name, keys): (&String, &Value)| {
        let keys = keys.as_object().into_iter().flatten();
        let line = |(key, value): (&String, &Value)| {
            format!("{key}={}\n", value.as_str().map_or(value.to_string(), str::to_owned))
        };
        format!("[{name}]\n{}", keys.map(line).collect::<String>())
    };
    sections.map(section).collect()
}

impl Guest {
    /// Applies a provisioning entry of `mode: yq`, which sets keys of a JSON or INI file. A changed
    /// drop-in of a unit takes effect after the boot (measured with the template docker-rootful).
    pub(in crate::simulate) fn set_keys(&mut self, entry: &YqEntry, now: u64) {
        let before = self.text(&entry.path).unwrap_or_default().to_owned();
        let mut value = if entry.is_ini {
            Value::default()
        } else {
            serde_json::from_str(&before).unwrap_or_default()
        };
        if expression::apply(&mut value, &entry.expression).is_err() {
            return;
        }
        let text = if entry.is_ini { ini(&value) } else { format!("{value:#}\n") };
        if text == before {
            return;
        }
        self.write(&entry.path, text, now);
        if entry.path.starts_with("/etc/systemd/system/docker.socket.d/")
            && self.is_active(DOCKER_SOCKET)
        {
            self.stop_unit(DOCKER_SOCKET);
            self.start_unit(DOCKER_SERVICE, now);
        }
    }
}
