//! The machine that Ansible runs on.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::programs;
use crate::support::sandbox::{Ran, Sandbox};

/// A control node with the collection, and nothing of the real user's Ansible or ssh.
pub struct Control {
    pub sandbox: Sandbox,
}

/// The collection in the repository.
pub fn collection() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ansible")
}

impl Control {
    /// A control node that uses the collection from the repository.
    pub fn new() -> Self {
        let control = Self::bare();
        control.sandbox.directory("collections/ansible_collections/containai");
        let place = control.sandbox.path("collections/ansible_collections/containai/engine");
        symlink(collection(), place).unwrap();
        control
    }

    /// A control node without the collection.
    pub fn bare() -> Self {
        Self { sandbox: Sandbox::new() }
    }

    /// A command that finds the programs of Ansible, and is usually one of them.
    pub fn command(&self, words: &[&str]) -> Command {
        let programs = programs().expect("CAI_TEST_ANSIBLE");
        let mut command = self.sandbox.command(words);
        let path = command.get_envs().find(|(name, _)| *name == "PATH");
        let path = path.and_then(|(_, path)| path?.to_str()).unwrap();
        let path = format!("{}:{path}", programs.display());
        let known = self.sandbox.path("known_hosts");
        let ssh = format!(
            "-F none -o ControlMaster=auto -o ControlPersist=30 -o IdentitiesOnly=yes \
             -o UserKnownHostsFile={}",
            known.display()
        );
        command
            .env("PATH", path)
            .env("ANSIBLE_HOME", self.sandbox.path("ansible"))
            .env("ANSIBLE_COLLECTIONS_PATH", self.sandbox.path("collections"))
            .env("ANSIBLE_CALLBACK_RESULT_FORMAT", "yaml")
            .env("ANSIBLE_FORKS", "3")
            .env("ANSIBLE_NOCOLOR", "1")
            .env("ANSIBLE_PIPELINING", "1")
            .env("ANSIBLE_SSH_ARGS", ssh)
            .env("ANSIBLE_SSH_CONTROL_PATH_DIR", self.sandbox.path("ssh"))
            // The interpreter is not searched for.
            .env("ANSIBLE_PYTHON_INTERPRETER", programs.join("python3"))
            // The collection is that of the repository, where Python must not leave its cache.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("COLUMNS", "120");
        command
    }

    /// Closes the connections that ssh keeps open between playbooks.
    pub fn close_connections(&self) {
        for socket in std::fs::read_dir(self.sandbox.path("ssh")).into_iter().flatten().flatten() {
            let socket = socket.path();
            let socket = socket.to_str().unwrap();
            self.sandbox.run(&["ssh", "-F", "none", "-O", "exit", "-S", socket, "host"]);
        }
    }

    /// Runs a command of Ansible.
    pub fn run(&self, words: &[&str]) -> Ran {
        self.run_with(words, &[])
    }

    /// Runs a command of Ansible with variables set.
    pub fn run_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut command = self.command(words);
        command.envs(variables.iter().copied());
        let guard = self.sandbox.docker_guard();
        let ran = crate::support::sandbox::finish(command);
        guard.check(&ran.line);
        ran
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.close_connections();
    }
}
