//! A separate home for each test. The real home is neither read nor written.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{PoisonError, RwLock};

use super::documents;
use super::tally::DOCKER_FILES;

/// The account for tools that refuse root, such as `limactl`.
const USER: &str = "cai-test";

/// Locked to write a program and shared to start one. A process that starts during a write inherits
/// the open file for a moment, and a file that is open for writing cannot be run ("Text file
/// busy").
static NEW_PROGRAM: RwLock<()> = RwLock::new(());

/// A home, a `PATH`, and a Docker configuration whose contents must never change.
pub struct Sandbox {
    root: tempfile::TempDir,
    /// The user for commands, if it is not the current user.
    user: Option<(u32, u32)>,
}

/// The files of a user's Docker before a command, to be compared with those after it.
pub struct DockerGuard {
    directory: PathBuf,
    before: BTreeMap<PathBuf, Vec<u8>>,
}

/// The result of a command.
pub struct Ran {
    pub line: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    /// Runs commands as the current user.
    pub fn new() -> Self {
        Self::for_user(None)
    }

    /// Runs commands as an ordinary user. For root, this is the account `cai-test`.
    pub fn unprivileged() -> Self {
        Self::for_user(nix::unistd::Uid::effective().is_root().then(account))
    }

    fn for_user(user: Option<(u32, u32)>) -> Self {
        // The path is short because a socket's path is limited to 104 bytes.
        let root = tempfile::Builder::new().prefix("cai").tempdir_in("/tmp").unwrap();
        let sandbox = Self { root, user };
        for directory in ["", "home", "bin", "home/.docker"] {
            sandbox.directory(directory);
        }
        let cai = Path::new(env!("CARGO_BIN_EXE_cai"));
        match sandbox.user {
            None => sandbox.link_program("cai", cai),
            // The original may be in a directory that only this user can access.
            Some(_) => sandbox.copy_program("cai", cai),
        }
        sandbox
            .write("home/.docker/config.json", "{\n\t\"currentContext\": \"desktop-linux\"\n}\n");
        sandbox.write("home/.docker/daemon.json", "{\"experimental\":false}");
        for name in ["desktop-linux", "somebody-elses"] {
            let endpoint = format!("host=unix:///nosuch/{name}.sock");
            sandbox.run(&["docker", "context", "create", name, "--docker", &endpoint]).success();
        }
        sandbox
    }

    /// A path in the sandbox.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(relative)
    }

    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Creates a directory that belongs to the user for commands.
    pub fn directory(&self, relative: &str) {
        let path = self.path(relative);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self.give(&path);
    }

    /// Writes a file that belongs to the user for commands.
    pub fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        fs::write(&path, text).unwrap();
        self.give(&path);
    }

    fn give(&self, path: &Path) {
        if let Some((user, group)) = self.user {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    /// Puts a link to a program on `PATH`.
    pub fn link_program(&self, name: &str, target: &Path) {
        symlink(target, self.path("bin").join(name)).unwrap();
    }

    /// Puts a copy of a program on `PATH`, which every user can access.
    pub fn copy_program(&self, name: &str, source: &Path) {
        let _alone = NEW_PROGRAM.write().unwrap_or_else(PoisonError::into_inner);
        fs::copy(source, self.path("bin").join(name)).unwrap();
    }

    /// Puts a shell script on `PATH` as a fake program.
    pub fn fake_program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        let _alone = NEW_PROGRAM.write().unwrap_or_else(PoisonError::into_inner);
        fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A command that sees only the sandbox and the tools of the system.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(words[0]);
        let path = format!(
            "{}:/usr/local/bin:/usr/local/sbin:/usr/bin:/bin:/usr/sbin:/sbin:/opt/homebrew/bin",
            self.path("bin").display()
        );
        command
            .args(&words[1..])
            .env_clear()
            .env("PATH", &path)
            .env("HOME", self.home())
            .env("LIMA_HOME", self.path("lima"))
            .env("USER", USER)
            .env("LANG", "C.UTF-8")
            .current_dir(self.home())
            .stdin(Stdio::null());
        // A real `limactl` may need these to find its emulator.
        for (name, value) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("QEMU_SYSTEM_") {
                command.env(name, value);
            }
        }
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Runs a command and waits for it.
    pub fn run(&self, words: &[&str]) -> Ran {
        finish(self.command(words))
    }

    /// Runs `cai` and checks that the user's Docker files did not change.
    pub fn cai(&self, arguments: &[&str]) -> Ran {
        self.cai_with(arguments, &[])
    }

    /// Runs `cai` with variables set.
    pub fn cai_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let guard = self.docker_guard();
        let mut command = self.command(&["cai"]);
        command.args(arguments).envs(variables.iter().copied());
        let ran = finish(command);
        guard.check(&ran.line);
        documents::check(arguments, &ran);
        ran
    }

    /// Records the user's Docker files before a command.
    pub fn docker_guard(&self) -> DockerGuard {
        let directory = self.path("home/.docker");
        DockerGuard { before: docker_files(&directory), directory }
    }
}

impl DockerGuard {
    /// Checks that this command did not change the user's Docker files.
    #[track_caller]
    pub fn check(self, line: &str) {
        DOCKER_FILES.case(|| {
            let after = docker_files(&self.directory);
            assert_eq!(after, self.before, "the user's Docker was touched by {line}");
        });
    }
}

/// Every file of a user's Docker except the contexts that `cai` can create.
fn docker_files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let ours = b"\"Name\":\"containai-";
    let mut files = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            if !bytes.windows(ours.len()).any(|window| window == ours) {
                files.insert(path, bytes);
            }
        }
    }
    files
}

pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

pub fn start(command: &mut Command) -> Child {
    let _shared = NEW_PROGRAM.read().unwrap_or_else(PoisonError::into_inner);
    command.spawn().unwrap_or_else(|error| panic!("{}: {error}", line(command)))
}

/// Runs a command and waits for it.
pub fn finish(mut command: Command) -> Ran {
    let line = line(&command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = start(&mut command).wait_with_output().unwrap();
    Ran {
        line,
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Ran {
    /// The standard output of a command that must succeed.
    #[track_caller]
    pub fn success(&self) -> &str {
        assert!(self.status.success(), "{self}");
        &self.stdout
    }

    /// The standard error of a command that must exit with this code.
    #[track_caller]
    pub fn fails_with(&self, code: i32) -> &str {
        assert_eq!(self.status.code(), Some(code), "{self}");
        &self.stderr
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}", self.line)?;
        f.write_str(&self.stdout)?;
        f.write_str(&self.stderr)?;
        write!(f, "-- {}", self.status)
    }
}

fn account() -> (u32, u32) {
    let user = nix::unistd::User::from_name(USER).unwrap();
    let user = user.unwrap_or_else(|| panic!("limactl refuses root; first run: useradd {USER}"));
    (user.uid.as_raw(), user.gid.as_raw())
}
