//! `limactl` command lines.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::host::CommandSpec;
use crate::model::proxy::ProxySettings;
use crate::model::{ByteSize, VmName};

/// The time limit of a creation, which downloads an image of possibly hundreds of megabytes.
const CREATE: Duration = Duration::from_secs(60 * 60);
const STOP: Duration = Duration::from_secs(5 * 60);

/// Builds command lines for one `limactl`.
#[derive(Debug, Clone)]
pub struct Limactl {
    program: PathBuf,
    /// The proxies for the downloads of images.
    proxy: Vec<(&'static str, String)>,
}

impl Limactl {
    /// The time limit of a start. `limactl` waits half an hour, because the first boot of a guest
    /// installs packages.
    pub const START: Duration = Duration::from_secs(30 * 60 + 30);

    /// Uses the program at this path.
    pub fn new(program: PathBuf) -> Self {
        Self { program, proxy: Vec::new() }
    }

    /// The same, with these proxies for its downloads.
    #[must_use]
    pub fn through(self, proxy: Option<&ProxySettings>) -> Self {
        Self { proxy: proxy.map(ProxySettings::all_variables).unwrap_or_default(), ..self }
    }

    fn with_proxy(&self, command: CommandSpec) -> CommandSpec {
        command.variables(self.proxy.iter().cloned())
    }

    /// `--tty=false`: no editor and no questions.
    fn quiet(&self) -> CommandSpec {
        CommandSpec::new(&self.program).arg("--tty=false")
    }

    /// Prints the version.
    pub fn version(&self) -> CommandSpec {
        CommandSpec::new(&self.program).arg("--version")
    }

    /// Lists every instance: it would be an error to ask for a name that does not exist.
    pub fn list(&self) -> CommandSpec {
        CommandSpec::new(&self.program).args(["list", "--json"])
    }

    /// Checks a complete YAML from standard input. The text may contain secrets, so it is not
    /// written to a file. Lima refuses `-`, because it cannot derive a name from it (measured with
    /// Lima 2.2.0).
    pub fn validate(&self, yaml: String) -> CommandSpec {
        CommandSpec::new(&self.program).args(["validate", "/dev/stdin"]).stdin(yaml)
    }

    /// Creates an instance from YAML on standard input.
    pub fn create(&self, name: &VmName, yaml: String) -> CommandSpec {
        let name = format!("--name={name}");
        let create = self.quiet().args(["create", name.as_str(), "-"]);
        self.with_proxy(create.stdin(yaml).timeout(CREATE))
    }

    /// Starts an instance and waits until its probes succeed.
    pub fn start(&self, name: &VmName) -> CommandSpec {
        let start = self.quiet().arg("start").timeout(Self::START).telling_timeout();
        self.with_proxy(start.arg(name.as_str()))
    }

    /// Runs a command in a running instance, or the login user's shell. Without a directory, it runs in
    /// `/`: Lima would try the directory of this process, and complain if the guest lacks it.
    pub fn shell(
        &self,
        name: &VmName,
        directory: Option<&Path>,
        command: &[String],
    ) -> CommandSpec {
        let directory = directory.unwrap_or(Path::new("/"));
        let shell = CommandSpec::new(&self.program).args(["shell", "--workdir"]);
        shell.arg(directory).arg(name.as_str()).args(command)
    }

    /// Stops a running instance.
    pub fn stop(&self, name: &VmName) -> CommandSpec {
        self.quiet().args(["stop", name.as_str()]).timeout(STOP)
    }

    /// Ends the remaining processes of an instance. Only this repairs the state `Broken`.
    pub fn stop_forced(&self, name: &VmName) -> CommandSpec {
        self.quiet().args(["stop", "-f", name.as_str()]).timeout(STOP)
    }

    /// Protects an instance from deletion.
    pub fn protect(&self, name: &VmName) -> CommandSpec {
        self.quiet().args(["protect", name.as_str()])
    }

    /// Removes the protection from deletion.
    pub fn unprotect(&self, name: &VmName) -> CommandSpec {
        self.quiet().args(["unprotect", name.as_str()])
    }

    /// Lists a disk; an empty list if it does not exist.
    pub fn disk_list(&self, disk: &str) -> CommandSpec {
        CommandSpec::new(&self.program).args(["disk", "list", "--json", disk])
    }

    /// Creates a disk.
    pub fn disk_create(&self, disk: &str, size: ByteSize) -> CommandSpec {
        let size = size.to_string();
        self.quiet().args(["disk", "create", disk, "--size", size.as_str()])
    }

    /// Grows a disk that no running instance uses.
    pub fn disk_resize(&self, disk: &str, size: ByteSize) -> CommandSpec {
        let size = size.to_string();
        self.quiet().args(["disk", "resize", disk, "--size", size.as_str()])
    }

    /// Deletes a stopped instance with all its data. `-f` would also delete a running one.
    pub fn delete(&self, name: &VmName) -> CommandSpec {
        self.quiet().args(["delete", name.as_str()]).timeout(STOP)
    }

    /// Replaces the YAML of a stopped instance from standard input.
    ///
    /// Lima can edit with an expression on the command line, which cannot read a file or a variable
    /// (its yq supports neither), or with an editor that inherits standard input. Here `tee` is the
    /// editor and takes the text from there (measured with Lima 2.2.0).
    pub fn rewrite(&self, name: &VmName, yaml: String) -> CommandSpec {
        CommandSpec::new(&self.program)
            .args(["--tty=true", "edit", name.as_str()])
            .variable("VISUAL", "tee")
            .variable("EDITOR", "tee")
            .stdin(yaml)
    }

    /// Sets top-level keys of a stopped instance's YAML and deletes the keys whose value is `null`.
    ///
    /// The values are written as JSON, which Lima's expression language (yq) reads as literals. Its
    /// releases treat a backslash in a literal differently, so a value that contains one is encoded
    /// as Base64.
    pub fn edit(&self, name: &VmName, keys: &Map<String, Value>) -> CommandSpec {
        let assignments: Vec<String> = keys
            .iter()
            .map(|(key, value)| match (Value::from(key.as_str()), value) {
                (key, Value::Null) => format!("del(.{key})"),
                (key, value) => format!(".{key} = {}", literal(value)),
            })
            .collect();
        let expression = assignments.join(" | ");
        self.quiet().args(["edit", name.as_str(), "--set", expression.as_str()])
    }
}

fn literal(value: &Value) -> String {
    let json = value.to_string();
    if json.contains('\\') {
        format!("(\"{}\" | @base64d | from_json)", STANDARD.encode(json))
    } else {
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_carries_values_as_json() {
        let keys = serde_json::json!({"cpus": 4, "memory": "8GiB", "env": {"A": "it's"}, "b": "\\n", "c": null});
        let limactl = Limactl::new("limactl".into());
        let edit = limactl.edit(&"vm".parse().unwrap(), keys.as_object().unwrap());
        assert_eq!(
            edit.args.last().unwrap().to_str().unwrap(),
            r#"."cpus" = 4 | ."memory" = "8GiB" | ."env" = {"A":"it's"} | ."b" = ("IlxcbiI=" | @base64d | from_json) | del(."c")"#
        );
    }
}
